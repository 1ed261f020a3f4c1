"""What can be wrong with the content of an answer, in words for people."""

import re
import textwrap

from trayapp.sync.errors import AuthError, SyncError, TransientError
from trayapp.sync.http.links import place_of


def broken_off(url: str, how: str) -> TransientError:
    """It ends too early; `how` follows the address."""
    return TransientError("The answer breaks off", f"{place_of(url)}{how}.", "It is tried again by itself.")


def unreadable(url: str, encoding: str) -> SyncError:
    """Its characters are not in that encoding."""
    return SyncError(
        "The answer's characters can't be read",
        f"The text of {place_of(url)} should be {encoding}, but it is not.",
        "Set response.encoding for this endpoint, for example to latin-1.",
    )


def page_instead(start: bytes, url: str) -> SyncError:
    """It is a web page, which begins so; a sign-in page is an AuthError."""
    text = start.decode("utf-8", "replace")
    title = re.search(r"<title[^>]*>\s*([^<]{1,100})", text, re.IGNORECASE)
    named = f" titled “{' '.join(title[1].split())}”" if title else ""
    if re.search(r"type\s*=\s*[\"']?password", text, re.IGNORECASE):
        return AuthError(
            "The server wants a sign-in",
            f"{place_of(url)} sent a sign-in page{named} instead of data.",
            "Choose the right authentication for this endpoint.",
        )
    return SyncError(
        "The answer is a web page, not data",
        f"{place_of(url)} sent HTML{named}.",
        "Use the address of the API, not of the page that shows the data.",
    )


def too_deep(url: str) -> SyncError:
    """It has more levels than Python can go down."""
    return SyncError(
        "The answer is nested too deeply", f"{place_of(url)} sent more levels than can be read.", "Check the address."
    )


def no_json(text: bytes, url: str, error: Exception) -> SyncError:
    """The parser refuses it with that error."""
    if "truncated" in str(error):
        return broken_off(url, " sent incomplete JSON")
    return SyncError(
        "The answer is not JSON",
        f"{place_of(url)} sent something that begins with {start_of(text)}.",
        "Check the address.",
    )


def start_of(text: bytes) -> str:
    """Its first words, quoted."""
    # Whole words only: half a token that the server repeats would not be known for a secret.
    words = text[:2000].decode("utf-8", "replace")
    start = textwrap.shorten(words, 60, placeholder=" …", break_long_words=False, break_on_hyphens=False)
    return f"“{start}”"


def no_list(path: str, url: str, why: str, hint: str = "") -> SyncError:
    """There are no records at the path; `hint` is what to do about it."""
    place = f" at {path!r}" if path else ""
    return SyncError(
        "The answer has no list of records",
        f"{place_of(url)}{place}: {why}.",
        hint or "Check the address, or set response.records to where the list is.",
    )
