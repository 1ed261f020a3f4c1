"""Fetching second pages, and comparing them with the first."""

from collections.abc import Hashable, Sequence
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

import msgspec

from trayapp.endpoints.model import Endpoint, Pages
from trayapp.messages import Message, say, say_count
from trayapp.sync import names
from trayapp.sync.errors import NetworkError, SyncError
from trayapp.sync.evidence import Evidence
from trayapp.sync.formats.text import read
from trayapp.sync.http.client import Client
from trayapp.sync.http.request import Answer, Call
from trayapp.sync.paging import candidates
from trayapp.sync.paging.candidates import FirstPage
from trayapp.sync.paging.envelope import Envelope, read_envelope
from trayapp.sync.paging.following import Walk, is_past_the_end, next_call, placed, value_of
from trayapp.sync.records import keys
from trayapp.sync.records.extraction import records_of

MOST_REQUESTS = 12
"""Requests spent on guesses; a person waits for the preview, and the server owes us nothing."""


_NOWHERE = Pages(kind="page")


class Trial(msgspec.Struct, frozen=True):
    """What trying gave: how the listing goes on, on what evidence, said in a sentence, and the second page.

    cut: the server gives a sign that there is more than what can be read. start: the first request, where that is
    another one than was made.
    """

    pages: Pages
    evidence: Evidence
    proof: Message
    second: "SecondPage | None" = None
    cut: bool = False
    start: Call | None = None

    @property
    def proven(self) -> bool:
        """Whether there is any evidence."""
        return self.evidence != "unproven"


class SecondPage(msgspec.Struct, frozen=True):
    """A second page that was fetched to prove something: nobody needs to fetch it again."""

    call: Call
    answer: Answer
    records: Sequence[bytes]
    envelope: Envelope


def _is_no_refusal(error: SyncError) -> bool:
    return isinstance(error, NetworkError) or error.status in (429, 503)


class Tries:
    """Fetches second pages and compares them with the first."""

    def __init__(self, endpoint: Endpoint, client: Client, listing: FirstPage) -> None:
        self.left = MOST_REQUESTS
        self.signed = True
        """Whether the answer gives a sign of more."""
        self.listing = listing
        self.answers = False
        """Whether the server answers when it is asked for a page by number."""
        self.filters = False
        """Whether it takes any name that it does not know for a field's, and gives the records that have that value."""
        self.withheld = False
        """Whether it counts pages, and does not give the second one, though not as if it were past the end."""
        self.refused_all = False
        """Whether the server refuses names that it does not know."""
        self._refusal: int | None = None
        self._more_came = False
        self._ignores = False
        self._endpoint = endpoint
        self._client = client
        self._is_list = listing.text[:1] == b"["
        plain = [msgspec.json.decode(record) for record in listing.records[:1000] if candidates.is_plain(record)]
        own = all(name.startswith("_sync_") for name in endpoint.table.key)
        self._key = keys.key_of(plain, endpoint.table.name) if own else endpoint.table.key
        self.first = self.keys(listing.records)

    def keys(self, records: Sequence[bytes]) -> set[Hashable]:
        """What tells the records apart: their key's values where there is one, else their bytes."""
        if not self._key:
            return set(records)
        return {tuple(_scalar(fields.get(name)) for name in self._key) for fields in map(_fields, records)}

    def following(self, pages: Pages) -> Call | None:
        """The second page's request."""
        walk = Walk()
        walk.step(self.listing.records)
        return next_call(self.listing.call, self.listing.answer, self.listing.envelope, pages, walk)

    def fetched(self, call: Call, quietly: bool = True) -> SecondPage | None:
        """A page; None when the server refuses the request, or enough was asked, and `quietly`; else that raises."""
        if quietly and self.left <= 0:
            return None
        self.left -= 1
        self._refusal = None
        try:
            answer = self._asked(call) if quietly else self._client.fetch(call)
            if answer.status == 304:  # the same tag: these are the first page's bytes
                return SecondPage(call, self.listing.answer, self.listing.records, self.listing.envelope)
            if answer.body == self.listing.answer.body and answer.large is None and answer.kept is None:
                return SecondPage(call, answer, self.listing.records, self.listing.envelope)
            page = read(answer, self._endpoint)
            if (page.text[:1] == b"[") != self._is_list:
                return None  # of another shape: no page of this listing
            envelope = read_envelope(page.text, self.listing.path, answer.url, self._endpoint.response.harmless)
            return SecondPage(call, answer, records_of(page, self.listing.path, answer.url), envelope)
        except SyncError as error:
            if not quietly or _is_no_refusal(error):
                raise
            self._refusal = error.status
            return None

    def _asked(self, call: Call) -> Answer:
        """The answer; a server that is only busy refuses nothing, and is asked again."""
        tag = self.listing.answer.headers.get("ETag")
        if tag and call.method == "GET":
            call = msgspec.structs.replace(call, headers={"If-None-Match": tag, **call.headers})
        try:
            return self._client.fetch(call, patient=False)
        except SyncError as error:
            if not _is_no_refusal(error):
                raise
        return self._client.fetch(call)

    def ask_all(self, numbers: Sequence[Pages]) -> Literal["same", "other", "refused"]:
        """What comes when the next page is asked for under all these names at once: one request for most listings."""
        call = self.listing.call
        for pages in numbers:
            if pages.kind == "page" and pages.start is None:
                pages = msgspec.structs.replace(pages, start=1)
            value = (pages.start or 0) + (1 if pages.kind == "page" else len(self.listing.records))
            call = placed(call, pages, pages.param or pages.kind, value)
        page = self.fetched(call)
        if page is None:
            self.refused_all = self._refusal is not None
            return "refused"
        if self.is_first(page):
            return "same"
        self._more_came = not self.keys(page.records) <= self.first
        return "other"

    def ended_by(self, ways: Sequence[Pages]) -> Trial | None:
        """Which of these ways gives an empty page, where a name that the server can't know gives the first one."""
        self.look_for_filters()
        for pages in ways if not self.filters else ():
            second = self._second(pages)
            if second is not None and not second.records:
                return self._proven(pages, second)
        return None

    def look_for_filters(self) -> None:
        """Find out whether the server takes a name that it can't know for a field's."""
        if not self._more_came:
            page = self.fetched(placed(self.listing.call, _NOWHERE, "no_such_name", "1"))
            self.filters = page is not None and self.keys(page.records) < self.first
            self._ignores = self._ignores or (page is not None and self.is_first(page))

    def narrowed(self, numbers: Sequence[Pages]) -> list[Pages]:
        """Those of the names that make the difference, where half of them can be left out again and again."""
        left, more = list(numbers), self._more_came
        while len(left) > 2 and self.left > 5 and not self.filters:
            half = left[: len(left) // 2]
            answered = self.ask_all(half)
            self._more_came = more
            if answered == "refused":
                break
            left = half if answered == "other" else left[len(left) // 2 :]
        return left

    def fetched_with(self, ways: Sequence[Pages]) -> SecondPage | None:
        """The page that comes when it is asked for in all these ways at once."""
        call = self.listing.call
        for pages in ways:
            following = self.following(pages)
            if following is None:
                return None
            value = dict(parse_qsl(urlsplit(following.url).query)).get(pages.param, "")
            call = placed(call, pages, pages.param, value)
        return self.fetched(call) if self.left > 0 else None

    def leads_on(self, page: SecondPage) -> bool:
        """Whether a page has records, other ones than the first."""
        return bool(page.records) and self._leads_on(self.keys(page.records))

    def moved_on(self, pages: Pages, second: SecondPage) -> bool:
        """Whether a page that looks like the first is another one all the same: it names another next page, or none.

        Only where no field tells the records apart: equal ones may stand on different pages.
        """
        if self._key:
            return False
        walk = Walk(pages=1, records=len(self.listing.records))
        walk.step(second.records)
        following = next_call(self.listing.call, second.answer, second.envelope, pages, walk)
        return following is None or following.url not in (second.call.url, self.listing.call.url)

    def beginning_with(self, page: SecondPage) -> "Tries":
        """The same for a listing that begins with this page; what was spent is spent."""
        first = msgspec.structs.replace(
            self.listing,
            call=page.call,
            answer=page.answer,
            text=page.envelope.text,
            records=page.records,
            envelope=page.envelope,
        )
        tries = Tries(self._endpoint, self._client, first)
        tries.left = self.left
        return tries

    def gave_others(self) -> bool:
        """Whether there are other records behind the first page, though nothing that was asked alone leads there."""
        return self._more_came and self.is_stable()

    def is_stable(self) -> bool:
        """Whether the first request still gives the first page: some servers answer with other records each time."""
        page = self.fetched(self.listing.call)
        return page is not None and self.is_first(page)

    def _is_unmoved(self) -> bool:
        """Whether the first page still has just the same records."""
        page = self.fetched(self.listing.call)
        return page is not None and self.keys(page.records) == self.first

    def is_first(self, page: SecondPage) -> bool:
        """Whether a page is the first one, but for a change made meanwhile."""
        keys = self.keys(page.records)
        same = len(keys & self.first)
        return same * 2 > len(self.first) and same * 2 > len(keys)

    def attempt(self, pages: Pages, named: bool = True, given: bool = False) -> Trial | None:
        """Whether this guess leads to a page with other records. named: it is not only by custom that it is tried.

        given: somebody has set it; then a page without records is one, too, which the server may have more behind.
        """
        if pages.kind == "page" and pages.start is None:
            return self._attempt_page(pages) or (self._attempt_empty(pages) if given else None)
        second = self._second(pages)
        if second is None:
            return None
        if given and not second.records and (pages.kind != "cursor" or self._goes_on(pages, second)):
            return self._proven(pages, second)
        keys = self.keys(second.records)
        if pages.kind == "cursor" and not second.records:
            return self._proven_beyond(pages, second)
        if pages.kind == "cursor" and not pages.param and set(second.records) - set(self.listing.records):
            return self._proven(pages, second)  # it may give more fields of the same records
        if pages.kind == "offset" and pages.start is None and len(keys & self.first) == 1 < len(self.first):
            if not self._is_unmoved():
                return self._proven(pages, second)  # a new record pushed the others on
            # One record twice: positions are counted from one.
            pages = msgspec.structs.replace(pages, start=1)
            second = self._second(pages)
            keys = self.keys(second.records) if second is not None else self.first
        if second is None or not (self._leads_on(keys) or (second.records and self._counts_on(pages, second))):
            return None
        if pages.kind == "cursor":
            return self._proven(pages, second)
        if not second.records:
            # Where any unknown name filters, an empty page says nothing.
            return self._proven(pages, second) if not self.signed and (named or self._ignores) else None
        return self._proven(pages, second) if self.signed or self._ignores or self.is_stable() else None

    def _goes_on(self, pages: Pages, page: SecondPage) -> bool:
        """Whether a page names a next one."""
        return next_call(self.listing.call, page.answer, page.envelope, pages, Walk(pages=1)) is not None

    def _attempt_empty(self, pages: Pages) -> Trial | None:
        second = self._second(pages)
        return self._proven(pages, second) if second is not None and not second.records else None

    def _counts_on(self, pages: Pages, second: SecondPage) -> bool:
        """Whether a page with the same records is another one, as what is said beside them shows: see `moved_on`."""
        if self._key or pages.path.startswith("last:"):
            return False
        if pages.kind == "cursor":
            return self.moved_on(pages, second) and value_of(second.answer, second.envelope, pages.path) not in (
                value_of(self.listing.answer, self.listing.envelope, pages.path),
                None,
            )
        before = dict(self.listing.envelope.members)
        return any(
            isinstance(value, int) and not isinstance(value, bool) and isinstance(before.get(place), int)
            for place, value in second.envelope.members
            if value != before.get(place) and names.last_of(pages.param) == place[-1]
        )

    def _leads_on(self, keys: set[Hashable]) -> bool:
        """Whether a page with these keys is another one. Pages may overlap a little, above all when rows are added."""
        same = len(keys & self.first)
        return not same or same * 2 < len(keys)

    def _proven_beyond(self, pages: Pages, empty: SecondPage) -> Trial | None:
        """An empty page proves nothing, but it may name one that does."""
        page: SecondPage | None = empty
        while page is not None and not page.records and self.left > 0:
            call = next_call(self.listing.call, page.answer, page.envelope, pages, Walk())
            if call is None and page is empty and self._is_known(pages):
                return self._proven(pages, empty)
            page = None if call is None else self.fetched(call)
        if page is None or not page.records or self.keys(page.records) & self.first:
            return None
        count = len(page.records)
        proof = say_count(
            "A later page, requested by cursor ({name}), has another record.",
            "A later page, requested by cursor ({name}), has {count} other records.",
            count,
            name=pages.param,
        )
        return Trial(pages, "ended", proof, empty)

    def _is_known(self, pages: Pages) -> bool:
        """Whether the server knows the parameter that gave an empty page: one of another name gives the first page."""
        call = self.following(msgspec.structs.replace(pages, param=f"no_{pages.param}"))
        page = self.fetched(call) if pages.param and call is not None else None
        return page is not None and self.is_first(page)

    def _attempt_page(self, pages: Pages) -> Trial | None:
        """Whether pages are counted under that name, and from 0 or from 1."""
        zero, one = (msgspec.structs.replace(pages, start=start) for start in (0, 1))
        first = None
        if self.refused_all:
            first = self._second(zero)  # asks for page 1; what refuses that does not know the name
            if first is None:
                return None
        second = self._second(one)
        refusal = self._refusal
        if second is not None and self.is_first(second):
            return self._proven(one, second) if self._counts_on(one, second) else None
        if self.filters and second is not None and not second.records:
            return None
        first = first or self._second(zero)
        if first is None:
            return None
        if self.is_first(first):
            if second is None:
                ends = refusal is not None and is_past_the_end(refusal, one, Walk(pages=1))
                self.withheld = not ends
                return self._proven(one, None) if ends and not self.signed else None
            if not self._leads_on(self.keys(second.records)) or (not second.records and self.signed):
                return None
            return self._proven(one, second)
        if not self._leads_on(self.keys(first.records)) or (not first.records and (second is None or second.records)):
            return None
        start = self.fetched(placed(self.listing.call, pages, pages.param or "page", 0))
        self.filters = start is not None and not (start.records or first.records)
        if start is None or not self.is_first(start) or (not first.records and self.signed):
            return None
        return self._proven(zero, first)

    def _second(self, pages: Pages) -> SecondPage | None:
        call = self.following(pages)
        if call is None or self.left <= 0:
            return None
        page = self.fetched(call)
        if page is not None and pages.kind != "cursor":
            self.answers = True
            self._ignores = self._ignores or self.is_first(page)
        return page

    def _proven(self, pages: Pages, second: SecondPage | None) -> Trial:
        by = {"page": say("page number"), "offset": say("offset"), "cursor": say("cursor")}[pages.kind]
        name = pages.param or say("the parameters in the response")
        if second is None or not second.records:
            proof = say("The next page was requested by {by} ({name}). The server has no more.", by=by, name=name)
            return Trial(pages, "ended", proof, second)
        proof = say_count(
            "The next page, requested by {by} ({name}), has another record.",
            "The next page, requested by {by} ({name}), has {count} other records.",
            len(second.records),
            by=by,
            name=name,
        )
        return Trial(pages, "ended", proof, second)


def _fields(record: bytes) -> dict[str, Any]:
    try:
        fields = msgspec.json.decode(record)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {"": record}
    return fields if isinstance(fields, dict) else {"": record}


def _scalar(value: Any) -> Hashable:
    return value if isinstance(value, str | int | float | None) else msgspec.json.encode(value)
