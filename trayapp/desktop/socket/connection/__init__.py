"""A client's connection to the running program: a Unix socket, on Windows a named pipe. No Qt."""

import sys
from typing import Protocol


class Connection(Protocol):
    """An open connection. The methods raise OSError when it breaks, TimeoutError when the other side is silent."""

    def send(self, data: bytes) -> None:
        """Send all of it."""
        ...

    def receive(self) -> bytes:
        """Some bytes, as soon as there are any; none when the other side has closed."""
        ...

    def close(self) -> None:
        """Close it."""
        ...


def connected(address: str, timeout: float | None) -> Connection:
    """A connection to the `socket_address` of a home. FileNotFoundError or ConnectionRefusedError when nobody listens.

    `timeout` is the longest silence in seconds. EnvironmentProblem when another user's program listens.
    """
    if sys.platform == "win32":
        from trayapp.desktop.socket.connection.named_pipe import NamedPipe

        return NamedPipe(address, timeout)
    from trayapp.desktop.socket.connection.unix_socket import UnixSocket

    return UnixSocket(address, timeout)
