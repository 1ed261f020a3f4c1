"""Servers that never finish: what waits for them ends with the run, and what drips is given up."""

import socket
import threading
import time
from contextlib import ExitStack, suppress

import pytest

from tests.patience import until
from trayapp.endpoints.model import Auth, Endpoint, Limits, Request
from trayapp.endpoints.naming import completed
from trayapp.endpoints.units import Duration
from trayapp.sync.cancel import BY_USER, CancelToken
from trayapp.sync.http import throughput
from trayapp.sync.http.throughput import HeadTooLarge, Incoming, Throughput, TooSlow
from trayapp.sync.oauth.accounts import Accounts
from trayapp.sync.run.context import RunContext
from trayapp.sync.run.runner import run

GAP = 0.03
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


class Dripping:
    """Answers what it reads by one of `first` after the other, and then sends `again` for ever, with gaps."""

    def __init__(self, *first: bytes, again: bytes) -> None:
        self._first, self._again = first, again
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self.dripping = threading.Event()
        self.seen = 0
        self.open = 0
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._serve)]

    def __enter__(self):
        self._threads[0].start()
        return self

    def __exit__(self, *_):
        self._stopping.set()
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for thread in self._threads:
            thread.join(30)

    def _serve(self):
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._drip, args=(client,))
            self._threads.append(thread)
            thread.start()

    def _drip(self, client):
        with self._lock:
            self.seen += 1
            self.open += 1
        with client, suppress(OSError):
            for part in self._first:
                client.recv(65536)
                client.sendall(part)
            while not self._stopping.wait(GAP):
                client.sendall(self._again)
                self.dripping.set()
        with self._lock:
            self.open -= 1


HELLO = b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc\x03\x03"
"""The beginning of a long server's hello (RFC 8446 section 4.1.3)."""
DRIPS = {
    "a status line": (b"HTTP/1.1 200 ", b"O"),
    "a header": (OK + b"X-Long: ", b"x"),
    "ever more headers": (OK, b"X-More: 1\r\n"),
    "100 Continue": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "103 Early Hints": (b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"),
    "a body": (OK + b"Content-Length: 100000\r\n\r\n", b" "),
    "chunks": (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "a redirect": (b"HTTP/1.1 302 Found\r\nLocation: /a", b"a"),
    "an error's text": (b"HTTP/1.1 500 Oops\r\nContent-Length: 100000\r\n\r\n", b" "),
    "a TLS handshake": (HELLO, b"\0"),
    "a proxy's answer": (b"HTTP/1.1 200 ", b"O"),
    "a proxy's headers": (b"HTTP/1.1 200 OK\r\n", b"X-More: 1\r\n"),
    "TLS in a proxy's tunnel": (b"HTTP/1.1 200 OK\r\n\r\n", HELLO, b"\0"),
    "a sign-in service": (OK + b"Content-Length: 100000\r\n\r\n", b" "),
    "a sign-in service's headers": (OK, b"X-More: 1\r\n"),
}
"""What is sent first, and then again and again."""


def dripping(kind):
    *first, again = DRIPS[kind]
    return Dripping(*first, again=again)


def endpoint_at(port, kind="", limit=60.0, timeout=30.0):
    place, request, auth = f"127.0.0.1:{port}", Request(timeout=Duration(timeout)), Auth()
    url = f"https://{place}/items" if kind == "a TLS handshake" else f"http://{place}/items"
    if "proxy" in kind:
        url, request = "https://api.example/items", Request(timeout=Duration(timeout), proxy=f"http://{place}")
    if "sign-in" in kind:
        url, auth = "http://127.0.0.1:9/items", Auth(kind="oauth2_client", token_url=f"http://{place}/", client_id="me")
    limits = Limits(run=Duration(limit))
    return completed(Endpoint(url=url, name="Items", request=request, auth=auth, limits=limits))


def mirror(store, endpoint, cancel=None):
    context = RunContext(
        store=store, staging=store.path.parent, secret=lambda _id, _auth: "s3cret", accounts=Accounts()
    )
    return run(endpoint, context, cancel or CancelToken())


def requesting():
    return [thread for thread in threading.enumerate() if thread.name == "request"]


@pytest.mark.parametrize("kind", DRIPS)
def test_nothing_of_a_stopped_run_goes_on(store, kind):
    token, before = CancelToken(), len(requesting())

    def stop():
        until(server.dripping.is_set)
        token.cancel(BY_USER)

    with dripping(kind) as server:
        threading.Thread(target=stop).start()
        report = mirror(store, endpoint_at(server.port, kind), token)
        assert report.status == "stopped"
        # Else they would end by a silence of 30 seconds, which never comes.
        until(lambda: len(requesting()) == before and not server.open)


@pytest.mark.parametrize("kind", ["ever more headers", "TLS in a proxy's tunnel", "a sign-in service"])
def test_nor_of_one_whose_time_is_over(store, kind):
    before = len(requesting())
    with dripping(kind) as server:
        assert mirror(store, endpoint_at(server.port, kind, limit=0.3)).status == "stopped"
        until(lambda: len(requesting()) == before and not server.open)


def test_a_connection_that_is_not_taken_ends_with_the_run(store):
    """Where the queue of new connections is full, Linux lets them wait."""
    before, token = len(requesting()), CancelToken()
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, ExitStack() as opened:
        place = full.getsockname()
        for _ in range(4):
            waiting = opened.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(place)
        threading.Timer(0.3, lambda: token.cancel(BY_USER)).start()
        assert mirror(store, endpoint_at(place[1], timeout=80), token).status == "stopped"
        began = time.monotonic()
        until(lambda: len(requesting()) == before)
        assert time.monotonic() - began < 40


def test_interim_answers_are_passed_over(store):
    body = b'[{"id": 1}]'
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n"
    whole = hints + OK + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    with Dripping(whole, again=b"") as server:
        assert mirror(store, endpoint_at(server.port)).added == 1


# The least throughput


@pytest.mark.parametrize("kind", ["a status line", "ever more headers", "a body", "chunks", "an error's text"])
def test_a_dripping_answer_is_given_up_and_not_asked_for_again(store, kind, monkeypatch):
    monkeypatch.setattr(throughput, "WINDOW", 0.2)
    monkeypatch.setattr(throughput, "LEAST", 2000)
    with dripping(kind) as server:
        report = mirror(store, endpoint_at(server.port, kind, timeout=10 * GAP))
        assert (report.status, str(report.problem.title)) == ("failed", "The server is too slow")
        assert report.failure == "passing"
        assert server.seen == 1


FLOODS = {
    "headers": (OK, b"X: " + 60_000 * b"x" + b"\r\n"),
    "100 Continue": (b"", 3000 * b"HTTP/1.1 100 Continue\r\n\r\n"),
    "103 Early Hints": (b"", 3000 * b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    "a proxy's headers": (b"HTTP/1.1 200 OK\r\n", 10_000 * b"X-More: 1\r\n"),
}


@pytest.mark.parametrize("kind", FLOODS)
def test_headers_without_end_are_given_up(store, kind):
    first, again = FLOODS[kind]
    with Dripping(first, again=again) as server:
        report = mirror(store, endpoint_at(server.port, kind))
        assert (report.status, str(report.problem.title)) == ("failed", "The response can't be read")


class Below:
    """A connection on which each of `pieces` (seconds until it comes, bytes) is one read; the time is its own."""

    def __init__(self, pieces, monkeypatch):
        self.now = 0.0
        self._pieces = iter(pieces)
        monkeypatch.setattr(throughput, "monotonic", lambda: self.now)

    def readinto(self, buffer):
        seconds, count = next(self._pieces, (0, 0))
        self.now += seconds
        return count

    def close(self):
        pass


FAST_ENOUGH = {
    "2G": [(1, 1000)] * 600,
    "a very bad 2G": [(5, 0.1 * throughput.LEAST * 51)] * 200,
    "computing for a minute": [(60, 10)],
    "computing for an hour before the first byte": [(3600, 10), (0, 2)],
    "a silence within the timeout, after the headers": [(0, 200), (29, 2)],
    "one silence after the other, and a lot in between": [(0, 200), (29, 10_000)] * 20,
    "short": [(1, 1)] * 59,
    "our own slowness": [(0, 1)] * 10_000,
}
TOO_SLOW = {
    "a byte every second": [(1, 1)] * 200,
    "a byte every 25 seconds": [(25, 1)] * 200,
    "fast at first": [(0, 10**6), *[(1, 1000)] * 60, *[(2, 10)] * 100],
    "almost": [(1, throughput.LEAST - 1)] * 121,
}


@pytest.mark.parametrize("pieces", FAST_ENOUGH.values(), ids=FAST_ENOUGH)
def test_slow_connections_and_busy_servers_go_on(pieces, monkeypatch):
    below = Below([(seconds, int(count)) for seconds, count in pieces], monkeypatch)
    incoming = Incoming(below, 30.0)
    incoming.head_is_over()
    for _ in pieces:
        incoming.readinto(bytearray(1))
        below.now += 100  # reading on comes late: that is not the server's fault


@pytest.mark.parametrize("pieces", TOO_SLOW.values(), ids=TOO_SLOW)
def test_drips_are_found_within_two_minutes(pieces, monkeypatch):
    below = Below(pieces, monkeypatch)
    incoming = Incoming(below, 30.0)
    incoming.head_is_over()
    with pytest.raises(TooSlow):
        for _ in pieces:
            incoming.readinto(bytearray(1))
    slow_since = 60 if pieces is TOO_SLOW["fast at first"] else 0
    assert below.now - slow_since <= 2 * throughput.WINDOW + 30


def test_a_longer_timeout_allows_a_slower_answer():
    poll = Throughput(200.0)
    assert all(poll.is_enough(10, 1) for _ in range(39))
    assert not poll.is_enough(10, 1)


def test_a_head_may_be_long_but_not_for_ever(monkeypatch):
    incoming = Incoming(Below([(0, 10**5)] * 100, monkeypatch), 30.0)
    with pytest.raises(HeadTooLarge):
        for _ in range(100):
            incoming.readinto(bytearray(1))
