"""In which ways a listing may go on: guesses from the request, the answer and custom, none of them proven. Pure."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

import msgspec

from trayapp.endpoints.model import Endpoint, Pages
from trayapp.sync import names
from trayapp.sync.http.header_values import whole_number
from trayapp.sync.http.request import Answer, Call, with_params
from trayapp.sync.names import folded
from trayapp.sync.paging import hints
from trayapp.sync.paging.following import LAST
from trayapp.sync.records import keys


class FirstPage(msgspec.Struct, frozen=True):
    """A first page: the call that gave it, the answer, its JSON text, and where and what its records are."""

    call: Call
    answer: Answer
    text: bytes
    path: str
    records: Sequence[bytes]


def numbered(endpoint: Endpoint, listing: FirstPage, body: Any) -> Iterator[Pages]:
    """Page numbers and offsets, the likeliest first: named in the request, in the answer, by custom."""
    into: Literal["json", "query"] = "json" if endpoint.request.method == "POST" else "query"
    if into == "json" and _is_graphql(endpoint):
        return
    query = dict(parse_qsl(urlsplit(listing.call.url).query, keep_blank_values=True))
    fields = _envelope_names(body)
    known = (*names.PAGE_PARAMS, *names.OFFSET_PARAMS)
    named = [name for given in (query, fields) for name in known if name in given]
    for name in dict.fromkeys((*named, *names.USUAL_NUMBERS)):
        given = query.get(name, "")
        start = whole_number(given)
        if given and start is None:
            continue  # a date or a word: it filters
        yield Pages(kind="page" if name in names.PAGE_PARAMS else "offset", param=name, start=start, into=into)


def are_named(pages: Pages, listing: FirstPage, body: Any) -> bool:
    """Whether the request or the answer has a name like that of these numbers."""
    return pages.param in _envelope_names(body) or any(
        name == pages.param for name, _ in parse_qsl(urlsplit(listing.call.url).query, keep_blank_values=True)
    )


def larger(endpoint: Endpoint, listing: FirstPage) -> Call | None:
    """The first request, for one record more than it gave, under all usual names; None where a size was given."""
    given = {folded(name) for name, _ in parse_qsl(urlsplit(listing.call.url).query, keep_blank_values=True)}
    if endpoint.request.method != "GET" or endpoint.pages.size_param or given & names.SIZE_PARAMS:
        return None
    size = str(len(listing.records) + 1)
    return msgspec.structs.replace(
        listing.call, url=with_params(listing.call.url, [(name, size) for name in names.USUAL_SIZES])
    )


def cursors(endpoint: Endpoint, listing: FirstPage, body: Any) -> Iterator[Pages]:
    """Tokens that the answer itself gives, and parameters that may take them."""
    post = endpoint.request.method == "POST"
    for name, params in names.TOKEN_HEADERS.items():
        if listing.answer.headers.get(name):
            for param in params:
                yield Pages(kind="cursor", path=f"header:{name}", param=param)
    for path in _token_paths(body):
        token = hints.find(body, path)
        if isinstance(token, dict):
            yield Pages(kind="cursor", path=path)
            continue
        variable = _graphql_variable(endpoint)
        if variable:
            yield Pages(kind="cursor", path=path, param=f"variables.{variable}", into="json")
            continue
        for param in names.TOKEN_PARAMS.get(path.rpartition(".")[2], ("cursor",)):
            if post:
                yield Pages(kind="cursor", path=path, param=param, into="json")
            yield Pages(kind="cursor", path=path, param=param)
    for path, _ in hints.tokens(listing.answer.headers, body):
        if path in names.TOKEN_PLACES or path.removeprefix("header:") in names.TOKEN_HEADERS:
            continue  # tried already
        for param in params_for(path):
            yield Pages(kind="cursor", path=path, param=param, into="json" if post else "query")
        if path.startswith("header:"):
            yield Pages(kind="cursor", path=path, param=path.removeprefix("header:"), into="header")
    if any(hints.find(body, path) is True for path in names.MORE_PLACES) and listing.records:
        records = [msgspec.json.decode(record) for record in listing.records if is_plain(record)]
        for name in keys.key_of(records, endpoint.table.name)[:1]:
            for param in names.LAST_RECORD_PARAMS:
                yield Pages(kind="cursor", path=LAST + name, param=param)


def params_for(path: str) -> tuple[str, ...]:
    """Parameters that may take the token at that path, the likeliest first."""
    in_header = path.startswith("header:")
    name = path.removeprefix("header:").rpartition(".")[2]
    plain = re.sub(r"^(x-)?(ms-)?(next[_-]?|end[_-]?)?", "", name, flags=re.IGNORECASE)
    guesses: tuple[str, ...]
    if in_header:
        plain = plain.lower().replace("-", "_")
        camel = re.sub(r"_(\w)", lambda letter: letter[1].upper(), plain)
        guesses = (plain, f"next_{plain}", camel, "cursor", "after" if "after" in plain else "token")
    else:
        guesses = (*names.OTHER_TOKEN_PARAMS.get(folded(name), ()), plain[:1].lower() + plain[1:], name, "cursor")
    return tuple(dict.fromkeys(guess for guess in guesses if guess))


def _token_paths(body: Any) -> Iterator[str]:
    for path in (*names.TOKEN_PLACES, *_page_infos(body, "", 0)):
        token = hints.find(body, path)
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


def _is_graphql(endpoint: Endpoint) -> bool:
    body = endpoint.request.json
    return isinstance(body, dict) and isinstance(body.get("query"), str)


def asks_for(endpoint: Endpoint, count: int) -> bool:
    """Whether a GraphQL query limits a list to so many."""
    if not _is_graphql(endpoint):
        return False
    return bool(re.search(rf"\b(first|last|limit|take)\s*:\s*{count}\b", endpoint.request.json["query"]))


def _graphql_variable(endpoint: Endpoint) -> str | None:
    body = endpoint.request.json
    query = body.get("query") if isinstance(body, dict) else None
    found = re.search(r"\$(\w*(?:after|cursor)\w*)\s*:", query, re.IGNORECASE) if isinstance(query, str) else None
    return found[1] if found else None


def _envelope_names(body: Any) -> set[str]:
    found: set[str] = set()
    if isinstance(body, dict):
        for name, inner in body.items():
            found.add(name)
            if isinstance(inner, dict):
                found.update(inner)
    return found


def is_plain(record: bytes) -> bool:
    """Whether the record is strict JSON."""
    try:
        msgspec.json.decode(record)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return True
