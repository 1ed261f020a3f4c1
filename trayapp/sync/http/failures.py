"""Error statuses, and requests that are not made at all, in words for people."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from trayapp.messages import Message, say
from trayapp.sync.errors import AuthError, SyncError, TransientError
from trayapp.sync.http import retry
from trayapp.sync.http.links import Origin, origin, place_of
from trayapp.sync.http.scrub import hidden_start
from trayapp.sync.names import COMPLAINT_WORDS


def again() -> Message:
    """What happens next where it is worth another try."""
    return say("TraySync will try again.")


def proxy_refuses(cause: Message) -> AuthError:
    """The error for a proxy that wants credentials."""
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


def too_packed(url: str, times: int) -> SyncError:
    """The error for a compressed answer that unpacks to more than so many times its size."""
    return SyncError(
        say("The response is compressed too much"),
        say("What {address} sent unpacks to more than {times} times its size.", address=place_of(url), times=times),
        say(
            "That exhausts the memory rather than saving time. If you trust the server, set the request header"
            " Accept-Encoding: identity, so that it sends the data as they are."
        ),
        code="too_packed",
        field="request.headers",
    )


def indivisible(url: str, most: int) -> SyncError:
    """The error for an answer over `most` bytes that can't be read piece by piece."""
    return SyncError(
        say("The response is too large to be read at once"),
        say(
            "{address} sent more than {megabytes} MiB in which no records end that could be read one after the other.",
            address=place_of(url),
            megabytes=most // 2**20,
        ),
        say("Request less at a time, for example fewer records or fields."),
        code="too_large",
        field="url",
    )


def record_too_large(url: str, most: int) -> SyncError:
    """The error for a record over `most` bytes."""
    return SyncError(
        say("A record is too large"),
        say("{address} sent a record of more than {megabytes} MiB.", address=place_of(url), megabytes=most // 2**20),
        say("Request fewer fields, or another address of this API."),
        code="too_large",
        field="url",
    )


def too_many_values(url: str, most: int) -> SyncError:
    """The error for an answer of so many values that they don't fit into the memory."""
    return SyncError(
        say("The response is too large to be read at once"),
        say(
            "{address} sent more than {most} values that are no records which could be read one after the other.",
            address=place_of(url),
            most=most,
        ),
        say("Request less at a time, for example fewer records or fields."),
        code="too_large",
        field="url",
    )


def server_of(url: str) -> Origin:
    """The URL's origin. SyncError when it has none."""
    try:
        return origin(url)
    except ValueError as error:
        raise bad_address(url) from error


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
    if 300 <= status < 400:
        return SyncError(
            say("The server redirects"),
            say(
                "{address} responded with status {status}, but not with where to go.",
                address=place_of(url),
                status=str(status),
            ),
            say("Check the address."),
            code="redirect",
            field="url",
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
        return proxy_refuses(cause)
    if status in (404, 410):
        return SyncError(
            say("There is nothing at this address"), cause, say("Check the address."), code="not_found", field="url"
        )
    if status in retry.TRANSIENT_STATUSES or 500 <= status < 600:
        return TransientError(say("The server has a problem"), cause, again(), retry_after=wait)
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
        text = body[:_MOST_WORDS].decode("utf-8", "replace").strip()
        return "" if text.startswith("<") else _one_line(hidden_start(text, 2000, hide))
    return _one_line(hidden_start(_words(data), _MOST_WORDS, hide))


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
