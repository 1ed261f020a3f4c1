"""Failed requests and error statuses in words for people."""

import socket
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec

from trayapp.messages import Message, say
from trayapp.sync.errors import AuthError, NetworkError, SyncError, TransientError
from trayapp.sync.http import retry
from trayapp.sync.http.links import Origin, origin, place_of
from trayapp.sync.http.throughput import LEAST
from trayapp.sync.names import COMPLAINT_WORDS


def connection_error(error: Exception, url: str, timeout: float) -> SyncError:
    """What a failed request means, in words; `timeout` in seconds."""
    import ssl

    import requests

    host = urlsplit(url).hostname or ""
    if isinstance(error, requests.exceptions.InvalidSchema | requests.exceptions.InvalidURL):
        return bad_address(url)
    causes = _chain(error)
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return SyncError(
                say("The server's certificate is not trusted"),
                say("{host}: {reason}.", host=host, reason=cause.verify_message),
                say("Check the address. If the server uses its own certificate authority, set request.ca_file."),
                code="certificate",
                field="request.ca_file",
            )
    if isinstance(error, requests.exceptions.ProxyError):
        if any("407" in str(cause) for cause in causes if isinstance(cause, OSError)):
            return _proxy_refuses(say("The proxy asks for credentials before it connects to {host}.", host=host))
        return NetworkError(
            say("The proxy can't be reached"),
            say("{host} can't be reached through it.", host=host),
            say("Check the proxy's address."),
            code="proxy",
            field="request.proxy",
        )
    if any(isinstance(cause, ssl.SSLError) and "CERTIFICATE_REQUIRED" in str(cause) for cause in causes):
        return AuthError(
            say("The server requires a client certificate"),
            say("{host} only accepts connections with a certificate it knows.", host=host),
            say("Set request.client_cert and request.client_key to your certificate files."),
            code="client_certificate",
            field="request.client_cert",
        )
    if any(isinstance(cause, ssl.SSLError) and not isinstance(cause, ssl.SSLEOFError) for cause in causes):
        return TransientError(
            say("No secure connection"),
            say("{host} does not use TLS as expected.", host=host),
            say("Check the address: http or https, and the port."),
            code="tls",
        )
    if isinstance(error, requests.exceptions.Timeout):
        return NetworkError(
            say("The server does not respond"),
            _silent(host, timeout),
            _again(),
            code="timeout",
            field="request.timeout",
        )
    for cause in causes:
        if isinstance(cause, socket.gaierror):
            return NetworkError(
                say("The server can't be found"),
                say("There is no server called {host}.", host=host),
                say("Check the address and your network."),
            )
        if isinstance(cause, ConnectionRefusedError):
            return NetworkError(
                say("The server can't be reached"),
                say("{host} accepts no connections on port {port}.", host=host, port=str(origin(url)[2])),
                say("Check the address, or try again later."),
            )
    if isinstance(error, requests.exceptions.ConnectionError):
        return NetworkError(
            say("The connection was lost"), say("{host} closed the connection without responding.", host=host), _again()
        )
    return SyncError(
        say("The request failed"),
        say("{host}: {error}.", host=host, error=type(error).__name__),
        say("Check the endpoint's address."),
    )


def _again() -> Message:
    return say("TraySync will try again.")


def _silent(host: str, timeout: float) -> Message:
    return say("{host} sent nothing for {seconds} seconds.", host=host, seconds=f"{timeout:g}")


def _proxy_refuses(cause: Message) -> AuthError:
    return AuthError(
        say("The proxy requires a user name and password"),
        cause,
        say("Set request.proxy_user, and store its password with: traysync secret set ID proxy"),
        code="proxy_refused",
        field="request.proxy_user",
    )


def bad_address(url: str) -> SyncError:
    """The error for a URL no request can be made to."""
    return SyncError(
        say("The address can't be used"),
        say("This is not a valid web address: {address}.", address=place_of(url)),
        say("Check the address."),
        code="bad_address",
    )


def too_large(cause: Message) -> SyncError:
    """The error for more bytes than the settings allow."""
    return SyncError(
        say("The server sends too much data"),
        cause,
        say("Raise limits.bytes if that is expected."),
        code="too_large",
        field="limits.bytes",
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


def server_of(url: str) -> Origin:
    """The URL's origin. SyncError when it has none."""
    try:
        return origin(url)
    except ValueError as error:
        raise bad_address(url) from error


def broken_off(error: Exception, url: str, timeout: float) -> SyncError:
    """What a response that ended too early or can't be decompressed means, in words."""
    from urllib3.exceptions import DecodeError, ReadTimeoutError

    host = urlsplit(url).hostname or ""
    if isinstance(error, DecodeError):
        return SyncError(
            say("The response is damaged"),
            say("What {host} sent can't be decompressed.", host=host),
            say("Try again later."),
        )
    if isinstance(error, ReadTimeoutError | TimeoutError):
        return NetworkError(
            say("The response was cut off"), _silent(host, timeout), _again(), code="timeout", field="request.timeout"
        )
    return NetworkError(
        say("The response was cut off"),
        say("{host} closed the connection before the end of the response.", host=host),
        _again(),
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


def status_error(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    url: str,
    now: datetime,
    hide: Callable[[str], str] = str,
) -> SyncError:
    """What an error status means, with the server's own message; `hide` takes secrets out of a text."""
    said = server_message(body, headers, hide)
    error = _status_error(status, said, url, retry.rate_limit_wait(status, headers, now))
    error.status, error.said = status, said
    return error


def _status_error(status: int, said: str, url: str, wait: float | None) -> SyncError:
    cause = say("{address} responded with status {status}.", address=place_of(url), status=str(status))
    if said:
        cause = quoted(said)
    if status == 429 or (status == 403 and wait is not None):
        return TransientError(
            say("The server asks for fewer requests"), cause, later(), retry_after=wait, code="rate_limit"
        )
    if status == 401:
        return AuthError(
            say("The server does not accept the credentials"), cause, check_credentials(), action="enter_secret"
        )
    if status == 403:
        return AuthError(
            say("The server denies access"),
            cause,
            say("Check whether your account may read this data."),
            action="enter_secret",
        )
    if status == 407:
        return _proxy_refuses(cause)
    if status in (404, 410):
        return SyncError(
            say("There is nothing at this address"), cause, say("Check the address."), code="not_found", field="url"
        )
    if status in retry.TRANSIENT_STATUSES or status >= 500:
        return TransientError(say("The server has a problem"), cause, _again(), retry_after=wait)
    return SyncError(
        say("The server rejects the request"), cause, say("Check the address and the parameters."), code="rejected"
    )


def quoted(said: str) -> Message:
    """What the server says, as a sentence of its own."""
    return say("The server says: {message}", message=ended(said))


def check_credentials() -> Message:
    """What to do about credentials that are not accepted."""
    return say("Check the user name and password or the token.")


def later() -> Message:
    """What happens next where the server allows no more requests for now."""
    return say("TraySync will continue later.")


def server_message(body: bytes, headers: Mapping[str, str], hide: Callable[[str], str] = str) -> str:
    """The server's own message (RFC 9457 detail or title, or what else is usual), at most 200 characters."""
    if "html" in headers.get("Content-Type", "").lower():
        return ""
    try:
        data = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        text = body[:2000].decode("utf-8", "replace").strip()
        return "" if text.startswith("<") else _one_line(hide(text))
    return _one_line(hide(_words(data)[:_MOST_WORDS]))


_MOST_WORDS = 100_000
"""Characters that are looked at of a message, which may be of any length."""


def _words(data: Any) -> str:
    if isinstance(data, str):
        return data
    if isinstance(data, list):
        return next((words for item in data if (words := _words(item))), "")
    if isinstance(data, dict):
        return next((words for name in COMPLAINT_WORDS if (words := _words(data.get(name)))), "")
    return ""


def ended(text: str) -> str:
    """The text as a sentence that ends."""
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return f"{line[:199]}…" if len(line) > 200 else line
