"""What can be wrong with the content of a response, in words for people."""

import re
import textwrap

from trayapp.messages import NOTHING, Message, say
from trayapp.sync.errors import AuthError, SyncError, TransientError
from trayapp.sync.formats.characters import is_known
from trayapp.sync.http.failures import quoted
from trayapp.sync.http.links import place_of


def broken_off(cause: Message) -> TransientError:
    """It ends too early."""
    return TransientError(say("The response was cut off"), cause, say("TraySync will try again."), code="cut_off")


def incomplete(url: str, format: str) -> TransientError:
    """It ends too early for that format."""
    return broken_off(say("{address} sent incomplete {format}.", address=place_of(url), format=format))


def ended_with(said: str, url: str) -> TransientError:
    """The server put this complaint in the place of the records to come."""
    cause = say("{address} ended its list with an error.", address=place_of(url))
    return TransientError(
        say("The server broke off its list"),
        quoted(said) if said else cause,
        say("TraySync will try again."),
        code="cut_off",
    )


def not_json(cause: Message) -> SyncError:
    """It should be JSON, and is not."""
    return SyncError(say("The response is not JSON"), cause, say("Check the address."), code="format", field="url")


def unreadable(url: str, encoding: str) -> SyncError:
    """Its characters are not in that encoding, or nobody knows it."""
    cause = say("The text from {address} is in an unknown encoding.", address=place_of(url))
    if is_known(encoding):
        cause = say(
            "The text from {address} should be {encoding}, but it is not.", address=place_of(url), encoding=encoding
        )
    return SyncError(
        say("The response's text can't be read"),
        cause,
        say("Set response.encoding to what the text is written in, for example windows-1252, windows-1251 or cp932."),
        code="encoding",
        field="response.encoding",
    )


def unknown_encoding(url: str) -> SyncError:
    """It is no Unicode, and its words don't tell what else it is."""
    return SyncError(
        say("The response's encoding is not known"),
        say("The text from {address} is not UTF-8, and it does not say what it is.", address=place_of(url)),
        say("Set response.encoding to what the text is written in, for example windows-1252, windows-1251 or cp932."),
        code="encoding",
        field="response.encoding",
    )


def page_instead(start: bytes, url: str) -> SyncError:
    """It is a web page, which begins so; a sign-in page is an AuthError."""
    text = start.decode("utf-8", "replace")
    # Whole or not at all: what is left of a secret in it that was cut would not be known for one.
    title = re.search(r"<title[^<>]*>([^<]*)</", text, re.IGNORECASE)
    address, named = place_of(url), " ".join(title[1].split()) if title else ""
    if re.search(r"type\s*=\s*[\"']?password", text, re.IGNORECASE):
        return AuthError(
            say("The server requires a sign-in"),
            say("{address} sent the sign-in page “{title}” instead of data.", address=address, title=named)
            if named
            else say("{address} sent a sign-in page instead of data.", address=address),
            say("Choose the right kind of authentication for this endpoint."),
            field="auth",
        )
    return SyncError(
        say("The response is a web page, not data"),
        say("{address} sent the web page “{title}”.", address=address, title=named)
        if named
        else say("{address} sent a web page.", address=address),
        say("Use the address of the API, not of the page that shows the data."),
        code="web_page",
        field="url",
    )


def too_deep(url: str) -> SyncError:
    """It has more levels than Python can go down."""
    return SyncError(
        say("The response is nested too deeply"),
        say("{address} sent more levels than TraySync can read.", address=place_of(url)),
        say("Check the address."),
        code="format",
    )


def no_json(text: bytes, url: str, error: Exception) -> SyncError:
    """The parser refuses it with that error."""
    if "truncated" in str(error):
        return incomplete(url, "JSON")
    if "trailing" in str(error):
        return SyncError(
            say("The response is not JSON"),
            say(
                "More follows the first value from {address}, which begins with {start}.",
                address=place_of(url),
                start=start_of(text),
            ),
            say("If these are several values one after another, set response.format to “ndjson”."),
            code="format",
            field="response.format",
        )
    return not_json(
        say("The response from {address} begins with {start}.", address=place_of(url), start=start_of(text))
    )


def start_of(text: bytes) -> str:
    """Its first words, quoted."""
    # Whole words only: half a token that the server repeats would not be known for a secret.
    words = text[:2000].decode("utf-8", "replace")
    start = textwrap.shorten(words, 60, placeholder=" …", break_long_words=False, break_on_hyphens=False)
    return f"“{start}”"


def not_ready(url: str) -> TransientError:
    """The error for an answer that only says that one is being made (202 Accepted, RFC 9110 section 15.3.3)."""
    return TransientError(
        say("The data is not ready yet"),
        say("{address} is still preparing it.", address=place_of(url)),
        say("TraySync will try again."),
        code="not_ready",
    )


def no_list(path: str, url: str, why: Message, hint: Message = NOTHING) -> SyncError:
    """There are no records at the path; `hint` is what to do about it."""
    cause = say("{reason} The response came from {address}.", reason=why, address=place_of(url))
    if path:
        cause = say(
            "{reason} The response came from {address}; response.records is “{path}”.",
            reason=why,
            address=place_of(url),
            path=path,
        )
    return SyncError(
        say("The response has no list of records"),
        cause,
        hint or say("Check the address, or set response.records to where the list is."),
        code="no_records",
        field="response.records",
    )
