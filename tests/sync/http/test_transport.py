"""TLS, client certificates and proxies, against real servers on loopback."""

import base64
import os
import socket
import ssl
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from tests.server import ApiServer, Certificate, Listing, certificate, in_turn, json_reply, problem, redirect
from trayapp.endpoints.model import Auth, Endpoint, Request
from trayapp.endpoints.naming import completed
from trayapp.endpoints.settings import SettingsError, parse_endpoint
from trayapp.sync.cancel import CancelToken
from trayapp.sync.http import retry
from trayapp.sync.http.auth import MemorySecrets
from trayapp.sync.oauth.accounts import Accounts
from trayapp.sync.run.context import RunContext
from trayapp.sync.run.runner import run

RECORDS = [{"id": n} for n in range(1, 24)]


@pytest.fixture(autouse=True)
def _surroundings(monkeypatch):
    monkeypatch.setattr(retry, "pause_before", lambda attempt, asked, jitter: 0.0)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def mirror(store, url, secret=None, auth=None, keyring=None, **request):
    endpoint = completed(Endpoint(url=url, name="Items", auth=auth or Auth(), request=Request(**request)))
    context = RunContext(
        store=store, staging=store.path.parent, secret=lambda _id, _auth: secret, accounts=Accounts(keyring)
    )
    return run(endpoint, context, CancelToken())


# TLS


def test_a_certificate_of_an_own_authority_is_trusted_where_its_file_is_given(store, tmp_path):
    with ApiServer(certificate()) as api:
        url = api.route("/items", Listing(RECORDS, pages="link"))
        report = mirror(store, url)
        assert str(report.problem.title) == "The server's certificate is not trusted"
        assert "ca_file" in str(report.problem.next)
        assert api.count() == 0
        assert mirror(store, url, ca_file=certificate().write_authority(tmp_path / "ca.pem")).added == 23


@pytest.mark.parametrize("made", [certificate(expired=True), certificate(host="other.example")], ids=["old", "other"])
def test_a_given_authority_makes_no_bad_certificate_good(store, tmp_path, made):
    with ApiServer(made) as api:
        url = api.route("/items", Listing(RECORDS))
        report = mirror(store, url, ca_file=made.write_authority(tmp_path / "ca.pem"))
    assert str(report.problem.title) == "The server's certificate is not trusted"


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_bad_ca_file_is_named(store, tmp_path, content):
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    report = mirror(store, "https://127.0.0.1:1/items", ca_file=str(file))
    assert str(report.problem.title) == "The CA file can't be read"
    assert str(file) in str(report.problem.cause)


SYSTEM_TRUST = """
import sys
from pathlib import Path
from trayapp.endpoints.model import Endpoint
from trayapp.endpoints.naming import completed
from trayapp.store.file.database import Store
from trayapp.sync.cancel import CancelToken
from trayapp.sync.run.context import RunContext
from trayapp.sync.run.runner import run
store = Store(Path(sys.argv[2]))
report = run(completed(Endpoint(url=sys.argv[1])), RunContext(store=store, staging=store.path.parent), CancelToken())
store.close()
print(report.status, str(report.reason))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system's store is no file")
@pytest.mark.parametrize("through_proxy", [False, True])
def test_the_system_s_trust_store_decides(tmp_path, through_proxy):
    authority = certificate().write_authority(tmp_path / "ca.pem")
    with ApiServer(certificate()) as api, Tunnel() as tunnel:
        url = api.route("/items", Listing(RECORDS))

        def said(**environment):
            if through_proxy:
                environment["HTTPS_PROXY"] = tunnel.url
            command = [sys.executable, "-c", SYSTEM_TRUST, url, str(tmp_path / "t.db")]
            done = subprocess.run(
                command, env=os.environ | environment, capture_output=True, text=True, timeout=280, check=True
            )
            return done.stdout.strip()

        assert said() == "failed The server's certificate is not trusted"
        assert said(SSL_CERT_FILE=authority, SSL_CERT_DIR="") == "succeeded"
        assert bool(tunnel.heads) is through_proxy


@dataclass(frozen=True)
class Mutual(Certificate):
    """A server that wants to see a certificate of its own authority."""

    def context(self) -> ssl.SSLContext:
        made = super().context()
        made.verify_mode = ssl.CERT_REQUIRED
        made.load_verify_locations(cadata=self.authority.decode())
        return made


@dataclass(frozen=True)
class Files:
    server: Mutual
    ca: str
    cert: str
    key: str
    both: str


@pytest.fixture(scope="module")
def mutual(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mutual")
    authority = trustme.CA()
    issued, mine = authority.issue_cert("127.0.0.1"), authority.issue_cert("me@example.org")
    chain = b"".join(part.bytes() for part in issued.cert_chain_pems)
    files = {name: folder / name for name in ("ca", "cert", "key", "both")}
    authority.cert_pem.write_to_path(files["ca"])
    mine.cert_chain_pems[0].write_to_path(files["cert"])
    mine.private_key_pem.write_to_path(files["key"])
    mine.private_key_and_cert_chain_pem.write_to_path(files["both"])
    server = Mutual(chain, issued.private_key_pem.bytes(), authority.cert_pem.bytes())
    return Files(server, **{name: str(path) for name, path in files.items()})


TURNED_AWAY = ("The server requires a client certificate", "The connection was lost")
"""In TLS 1.3 the server says so only after the client has sent its request; closing then may overtake the message."""


def test_a_client_certificate_is_shown(store, mutual):
    with ApiServer(mutual.server) as api:
        url = api.route("/items", Listing(RECORDS, pages="link"))
        assert mirror(store, url, ca_file=mutual.ca, client_cert=mutual.cert, client_key=mutual.key).added == 23
        assert mirror(store, url, ca_file=mutual.ca, client_cert=mutual.both).unchanged == 23
        api.requests.clear()
        report = mirror(store, url, ca_file=mutual.ca)
        assert str(report.problem.title) in TURNED_AWAY
        assert api.count() == 0


def test_a_client_certificate_is_shown_to_no_other_server(store, mutual):
    """The other server speaks with those only who show a certificate: being refused there is the proof."""
    with ApiServer(mutual.server) as api, ApiServer(mutual.server) as other:
        target = other.route("/items", json_reply(RECORDS))
        url = api.route("/items", redirect(target))
        report = mirror(store, url, ca_file=mutual.ca, client_cert=mutual.both)
        assert str(report.problem.title) in TURNED_AWAY
        assert api.count() > 0
        assert other.count() == 0


def test_client_certificates_that_can_t_be_used_are_named(store, mutual, tmp_path):
    from cryptography.hazmat.primitives import serialization

    key = serialization.load_pem_private_key(Path(mutual.key).read_bytes(), None)
    locked = tmp_path / "locked.pem"
    locked.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"password"),
        )
    )
    other = tmp_path / "other.pem"
    trustme.CA().issue_cert("x@example.org").private_key_pem.write_to_path(other)
    for files in (
        {"client_cert": str(tmp_path / "missing.pem")},
        {"client_cert": mutual.cert},
        {"client_cert": mutual.cert, "client_key": str(other)},
        {"client_cert": mutual.cert, "client_key": str(locked)},
    ):
        report = mirror(store, "https://127.0.0.1:1/", **files)
        assert str(report.problem.title) == "The client certificate can't be used"
        assert files["client_cert"] in str(report.problem.cause)


# Proxies. An ApiServer is a proxy for http: such a request comes with the whole address as its target.


class Tunnel:
    """A proxy for https: connects whoever shows the `login`, and remembers the heads of the requests."""

    def __init__(self, login: str = "") -> None:
        self.heads: list[bytes] = []
        self._login = base64.b64encode(login.encode()) if login else b""
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._serve)]

    def __enter__(self):
        self._threads[0].start()
        return self

    def __exit__(self, *_):
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for one in self._open:
            with suppress(OSError):  # its other end is gone
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        for thread in self._threads:
            thread.join(10)

    def _serve(self):
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            self._open.append(client)
            self._start(self._connect, client)

    def _start(self, target, *args):
        thread = threading.Thread(target=target, args=args)
        self._threads.append(thread)
        thread.start()

    def _connect(self, client):
        head = b""
        while b"\r\n\r\n" not in head and (data := client.recv(65536)):
            head += data
        self.heads.append(head)
        if self._login not in head:
            client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            client.close()
            return
        host, port = head.split()[1].decode().rsplit(":", 1)
        server = socket.create_connection((host, int(port)))
        self._open.append(server)
        client.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
        self._start(self._copy, client, server)
        self._copy(server, client)

    @staticmethod
    def _copy(source, target):
        try:
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            return


def login_header(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode("latin-1")).decode()


def keyring_with(password: str) -> MemorySecrets:
    keyring = MemorySecrets()
    keyring.fields["items", "proxy"] = password
    return keyring


def test_a_proxy_gets_its_password_and_the_server_does_not(store):
    with ApiServer() as proxy:
        proxy.route("/items", Listing(RECORDS))
        report = mirror(
            store,
            "http://api.example/items",
            "t0ken",
            Auth(kind="bearer"),
            keyring_with("p:a@s/s word"),
            proxy=proxy.base,
            proxy_user="me",
        )
        assert report.added == 23
        (seen, *_) = proxy.requests
        assert seen.target == "http://api.example/items"
        assert seen.headers["Proxy-Authorization"] == login_header("me", "p:a@s/s word")
        assert seen.headers["Authorization"] == "Bearer t0ken"
        assert "s word" not in repr(report)


def test_a_tunnel_gets_its_password_and_the_server_does_not(store, tmp_path):
    with ApiServer(certificate()) as api, Tunnel("me:p:a@s/s") as tunnel:
        url = api.route("/items", Listing(RECORDS))
        report = mirror(
            store,
            url,
            "t0ken",
            Auth(kind="bearer"),
            keyring_with("p:a@s/s"),
            proxy=tunnel.url,
            proxy_user="me",
            ca_file=certificate().write_authority(tmp_path / "ca.pem"),
        )
        assert report.added == 23
        assert all(b"t0ken" not in head for head in tunnel.heads)
        assert tunnel.heads
        assert all("Proxy-Authorization" not in seen.headers for seen in api.requests)
        assert api.requests[0].headers["Authorization"] == "Bearer t0ken"


def test_a_proxy_that_wants_a_login_is_explained(store):
    with ApiServer() as proxy, Tunnel("me:right") as tunnel:
        proxy.route("/items", problem(407, "Login, please"))
        plain = mirror(store, "http://api.example/items", proxy=proxy.base)
        assert str(plain.problem.title) == "The proxy requires a user name and password"
        keyring = keyring_with("wr0ng-password")
        tunnelled = mirror(store, "https://api.example/", keyring=keyring, proxy=tunnel.url, proxy_user="me")
        assert str(tunnelled.problem.title) == "The proxy requires a user name and password"
        assert "proxy_user" in str(tunnelled.problem.next)
        assert "wr0ng" not in repr(tunnelled)


def test_a_proxy_of_the_environment_is_used_with_its_login(store, monkeypatch):
    with ApiServer() as proxy:
        proxy.route("/items", Listing(RECORDS))
        monkeypatch.setenv("HTTP_PROXY", proxy.base.replace("://", "://me:secr%40t@"))
        assert mirror(store, "http://api.example/items").added == 23
        assert proxy.requests[0].headers["Proxy-Authorization"] == login_header("me", "secr@t")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        with ApiServer() as api:
            url = api.route("/items", Listing(RECORDS))
            assert mirror(store, url).unchanged == 23
            assert "Proxy-Authorization" not in api.requests[0].headers


def test_the_proxy_of_the_settings_wins_over_the_environment(store, monkeypatch):
    with ApiServer() as proxy:
        proxy.route("/items", Listing(RECORDS))
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
        assert mirror(store, "http://api.example/items", proxy=proxy.base).added == 23


def test_a_proxy_that_is_not_there_is_explained(store):
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    report = mirror(store, "http://api.example/items", proxy=f"http://127.0.0.1:{port}")
    assert str(report.problem.title) == "The proxy can't be reached"


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        ({"proxy": "http://me:secret@proxy.example:3128"}, "request.proxy"),
        ({"proxy": "http://me@proxy.example"}, "request.proxy"),
        ({"proxy": "socks5://proxy.example"}, "request.proxy"),
        ({"proxy_user": "me"}, "request.proxy_user"),
        ({"client_key": "key.pem"}, "request.client_key"),
    ],
)
def test_settings_that_would_leak_or_mean_nothing_are_refused(request_, field):
    with pytest.raises(SettingsError) as refused:
        parse_endpoint({"url": "https://a.example/x", "request": request_})
    assert refused.value.problem.field == field
    assert "secret@" not in str(refused.value)


# Cookies


def test_cookies_of_the_server_go_to_no_other_one(store):
    """Cookies know no ports: what 127.0.0.1:1 sets, a browser would send to 127.0.0.1:2."""
    with ApiServer() as api, ApiServer() as other:
        target = other.route("/items", json_reply(RECORDS))
        again = redirect("/items").with_headers(Set_Cookie="session=s3cret; Path=/")
        url = api.route("/start", in_turn(again))
        api.route("/items", redirect(target))
        mirror(store, url)
        assert api.requests[1].headers["Cookie"] == "session=s3cret"
        assert other.count() > 0
        assert other.leaked("s3cret") == []
