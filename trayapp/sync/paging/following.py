"""From one page to the next request, for every way in which listings go on. Pure: nothing is fetched here."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec

from trayapp.endpoints.model import Pages
from trayapp.messages import say
from trayapp.sync import names
from trayapp.sync.errors import SyncError
from trayapp.sync.formats import lenient_json
from trayapp.sync.http.links import joined, next_link, origin, place_of
from trayapp.sync.http.request import Answer, Call, with_params
from trayapp.sync.paging.hints import linked

MOST_EMPTY = 3
"""So many empty pages may come in a row where pages have numbers; some servers name a next one for ever."""

MOST_EMPTY_BY_TOKEN = 1000
"""The same where tokens lead on: servers that filter while they scan give many."""

LAST = "last:"
"""A cursor path that begins so names a field of the page's last record (Stripe's `starting_after` and its kind)."""

_raw_object = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Walk(msgspec.Struct):
    """How far a listing was walked: pages and records so far, and the totals its first page told, None if none.

    `count` is the number of records on the newest page, `last` its last record, raw; `empty` how many pages without any
    came since the last one with some.
    """

    pages: int = 0
    records: int = 0
    count: int = 0
    last: bytes = b""
    empty: int = 0
    total: int | None = None
    total_pages: int | None = None

    def step(self, records: Sequence[bytes]) -> None:
        """One more page was read."""
        self.pages += 1
        self.count = len(records)
        self.records += len(records)
        self.last = bytes(records[-1]) if records else b""
        self.empty = 0 if records else self.empty + 1


def first_page(call: Call, pages: Pages) -> Call:
    """The first request, with the page size and the first position where the settings give them."""
    if pages.size_param and pages.size:
        call = placed(call, pages, pages.size_param, pages.size)
    if pages.kind in ("page", "offset") and pages.start is not None:
        call = placed(call, pages, pages.param or pages.kind, pages.start)
    return call


def next_call(first: Call, answer: Answer, text: bytes, pages: Pages, walk: Walk) -> Call | None:
    """The request for the page after `answer`, or None at the end. Raises SyncError when it leads to another server.

    first: the listing's first request. pages.kind is anything but "auto". text: the answer's body as JSON text. A short
    page never ends a listing: servers cap page sizes.
    """
    if pages.kind == "none":
        return None
    if pages.kind in ("link", "next_url"):
        by_header = pages.kind == "link"
        target = next_link(answer.headers.get("Link", "")) if by_header else value_of(answer, text, pages.path)
        return _followed(first, answer, target) if isinstance(target, str) and target else None
    if pages.kind == "cursor":
        return _by_cursor(first, answer, text, pages, walk)
    return _by_number(first, text, pages, walk)


def _followed(first: Call, answer: Answer, target: str) -> Call:
    url = joined(answer.url, target)
    if origin(url) != origin(answer.url):
        raise SyncError(
            say("The next page is on another server"),
            say("{address} continues at {target}.", address=place_of(answer.url), target=place_of(url)),
            say("If that is intended, create an endpoint for that address."),
            code="other_server",
            field="url",
        )
    if origin(url) == origin(first.url):  # the parameters are for that server alone
        url = with_params(url, _dropped(first.url, url))
    return Call(url=url, method=first.method, headers=first.headers, body=first.body)


def _dropped(before: str, after: str) -> list[tuple[str, str]]:
    """Parameters of the first request that the next address lost, though they say nothing about the position."""
    one, other = urlsplit(before), urlsplit(after)
    if one.path != other.path:
        return []
    kept = {name for name, _ in parse_qsl(other.query, keep_blank_values=True)}
    if names.TOKEN_WITH_FILTERS in kept:
        return []
    return [
        (name, value)
        for name, value in parse_qsl(one.query, keep_blank_values=True)
        if name not in kept and not re.search(names.POSITION_PARAM, name)
    ]


def _by_cursor(first: Call, answer: Answer, text: bytes, pages: Pages, walk: Walk) -> Call | None:
    beside = pages.path.rpartition(".")[0]
    if _says_end(text) or (beside and value_at(text, f"{beside}.hasNextPage") is False):
        return None
    if pages.path.startswith(LAST):
        token = value_at(walk.last, pages.path.removeprefix(LAST))
        is_end = token is None or token == ""  # 0 is a key as good as any
    else:
        token = value_of(answer, text, pages.path)
        is_end = not token  # some servers say 0 or false at the end
    if is_end:
        return None
    if isinstance(token, dict) and not pages.param:
        call = first
        for name, value in token.items():
            call = placed(call, pages, name, value)
        return call
    return placed(first, pages, pages.param or "cursor", token)


def _by_number(first: Call, text: bytes, pages: Pages, walk: Walk) -> Call | None:
    if _says_end(text) or not (walk.count or _goes_on_empty(text, pages, walk)):
        return None
    if walk.records == walk.total:
        return None
    if pages.kind == "page":
        if walk.total_pages is not None and walk.pages >= walk.total_pages:
            return None
        start = 1 if pages.start is None else pages.start
        return placed(first, pages, pages.param or "page", start + walk.pages)
    # By what was received, not by what was asked for: the server may give less.
    return placed(first, pages, pages.param or "offset", (pages.start or 0) + walk.records)


def _goes_on_empty(text: bytes, pages: Pages, walk: Walk) -> bool:
    """Whether more numbered pages follow one that is empty: the server says so, and what it holds back may be there."""
    if pages.kind != "page" or walk.empty > MOST_EMPTY:
        return False
    if walk.total_pages is not None:
        return walk.pages < walk.total_pages
    if walk.total is not None:
        return walk.records < walk.total
    return any(value_at(text, path) is True for path in names.MORE_PLACES)


def upcoming(first: Call, pages: Pages, walk: Walk, count: int) -> list[Call]:
    """The next requests, `count` at most, of a listing whose numbers and totals tell them; else none.

    A guess for offsets: that the pages to come are as long as the newest one.
    """
    if pages.kind not in ("page", "offset") or not walk.count:
        return []
    if pages.kind == "page" and walk.total_pages is not None:
        left = walk.total_pages - walk.pages
    elif walk.total is not None:
        left = -((walk.records - walk.total) // walk.count)
    else:
        return []
    if pages.max is not None:
        left = min(left, pages.max - walk.pages)
    if pages.kind == "page":
        start, step, name = (1 if pages.start is None else pages.start) + walk.pages, 1, pages.param or "page"
    else:
        start, step, name = (pages.start or 0) + walk.records, walk.count, pages.param or "offset"
    return [placed(first, pages, name, start + step * number) for number in range(min(left, count))]


def _says_end(text: bytes) -> bool:
    """Whether a flag in the envelope says that nothing follows."""
    if not text.startswith(b"{"):
        return False
    return any(value_at(text, path) is False for path in names.MORE_PLACES)


def placed(call: Call, pages: Pages, name: str, value: Any) -> Call:
    """The call with a value under that name where `pages.into` says: the query, the JSON body or a header."""
    if pages.into == "header":
        return msgspec.structs.replace(call, headers={**call.headers, name: _as_text(value)})
    if pages.into == "json":
        body = msgspec.json.decode(call.body or b"{}")
        *parents, last = name.split(".")
        place = body
        for parent in parents:
            place = place.setdefault(parent, {})
        place[last] = value
        return msgspec.structs.replace(call, body=msgspec.json.encode(body))
    return msgspec.structs.replace(call, url=with_params(call.url, [(name, _as_text(value))]))


def _as_text(value: Any) -> str:
    """Text as it is, anything else as JSON has it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def may_shift(pages: Pages, url: str) -> bool:
    """Whether rows can move between pages while the listing is walked: positions that are numbers, not keys.

    url: the address of a later page, which tells for links what they are made of.
    """
    if pages.kind in ("page", "offset"):
        return True
    return pages.kind in ("link", "next_url") and any(
        re.match(names.NUMBER_PARAM, name) for name, _ in parse_qsl(urlsplit(url).query)
    )


def is_past_the_end(status: int, pages: Pages, walk: Walk) -> bool:
    """Whether an error status in the middle of a numbered listing is the server's way to say that it is over."""
    enough = walk.total is None or walk.records >= walk.total
    return status in (400, 404, 410, 416, 422) and pages.kind in ("page", "offset") and walk.pages > 0 and enough


def value_of(answer: Answer, text: bytes, path: str) -> object:
    """What stands at a dotted path of the body, or in the header that "header:NAME" names; None if nothing."""
    if path.endswith("[rel=next]"):
        return linked(value_at(text, path.removesuffix("[rel=next]")), "next")
    if path.startswith("header:"):
        return answer.headers.get(path.removeprefix("header:").strip())
    return value_at(text, path)


def value_at(text: bytes, path: str) -> object:
    """The JSON value at a dotted path of a body, only that one decoded; None when there is none."""
    try:
        raw: Mapping[str, msgspec.Raw] = _raw_object.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    left = path.split(".")
    while left:
        # A name may itself have dots ("@odata.nextLink"): the longest that fits counts.
        for count in range(len(left), 0, -1):
            found = raw.get(".".join(left[:count]))
            if found is not None:
                break
        else:
            return None
        left = left[count:]
        if not left:
            return lenient_json.value_of(bytes(found))
        try:
            raw = _raw_object.decode(found)
        except msgspec.DecodeError:
            return None
    return None
