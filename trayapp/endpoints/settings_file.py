"""settings.toml on disk: written as a whole or not at all, with the previous copy kept."""

import os
import re
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from trayapp.durable import put_in_place, write_new
from trayapp.endpoints.model import Settings
from trayapp.endpoints.rendering import render
from trayapp.endpoints.settings import SettingsError, complete, parse_settings
from trayapp.errors import UserError
from trayapp.messages import Message, say

LARGEST: Final = 32 * 2**20
"""Bytes of a settings file; 10,000 endpoints take a tenth of that."""

_NEW: Final = ".new"
"""What the name of a copy ends in until it is complete."""


class FileStamp(NamedTuple):
    """What tells one version of a file from another without reading it."""

    modified_ns: int
    size: int
    inode: int


class SettingsFile:
    """One settings.toml on disk. Safe against a crash at any moment and against other programs writing it too."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._read: tuple[str, Settings] | None = None

    @property
    def previous(self) -> Path:
        """The copy that `edit` keeps of what was there before."""
        return self.path.with_name(self.path.name + ".previous")

    @property
    def _lock_file(self) -> Path:
        return self.path.with_name(self.path.name + ".lock")

    def stamp(self) -> FileStamp | None:
        """Changes whenever the file does; None when there is none."""
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return None
        return FileStamp(found.st_mtime_ns, found.st_size, found.st_ino)

    def load(self) -> Settings:
        """The settings on disk; defaults where there is no file. SettingsError when they can't be used."""
        return self._parsed(self._text())

    def _parsed(self, text: str) -> Settings:
        read = self._read
        if read is None or read[0] != text:
            self._read = read = (text, parse_settings(text, str(self.path)))
        return read[1]

    def edit(self, change: Callable[[Settings], Settings], ready: Callable[[], None] = lambda: None) -> Settings:
        """Apply a change to what is on disk now and write the result, locked against other processes.

        Comments stay. Raises SettingsError when the file, or the result, can't be used: then nothing is written.
        ready: called when nothing is left to do but to put the new file in place of the old; what it raises ends the
        edit, and nothing is changed.
        """
        from filelock import FileLock, Timeout

        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with FileLock(self._lock_file, timeout=10, mode=0o600):
                text = self._text()
                before = self._parsed(text)
                after = complete(change(before))
                if after != before or not text:
                    self._write(render(text, after), ready)
                else:
                    ready()
                return after
        except Timeout as error:
            raise UserError(
                say("The settings are in use"),
                say("Another program has been writing them for more than ten seconds."),
                say("Try again."),
            ) from error
        except OSError as error:
            raise UserError(
                say("The settings can't be written"),
                say("{path}: {strerror}.", path=self.path, strerror=error.strerror),
                say("Free some space, or make the file writable. Nothing was changed."),
            ) from error

    def clean(self) -> None:
        """Remove what an edit that was killed has left in the folder, unless one goes on there now."""
        name = re.escape(self.path.name)
        # The random letters are those of older versions.
        left = re.compile(rf"{name}(\.previous)?{re.escape(_NEW)}|{name}[a-z0-9_]{{8}}~?")
        with os.scandir(self.path.parent) as found:
            files = [Path(each.path) for each in found if left.fullmatch(each.name) and each.is_file()]
        if not files:
            return
        from filelock import FileLock, Timeout

        try:
            with FileLock(self._lock_file, timeout=0, mode=0o600):
                for file in files:
                    file.unlink(missing_ok=True)
        except Timeout:
            return

    def _text(self) -> str:
        try:
            return _content(self.path).decode("utf-8-sig").replace("\r\n", "\n")
        except FileNotFoundError:
            return ""
        except UnicodeDecodeError as error:
            raise _unreadable(
                say("{path} is not encoded as UTF-8.", path=self.path), say("Save it as UTF-8.")
            ) from error
        except OSError as error:
            raise _unreadable(
                say("{path}: {strerror}.", path=self.path, strerror=error.strerror),
                say("Check the file's permissions."),
            ) from error

    def _write(self, text: str, ready: Callable[[], None]) -> None:
        """Write both copies, then give them their names. A link is followed: what it names is replaced."""
        target = Path(os.path.realpath(self.path))
        new, kept = target.with_name(target.name + _NEW), self.previous.with_name(self.previous.name + _NEW)
        try:
            write_new(new, text.encode())
            if target.exists():
                write_new(kept, _content(target))
                put_in_place(kept, self.previous)
            ready()
            put_in_place(new, target)
        except BaseException:
            for left in (new, kept):
                with suppress(OSError):
                    left.unlink(missing_ok=True)
            raise


def _content(path: Path) -> bytes:
    """All bytes of a file. SettingsError where it is none, or is too large to be one of settings; OSErrors."""
    # A pipe would keep us waiting for its writer.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with open(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise _unreadable(
                say("{path} is no ordinary file.", path=path), say("Put a file in its place, or remove it.")
            )
        content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise _unreadable(
            say("{path} is larger than {count} bytes.", path=path, count=LARGEST),
            say("Restore the previous copy beside the file."),
        )
    return content


def _unreadable(cause: Message, next: Message) -> SettingsError:
    return SettingsError(say("The settings file can't be read"), cause, next)
