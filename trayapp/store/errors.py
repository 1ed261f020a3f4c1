"""SQLite's errors in words, told apart by what a person can do about them."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

from trayapp.errors import UserError, problem_of
from trayapp.messages import say, say_count


class StoreError(UserError):
    """The database can't be used as asked."""


class UnfitKey(StoreError):
    """The fields that should identify the records do not."""

    code = "key"


def shared_key(key: tuple[str, ...], records: int) -> UnfitKey:
    """The error for records with the key of a different one on another page."""
    return UnfitKey(
        say("{key} is not unique", key=", ".join(key)),
        say_count(
            "One record has the same value as a different one on another page.",
            "{count} records have the same value as a different one on another page.",
            records,
        ),
        say("The table is unchanged. Choose a key (table.key) that is different for every record."),
        field="table.key",
    )


class StoreLocked(StoreError):
    """Another program holds the database; later it may be free."""

    code = "locked"


class StoreFull(StoreError):
    """No room left on the disk; later there may be."""


class StoreCorrupt(StoreError):
    """The file is damaged or no SQLite database."""


class StoreNotWritable(StoreError):
    """The file or its folder may not be written."""


class StoreReplaced(StoreError):
    """The file was moved, deleted, or replaced by another one while it was in use."""

    code = "database_replaced"


class StoreTooNew(StoreError):
    """A newer version of the program wrote the file."""


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn apsw's exceptions about the file at `path` into StoreErrors; programming errors pass through."""
    try:
        yield
    except (apsw.BusyError, apsw.LockedError) as error:
        raise StoreLocked(
            say("The database is in use"),
            say("Another program has locked {name}.", name=path.name),
            say("Save or close what it has open. TraySync will try again."),
        ) from error
    except apsw.FullError as error:
        raise _full(path) from error
    except (apsw.CorruptError, apsw.NotADBError) as error:
        raise StoreCorrupt(
            say("The database seems to be damaged"),
            say("{path} can't be read as an SQLite database.", path=path),
            say("TraySync looks at it again, and saves what can be read, when it is used next."),
        ) from error
    except (apsw.ReadOnlyError, apsw.CantOpenError, apsw.PermissionsError) as error:
        if (exhausted := _no_more_files()) is not None:
            raise StoreError.of(problem_of(exhausted)) from error
        if not path.parent.exists():
            raise StoreNotWritable(
                say("The folder of the database is missing"),
                say("There is no folder {path}.", path=path.parent),
                say("Put it back, or end TraySync and start it again."),
            ) from error
        if not path.exists():
            raise replaced(path) from error
        raise StoreNotWritable(
            say("The database can't be written"),
            say("{path} or its folder is not writable.", path=path),
            say("Make both writable, or choose another folder with --home."),
        ) from error
    except apsw.ProtocolError as error:  # locks that SQLite can't get for ten seconds, whoever has them
        raise StoreLocked(
            say("The database can't be locked"),
            say("The system refuses to lock {path}.", path=path),
            say("If it is on a network drive, choose a folder on a local disk with --home DIR."),
        ) from error
    except apsw.IOError as error:
        if _is_full(path):  # SQLite tells so of a write, but not of a file that is to be made larger
            raise _full(path) from error
        raise StoreError(
            say("The database can't be read or written"),
            say("The disk reported an error at {path}.", path=path),
            say("Check the disk."),
        ) from error


_LEAST_ROOM = 2**16
"""Bytes; SQLite makes its files larger by 32 KiB at once."""


def _full(path: Path) -> StoreFull:
    return StoreFull(
        say("The disk is full"),
        say("There is no space left to write {path}.", path=path),
        say("Free some space. The table is unchanged."),
    )


def _is_full(path: Path) -> bool:
    try:
        return shutil.disk_usage(path.parent).free < _LEAST_ROOM
    except OSError:
        return False


def _no_more_files() -> OSError | None:
    """What the system says when this process may not open another file."""
    # Not the database itself: closing any descriptor of a file gives up this process's locks on it (POSIX).
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        return error if error.errno in (errno.EMFILE, errno.ENFILE) else None
    return None


def replaced(path: Path) -> StoreReplaced:
    """The file of that name is not the one that was in use."""
    if path.exists():
        return StoreReplaced(
            say("The database was replaced while it was in use"),
            say("Another file is now at {path}.", path=path),
            say("Nothing was written to either of them. The next run continues with the new one."),
        )
    return StoreReplaced(
        say("The database was moved or deleted while it was in use"),
        say("There is no file at {path}.", path=path),
        say("Put it back now if you need it. The next run makes a new one and fetches all tables again."),
    )


def changed(path: Path) -> StoreError:
    """Tables of ours are not as they were made."""
    return StoreError(
        say("The database was changed by another program"),
        say("Tables that TraySync keeps its state in are missing in {path}, or lack columns.", path=path),
        say("They are made anew when TraySync uses it next. Try again."),
    )
