"""One request and its answer over requests: bounded, cancellable, credentials bound to their origin."""

import random
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import msgspec

from trayapp import __version__
from trayapp.endpoints.model import Endpoint
from trayapp.sync import retry
from trayapp.sync.auth import Credentials
from trayapp.sync.cancel import Cancelled, CancelToken
from trayapp.sync.errors import SyncError, TransientError
from trayapp.sync.failures import bad_address, broken_off, connection_error, status_error
from trayapp.sync.links import joined, origin, place_of
from trayapp.sync.preview import RequestMade

if TYPE_CHECKING:
    import requests

MAX_REDIRECTS = 10
_CHUNK = 2**18
_USER_AGENT = f"TraySync/{__version__}"


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A request to make: everything but the credentials."""

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = {}
    body: bytes | None = None


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A complete 2xx answer (or 304). `url` is where it came from after redirects, `body` is decompressed."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes


def first_call(endpoint: Endpoint) -> Call:
    """The endpoint's first request."""
    request = endpoint.request
    body: bytes | None = None
    headers = dict(request.headers)
    if request.json is not None:
        body = request.json.encode() if isinstance(request.json, str) else msgspec.json.encode(request.json)
        headers.setdefault("Content-Type", "application/json")
    params = [(name, _as_param(value)) for name, value in request.params.items()]
    return Call(url=_with_params(endpoint.url, params), method=request.method, headers=headers, body=body)


def _as_param(value: str | int | float | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _with_params(url: str, params: list[tuple[str, str]]) -> str:
    if not params:
        return url
    parts = urlsplit(url)
    names = {name for name, _ in params}
    # Only what is replaced is parsed: the rest of the query stays byte for byte as the user wrote it.
    kept = [
        piece for piece in parts.query.split("&") if piece and not names & {name for name, _ in parse_qsl(piece, True)}
    ]
    return urlunsplit(parts._replace(query="&".join([*kept, urlencode(params)])))


class Client:
    """Makes one endpoint's requests in one run and counts them. Not thread-safe; `close` when done.

    SyncError when the endpoint's URL is none.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        credentials: Credentials,
        cancel: CancelToken,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.endpoint = endpoint
        self.made: list[RequestMade] = []
        self.bytes = 0
        self.keep_requests = 1000
        self.requests = 0
        self.hide = credentials.hide
        self._credentials = credentials
        try:
            self._home = origin(endpoint.url)
        except ValueError as error:
            raise bad_address(endpoint.url) from error
        self._cancel = cancel
        self._now = now
        self._deadline = monotonic() + endpoint.limits.run.seconds
        self._last = 0.0
        self._session: requests.Session | None = None

    def fetch(self, call: Call) -> Answer:
        """The answer to a call, tried again where that makes sense. Raises SyncErrors and Cancelled."""
        for attempt in range(1, retry.TRIES + 1):
            try:
                return self._follow(call)
            except TransientError as error:
                asked = error.retry_after
                pause = retry.pause_before(attempt, asked, random.random())
                if attempt == retry.TRIES or (asked is not None and asked > retry.LONGEST_WAIT):
                    raise
                self._check_time(pause)
                self._cancel.wait(pause)
        raise AssertionError("unreachable")

    def close(self) -> None:
        """Let go of the connections."""
        if self._session is not None:
            self._session.close()

    def _follow(self, call: Call) -> Answer:
        seen = set()
        for _ in range(MAX_REDIRECTS + 1):
            answer, location = self._once(call)
            if location is None:
                return answer
            target = joined(call.url, location)
            if urlsplit(target).scheme not in ("http", "https"):
                raise SyncError(
                    "The server redirects to something else", f"It points to {place_of(target)}.", "Check the address."
                )
            if target in seen:
                break
            seen.add(target)
            if not self.endpoint.request.follow_redirects:
                raise SyncError(
                    "The server redirects",
                    f"It points to {place_of(target)}.",
                    "Use that address, or allow redirects for this endpoint.",
                )
            call = _redirected(call, target, answer.status)
        raise SyncError(
            "The server redirects in a circle", f"{place_of(call.url)} leads back to itself.", "Check the address."
        )

    def _once(self, call: Call) -> tuple[Answer, str | None]:
        self._cancel.check()
        self._keep_rate()
        started = monotonic()
        received = _Received()
        exchange = self._prepare(call, received)
        try:
            self._interruptible(exchange, call.url)
        finally:
            self.requests += 1
            self.bytes += len(received.body)
            if len(self.made) < self.keep_requests:
                self.made.append(
                    RequestMade(
                        method=call.method,
                        url=self.hide(call.url),
                        status=received.status,
                        seconds=monotonic() - started,
                        bytes=len(received.body),
                    )
                )
        answer = Answer(url=call.url, status=received.status, headers=received.headers, body=received.body)
        if received.is_redirect:
            return answer, received.headers["Location"]
        if not 200 <= answer.status < 300 and answer.status != 304:
            raise status_error(answer.status, answer.headers, answer.body, call.url, self._now(), self.hide)
        return answer, None

    def _prepare(self, call: Call, received: "_Received") -> Callable[[], None]:
        """A function that makes the call and fills in `received`."""
        import requests

        if self._session is None:
            self._session = _new_session(self.endpoint)
        headers = {"User-Agent": _USER_AGENT, "Accept": "application/json, */*;q=0.5", **call.headers}
        url = call.url
        if origin(url) == self._home:
            if self._credentials.header:
                headers[self._credentials.header[0]] = self._credentials.header[1]
            if self._credentials.query:
                url = _with_params(url, [self._credentials.query])
        session = self._session
        request = requests.Request(call.method, url, headers=headers, data=call.body)
        # The environment may say which proxy or CA to use; netrc is not consulted: credentials come from settings only.
        try:
            prepared = session.prepare_request(request)
        except (ValueError, requests.exceptions.RequestException) as error:
            raise bad_address(call.url) from error
        options = session.merge_environment_settings(prepared.url, {}, True, None, None)
        if self.endpoint.request.ca_file:
            options["verify"] = self.endpoint.request.ca_file
        timeout = self.endpoint.request.timeout.seconds

        def exchange() -> None:
            with session.send(prepared, timeout=timeout, allow_redirects=False, **options) as response:
                received.status, received.headers = response.status_code, response.headers
                if not received.is_redirect:
                    received.body = self._read(response, call.url)

        return exchange

    def _interruptible(self, exchange: Callable[[], None], url: str) -> None:
        import requests

        try:
            if not _in_thread(exchange, self._cancel, self._deadline - monotonic()):
                self._check_time(0)
        except requests.exceptions.RequestException as error:
            raise connection_error(error, url, self.endpoint.request.timeout.seconds) from None
        except OSError as error:
            raise SyncError(
                "The CA file can't be read",
                f"{self.endpoint.request.ca_file}: {error.strerror or error}.",
                "Correct request.ca_file.",
            ) from None

    def _read(self, response: "requests.Response", url: str) -> bytes:
        import http.client

        from urllib3.exceptions import HTTPError

        limit = self.endpoint.limits.bytes.bytes - self.bytes
        body = bytearray()
        try:
            while True:
                # read1 returns what has arrived; read would wait for the whole chunk and miss the end of the time.
                chunk = response.raw.read1(_CHUNK, decode_content=True)
                if not chunk:
                    return bytes(body)
                body += chunk
                if len(body) > limit:
                    raise SyncError(
                        "The server sends too much",
                        f"The answers are larger than the limit of {self.endpoint.limits.bytes}.",
                        "Raise limits.bytes if that is expected.",
                    )
                self._cancel.check()
                self._check_time(0)
        except (HTTPError, http.client.HTTPException, OSError) as error:
            raise broken_off(error, url, self.endpoint.request.timeout.seconds) from None

    def _check_time(self, seconds: float) -> None:
        if monotonic() + seconds > self._deadline:
            raise Cancelled(f"took longer than {self.endpoint.limits.run}")

    def _keep_rate(self) -> None:
        if self.endpoint.limits.rate is not None:
            wait = self._last + self.endpoint.limits.rate.gap - monotonic()
            if wait > 0:
                self._check_time(wait)
                self._cancel.wait(wait)
        self._last = monotonic()


def _redirected(call: Call, target: str, status: int) -> Call:
    """The call to make after a redirect: RFC 9110 section 15.4, POST becomes GET as browsers do it."""
    same = origin(call.url) == origin(target)
    headers = dict(call.headers) if same else {}
    if status == 303 or (status in (301, 302) and call.method == "POST"):
        headers.pop("Content-Type", None)
        return Call(url=target, headers=headers)
    return Call(url=target, method=call.method, headers=headers, body=call.body if same else None)


class _Received:
    """An answer as it comes in."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: Mapping[str, str] = {}
        self.body = b""

    @property
    def is_redirect(self) -> bool:
        return self.status in (301, 302, 303, 307, 308) and "Location" in self.headers


def _in_thread(work: Callable[[], None], cancel: CancelToken, seconds: float) -> bool:
    """Do `work`, but give up at once when cancelled (raises Cancelled) or after some seconds (returns False).

    Connecting and waiting for bytes can't be interrupted: the abandoned thread ends by the request's own time limit.
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
        threading.Thread(target=body, name="request", daemon=True).start()
        wake.wait(max(0.0, seconds))
    finally:
        cancel.forget(wake.set)
    if not outcome:
        cancel.check()
        return False
    if outcome[0] is not None:
        raise outcome[0]
    return True


def _new_session(endpoint: Endpoint) -> "requests.Session":
    import ssl

    import requests
    import truststore
    from requests.adapters import HTTPAdapter

    class SystemTrustAdapter(HTTPAdapter):
        """Verifies against the system's trust store instead of requests' bundled list."""

        def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
            super().init_poolmanager(*args, ssl_context=truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT), **kwargs)

        def cert_verify(self, conn: Any, url: str, verify: bool | str, cert: Any) -> None:
            if verify is True:
                conn.cert_reqs = "CERT_REQUIRED"
            else:
                super().cert_verify(conn, url, verify, cert)  # type: ignore[no-untyped-call]

    class NoRedirects(requests.Session):
        def get_redirect_target(self, resp: Any) -> None:  # noqa: ARG002
            # The client follows redirects itself. Even when told not to, requests looks where they lead, and reads
            # their whole body for that, however large.
            return None

    session = NoRedirects()
    session.trust_env = True
    session.auth = _no_auth  # an auth of our own, else requests would take one from ~/.netrc
    if endpoint.request.ca_file is None:
        session.mount("https://", SystemTrustAdapter())
    if endpoint.request.proxy:
        session.proxies = {"http": endpoint.request.proxy, "https": endpoint.request.proxy}
    return session


def _no_auth(request: "requests.PreparedRequest") -> "requests.PreparedRequest":
    return request
