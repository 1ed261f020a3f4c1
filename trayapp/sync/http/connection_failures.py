"""Why no whole answer came, in words for people: what libraries and the system say of connections, proxies and TLS."""

import errno
import re
import socket
from urllib.parse import urlsplit

from trayapp.errors import problem_of
from trayapp.messages import Message, say
from trayapp.sync.errors import AuthError, NetworkError, SyncError, TransientError
from trayapp.sync.http.failures import again, bad_address, proxy_refuses
from trayapp.sync.http.links import origin
from trayapp.sync.http.throughput import LEAST

_NO_NETWORK = (errno.ENETUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL)
_NO_WAY = (errno.EHOSTUNREACH, errno.EHOSTDOWN)
_FORBIDDEN = (errno.EACCES, errno.EPERM)
_NO_NAME = frozenset(
    getattr(socket, name) for name in ("EAI_NONAME", "EAI_NODATA", "EAI_ADDRFAMILY") if hasattr(socket, name)
)
"""What says that there is no such name; all else is said of the look-up itself."""
_PROXY_STATUS = re.compile(r"Tunnel connection failed: ([0-9]{3})\b")


def connection_error(error: Exception, url: str, timeout: float) -> SyncError:
    """What a failed request means, in words; `timeout` in seconds."""
    import requests

    host = urlsplit(url).hostname or ""
    if isinstance(error, requests.exceptions.InvalidSchema | requests.exceptions.InvalidURL):
        return bad_address(url)
    causes = _chain(error)
    found = _of_certificate(causes, host)
    if found is None and isinstance(error, requests.exceptions.ProxyError):
        found = _of_proxy(causes, host)
    found = found or _of_tls(causes, host)
    if found is None and isinstance(error, requests.exceptions.Timeout):
        found = _silent(host, timeout)
    found = found or _of_network(causes, url, host, timeout) or _of_answer(causes, host)
    if found is not None:
        return found
    if isinstance(error, requests.exceptions.ConnectionError):
        return NetworkError(
            say("The connection was lost"), say("{host} closed the connection without responding.", host=host), again()
        )
    return SyncError(
        say("The request failed"),
        say("{host}: {error}.", host=host, error=type(error).__name__),
        say("Check the endpoint's address."),
    )


def _of_certificate(causes: list[BaseException], host: str) -> SyncError | None:
    import ssl

    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return SyncError(
                say("The server's certificate is not trusted"),
                say("{host}: {reason}.", host=host, reason=cause.verify_message),
                say("Check the address. If the server uses its own certificate authority, set request.ca_file."),
                code="certificate",
                field="request.ca_file",
            )
    return None


def _of_proxy(causes: list[BaseException], host: str) -> SyncError:
    statuses = [found[1] for cause in causes if (found := _PROXY_STATUS.search(str(cause)))]
    if "407" in statuses:
        return proxy_refuses(say("The proxy asks for credentials before it connects to {host}.", host=host))
    if statuses:
        return NetworkError(
            say("The proxy does not connect to the server"),
            say("Asked to connect to {host}, it responded with status {status}.", host=host, status=statuses[0]),
            say("Check the address, and whether the proxy allows it."),
            code="proxy",
            field="request.proxy",
        )
    return NetworkError(
        say("The proxy can't be reached"),
        say("{host} can't be reached through it.", host=host),
        say("Check the proxy's address."),
        code="proxy",
        field="request.proxy",
    )


def _of_tls(causes: list[BaseException], host: str) -> SyncError | None:
    import ssl

    broken = [cause for cause in causes if isinstance(cause, ssl.SSLError)]
    if any("CERTIFICATE_REQUIRED" in str(cause) for cause in broken):
        return AuthError(
            say("The server requires a client certificate"),
            say("{host} only accepts connections with a certificate it knows.", host=host),
            say("Set request.client_cert and request.client_key to your certificate files."),
            code="client_certificate",
            field="request.client_cert",
        )
    if any(not isinstance(cause, ssl.SSLEOFError) for cause in broken):
        return TransientError(
            say("No secure connection"),
            say("{host} does not use TLS as expected.", host=host),
            say("Check the address: http or https, and the port."),
            code="tls",
        )
    return None


def _of_network(causes: list[BaseException], url: str, host: str, timeout: float) -> SyncError | None:
    for cause in causes:
        if isinstance(cause, UnicodeError):
            return bad_address(url)
        if isinstance(cause, socket.gaierror):
            if cause.errno in _NO_NAME:
                return NetworkError(
                    say("The server can't be found"),
                    say("There is no server called {host}.", host=host),
                    say("Check the address and your network."),
                )
            return NetworkError(
                say("The server can't be found"),
                say("The name {host} can't be looked up at the moment.", host=host),
                say("Check your network."),
            )
        if isinstance(cause, ConnectionRefusedError):
            return NetworkError(
                say("The server can't be reached"),
                say("{host} accepts no connections on port {port}.", host=host, port=str(origin(url)[2])),
                say("Check the address, or try again later."),
            )
        number = cause.errno if isinstance(cause, OSError) else None
        if number in _NO_NETWORK:
            return NetworkError(
                say("The server can't be reached"),
                say("There is no connection to the network of {host}.", host=host),
                say("Check your network."),
            )
        if number in _NO_WAY:
            return NetworkError(
                say("The server can't be reached"),
                say("No way leads to {host}.", host=host),
                say("Check the address and your network."),
            )
        if number in _FORBIDDEN:
            return NetworkError(
                say("The server can't be reached"),
                say("The system does not let TraySync connect to {host}.", host=host),
                say("Check your firewall."),
            )
        if number == errno.ETIMEDOUT:
            return _silent(host, timeout)
        if number in (errno.EMFILE, errno.ENFILE):
            return TransientError.of(problem_of(cause))
    return None


def _of_answer(causes: list[BaseException], host: str) -> SyncError | None:
    import http.client

    for cause in causes:
        if isinstance(cause, http.client.RemoteDisconnected):
            return None  # a bad status line to the library, but nothing came
        if isinstance(cause, http.client.LineTooLong) or type(cause) is http.client.HTTPException:
            return _unreadable(say("{host} sent more or longer headers than TraySync reads.", host=host))
        if isinstance(cause, http.client.BadStatusLine | http.client.UnknownProtocol):
            return TransientError(
                say("The server does not speak HTTP"),
                say("What {host} sent does not begin as HTTP does.", host=host),
                say("Check the address: http or https, and the port."),
                code="no_http",
                field="url",
            )
    return None


def _unreadable(cause: Message) -> SyncError:
    return SyncError(
        say("The response can't be read"),
        cause,
        say("Report this to the makers of the API."),
        code="headers",
    )


def _silent(host: str, timeout: float) -> NetworkError:
    return NetworkError(
        say("The server does not respond"),
        _nothing_for(host, timeout),
        again(),
        code="timeout",
        field="request.timeout",
    )


def _nothing_for(host: str, timeout: float) -> Message:
    return say("{host} sent nothing for {seconds} seconds.", host=host, seconds=f"{timeout:g}")


def broken_off(error: Exception, url: str, timeout: float) -> SyncError:
    """What a response that ended too early or can't be decompressed means, in words."""
    import http.client
    import ssl

    from urllib3.exceptions import DecodeError, ReadTimeoutError

    host = urlsplit(url).hostname or ""
    causes = _chain(error)
    if isinstance(error, DecodeError):
        return SyncError(
            say("The response is damaged"),
            say("What {host} sent can't be decompressed.", host=host),
            say("Try again later."),
        )
    if isinstance(error, ReadTimeoutError | TimeoutError):
        return NetworkError(
            say("The response was cut off"),
            _nothing_for(host, timeout),
            again(),
            code="timeout",
            field="request.timeout",
        )
    if any(isinstance(cause, http.client.LineTooLong) or _is_no_length(cause) for cause in causes):
        return TransientError(
            say("The response is damaged"),
            say("{host} sent a part of it without saying how long it is.", host=host),
            again(),
            code="damaged",
        )
    if any(isinstance(cause, ssl.SSLError) and not isinstance(cause, ssl.SSLEOFError) for cause in causes):
        return NetworkError(
            say("The response was cut off"),
            say("The secure connection to {host} failed before the end of the response.", host=host),
            again(),
        )
    return NetworkError(
        say("The response was cut off"),
        say("{host} closed the connection before the end of the response.", host=host),
        again(),
    )


def _is_no_length(cause: BaseException) -> bool:
    """Whether it is about a chunk's length that is no number; where there is none at all, the connection was closed."""
    return type(cause) is ValueError and "with base 16" in str(cause) and not str(cause).endswith("b''")


def two_lengths(url: str) -> SyncError:
    """The error for a response that has two lengths."""
    return _unreadable(say("{host} says in two ways how long it is.", host=urlsplit(url).hostname or ""))


def head_cut_off(url: str) -> SyncError:
    """The error for a response that ends within its headers."""
    return NetworkError(
        say("The response was cut off"),
        say("{host} closed the connection before the end of the headers.", host=urlsplit(url).hostname or ""),
        again(),
    )


def unsendable_headers() -> SyncError:
    """The error for headers that the library refuses to send; which one may be a secret."""
    return SyncError(
        say("The request can't be sent"),
        say("One of its headers has characters that no header may have."),
        say("Correct request.headers, or enter the password or token again."),
        code="bad_header",
        field="request.headers",
    )


def too_slow(url: str, seconds: float) -> SyncError:
    """The error for a response that came in too slowly for so long. It is not tried again within the run."""
    return SyncError(
        say("The server is too slow"),
        say(
            "{host} sent less than {bytes} bytes per second for {seconds} seconds.",
            host=urlsplit(url).hostname or "",
            bytes=str(LEAST),
            seconds=f"{seconds:g}",
        ),
        say("TraySync will try again. If the server is known to be that slow, raise request.timeout."),
        code="too_slow",
        field="request.timeout",
    )


def endless_head(url: str) -> SyncError:
    """The error for a response whose headers do not end."""
    return SyncError(
        say("The response can't be read"),
        say("{host} sends headers without end.", host=urlsplit(url).hostname or ""),
        say("Check the address."),
        code="endless_headers",
    )


def _chain(error: BaseException | None) -> list[BaseException]:
    found: list[BaseException] = []
    left: list[BaseException | None] = [error]
    while left:
        one = left.pop()
        if one is None or one in found:
            continue
        found.append(one)
        left += [one.__cause__, one.__context__]
        # urllib3 keeps causes in `reason`, where ssl has a text.
        left += [part for part in (getattr(one, "reason", None), *one.args) if isinstance(part, BaseException)]
    return found
