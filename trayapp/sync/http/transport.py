"""Bytes over HTTP: connections, TLS, proxies, time and size limits; it knows no endpoint and no credentials of APIs."""

import base64
import mmap
import os
import queue
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from trayapp import __version__
from trayapp.endpoints.model import Request
from trayapp.endpoints.units import Duration
from trayapp.messages import Message, foreign, listing, say
from trayapp.sync.cancel import Cancelled, CancelToken, time_limit
from trayapp.sync.errors import SyncError
from trayapp.sync.http.connection_failures import (
    broken_off,
    connection_error,
    endless_head,
    head_cut_off,
    too_slow,
    two_lengths,
    unsendable_headers,
)
from trayapp.sync.http.failures import bad_address, indivisible, record_too_large, too_packed
from trayapp.sync.http.intake import MOST_PACKED, OF_ERRORS, Indivisible, Intake, TooPacked
from trayapp.sync.http.large import MOST, Large, RecordTooLarge
from trayapp.sync.http.links import Origin, origin
from trayapp.sync.http.quick_import import import_quickly
from trayapp.sync.http.sockets import OpenSockets
from trayapp.sync.http.throughput import HeadCutOff, HeadTooLarge, TooSlow, TwoLengths

if TYPE_CHECKING:
    import requests

USER_AGENT = f"TraySync/{__version__}"
_CHUNK = 2**20


class Deadline:
    """The end of the time a run may take, by the monotonic clock."""

    def __init__(self, length: Duration) -> None:
        self._length = length
        self._end = monotonic() + length.seconds

    @property
    def left(self) -> float:
        """Seconds until then; negative when it is over."""
        return self._end - monotonic()

    def check(self, seconds: float = 0) -> None:
        """Raise Cancelled if the time is over in so many seconds."""
        if seconds > self.left:
            raise Cancelled(time_limit(self._length))


class Received:
    """An answer as it comes in; `status` stays 0 when none does. `body` is decompressed, `size` all bytes of it.

    `large` has the records that are left out of the body of a large one; `kept` is all of one of which the body has
    only the beginning.
    """

    def __init__(self) -> None:
        self.status = 0
        self.headers: Mapping[str, str] = {}
        self.body = b""
        self.size = 0
        self.large: Large | None = None
        self.kept: mmap.mmap | None = None

    @property
    def is_redirect(self) -> bool:
        """Whether the answer only says where to ask instead."""
        return self.status in (301, 302, 303, 307, 308) and "Location" in self.headers


class Transport:
    """Sends requests over connections it keeps; follows no redirects. Not thread-safe; `close` when done.

    TLS is always verified: against the system's trust store, or against `ca_file` and nothing else. A client
    certificate (`client_cert` with `client_key`, PEM files, the key not encrypted) is shown only where asked for.
    `proxy` is used for everything; without it the environment (HTTP_PROXY, HTTPS_PROXY, NO_PROXY) says which proxy to
    use, with credentials in the address if it wants any. The password of a `proxy` in the settings is kept apart, and
    goes with `proxy_user` into the Proxy-Authorization header, which only the proxy gets.
    """

    def __init__(
        self,
        request: Request,
        cancel: CancelToken,
        deadline: Deadline,
        proxy_password: str | None = None,
        folder: Path | None = None,
    ) -> None:
        """`folder` is where large answers may be kept; without one they are in memory."""
        self._request = request
        self._cancel = cancel
        self._deadline = deadline
        self._proxy = _with_login(request.proxy, request.proxy_user, proxy_password) if request.proxy else None
        self._sessions: dict[bool, requests.Session] = {}
        self._sockets = OpenSockets()
        self._folder = folder
        self._large: list[Large] = []
        self._is_closed = False
        self._worker: _Worker | None = None
        self.proxy_secrets: frozenset[str] = frozenset()
        """Passwords of proxies of the environment, as they are and as they are sent."""
        self._found_ways: dict[Origin, tuple[dict[str, str], str | bool]] = {}

    def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        received: Received,
        *,
        limit: int,
        place: Origin,
        identified: bool,
    ) -> None:
        """Make a request and fill in `received`. Raises SyncErrors, TooLarge above `limit` bytes, and Cancelled.

        place: the server that all this is meant for; SyncError if the request would go to another one.
        identified: show the client certificate, if there is one, and take and send cookies of others like it.
        """
        import_quickly()
        import requests

        from trayapp.sync.http.connections import no_auth

        session = self._session(identified)
        # Not by session.prepare_request, which merges both anew for every request, and takes longer than all the rest.
        sent = requests.structures.CaseInsensitiveDict(
            {**session.headers, "User-Agent": USER_AGENT, **_sendable(headers)}
        )
        # params: "" means none; with its own default requests looks at it at length.
        request = requests.Request(method, url, sent, params="", data=body, auth=no_auth, cookies=session.cookies)
        try:
            prepared = request.prepare()
            address = prepared.url or ""
            goes_astray = origin(address) != place
        except requests.exceptions.InvalidHeader:
            raise unsendable_headers() from None
        except (ValueError, requests.exceptions.RequestException) as error:
            raise bad_address(url) from error
        if goes_astray:
            raise bad_address(url)
        proxies, verify = self._ways(address, place)
        cert = self._certificate(identified)
        timeout = self._request.timeout.seconds

        def exchange() -> None:
            try:
                with session.send(
                    prepared,
                    timeout=timeout,
                    allow_redirects=False,
                    stream=True,
                    proxies=proxies,
                    verify=verify,
                    cert=cert,
                ) as response:
                    received.status, received.headers = response.status_code, response.headers
                    if not received.is_redirect:
                        self._read(response, url, limit, received)
            finally:
                self._sockets.let_go(_is_closed)

        try:
            if self._worker is None:
                self._worker = _Worker()
            if not self._worker.do(exchange, self._cancel, self._deadline.left):
                self._stop_worker()
                self._sockets.cut()
                self._cancel.check()
                self._deadline.check()
        except requests.exceptions.RequestException as error:
            raise connection_error(error, url, timeout) from None
        except TooSlow as error:
            raise too_slow(url, error.seconds) from None
        except TooPacked:
            raise too_packed(url, MOST_PACKED) from None
        except Indivisible:
            raise indivisible(url, MOST) from None
        except RecordTooLarge:
            raise record_too_large(url, MOST) from None
        except HeadTooLarge:
            raise endless_head(url) from None
        except HeadCutOff:
            raise head_cut_off(url) from None
        except TwoLengths:
            raise two_lengths(url) from None

    def close(self) -> None:
        """Let go of the connections."""
        self._stop_worker()
        for session in self._sessions.values():
            session.close()
        self._sockets.cut()
        self._is_closed = True
        for large in self._large:
            large.close()

    def _stop_worker(self) -> None:
        if self._worker is not None:
            self._worker.stop()
            self._worker = None

    def _session(self, identified: bool) -> "requests.Session":
        if not self._sessions:
            _check_files(self._request)
        if identified not in self._sessions:
            from trayapp.sync.http.connections import new_session

            self._sessions[identified] = new_session(self._sockets)
        return self._sessions[identified]

    def _ways(self, url: str, place: Origin) -> tuple[dict[str, str], str | bool]:
        """The proxies to a server, and what verifies it: as the settings say, else the environment.

        Looked up once for each server: requests would search the whole environment twice for every request.
        """
        import requests

        if place not in self._found_ways:
            if self._proxy is not None:
                proxies = {"http": self._proxy, "https": self._proxy}
            else:
                proxies = requests.utils.get_environ_proxies(url) if _may_have_proxies() else {}
                self.proxy_secrets |= {secret for proxy in proxies.values() for secret in _login_of(proxy)}
            self._found_ways[place] = (proxies, self._request.ca_file or _ca_file_of_environment() or True)
        return self._found_ways[place]

    def _certificate(self, identified: bool) -> str | tuple[str, str] | None:
        cert, key = self._request.client_cert, self._request.client_key
        if not identified or cert is None:
            return None
        return (cert, key) if key else cert

    def _read(self, response: "requests.Response", url: str, limit: int, received: Received) -> None:
        import http.client

        from urllib3.exceptions import HTTPError

        intake = Intake(self._folder, response.status_code == 200, limit)
        coded = "Content-Encoding" in response.headers  # where nothing is to be decoded, urllib3 would copy it all
        is_error = response.status_code >= 400
        try:
            while True:
                # read1 returns what has arrived; read would wait for the whole chunk and miss the end of the time.
                chunk = response.raw.read1(_CHUNK, decode_content=coded)
                if not chunk or (is_error and received.size > OF_ERRORS):
                    received.body, received.kept = intake.finish()
                    received.large = intake.large
                    return
                received.size += len(chunk)
                intake.take(chunk, response.raw.tell() if coded else None)
                if intake.large is not None and intake.large not in self._large:
                    self._hold(intake.large)
                self._cancel.check()
                self._deadline.check()
        except (HTTPError, http.client.HTTPException, OSError) as error:
            raise broken_off(error, url, self._request.timeout.seconds) from None
        finally:
            intake.close()

    def _hold(self, large: Large) -> None:
        self._large.append(large)
        if self._is_closed:  # this is a worker that was not waited for
            large.close()


def _sendable(headers: Mapping[str, str]) -> dict[str, str | bytes]:
    """Values without outer space, which is none of theirs; in UTF-8 where they are more than the library can send."""
    return {
        name: text if (text := value.strip(" \t")).isascii() or _is_latin(text) else text.encode("utf-8", "replace")
        for name, value in headers.items()
    }


def _is_latin(text: str) -> bool:
    return max(text) <= "\xff"


def _with_login(proxy: str, user: str, password: str | None) -> str:
    if not user:
        return proxy
    parts = urlsplit(proxy)
    login = f"{quote(user, safe='')}:{quote(password or '', safe='')}"
    return urlunsplit(parts._replace(netloc=f"{login}@{parts.netloc}"))


def _login_of(proxy: str) -> Iterator[str]:
    """The password in a proxy's address, and the credentials that are made of it; nothing where there is none."""
    parts = urlsplit(proxy)
    if parts.password:
        user, password = unquote(parts.username or ""), unquote(parts.password)
        yield from (parts.password, password, base64.b64encode(f"{user}:{password}".encode()).decode())


def _check_files(request: Request) -> None:
    """Raise SyncError for a certificate file that can't be used; the libraries below tell that in many ways."""
    if not request.ca_file and not request.client_cert:
        return
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        if request.ca_file:
            context.load_verify_locations(request.ca_file)
    except OSError as error:
        raise SyncError(
            say("The CA file can't be read"),
            say("{file}: {reason}.", file=request.ca_file or "", reason=_reason(error)),
            say("Correct request.ca_file."),
            code="certificate",
            field="request.ca_file",
        ) from None
    try:
        if request.client_cert:
            # An empty password: without one, OpenSSL would ask for it on the terminal.
            context.load_cert_chain(request.client_cert, request.client_key, password="")
    except OSError as error:
        files = listing(tuple(filter(None, (request.client_cert, request.client_key))))
        raise SyncError(
            say("The client certificate can't be used"),
            say("{files}: {reason}.", files=files, reason=_reason(error)),
            say("Correct request.client_cert and request.client_key. Both are PEM files, the key without a password."),
            code="client_certificate",
            field="request.client_cert",
        ) from None


def _reason(error: OSError) -> Message:
    import ssl

    if isinstance(error, ssl.SSLError):
        return say("not a PEM file, or certificate and key do not belong together")
    return foreign(error.strerror or str(error))


def _is_closed(connection: Any) -> bool:
    return connection.sock is None


def _ca_file_of_environment() -> str | None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        if file := os.environ.get(name):
            if not os.path.exists(file):
                raise SyncError(
                    say("The CA file can't be read"),
                    say("{file} does not exist.", file=file),
                    say("Correct the environment variable {name}, or remove it.", name=name),
                    code="certificate",
                )
            return file
    return None


def _may_have_proxies() -> bool:
    """Whether the system says anything about proxies; on Linux only the environment does."""
    return sys.platform != "linux" or any(name.lower().endswith(b"_proxy") for name in os.environb)


class _Worker:
    """A thread that does one piece of work after the other.

    One for all requests of a run: a new thread for each would also be given new memory by the system each time.
    """

    def __init__(self) -> None:
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        threading.Thread(target=self._run, name="request", daemon=True).start()

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            work()

    def stop(self) -> None:
        """End the thread after what it is doing."""
        self._work.put(None)

    def do(self, work: Callable[[], None], cancel: CancelToken, seconds: float) -> bool:
        """Do `work`, but give up at once when cancelled or after some seconds: False; then this worker is of no use.

        The work goes on until something else ends it.
        """
        outcome: list[BaseException | None] = []
        wake = threading.Event()

        def body() -> None:
            try:
                work()
                outcome.append(None)
            except BaseException as error:  # noqa: BLE001  it is raised again in the caller's thread
                outcome.append(error)
            wake.set()

        cancel.on_cancel(wake.set)
        try:
            self._work.put(body)
            wake.wait(max(0.0, seconds))
        finally:
            cancel.forget(wake.set)
        if outcome and outcome[0] is not None:
            raise outcome[0]
        return bool(outcome)
