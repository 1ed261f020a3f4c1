"""From one page to the next request, for every way in which listings go on. Pure: nothing is fetched here."""

import json
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec

from trayapp.endpoints.model import Pages
from trayapp.messages import say
from trayapp.sync import names
from trayapp.sync.errors import SyncError
from trayapp.sync.http.links import joined, next_link, origin, place_of
from trayapp.sync.http.request import Answer, Call, with_params
from trayapp.sync.paging.envelope import Envelope
from trayapp.sync.paging.signs import address_in, flag_of, query_in

MOST_EMPTY = 25
"""So many empty pages may come in a row where positions lead on; some servers name a next one for ever."""

MOST_EMPTY_BY_TOKEN = 1000
"""The same where the server says that more follows, or tokens lead on: some filter while they scan."""

LAST = "last:"
"""A cursor path that begins so names a field of the page's last record (Stripe's `starting_after` and its kind)."""


class Walk(msgspec.Struct):
    """How far a listing was walked: pages and records so far, and the totals its first page told, None if none.

    `count` is the number of records on the newest page, `longest` that on the longest one, `last` the newest record,
    raw; `empty` how many pages without any came since the last one with some.
    """

    pages: int = 0
    records: int = 0
    count: int = 0
    longest: int = 0
    last: bytes = b""
    empty: int = 0
    total: int | None = None
    total_pages: int | None = None

    def step(self, records: Sequence[bytes]) -> None:
        """One more page was read."""
        self.pages += 1
        self.count = len(records)
        self.longest = max(self.longest, self.count)
        self.records += len(records)
        self.last = bytes(records[-1]) if records else b""
        self.empty = 0 if records else self.empty + 1


def first_page(call: Call, pages: Pages) -> Call:
    """The first request, with the page size and the first position or token where the settings give them."""
    if pages.size_param and pages.size:
        call = placed(call, pages, pages.size_param, pages.size)
    if pages.kind == "cursor" and pages.first is not None:
        call = placed(call, pages, pages.param or "cursor", pages.first)
    if pages.kind in ("page", "offset") and pages.start is not None:
        call = placed(call, pages, pages.param or pages.kind, pages.start)
    return call


def next_call(first: Call, answer: Answer, envelope: Envelope, pages: Pages, walk: Walk) -> Call | None:
    """The request for the page after `answer`, or None at the end. Raises SyncError when it leads to another server.

    first: the listing's first request. pages.kind is anything but "auto". A short page never ends a listing: servers
    cap page sizes.
    """
    if pages.kind == "none":
        return None
    if pages.kind in ("link", "next_url"):
        by_header = pages.kind == "link"
        target = next_link(answer.headers.get("Link", "")) if by_header else value_of(answer, envelope, pages.path)
        address = address_in(target)
        return _followed(first, answer, address) if address is not None else None
    if pages.kind == "cursor":
        return _by_cursor(first, answer, envelope, pages, walk)
    return _by_number(first, envelope, pages, walk)


def _followed(first: Call, answer: Answer, target: str) -> Call:
    url = _resolved(answer.url, target)
    # A page that was redirected elsewhere may lead back to where the listing began.
    if origin(url) not in (origin(answer.url), origin(first.url)):
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


def _resolved(base: str, target: str) -> str:
    """The address that a target stands for: also one without its scheme or its first slash, or only a query."""
    if (query := query_in(target)) is not None:
        return joined(base, with_params(base, parse_qsl(query, keep_blank_values=True)))
    parts = urlsplit(base)
    if parts.netloc and target.startswith(f"{parts.netloc}/"):
        target = f"{parts.scheme}://{target}"
    elif re.split(r"[?#]", target, maxsplit=1)[0] == parts.path.removeprefix("/") != "":
        target = f"/{target}"
    return joined(base, target)


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


def _by_cursor(first: Call, answer: Answer, envelope: Envelope, pages: Pages, walk: Walk) -> Call | None:
    if flag_of(envelope) is False:
        return None
    if pages.path.startswith(LAST):
        token = value_at(walk.last, pages.path.removeprefix(LAST))
        is_end = token is None or token == ""  # 0 is a key as good as any
    else:
        token = value_of(answer, envelope, pages.path)
        is_end = not token  # some servers say 0 or false at the end
    if is_end:
        return None
    if isinstance(token, dict) and not pages.param:
        call = first
        for name, value in token.items():
            call = placed(call, pages, name, value)
        return call
    return placed(first, pages, pages.param or "cursor", token)


def _by_number(first: Call, envelope: Envelope, pages: Pages, walk: Walk) -> Call | None:
    more = flag_of(envelope)
    if more is False or not (walk.count or more or _goes_on_empty(pages, walk)):
        return None
    # A total that is reached by a full page may be wrong: one more page shows.
    if walk.records == walk.total and not more and (walk.count < walk.longest or not walk.count):
        return None
    if pages.kind == "page":
        if walk.total_pages is not None and walk.pages >= walk.total_pages and not more:
            return None
        start = 1 if pages.start is None else pages.start
        return placed(first, pages, pages.param or "page", start + walk.pages)
    if not walk.count:
        return None
    # By what was received, not by what was asked for: the server may give less.
    return placed(first, pages, pages.param or "offset", (pages.start or 0) + walk.records)


def _goes_on_empty(pages: Pages, walk: Walk) -> bool:
    """Whether more numbered pages follow one that is empty: the server says so, and what it holds back may be there."""
    if pages.kind != "page":
        return False
    if walk.total_pages is not None:
        return walk.pages < walk.total_pages
    return walk.total is not None and walk.records < walk.total


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
        # What the body has as text stays text: some servers take nothing else.
        place[last] = str(value) if isinstance(place.get(last), str) and isinstance(value, int) else value
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


def value_of(answer: Answer, envelope: Envelope, path: str) -> object:
    """What stands at a path of the body (see `Envelope.value`), or in the header that "header:NAME" names, or None."""
    if path.startswith("header:"):
        return answer.headers.get(path.removeprefix("header:").strip())
    return envelope.value(path)


def value_at(text: bytes, path: str) -> object:
    """The value at a path of a record, only that one decoded; None when there is none."""
    return Envelope(text, ()).value(path)
