"""One run of one endpoint: fetch, decode, stage, publish, report."""

import errno
import logging
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from trayapp.endpoints.model import After, Auth, Endpoint
from trayapp.errors import UserError
from trayapp.store import runs
from trayapp.store.known import Known
from trayapp.store.marks import Marks, is_current, last_publish, read_marks, write_marks
from trayapp.store.missing import Proof, count_missing
from trayapp.store.parents import Parent, load_parents, save_parents
from trayapp.store.plan import Plan, load_known, make_plan, mapping_of
from trayapp.store.publish import ListingNeeded, Outcome, publish
from trayapp.store.staging import Staging
from trayapp.store.state import load_state, write_found
from trayapp.store.store import Store
from trayapp.store.table import HASH_KEY
from trayapp.sync import conditional
from trayapp.sync.ahead import Ahead
from trayapp.sync.auth import Access, SecretReader
from trayapp.sync.budget import Budgets, Pace
from trayapp.sync.cancel import Cancelled, CancelToken
from trayapp.sync.chain import Chain, ParentRow, SharedAccess, parent_rows
from trayapp.sync.chain_reading import ChainReading, is_whole_due
from trayapp.sync.ending import disk_full, report_of, row_of, unexpected
from trayapp.sync.errors import AuthError, SyncError, TransientError, hide_secrets
from trayapp.sync.http import Call, Client, first_call
from trayapp.sync.incremental import (
    Tracker,
    asks_for_changes,
    fingerprint,
    is_expired,
    is_partial,
    server_time,
    since,
)
from trayapp.sync.listing import Listing, Source
from trayapp.sync.merge import Merged, comes_in_parts
from trayapp.sync.oauth.accounts import Accounts, access_for
from trayapp.sync.opening import Opened, Opener, keyed
from trayapp.sync.paging import Walk, first_page
from trayapp.sync.reading import Aim, OutOfDate, Reading
from trayapp.sync.report import Progress, Report, RunStatus
from trayapp.sync.resume import Journal, Kept, KeptPage, KeptPart, Terms, Ticket, load, path_for

log = logging.getLogger(__name__)

MOST_PAGES_TWICE = 100
"""Listings up to this many pages are walked a second time before anything is deleted, where rows may have slipped.

What a longer one lacks must be missing in the next run's too.
"""

_LAST_WORD = 2.0
"""Seconds that a run which was stopped waits for the file, to record itself."""

_CANT_GO_ON = (400, 404, 409, 410, 422, 500)
"""Answers to the request that goes on with a listing after which it is begun anew: its cursor is no longer known."""


AnyReading = Reading | ChainReading


def _no_secret(_id: str, _auth: Auth) -> str | None:
    return None


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What a run needs besides the endpoint. `staging` is a folder for large listings on their way.

    `secret` reads what a person has entered, `accounts` keeps what servers gave us. `budgets` should be the same for
    all runs of the program. `find` gives an endpoint of the settings as they are now, which may have changed names.
    """

    store: Store
    staging: Path
    secret: SecretReader = _no_secret
    accounts: Accounts = msgspec.field(default_factory=Accounts)
    budgets: Budgets = msgspec.field(default_factory=Budgets)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    find: Callable[[str], Endpoint | None] = lambda _: None


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
        self.clients: list[Client] = []
        self.warnings: list[str] = []
        self.opener = Opener(endpoint, self.store, self.started)
        self.incremental = endpoint.incremental if asks_for_changes(endpoint) else None
        self.marks = Marks()
        self.published = 0
        self.ahead: Ahead | None = None

    def run(self) -> Report:
        try:
            return self._mirror()
        except Cancelled as stop:
            return self._ended("stopped", reason=stop.reason)
        except UserError as error:
            hide_secrets(error, self._hide)
            return self._ended("failed", error=error)
        except Exception as error:
            # Whatever one endpoint meets, others are to run after it.
            if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
                return self._ended("failed", error=disk_full())
            log.exception("The run of %s ended with an unexpected error", self.endpoint.id)
            return self._ended("failed", error=unexpected(error))
        finally:
            if self.ahead is not None:
                self.ahead.close()
            for client in self.clients:
                client.close()

    def _hide(self, text: str) -> str:
        for client in self.clients:
            text = client.hide(text)
        return text

    def _mirror(self) -> Report:
        access = SharedAccess(
            access_for(self.endpoint, self.surroundings.secret, self.surroundings.accounts, self.cancel)
        )
        if self.endpoint.after is not None and self.endpoint.after.each:
            return self._chained(access, self.endpoint.after)
        pace = Pace(self.endpoint.limits.rate)
        client = self._client(access, self.cancel, pace)
        self.ahead = Ahead(
            lambda cancel: self._client(access, cancel, pace), self.cancel, self.endpoint.limits.connections
        )
        self._recall()
        partial = self._may_be_partial()
        try:
            return self._single(client, partial=partial, full=self.full)
        except ListingNeeded:
            self.warnings = []
            return self._single(client, partial=False, full=True)
        except SyncError as error:
            if not partial or not is_expired(error):
                raise
        self.warnings = ["The server no longer knows the cursor: the whole listing was read."]
        return self._single(client, partial=False, full=self.full)

    def _client(self, access: Access, cancel: CancelToken, pace: Pace | None = None) -> Client:
        around = self.surroundings
        client = Client(self.endpoint, access, cancel, around.now, around.budgets, pace, around.staging)
        self.clients.append(client)
        return client

    def _recall(self) -> None:
        """What the last run left, as far as it holds for the request and the table as the settings have them now."""
        with self.store.reading() as db:
            marks = read_marks(db, self.endpoint.id)
            current = is_current(db, self.endpoint)
            self.published = last_publish(db, self.endpoint.id)
        asked = fingerprint(self.endpoint)
        self.marks = marks if current and marks.asked == asked else Marks(asked=asked)

    def _may_be_partial(self) -> bool:
        if self.full or self.apply_held or self.opener.key() == (HASH_KEY,):
            return False
        return is_partial(self.endpoint, self.marks, self.started)

    def _single(self, client: Client, *, partial: bool, full: bool) -> Report:
        """Mirror one listing; partial: only what changed since the last run."""
        base = call = first_page(first_call(self.endpoint), self.endpoint.pages)
        if self.incremental is not None:
            call = since(base, self.incremental, self.marks.cursor if partial else None)
        full = full or self.opener.key() == (HASH_KEY,)
        terms = self._terms(partial, full)
        kept = load(path_for(self.surroundings.staging, self.endpoint.id), terms, self.started, KeptPage)
        if kept is not None and (report := self._gone_on(client, call, kept)) is not None:
            return report
        may_skip = not (partial or full or self.apply_held) and conditional.can_ask(
            self.endpoint, self.marks, self.started
        )
        answer = client.fetch(conditional.asking(call, self.marks) if may_skip else call)
        if may_skip and conditional.is_unmodified(answer, self.marks):
            return self._unmodified()
        opened = self.opener.open(client, call, answer, base.url, whole=not partial)
        aim = Aim(partial=partial, full=full, began=server_time(answer) or self.started)
        return self._listed(self._reading(client, opened, aim, journal=self._journal(client, opened, aim, terms)))

    def _reading(
        self, client: Client, opened: Opened, aim: Aim, journal: Journal, kept: Kept[KeptPage] | None = None
    ) -> Reading:
        endpoint, source = opened.endpoint, opened.source
        tracker = None
        if self.incremental is not None:
            tracker = Tracker(self.incremental, source.pages, self.marks.cursor if aim.partial else None)
        ahead = self.ahead
        first = Listing(
            client, endpoint, source, opened.first, opened.second, ahead=ahead, page=opened.page, records=opened.records
        )
        if kept is not None and kept.last is not None:
            last = kept.last
            first = Listing(
                client, endpoint, source, start=last.following.call(source.call), walk=last.walk, ahead=ahead
            )
        if comes_in_parts(first):
            whole = keyed(endpoint, self.opener.key())
            again = Listing(client, endpoint, source)
            return Reading(whole, aim, (Merged(again, whole), lambda: Merged(Listing(client, endpoint, source), whole)))
        return Reading(
            keyed(endpoint, self.opener.key()),
            aim,
            (first, lambda: Listing(client, endpoint, source, ahead=ahead)),
            tracker,
            journal,
            kept,
        )

    def _terms(self, partial: bool, full: bool) -> Terms:
        return Terms(
            asked=fingerprint(self.endpoint),
            table=mapping_of(self.endpoint),
            published=self.published,
            cursor=self.marks.cursor if partial else None,
            partial=partial,
            full=full,
        )

    def _journal(self, client: Client, opened: Opened, aim: Aim, terms: Terms) -> Journal:
        response, source = opened.endpoint.response, opened.source
        ticket = Ticket(
            terms=terms,
            made=self.started,
            began=aim.began,
            path=response.records,
            format=response.format,
            pages=source.pages,
            total=source.total,
            total_pages=source.total_pages,
        )
        return Journal(path_for(self.surroundings.staging, self.endpoint.id), ticket, client.hide)

    def _gone_on(self, client: Client, call: Call, kept: Kept[KeptPage]) -> Report | None:
        """Go on with a listing that broke off; None when that is not possible: then nothing of it is left."""
        ticket = kept.ticket
        response = msgspec.structs.replace(self.endpoint.response, records=ticket.path, format=ticket.format)
        source = Source(
            call=call, path=ticket.path, pages=ticket.pages, total=ticket.total, total_pages=ticket.total_pages
        )
        opened = Opened(msgspec.structs.replace(self.endpoint, response=response), source)
        aim = Aim(partial=ticket.terms.partial, full=ticket.terms.full, began=ticket.began)
        reading = self._reading(client, opened, aim, kept.journal(client.hide), kept)
        try:
            return self._listed(reading)
        except OutOfDate:
            reading.discard()
        except SyncError as error:
            if reading.progressed or error.status not in _CANT_GO_ON:
                raise
            reading.discard()
        self.warnings = []
        return None

    def _chained(self, access: Access, after: After) -> Report:
        """Mirror the listings of all rows of a query as one."""
        self._recall()
        rows = parent_rows(self.endpoint, self.store)
        aim = Aim(full=self.full or self.opener.key() == (HASH_KEY,), began=self.started)
        if after.only_changed and self.opener.key() == (HASH_KEY,):
            self.warnings.append("All rows were asked for: without a key the records of the others can't be known.")
        pace = Pace(self.endpoint.limits.rate)
        try:
            return self._listed(self._chain_reading(access, pace, rows, after, aim))
        except ListingNeeded:
            self.warnings = []
            whole = msgspec.structs.replace(aim, full=True)
            return self._listed(self._chain_reading(access, pace, rows, after, whole))

    def _chain_reading(
        self, access: Access, pace: Pace, rows: Sequence[ParentRow], after: After, aim: Aim
    ) -> ChainReading:
        endpoint = keyed(self.endpoint, self.opener.key())

        def chain(asked: Sequence[ParentRow], others: int, ended: Callable[[ParentRow], None]) -> Chain:
            return Chain(
                endpoint,
                asked,
                self.opener,
                lambda cancel: self._client(access, cancel, pace),
                self.cancel,
                others,
                ended,
            )

        before: dict[bytes, Parent] = {}
        if not (aim.full or is_whole_due(after, self.marks, self.started)):
            with self.store.reading() as db:
                before = load_parents(db, endpoint.id)
        path = path_for(self.surroundings.staging, endpoint.id)
        terms = self._terms(False, aim.full)
        kept = load(path, terms, self.started, KeptPart)
        journal = Journal(path, Ticket(terms=terms, made=self.started, began=aim.began))
        if kept is not None:
            journal = kept.journal()
        return ChainReading(endpoint, aim, rows, chain, before, journal, kept)

    def _unmodified(self) -> Report:
        with self.store.writing(self.cancel) as db:
            rows = load_state(db, self.endpoint.id).rows or 0
            report = self._report("succeeded", Outcome(unchanged=rows, rows=rows))
            runs.record_run(db, row_of(report))
        return report

    def _listed(self, reading: AnyReading) -> Report:
        with closing(reading):
            return self._staged(reading)

    def _staged(self, reading: AnyReading) -> Report:
        endpoint, aim = reading.endpoint, reading.aim
        keyless = not endpoint.table.key and endpoint.table.mode != "append"
        staging = Staging(self.surroundings.staging, Known() if keyless else self._known(endpoint, aim))
        try:
            reading.stage(staging, self._tell)
            if self.opener.feeds:
                endpoint = msgspec.structs.replace(
                    endpoint, response=msgspec.structs.replace(endpoint.response, format="feed")
                )
            if keyless:  # it has no table yet, so nothing could be known
                endpoint = keyed(endpoint, self.opener.find_key(reading.sample))
                aim = msgspec.structs.replace(aim, full=aim.full or endpoint.table.key == (HASH_KEY,))
            plan = self._plan(endpoint)
            proof = self._proof(endpoint, plan, staging, reading, aim)
            self.cancel.check()
            self.progress(Progress(endpoint=endpoint.id, pages=staging.pages, records=staging.records, doing="saving"))
            self.warnings += [*self.opener.warnings, *reading.walked.warnings]
            if reading.tracker is not None:
                self.warnings += reading.tracker.warnings()
            if endpoint.table.mode == "replace" and proof == "none" and self.endpoint.pages.max is None:
                raise SyncError(
                    "The listing is incomplete",
                    self.warnings[-1] if self.warnings else "It ended before it was all there.",
                    "The table stays as it was; the next run tries again.",
                )
            return self._publish(endpoint, plan, staging, proof, aim, reading)
        except (Cancelled, SyncError) as trouble:
            if isinstance(trouble, Cancelled | TransientError | AuthError):
                self._tell_kept(reading)
            else:
                reading.discard()  # what is wrong with the listing would still be wrong
            raise
        finally:
            staging.close()

    def _tell_kept(self, reading: AnyReading) -> None:
        if reading.kept_pages:
            self.warnings.append(f"{reading.kept_pages:,} pages are kept: the next run goes on from there.")

    def _plan(self, endpoint: Endpoint) -> Plan:
        with self.store.writing(self.cancel) as db:
            return make_plan(db, endpoint, self.surroundings.find)

    def _known(self, endpoint: Endpoint, aim: Aim) -> Known:
        plan = self._plan(endpoint)
        if aim.full or aim.partial or endpoint.table.mode in ("append", "replace"):
            return Known()
        with self.store.reading() as db:
            return load_known(db, plan)

    def _tell(self, walk: Walk) -> None:
        self.progress(Progress(endpoint=self.endpoint.id, pages=walk.pages, records=walk.records, total=walk.total))

    def _proof(self, endpoint: Endpoint, plan: Plan, staging: Staging, reading: AnyReading, aim: Aim) -> Proof:
        """How far the listing proves that what it lacks is gone.

        Rows may have slipped between numbered pages, or between the two parts of a listing that broke off: if anything
        is missing it is walked again, unless it is long. Where nothing could be missing, as the table is new or made
        anew, and where only what changed is asked for, so that nobody would ask again for what slipped through, it is
        always walked again.
        """
        walked, mode = reading.walked, endpoint.table.mode
        if not walked.complete:
            return "none"
        if not walked.shifting and (aim.partial or not reading.resumed):
            return "whole"
        total = walked.walk.total
        is_new = walked.shifting and mode != "append" and (plan.shape is None or mode == "replace")
        is_new = is_new and (total is None or total != staging.distinct())
        at_once = walked.shifting and (is_new or self.incremental is not None)
        if not at_once:
            with self.store.reading() as db:
                if not count_missing(db, endpoint, plan, staging, aim.full):
                    return "whole"
        if walked.walk.pages <= MOST_PAGES_TWICE or aim.partial:
            try:
                reading.stage_again(staging, self._tell)
            except TransientError:
                if not is_new:
                    raise
                # A server that allows no more requests now would allow no more at the next attempt.
                reading.walked = walked
            else:
                return "whole" if reading.walked.complete else "none"
        elif walked.walk.total is not None and not reading.resumed:
            return "counted"
        if at_once:
            self.warnings.append("What moved between the pages meanwhile may come with the next whole listing only.")
        return "half"

    def _publish(
        self, endpoint: Endpoint, plan: Plan, staging: Staging, proof: Proof, aim: Aim, reading: AnyReading
    ) -> Report:
        with self.store.writing(self.cancel) as db:
            number = runs.next_number(db)
            outcome = publish(
                db,
                endpoint,
                plan,
                staging,
                number,
                proof="none" if aim.partial else proof,
                full=aim.full,
                apply_held=self.apply_held,
                partial=aim.partial,
            )
            report = self._report("held" if outcome.held else "succeeded", outcome)
            runs.record_run(db, row_of(report), number)
            if self.opener.proven is not None:
                write_found(db, endpoint.id, self.opener.proven)
            write_marks(db, endpoint.id, self._marks(proof != "none", outcome, reading))
            if isinstance(reading, ChainReading):
                save_parents(db, endpoint.id, reading.before, reading.parents)
        self.store.checkpoint()
        return report

    def _marks(self, complete: bool, outcome: Outcome, reading: AnyReading) -> Marks:
        """What the next run can go on from."""
        before = self.marks
        if isinstance(reading, ChainReading):
            last_full = self.started if reading.is_whole else before.last_full
            return Marks(asked=before.asked, last_full=None if outcome.suspects else last_full)
        if reading.tracker is not None:
            if not complete:
                return before
            last_full = before.last_full if reading.aim.partial else self.started
            if outcome.suspects:
                last_full = None  # only a whole listing can tell of them
            return msgspec.structs.replace(
                before, cursor=reading.tracker.cursor(reading.aim.began), last_full=last_full
            )
        walk, answer = reading.walked.walk, reading.answer
        is_whole = (
            complete and not outcome.held and not reading.resumed and conditional.is_whole(reading.endpoint, walk)
        )
        if answer is None or not is_whole:
            return Marks()
        return conditional.marked(before, answer, self.started)

    def _report(self, status: RunStatus, outcome: Outcome, reason: str = "", error: UserError | None = None) -> Report:
        finished = max(self.surroundings.now(), self.started)
        report = report_of(self.endpoint, (self.started, finished), status, outcome, reason, error)
        return msgspec.structs.replace(
            report,
            requests=sum(client.requests for client in self.clients),
            bytes=sum(client.bytes for client in self.clients),
            warnings=(*self.warnings, *outcome.warnings),
        )

    def _ended(self, status: RunStatus, reason: str = "", error: UserError | None = None) -> Report:
        report = self._report(status, Outcome(), reason, error)
        try:
            # Who stops a run, or the program, does not wait for a line of the history.
            with self.store.writing(patience=_LAST_WORD if self.cancel.cancelled else None) as db:
                runs.record_run(db, row_of(report))
        except UserError as trouble:
            log.warning("the run of %s could not be recorded: %s", self.endpoint.id, trouble)
        return report
