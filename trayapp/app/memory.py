"""Memory that runs took, given back to the system when the last of them has ended."""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class AfterRuns:
    """Calls `rest` whenever the last of several runs has ended, in that run's thread."""

    def __init__(self, rest: Callable[[], None]) -> None:
        self._rest = rest
        self._lock = threading.Lock()
        self._running = 0

    @contextmanager
    def run(self) -> Iterator[None]:
        """A run, as long as the block lasts."""
        with self._lock:
            self._running += 1
        try:
            yield
        finally:
            with self._lock:
                self._running -= 1
                is_last = not self._running
            if is_last:
                self._rest()


def trim() -> None:
    """Have the C library give its free pages back: glibc keeps those that lie between others. Nothing elsewhere.

    Source: malloc_trim(3).
    """
    if sys.platform == "linux":
        import ctypes

        library = ctypes.CDLL(None)
        if hasattr(library, "malloc_trim"):
            library.malloc_trim(0)
