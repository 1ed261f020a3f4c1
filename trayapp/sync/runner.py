"""One run of one endpoint: fetch, decode, stage, publish, report."""

import errno
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from trayapp.endpoints.model import Auth, Endpoint, Pages
from trayapp.errors import UserError
from trayapp.store import runs
from trayapp.store.errors import StoreFull
from trayapp.store.known import Known
from trayapp.store.publish import (
    ListingNeeded,
    Outcome,
    Plan,
    count_missing,
    load_known,
    make_plan,
    publish,
    stored_key,
)
from trayapp.store.staging import Staging
from trayapp.store.state import read_found, write_found
from trayapp.store.store import Store
from trayapp.store.table import HASH_KEY
from trayapp.sync.auth import SecretReader
from trayapp.sync.cancel import Cancelled, CancelToken
from trayapp.sync.decode import read
from trayapp.sync.errors import SyncError, hide_secrets
from trayapp.sync.explore import Found, find_source, key_for, look_at, settled, still_holds
from trayapp.sync.http import Answer, Call, Client, first_call
from trayapp.sync.listing import Listing, Source
from trayapp.sync.oauth.accounts import Accounts, access_for
from trayapp.sync.paging import first_page
from trayapp.sync.probe import SecondPage
from trayapp.sync.report import Problem, Progress, Report, RunStatus, sentence_of
from trayapp.sync.supported import require_supported

log = logging.getLogger(__name__)

MOST_PAGES_TWICE = 100
"""Listings up to this many pages are walked a second time before anything is deleted, where rows may have slipped."""


def _no_secret(_id: str, _auth: Auth) -> str | None:
    return None


class _Found(msgspec.Struct, frozen=True):
    """What an earlier run proved: for which request, how the listing goes on, and how long its first page was."""

    asked: str
    pages: Pages
    count: int


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What a run needs besides the endpoint. `staging` is a folder for large listings on their way.

    `secret` reads what a person has entered, `accounts` keeps what servers gave us.
    """

    store: Store
    staging: Path
    secret: SecretReader = _no_secret
    accounts: Accounts = msgspec.field(default_factory=Accounts)
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
        self._found: _Found | None = None
        self._second: SecondPage | None = None

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
        access = access_for(self.endpoint, self.surroundings.secret, self.surroundings.accounts, self.cancel)
        self.client = Client(self.endpoint, access, self.cancel, self.surroundings.now)
        call = first_page(first_call(self.endpoint), self.endpoint.pages)
        answer = self.client.fetch(call)
        page = read(answer, self.endpoint)
        found = look_at(self.endpoint, answer, page, self.client.hide)
        source = Source(
            call=call,
            path=found.path,
            pages=self._pages(self.client, call, answer, page.text, found),
            total=found.total,
            total_pages=found.total_pages,
        )
        endpoint = settled(self._with_key(list(found.records)), found)
        full = self.full or endpoint.table.key == (HASH_KEY,)
        try:
            return self._listed(endpoint, source, answer, full)
        except ListingNeeded:
            return self._listed(endpoint, source, None, full=True)

    def _pages(self, client: Client, call: Call, answer: Answer, text: bytes, found: Found) -> Pages:
        """How the listing goes on: as the settings say, as the last run proved it, or as trying shows now."""
        if self.endpoint.pages.kind != "auto":
            return self.endpoint.pages
        with self.store.reading() as db:
            stored = read_found(db, self.endpoint.id)
        asked = f"{call.method} {call.url} {found.path}"
        count = len(found.records)
        known = msgspec.json.decode(stored, type=_Found) if stored else None
        if known is not None and known.asked == asked and still_holds(known.pages, known.count, found):
            return msgspec.structs.replace(known.pages, max=self.endpoint.pages.max)
        trial = find_source(self.endpoint, client, call, answer, text, found)
        if not trial.proven:
            raise SyncError(
                "The listing can't be followed" if trial.pages.kind == "none" else "The listing goes in a circle",
                trial.proof,
                'If one page is all you want, set pages.kind = "none".',
            )
        self._found = _Found(asked, trial.pages, count)
        self._second = trial.second
        return trial.pages

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

    def _listed(self, endpoint: Endpoint, source: Source, first: Answer | None, full: bool) -> Report:
        assert self.client is not None
        with self.store.writing(self.cancel) as db:
            plan = make_plan(db, endpoint)
        staging = Staging(self.surroundings.staging, self._known(endpoint, plan, full))
        try:
            listing = Listing(self.client, endpoint, source, first, self._second if first else None)
            self._stage(staging, listing)
            complete = listing.complete
            if complete and listing.shifting and listing.walk.pages <= MOST_PAGES_TWICE:
                complete = self._confirm(endpoint, plan, staging, source, full)
            self.cancel.check()
            self.progress(Progress(endpoint=endpoint.id, pages=staging.pages, records=staging.records, doing="saving"))
            return self._publish(endpoint, plan, staging, complete, full)
        finally:
            staging.close()

    def _known(self, endpoint: Endpoint, plan: Plan, full: bool) -> Known:
        if full or endpoint.table.mode not in ("mirror", "upsert"):
            return Known()
        with self.store.reading() as db:
            return load_known(db, plan)

    def _stage(self, staging: Staging, listing: Listing) -> None:
        for records in listing:
            staging.add_page(records)
            walk = listing.walk
            self.progress(Progress(endpoint=self.endpoint.id, pages=walk.pages, records=walk.records, total=walk.total))
        self.warnings += listing.warnings

    def _confirm(self, endpoint: Endpoint, plan: Plan, staging: Staging, source: Source, full: bool) -> bool:
        """Rows may have slipped between numbered pages: what seems deleted is looked for in a second walk."""
        assert self.client is not None
        with self.store.reading() as db:
            missing = count_missing(db, endpoint, plan, staging, full)
        if not missing:
            return True
        again = Listing(self.client, endpoint, source)
        staging.walk_again()
        self._stage(staging, again)
        return again.complete

    def _publish(self, endpoint: Endpoint, plan: Plan, staging: Staging, complete: bool, full: bool) -> Report:
        with self.store.writing(self.cancel) as db:
            number = runs.next_number(db)
            outcome = publish(
                db, endpoint, plan, staging, number, complete=complete, full=full, apply_held=self.apply_held
            )
            report = self._report("held" if outcome.held else "succeeded", outcome)
            runs.record_run(db, _row(report), number)
            if self._found is not None:
                write_found(db, endpoint.id, msgspec.json.encode(self._found).decode())
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
