"""The listings of a chain on their way into the staging: only the rows asked for that have to be."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from trayapp.endpoints.model import After, Endpoint
from trayapp.store.bookkeeping.endpoint_states import Marks
from trayapp.store.bookkeeping.parent_rows import Parent
from trayapp.store.records.digests import Digests
from trayapp.store.records.pages import JsonPage
from trayapp.store.staging.staging import Staging
from trayapp.sync.changes.cursor import FULL_EVERY
from trayapp.sync.paging.following import Walk
from trayapp.sync.reading.chain import Chain, ParentRow
from trayapp.sync.reading.journal import Journal, Kept, KeptPart
from trayapp.sync.reading.listing_reading import SAMPLE, Target
from trayapp.sync.records.extraction import check_records

NewChain = Callable[[Sequence[ParentRow], int, Callable[[ParentRow], None]], Chain]
"""Makes a chain over rows, told how many others there are, and what to call when a row was read completely."""


def is_whole_due(after: After, marks: Marks, now: datetime) -> bool:
    """Whether a chain asks for all its rows in this run, whatever is remembered of them.

    marks: those of this very request, and for a table that is as the settings say.
    """
    every = FULL_EVERY if after.full_every is None else timedelta(seconds=after.full_every.seconds)
    return not after.only_changed or marks.last_full is None or not timedelta(0) <= now - marks.last_full < every


class ChainReading:
    """A chain read once or twice in a run, with the attributes of a Reading. `close` when the run is over.

    A row is not asked for when it is as it was when it was last listed (`before`), or when a run that broke off had
    read all of it (`kept`); in either case only if the table still has the records it gave.
    """

    tracker = None
    answer = None
    walked: Chain

    def __init__(
        self,
        endpoint: Endpoint,
        target: Target,
        rows: Sequence[ParentRow],
        chain: NewChain,
        before: Mapping[bytes, Parent],
        journal: Journal,
        kept: Kept[KeptPart] | None = None,
    ) -> None:
        self.endpoint = endpoint
        self.target = target
        self.before = before
        self.sample: list[bytes] = []
        self.resumed = False
        self._rows = rows
        self._chain = chain
        self._remembers = endpoint.after is not None and endpoint.after.only_changed
        self._journal = journal
        self._kept = kept
        self._kept_pages = 0
        self._standing: set[bytes] = set()
        self._ended: dict[bytes, bytes] = {}
        self._digests: dict[bytes, dict[bytes, None]] = {}  # of each row's records, in their order and none twice

    def stage(self, staging: Staging, told: Callable[[Walk], None]) -> None:
        """Walk over the rows that must be asked for. SyncErrors and Cancelled; then what was read stays kept."""
        self._take_up(staging)
        asked = [row for row in self._rows if row.id not in self._ended]
        self._walk(asked, staging, told, self._journal)
        self.discard()

    def stage_again(self, staging: Staging, told: Callable[[Walk], None]) -> None:
        """Walk a second time: only what the first walk missed is staged."""
        staging.walk_again()
        asked = [row for row in self._rows if row.id not in self._standing]
        self._walk(asked, staging, told, None)

    def _take_up(self, staging: Staging) -> None:
        """Stage what is known of rows without asking for them."""
        if self._kept is None and not self.before:
            return
        known = set(staging.known.digests.without(staging.known.void))
        rows = {row.id: row.seen for row in self._rows}
        kept = list(_believed(self._kept, rows, known)) if self._kept is not None else []
        self._ended = {part.row: part.seen for part in kept if part.seen}
        self.resumed = bool(kept)
        listed: dict[bytes, None] = {}
        for part in kept:
            listed |= self._note(part.row, part.unchanged)
            self._kept_pages += not part.seen
        for row, before in self.before.items():
            if row in self._ended or rows.get(row) != before.seen:
                continue
            if known.issuperset(before.digests):
                listed |= self._note(row, before.digests)
                self._standing.add(row)
        self._ended |= {row: rows[row] for row in self._standing}
        staging.take_listed(listed)
        for part in kept:
            if part.records:
                page = JsonPage(part.records)
                staging.add_page(page)
                self._note(part.row, page.digests)
                self.sample += part.records[: SAMPLE - len(self.sample)]

    def _walk(
        self, asked: Sequence[ParentRow], staging: Staging, told: Callable[[Walk], None], journal: Journal | None
    ) -> None:
        begun: set[bytes] = set()

        def keep(part: KeptPart) -> None:
            if journal is not None:
                journal.add(part)
            begun.add(part.row)

        def ended(row: ParentRow) -> None:
            self._ended[row.id] = row.seen
            keep(KeptPart(row=row.id, is_first=row.id not in begun, seen=row.seen))

        self.walked = self._chain(asked, len(self._rows) - len(asked), ended)
        if journal is not None:
            self.walked.walk.pages = self._kept_pages
        for page in self.walked:
            row = self.walked.row
            assert row is not None
            self.sample += page[: SAMPLE - len(self.sample)]
            taken = staging.add_page(page)
            check_records(taken.new, self.endpoint.url)
            self._note(row.id, page.digests)
            first = row.id not in begun
            keep(KeptPart(row=row.id, is_first=first, unchanged=taken.unchanged, records=list(taken.new)))
            told(self.walked.walk)
        if self.walked.is_feed:
            response = msgspec.structs.replace(self.endpoint.response, format="feed")
            self.endpoint = msgspec.structs.replace(self.endpoint, response=response)

    def _note(self, row: bytes, digests: Digests) -> dict[bytes, None]:
        found = dict.fromkeys(digests)
        if self._remembers:
            self._digests.setdefault(row, {}).update(found)
        return found

    @property
    def is_whole(self) -> bool:
        """Whether all rows were asked for, in this run or the one it goes on with."""
        return not self._standing

    @property
    def parents(self) -> dict[bytes, Parent] | None:
        """What is to be remembered of the rows; None if nothing is."""
        if not self._remembers:
            return None
        return {row: Parent(seen, Digests.chained(self._digests.get(row, ()))) for row, seen in self._ended.items()}

    @property
    def kept_pages(self) -> int:
        """How many pages the next run need not read again."""
        return 0 if self._journal.is_empty else self._kept_pages + self._journal.pages

    def discard(self) -> None:
        """Throw away what is kept."""
        self._journal.discard()

    def close(self) -> None:
        """The run is over; what is kept stays for the next one."""
        self._journal.close()


def _believed(kept: Kept[KeptPart], rows: Mapping[bytes, bytes], known: set[bytes]) -> Iterator[KeptPart]:
    """The parts of rows that were read to their end and are as they were then, without those of broken-off tries."""
    ended: set[bytes] = set()
    first: dict[bytes, int] = {}
    for number, part in enumerate(kept):
        if part.is_first:
            first[part.row] = number
            ended.discard(part.row)
        if part.seen and rows.get(part.row) == part.seen:
            ended.add(part.row)
        if not known.issuperset(part.unchanged):
            first[part.row] = -1
    for number, part in enumerate(kept):
        if part.row in ended and 0 <= first.get(part.row, -1) <= number:
            yield part
