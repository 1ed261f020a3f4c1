"""Everything that reads what others wrote, each as a function of bytes.

Whatever the bytes, only the errors named here may come out: a UserError, which people understand, or those that are
documented where they are raised.
"""

import socket
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import msgspec
from requests.structures import CaseInsensitiveDict

from trayapp.desktop.process.logs import Scrubber
from trayapp.desktop.socket import protocol
from trayapp.endpoints.calendar import Days, Once
from trayapp.endpoints.curl import import_curl, is_curl
from trayapp.endpoints.model import Auth, Endpoint, Incremental, Limits, Pages, Request, Response
from trayapp.endpoints.naming import completed
from trayapp.endpoints.paths import parse_records_path
from trayapp.endpoints.settings import parse_settings, to_builtins
from trayapp.endpoints.units import Duration, HostPort, Rate, Size, TimeOfDay
from trayapp.errors import UserError
from trayapp.operations.commands import decode_command
from trayapp.schedule.times.descriptions import describe
from trayapp.store.bookkeeping.endpoint_states import Marks
from trayapp.store.mirror.decoder import Misfit, RowDecoder
from trayapp.store.mirror.schema import Shape, binder, extended
from trayapp.store.mirror.tombstones import Tombstone
from trayapp.store.records.fields import decode_records
from trayapp.store.records.values import Kind, widen
from trayapp.sync.cancel import CancelToken
from trayapp.sync.changes import conditional, cursor
from trayapp.sync.detection import first_page
from trayapp.sync.formats import characters, packed, sniff
from trayapp.sync.formats.text import read
from trayapp.sync.http import large
from trayapp.sync.http.auth import Credentials
from trayapp.sync.http.budget import RateState
from trayapp.sync.http.client import Client
from trayapp.sync.http.failures import status_error
from trayapp.sync.http.links import joined, next_link, origin, parse_link_header, place_of
from trayapp.sync.http.refusal import hidden_refusal, token_refused
from trayapp.sync.http.request import Answer, Call, first_call
from trayapp.sync.http.sockets import OpenSockets
from trayapp.sync.http.transport import Received
from trayapp.sync.oauth import grants, loopback
from trayapp.sync.paging.envelope import Envelope, read_envelope
from trayapp.sync.paging.following import Walk, next_call
from trayapp.sync.paging.signs import signs_of
from trayapp.sync.records.extraction import cut_records, own_records, records_of, split_records
from trayapp.visible import elided, escaped, shortened, visible

URL = "http://api.example/items?page=2&since=1"
NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
SECRET = "s3cr3t/+x"
_LIMITS = Limits(bytes=Size(10_000_000))


class Target(NamedTuple):
    """What is called with the bytes, and which errors but UserErrors may come out of it."""

    run: Callable[[bytes], object]
    errors: tuple[type[Exception], ...] = ()


def permitted(target: Target, data: bytes) -> None:
    """Run the target; only an error that it must not raise comes out, and each UserError has words."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            target.run(data)
    except UserError as error:
        said = str(error.problem)
        assert said.strip(), "an error without words"
        msgspec.json.encode(error.problem.to_plain())
    except target.errors:
        pass


def _decoder(kind: str = "", **response: str) -> Callable[[bytes], None]:
    endpoint = completed(Endpoint(url=URL, name="Items", response=Response(**response), limits=_LIMITS))
    headers = CaseInsensitiveDict({"Content-Type": kind} if kind else {})

    def run(data: bytes) -> None:
        answer = Answer(url=URL, status=200, headers=headers, body=data)
        page = read(answer, endpoint)
        found = first_page.look_at(endpoint, answer, page, str)
        own = own_records(records_of(page, found.path, URL, cut_records), found.path, URL)
        assert [bytes(record) for record in own] == list(records_of(page, found.path, URL))
        _stored(list(own))

    return run


def _stored(records: list[bytes]) -> None:
    """Both ways into a table must give the same."""
    fields = decode_records(records)
    seen: dict[str, Kind] = {}
    for record in fields:
        for name, (kind, _) in record.items():
            seen[name] = widen(seen.get(name, "null"), kind)
    endpoint = completed(Endpoint(url=URL, name="Items"))
    shape = extended(Shape((), ()), seen, endpoint.table)
    bind = binder(shape)
    rows = [tuple(bind(record)) for record in fields]
    tombstone = Tombstone("a.b.c")
    for record in fields:
        tombstone.marks(record)
    cursor.values_of(records, "a.b")
    try:
        fast = RowDecoder(shape, (), frozenset()).decode(b"[" + b",".join(records) + b"]")
    except (Misfit, ValueError):
        return
    assert repr(fast) == repr(rows)


def _characters(data: bytes) -> None:
    """The first line names the encoding, in the header or in the settings."""
    name, _, body = data.partition(b"\n")
    kind = f"text/csv; charset={name.decode('latin-1')}"
    answer = Answer(url=URL, status=200, headers=CaseInsensitiveDict({"Content-Type": kind}), body=body)
    read(answer, Endpoint(url=URL, limits=_LIMITS))
    encoding = name.decode("ascii", "ignore").strip() or None
    read(answer, Endpoint(url=URL, response=Response(format="json", encoding=encoding), limits=_LIMITS))


def _packed(data: bytes) -> None:
    packed.unpacked(data, 1_000_000)


def _records(data: bytes) -> None:
    """The first line is a records path."""
    path, _, body = data.partition(b"\n")
    where = path.decode("utf-8", "replace")
    if where.startswith("jmes:") and len(data) > 1000:
        return  # people write that themselves, and it may ask for much work
    with suppress(ValueError):
        parse_records_path(where)
    split_records(body.strip() or b"null", where, URL)


class _Fetches:
    """A client that gets the same answer to everything."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.made: list[object] = []

    def fetch(self, call: Call, patient: bool = True) -> Answer:
        return msgspec.structs.replace(self._answer, url=call.url)

    def hide(self, text: str) -> str:
        return text


def _explored(data: bytes) -> None:
    head, _, body = data.partition(b"\n\n")
    answer = Answer(url=URL, status=200, headers=_headers(head), body=body)
    endpoint = Endpoint(url=URL, name="Items", request=Request(), limits=_LIMITS)
    first_page._explore(endpoint, _Fetches(answer))  # type: ignore[arg-type]
    for pages in (Pages(kind="cursor", path="next"), Pages(kind="page"), Pages(kind="next_url", path="next")):
        walk = Walk()
        walk.step([b"{}"])
        envelope = read_envelope(body, "items", URL)
        total = signs_of(answer.headers, envelope, 1, URL).total
        walk.total = total.value if total is not None else None
        next_call(first_call(endpoint), answer, envelope, pages, walk)


def _headers(head: bytes) -> CaseInsensitiveDict[str]:
    pairs = (line.partition(":") for line in head.decode("latin-1").split("\n"))
    return CaseInsensitiveDict((name.strip(), value.strip()) for name, _, value in pairs if name.strip())


def _header_values(data: bytes) -> None:
    head, _, body = data.partition(b"\n\n")
    headers = _headers(head)
    state = RateState()
    for status in (200, 401, 403, 404, 407, 410, 429, 503):
        state.learn(status, headers, NOW)
        assert state.wait(NOW) >= 0 <= state.gap(NOW)
        status_error(status, headers, body, URL, NOW)
    hidden_refusal(URL, URL + "/login", headers, body, True)
    token_refused(401, headers)
    next_link(headers.get("Link", ""))
    characters.charset(headers)
    sniff.sniffed(body, headers, URL)
    signs_of(headers, Envelope(b"[]", ()), 3, "https://a.example/items").more(3)
    answer = Answer(url=URL, status=200, headers=headers, body=body)
    cursor.server_time(answer)
    conditional.marked(Marks(), answer, NOW)


def _links(data: bytes) -> None:
    text = data.decode("latin-1") if data[:1] < b"a" else data.decode("utf-8", "replace")
    parse_link_header(text)
    place_of(text)
    with suppress(ValueError):
        origin(text)
    origin(joined(URL, text))


def _answered(data: bytes) -> None:
    """The bytes are what a server sends over the connection."""
    ours, theirs = socket.socketpair()
    try:
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 300_000)
        theirs.setblocking(False)
        theirs.send(data[:90_000])
        theirs.close()
        endpoint = Endpoint(url="http://api.example/items", limits=_LIMITS, request=Request(timeout=Duration(5)))
        with mock.patch.object(OpenSockets, "connected", return_value=ours):
            client = Client(endpoint, _Nobody(), CancelToken())
            try:
                client._once(first_call(endpoint))
            finally:
                client.close()
    finally:
        theirs.close()
        ours.close()


class _Nobody:
    proxy_password = None

    def current(self) -> Credentials:
        return Credentials()

    def renewed(self, refused: Credentials) -> None:
        return None


def _curl(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    is_curl(text)
    made = import_curl(text)
    to_builtins(made.endpoint)


def _settings(data: bytes) -> None:
    to_builtins(parse_settings(data.decode("utf-8", "replace")))


def _import(data: bytes) -> None:
    from trayapp.operations.imports import plan

    for planned in plan(_Home(), data.decode("utf-8", "replace")):  # type: ignore[arg-type]
        str(planned.words)
        [str(ask) for ask in planned.asks]


class _Home:
    """As much of a workspace as a plan of an import needs."""

    def settings(self) -> object:
        return parse_settings('[[endpoint]]\nid = "a"\nurl = "http://a.example/x"\nauth.kind = "bearer"')


def _callback(data: bytes) -> None:
    redirect = loopback.Redirect.__new__(loopback.Redirect)
    redirect.code, redirect.error, redirect._state = None, loopback.NOTHING, "state"
    redirect._done = loopback.threading.Event()
    for shown in redirect.take(data.decode("latin-1"))[1:]:
        str(shown)
    redirect.answered()


def _tokens(data: bytes) -> None:
    kind, _, body = data.partition(b"\n")
    received = Received()
    received.status, received.body = 200, body
    received.headers = CaseInsensitiveDict({"Content-Type": kind.decode("latin-1")})
    auth = Auth(kind="oauth2_client", token_url="http://auth.example/token", client_id="me")
    made = grants.Grants.__new__(grants.Grants)
    made._auth, made._now, made._heard = auth, lambda: NOW, lambda _secret: None
    made._hidden = set()
    made._post = lambda url, form: made._understood(url, received)  # type: ignore[method-assign]
    for ask in (lambda: made._token({}), made.start_device):
        try:
            ask()
        except UserError as error:
            str(error)


def _message(data: bytes) -> None:
    try:
        protocol.encode(decode_command(data))
    except UserError as error:
        str(error)
    protocol.decode(data, protocol.Answer[dict[str, object]])


def _cursor(data: bytes) -> None:
    """The first line is the format to write the cursor in."""
    form, _, text = data.decode("utf-8", "replace").partition("\n")
    incremental = Incremental(
        field="at", param="since", format="epoch" if form == "e" else "", lookback=Duration(90_000)
    )
    newest = cursor.Newest()
    newest.see("2026-01-01T00:00:00Z")
    newest.see(text)
    cursor.next_cursor(cursor.Newest(text or None), NOW)
    cursor.since(first_call(Endpoint(url=URL)), incremental, text or None)
    cursor.since(first_call(Endpoint(url=URL)), Incremental(path="next"), text or None)


def _units(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    for kind in (Duration, Size, Rate, TimeOfDay, HostPort, Days, Once):
        with suppress(ValueError):
            made = kind.parse(text)
            assert kind.parse(str(made)) == made or kind in (Duration, Rate, Once), (text, str(made))


def _schedule(data: bytes) -> None:
    text = msgspec.json.encode(data.decode("utf-8", "replace")).decode()
    settings = parse_settings(f'[[endpoint]]\nurl = "{URL}"\ncron = {text}')
    str(describe(settings.endpoint[0]))


def _shown(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    scrubber = Scrubber()
    scrubber.register(SECRET)
    assert SECRET not in scrubber.scrub(text)
    visible(text)
    elided(text, 60)
    shortened(text)
    escaped(text)


def _large(data: bytes) -> None:
    with _small_pieces():
        made = large.Large.begin(data, Path(tempfile.gettempdir()))
        if made is None:
            return
        try:
            assert made.restored(made.finish()) == data
            assert sum(map(len, made)) == made.count
        finally:
            made.close()


@contextmanager
def _small_pieces() -> Iterator[None]:
    with mock.patch.object(large, "PIECE", 64), mock.patch.object(large, "_LOOK_FOR_LIST", 256):
        yield


TARGETS: dict[str, Target] = {
    "json": Target(_decoder("application/json")),
    "ndjson": Target(_decoder("application/x-ndjson")),
    "csv": Target(_decoder("text/csv")),
    "xml": Target(_decoder("text/xml")),
    "feed": Target(_decoder("application/rss+xml", format="feed")),
    "any": Target(_decoder()),
    "archives": Target(_packed, (packed.TooLarge, packed.Unusable)),
    "characters": Target(_characters),
    "records": Target(_records),
    "explored": Target(_explored),
    "headers": Target(_header_values),
    "links": Target(_links),
    "answered": Target(_answered),
    "curl": Target(_curl),
    "settings": Target(_settings),
    "import": Target(_import),
    "callback": Target(_callback),
    "tokens": Target(_tokens),
    "message": Target(_message),
    "cursor": Target(_cursor),
    "units": Target(_units),
    "schedule": Target(_schedule),
    "shown": Target(_shown),
    "large": Target(_large),
}
