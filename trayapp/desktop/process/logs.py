"""The log file: rotating, private, and free of secrets; no Qt."""

import logging
import os
import re
from datetime import UTC, datetime
from functools import cache, cached_property
from io import TextIOWrapper
from pathlib import Path
from typing import TextIO

from trayapp.sync.http.scrub import scrubbed
from trayapp.visible import visible

_BYTES = 1024 * 1024
_OLD_FILES = 4
_FORMAT = "%(asctime)s %(levelname)s %(threadName)s [%(name)s] %(message)s"
_BLOT = "***"

_SECRET_WORD = "token|secret|passw|pwd|passphrase|api[_-]?key|auth|signature|session|credential|cookie"
_SECRET_NAME = rf"[\w.\[\]-]{{0,40}}(?:{_SECRET_WORD})[\w.\[\]-]{{0,40}}"


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    """What a secret looks like by its place, and what is left of it; not made before something is written."""
    return (
        # A header, or a field of a printed dictionary: to the end of its quotes, or of the line.
        (
            re.compile(
                rf"(?i)((?:{_SECRET_WORD})[\w.\[\]-]{{0,40}}['\"]?\s*:\s+)('[^'\r\n]*'|\"[^\"\r\n]*\"|[^\s'\"][^\r\n]*)"
            ),
            rf"\1{_BLOT}",
        ),
        (re.compile(r"(?i)\b(bearer|basic)\s+(?=\S*\d)[\w.~+/=-]{8,}"), rf"\1 {_BLOT}"),
        # The user and password of a URL, and the values of its query.
        (re.compile(r"(?i)\b([a-z][a-z0-9+.-]{0,20}://)[^\s/?#@'\"]+@"), rf"\1{_BLOT}@"),
        (re.compile(rf"(?i)([?&;](?:{_SECRET_NAME}|key|code|sig)=)[^&;\s#'\"]+"), rf"\1{_BLOT}"),
    )


class Scrubber:
    """Takes secrets out of texts: those registered with it, and what looks like one by its place. Thread-safe."""

    def __init__(self) -> None:
        self._known: frozenset[str] = frozenset()

    def register(self, secret: str) -> None:
        """Never let this through again, in whatever encoding."""
        self._known |= {secret}

    def scrub(self, text: str) -> str:
        """The text without secrets."""
        text = scrubbed(text, self._known, _BLOT)
        for pattern, replacement in _patterns():
            text = pattern.sub(replacement, text)
        return text


class ScrubbingFormatter(logging.Formatter):
    """Writes a record as one line (and its traceback below), times in UTC, scrubbed as a whole, fit for terminals."""

    def __init__(self, scrubber: Scrubber) -> None:
        super().__init__(_FORMAT)
        self._scrubber = scrubber

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: ARG002
        """The record's time in UTC, ISO 8601."""
        return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")

    def format(self, record: logging.LogRecord) -> str:
        """The finished text: scrubbed last, so that arguments and tracebacks are covered too."""
        return visible(self._scrubber.scrub(super().format(record)))


def start_logging(log_file: Path, *, debug: bool = False, stream: TextIO | None = None) -> Scrubber:
    """Log to the file (and to `stream`), from now on and for all libraries; register secrets with the result.

    Call it once, in the process that holds the engine's lock: two processes would rotate the file under each other.
    """
    scrubber = Scrubber()
    handlers: list[logging.Handler] = [_LogFile(log_file)]
    if stream is not None:
        handlers.append(logging.StreamHandler(stream))
    root = logging.getLogger()
    root.setLevel(logging.DEBUG if debug else logging.INFO)
    for handler in handlers:
        handler.setFormatter(ScrubbingFormatter(scrubber))
        root.addHandler(handler)
    return scrubber


class _LogFile(logging.Handler):
    """The file, opened with the first record: the library for it loads sockets and pickle, which takes a start long."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self._path = file

    @cached_property
    def _file(self) -> logging.Handler:
        from logging.handlers import RotatingFileHandler

        class PrivateRotatingFile(RotatingFileHandler):
            def _open(self) -> TextIOWrapper:
                descriptor = os.open(self.baseFilename, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
                return open(descriptor, "a", encoding=self.encoding)

            def handleError(self, record: logging.LogRecord) -> None:
                """A full disk, or no folder any more: there is no better place to tell of it."""

        file = PrivateRotatingFile(self._path, maxBytes=_BYTES, backupCount=_OLD_FILES, encoding="utf-8", delay=True)
        file.setFormatter(self.formatter)
        return file

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record; the logging library holds this handler's lock."""
        self._file.emit(record)

    def close(self) -> None:
        """Close the file, if there is one."""
        if "_file" in self.__dict__:
            self._file.close()
        super().close()
