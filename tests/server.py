"""A scriptable HTTP server on loopback for the tests: listings of every kind, auth, and every fault we could think of.

    with ApiServer() as api:
        api.route("/items", Listing(records, pages="link", size=10))
        ... sync api.url("/items") ...
        assert api.count("/items") == 3

A route's handler is a Reply, or a function from the request (Seen) to one. Faults are functions that take a Reply and
return one that is sent badly: `trickle(reply)`, `cut(reply)`, `silent()`. All of them end at once when the server does.
An exception in a handler fails the test that used the server.
"""

from __future__ import annotations

import base64
import gzip
import json
import socket
import socketserver
import ssl
import struct
import sys
import threading
import zlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from email.message import Message
from functools import cache
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import TracebackType
from typing import Any, Literal
from urllib.parse import parse_qs, parse_qsl, unquote_plus, urlencode, urlsplit

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Seen:
    """A request as it arrived; `target` is path and query as sent."""

    method: str
    target: str
    headers: Message
    body: bytes
    base: str

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.target).query, keep_blank_values=True)

    def param(self, name: str, default: str = "") -> str:
        return self.query.get(name, [default])[0]

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    """An answer, and how its bytes get onto the wire."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    send: Callable[[Wire, Reply], None] = lambda wire, reply: wire.whole(reply)

    def with_headers(self, **headers: str) -> Reply:
        """The same with more headers; an underscore in a name stands for a hyphen."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return replace(self, headers={**self.headers, **named})


Handler = Callable[[Seen], Reply]


# --- replies


def json_reply(value: Any, status: int = 200, **headers: str) -> Reply:
    body = json.dumps(value, ensure_ascii=False).encode()
    return Reply(body, status, {"Content-Type": "application/json"}).with_headers(**headers)


def raw(body: bytes, kind: str = "application/json", status: int = 200) -> Reply:
    """Bytes as they are: invalid JSON, other encodings, NaN, a byte order mark, a wrong content type."""
    return Reply(body, status, {"Content-Type": kind})


def problem(status: int, title: str, detail: str = "") -> Reply:
    """An error as RFC 9457 describes it."""
    value = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    return json_reply(value, status, Content_Type="application/problem+json")


def html(status: int = 200, title: str = "Oops", inside: str = "<p>Something went wrong.</p>") -> Reply:
    page = f"<!doctype html><html><head><title>{title}</title></head><body>{inside}</body></html>"
    return raw(page.encode(), "text/html; charset=utf-8", status)


def login_page() -> Reply:
    """What a portal sends with status 200 to whom it does not know."""
    form = "<form method=post><input name=user><input name=password type=password></form>"
    return html(200, "Sign in", form)


def redirect(url: str, status: int = 302) -> Reply:
    return Reply(b"", status, {"Location": url})


def nested(levels: int) -> Reply:
    return raw(b'[{"id": 1, "deep": ' + b"[" * levels + b"]" * levels + b"}]")


def in_turn(*handlers: Handler | Reply) -> Handler:
    """The first request gets the first one, and so on; the last one stays."""
    left = list(handlers)
    lock = threading.Lock()

    def next_one(seen: Seen) -> Reply:
        with lock:
            handler = left.pop(0) if len(left) > 1 else left[0]
        return handler if isinstance(handler, Reply) else handler(seen)

    return next_one


# --- faults


class Wire:
    """The connection below a reply, for those who send it badly."""

    def __init__(self, handler: _Connection) -> None:
        self._handler = handler

    def whole(self, reply: Reply) -> None:
        self.head(reply, {"Content-Length": str(len(reply.body))})
        self.write(reply.body)

    def head(self, reply: Reply, more: Mapping[str, str] | None = None) -> None:
        handler = self._handler
        handler.send_response_only(reply.status)
        for name, value in (("Server", handler.version_string()), ("Date", handler.date_time_string())):
            if name not in reply.headers:
                handler.send_header(name, value)
        for name, value in {**reply.headers, **(more or {})}.items():
            handler.send_header(name, value)
        handler.end_headers()

    def write(self, data: bytes) -> None:
        if self._handler.command != "HEAD" and data:
            self._handler.wfile.write(data)

    def chunk(self, data: bytes) -> None:
        self.write(b"%x\r\n%b\r\n" % (len(data), data))

    def pause(self, seconds: float) -> None:
        """Sleep, but end the reply as soon as the server is stopped."""
        if self._handler.server.stopping.wait(seconds):
            raise ConnectionAbortedError

    def hang_up(self) -> None:
        """Close the connection after this reply, as if it were complete."""
        self._handler.close_connection = True

    def reset(self) -> None:
        """Close the connection with a TCP reset: the client gets ECONNRESET."""
        self._handler.server.resets.add(self._handler.connection)
        self._handler.close_connection = True


def trickle(reply: Reply, piece: int = 8, gap: float = 0.05) -> Reply:
    """The body in small pieces with a gap (seconds) after each."""

    def send(wire: Wire, reply: Reply) -> None:
        wire.head(reply, {"Content-Length": str(len(reply.body))})
        for start in range(0, len(reply.body), piece):
            wire.write(reply.body[start : start + piece])
            wire.pause(gap)

    return replace(reply, send=send)


def late(reply: Reply, seconds: float) -> Reply:
    """Nothing at all for some seconds, then the answer."""

    def send(wire: Wire, reply: Reply) -> None:
        wire.pause(seconds)
        wire.whole(reply)

    return replace(reply, send=send)


def slow_headers(reply: Reply, gap: float = 0.05) -> Reply:
    """The status line and headers letter by letter."""

    def send(wire: Wire, reply: Reply) -> None:
        headers = {"Content-Length": str(len(reply.body)), **reply.headers}
        head = f"HTTP/1.1 {reply.status} Slow\r\n" + "".join(f"{name}: {text}\r\n" for name, text in headers.items())
        for letter in f"{head}\r\n".encode():
            wire.write(bytes([letter]))
            wire.pause(gap)
        wire.write(reply.body)

    return replace(reply, send=send)


def cut(reply: Reply, keep: float = 0.5) -> Reply:
    """Only the first part of the body, though Content-Length promises all of it."""

    def send(wire: Wire, reply: Reply) -> None:
        wire.head(reply, {"Content-Length": str(len(reply.body))})
        wire.write(reply.body[: int(len(reply.body) * keep)])
        wire.hang_up()

    return replace(reply, send=send)


def chunked(reply: Reply, piece: int = 1000, keep: float = 1.0) -> Reply:
    """Transfer-Encoding chunked; with keep < 1 it ends without the last chunk."""

    def send(wire: Wire, reply: Reply) -> None:
        wire.head(reply, {"Transfer-Encoding": "chunked"})
        body = reply.body[: int(len(reply.body) * keep)]
        for start in range(0, len(body), piece):
            wire.chunk(body[start : start + piece])
        if keep >= 1:
            wire.write(b"0\r\n\r\n")
        wire.hang_up()

    return replace(reply, send=send)


def reset(reply: Reply | None = None, keep: float = 0.5) -> Reply:
    """A TCP reset at once, or after a part of a reply."""

    def send(wire: Wire, reply: Reply) -> None:
        if reply.body:
            wire.head(reply, {"Content-Length": str(len(reply.body))})
            wire.write(reply.body[: int(len(reply.body) * keep)])
            wire.pause(0.05)
        wire.reset()

    return replace(reply or Reply(), send=send)


def silent() -> Reply:
    """Takes the request and never answers."""
    return late(Reply(), 3600)


def endless(piece: bytes = b'{"id": 1, "filler": "..........................................."},' * 1000) -> Reply:
    """A list that never ends, as fast as it is read."""

    def send(wire: Wire, reply: Reply) -> None:
        wire.head(reply)
        wire.write(b"[")
        while True:
            wire.write(piece)
            wire.pause(0)

    return replace(raw(b""), send=send)


def gzipped(reply: Reply) -> Reply:
    return replace(reply, body=gzip.compress(reply.body, 1)).with_headers(Content_Encoding="gzip")


@cache
def gzip_bomb(megabytes: int = 1000) -> Reply:
    """A list of one record whose filler unpacks to that many MB: about a thousandth of it on the wire."""
    packer = zlib.compressobj(9, wbits=31)
    parts = [packer.compress(b'[{"id": 1, "filler": "')]
    parts += [packer.compress(b"." * 2**20) for _ in range(megabytes)]
    parts += [packer.compress(b'"}]'), packer.flush()]
    return raw(b"".join(parts)).with_headers(Content_Encoding="gzip")


# --- auth

Check = Callable[[Seen], bool]


def basic(user: str, password: str) -> Check:
    expected = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
    return lambda seen: seen.headers.get("Authorization") == expected


def bearer(token: str) -> Check:
    return lambda seen: seen.headers.get("Authorization") == f"Bearer {token}"


def header_key(name: str, value: str) -> Check:
    return lambda seen: seen.headers.get(name) == value


def query_key(name: str, value: str) -> Check:
    return lambda seen: seen.query.get(name) == [value]


class Guarded:
    """Lets only requests through that pass a check; counts both kinds."""

    def __init__(self, check: Check, handler: Handler | Reply) -> None:
        self._check = check
        self._handler = handler
        self.granted = 0
        self.refused = 0

    def __call__(self, seen: Seen) -> Reply:
        if not self._check(seen):
            self.refused += 1
            return problem(401, "Unauthorized", "Credentials are missing or wrong.").with_headers(
                WWW_Authenticate="Bearer"
            )
        self.granted += 1
        return self._handler if isinstance(self._handler, Reply) else self._handler(seen)


# --- listings

Style = Literal["none", "link", "next_url", "page", "offset", "cursor"]
_POSITION = {"none": "page", "link": "page", "next_url": "page", "page": "page", "offset": "offset", "cursor": "cursor"}


@dataclass
class Listing:
    """A handler that serves `records` in pages of `size`; change `records` between the requests as you like.

    pages: how a page leads to the next. `at` is where the next URL (next_url) or token (cursor) stands: dotted, or
    "header:NAME". items: where the body holds the records, dotted; "" makes the body the list where it can be one.
    total: where the number of records is told, dotted or "header:NAME". cap: the largest page the server gives,
    whatever it is asked for. relative: next URLs without the server's address. first: the number of the first page.
    """

    records: Sequence[Mapping[str, Any]]
    pages: Style = "none"
    size: int = 10
    at: str = "next"
    items: str = ""
    total: str = ""
    param: str = ""
    size_param: str = ""
    cap: int | None = None
    relative: bool = False
    first: int = 1
    etag: bool = False

    def __call__(self, seen: Seen) -> Reply:
        param = self.param or _POSITION[self.pages]
        size = int(seen.param(self.size_param, str(self.size))) if self.size_param else self.size
        size = min(size, self.cap or size)
        if self.pages == "none":
            start, size = 0, len(self.records)
        elif self.pages == "offset":
            start = int(seen.param(param) or 0)
        elif self.pages == "cursor":
            start = int((seen.param(param) or "c0").removeprefix("c"))
        else:
            start = (int(seen.param(param, str(self.first))) - self.first) * size
        items = list(self.records[start : start + size])
        body: Any = {} if self.items or self.pages in ("next_url", "cursor") else items
        headers: dict[str, str] = {}
        if isinstance(body, dict):
            _put(body, self.items or "items", items)
        more = start + size < len(self.records)
        if self.pages in ("link", "next_url") and more:
            query = dict(parse_qsl(urlsplit(seen.target).query)) | {param: str(start // size + self.first + 1)}
            url = f"{'' if self.relative else seen.base}{seen.path}?{urlencode(query)}"
            if self.pages == "link":
                headers["Link"] = f'<{url}>; rel="next"'
            else:
                self._tell(self.at, url, body, headers)
        elif self.pages == "next_url":
            self._tell(self.at, None, body, headers)
        elif self.pages == "cursor":
            self._tell(self.at, f"c{start + size}" if more else None, body, headers)
        if self.total:
            self._tell(self.total, len(self.records), body, headers)
        reply = json_reply(body)
        if self.etag:
            headers["ETag"] = f'"{zlib.crc32(reply.body):08x}"'
            if seen.headers.get("If-None-Match") == headers["ETag"]:
                reply = Reply(status=304)
        return reply.with_headers(**headers)

    @staticmethod
    def _tell(where: str, value: Any, body: Any, headers: dict[str, str]) -> None:
        if not where.startswith("header:"):
            _put(body, where, value)
        elif value is not None:
            headers[where.removeprefix("header:")] = str(value)


def _put(body: dict[str, Any], path: str, value: Any) -> None:
    # A name that starts with @ has a dot in itself: OData's @odata.nextLink.
    *parents, name = [path] if path.startswith("@") else path.split(".")
    for parent in parents:
        body = body.setdefault(parent, {})
    body[name] = value


# --- the server


class ApiServer:
    """The server; a context manager. Another instance is another origin.

    certificate: speak TLS with it (see `certificate`). `requests` is everything that arrived, in order.
    """

    def __init__(self, certificate: Certificate | None = None) -> None:
        self.requests: list[Seen] = []
        self.errors: list[BaseException] = []
        self._routes: dict[str, Handler | Reply] = {}
        self._listener = _Listener(self, certificate)
        self._thread = threading.Thread(target=self._listener.serve, name="api-server")

    def __enter__(self) -> ApiServer:
        self._thread.start()
        return self

    def stop(self) -> None:
        """Close every connection and end every thread, whatever they are doing."""
        if self._thread.is_alive():
            self._listener.stopping.set()
            socket.create_connection((HOST, self.port), timeout=5).close()  # wakes the accept loop
            self._thread.join()
            self._listener.hang_up()
            self._listener.server_close()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()
        if self.errors and error is None:
            raise AssertionError("a handler of the test server failed") from self.errors[0]

    @property
    def port(self) -> int:
        return self._listener.port

    @property
    def base(self) -> str:
        return f"{self._listener.scheme}://{HOST}:{self.port}"

    def url(self, path: str = "/") -> str:
        return self.base + path

    def route(self, path: str, handler: Handler | Reply) -> str:
        """Answer that path with it; a path that ends in /* stands for all below. Returns the URL."""
        self._routes[path] = handler
        return self.url(path)

    def count(self, path: str = "") -> int:
        """How many requests came for a path (or at all)."""
        return sum(1 for seen in self.requests if not path or seen.path == path)

    def leaked(self, *secrets: str) -> list[str]:
        """The requests (as words) that carried credentials or one of the secrets in any place or usual encoding."""
        hidden = [form for secret in secrets for form in (secret, base64.b64encode(secret.encode()).decode()[:-3])]
        found = []
        for seen in self.requests:
            headers = seen.headers.as_string()
            everything = f"{seen.target}\n{unquote_plus(seen.target)}\n{headers}\n{seen.body.decode('latin-1')}"
            names = {"Authorization", "Cookie", "Proxy-Authorization", "X-Api-Key"} & {
                name.title() for name in seen.headers
            }
            if names or any(form in everything for form in hidden):
                found.append(f"{seen.method} {seen.target} {sorted(names)}")
        return found

    def answer(self, seen: Seen) -> Reply:
        self.requests.append(seen)
        handler = self._routes.get(seen.path)
        if handler is None:
            above = [path for path in self._routes if path.endswith("/*") and seen.path.startswith(path[:-1])]
            handler = self._routes[max(above, key=len)] if above else problem(404, "Not Found", "No such path.")
        return handler if isinstance(handler, Reply) else handler(seen)


class _Listener(socketserver.ThreadingMixIn, socketserver.TCPServer):
    allow_reuse_address = True
    daemon_threads = False  # so that closing waits for every handler: no thread, no socket outlives its test
    request_queue_size = 64

    def __init__(self, api: ApiServer, certificate: Certificate | None) -> None:
        self.api = api
        self.stopping = threading.Event()
        self.resets: set[socket.socket] = set()
        self._open: set[socket.socket] = set()
        self._tls = certificate.context() if certificate else None
        self.scheme = "https" if certificate else "http"
        super().__init__((HOST, 0), _Connection)
        self.port: int = self.server_address[1]

    def serve(self) -> None:
        while not self.stopping.is_set():
            self.handle_request()

    def hang_up(self) -> None:
        for connection in list(self._open):
            with suppress(OSError):  # already gone
                # Not the TLS shutdown: it would talk to a peer that may not listen.
                socket.socket.shutdown(connection, socket.SHUT_RDWR)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        connection.settimeout(30)
        if self._tls is not None:
            # The handshake happens in the handler's thread, at its first read.
            connection = self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        if request in self.resets:
            self.resets.discard(request)
            request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_request(request)
        else:
            super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        error = sys.exception()
        if error is not None and not isinstance(error, OSError):  # OSError: the client went away, or we do
            self.api.errors.append(error)


class _Connection(BaseHTTPRequestHandler):
    server: _Listener
    protocol_version = "HTTP/1.1"
    server_version = "TestServer"
    disable_nagle_algorithm = True

    def _any(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else b""
        seen = Seen(self.command, self.path, self.headers, body, self.server.api.base)
        reply = self.server.api.answer(seen)
        reply.send(Wire(self), reply)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = _any

    def log_message(self, format: str, *args: object) -> None:
        """pytest shows requests by their effects, not by a log."""


# --- TLS


@dataclass(frozen=True)
class Certificate:
    """A server's certificate with its key, and the authority that signed it, all as PEM."""

    chain: bytes
    key: bytes
    authority: bytes

    def context(self) -> ssl.SSLContext:
        import tempfile

        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.TemporaryDirectory() as folder:
            files = Path(folder, "chain.pem"), Path(folder, "key.pem")
            files[0].write_bytes(self.chain)
            files[1].write_bytes(self.key)
            made.load_cert_chain(*map(str, files))
        return made

    def write_authority(self, path: Path) -> str:
        """Put the authority's certificate into a file: what `ca_file` of an endpoint wants."""
        path.write_bytes(self.authority)
        return str(path)


@cache
def certificate(host: str = HOST, expired: bool = False) -> Certificate:
    """A certificate for the host name or address, signed by an authority that no system trusts."""
    from datetime import UTC, datetime, timedelta

    import trustme

    authority = trustme.CA()
    until = datetime.now(UTC) - timedelta(days=1) if expired else None
    start = datetime.now(UTC) - timedelta(days=9) if expired else None
    issued = authority.issue_cert(host, not_before=start, not_after=until)
    chain = b"".join(part.bytes() for part in issued.cert_chain_pems)
    return Certificate(chain, issued.private_key_pem.bytes(), authority.cert_pem.bytes())
