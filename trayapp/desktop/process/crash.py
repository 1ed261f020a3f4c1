"""What is left of a crash: the stacks when the interpreter dies, and every exception that nobody caught; no Qt."""

import faulthandler
import logging
import os
import sys
import threading
from pathlib import Path
from types import TracebackType

_log = logging.getLogger(__name__)


class CrashWatch:
    """From its making until `close`, a dying interpreter writes its stacks to the file, and uncaught exceptions of all
    threads go to the log, which scrubs them.

    `previous` holds the stacks of the program's last run if it crashed, else "".
    """

    def __init__(self, crash_file: Path) -> None:
        self._path = crash_file
        self.previous = _text(crash_file)
        # Stays open: faulthandler writes to the descriptor when nothing else works any more.
        self._file = open(crash_file, "w", encoding="utf-8", opener=lambda path, flags: os.open(path, flags, 0o600))  # noqa: SIM115
        faulthandler.enable(self._file, all_threads=True)
        sys.excepthook = log_exception
        threading.excepthook = _log_thread_exception
        sys.unraisablehook = _log_unraisable

    def close(self) -> None:
        """The program ends well: nothing is left behind."""
        sys.excepthook = sys.__excepthook__
        threading.excepthook = threading.__excepthook__
        sys.unraisablehook = sys.__unraisablehook__
        faulthandler.disable()
        self._file.close()
        self._path.unlink(missing_ok=True)


def log_exception(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    """Log an exception that nobody caught; Ctrl+C is none."""
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, traceback)
        return
    _log.critical("uncaught exception", exc_info=(kind, error, traceback))


def _log_thread_exception(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None:
        log_exception(args.exc_type, args.exc_value, args.exc_traceback)


def _log_unraisable(args: "sys.UnraisableHookArgs") -> None:
    if args.exc_value is not None:
        _log.error(
            "%s", args.err_msg or "exception ignored", exc_info=(args.exc_type, args.exc_value, args.exc_traceback)
        )


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8", errors="replace")
    except FileNotFoundError:
        return ""
