"""What programs of one home say to each other: one JSON document a line, over the local socket. No Qt.

A client sends one request, `{"op": "sync", "args": {…}}`, and gets any number of `{"progress": …}` lines and at last
`{"result": {…}}` or `{"error": {"title", "cause", "next"}, "locked": …}`; then the connection is closed.
"""

import os
import socket
import struct
import sys
from typing import Any, TypeVar

import msgspec

from trayapp.errors import UserError
from trayapp.messages import say

MAX_REQUEST = 1024 * 1024
"""Bytes of a request's line: it is read in the GUI thread, and a megabyte is read in at most 30 ms."""
MAX_ANSWER = 16 * 1024 * 1024
"""Bytes of an answer's line."""

_Kind = TypeVar("_Kind")


class Message(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request: what to do (`op`), with what."""

    op: str
    args: dict[str, Any] = {}


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A line of an answer: exactly one of the three is set."""

    progress: dict[str, Any] | None = None
    result: dict[str, Any] | None = None
    error: dict[str, Any] | None = None


def encode(message: Message | Answer) -> bytes:
    """The message as one line, with its end. Structs and times inside are written as msgspec writes them."""
    return msgspec.json.encode(message, enc_hook=str) + b"\n"


def decode_message(line: bytes) -> Message:
    """The request in a line. UserError when it is none."""
    return _decode(line, Message)


def decode_answer(line: bytes) -> Answer:
    """A line of an answer. UserError when it is none."""
    return _decode(line, Answer)


def _decode(line: bytes, kind: type[_Kind]) -> _Kind:
    try:
        return msgspec.json.decode(line, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise UserError(
            say("TraySync doesn't understand the request"),
            say("The two programs are probably of different versions: {error}.", error=error),
            say("Quit TraySync and start it again."),
        ) from error


def peer_uid(connected: socket.socket) -> int | None:
    """User id of the process at the other end of a Unix socket; None where the system cannot say.

    Formats: struct ucred in unix(7) of Linux, struct xucred in <sys/ucred.h> of macOS.
    """
    if sys.platform == "darwin":
        level, local_peercred = 0, 1
        return int(struct.unpack_from("II", connected.getsockopt(level, local_peercred, 76))[1])
    so_peercred = getattr(socket, "SO_PEERCRED", None)
    if so_peercred is None:
        return None
    credentials = connected.getsockopt(socket.SOL_SOCKET, so_peercred, struct.calcsize("3i"))
    return int(struct.unpack("3i", credentials)[1])


def is_stranger(connected: socket.socket) -> bool:
    """Whether the other end belongs to another user."""
    return sys.platform != "win32" and peer_uid(connected) not in (None, os.getuid())
