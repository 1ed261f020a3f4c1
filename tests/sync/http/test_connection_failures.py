"""Why no whole answer came: each sentence is true of what happened, and nothing is lost by it."""

import errno
import socket
import threading
from contextlib import suppress

import pytest
import requests
from urllib3.exceptions import MaxRetryError, NewConnectionError, ProtocolError, ProxyError

from tests.server import json_reply, redirect
from tests.sync.mirroring import mirroring
from trayapp.endpoints.model import Auth, Endpoint, Response
from trayapp.endpoints.naming import completed
from trayapp.sync.cancel import CancelToken
from trayapp.sync.http import retry
from trayapp.sync.http.connection_failures import connection_error
from trayapp.sync.run.context import RunContext
from trayapp.sync.run.runner import run

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


class Sending:
    """Answers every request with the same bytes, and closes the connection."""

    def __init__(self, answer):
        self.answer = answer
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}/items"
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(30)

    def _serve(self):
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            with client, suppress(OSError):
                while b"\r\n\r\n" not in client.recv(65536):
                    pass
                client.sendall(self.answer)


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    monkeypatch.setattr(retry, "pause_before", lambda attempt, asked, jitter: 0.0)
    with mirroring(tmp_path) as mirror:
        yield mirror


@pytest.mark.parametrize(
    ("answer", "title", "cause"),
    [
        (b"", "The connection was lost", "closed the connection without responding"),
        (b"HTTP/1.1 200 OK", "The response was cut off", "before the end of the headers"),
        (b"HTTP/1.1 200 OK\r\nContent-Ty", "The response was cut off", "before the end of the headers"),
        (HEAD, "The response was cut off", "before the end of the headers"),
        (HEAD + b"A: " + b"b" * 70_000 + b"\r\n\r\n[]", "The response can't be read", "more or longer headers"),
        (HEAD + b"A: b\r\n" * 120 + b"\r\n[]", "The response can't be read", "more or longer headers"),
        (b"SSH-2.0-OpenSSH_9.9\r\n", "The server does not speak HTTP", "does not begin as HTTP does"),
        (b"HTTP/7.5 200 OK\r\n\r\n", "The server does not speak HTTP", "does not begin as HTTP does"),
        (b"a" * 70_000, "The response can't be read", "more or longer headers"),
        (HEAD + b"Content-Length: 2, 3\r\n\r\n[]", "The response can't be read", "in two ways how long it is"),
        (HEAD + b"Content-Length: 9\r\n\r\n[]", "The response was cut off", "before the end of the response"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n[", "The response was cut off", "before the end of the resp"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n[]", "The response is damaged", "without saying how long"),
        (HEAD + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n[]", "The response is damaged", "decompressed"),
    ],
)
def test_what_a_server_does_is_told_as_it_was(mirror, caplog, answer, title, cause):
    with Sending(answer) as server:
        assert mirror.run(completed(Endpoint(url=server.url, name="Items"))) is None
    assert str(mirror.report.problem.title) == title
    assert cause in str(mirror.report.problem.cause)
    # Libraries' warnings have tracebacks and whole addresses.
    assert [record for record in caplog.records if record.name.startswith("urllib3")] == []


def test_headers_that_are_cut_off_are_no_empty_listing(mirror):
    endpoint = {"response": Response(format="ndjson")}
    whole = HEAD + b'Content-Length: 9\r\n\r\n{"id":1}\n'
    with Sending(whole) as server:
        made = completed(Endpoint(url=server.url, name="Items", **endpoint))
        assert [row["id"] for row in mirror.run(made)] == [1]
        server.answer = whole[:30]
        mirror.run(made)
    assert mirror.report.failure == "network"
    assert [row["id"] for row in mirror.rows()] == [1]


def _refused(cause):
    try:
        raise NewConnectionError(None, "no connection") from cause
    except NewConnectionError as error:
        return requests.exceptions.ConnectionError(MaxRetryError(None, "/", error))


@pytest.mark.parametrize(
    ("error", "title", "cause"),
    [
        (socket.gaierror(socket.EAI_NONAME, "x"), "The server can't be found", "There is no server called a.example"),
        (socket.gaierror(socket.EAI_AGAIN, "x"), "The server can't be found", "can't be looked up at the moment"),
        (OSError(errno.ENETUNREACH, "x"), "The server can't be reached", "no connection to the network of"),
        (OSError(errno.EHOSTUNREACH, "x"), "The server can't be reached", "No way leads to a.example"),
        (OSError(errno.ECONNREFUSED, "x"), "The server can't be reached", "accepts no connections on port 80"),
        (OSError(errno.EACCES, "x"), "The server can't be reached", "does not let TraySync connect"),
        (OSError(errno.ETIMEDOUT, "x"), "The server does not respond", "sent nothing for 30 seconds"),
        (OSError(errno.EMFILE, "x"), "Too many files are open", "another file or connection"),
        (UnicodeError("x"), "The address can't be used", "not a valid web address"),
    ],
)
def test_what_the_system_says_of_a_connection(error, title, cause):
    found = connection_error(_refused(error), "http://a.example/items", 30)
    assert found.title == title
    assert cause in found.cause


@pytest.mark.parametrize(
    ("said", "title"),
    [
        ("Tunnel connection failed: 407 Proxy Authentication Required", "The proxy requires a user name and password"),
        ("Tunnel connection failed: 403 Forbidden on port 4070", "The proxy does not connect to the server"),
        ("Tunnel connection failed: 502 Bad Gateway", "The proxy does not connect to the server"),
        ("Connection to 10.0.4.7:4070 failed", "The proxy can't be reached"),
    ],
)
def test_what_a_proxy_says(said, title):
    error = requests.exceptions.ProxyError(MaxRetryError(None, "/", ProxyError("Unable to connect", OSError(said))))
    assert connection_error(error, "https://a.example/items", 30).title == title


def test_a_lost_connection_is_one():
    error = requests.exceptions.ConnectionError(ProtocolError("Aborted", ConnectionResetError(errno.ECONNRESET, "x")))
    assert connection_error(error, "http://a.example/items", 30).title == "The connection was lost"


def test_many_redirects_are_no_circle(mirror):
    for number in range(30):
        mirror.api.route(f"/{number}", redirect(f"/{number + 1}"))
    assert mirror.sync(redirect("/0")) is None
    assert str(mirror.report.problem.title) == "The server redirects too often"
    assert "leads to more than 10 redirects" in str(mirror.report.problem.cause)
    assert mirror.api.count("/9") == 1
    assert mirror.api.count("/10") == 0


def test_a_circle_of_redirects_is_told_as_one(mirror):
    mirror.api.route("/a", redirect("/b"))
    mirror.api.route("/b", redirect("/items"))
    assert mirror.sync(redirect("/a")) is None
    assert str(mirror.report.problem.title) == "The server redirects endlessly"
    assert "/items lead round in a circle" in str(mirror.report.problem.cause)


@pytest.mark.parametrize("secret", ["ключ", "k\u00e9y", " k ", "k\x7f"])
def test_any_secret_can_be_sent(mirror, secret):
    seen = []

    def answer(request):
        seen.append(request.headers["X-Key"])
        return json_reply([{"id": 1}])

    url = mirror.api.route("/items", answer)
    endpoint = completed(Endpoint(url=url, name="Items", auth=Auth(kind="header", name="X-Key")))
    context = RunContext(store=mirror.store, staging=mirror.store.path.parent, secret=lambda _id, _auth: secret)
    report = run(endpoint, context, CancelToken())
    assert report.problem is None
    sent = seen[0].encode("latin-1")
    assert sent in (secret.strip().encode(), secret.strip().encode("latin-1", "ignore"))


def test_a_ca_file_of_the_environment_that_is_not_there_is_named(mirror, monkeypatch, tmp_path):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "none.pem"))
    assert mirror.run(completed(Endpoint(url="https://127.0.0.1:1/items", name="Items"))) is None
    assert str(mirror.report.problem.title) == "The CA file can't be read"
    assert "REQUESTS_CA_BUNDLE" in str(mirror.report.problem.next)


def test_headers_that_are_none_are_not_written_down(mirror, caplog):
    """A library's warning of them has a traceback and the whole address."""
    with Sending(HEAD + b"no header\r\n\r\n[]") as server:
        mirror.run(completed(Endpoint(url=f"{server.url}?token=s3cr3t", name="Items")))
    assert mirror.report.problem is None
    assert "s3cr3t" not in caplog.text
    assert [record for record in caplog.records if record.name.startswith("urllib3")] == []
