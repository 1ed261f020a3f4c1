"""What makes a listing believed complete: that it was followed to its end, and that nothing slipped through. Pure."""

from datetime import datetime, timedelta
from typing import Literal

import msgspec

from trayapp.endpoints.model import Pages
from trayapp.store.mirror.deletions import Proof
from trayapp.sync.changes.conditional import BELIEVED
from trayapp.sync.evidence import Evidence
from trayapp.sync.paging.answer_shape import AnswerShape
from trayapp.sync.paging.signs import Signs, looks_cut

_ENOUGH = 5
"""Of fewer records hardly anything can be asked for."""
MOST_PAGES_TWICE = 100
"""Listings up to this many pages are walked a second time before anything is deleted, where rows may have slipped.

What a longer one lacks must be missing in the next run's too.
"""

Repeated = Literal["complete", "incomplete", "refused"]
"""How a second walk over a listing ended; refused: the server did not allow it."""


class ProvenPaging(msgspec.Struct, frozen=True):
    """How a listing goes on, as proven: for which request, how long its first page was, and when that was.

    shape: what its answers looked like in good runs.
    """

    asked: str
    pages: Pages
    count: int
    at: datetime | None = None
    evidence: Evidence = "asked"
    shape: AnswerShape | None = None

    def holds(self, signs: Signs, count: int, now: datetime) -> bool:
        """Whether it can be believed of a first page with `count` records, which says that.

        That there is one page only is believed for a day, as it may fill up unseen, and not of more records than it was
        asked about where their number may be a page's limit.
        """
        if self.pages.kind == "link":
            return signs.link is not None or not signs.addresses
        if self.pages.kind == "next_url":
            paths = [address.path for address in signs.addresses]
            return self.pages.path in paths or (not paths and signs.link is None)
        if self.pages.kind != "none":
            return True
        is_recent = self.at is not None and timedelta(0) <= now - self.at < BELIEVED
        still = count <= self.count or (self.count >= _ENOUGH and not looks_cut(count))
        return is_recent and signs.more(count) is None and still


class Walked(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a listing that was walked.

    complete: it is believed to be all, on whatever evidence. shifting: its rows may have moved
    between the pages. resumed: a part of it was read by a run before. partial: it has only what changed since then.
    unseen: nothing of it was in the table, so that nothing can be missing from it, nor is it shown to have all records.
    by_cursor: the next runs ask only for what changes from now on. counted: the server says how many records there are.
    lacks: whether rows of the table are missing in it. repeated: how a second walk ended. None: that was not tried.
    """

    complete: bool
    shifting: bool
    resumed: bool
    partial: bool
    unseen: bool
    by_cursor: bool
    counted: bool
    pages: int
    lacks: bool | None = None
    repeated: Repeated | None = None

    @property
    def is_last_chance(self) -> bool:
        """Whether nobody would ask again for what slipped through: it is missed by no comparison with the table."""
        return self.shifting and (self.unseen or self.by_cursor)


def judged(listing: Walked) -> Proof | Literal["compare", "repeat"]:
    """How far a listing proves that what it lacks is gone, or what is to be found out first.

    compare: whether it lacks rows of the table. repeat: whether a second walk gives the same.
    """
    if not listing.complete:
        return "none"
    if not listing.shifting and (listing.partial or not listing.resumed):
        return "whole"
    if not listing.is_last_chance:
        if listing.lacks is None:
            return "compare"
        if not listing.lacks:
            return "whole"
    if listing.repeated is not None:
        proofs: dict[str, Proof] = {"complete": "whole", "incomplete": "none", "refused": "half"}
        return proofs[listing.repeated]
    if listing.pages <= MOST_PAGES_TWICE or listing.partial:
        return "repeat"
    return "counted" if listing.counted and not listing.resumed else "half"
