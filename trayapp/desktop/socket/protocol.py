"""What programs of one home say to each other: one JSON document a line, over the local socket. No Qt.

A client sends one request, whose form is its own affair and the server's, and gets any number of `{"progress": {…}}`
lines and at last `{"result": {…}}` or `{"error": {"title", "cause", "next", …}}`; then the connection is closed.
"""

from typing import Any, Generic, TypeVar

import msgspec

from trayapp.errors import UserError
from trayapp.messages import say

MAX_REQUEST = 1024 * 1024
"""Bytes of a request's line: it is read in the GUI thread, and a megabyte is read in at most 30 ms."""
MAX_ANSWER = 16 * 1024 * 1024
"""Bytes of an answer's line."""

Result = TypeVar("Result")


class Answer(msgspec.Struct, Generic[Result], frozen=True, kw_only=True, omit_defaults=True):
    """A line of an answer: exactly one of the three is set."""

    progress: dict[str, Any] | None = None
    result: Result | None = None
    error: dict[str, Any] | None = None


def encode(message: Any) -> bytes:
    """A request or an Answer as one line, with its end. Structs and times are written as msgspec writes them."""
    return msgspec.json.encode(message, enc_hook=str) + b"\n"


def decode(line: bytes, kind: Any) -> Any:
    """What a line holds, as that type. UserError when it holds something else."""
    try:
        return msgspec.json.decode(line, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise UserError(
            say("Two versions of TraySync are in use"),
            say("One can't read the other's message: {error}.", error=str(error)),
            say("Quit TraySync and start it again."),
            code="version_mismatch",
        ) from error
