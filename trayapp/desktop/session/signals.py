"""SIGTERM, SIGINT and SIGHUP as a Qt signal: Python's own handlers would wait until the event loop has work to do."""

import signal
import socket
from types import FrameType

from PySide6.QtCore import QObject, QSocketNotifier, Signal

_ENDING = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGINT", "SIGHUP") if hasattr(signal, name))


class EndSignals(QObject):
    """Emits `received` in the event loop when the process is asked to end. Make one, in the main thread.

    Python's C handler writes the signal's number to a socket, which wakes the loop: no timer polls.
    """

    received = Signal(int)
    """The signal's number."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)
        self._notifier = QSocketNotifier(self._reader.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._read)
        self._old_wakeup = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        self._old_handlers = {number: signal.signal(number, _do_nothing) for number in _ENDING}

    def close(self) -> None:
        """Give the signals back."""
        for number, handler in self._old_handlers.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._old_wakeup)
        self._notifier.setEnabled(False)
        self._reader.close()
        self._writer.close()

    def _read(self) -> None:
        for number in self._reader.recv(64):
            if number in self._old_handlers:
                self.received.emit(number)


def _do_nothing(_number: int, _frame: FrameType | None) -> None:
    """A handler must be there for Python to catch the signal at all."""
