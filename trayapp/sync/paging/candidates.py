"""In which ways a listing may go on: guesses from the request, the answer and custom, none of them proven. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

import msgspec

from trayapp.endpoints.model import Endpoint, Pages
from trayapp.sync import names
from trayapp.sync.http.header_values import whole_number
from trayapp.sync.http.request import Answer, Call, with_params
from trayapp.sync.paging.envelope import DEPTH, Envelope
from trayapp.sync.paging.following import LAST
from trayapp.sync.paging.signs import Signs
from trayapp.sync.records import keys


class FirstPage(msgspec.Struct, frozen=True):
    """A first page: the call that gave it, the answer, its JSON text, and where and what its records are."""

    call: Call
    answer: Answer
    text: bytes
    path: str
    records: Sequence[bytes]
    envelope: Envelope
    signs: Signs


def numbered(endpoint: Endpoint, listing: FirstPage, envelope: Envelope) -> Iterator[Pages]:
    """Page numbers and offsets, the likeliest first: named in the request, in the answer, by custom."""
    if endpoint.request.method == "POST" and not listing.call.url.count("?") and _is_graphql(endpoint):
        return
    seen = set()
    for name, value in _given(endpoint, listing):
        kind = _kind_of_number(name)
        seen.add(name)
        if kind is not None and (value == "" or whole_number(value) is not None):  # a date or a word filters
            into = _into(endpoint, listing, name)
            yield Pages(kind=kind, param=name, start=whole_number(value), into=into)
    post: Literal["json", "query"] = "json" if endpoint.request.method == "POST" else "query"
    if post == "json" and _is_graphql(endpoint):
        return
    fields = [place[-1] for place, value in envelope.members if len(place) <= 3 and isinstance(value, int | str)]
    for name in dict.fromkeys((*(name for name in fields if _kind_of_number(name)), *names.USUAL_NUMBERS)):
        kind = _kind_of_number(name)
        if kind is not None and name not in seen:
            yield Pages(kind=kind, param=name, into=post)


def _kind_of_number(name: str) -> Literal["page", "offset"] | None:
    """Whether a parameter of that name counts pages or records; None when it does neither."""
    last = names.plain(name.rpartition(".")[2])
    if names.PAGE_PARAM.fullmatch(last):
        return "page"
    return "offset" if names.OFFSET_PARAM.fullmatch(last) else None


def _given(endpoint: Endpoint, listing: FirstPage) -> Iterator[tuple[str, str]]:
    """The names in the request, those of a JSON body dotted, with what they have, "" for what is no text or number."""
    yield from parse_qsl(urlsplit(listing.call.url).query, keep_blank_values=True)
    if endpoint.request.method == "POST" and isinstance(endpoint.request.json, dict):
        yield from _body_names(endpoint.request.json, "")


def _body_names(body: Mapping[str, Any], place: str) -> Iterator[tuple[str, str]]:
    for name, value in body.items():
        here = f"{place}{name}"
        if isinstance(value, dict) and here.count(".") < DEPTH:
            yield from _body_names(value, f"{here}.")
        elif not isinstance(value, bool | list | dict):
            yield here, "" if value is None else str(value)


def _into(endpoint: Endpoint, listing: FirstPage, name: str) -> Literal["json", "query"]:
    """Where a name of the request stands."""
    in_query = any(name == each for each, _ in parse_qsl(urlsplit(listing.call.url).query, keep_blank_values=True))
    return "json" if endpoint.request.method == "POST" and not in_query else "query"


def are_named(pages: Pages, endpoint: Endpoint, listing: FirstPage, envelope: Envelope) -> bool:
    """Whether the request or the answer has a name like that of these numbers."""
    return any(pages.param == place[-1] for place, _ in envelope.members if len(place) <= 2) or any(
        name == pages.param for name, _ in _given(endpoint, listing)
    )


def larger(endpoint: Endpoint, listing: FirstPage) -> Call | None:
    """The first request, for one record more than it gave; None where that can't be asked for.

    Under the name that the request has a size under, if it asked for just as many; else under all usual ones.
    """
    if endpoint.request.method != "GET":
        return None
    count, call = len(listing.records), listing.call
    given = [
        (name, value)
        for name, value in parse_qsl(urlsplit(call.url).query, keep_blank_values=True)
        if names.SIZE_PARAM.fullmatch(names.plain(name)) or name == endpoint.pages.size_param
    ]
    if not given and not endpoint.pages.size_param:
        params = [(name, str(count + 1)) for name in names.USUAL_SIZES]
        return msgspec.structs.replace(call, url=with_params(call.url, params))
    if wanted := [(name, str(count + 1)) for name, value in given if value == str(count)]:
        return msgspec.structs.replace(call, url=with_params(call.url, wanted))
    return None


def cursors(endpoint: Endpoint, listing: FirstPage, signs: Signs) -> Iterator[Pages]:
    """Tokens that the answer itself gives, and parameters that may take them."""
    post = endpoint.request.method == "POST"
    variable = _graphql_variable(endpoint)
    given = [
        name for name, value in _given(endpoint, listing) if value in ("", "*") and names.is_token(names.last_of(name))
    ]
    for token in signs.tokens:
        path = token.path
        last = names.plain(names.last_of(path))
        for name in given:
            yield Pages(kind="cursor", path=path, param=name, into=_into(endpoint, listing, name))
        if isinstance(token.value, dict) and last != "lastevaluatedkey":
            yield Pages(kind="cursor", path=path)
            continue
        if variable:
            yield Pages(kind="cursor", path=path, param=f"variables.{variable}", into="json")
            continue
        for param in params_for(path):
            if post:
                for holder in _size_holders(endpoint):
                    yield Pages(kind="cursor", path=path, param=f"{holder}{param}", into="json")
            else:
                yield Pages(kind="cursor", path=path, param=param)
        if path.startswith("header:"):
            yield Pages(kind="cursor", path=path, param=path.removeprefix("header:"), into="header")


def _size_holders(endpoint: Endpoint) -> Iterator[str]:
    """Where tokens may go in a JSON body: beside a page's size or number, as "pagination.", else at the top, ""."""
    if isinstance(endpoint.request.json, dict):
        for name, _ in _body_names(endpoint.request.json, ""):
            holder, dot, last = name.rpartition(".")
            if dot and (names.SIZE_PARAM.fullmatch(names.plain(last)) or _kind_of_number(last)):
                yield f"{holder}."
    yield ""


def by_last_record(endpoint: Endpoint, listing: FirstPage) -> list[Pages]:
    """Ways to go on behind the last record's key, where the keys only grow or only fall; the likeliest first."""
    records = [msgspec.json.decode(record) for record in listing.records[:1000] if is_plain(record)]
    found: list[Pages] = []
    for name in keys.key_of(records, endpoint.table.name)[:1]:
        values = [record.get(name) for record in records if isinstance(record, dict)]
        if len(values) < 2 or len({type(value) for value in values}) > 1 or not isinstance(values[0], int | str):
            continue
        falls = _order_of(values[0]) > _order_of(values[-1])
        params = names.BEFORE_RECORD_PARAMS if falls else names.LAST_RECORD_PARAMS
        found += [Pages(kind="cursor", path=LAST + name, param=param) for param in params]
    return found


def _order_of(key: Any) -> tuple[int, str]:
    """What keys compare by: numbers, also written as texts, by their size."""
    text = str(key)
    return (len(text) if text.isdigit() else 0), text


def unasked(listing: FirstPage) -> Call:
    """The first request with the names under which some servers want to be asked for a token."""
    return msgspec.structs.replace(listing.call, url=with_params(listing.call.url, [*names.UNASKED_CURSORS]))


def params_for(path: str) -> tuple[str, ...]:
    """Parameters that may take the token at that path, the likeliest first."""
    in_header = path.startswith("header:")
    name = names.last_of(path)
    bare = re.sub(r"^(x-)?(ms-)?(next[_-]?|end[_-]?)?", "", name, flags=re.IGNORECASE)
    guesses: tuple[str, ...] = names.TOKEN_PARAMS.get(re.sub(r"^x(?=next)", "", names.plain(name)), ())
    if in_header:
        bare = bare.lower().replace("-", "_")
        camel = re.sub(r"_(\w)", lambda letter: letter[1].upper(), bare)
        guesses = (*guesses, bare, f"next_{bare}", camel, "cursor", "after" if "after" in bare else "token")
    else:
        guesses = (*guesses, bare[:1].lower() + bare[1:], name, "cursor")
    return tuple(dict.fromkeys(guess for guess in guesses if guess))


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


def is_plain(record: bytes) -> bool:
    """Whether the record is strict JSON."""
    try:
        msgspec.json.decode(record)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return True
