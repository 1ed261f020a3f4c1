"""The benches' server, in a process of its own so that its CPU time is not ours: `with serving(100_000) as server:`.

All bodies are rendered before it says that it is ready.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from subprocess import PIPE, Popen
from urllib.parse import parse_qs, urlsplit
from urllib.request import Request, urlopen

from tests.bench import listing

ROOT = Path(__file__).parents[2]


class BenchServer:
    """The running server as the benches see it."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/items"

    def show(self, state: listing.State) -> None:
        """Serve that state from now on."""
        with urlopen(Request(f"{self.url}?state={state}", method="PUT"), timeout=10):
            pass


@contextmanager
def serving(records: int) -> Iterator[BenchServer]:
    """Start the server process; it ends with the block, or with this process."""
    command = [sys.executable, "-m", "tests.bench.serve", str(records)]
    with Popen(command, cwd=ROOT, stdin=PIPE, stdout=PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield BenchServer(int(process.stdout.readline()))
        finally:
            process.stdin.close()
            process.wait(timeout=10)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    states: dict[str, list[bytes]]
    shown = "base"

    def do_GET(self) -> None:
        number = int(parse_qs(urlsplit(self.path).query).get("page", ["1"])[0])
        bodies = self.states[_Handler.shown]
        self.send_response(200)
        body = bodies[number - 1] if number <= len(bodies) else b"[]"
        if number < len(bodies):
            host = self.headers["Host"]
            self.send_header("Link", f'<http://{host}/items?page={number + 1}>; rel="next"')
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_PUT(self) -> None:
        _Handler.shown = parse_qs(urlsplit(self.path).query)["state"][0]
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


def main() -> None:
    records = int(sys.argv[1])
    _Handler.states = {state: listing.pages(records, state) for state in ("base", "changed")}
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    print(server.server_port, flush=True)

    import threading

    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main()
