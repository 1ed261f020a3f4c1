"""The soak's server, a process of its own: fifty listings that change when told to, and answers that go wrong.

`python -m tests.soak.service SEED` writes its port as a line on stdout and then obeys lines on stdin: `change` (some
records are new, changed or gone), `calm` (no more faults), and ends with them.
"""

import json
import random
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

ENDPOINTS = 50
FAULTS = 0.05
"""Of all answers."""
_PAGE = 20
_KINDS = ("link", "next", "plain", "csv", "since")
"""Ways in which a listing goes on, in turn: Link header, next URL, one page of JSON, CSV, incremental in two pages."""


def kind_of(number: int) -> str:
    return _KINDS[number % len(_KINDS)]


class World:
    """All records by the number of their listing; the lock is held while they are read or changed."""

    def __init__(self, seed: int) -> None:
        self.lock = threading.Lock()
        self.chance = random.Random(seed)
        self.faults = FAULTS
        self.faulty = 0
        self.moment = 0
        self.records = {number: self._fresh(number, 30 + number % 20) for number in range(ENDPOINTS)}

    def _fresh(self, number: int, count: int) -> dict[int, dict[str, object]]:
        return {id: self._record(number, id) for id in range(1, count + 1)}

    def _record(self, number: int, id: int) -> dict[str, object]:
        words = "".join(self.chance.choices("abcdefgh ", k=40))
        return {"id": id, "text": words, "size": self.chance.randrange(10**6), "changed": self.moment, "of": number}

    def change(self) -> None:
        """About every third listing gets a new record, another one, or one less."""
        with self.lock:
            self.moment += 1
            for number, records in self.records.items():
                what = self.chance.randrange(9)
                some = self.chance.choice(list(records))
                if what == 0 and len(records) < 60:
                    new = max(records) + 1
                    records[new] = self._record(number, new)
                elif what == 1 and len(records) > 30:
                    del records[some]
                elif what == 2:
                    records[some] = self._record(number, some)

    def fault(self) -> str | None:
        with self.lock:
            if self.chance.random() >= self.faults:
                return None
            # In turn: every kind has been met, and what it needs is loaded, long before growth is measured.
            self.faulty += 1
            return list(_FAULTS)[self.faulty % len(_FAULTS)]


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "_Server"

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        number, query = int(parts.path.rsplit("/", 1)[1]), parse_qs(parts.query)
        fault = None if parts.path.startswith("/truth/") else self.server.world.fault()
        with self.server.world.lock:
            records = list(self.server.world.records[number].values())
        if fault is not None:
            _FAULTS[fault](self, number, records)
        elif parts.path.startswith("/truth/"):
            self.give(records)
        else:
            self._page(number, records, query)

    def _page(self, number: int, records: list[dict[str, object]], query: dict[str, list[str]]) -> None:
        kind = kind_of(number)
        if kind == "since" and "since" in query:
            since = int(query["since"][0])
            records = [record for record in records if int(str(record["changed"])) >= since]
        if kind == "csv":
            names = ["id", "text", "size", "changed", "of"]
            lines = [",".join(names), *(",".join(str(record[name]) for name in names) for record in records)]
            self.give("\n".join(lines).encode(), kind="text/csv")
            return
        if kind == "plain":
            self.give(records)
            return
        page = int(query.get("page", ["1"])[0])
        part = records[(page - 1) * _PAGE : page * _PAGE]
        more = len(records) > page * _PAGE
        since_too = f"&since={query['since'][0]}" if "since" in query else ""
        link = f"http://{self.headers['Host']}/items/{number}?page={page + 1}{since_too}"
        if kind == "link":
            self.give(part, Link=f'<{link}>; rel="next"' if more else '<x>; rel="first"')
        else:
            self.give({"items": part, "next": link if more else None})

    def give(self, body: object, status: int = 200, kind: str = "application/json", **headers: str) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(data)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def break_off(self, reset: bool) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "5000")
        self.end_headers()
        self.wfile.write(b'[{"id": 1, "text": "half')
        if reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """It tells by what it answers."""


def _slow(answer: _Answer, _number: int, records: list[dict[str, object]]) -> None:
    time.sleep(1.2)  # more than the endpoints' time limit
    answer.give(records)


_FAULTS: dict[str, Callable[[_Answer, int, list[dict[str, object]]], object]] = {
    "500": lambda answer, *_: answer.give({"detail": "broken"}, 500),
    "503": lambda answer, *_: answer.give({"detail": "busy"}, 503, Retry_After="30"),
    "429": lambda answer, *_: answer.give({"detail": "slower"}, 429, Retry_After="120"),
    "401": lambda answer, *_: answer.give({"detail": "who?"}, 401, WWW_Authenticate="Bearer"),
    "404": lambda answer, *_: answer.give({"detail": "where?"}, 404),
    "cut": lambda answer, *_: answer.break_off(reset=False),
    "reset": lambda answer, *_: answer.break_off(reset=True),
    "slow": _slow,
    "garbage": lambda answer, *_: answer.give(b'{"id": 1, nope', 200),
    "page": lambda answer, *_: answer.give(b"<!doctype html><title>Sorry</title>", 200, "text/html"),
    "redirect": lambda answer, number, _: answer.give(b"", 302, Location=f"/items/{number}?lost=1"),
    "loop": lambda answer, *_: answer.give(b"", 302, Location=answer.path),
    "empty": lambda answer, *_: answer.give([]),
    "shrunk": lambda answer, _, records: answer.give(records[:5]),
    "keyless": lambda answer, _, records: answer.give([{**record, "id": None} for record in records]),
    "nothing": lambda answer, *_: answer.give(b"", 200),
}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, world: World) -> None:
        self.world = world
        super().__init__(("127.0.0.1", 0), _Answer)

    def handle_error(self, *_: object) -> None:
        """Whoever asked hung up."""


def main(seed: int) -> None:
    world = World(seed)
    server = _Server(world)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    for line in sys.stdin:
        if line.strip() == "change":
            world.change()
        else:
            world.faults = 0.0
        print("done", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
