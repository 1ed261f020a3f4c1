"""The benches' server, in a process of its own so that its CPU time is not ours: `with serving(100_000) as server:`.

All bodies are rendered before it says that it is ready.
    /items?after=N  the listing, its pages linked by `Link`; with since=…, what was updated since, in one page
    /one            its first page, with an ETag
    /slow?page=N    small pages in an envelope that names the last one, each after 50 ms
    /document       the whole listing as one JSON array
    /table.csv      five CSV rows for each record
"""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from subprocess import PIPE, Popen
from urllib.parse import parse_qs, urlsplit
from urllib.request import Request, urlopen

from tests.bench import listing

ROOT = Path(__file__).parents[2]
SLOW_PAGES = 48
SLOW_SECONDS = 0.05
CSV_ROWS = 5


class BenchServer:
    """The running server as the benches see it."""

    def __init__(self, port: int) -> None:
        self.base = f"http://127.0.0.1:{port}"
        self.url = f"{self.base}/items"

    def show(self, state: listing.State) -> None:
        """Serve that state from now on."""
        with urlopen(Request(f"{self.url}?state={state}", method="PUT"), timeout=60):
            pass


@contextmanager
def serving(records: int, large: bool = False) -> Iterator[BenchServer]:
    """Start the server process; it ends with the block, or with this process. large: /document and /table.csv only."""
    command = [sys.executable, "-m", "tests.bench.serve", str(records), "large" if large else "pages"]
    with Popen(command, cwd=ROOT, stdin=PIPE, stdout=PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield BenchServer(int(process.stdout.readline()))
        finally:
            process.stdin.close()
            process.wait(timeout=60)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    states: dict[str, list[bytes]]
    files: dict[str, tuple[str, list[bytes]]]
    shown = "base"

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        number = int(query.get("page", query.get("after", "0"))) + ("page" not in query)
        pages = self.states.get(_Handler.shown, [])
        if parts.path in self.files:
            kind, pieces = self.files[parts.path]
            self._send(pieces, kind)
        elif parts.path == "/slow":
            time.sleep(SLOW_SECONDS)
            self._send([self.states["slow"][number - 1]])
        elif parts.path == "/one":
            if self.headers.get("If-None-Match") == '"one"':
                self._send([], status=304, ETag='"one"')
            else:
                self._send([pages[0]], ETag='"one"')
        elif "since" in query and _Handler.shown == "changed":
            self._send([self.states["updated"][0]])
        else:
            self._send_page(pages, number)

    def _send_page(self, pages: list[bytes], number: int) -> None:
        body = pages[number - 1] if number <= len(pages) else b"[]"
        link = f'<http://{self.headers["Host"]}/items?after={number}>; rel="next"'
        self._send([body], **({"Link": link} if number < len(pages) else {}))

    def _send(self, pieces: list[bytes], kind: str = "application/json", status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 304:
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(sum(map(len, pieces))))
        self.end_headers()
        for piece in pieces:
            self.wfile.write(piece)

    def do_PUT(self) -> None:
        _Handler.shown = parse_qs(urlsplit(self.path).query)["state"][0]
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


def _slow_page(number: int) -> bytes:
    data = [listing.record(50 * number + place, "base") for place in range(50)]
    return json.dumps({"data": data, "page": number, "total_pages": SLOW_PAGES, "total": 50 * SLOW_PAGES}).encode()


def _document(records: int) -> list[bytes]:
    pieces = []
    for start in range(1, records + 1, listing.RECORDS_PER_PAGE):
        page = [listing.record(n, "base") for n in range(start, min(start + listing.RECORDS_PER_PAGE, records + 1))]
        pieces.append((b"," if pieces else b"[") + listing.encoded(page)[1:-1])
    return [*pieces, b"]"]


def main() -> None:
    records = int(sys.argv[1])
    if sys.argv[2] == "large":
        _Handler.states = {}
        rows = b"".join(listing.csv(CSV_ROWS * records))
        _Handler.files = {
            "/document": ("application/json", _document(records)),
            "/table.csv": ("text/csv; charset=utf-8", [rows]),
        }
    else:
        _Handler.states = {state: listing.pages(records, state) for state in ("base", "changed")}
        _Handler.states["updated"] = [listing.updated(records)]
        _Handler.states["slow"] = [_slow_page(number) for number in range(1, SLOW_PAGES + 1)]
        _Handler.files = {}
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    print(server.server_port, flush=True)

    import threading

    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main()
