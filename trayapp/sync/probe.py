"""Finding out how a listing goes on by trying: a guess counts only when a second page with other records proves it."""

import re
from collections.abc import Hashable, Iterator, Mapping
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

import msgspec

from trayapp.endpoints.model import Endpoint, Pages
from trayapp.sync import detect
from trayapp.sync.decode import outline, read, split_records
from trayapp.sync.errors import SyncError
from trayapp.sync.http import Answer, Call, Client
from trayapp.sync.paging import LAST, Walk, next_call

MOST_REQUESTS = 8
"""Requests spent on guesses; a person waits for the preview, and the server owes us nothing."""

_PAGE_NAMES = (
    "page",
    "p",
    "pg",
    "paged",
    "pageno",
    "_page",
    "pageNumber",
    "page_number",
    "page[number]",
    "currentPage",
)
_OFFSET_NAMES = (
    "offset",
    "skip",
    "$skip",
    "start",
    "startAt",
    "start_at",
    "startIndex",
    "start_index",
    "from",
    "_start",
)
_BY_DEFAULT = ("page", "offset", "_page", "skip", "start", "$skip")
_TOKEN_PARAMS = {
    "next_cursor": ("cursor", "next_cursor", "start_cursor"),
    "nextCursor": ("cursor", "nextCursor"),
    "next_page_token": ("page_token", "next_page_token"),
    "nextPageToken": ("pageToken", "nextPageToken"),
    "next_token": ("next_token", "token"),
    "nextToken": ("nextToken", "token"),
    "endCursor": ("after", "cursor"),
    "after": ("after",),
    "continuation": ("continuation",),
    "continuationToken": ("continuationToken",),
    "next": ("next", "cursor", "after", "_next", "page"),
}
_TOKEN_HEADERS = {
    "X-Next-Page": ("page",),
    "X-Next-Cursor": ("cursor",),
    "X-Cursor": ("cursor",),
    "X-Continuation-Token": ("continuationToken", "continuation"),
    "x-ms-continuation": ("continuation",),
}
_URL_HEADERS = ("Next-Page", "X-Next", "X-Next-Url", "X-Next-Page-Url")
_LAST_PARAMS = ("starting_after", "after", "after_id", "since_id", "last_id", "cursor")
_PAGE_SIZES = {
    5,
    10,
    12,
    15,
    20,
    24,
    25,
    30,
    40,
    50,
    60,
    75,
    100,
    120,
    128,
    150,
    200,
    250,
    256,
    300,
    500,
    512,
    1000,
    1024,
}


class Trial(msgspec.Struct, frozen=True):
    """What trying gave: how the listing goes on, whether that is proven and why, and the second page."""

    pages: Pages
    proven: bool
    proof: str
    second: "SecondPage | None" = None


class SecondPage(msgspec.Struct, frozen=True):
    """A second page that was fetched to prove something: nobody needs to fetch it again."""

    call: Call
    answer: Answer
    records: tuple[bytes, ...]


class FirstPage(msgspec.Struct, frozen=True):
    """A first page: the call that gave it, the answer, its JSON text, and where and what its records are."""

    call: Call
    answer: Answer
    text: bytes
    path: str
    records: tuple[bytes, ...]


def named_by_answer(headers: Mapping[str, str], body: Any) -> Pages | None:
    """How the listing goes on where the answer gives the next page's very address; None where it does not."""
    found = detect.next_url(headers, body)
    if found is not None:
        kind, path, _ = found
        return Pages(kind="link") if kind == "link" else Pages(kind="next_url", path=path)
    for name in _URL_HEADERS:
        if re.match(r"(https?://|/|\?)", headers.get(name, "")):
            return Pages(kind="next_url", path=f"header:{name}")
    return None


def looks_cut(count: int) -> bool:
    """Whether so many records may well be a page's limit rather than all there are."""
    return count in _PAGE_SIZES or (count > 0 and count % 100 == 0)


def find_pages(endpoint: Endpoint, client: Client, listing: FirstPage) -> Trial:
    """How the listing goes on after its first page. `pages.kind` is "none" when nothing else was proven."""
    body = outline(listing.text, listing.answer.url)
    pages = named_by_answer(listing.answer.headers, body)
    if pages is not None:
        return _try_named(endpoint, client, listing, pages)
    more = detect.signs_of_more(listing.answer.headers, body, len(listing.records))
    if more is None and not looks_cut(len(listing.records)):
        return Trial(Pages(kind="none"), True, "The answer names no further page.")
    known = detect.total(listing.answer.headers, body)
    if known is not None and known == len(listing.records) and more is None:
        return Trial(
            Pages(kind="none"), True, f"The server says there are {known:,} records, and the answer has them all."
        )
    tries = _Tries(endpoint, client, listing)
    for guess in _guesses(endpoint, listing, body):
        trial = tries.attempt(guess)
        if trial is not None:
            return trial
        if tries.left <= 0:
            break
    if more is not None:
        return Trial(Pages(kind="none"), False, f"No way to the next page was found, but {more}.")
    return Trial(
        Pages(kind="none"), True, "The answer names no further page, and asking for one gave the same records again."
    )


def _try_named(endpoint: Endpoint, client: Client, listing: FirstPage, pages: Pages) -> Trial:
    tries = _Tries(endpoint, client, listing)
    where = "the Link header" if pages.kind == "link" else f"{pages.path!r} in the answer"
    following = tries.following(pages)
    if following is None:
        return Trial(pages, True, f"{where[:1].upper()}{where[1:]} names no further page.")
    second = tries.fetched(following, quietly=False)
    assert second is not None
    new = len(tries.keys(second.records) - tries.first)
    if new or not second.records:
        return Trial(
            pages, True, f"The next page, named by {where}, was fetched and has {new:,} other records.", second
        )
    return Trial(pages, False, f"The next page, named by {where}, has the same records as the first.", second)


class _Tries:
    """Fetches second pages and compares them with the first."""

    def __init__(self, endpoint: Endpoint, client: Client, listing: FirstPage) -> None:
        self.left = MOST_REQUESTS
        self._endpoint = endpoint
        self._client = client
        self._listing = listing
        plain = [msgspec.json.decode(record) for record in listing.records[:1000] if _is_plain(record)]
        self._key = endpoint.table.key or detect.key_of(plain, endpoint.table.name)
        self.first = self.keys(listing.records)

    def keys(self, records: tuple[bytes, ...]) -> set[Hashable]:
        """What tells the records apart: their key's values where there is one, else their bytes."""
        if not self._key:
            return set(records)
        return {tuple(_scalar(fields.get(name)) for name in self._key) for fields in map(_fields, records)}

    def following(self, pages: Pages) -> Call | None:
        """The second page's request."""
        walk = Walk()
        walk.step(list(self._listing.records))
        return next_call(self._listing.call, self._listing.answer, self._listing.text, pages, walk)

    def fetched(self, call: Call, quietly: bool = True) -> SecondPage | None:
        """A page; None when the server refuses the request and `quietly`, else that raises."""
        self.left -= 1
        try:
            answer = self._client.fetch(call, patient=not quietly)
            text = read(answer, self._endpoint).text
            return SecondPage(call, answer, tuple(split_records(text, self._listing.path, answer.url)))
        except SyncError:
            if quietly:
                return None
            raise

    def attempt(self, pages: Pages) -> Trial | None:
        """Whether this guess leads to a page with other records."""
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
        if pages.kind == "offset" and len(keys & self.first) == 1 and pages.start is None:
            # One record twice: positions are counted from one.
            pages = msgspec.structs.replace(pages, start=1)
            second = self._second(pages)
            keys = self.keys(second.records) if second is not None else self.first
        if second is None or not self._leads_on(pages, keys):
            return None
        return self._proven(pages, second)

    def _leads_on(self, pages: Pages, keys: set[Hashable]) -> bool:
        """Whether a page with these keys is another one. Pages that follow by cursor may overlap a little."""
        same = len(keys & self.first)
        return not same or (pages.kind == "cursor" and same * 2 < len(keys))

    def _proven_beyond(self, pages: Pages, empty: SecondPage) -> Trial | None:
        """An empty page proves nothing, but it may name one that does."""
        page: SecondPage | None = empty
        while page is not None and not page.records and self.left > 0:
            text = read(page.answer, self._endpoint).text
            call = next_call(self._listing.call, page.answer, text, pages, Walk())
            page = None if call is None else self.fetched(call)
        if page is None or not page.records or self.keys(page.records) & self.first:
            return None
        count = len(page.records)
        return Trial(pages, True, f"A later page, asked for by cursor ({pages.param}), has {count:,} others.", empty)

    def _attempt_page(self, pages: Pages) -> Trial | None:
        one = self._second(msgspec.structs.replace(pages, start=0))  # asks for page 1
        if one is None:
            return None
        if one.records and not self.keys(one.records) & self.first:
            return self._proven(msgspec.structs.replace(pages, start=0), one)
        if self.keys(one.records) != self.first:
            return None
        two = self._second(msgspec.structs.replace(pages, start=1))
        if two is None or self.keys(two.records) & self.first:
            return None
        return self._proven(msgspec.structs.replace(pages, start=1), two)

    def _second(self, pages: Pages) -> SecondPage | None:
        call = self.following(pages)
        return None if call is None or self.left <= 0 else self.fetched(call)

    def _proven(self, pages: Pages, second: SecondPage) -> Trial:
        what = {"page": "page number", "offset": "offset", "cursor": "cursor"}[pages.kind]
        name = pages.param or "the answer's own parameters"
        if not second.records:
            return Trial(pages, True, f"Asked by {what} ({name}) for more, the server has none.", second)
        count = len(second.records)
        return Trial(pages, True, f"The next page, asked for by {what} ({name}), has {count:,} other records.", second)


def _guesses(endpoint: Endpoint, listing: FirstPage, body: Any) -> Iterator[Pages]:
    yield from _cursor_guesses(endpoint, listing, body)
    into: Literal["json", "query"] = "json" if endpoint.request.method == "POST" else "query"
    query = dict(parse_qsl(urlsplit(listing.call.url).query, keep_blank_values=True))
    fields = _envelope_names(body)
    for names in (query.keys(), fields, _BY_DEFAULT):
        for name in (*_PAGE_NAMES, *_OFFSET_NAMES):
            if name not in names or (names is _BY_DEFAULT and (name in query or name in fields)):
                continue
            if name in _PAGE_NAMES:
                given = query.get(name, "")
                yield Pages(kind="page", param=name, start=int(given) if given.isdigit() else None, into=into)
            else:
                yield Pages(kind="offset", param=name, into=into)


def _cursor_guesses(endpoint: Endpoint, listing: FirstPage, body: Any) -> Iterator[Pages]:
    post = endpoint.request.method == "POST"
    for name, params in _TOKEN_HEADERS.items():
        if listing.answer.headers.get(name):
            for param in params:
                yield Pages(kind="cursor", path=f"header:{name}", param=param)
    for path in _token_paths(body):
        token = detect.find(body, path)
        if isinstance(token, dict):
            yield Pages(kind="cursor", path=path)
            continue
        variable = _graphql_variable(endpoint)
        if variable:
            yield Pages(kind="cursor", path=path, param=f"variables.{variable}", into="json")
            continue
        for param in _TOKEN_PARAMS.get(path.rpartition(".")[2], ("cursor",)):
            if post:
                yield Pages(kind="cursor", path=path, param=param, into="json")
            yield Pages(kind="cursor", path=path, param=param)
    if any(detect.find(body, path) is True for path in detect.MORE_PLACES) and listing.records:
        records = [msgspec.json.decode(record) for record in listing.records if _is_plain(record)]
        for name in detect.key_of(records, endpoint.table.name)[:1]:
            for param in _LAST_PARAMS[:3]:
                yield Pages(kind="cursor", path=LAST + name, param=param)


def _token_paths(body: Any) -> Iterator[str]:
    for path in (*detect.TOKEN_PLACES, *_page_infos(body, "", 0)):
        token = detect.find(body, path)
        if token and isinstance(token, str | dict | int) and not isinstance(token, bool):
            yield path


def _page_infos(value: Any, path: str, depth: int) -> Iterator[str]:
    """Where GraphQL connections say how they go on."""
    if isinstance(value, dict) and depth < 6:
        for name, inner in value.items():
            place = f"{path}.{name}" if path else str(name)
            if name == "pageInfo" and isinstance(inner, dict) and inner.get("hasNextPage"):
                yield f"{place}.endCursor"
            elif isinstance(inner, dict):
                yield from _page_infos(inner, place, depth + 1)


def _graphql_variable(endpoint: Endpoint) -> str | None:
    body = endpoint.request.json
    query = body.get("query") if isinstance(body, dict) else None
    found = re.search(r"\$(\w*(?:after|cursor)\w*)\s*:", query, re.IGNORECASE) if isinstance(query, str) else None
    return found[1] if found else None


def _envelope_names(body: Any) -> set[str]:
    names: set[str] = set()
    if isinstance(body, dict):
        for name, inner in body.items():
            names.add(name)
            if isinstance(inner, dict):
                names.update(inner)
    return names


def _is_plain(record: bytes) -> bool:
    try:
        msgspec.json.decode(record)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return True


def _fields(record: bytes) -> dict[str, Any]:
    try:
        fields = msgspec.json.decode(record)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {"": record}
    return fields if isinstance(fields, dict) else {"": record}


def _scalar(value: Any) -> Hashable:
    return value if isinstance(value, str | int | float | None) else msgspec.json.encode(value)
