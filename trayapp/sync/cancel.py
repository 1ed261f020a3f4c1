"""A cancellation token: it carries a reason and wakes everything that waits on it."""

import threading
from collections.abc import Callable
from typing import Final, Literal, NamedTuple

from trayapp.messages import NOTHING, Message, say

StopCode = Literal[
    "", "user", "interrupted", "replaced", "settings_changed", "removed", "program_ended", "time_limit", "condition"
]
"""The kinds of reasons. "condition": what a run needs, such as a network, is gone. "": within the program only."""


class StopReason(NamedTuple):
    """Why something was told to stop: of what kind that is, and in words, as the history has them."""

    code: StopCode = ""
    words: Message = NOTHING


BY_USER: Final = StopReason("user", say("stopped by the user"))
INTERRUPTED: Final = StopReason("interrupted", say("interrupted"))
REPLACED: Final = StopReason("replaced", say("replaced by a new run"))
SETTINGS_CHANGED: Final = StopReason("settings_changed", say("the settings changed"))
REMOVED: Final = StopReason("removed", say("the endpoint was removed"))
PROGRAM_ENDED: Final = StopReason("program_ended", say("the program ended"))
INTERNAL: Final = StopReason()
"""What only the program itself gets to know of."""


def time_limit(length: object) -> StopReason:
    """The run took longer than it may, a length of time in the settings' own way of writing it."""
    return StopReason("time_limit", say("took longer than {limit}", limit=str(length)))


def stopped_sentence(reason: StopReason) -> Message:
    """The result of a run that was stopped: "Stopped by the user.", "Stopped: no network."."""
    if reason.code == "user":
        return say("Stopped by the user.")
    return say("Stopped: {reason}.", reason=reason.words) if reason.words else say("Stopped.")


class Cancelled(Exception):
    """What was going on was told to stop."""

    def __init__(self, reason: StopReason) -> None:
        super().__init__(reason.words)
        self.reason = reason


class CancelToken:
    """Shared by the one who may stop a run and by all code that waits inside it. Thread-safe."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._calls: list[Callable[[], object]] = []
        self.reason = INTERNAL

    def cancel(self, reason: StopReason) -> None:
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
