"""Sessions whose connections can be cut, whose answers must not drip, and that trust whom the system trusts.

Imported by the first request: requests and urllib3 take long.
"""

import functools
import http.client
import io
import logging
import socket
import ssl
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.util.connection import allowed_gai_family

from trayapp.sync.http.sockets import OpenSockets
from trayapp.sync.http.throughput import Incoming, TwoLengths

# Its messages hold whole addresses, with whatever secret a query parameter carries, and its warnings, of headers that
# it can't make sense of, tracebacks, which are printed where nothing else is done with them.
logging.getLogger("urllib3").setLevel(logging.ERROR)

_LONGEST_COOKIE = 4096
"""Characters. Longer ones are not kept (RFC 6265 section 6.1): the library prints a traceback for numbers too long."""


def new_session(sockets: OpenSockets) -> requests.Session:
    """A session that keeps its connections in `sockets`, and takes nothing from the environment."""
    session = _NoRedirects()
    session.trust_env = False  # the environment's proxies are looked up once, not for every request
    session.auth = no_auth  # an auth of our own, else requests would take one from ~/.netrc
    for scheme in ("http://", "https://"):
        session.mount(scheme, _Adapter(sockets))
    return session


def no_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """The request as it is."""
    return request


class _NoRedirects(requests.Session):
    def get_redirect_target(self, resp: Any) -> None:  # noqa: ARG002
        # The client follows redirects itself. Even when told not to, requests looks where they lead, and reads their
        # whole body for that, however large.
        return None


class _Adapter(HTTPAdapter):
    """Verifies against the system's trust store instead of requests' bundled list, unless given a file."""

    def __init__(self, sockets: OpenSockets) -> None:
        self._sockets = sockets
        self._contexts: dict[Any, ssl.SSLContext] = {}
        super().__init__()

    def get_connection_with_tls_context(self, *args: Any, **options: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(*args, **options)
        pool.ConnectionCls = _SecureConnection if pool.scheme == "https" else _PlainConnection
        pool.conn_kw["sockets"] = self._sockets
        return pool

    def build_connection_pool_key_attributes(self, request: Any, verify: Any, cert: Any = None) -> Any:
        host, pool = super().build_connection_pool_key_attributes(request, verify, cert)
        if verify is True and host["scheme"] == "https":
            # One context for each certificate to show: what is loaded into a context stays in it.
            if cert not in self._contexts:
                import truststore

                self._contexts[cert] = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            pool["ssl_context"] = self._contexts[cert]
        return host, pool

    def cert_verify(self, conn: Any, url: str, verify: bool | str, cert: Any) -> None:
        if verify is not True:
            super().cert_verify(conn, url, verify, cert)  # type: ignore[no-untyped-call]
            return
        conn.cert_reqs = "CERT_REQUIRED"
        conn.cert_file, conn.key_file = cert if isinstance(cert, tuple) else (cert, None)


class _Answer(http.client.HTTPResponse):
    """Read through `Incoming`. Interim answers of all kinds are passed over (RFC 9110 section 15.2), not only 100."""

    def __init__(self, sockets: OpenSockets, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self._incoming = Incoming(self.fp.detach(), sock.gettimeout(), sockets.check)
        self.fp = io.BufferedReader(self._incoming)

    def begin(self) -> None:
        super().begin()
        while 100 <= self.status < 200 and self.status != http.client.SWITCHING_PROTOCOLS:
            self.headers = self.msg = None  # type: ignore[assignment]  # as before the first one
            super().begin()
        self._incoming.head_is_over()
        cookies = self.headers.get_all("Set-Cookie", ())
        if any(len(cookie) > _LONGEST_COOKIE for cookie in cookies):
            del self.headers["Set-Cookie"]
            for cookie in cookies:
                if len(cookie) <= _LONGEST_COOKIE:
                    self.headers["Set-Cookie"] = cookie
        lengths = ",".join(self.headers.get_all("Content-Length", ())).split(",")
        if len({length.strip() for length in lengths}) > 1:
            raise TwoLengths


class _PlainConnection(HTTPConnection):
    def __init__(self, *args: Any, sockets: OpenSockets, **options: Any) -> None:
        super().__init__(*args, **options)
        self._sockets = sockets
        self.response_class = functools.partial(_Answer, sockets)  # type: ignore[assignment]  # it is only called

    def _new_conn(self) -> socket.socket:
        host = self._dns_host.strip("[]")
        try:
            host.encode("idna")
        except UnicodeError as error:
            raise NewConnectionError(self, f"not a host name: {error}") from error
        try:
            return self._sockets.connected(
                self, (host, self.port), allowed_gai_family(), self.timeout, self.socket_options or ()
            )
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        except TimeoutError as error:
            raise ConnectTimeoutError(self, f"no connection within {self.timeout} s") from error
        except OSError as error:
            raise NewConnectionError(self, f"no connection: {error}") from error


class _SecureConnection(_PlainConnection, HTTPSConnection):
    pass
