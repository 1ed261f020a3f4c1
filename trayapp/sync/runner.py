"""One run of one endpoint: fetch, decode, stage, publish, report."""

import errno
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import xxhash

from trayapp.endpoints.model import Auth, Endpoint
from trayapp.errors import UserError
from trayapp.store import runs
from trayapp.store.errors import StoreFull
from trayapp.store.publish import ListingNeeded, Outcome, Plan, load_known, make_plan, publish, stored_key
from trayapp.store.staging import Staging
from trayapp.store.store import Store
from trayapp.store.table import HASH_KEY
from trayapp.sync.auth import SecretReader, credentials
from trayapp.sync.cancel import Cancelled, CancelToken
from trayapp.sync.decode import json_text, split_records
from trayapp.sync.errors import SyncError, hide_secrets
from trayapp.sync.explore import Found, key_for, look_at
from trayapp.sync.http import Answer, Call, Client, first_call
from trayapp.sync.links import place_of
from trayapp.sync.paging import next_call
from trayapp.sync.report import Problem, Progress, Report, RunStatus, sentence_of
from trayapp.sync.supported import require_supported

log = logging.getLogger(__name__)


def _no_secret(_id: str, _auth: Auth) -> str | None:
    return None


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What a run needs besides the endpoint. `staging` is a folder for large listings on their way."""

    store: Store
    staging: Path
    secret: SecretReader = _no_secret
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


def run(
    endpoint: Endpoint,
    surroundings: Surroundings,
    cancel: CancelToken,
    progress: Callable[[Progress], None] = lambda _: None,
    *,
    full: bool = False,
    apply_held: bool = False,
) -> Report:
    """Bring the endpoint's table up to date and say what that changed; failures are reports too, never exceptions.

    full: compare every record with the table instead of trusting what was known. apply_held: delete without brake.
    The run is recorded in the history whatever its end.
    """
    return _Run(endpoint, surroundings, cancel, progress, full, apply_held).run()


class _Run:
    def __init__(
        self,
        endpoint: Endpoint,
        surroundings: Surroundings,
        cancel: CancelToken,
        progress: Callable[[Progress], None],
        full: bool,
        apply_held: bool,
    ) -> None:
        self.endpoint = endpoint
        self.surroundings = surroundings
        self.store = surroundings.store
        self.cancel = cancel
        self.progress = progress
        self.full = full
        self.apply_held = apply_held
        self.started = surroundings.now()
        self.client: Client | None = None
        self.warnings: list[str] = []

    def run(self) -> Report:
        try:
            return self._mirror()
        except Cancelled as stop:
            return self._ended("stopped", reason=stop.reason)
        except UserError as error:
            if self.client is not None:
                hide_secrets(error, self.client.hide)
            return self._ended("failed", error=error)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            full = StoreFull(
                "The disk is full", "There is no room for the listing.", "Make room; the table is as it was."
            )
            return self._ended("failed", error=full)
        finally:
            if self.client is not None:
                self.client.close()

    def _mirror(self) -> Report:
        require_supported(self.endpoint)
        secret = (
            self.surroundings.secret(self.endpoint.id, self.endpoint.auth)
            if self.endpoint.auth.kind != "none"
            else None
        )
        self.client = Client(self.endpoint, credentials(self.endpoint.auth, secret), self.cancel, self.surroundings.now)
        call = first_call(self.endpoint)
        answer = self.client.fetch(call)
        text = json_text(answer, self.endpoint.response.encoding)
        found = look_at(self.endpoint, answer, text)
        if found.more is not None:
            raise SyncError(
                "The listing can't be followed",
                f"No next page was found, but {found.more}.",
                'If one page is all you want, set pages.kind = "none".',
            )
        endpoint = self._with_key(split_records(text, found.path, answer.url))
        full = self.full or endpoint.table.key == (HASH_KEY,)
        try:
            return self._listed(endpoint, found, call, answer, text, full)
        except ListingNeeded:
            return self._listed(endpoint, found, call, answer, text, full=True)

    def _with_key(self, records: list[bytes]) -> Endpoint:
        """The endpoint with its key: from the settings, else as the table was made, else found in the first page."""
        table = self.endpoint.table
        if table.key or table.mode == "append":
            return self.endpoint
        with self.store.reading() as db:
            key = stored_key(db, self.endpoint)
        if not key:
            key = key_for(records, table.name)
            if key == (HASH_KEY,) and records:
                self.warnings.append("No field tells the records apart; they are known by their content.")
            if not records:
                return self.endpoint
        return msgspec.structs.replace(self.endpoint, table=msgspec.structs.replace(table, key=key))

    def _listed(self, endpoint: Endpoint, found: Found, call: Call, answer: Answer, text: bytes, full: bool) -> Report:
        with self.store.writing(self.cancel) as db:
            plan = make_plan(db, endpoint)
        known: dict[bytes, int] = {}
        if not full and endpoint.table.mode in ("mirror", "upsert"):
            with self.store.reading() as db:
                known = load_known(db, plan)
        staging = Staging(self.surroundings.staging, known)
        try:
            complete = self._stage(staging, found, call, answer, text)
            self.cancel.check()
            self.progress(Progress(endpoint=endpoint.id, pages=staging.pages, records=staging.records, doing="saving"))
            return self._publish(endpoint, plan, staging, complete, full)
        finally:
            staging.close()

    def _stage(self, staging: Staging, found: Found, call: Call, answer: Answer, text: bytes) -> bool:
        """Walk the listing to its end; whether it was complete."""
        assert self.client is not None
        endpoint = self.endpoint
        walked = {call.url}
        digests: set[bytes] = set()
        following: Call | None = call
        while True:
            records = split_records(text, found.path, answer.url)
            digest = xxhash.xxh3_128_digest(answer.body)
            if digest in digests and records:
                raise _circle(answer.url)
            digests.add(digest)
            staging.add_page(records)
            self.progress(
                Progress(endpoint=endpoint.id, pages=staging.pages, records=staging.records, total=found.total)
            )
            following = next_call(call, answer, text, found.pages)
            if following is None:
                break
            if following.url in walked:
                raise _circle(following.url)
            walked.add(following.url)
            if found.pages.max is not None and staging.pages >= found.pages.max:
                self.warnings.append(f"Only the first {staging.pages:,} pages were read, as set (pages.max).")
                return False
            if staging.pages >= endpoint.limits.pages:
                raise SyncError(
                    "The listing is too long",
                    f"It has more than {endpoint.limits.pages:,} pages.",
                    "Raise limits.pages if that is expected.",
                )
            answer = self.client.fetch(following)
            text = json_text(answer, endpoint.response.encoding)
        if found.total is not None and found.total != staging.records and found.pages.kind != "none":
            self.warnings.append(
                f"The server says there are {found.total:,} records, the listing gave {staging.records:,};"
                " nothing was deleted in this run."
            )
            return False
        return True

    def _publish(self, endpoint: Endpoint, plan: Plan, staging: Staging, complete: bool, full: bool) -> Report:
        with self.store.writing(self.cancel) as db:
            number = runs.next_number(db)
            outcome = publish(
                db, endpoint, plan, staging, number, complete=complete, full=full, apply_held=self.apply_held
            )
            report = self._report("held" if outcome.held else "succeeded", outcome)
            runs.record_run(db, _row(report), number)
        self.store.checkpoint()
        return report

    def _report(self, status: RunStatus, outcome: Outcome, reason: str = "", error: UserError | None = None) -> Report:
        report = Report(
            endpoint=self.endpoint.id,
            name=self.endpoint.name,
            table=self.endpoint.table.name,
            status=status,
            started=self.started,
            finished=max(self.surroundings.now(), self.started),
            reason=reason or (error.title if error else ""),
            added=outcome.added,
            changed=outcome.changed,
            deleted=outcome.deleted,
            unchanged=outcome.unchanged,
            held=outcome.held,
            rows=outcome.rows if status in ("succeeded", "held") else None,
            requests=self.client.requests if self.client else 0,
            bytes=self.client.bytes if self.client else 0,
            warnings=(*self.warnings, *outcome.warnings),
            problem=Problem(error.title, error.cause, error.next) if error else None,
            retry_after=error.retry_after if isinstance(error, SyncError) else None,
        )
        return msgspec.structs.replace(report, sentence=sentence_of(report))

    def _ended(self, status: RunStatus, reason: str = "", error: UserError | None = None) -> Report:
        report = self._report(status, Outcome(), reason, error)
        try:
            with self.store.writing() as db:
                runs.record_run(db, _row(report))
        except UserError as trouble:
            log.warning("the run of %s could not be recorded: %s", self.endpoint.id, trouble)
        return report


def _row(report: Report) -> runs.RunRow:
    return runs.RunRow(
        endpoint=report.endpoint,
        name=report.name,
        table=report.table,
        started=report.started,
        finished=report.finished,
        status=report.status,
        reason=report.reason,
        added=report.added,
        changed=report.changed,
        deleted=report.deleted,
        unchanged=report.unchanged,
        held=report.held,
        requests=report.requests,
        bytes=report.bytes,
        warnings=report.warnings,
        sentence=report.sentence,
    )


def _circle(url: str) -> SyncError:
    return SyncError(
        "The listing goes in a circle",
        f"{place_of(url)} leads back to a page that was already read.",
        "The server's paging is broken; tell its makers, or limit pages.max.",
    )
