"""Trying an endpoint out: what its answer is, how the listing goes on, proven by fetching a second page."""

import msgspec

from trayapp.endpoints.model import Endpoint, Pages
from trayapp.endpoints.naming import completed
from trayapp.errors import UserError
from trayapp.store.records import Fields, decode_records
from trayapp.store.table import HASH_KEY, Shape, binder, extended
from trayapp.store.values import SQL_TYPES, Kind, widen
from trayapp.sync import detect
from trayapp.sync.auth import Credentials
from trayapp.sync.cancel import CancelToken
from trayapp.sync.decode import json_text, parse, split_records
from trayapp.sync.errors import SyncError, hide_secrets
from trayapp.sync.http import Answer, Client, first_call
from trayapp.sync.links import place_of
from trayapp.sync.paging import detected, next_call
from trayapp.sync.preview import Preview, PreviewColumn
from trayapp.sync.supported import require_supported

SHOWN_ROWS = 50


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What the first page says. `pages.kind` is never "auto"; `more` is a sign of pages that can't be followed."""

    path: str
    pages: Pages
    total: int | None
    more: str | None


def look_at(endpoint: Endpoint, answer: Answer, text: bytes) -> Found:
    """Records path, paging and advertised total of a first page, the settings first, guesses where they say "auto".

    Raises SyncError when there is no list of records.
    """
    path = endpoint.response.records
    guess_pages = endpoint.pages.kind == "auto"
    body = parse(text, answer.url)
    if path == "auto":
        found = detect.records_path(body)
        if found is None:
            raise SyncError(
                "The answer has no list of records",
                f"{place_of(answer.url)} sent "
                + ("an object without a list." if isinstance(body, dict) else "a single value."),
                'To mirror the object itself as one row, set response.records = "".',
            )
        path = found
    records = split_records(text, path, answer.url)
    pages = detected(answer, body) if guess_pages else endpoint.pages
    more = detect.signs_of_more(answer.headers, body, len(records)) if guess_pages and pages.kind == "none" else None
    said = detect.total(answer.headers, body)
    if said is not None and said <= len(records) and pages.kind != "none":
        said = None  # the size of the page, not of the listing
    pages = msgspec.structs.replace(pages, max=endpoint.pages.max)
    return Found(path=path, pages=pages, total=said, more=more)


def explore(endpoint: Endpoint, credentials: Credentials, cancel: CancelToken) -> Preview:
    """Fetch one page, and a second where there is one; nothing is stored. Raises SyncErrors and Cancelled."""
    require_supported(endpoint)
    client = Client(endpoint, credentials, cancel)
    try:
        return _explore(endpoint, client)
    except UserError as error:
        hide_secrets(error, client.hide)
        raise
    finally:
        client.close()


def _explore(endpoint: Endpoint, client: Client) -> Preview:
    call = first_call(endpoint)
    answer = client.fetch(call)
    text = json_text(answer, endpoint.response.encoding)
    found = look_at(endpoint, answer, text)
    raw = split_records(text, found.path, answer.url)
    count = len(raw)
    proven, proof = _first_page_proof(found, count)
    following = next_call(call, answer, text, found.pages)
    if following is not None:
        second = client.fetch(following)
        text = json_text(second, endpoint.response.encoding)
        others = split_records(text, found.path, second.url)
        new = len(set(others) - set(raw))
        proven = new > 0 or not others
        where = "the Link header" if found.pages.kind == "link" else f"{found.pages.path!r} in the answer"
        proof = (
            f"The next page, named by {where}, was fetched and has {new:,} other records."
            if proven
            else f"The next page, named by {where}, has the same records as the first."
        )
        raw += others
    records = decode_records(raw)
    endpoint = completed(endpoint)
    key = endpoint.table.key or _key(records, endpoint.table.name)
    warnings = list(_warnings(endpoint, count, key, proven, proof))
    if not key and endpoint.table.mode != "append":
        key = (HASH_KEY,)
    pages = found.pages
    if endpoint.pages.kind == "auto" and pages.kind == "none":
        pages = endpoint.pages  # one page today; that a Link header never comes is not proven
    filled = msgspec.structs.replace(
        endpoint,
        response=msgspec.structs.replace(endpoint.response, records=found.path),
        pages=pages,
        table=msgspec.structs.replace(endpoint.table, key=key),
    )
    shape = _shape(filled, records)
    bind = binder(shape)
    return Preview(
        endpoint=filled,
        records_path=found.path,
        count=count,
        total=found.total,
        pages=found.pages,
        proven=proven,
        proof=proof,
        key=key,
        columns=tuple(PreviewColumn(name=c.name, type=SQL_TYPES[c.kind], path=c.path) for c in shape.columns),
        cursors=detect.cursor_fields(_plain(records)),
        rows=tuple(tuple(bind(record)) for record in records[:SHOWN_ROWS]),
        requests=tuple(client.made),
        warnings=tuple(warnings),
    )


def _first_page_proof(found: Found, count: int) -> tuple[bool, str]:
    if found.more is not None:
        return False, f"No next page was found, but {found.more}."
    if found.total is not None and found.total == count:
        return True, f"The server says there are {count:,} records, and the answer has them all."
    return True, "The answer names no further page."


def _warnings(endpoint: Endpoint, count: int, key: tuple[str, ...], proven: bool, proof: str) -> list[str]:
    warnings = []
    if not proven:
        warnings.append(proof)
    if not count:
        warnings.append("The list is empty now; key and columns show when the first records come.")
    elif not key and endpoint.table.mode != "append":
        warnings.append(
            "No field tells the records apart: they are known by their content, so a changed record counts as one"
            " deleted and one new."
        )
    return warnings


def _plain(records: list[Fields]) -> list[dict[str, object]]:
    """Only what can be part of a key or cursor: texts and integers as they are, else None."""
    return [
        {name: value if kind in ("text", "integer", "long") else None for name, (kind, value) in record.items()}
        for record in records
    ]


def _key(records: list[Fields], table: str) -> tuple[str, ...]:
    return detect.key_of(_plain(records), table)


def key_for(records: list[bytes], table: str) -> tuple[str, ...]:
    """The key to use for these raw records where the settings name none; the content hash when no field will do."""
    return _key(decode_records(records), table) or (HASH_KEY,)


def _shape(endpoint: Endpoint, records: list[Fields]) -> Shape:
    seen: dict[str, Kind] = {}
    for record in records:
        for name, (kind, _) in record.items():
            seen[name] = widen(seen.get(name, "null"), kind)
    return extended(Shape((), endpoint.table.key), seen, endpoint.table)
