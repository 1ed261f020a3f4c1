"""The listings of an endpoint that has one for each row of a query, mirrored as if they were one."""

from collections.abc import Callable, Sequence

from trayapp.messages import say
from trayapp.store.bookkeeping.parent_rows import Parent, load_parents
from trayapp.store.staging.published import ListingNeeded
from trayapp.sync.detection.resolver import SourceResolver, keyed
from trayapp.sync.http.auth import Access
from trayapp.sync.http.budget import Pace
from trayapp.sync.reading.chain import Chain, ParentRow, parent_rows
from trayapp.sync.reading.chain_reading import ChainReading, is_whole_due
from trayapp.sync.reading.journal import Journal, KeptPart, Ticket, load
from trayapp.sync.reading.listing_reading import Target
from trayapp.sync.report import Report
from trayapp.sync.run.attempt import Attempt
from trayapp.sync.run.current_run import CurrentRun


class ChainedListings:
    """Mirrors the listings in as many attempts as it takes; `attempt` is the newest. `close` when done."""

    def __init__(self, run: CurrentRun, access: Access) -> None:
        assert run.endpoint.after is not None
        self._run = run
        self._access = access
        self._pace = Pace(run.endpoint.limits.rate)
        self._after = run.endpoint.after
        self._resolver = SourceResolver(run.endpoint, run.store, run.started)
        self.attempt = Attempt(run, self._resolver)

    def mirror(self) -> Report:
        """Only the rows that must be asked for, if that will do, else all. SyncErrors, StoreErrors and Cancelled."""
        run = self._run
        rows = parent_rows(run.endpoint, run.store, run.cancel)
        if self._after.only_changed and run.is_keyless:
            self.attempt.warnings.append(
                say("All rows were requested: without a key, the records of unchanged rows can't be told apart.")
            )
        try:
            return self.attempt.mirror(self._reading(rows, full=run.full or run.is_keyless))
        except ListingNeeded:
            self.attempt = Attempt(run, self._resolver)
            return self.attempt.mirror(self._reading(rows, full=True))

    def close(self) -> None:
        """All requests are over with the chain itself."""

    def _reading(self, rows: Sequence[ParentRow], full: bool) -> ChainReading:
        run = self._run
        endpoint = keyed(run.endpoint, run.key)
        target = Target(full=full, began=run.started)

        def chain(asked: Sequence[ParentRow], others: int, ended: Callable[[ParentRow], None]) -> Chain:
            return Chain(
                endpoint,
                asked,
                self._resolver,
                lambda cancel: run.client(self._access, cancel, self._pace),
                run.cancel,
                others,
                ended,
            )

        before: dict[bytes, Parent] = {}
        if not (full or is_whole_due(self._after, run.marks, run.started)):
            with run.store.reading() as db:
                before = load_parents(db, endpoint.id)
        terms = run.terms(False, full)
        kept = load(run.journal_path, terms, run.started, KeptPart)
        journal = Journal(run.journal_path, Ticket(terms=terms, made=run.started, began=target.began))
        if kept is not None:
            journal = kept.journal()
        return ChainReading(endpoint, target, rows, chain, before, journal, kept)
