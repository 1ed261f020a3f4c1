"""From a listing's first answer to how all of it is read: where its records are, and how it goes on."""

import threading
from datetime import datetime

import msgspec

from trayapp.endpoints.model import Endpoint
from trayapp.messages import Message, say
from trayapp.store.bookkeeping.endpoint_states import read_found
from trayapp.store.file.database import Store
from trayapp.store.mirror.claim import Stored, stored
from trayapp.store.records.pages import Page
from trayapp.sync.detection.first_page import Found, find_source, fits, look_at, not_all_there, settled
from trayapp.sync.detection.proof import ProvenPaging
from trayapp.sync.errors import SyncError
from trayapp.sync.evidence import Evidence
from trayapp.sync.formats.text import Body, read
from trayapp.sync.http.client import Client
from trayapp.sync.http.request import Answer, Call
from trayapp.sync.paging.answer_shape import AnswerShape, failure_in
from trayapp.sync.paging.following import first_page
from trayapp.sync.paging.listing import Listing, Source
from trayapp.sync.paging.prefetch import Prefetcher
from trayapp.sync.paging.tries import SecondPage, Trial


class ResolvedSource(msgspec.Struct, frozen=True):
    """A listing ready to be walked: the endpoint with what was found, and the pages that were fetched already.

    `page` is `first`, read, and `records` are its. alone: there is only one record, and there will never be another.
    """

    endpoint: Endpoint
    source: Source
    first: Answer | None = None
    page: Body | None = None
    records: Page | None = None
    second: SecondPage | None = None
    alone: bool = False
    warnings: tuple[Message, ...] = ()

    def listing(self, client: Client, prefetcher: Prefetcher | None = None) -> Listing:
        """A walk over it that asks for nothing again."""
        return Listing(
            client,
            self.endpoint,
            self.source,
            self.first,
            self.second,
            prefetcher=prefetcher,
            page=self.page,
            records=self.records,
        )


class SourceResolver:
    """Resolves one endpoint's listings, remembering what was proven of the first for the others. Thread-safe."""

    def __init__(self, endpoint: Endpoint, store: Store, now: datetime) -> None:
        self.proven: str | None = None
        """What was found out anew of the whole listing, to be kept for the next run; None if nothing was."""
        self._endpoint = endpoint
        self._store = store
        self._now = now
        self._one_of_many = endpoint.after is not None and bool(endpoint.after.each)
        self._lock = threading.Lock()
        self._known: ProvenPaging | None = None

    def resolve(self, client: Client, call: Call, answer: Answer, asked: str, *, whole: bool = True) -> ResolvedSource:
        """The listing that begins with this answer to the call. SyncErrors.

        asked: what stands for the request, the same for all whose pages go on alike. whole: not only what changed,
        which may be too short to learn from.
        """
        before = self._stored()
        page = read(answer, self._endpoint)
        found = look_at(self._endpoint, answer, page, client.hide, before)
        if answer.large is not None and not fits(self._endpoint, answer, found):
            answer = answer.whole()
            page = read(answer, self._endpoint)
            found = look_at(self._endpoint, answer, page, client.hide, before)
        asked = f"{call.method} {asked} {found.path}"
        if self._endpoint.pages.kind != "auto":
            asked += f" {msgspec.json.encode(self._endpoint.pages).decode()}"
        known = self._remembered(asked)
        failure = failure_in(found.envelope) if known is None or known.shape is None else None
        if failure is not None and not found.alone:
            raise not_all_there(failure, client.hide)
        trial = self._trial(client, call, answer, page, found, asked, whole)
        source = Source(
            call=trial.start or call,
            path=found.path,
            pages=trial.pages,
            evidence=trial.evidence,
            shape=known.shape if known is not None and whole else None,
            total=found.total,
            total_pages=found.total_pages,
        )
        is_begun = trial.start is None
        return ResolvedSource(
            settled(self._endpoint, found),
            source,
            answer if is_begun else None,
            page if is_begun else None,
            found.records if is_begun else None,
            trial.second,
            alone=found.alone and not self._one_of_many,
            warnings=() if trial.proven else (trial.proof,),
        )

    def _trial(
        self, client: Client, call: Call, answer: Answer, page: Body, found: Found, asked: str, whole: bool
    ) -> Trial:
        """How the listing goes on: as the settings say, as it was proven before, or as trying shows now."""
        known = self._remembered(asked)
        if known is not None and known.holds(found.signs, found.count, self._now):
            pages = msgspec.structs.replace(known.pages, max=self._endpoint.pages.max)
            asks = pages.kind == "cursor" and pages.first is not None
            start = first_page(call, pages)
            again = start if asks and (start.url, start.body) != (call.url, call.body) else None
            return Trial(pages, known.evidence, say("The paging was proven in an earlier run."), start=again)
        trial = find_source(self._endpoint, client, call, answer, page.text, found)
        if trial.cut and not trial.proven:
            raise SyncError(
                say("The further pages can't be found") if trial.pages.kind == "none" else say("The pages repeat"),
                trial.proof,
                say('If you need only the first page, set pages.kind = "none".'),
                code="pages_unproven",
                field="pages",
            )
        if not trial.proven:
            return trial
        with self._lock:
            is_less = trial.pages.kind == "none" and known is not None and known.pages.kind != "none"
            if whole and not is_less:
                shape = known.shape if known is not None else None
                self._known = ProvenPaging(asked, trial.pages, found.count, self._now, trial.evidence, shape)
                self.proven = msgspec.json.encode(self._known).decode()
        return trial

    def _remembered(self, asked: str) -> ProvenPaging | None:
        with self._lock:
            if self._known is None:
                with self._store.reading() as db:
                    stored = read_found(db, self._endpoint.id)
                self._known = msgspec.json.decode(stored, type=ProvenPaging) if stored else None
            return self._known if self._known is not None and self._known.asked == asked else None

    def learn(self, shape: AnswerShape | None) -> None:
        """Remember what the answers of a run looked like that ended well."""
        with self._lock:
            known = self._known
            if known is None or shape is None or self._one_of_many:
                return
            self._known = msgspec.structs.replace(known, shape=shape.widened(known.shape))
            if self._known != known:
                self.proven = msgspec.json.encode(self._known).decode()

    @property
    def evidence(self) -> Evidence:
        """What an earlier run found out about the listing, which the server says is what it was."""
        with self._store.reading() as db:
            found = read_found(db, self._endpoint.id)
        return msgspec.json.decode(found, type=ProvenPaging).evidence if found else "asked"

    def _stored(self) -> Stored:
        with self._store.reading() as db:
            return stored(db, self._endpoint.id)


def keyed(endpoint: Endpoint, key: tuple[str, ...]) -> Endpoint:
    """The endpoint with this key."""
    return msgspec.structs.replace(endpoint, table=msgspec.structs.replace(endpoint.table, key=key))
