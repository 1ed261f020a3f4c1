"""A cancellation token: it carries a reason and wakes everything that waits on it."""

import threading
from collections.abc import Callable


class Cancelled(Exception):
    """The run was told to stop; `reason` is one of the stop reasons, in words."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class CancelToken:
    """Shared by the one who may stop a run and by all code that waits inside it. Thread-safe."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._calls: list[Callable[[], object]] = []
        self.reason = ""

    def cancel(self, reason: str) -> None:
        """Ask everything holding this token to stop; the first reason stays."""
        with self._lock:
            if self._event.is_set():
                return
            self.reason = reason
            self._event.set()
            calls, self._calls = self._calls, []
        for call in calls:
            call()

    @property
    def cancelled(self) -> bool:
        """Whether `cancel` was called."""
        return self._event.is_set()

    def check(self) -> None:
        """Raise Cancelled if `cancel` was called."""
        if self._event.is_set():
            raise Cancelled(self.reason)

    def wait(self, seconds: float) -> None:
        """Sleep, but raise Cancelled as soon as `cancel` is called."""
        if self._event.wait(seconds):
            raise Cancelled(self.reason)

    def on_cancel(self, call: Callable[[], object]) -> None:
        """Have `call` called, in the canceller's thread, when `cancel` is called; at once if it already was."""
        with self._lock:
            if not self._event.is_set():
                self._calls.append(call)
                return
        call()

    def forget(self, call: Callable[[], object]) -> None:
        """Undo `on_cancel`."""
        with self._lock:
            if call in self._calls:
                self._calls.remove(call)
