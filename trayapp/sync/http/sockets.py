"""The sockets of a transport's connections, so that whatever waits for one of them can be ended from outside."""

import socket
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any


class OpenSockets:
    """Sockets by the connection that owns each. Thread-safe; nothing more can be opened once they were cut.

    A second descriptor of each is kept. What has the first one may wrap it at will, with TLS and with TLS in a proxy's
    tunnel, and wait for it in any way: shutting the second one down ends them all.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._twins: dict[object, socket.socket] = {}
        self._is_cut = False

    def connected(
        self,
        owner: object,
        address: tuple[str, int],
        family: socket.AddressFamily,
        timeout: float | None,
        options: Iterable[Sequence[Any]],
    ) -> socket.socket:
        """A new socket, connected to the first of the host's addresses that takes it. OSError, gaierror.

        timeout: seconds for each address. options: arguments of `setsockopt`.
        """
        failure = OSError("the host has no address")
        for *how, _, place in socket.getaddrinfo(*address, family, socket.SOCK_STREAM):
            made = socket.socket(*how)
            try:
                self._hold(owner, made)
                for option in options:
                    made.setsockopt(*option)
                made.settimeout(timeout)
                made.connect(place)
                self.check()
                return made
            except OSError as error:
                failure = error
                made.close()
            except BaseException:
                made.close()
                raise
        raise failure

    def _hold(self, owner: object, made: socket.socket) -> None:
        twin = made.dup()
        with self._lock:
            before = self._twins.pop(owner, None)
            self._twins[owner] = twin
        if before is not None:
            before.close()
        self.check()

    def check(self) -> None:
        """Raise ConnectionAbortedError if they were cut."""
        if self._is_cut:
            raise ConnectionAbortedError("the request was given up")

    def let_go(self, gone: Callable[[object], bool]) -> None:
        """Close for good those whose owners are gone: until then the other end sees them open."""
        with self._lock:
            twins = [self._twins.pop(owner) for owner in [owner for owner in self._twins if gone(owner)]]
        for twin in twins:
            twin.close()

    def cut(self) -> None:
        """End all that waits for any of them: it meets an end of the stream, or an error."""
        with self._lock:
            self._is_cut = True
            twins = list(self._twins.values())
            self._twins.clear()
        for twin in twins:
            with suppress(OSError):  # it is not connected, or was closed by the other end
                twin.shutdown(socket.SHUT_RDWR)
            twin.close()
