"""Failed requests and error statuses in words for people."""

import socket
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec

from trayapp.sync.errors import AuthError, NetworkError, SyncError, TransientError
from trayapp.sync.http import retry
from trayapp.sync.http.links import Origin, origin, place_of
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
                "The server's certificate is not trusted",
                f"{host}: {cause.verify_message}.",
                "Check the address. If the server has its own certificate authority, give its file as ca_file.",
            )
    if isinstance(error, requests.exceptions.ProxyError):
        if any("407" in str(cause) for cause in causes if isinstance(cause, OSError)):
            return _proxy_refuses(f"It lets nobody through to {host} without.")
        return NetworkError("The proxy can't be reached", f"No way to {host} through it.", "Check the proxy's address.")
    if any(isinstance(cause, ssl.SSLError) and "CERTIFICATE_REQUIRED" in str(cause) for cause in causes):
        return AuthError(
            "The server wants a client certificate",
            f"{host} talks only to those who show one it knows.",
            "Give the files of yours as request.client_cert and request.client_key.",
        )
    if any(isinstance(cause, ssl.SSLError) and not isinstance(cause, ssl.SSLEOFError) for cause in causes):
        return TransientError(
            "No secure connection",
            f"{host} does not speak TLS as expected.",
            "Check the address: http or https, and port.",
        )
    if isinstance(error, requests.exceptions.Timeout):
        return NetworkError(
            "The server does not answer", f"{host} was silent for {timeout:g} s.", "It is tried again by itself."
        )
    for cause in causes:
        if isinstance(cause, socket.gaierror):
            return NetworkError(
                "The server can't be found", f"There is no address for {host}.", "Check the address and the network."
            )
        if isinstance(cause, ConnectionRefusedError):
            return NetworkError(
                "The server can't be reached",
                f"Nothing answers at {host} port {origin(url)[2]}.",
                "Check the address, or try later.",
            )
    if isinstance(error, requests.exceptions.ConnectionError):
        return NetworkError(
            "The connection broke", f"{host} closed the connection before it answered.", "It is tried again by itself."
        )
    return SyncError("The request failed", f"{host}: {type(error).__name__}.", "Check the endpoint's address.")


def _proxy_refuses(words: str) -> AuthError:
    return AuthError(
        "The proxy wants credentials",
        words,
        "Set request.proxy_user, and store its password with: traysync secret set ID proxy",
    )


def bad_address(url: str) -> SyncError:
    """The error for a URL no request can be made to."""
    return SyncError("The address can't be used", f"{place_of(url)} is not valid.", "Check the address.")


def server_of(url: str) -> Origin:
    """The URL's origin. SyncError when it has none."""
    try:
        return origin(url)
    except ValueError as error:
        raise bad_address(url) from error


def broken_off(error: Exception, url: str, timeout: float) -> SyncError:
    """What an answer that ended too early or can't be decompressed means, in words."""
    from urllib3.exceptions import DecodeError, ReadTimeoutError

    host = urlsplit(url).hostname or ""
    if isinstance(error, DecodeError):
        return SyncError("The answer is damaged", f"What {host} sent can't be decompressed.", "Try again later.")
    if isinstance(error, ReadTimeoutError | TimeoutError):
        return NetworkError(
            "The answer breaks off",
            f"{host} was silent for {timeout:g} s in the middle.",
            "It is tried again by itself.",
        )
    return NetworkError(
        "The answer breaks off", f"{host} closed the connection in the middle.", "It is tried again by itself."
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
    error = _status_error(status, headers, body, url, now, hide)
    error.status = status
    return error


def _status_error(
    status: int, headers: Mapping[str, str], body: bytes, url: str, now: datetime, hide: Callable[[str], str]
) -> SyncError:
    said = server_message(body, headers, hide)
    where = place_of(url)
    words = f"The server says: {ended(said)}" if said else f"{where} answered with status {status}."
    wait = retry.rate_limit_wait(status, headers, now)
    if status == 429 or (status == 403 and wait is not None):
        return TransientError(
            "The server asks to slow down", words, "The sync goes on later by itself.", retry_after=wait
        )
    if status == 401:
        return AuthError("The server does not accept the credentials", words, "Check user name and password or token.")
    if status == 403:
        return AuthError("The server refuses access", words, "Check whether the account may read this.")
    if status == 407:
        return _proxy_refuses(words)
    if status in (404, 410):
        return SyncError("There is nothing at this address", words, "Check the address.")
    if status in retry.TRANSIENT_STATUSES or status >= 500:
        return TransientError("The server has a problem", words, "It is tried again by itself.", retry_after=wait)
    return SyncError("The server refuses the request", words, "Check address and parameters.")


def server_message(body: bytes, headers: Mapping[str, str], hide: Callable[[str], str] = str) -> str:
    """The server's own words (RFC 9457 detail or title, or what else is usual), at most 200 characters."""
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
