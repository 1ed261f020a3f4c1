"""Linux and macOS: a Unix socket, and who is at its other end."""

import os
import socket
import struct
import sys

from trayapp.errors import EnvironmentProblem
from trayapp.messages import say

_CHUNK = 65536


class UnixSocket:
    """A connection whose other end is a program of the same user."""

    def __init__(self, address: str, timeout: float | None) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        try:
            self._socket.settimeout(timeout)
            self._socket.connect(address)
            if is_stranger(self._socket):
                raise EnvironmentProblem(
                    say("Another user's program is listening"),
                    say("TraySync doesn't trust what listens at {address}.", address=address),
                    say("Remove that file, or choose another folder with --home DIR."),
                    code="foreign_listener",
                )
        except BaseException:
            self._socket.close()
            raise

    def send(self, data: bytes) -> None:
        """Send all of it."""
        self._socket.sendall(data)

    def receive(self) -> bytes:
        """Some bytes, as soon as there are any; none when the other side has closed."""
        return self._socket.recv(_CHUNK)

    def close(self) -> None:
        """Close it."""
        self._socket.close()


def peer_uid(connected: socket.socket) -> int | None:
    """User id of the process at the other end of a Unix socket; None where the system can't say.

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
