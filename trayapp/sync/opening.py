"""From a listing's first answer to how all of it is read: where its records are, how it goes on, what its key is."""

import threading
from datetime import datetime, timedelta

import msgspec

from trayapp.endpoints.model import Endpoint, Pages
from trayapp.store.pages import Page
from trayapp.store.plan import Stored, stored, stored_key
from trayapp.store.state import read_found
from trayapp.store.store import Store
from trayapp.store.table import HASH_KEY
from trayapp.sync.conditional import BELIEVED
from trayapp.sync.decode import Body, is_large_list, read
from trayapp.sync.errors import SyncError
from trayapp.sync.explore import Found, find_source, key_for, look_at, settled, still_holds
from trayapp.sync.http import Answer, Call, Client
from trayapp.sync.listing import Source
from trayapp.sync.probe import SecondPage


class Opened(msgspec.Struct, frozen=True):
    """A listing ready to be walked: the endpoint with what was found, and the pages that were fetched already.

    `page` is `first`, read, and `records` are its.
    """

    endpoint: Endpoint
    source: Source
    first: Answer | None = None
    page: Body | None = None
    records: Page | None = None
    second: SecondPage | None = None


class _Proven(msgspec.Struct, frozen=True):
    """What was proven: for which request, how the listing goes on, how long its first page was, and when that was."""

    asked: str
    pages: Pages
    count: int
    at: datetime | None = None


class Opener:
    """Opens one endpoint's listings, remembering what was proven of the first for the others. Thread-safe."""

    def __init__(self, endpoint: Endpoint, store: Store, now: datetime) -> None:
        self.proven: str | None = None
        """What was found out anew of the whole listing, to be kept for the next run; None if nothing was."""
        self.warnings: list[str] = []
        self.feeds = False
        """Whether what was opened are feeds."""
        self._endpoint = endpoint
        self._store = store
        self._now = now
        self._lock = threading.Lock()
        self._known: _Proven | None = None
        self._alone = False

    def open(self, client: Client, call: Call, answer: Answer, asked: str, *, whole: bool = True) -> Opened:
        """The listing that begins with this answer to the call. SyncErrors.

        asked: what stands for the request, the same for all whose pages go on alike. whole: not only what changed,
        which may be too short to learn from.
        """
        before = self._stored()
        page = read(answer, self._endpoint)
        found = look_at(self._endpoint, answer, page, client.hide, before)
        if answer.large is not None and not self._fits(answer, found):
            answer = answer.whole()
            page = read(answer, self._endpoint)
            found = look_at(self._endpoint, answer, page, client.hide, before)
        self.feeds = found.format == "feed"
        self._alone = found.alone and (self._endpoint.after is None or not self._endpoint.after.each)
        asked = f"{call.method} {asked} {found.path}"
        pages, second = self._pages(client, call, answer, page, found, asked, whole)
        source = Source(call=call, path=found.path, pages=pages, total=found.total, total_pages=found.total_pages)
        return Opened(settled(self._endpoint, found), source, answer, page, found.records, second)

    def _pages(
        self, client: Client, call: Call, answer: Answer, page: Body, found: Found, asked: str, whole: bool
    ) -> tuple[Pages, SecondPage | None]:
        """How the listing goes on: as the settings say, as it was proven before, or as trying shows now."""
        if self._endpoint.pages.kind != "auto":
            return self._endpoint.pages, None
        known = self._remembered(asked)
        if known is not None and self._holds(known, found, whole):
            return msgspec.structs.replace(known.pages, max=self._endpoint.pages.max), None
        trial = find_source(self._endpoint, client, call, answer, page.text, found)
        if not trial.proven and not trial.cut:
            self.warnings.append(trial.proof)
            return trial.pages, None
        if not trial.proven:
            raise SyncError(
                "The listing can't be followed" if trial.pages.kind == "none" else "The listing goes in a circle",
                trial.proof,
                'If one page is all you want, set pages.kind = "none".',
            )
        with self._lock:
            is_less = trial.pages.kind == "none" and known is not None and known.pages.kind != "none"
            if whole and not is_less:
                self._known = _Proven(asked, trial.pages, found.count, self._now)
                self.proven = msgspec.json.encode(self._known).decode()
        return trial.pages, trial.second

    def _holds(self, known: _Proven, found: Found, whole: bool) -> bool:
        """Whether what was proven can be believed of this listing.

        That there is one page only is for a day, as it may fill up unseen; and for the first of many listings or a part
        of one when it is no longer than what had only one page.
        """
        if known.pages.kind == "none" and not (known.at and timedelta(0) <= self._now - known.at < BELIEVED):
            return False
        one_of_many = self._endpoint.after is not None and bool(self._endpoint.after.each)
        return still_holds(known.pages, known.count, found, shorter=one_of_many or not whole)

    def _fits(self, answer: Answer, found: Found) -> bool:
        """Whether the rest of a large answer need not be seen: neither for other records, nor to find the next page."""
        is_named = found.named is not None or (found.total is None and found.total_pages is None and found.more is None)
        return is_large_list(answer, self._endpoint.response, found.path) and (
            self._endpoint.pages.kind != "auto" or is_named
        )

    def _remembered(self, asked: str) -> _Proven | None:
        with self._lock:
            if self._known is None:
                with self._store.reading() as db:
                    stored = read_found(db, self._endpoint.id)
                self._known = msgspec.json.decode(stored, type=_Proven) if stored else None
            return self._known if self._known is not None and self._known.asked == asked else None

    def _stored(self) -> Stored:
        with self._store.reading() as db:
            return stored(db, self._endpoint.id)

    def key(self) -> tuple[str, ...]:
        """The key from the settings, else the one that the table was made with; () when there is none yet."""
        table = self._endpoint.table
        if table.key or table.mode == "append":
            return table.key
        with self._store.reading() as db:
            return stored_key(db, self._endpoint)

    def find_key(self, records: list[bytes]) -> tuple[str, ...]:
        """A key found in the first records; () when there are none."""
        if not records or self._endpoint.table.mode == "append":
            return ()
        key = key_for(records, self._endpoint.table.name, self._alone)
        if key == (HASH_KEY,):
            self.warnings.append("No field tells the records apart; they are known by their content.")
        return key


def keyed(endpoint: Endpoint, key: tuple[str, ...]) -> Endpoint:
    """The endpoint with this key."""
    return msgspec.structs.replace(endpoint, table=msgspec.structs.replace(endpoint.table, key=key))
