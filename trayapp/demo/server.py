"""The demo's HTTP server: loopback only, standard library only, no wake-ups while nobody asks."""

import json
import os
import re
import socket
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from trayapp.demo.endpoint import HOST, PATH
from trayapp.demo.tickets import TICK_SECONDS, Ticket, records_at, tick_at, time_of

DEFAULT_PORT = 8765
PAGE_SIZE = 50


class DemoServer:
    """Serves the tickets from its own daemon threads between `start` and `stop`; also a context manager.

    `clock` gives seconds since 1970. Tests hold it still and call `advance`.
    """

    def __init__(self, seed: int = 1, port: int = DEFAULT_PORT, clock: Callable[[], float] = time.time) -> None:
        self.seed = seed
        self._port = port
        self._clock = clock
        self._ahead = 0
        self._stopping = False
        self._server: _Listener | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> str:
        """Listen, on another free port if the wished one is taken; returns the URL of the listing.

        Raises OSError if loopback can't be listened on at all.
        """
        if self._server is None:
            self._server = self._listen()
            self._stopping = False
            self._thread = threading.Thread(target=self._serve, args=(self._server,), name="demo", daemon=True)
            self._thread.start()
        return self.url

    def stop(self) -> None:
        """Stop listening; returns as soon as the port is free again. Does nothing if not started."""
        if self._server is None or self._thread is None:
            return
        self._stopping = True
        # The accept loop sleeps without a timeout; a connection is the one thing that wakes it on every system.
        socket.create_connection((HOST, self._server.server_port), timeout=5).close()
        self._thread.join()
        self._server.server_close()
        self._server = self._thread = None

    def __enter__(self) -> "DemoServer":
        self.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The URL of the listing; RuntimeError when the server is not started."""
        if self._server is None:
            raise RuntimeError("the demo server is not started")
        return f"http://{HOST}:{self._server.server_port}{PATH}"

    @property
    def tick(self) -> int:
        """The number of the state served now."""
        return tick_at(self._clock()) + self._ahead

    def advance(self, ticks: int = 1) -> None:
        """Move on by that many changes at once."""
        self._ahead += ticks

    def records(self) -> tuple[Ticket, ...]:
        """All tickets served now, ascending by `id`."""
        return records_at(self.seed, self.tick)

    def _listen(self) -> "_Listener":
        try:
            return _Listener(self, self._port)
        except OSError:
            return _Listener(self, 0)

    def _serve(self, server: "_Listener") -> None:
        while not self._stopping:
            server.handle_request()


class _Listener(ThreadingHTTPServer):
    # On Windows this option would let two programs listen on one port.
    allow_reuse_address = os.name != "nt"
    daemon_threads = True

    def __init__(self, demo: DemoServer, port: int) -> None:
        self.demo = demo
        super().__init__((HOST, port), _Handler)

    def server_bind(self) -> None:
        # HTTPServer.server_bind asks the resolver for the host's full name, which can take seconds.
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]


class _Handler(BaseHTTPRequestHandler):
    server: _Listener
    server_version = "TraySyncDemo"
    sys_version = ""
    timeout = 10

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path == PATH:
            self._listing(parse_qs(parts.query).get("page_cursor", [""])[0])
        elif found := re.fullmatch(PATH + r"/(\d{1,15})", parts.path):
            self._one(int(found[1]))
        elif parts.path == "/":
            self._send(200, {"tickets": self._here(PATH)})
        else:
            self._problem(404, "Not found", f"This server has {PATH} only.")

    do_HEAD = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent: the tray program has no console."""

    def _listing(self, cursor: str) -> None:
        now = self.server.demo.tick
        tick, after = now, 0
        if cursor:
            # The cursor pins the tick, so that a listing that is being walked is not shifted by a change.
            found = re.fullmatch(r"(\d{1,12})-(\d{1,15})", cursor)
            if not found or int(found[1]) > now:
                self._problem(400, "Bad cursor", "page_cursor has to be taken from a Link header of this listing.")
                return
            tick, after = int(found[1]), int(found[2])
        tickets = records_at(self.server.demo.seed, tick)
        rest = [ticket for ticket in tickets if ticket["id"] > after]
        page = rest[:PAGE_SIZE]
        links = [f'<{self._here(PATH)}>; rel="first"']
        if len(rest) > len(page):
            links.append(f'<{self._here(PATH)}?page_cursor={tick}-{page[-1]["id"]}>; rel="next"')
        headers = {
            "Link": ", ".join(links),
            "X-Total-Count": str(len(tickets)),
            "ETag": f'"{self.server.demo.seed}-{tick}-{after}"',
            "Last-Modified": self.date_time_string(time_of(tick).timestamp()),
            "Cache-Control": f"max-age={TICK_SECONDS if not cursor else 0}, must-revalidate",
        }
        if headers["ETag"] in self.headers.get("If-None-Match", ""):
            self._send(304, None, headers)
        else:
            self._send(200, page, headers)

    def _one(self, id: int) -> None:
        for ticket in self.server.demo.records():
            if ticket["id"] == id:
                self._send(200, ticket)
                return
        self._problem(404, "No such ticket", f"Ticket {id} does not exist, or was withdrawn.")

    def _here(self, path: str) -> str:
        return f"http://{HOST}:{self.server.server_port}{path}"

    def _problem(self, status: int, title: str, detail: str) -> None:
        """An error as RFC 9457 wants it."""
        body = {"type": "about:blank", "status": status, "title": title, "detail": detail}
        self._send(status, body, kind="application/problem+json")

    def _send(
        self, status: int, value: Any, headers: dict[str, str] | None = None, kind: str = "application/json"
    ) -> None:
        body = b"" if status == 304 else json.dumps(value, ensure_ascii=False).encode()
        self.send_response(status)
        for name, text in (headers or {}).items():
            self.send_header(name, text)
        if status != 304:
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
