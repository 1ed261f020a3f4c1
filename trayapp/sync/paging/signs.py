"""What an answer says, beside its records, about how its listing goes on and how long it is. Pure.

Servers spell the same thing in hundreds of ways, so members are told by the words in their names and by the shape of
their values, wherever they stand beside the records; see `names` for the words.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from trayapp.messages import Message, say
from trayapp.sync import names
from trayapp.sync.http.header_values import whole_number
from trayapp.sync.http.links import next_link
from trayapp.sync.names import plain
from trayapp.sync.paging.envelope import Envelope, Place

_PAGE_SIZES = (5, 10, 12, 15, 20, 24, 25, 30, 40, 50, 60, 75, 120, 128, 150, 250, 256, 512, 1024)
_WHERE = re.compile(r"[a-z][a-z0-9+.-]*://|/|[?&]\S|\.\.?/", re.IGNORECASE)
_QUERY = re.compile(r"[A-Za-z_$@][\w.$@%\[\]-]{0,60}=[^=\s]\S*")
_DOCUMENT = re.compile(r"[\w.~%/-]+\.(json|xml|atom|rss|csv|tsv|php|html?|aspx?|jsp|do)(\?\S*)?", re.IGNORECASE)
_OPAQUE = re.compile(r"(?=.*\d|.{16})[\w+/=.:~|%-]{4,}")
_PLAIN_VALUE = re.compile(r"[\d.,:+ -]+|\d{4}-\d\d.*|v?\d+(\.\d+)+\S*|[A-Za-z]+|[a-z]+(/[\w.+-]+)+", re.IGNORECASE)
_MOST = 10**15
"""No server has so many records: it counts something else, or nothing."""
_YES, _NO = frozenset({"true", "yes", "y", "1"}), frozenset({"false", "no", "n", "0"})


class Sign(NamedTuple):
    """A member that says something. `path` is dotted, or "header:NAME"; sure: it can hardly mean anything else."""

    path: str
    value: Any
    sure: bool = True


class Signs(NamedTuple):
    """All that an answer says. `addresses` and `tokens` lead to a next page, the likeliest first.

    link: the Link header's next address. unset: names of tokens without a value. goes_on: a flag that says that more
    follows; ended: whether one says that nothing does. doubtful: members that may mean anything.
    """

    link: str | None = None
    addresses: tuple[Sign, ...] = ()
    tokens: tuple[Sign, ...] = ()
    unset: tuple[str, ...] = ()
    total: Sign | None = None
    pages: Sign | None = None
    goes_on: Sign | None = None
    ended: bool = False
    doubtful: tuple[str, ...] = ()

    @property
    def leads_on(self) -> bool:
        """Whether the answer gives the address of a next page."""
        return self.link is not None or any(address.sure for address in self.addresses)

    def more(self, count: int) -> tuple[Message, bool] | None:
        """Why there seems to be more than `count` records, and whether that is sure; None when nothing says so."""
        if self.link is not None:
            return say("The Link header names a next page."), True
        if self.addresses and not self.ended and self.addresses[0].sure:
            return say("The response names a next page ({field}).", field=self.addresses[0].path), True
        if self.total is not None and self.total.value > count:
            words = say(
                "The server reports {total} records, but the response has {count}.", total=self.total.value, count=count
            )
            return words, self.total.sure
        if self.goes_on is not None:
            return say("The response says that more follows ({field}).", field=self.goes_on.path), self.goes_on.sure
        if not self.ended:
            for token in sorted(self.tokens, key=lambda token: not token.sure):
                words = (
                    say("The response names a next page ({field}).", field=token.path)
                    if token.sure
                    else say("“{field}” in the response may mean that there is more.", field=token.path)
                )
                return words, token.sure
        if self.pages is not None and self.pages.value > 1:
            return say("The server reports {number} pages.", number=self.pages.value), self.pages.sure
        if not self.ended and (unsure := (*(each.path for each in self.addresses), *self.doubtful)):
            return say("“{field}” in the response may mean that there is more.", field=unsure[0]), False
        return None


def signs_of(headers: Mapping[str, str], envelope: Envelope, count: int, url: str) -> Signs:
    """What the answer to a request of that address says, which has `count` records."""
    records = envelope.records
    asked = {value for _, value in parse_qsl(urlsplit(url).query) if value}
    members = [(place, value) for place, value in envelope.members if not _is_past(place)]
    flags = [*_flags(members, records)]
    ended = any(not more for _, more in flags)
    totals = [*_totals_in_headers(headers), *_totals(members, count, records)]
    pages = [*_pages_in_headers(headers), *_pages(members, records)]
    addresses = [*_addresses_in_headers(headers), *_addresses(members, url, records)]
    tokens = [*_tokens_in_headers(headers), *([] if ended else _tokens(members, asked, records))]
    said = {sign.path for sign in (*addresses, *tokens, *totals, *pages)} | {sign.path for sign, _ in flags}
    return Signs(
        link=next_link(headers.get("Link", "")),
        addresses=tuple(sorted(addresses, key=lambda sign: not sign.sure)),
        tokens=tuple(sorted(tokens, key=lambda sign: (not sign.sure, names.token_rank(sign.path)))),
        unset=tuple(_unset(members)),
        total=min(totals, key=lambda sign: not sign.sure, default=None),
        pages=min(pages, key=lambda sign: not sign.sure, default=None),
        goes_on=min((sign for sign, more in flags if more), key=lambda sign: not sign.sure, default=None)
        if not ended
        else None,
        ended=ended,
        doubtful=tuple(path for path in _doubtful(members, asked) if path not in said),
    )


def looks_cut(count: int) -> bool:
    """Whether so many records may well be a page's limit rather than all there are."""
    return count in _PAGE_SIZES or (count > 0 and count % 100 == 0)


def address_in(value: object) -> str | None:
    """The address that a member gives: a text, or one in an object or in a list with one object; None if there is none.

    HAL writes `{"href": …}` or `[{"href": …}]`, HubSpot `{"link": …}`, JSON:API either form.
    """
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, dict):
        value = next((inner for name, inner in value.items() if plain(name) in names.ADDRESSES), None)
    return value if isinstance(value, str) and value else None


def is_address(text: str, url: str = "") -> bool:
    """Whether a text is the address of something, whole or in part; `url`: the address that was asked."""
    if _WHERE.match(text) or ("?" in text and "=" in text) or _QUERY.fullmatch(text) or _DOCUMENT.fullmatch(text):
        return True
    host = urlsplit(url).netloc
    return bool(host) and text.startswith(f"{host}/")


def query_in(target: str) -> str | None:
    """The query that a target consists of alone, without its first character if that is none; else None."""
    if target.startswith("&"):
        return target[1:]
    return target if _QUERY.fullmatch(target) else None


def flag_of(envelope: Envelope) -> bool | None:
    """Whether a flag says that more follows, or that nothing does (False); None where there is none.

    A flag that may be about something else says nothing here.
    """
    said = [more for sign, more in _flags([*envelope.members], envelope.records) if sign.sure]
    return None if not said else all(said)


def _is_past(place: Place) -> bool:
    """Whether a member is about pages before this one, or about the first."""
    return any(names.PAST.match(plain(name)) for name in place)


def _is_sure(place: Place, records: Place) -> bool:
    """Whether the member stands where what is said of a listing stands: near its records, or below a usual name."""
    beside = next((at for at, (one, other) in enumerate(zip(place, records, strict=False)) if one != other), 0)
    return all(names.HOLDER.search(plain(name)) for name in place[beside:-1])


def _path(place: Place) -> str:
    return ".".join(place)


def _number(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if 0 <= value < _MOST else None
    if isinstance(value, float) and value.is_integer() and 0 <= value < 2**53:
        return int(value)
    return whole_number(value) if isinstance(value, str) else None


def _flag(value: object) -> bool | None:
    text = str(value).lower() if isinstance(value, bool | int | str) else ""
    return True if text in _YES else False if text in _NO else None


def _flags(members: list[tuple[Place, Any]], records: Place) -> Iterator[tuple[Sign, bool]]:
    """Flags, and whether each says that more follows."""
    for place, value in members:
        if (said := _flag(value)) is None:
            continue
        name = plain(place[-1])
        if names.MORE_FLAG.fullmatch(name):
            yield Sign(_path(place), value, _is_sure(place, records)), said
        elif names.LAST_FLAG.fullmatch(name):
            yield Sign(_path(place), value, _is_sure(place, records) and not names.DONE_FLAG.fullmatch(name)), not said


def _totals_in_headers(headers: Mapping[str, str]) -> Iterator[Sign]:
    for name, value in headers.items():
        if (number := _number(value.strip())) is not None and names.TOTAL_HEADER.fullmatch(plain(name)):
            yield Sign(f"header:{name}", number)
    given = _header(headers, "Content-Range").strip()
    ranged = re.fullmatch(r"(?:\w+ +)?(?:\d{1,15}-\d{1,15}|\*)/(\d{1,15})", given)
    if ranged is not None and not given.startswith("bytes"):
        yield Sign("header:Content-Range", int(ranged[1]))


def _totals(members: list[tuple[Place, Any]], count: int, records: Place) -> Iterator[Sign]:
    least = {_path(place[:-1]) for place, value in members if plain(place[-1]) == "relation" and value == "gte"}
    for place, value in members:
        number = _number(value)
        if number is None:
            continue
        name = plain(place[-1])
        if name == "value" and len(place) > 1:
            name = plain(place[-2])
        if names.TOTAL.fullmatch(name) and not names.NO_TOTAL.search(name):
            # "At least so many" is no number to be reached, but a sign of more.
            exact = _path(place[:-1]) not in least
            if exact or number > count:
                yield Sign(_path(place), number, _is_sure(place, records) and exact)
        elif names.WEAK_TOTAL.fullmatch(name) and number > count:
            yield Sign(_path(place), number, _is_sure(place, records))


def _pages_in_headers(headers: Mapping[str, str]) -> Iterator[Sign]:
    for name, value in headers.items():
        if (number := _number(value.strip())) and names.PAGES.fullmatch(plain(name).removeprefix("x")):
            yield Sign(f"header:{name}", number)


def _pages(members: list[tuple[Place, Any]], records: Place) -> Iterator[Sign]:
    numbers = {_path(place[:-1]) for place, _ in members if plain(place[-1]) in ("page", "currentpage", "pagenumber")}
    for place, value in members:
        number = _number(value)
        name = plain(place[-1])
        if number and (names.PAGES.fullmatch(name) or (name == "of" and _path(place[:-1]) in numbers)):
            yield Sign(_path(place), number, _is_sure(place, records))


def _addresses_in_headers(headers: Mapping[str, str]) -> Iterator[Sign]:
    for name, value in headers.items():
        if names.NEXT.fullmatch(plain(name).removeprefix("x")) and is_address(value):
            yield Sign(f"header:{name}", value)


def _addresses(members: list[tuple[Place, Any]], url: str, records: Place) -> Iterator[Sign]:
    for place, value in members:
        name = plain(place[-1])
        if isinstance(value, list):
            yield from _linked(place, value, records)
        target = address_in(value)
        if target is None or not is_address(target, url):
            continue
        below_next = len(place) > 1 and name in names.ADDRESSES and names.NEXT.fullmatch(plain(place[-2]))
        if below_next or (names.NEXT.fullmatch(name) and not names.NO_NEXT.search(name)):
            sure = _is_sure(place[:-1] if below_next else place, records)
            yield Sign(_path(place), target, sure and not names.OLDER.fullmatch(name))


def _linked(place: Place, links: list[Any], records: Place) -> Iterator[Sign]:
    """The next page's address in a list of links, as OGC API, OpenStack and FHIR write them."""
    for link in links:
        if not isinstance(link, dict):
            return
        for name, value in link.items():
            if plain(name) in names.RELATIONS and isinstance(value, str) and names.NEXT.fullmatch(plain(value)):
                target = address_in(link)
                if target is not None:
                    shown = "rel" if name == "relation" else name
                    yield Sign(f"{_path(place)}[{shown}={value}]", target, _is_sure(place, records))


def _tokens_in_headers(headers: Mapping[str, str]) -> Iterator[Sign]:
    for name, value in headers.items():
        text = re.sub(r"^(x?ms|x)", "", plain(name))
        if value and not is_address(value) and (names.TOKEN.fullmatch(text) or text == "cursor"):
            yield Sign(f"header:{name}", value)


def _tokens(members: list[tuple[Place, Any]], asked: set[str], records: Place) -> Iterator[Sign]:
    objects: dict[str, dict[str, Any]] = {}
    for place, value in members:
        if len(place) > 1 and names.TOKEN_OBJECT.fullmatch(plain(place[-2])):
            objects.setdefault(_path(place[:-1]), {})[place[-1]] = value
            continue
        if isinstance(value, bool) or not value or not isinstance(value, str | int) or str(value) in asked:
            continue
        if isinstance(value, str) and (" " in value.strip() or len(value) > names.LONGEST_TOKEN):
            continue
        name = plain(place[-1])
        if names.NO_TOKEN.search(name):
            continue
        if isinstance(value, str) and is_address(value) and not names.PLAIN_TOKEN.fullmatch(name):
            continue
        below_next = len(place) > 1 and plain(place[-2]) in names.TOKEN_HOLDERS
        if names.TOKEN.fullmatch(name) or (below_next and names.PLAIN_TOKEN.fullmatch(name)):
            yield Sign(_path(place), value, _is_sure(place, records))
        elif names.PLAIN_TOKEN.fullmatch(name) and isinstance(value, str) and not value.isdigit():
            yield Sign(_path(place), value, False)
    for path, members_of in objects.items():
        yield Sign(path, members_of, True)


def _unset(members: list[tuple[Place, Any]]) -> Iterator[str]:
    for place, value in members:
        name = plain(place[-1])
        is_named = names.TOKEN.fullmatch(name) or names.PLAIN_TOKEN.fullmatch(name)
        if value in (None, "") and not isinstance(value, bool) and is_named and not names.NO_TOKEN.search(name):
            yield _path(place)


def _doubtful(members: list[tuple[Place, Any]], asked: set[str]) -> Iterator[str]:
    """Members whose value looks like a token and whose name tells nothing."""
    for place, value in members:
        if not isinstance(value, str) or value in asked or is_address(value):
            continue
        if not _OPAQUE.fullmatch(value) or _PLAIN_VALUE.fullmatch(value):
            continue
        known = (names.HARMLESS.search(plain(name)) or names.NO_TOKEN.search(plain(name)) for name in place)
        if not any(known):
            yield _path(place)


def _header(headers: Mapping[str, str], name: str) -> str:
    return headers.get(name) or headers.get(name.lower()) or ""
