"""Finding out how a listing goes on by trying: a guess counts only when a second page with other records proves it."""

from collections.abc import Hashable, Sequence
from typing import Any, Literal

import msgspec

from trayapp.endpoints.model import Endpoint, Pages
from trayapp.messages import Message, say, say_count
from trayapp.sync.errors import NetworkError, SyncError
from trayapp.sync.formats.lenient_json import outline
from trayapp.sync.formats.text import read
from trayapp.sync.http.client import Client
from trayapp.sync.http.request import Answer, Call
from trayapp.sync.paging import candidates
from trayapp.sync.paging.candidates import FirstPage
from trayapp.sync.paging.following import Walk, is_past_the_end, next_call, placed
from trayapp.sync.paging.hints import looks_cut, named_by_answer, signs_of_more, total
from trayapp.sync.records import keys
from trayapp.sync.records.extraction import records_of

MOST_REQUESTS = 12
"""Requests spent on guesses; a person waits for the preview, and the server owes us nothing."""

_LARGEST_PAGE = 4 << 20
"""Bytes. A larger answer is a whole listing, and dear to ask for again."""
_ONE = Pages(kind="none")


class Trial(msgspec.Struct, frozen=True):
    """What trying gave: how the listing goes on, whether that is proven and why, and the second page.

    cut: the server gives a sign that there is more than what can be read.
    """

    pages: Pages
    proven: bool
    proof: Message
    second: "SecondPage | None" = None
    cut: bool = False


class SecondPage(msgspec.Struct, frozen=True):
    """A second page that was fetched to prove something: nobody needs to fetch it again."""

    call: Call
    answer: Answer
    records: Sequence[bytes]


def find_pages(endpoint: Endpoint, client: Client, listing: FirstPage) -> Trial:
    """How the listing goes on after its first page. `pages.kind` is "none" when nothing else was proven.

    A listing may go on without a word, after any number of records: it is asked for more under the usual names.
    """
    body = outline(listing.text, listing.answer.url)
    pages = named_by_answer(listing.answer.headers, body)
    if pages is not None:
        return _try_named(endpoint, client, listing, pages)
    count = len(listing.records)
    more = signs_of_more(listing.answer.headers, body, count)
    if more is None and not _may_go_on(listing):
        return Trial(_ONE, True, _names_none())
    known = total(listing.answer.headers, body)
    if known is not None and known == count and more is None:
        return Trial(_ONE, True, say("The server reports {total} records, and the response has them all.", total=known))
    tries = _Tries(endpoint, client, listing, more is not None)
    for guess in candidates.cursors(endpoint, listing, body):
        if (trial := tries.attempt(guess)) is not None:
            return trial
    numbers = list(candidates.numbered(endpoint, listing, body))
    if more is None and not numbers:
        if candidates.asks_for(endpoint, count):
            return Trial(
                _ONE,
                False,
                say("The query asks for {number} records and got that many, so there may be more.", number=count),
            )
        return Trial(_ONE, True, _names_none())
    if more is None:
        answered = tries.ask_all(numbers)
        if answered == "same":
            return _asked_for_more(tries, endpoint, listing)
        if answered == "refused" and not looks_cut(count):
            numbers = numbers[:2]
    for guess in numbers:
        named = candidates.are_named(guess, listing, body)
        if tries.filters and not named and guess.param[:1] not in ("_", "$"):
            continue
        if (trial := tries.attempt(guess, named)) is not None:
            return trial
    if more is not None:
        return _not_found(more)
    if tries.gave_others():
        return _not_found(say("The server has other records than those on the first page."))
    if tries.withheld:
        return Trial(
            _ONE, False, say("The server has pages, but the second one could not be read, so there may be more.")
        )
    if tries.answers:
        return Trial(_ONE, True, say("The response names no further page, and asking for one gave no other records."))
    if looks_cut(count):
        return Trial(
            _ONE,
            False,
            say("{number} records may be the page size, and the server rejects requests for more.", number=count),
        )
    return Trial(_ONE, True, say("The response names no further page, and the server rejects requests for one."))


def _names_none() -> Message:
    return say("The response names no further page.")


def _not_found(sign: Message) -> Trial:
    """There is a sign of more, and no way that leads there."""
    return Trial(_ONE, False, say("{sign} No way to the next page was found.", sign=sign), cut=True)


def _asked_for_more(tries: "_Tries", endpoint: Endpoint, listing: FirstPage) -> Trial:
    """What a listing is that goes on under none of the usual names: whole, unless longer pages have more."""
    call = candidates.larger(endpoint, listing)
    more = tries.fetched(call) if call is not None else None
    if more is not None and tries.first < tries.keys(more.records) and tries.is_stable():
        asked, given = len(listing.records) + 1, len(more.records)
        return _not_found(say("Asked for {asked} records at once, the server sent {given}.", asked=asked, given=given))
    return Trial(_ONE, True, say("The response names no further page, and asking for one gave the same records again."))


def _may_go_on(listing: FirstPage) -> bool:
    """Whether it is worth asking for more without a sign of it: a page is not that large, or has a round number."""
    if not listing.records or listing.answer.large is not None:
        return False
    return len(listing.answer.body) <= _LARGEST_PAGE or looks_cut(len(listing.records))


def _try_named(endpoint: Endpoint, client: Client, listing: FirstPage, pages: Pages) -> Trial:
    tries = _Tries(endpoint, client, listing)
    by_header = pages.kind == "link"
    following = tries.following(pages)
    if following is None:
        none = say("“{path}” in the response names no further page.", path=pages.path)
        return Trial(pages, True, say("The Link header names no further page.") if by_header else none)
    second = tries.fetched(following, quietly=False)
    assert second is not None
    new = len(tries.keys(second.records) - tries.first)
    if new or not second.records:
        proof = (
            say("The Link header leads to a next page with {number} other records.", number=new)
            if by_header
            else say(
                "“{path}” in the response leads to a next page with {number} other records.",
                path=pages.path,
                number=new,
            )
        )
        return Trial(pages, True, proof, second)
    proof = (
        say("The next page, named by the Link header, has the same records as the first.")
        if by_header
        else say(
            "The next page, named by “{path}” in the response, has the same records as the first.", path=pages.path
        )
    )
    return Trial(pages, False, proof, second, cut=True)


def _is_no_refusal(error: SyncError) -> bool:
    return isinstance(error, NetworkError) or error.status in (429, 503)


class _Tries:
    """Fetches second pages and compares them with the first."""

    def __init__(self, endpoint: Endpoint, client: Client, listing: FirstPage, signed: bool = True) -> None:
        """signed: whether the answer gives a sign of more."""
        self.left = MOST_REQUESTS
        self.answers = False
        """Whether the server answers when it is asked for a page by number."""
        self.filters = False
        """Whether it takes any name that it does not know for a field's, and gives the records that have that value."""
        self.withheld = False
        """Whether it counts pages, and does not give the second one, though not as if it were past the end."""
        self._signed = signed
        self._refusal: int | None = None
        self._refused_all = False
        self._more_came = False
        self._ignores = False
        self._endpoint = endpoint
        self._client = client
        self._listing = listing
        plain = [msgspec.json.decode(record) for record in listing.records[:1000] if candidates.is_plain(record)]
        self._key = endpoint.table.key or keys.key_of(plain, endpoint.table.name)
        self.first = self.keys(listing.records)

    def keys(self, records: Sequence[bytes]) -> set[Hashable]:
        """What tells the records apart: their key's values where there is one, else their bytes."""
        if not self._key:
            return set(records)
        return {tuple(_scalar(fields.get(name)) for name in self._key) for fields in map(_fields, records)}

    def following(self, pages: Pages) -> Call | None:
        """The second page's request."""
        walk = Walk()
        walk.step(self._listing.records)
        return next_call(self._listing.call, self._listing.answer, self._listing.text, pages, walk)

    def fetched(self, call: Call, quietly: bool = True) -> SecondPage | None:
        """A page; None when the server refuses the request and `quietly`, else that raises."""
        self.left -= 1
        self._refusal = None
        try:
            answer = self._asked(call) if quietly else self._client.fetch(call)
            page = read(answer, self._endpoint)
            return SecondPage(call, answer, records_of(page, self._listing.path, answer.url))
        except SyncError as error:
            if not quietly or _is_no_refusal(error):
                raise
            self._refusal = error.status
            return None

    def _asked(self, call: Call) -> Answer:
        """The answer; a server that is only busy refuses nothing, and is asked again."""
        try:
            return self._client.fetch(call, patient=False)
        except SyncError as error:
            if not _is_no_refusal(error):
                raise
        return self._client.fetch(call)

    def ask_all(self, numbers: Sequence[Pages]) -> Literal["same", "other", "refused"]:
        """What comes when the next page is asked for under all these names at once: one request for most listings."""
        call = self._listing.call
        for pages in numbers:
            if pages.kind == "page" and pages.start is None:
                pages = msgspec.structs.replace(pages, start=1)
            value = (pages.start or 0) + (1 if pages.kind == "page" else len(self._listing.records))
            call = placed(call, pages, pages.param or pages.kind, value)
        page = self.fetched(call)
        if page is None:
            self._refused_all = True
            return "refused"
        if self._is_first(page):
            return "same"
        self._more_came = not self.keys(page.records) <= self.first
        return "other"

    def gave_others(self) -> bool:
        """Whether there are other records behind the first page, though nothing that was asked alone leads there."""
        return self._more_came and self.is_stable()

    def is_stable(self) -> bool:
        """Whether the first request still gives the first page: some servers answer with other records each time."""
        page = self.fetched(self._listing.call)
        return page is not None and self._is_first(page)

    def _is_unmoved(self) -> bool:
        """Whether the first page still has just the same records."""
        page = self.fetched(self._listing.call)
        return page is not None and self.keys(page.records) == self.first

    def _is_first(self, page: SecondPage) -> bool:
        """Whether a page is the first one, but for a change made meanwhile."""
        keys = self.keys(page.records)
        same = len(keys & self.first)
        return same * 2 > len(self.first) and same * 2 > len(keys)

    def attempt(self, pages: Pages, named: bool = True) -> Trial | None:
        """Whether this guess leads to a page with other records. named: it is not only by custom that it is tried."""
        if pages.kind == "page" and pages.start is None:
            return self._attempt_page(pages)
        second = self._second(pages)
        if second is None:
            return None
        keys = self.keys(second.records)
        if pages.kind == "cursor" and not second.records:
            return self._proven_beyond(pages, second)
        if pages.kind == "cursor" and not pages.param and set(second.records) - set(self._listing.records):
            return self._proven(pages, second)  # it may give more fields of the same records
        if pages.kind == "offset" and pages.start is None and len(keys & self.first) == 1 < len(self.first):
            if not self._is_unmoved():
                return self._proven(pages, second)  # a new record pushed the others on
            # One record twice: positions are counted from one.
            pages = msgspec.structs.replace(pages, start=1)
            second = self._second(pages)
            keys = self.keys(second.records) if second is not None else self.first
        if second is None or not self._leads_on(keys):
            return None
        if pages.kind == "cursor":
            return self._proven(pages, second)
        if not second.records:
            # Where any unknown name filters, an empty page says nothing.
            return self._proven(pages, second) if not self._signed and (named or self._ignores) else None
        return self._proven(pages, second) if self._signed or self._ignores or self.is_stable() else None

    def _leads_on(self, keys: set[Hashable]) -> bool:
        """Whether a page with these keys is another one. Pages may overlap a little, above all when rows are added."""
        same = len(keys & self.first)
        return not same or same * 2 < len(keys)

    def _proven_beyond(self, pages: Pages, empty: SecondPage) -> Trial | None:
        """An empty page proves nothing, but it may name one that does."""
        page: SecondPage | None = empty
        while page is not None and not page.records and self.left > 0:
            text = read(page.answer, self._endpoint).text
            call = next_call(self._listing.call, page.answer, text, pages, Walk())
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
        return Trial(pages, True, proof, empty)

    def _is_known(self, pages: Pages) -> bool:
        """Whether the server knows the parameter that gave an empty page: one of another name gives the first page."""
        call = self.following(msgspec.structs.replace(pages, param=f"no_{pages.param}"))
        page = self.fetched(call) if pages.param and call is not None else None
        return page is not None and self._is_first(page)

    def _attempt_page(self, pages: Pages) -> Trial | None:
        """Whether pages are counted under that name, and from 0 or from 1."""
        zero, one = (msgspec.structs.replace(pages, start=start) for start in (0, 1))
        first = None
        if self._refused_all:
            first = self._second(zero)  # asks for page 1; what refuses that does not know the name
            if first is None:
                return None
        second = self._second(one)
        refusal = self._refusal
        if second is not None and self._is_first(second):
            return None
        if self.filters and second is not None and not second.records:
            return None
        first = first or self._second(zero)
        if first is None:
            return None
        if self._is_first(first):
            if second is None:
                ends = refusal is not None and is_past_the_end(refusal, one, Walk(pages=1))
                self.withheld = not ends
                return self._proven(one, None) if ends and not self._signed else None
            if not self._leads_on(self.keys(second.records)) or (not second.records and self._signed):
                return None
            return self._proven(one, second)
        if not self._leads_on(self.keys(first.records)) or (not first.records and (second is None or second.records)):
            return None
        start = self.fetched(placed(self._listing.call, pages, pages.param or "page", 0))
        self.filters = start is not None and not (start.records or first.records)
        if start is None or not self._is_first(start) or (not first.records and self._signed):
            return None
        return self._proven(zero, first)

    def _second(self, pages: Pages) -> SecondPage | None:
        call = self.following(pages)
        if call is None or self.left <= 0:
            return None
        page = self.fetched(call)
        if page is not None and pages.kind != "cursor":
            self.answers = True
            self._ignores = self._ignores or self._is_first(page)
        return page

    def _proven(self, pages: Pages, second: SecondPage | None) -> Trial:
        by = {"page": say("page number"), "offset": say("offset"), "cursor": say("cursor")}[pages.kind]
        name = pages.param or say("the parameters in the response")
        if second is None or not second.records:
            proof = say("The next page was requested by {by} ({name}). The server has no more.", by=by, name=name)
            return Trial(pages, True, proof, second)
        proof = say_count(
            "The next page, requested by {by} ({name}), has another record.",
            "The next page, requested by {by} ({name}), has {count} other records.",
            len(second.records),
            by=by,
            name=name,
        )
        return Trial(pages, True, proof, second)


def _fields(record: bytes) -> dict[str, Any]:
    try:
        fields = msgspec.json.decode(record)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {"": record}
    return fields if isinstance(fields, dict) else {"": record}


def _scalar(value: Any) -> Hashable:
    return value if isinstance(value, str | int | float | None) else msgspec.json.encode(value)
