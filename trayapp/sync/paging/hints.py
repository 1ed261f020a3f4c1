"""What an answer says, beside its records, about how its listing goes on and how long it is. Pure."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from trayapp.endpoints.model import Pages
from trayapp.messages import Message, say
from trayapp.sync import names
from trayapp.sync.http.header_values import whole_number
from trayapp.sync.http.links import next_link
from trayapp.sync.names import folded

_DEPTH = 3
_MOST = 10**15
"""No server has so many records: it counts something else, or nothing."""
_ADDRESS = re.compile(r"https?://|/|\?")
_PAGE_SIZES = (5, 10, 12, 15, 20, 24, 25, 30, 40, 50, 60, 75, 120, 128, 150, 250, 256, 512, 1024)


def find(value: Any, path: str) -> Any:
    """What stands at a dotted path, or None. A name with dots in it is found too ("@odata.nextLink")."""
    if isinstance(value, dict) and path in value:
        return value[path]
    head, _, rest = path.partition(".")
    if isinstance(value, dict) and rest and head in value:
        return find(value[head], rest)
    return None


def named_by_answer(headers: Mapping[str, str], body: Any) -> Pages | None:
    """How the listing goes on where the answer gives the next page's very address; None where it does not."""
    found = next_url(headers, body)
    if found is not None:
        kind, path, _ = found
        return Pages(kind="link") if kind == "link" else Pages(kind="next_url", path=path)
    for name in names.NEXT_HEADERS:
        if _ADDRESS.match(headers.get(name, "")):
            return Pages(kind="next_url", path=f"header:{name}")
    return None


def next_url(headers: Mapping[str, str], body: Any) -> tuple[str, str, str] | None:
    """(kind, path, target) of the next page where the answer gives its address: Link header first, then the body."""
    target = next_link(headers.get("Link", ""))
    if target is not None:
        return "link", "", target
    for path in names.NEXT_PLACES:
        target = find(body, path)
        if isinstance(target, str) and _is_address(target):
            return "next_url", path, target
    others = [name for name in body if name.endswith("_links")] if isinstance(body, dict) else []
    for path in (*names.LINK_LISTS, *others):
        target = linked(find(body, path), "next")
        if target is not None:
            return "next_url", f"{path}[rel=next]", target
    return next((("next_url", path, target) for path, target in addresses(body)), None)


def linked(value: Any, relation: str) -> str | None:
    """The target of that relation in a list of links, or None.

    OGC API and OpenStack write `[{"rel": "next", "href": …}]`, FHIR `[{"relation": "next", "url": …}]`.
    """
    for link in value if isinstance(value, list) else ():
        if isinstance(link, dict) and relation in (link.get("rel"), link.get("relation")):
            target = link.get("href", link.get("url"))
            return target if isinstance(target, str) else None
    return None


def _is_address(text: str) -> bool:
    return bool(re.match(r"(https?://|/|\?|\./)", text)) or ("?" in text and "=" in text)


def total(headers: Mapping[str, str], body: Any) -> int | None:
    """How many records the server says there are, or None."""
    for name in names.TOTAL_HEADERS:
        said = whole_number(headers.get(name, ""))
        if said is not None:
            return said
    ranged = re.fullmatch(r"(?:\w+ +)?(?:\d+-\d+|\*)/(\d+)", headers.get("Content-Range", "").strip())
    if ranged is not None and not headers["Content-Range"].lstrip().startswith("bytes"):
        said = whole_number(ranged[1])
        if said is not None:
            return said
    for path in names.TOTAL_PLACES:
        value = find(body, path)
        if _is_count(value):
            return int(value)
    return None


def _is_count(value: Any) -> bool:
    """Whether it may be how many there are; some servers say -1 where they don't know."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _MOST


def total_pages(headers: Mapping[str, str], body: Any) -> int | None:
    """How many pages the server says there are, or None."""
    for name in names.PAGES_HEADERS:
        said = whole_number(headers.get(name, ""))
        if said is not None:
            return said
    for path in names.PAGES_PLACES:
        value = find(body, path)
        if _is_count(value) and value > 0:
            return int(value)
    return None


def signs_of_more(headers: Mapping[str, str], body: Any, count: int) -> Message | None:
    """Why more pages seem to follow although no next address is given; None when nothing says so."""
    said = total(headers, body)
    if said is not None and said > count:
        return say("The server reports {total} records, but the response has {count}.", total=said, count=count)
    for path in names.MORE_PLACES:
        if find(body, path) is True:
            return say("The response says that more follows ({field}).", field=path)
    flag = _says_it_goes_on(body)
    if flag is not None:
        return say("The response says that more follows ({field}).", field=flag)
    if not (_is_last_page(body) or any(find(body, path) is False for path in names.MORE_PLACES)):
        for path in names.TOKEN_PLACES:
            value = find(body, path)
            if value not in (None, "", False, 0) and not isinstance(value, list):
                return say("The response names a next page ({field}).", field=path)
        for path, _ in tokens(headers, body, sure=True):
            return say("The response names a next page ({field}).", field=path)
    pages = total_pages(headers, body)
    if pages is not None and pages > 1:
        return say("The server reports {number} pages.", number=pages)
    return None


def looks_cut(count: int) -> bool:
    """Whether so many records may well be a page's limit rather than all there are."""
    return count in _PAGE_SIZES or (count > 0 and count % 100 == 0)


def addresses(body: Any) -> Iterator[tuple[str, str]]:
    """(dotted path, value) of what looks like the address of a next page."""
    for place, value in _members(body):
        named = names.NEXT_ADDRESS.fullmatch(place[-1]) or (
            folded(place[-1]) in names.ADDRESSES and len(place) > 1 and names.NEXT_ADDRESS.fullmatch(place[-2])
        )
        if named and isinstance(value, str) and _ADDRESS.match(value):
            yield ".".join(place), value


def tokens(headers: Mapping[str, str], body: Any, sure: bool = False) -> Iterator[tuple[str, Any]]:
    """(path, value) of what looks like a token of the next page; a path is dotted, or "header:NAME".

    None where the answer says that it is the last page. sure: only what can't be the present page's.
    """
    for name, value in headers.items():
        if names.NEXT_TOKEN.fullmatch(name) and value and not _ADDRESS.match(value):
            yield f"header:{name}", value
    if _is_last_page(body):
        return
    for place, value in _members(body):
        if _is_token(place, value, sure):
            yield ".".join(place), value


def _is_last_page(body: Any) -> bool:
    """Whether a flag says that this is the last page."""
    return isinstance(body, dict) and any(body.get(name) is True for name in (*names.LAST_PAGE_FLAGS, names.DONE))


def _says_it_goes_on(body: Any) -> str | None:
    """The name of the flag that says this is not the last page, or None."""
    if not isinstance(body, dict):
        return None
    return next((name for name in names.LAST_PAGE_FLAGS if body.get(name) is False), None)


def _is_token(place: tuple[str, ...], value: Any, sure: bool) -> bool:
    if isinstance(value, bool) or not value or not isinstance(value, str | int | dict):
        return False
    name = place[-1]
    if isinstance(value, dict):
        return folded(name) == names.TOKEN_OBJECT
    if isinstance(value, str) and _ADDRESS.match(value) and folded(name) not in ("cursor", "offset"):
        return False
    if names.NEXT_TOKEN.fullmatch(name):
        return True
    below_next = len(place) > 1 and folded(place[-2]) in names.TOKEN_HOLDERS
    opaque = not sure and isinstance(value, str) and not value.isdigit()
    return folded(name) in names.PLAIN_TOKENS and (below_next or opaque)


def _members(body: Any, place: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if not isinstance(body, dict) or len(place) >= _DEPTH:
        return
    for name, value in body.items():
        yield (*place, name), value
        if isinstance(value, dict) and folded(name) in names.HOLDERS:
            yield from _members(value, (*place, name))
