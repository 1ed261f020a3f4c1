"""SQLite's errors in words, told apart by what a person can do about them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

from trayapp.errors import UserError
from trayapp.messages import say


class StoreError(UserError):
    """The database can't be used as asked."""


class StoreLocked(StoreError):
    """Another program holds the database; later it may be free."""

    code = "locked"


class StoreFull(StoreError):
    """No room left on the disk; later there may be."""


class StoreCorrupt(StoreError):
    """The file is damaged or no SQLite database."""


class StoreNotWritable(StoreError):
    """The file or its folder may not be written."""


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
        raise StoreFull(
            say("The disk is full"),
            say("There is no space left to write {path}.", path=path),
            say("Free some space. The table is unchanged."),
        ) from error
    except (apsw.CorruptError, apsw.NotADBError) as error:
        raise StoreCorrupt(
            say("The database is damaged"),
            say("{path} can't be read as an SQLite database.", path=path),
            say("It will be set aside and rebuilt at the next start, and its tables fetched again."),
        ) from error
    except (apsw.ReadOnlyError, apsw.CantOpenError, apsw.PermissionsError) as error:
        raise StoreNotWritable(
            say("The database can't be written"),
            say("{path} or its folder is not writable.", path=path),
            say("Make both writable, or choose another folder with --home."),
        ) from error
    except apsw.IOError as error:
        raise StoreError(
            say("The database can't be read or written"),
            say("The disk reported an error at {path}.", path=path),
            say("Check the disk."),
        ) from error
