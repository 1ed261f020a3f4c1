"""A listing on its way into the staging: its cursor followed, its pages kept in case that it breaks off."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from trayapp.endpoints.model import Endpoint
from trayapp.messages import Message
from trayapp.store.records.digests import Digests
from trayapp.store.records.pages import JsonPage, Page
from trayapp.store.staging.staging import Staging
from trayapp.sync.changes.cursor import Tracker
from trayapp.sync.evidence import Evidence, Lack
from trayapp.sync.http.request import Answer
from trayapp.sync.paging.following import Walk
from trayapp.sync.paging.listing import Listing
from trayapp.sync.reading.journal import Journal, Kept, KeptCall, KeptPage
from trayapp.sync.records.extraction import own_records

SAMPLE = 2000
"""Records looked at to find a key."""


class Walkable(Protocol):
    """What is walked page by page: a Listing, or a Chain of them."""

    evidence: Evidence
    lacking: Lack | None
    shifting: bool
    warnings: list[Message]
    walk: Walk

    def __iter__(self) -> Iterator[Page]:
        """The records of page after page: bytes of their own, or views as `cut_records` gives them."""
        ...


class OutOfDate(Exception):
    """What was kept of a listing does not fit to what is known of the table: begin again."""


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """What a listing is read for. partial: it holds only what changed; full: the table itself is compared.

    began: when the server gave the first page, by its own clock.
    """

    partial: bool = False
    full: bool = False
    began: datetime


class Reading:
    """One listing, or all of a chain, read once or twice in a run. `close` when the run is over.

    walked: the walk that is to be made, or was made last. sample: records of the beginning. answer: the newest page's.
    progressed: whether any page was read that was not kept from a run before. resumed: whether some were.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        target: Target,
        walks: tuple[Walkable, Callable[[], Walkable]],
        tracker: Tracker | None = None,
        journal: Journal | None = None,
        kept: Kept[KeptPage] | None = None,
    ) -> None:
        """`walks` are the first walk and how to make another one."""
        self.endpoint = endpoint
        self.target = target
        self.tracker = tracker
        self.walked, self._again = walks
        self.sample: list[bytes] = []
        self.answer: Answer | None = None
        self.progressed = False
        self.resumed = kept is not None
        self._journal = journal
        self._kept = kept

    def stage(self, staging: Staging, told: Callable[[Walk], None]) -> None:
        """Walk from the beginning, or from where a run before broke off, to the end.

        OutOfDate when what was kept does not fit. SyncErrors and Cancelled; then a long listing stays kept.
        """
        if self._kept is not None:
            self._replay(self._kept, staging)
        self._walk(staging, told, self._journal)
        self.discard()

    def stage_again(self, staging: Staging, told: Callable[[Walk], None]) -> None:
        """Walk a second time: only what the first walk missed is staged."""
        self.walked = self._again()
        staging.walk_again()
        self._walk(staging, told, None)

    def _walk(self, staging: Staging, told: Callable[[Walk], None], journal: Journal | None) -> None:
        for page in self.walked:
            self.progressed = True
            self.sample += map(bytes, page[: SAMPLE - len(self.sample)])
            taken = staging.add_page(page)
            new = own_records(taken.new, self.endpoint.response.records, self.endpoint.url)
            if isinstance(self.walked, Listing):
                self._follow(self.walked, page)
                if journal is not None and self.answer is not None and self.answer.large is not None:
                    journal.discard()  # it would say that all of the page is kept when its first piece is
                elif journal is not None:
                    self._keep(journal, self.walked, taken.unchanged, new)
            told(self.walked.walk)

    def _follow(self, listing: Listing, records: Sequence[bytes]) -> None:
        self.answer = listing.answer
        if self.tracker is not None and self.answer is not None:
            self.tracker.see(self.answer, listing.envelope, records)

    def _keep(self, journal: Journal, listing: Listing, unchanged: Digests, new: Sequence[bytes]) -> None:
        if listing.shifting:
            journal.discard()  # its positions mean something else by the time of the next run
        elif listing.following is not None:
            tracker = self.tracker
            journal.add(
                KeptPage(
                    unchanged=unchanged,
                    records=list(new),
                    walk=listing.walk,
                    following=KeptCall.of(listing.following, listing.source.call),
                    newest=tracker.newest.text if tracker else None,
                    own=tracker.own if tracker else None,
                )
            )

    def _replay(self, kept: Kept[KeptPage], staging: Staging) -> None:
        if not staging.take_listed(digest for page in kept for digest in page.unchanged):
            raise OutOfDate
        for page in kept:
            staging.add_page(JsonPage(page.records))
            self.sample += page.records[: SAMPLE - len(self.sample)]
        if self.tracker is not None and kept.last is not None:
            self.tracker.go_on(kept.last.newest, kept.last.own)

    @property
    def kept_pages(self) -> int:
        """How many pages the next run need not read again."""
        before = self._kept.count if self._kept is not None else 0
        return before + self._journal.pages if self._journal is not None and not self._journal.is_empty else 0

    def discard(self) -> None:
        """Throw away what is kept."""
        if self._journal is not None:
            self._journal.discard()

    def close(self) -> None:
        """The run is over; what is kept stays for the next one."""
        if self._journal is not None:
            self._journal.close()
