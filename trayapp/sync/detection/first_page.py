"""Trying an endpoint out: what its answer is, how the listing goes on, proven by fetching a second page."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeGuard

import msgspec

from trayapp.endpoints.model import Endpoint, Header, Pages
from trayapp.endpoints.naming import completed
from trayapp.errors import UserError
from trayapp.messages import Message, say
from trayapp.store.mirror.claim import Stored
from trayapp.store.mirror.schema import HASH_KEY, OWN_KEYS, Shape, binder, extended
from trayapp.store.records.casting import cast_records
from trayapp.store.records.fields import Fields, decode_records
from trayapp.store.records.pages import Page
from trayapp.store.records.values import SQL_TYPES, Kind, widen
from trayapp.sync.cancel import CancelToken
from trayapp.sync.detection.preview import Preview, PreviewColumn
from trayapp.sync.errors import SyncError
from trayapp.sync.formats.lenient_json import outline
from trayapp.sync.formats.sniff import Format
from trayapp.sync.formats.text import Body, read
from trayapp.sync.http.auth import Access
from trayapp.sync.http.budget import Budgets
from trayapp.sync.http.client import Client
from trayapp.sync.http.failures import quoted, server_message
from trayapp.sync.http.links import place_of
from trayapp.sync.http.request import Answer, Call, first_call
from trayapp.sync.paging.answer_shape import failure_in
from trayapp.sync.paging.candidates import FirstPage
from trayapp.sync.paging.envelope import Envelope, read_envelope
from trayapp.sync.paging.following import first_page
from trayapp.sync.paging.listing import partial
from trayapp.sync.paging.probe import confirm, find_pages
from trayapp.sync.paging.signs import Signs, signs_of
from trayapp.sync.paging.tries import Trial
from trayapp.sync.records import keys, shapes, single
from trayapp.sync.records.extraction import is_large_list, records_of

SHOWN_ROWS = 50


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What a first page says: where its records are, and how many there are on it and, as the server says, in all."""

    format: Format
    encoding: str = "utf-8"
    delimiter: str = ""
    header: Header = "auto"
    path: str
    records: Page
    count: int
    total: int | None
    total_pages: int | None
    envelope: Envelope
    signs: Signs
    alone: bool
    """Whether the answer is one record, not a list of them."""


def look_at(
    endpoint: Endpoint, answer: Answer, page: Body, hide: Callable[[str], str], before: Stored | None = None
) -> Found:
    """The records of a first page: at the path from the settings, else at the likeliest one. SyncError if none.

    `hide` takes secrets out of what the server says. `before`: what the table holds, which an answer without a list
    must resemble.
    """
    body = outline(page.text, answer.url)
    path = endpoint.response.records
    guess = single.guess(body, page.format) if path == "auto" else single.Guess(path, path == "" and _is_object(body))
    if guess is None:
        raise _no_list(answer, body, hide)
    if path == "auto" and hide(guess.path) != guess.path:
        raise _named_by_secret(answer)
    records = records_of(page, guess.path, answer.url)
    count = len(records) + (answer.large.count if answer.large is not None else 0)
    if guess.weak and before is not None and not _resembles(guess, records[0], before):
        raise _no_list(answer, body, hide)
    if guess.alone and not guess.path and before is not None and before.rows > 1:
        raise _no_list(answer, body, hide)  # an object where a list was is no record of it
    if _is_object(body) and (guess.alone or not count) and single.says_error(body):
        raise _no_list(answer, body, hide)
    envelope = read_envelope(page.text, guess.path, answer.url, endpoint.response.harmless)
    signs = signs_of(answer.headers, envelope, count, answer.url)
    if guess.alone:  # all else is the record's own
        signs = Signs(link=signs.link, addresses=signs.addresses)
    said, pages = signs.total, signs.pages.value if signs.pages is not None else None
    goes_on = (pages or 1) > 1 or signs.goes_on is not None or signs.leads_on
    if said is not None and (said.value < count or (said.value == count and goes_on)):
        said = None  # the size of the page, not of the listing
        signs = signs._replace(total=None)
    return Found(
        format=page.format,
        encoding=page.encoding,
        delimiter=page.delimiter,
        header=page.header,
        path=guess.path,
        records=records,
        count=count,
        total=said.value if said is not None else None,
        total_pages=pages,
        envelope=envelope,
        signs=signs,
        alone=guess.alone,
    )


def not_all_there(failure: tuple[str, str], hide: Callable[[str], str]) -> SyncError:
    """The error for a first answer which says that something of it is missing: (path, the server's words)."""
    return SyncError(
        say("The response is not complete"),
        partial(failure, hide),
        say(
            "Correct the request, or try again later. If the list is complete all the same, set response.harmless ="
            ' ["{field}"].',
            field=failure[0],
        ),
        code="incomplete",
        field="response.harmless",
    )


def fits(endpoint: Endpoint, answer: Answer, found: Found) -> bool:
    """Whether the rest of a large answer need not be seen: neither for other records, nor to find the next page."""
    is_named = found.signs.leads_on or (found.total_pages is None and found.signs.more(found.count) is None)
    return is_large_list(answer, endpoint.response, found.path) and (endpoint.pages.kind != "auto" or is_named)


def _is_object(body: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(body, dict)


def _resembles(guess: single.Guess, record: bytes, before: Stored) -> bool:
    """Whether an answer without a list may be what filled the table before."""
    if not before.fields:
        return True
    fields = decode_records([record])[0].keys()
    return not (guess.alone and before.rows > 1) and not before.fields.isdisjoint(fields)


def settled(endpoint: Endpoint, found: Found) -> Endpoint:
    """The endpoint with the records path that was found, and the format where it is not JSON: all pages must be so.

    Of CSV also whether it has a header, where the first page alone tells.
    """
    format = endpoint.response.format if found.format == "json" else found.format
    return msgspec.structs.replace(
        endpoint,
        response=msgspec.structs.replace(endpoint.response, records=found.path, format=format, header=found.header),
    )


def _named_by_secret(answer: Answer) -> SyncError:
    """The path to the records would be kept, in the settings and in the database."""
    return SyncError(
        say("The server would reveal the secret"),
        say("{address} names its list by it, and that name would be saved.", address=place_of(answer.url)),
        say("Report this to the makers of the API."),
        code="secret_exposed",
    )


def _no_list(answer: Answer, body: object, hide: Callable[[str], str]) -> SyncError:
    said = server_message(answer.body, answer.headers, hide) if isinstance(body, dict) else ""
    address = place_of(answer.url)
    if isinstance(body, dict):
        cause = say("{address} sent an object without a list.", address=address)
        if said:
            cause = say("{cause} {message}", cause=cause, message=quoted(said))
        advice = say('To mirror the object itself as one row, set response.records = "jmes:@".')
    else:
        cause = say("{address} sent a single value.", address=address)
        if isinstance(body, list):
            cause = say("{address} sent a list of plain values.", address=address)
        advice = say("Check the address, or set response.records.")
    return SyncError(
        say("The response has no list of records"), cause, advice, code="no_records", field="response.records"
    )


def find_source(endpoint: Endpoint, client: Client, call: Call, answer: Answer, text: bytes, found: Found) -> Trial:
    """How the listing goes on: from the settings, else by trying. `pages.kind` of the trial is never "auto"."""
    first = FirstPage(call, answer, text, found.path, found.records, found.envelope, found.signs)
    if endpoint.pages.kind != "auto":
        return confirm(endpoint, client, first)
    if found.format == "feed" and not found.signs.leads_on:
        return Trial(Pages(kind="none"), "declared", say("A feed has only its newest entries and no further pages."))
    if found.alone and not found.signs.leads_on:
        return Trial(Pages(kind="none"), "asked", say("The response is a single object."))
    trial = find_pages(endpoint, client, first)
    return msgspec.structs.replace(trial, pages=msgspec.structs.replace(trial.pages, max=endpoint.pages.max))


def explore(endpoint: Endpoint, credentials: Access, cancel: CancelToken, budgets: Budgets | None = None) -> Preview:
    """Fetch one page, and a second where there is one; nothing is stored. Raises SyncErrors and Cancelled."""
    client = Client(endpoint, credentials, cancel, budgets=budgets, folder=Path(tempfile.gettempdir()))
    try:
        return _explore(endpoint, client)
    except UserError as error:
        error.hide(client.hide)
        raise
    finally:
        client.close()


def _explore(endpoint: Endpoint, client: Client) -> Preview:
    endpoint = completed(endpoint)
    call = first_page(first_call(endpoint), endpoint.pages)
    answer = client.fetch(call)
    page = read(answer, endpoint)
    found = look_at(endpoint, answer, page, client.hide)
    if answer.large is not None and not fits(endpoint, answer, found):
        answer = answer.whole()
        page = read(answer, endpoint)
        found = look_at(endpoint, answer, page, client.hide)
    failure = failure_in(found.envelope)
    if failure is not None and not found.alone:
        raise not_all_there(failure, client.hide)
    trial = find_source(endpoint, client, call, answer, page.text, found)
    proven, proof = trial.proven, trial.proof
    # Pages may overlap: a record that comes once more is the same one.
    first = set(found.records)
    raw = [*found.records, *(each for each in (trial.second.records if trial.second else ()) if each not in first)]
    count = found.count
    records = cast_records(decode_records(raw), endpoint.table.types)
    mode = endpoint.table.mode
    key = endpoint.table.key or (keys.key_for(records, endpoint.table.name, found.alone, found.format) if count else ())
    if mode == "append" and key and key[0] in OWN_KEYS:
        key = ()
    warnings = [*_warnings(count, key, proven, proof), *page.warnings, *found.records.warnings]
    rival = shapes.rival(outline(page.text, answer.url)) if endpoint.response.records == "auto" else None
    if rival is not None and not found.alone:
        warnings.append(
            say(
                "The response has another list at “{path}”. Set response.records if you need that one.",
                path=rival,
            )
        )
    if mode == "append" and endpoint.table.key:
        warnings.append(say("With table.mode = “append” every run adds all records again, so table.key has no effect."))
    if found.format == "feed" and mode == "auto":
        mode = "upsert"
        warnings.append(
            say("A feed shows only its newest entries. Entries that drop out of it stay in the table (upsert).")
        )
    pages = trial.pages
    if endpoint.pages.kind == "auto" and pages.kind == "none":
        pages = endpoint.pages  # one page today; that a Link header never comes is not proven
    filled = msgspec.structs.replace(
        settled(endpoint, found),
        pages=pages,
        table=msgspec.structs.replace(endpoint.table, key=key, mode=mode),
    )
    shape = _shape(filled, records)
    bind = binder(shape)
    return Preview(
        endpoint=filled,
        format=found.format,
        encoding=found.encoding,
        delimiter=found.delimiter,
        records_path=found.path,
        count=count,
        total=found.total,
        pages=trial.pages,
        evidence=trial.evidence,
        proof=proof.mapped(client.hide),
        key=key,
        columns=tuple(PreviewColumn(name=c.name, type=SQL_TYPES[c.kind], path=c.path) for c in shape.columns),
        cursors=keys.cursor_fields(keys.plain(records)),
        rows=tuple(tuple(bind(record)) for record in records[:SHOWN_ROWS]),
        requests=tuple(client.made),
        warnings=tuple(each.mapped(client.hide) for each in warnings),
    )


def _warnings(count: int, key: tuple[str, ...], proven: bool, proof: Message) -> list[Message]:
    warnings = []
    if not proven:
        warnings.append(proof)
    if not count:
        warnings.append(
            say("The list is empty for now. The key and the columns are found when the first records arrive.")
        )
    elif key == (HASH_KEY,):
        warnings.append(
            say(
                "No field identifies a record, so records are compared by their content: a changed record counts as"
                " one deleted and one new."
            )
        )
    return warnings


def _shape(endpoint: Endpoint, records: list[Fields]) -> Shape:
    seen: dict[str, Kind] = {}
    for record in records:
        for name, (kind, _) in record.items():
            seen[name] = widen(seen.get(name, "null"), kind)
    return extended(Shape((), endpoint.table.key), seen, endpoint.table)
