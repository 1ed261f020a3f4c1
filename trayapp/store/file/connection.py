"""Opening the user's file: policy and migrations."""

import os
import time
from pathlib import Path
from urllib.parse import quote

import apsw

from trayapp.messages import Message, say
from trayapp.store.errors import StoreError, StoreTooNew, translated
from trayapp.store.file.bookkeeping_tables import fits, mend_tables, version_of
from trayapp.store.file.copying import back_up
from trayapp.store.file.damage import damage
from trayapp.store.file.migrations import MIGRATIONS
from trayapp.store.file.transactions import all_or_nothing

PATIENCE = 5.0
"""Seconds that a connection waits for another one's lock."""
_LONGEST_NAP = 0.05


def open_writer(path: Path) -> tuple[apsw.Connection, list[Message]]:
    """A connection that may write, the file created, migrated or mended as needed; what was mended. StoreErrors.

    WAL, so that readers never wait; synchronous FULL, with which in WAL mode all that was committed outlives a crash of
    program or system, and a power cut (https://sqlite.org/pragma.html#pragma_synchronous).
    """
    with translated(path):
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600)) if os.access(path.parent, os.W_OK) else None
        db = apsw.Connection(str(path))
        try:
            if db.readonly("main"):  # SQLite makes do with that
                raise apsw.ReadOnlyError
            be_patient(db)
            _use_wal(db)
            db.execute("PRAGMA synchronous = FULL; PRAGMA foreign_keys = OFF")
            # 32 MiB: keys in random order otherwise read and write the same pages again and again; more is felt.
            db.execute("PRAGMA cache_size = -32768; PRAGMA temp_store = MEMORY")
            told = migrate(db, path)
        except BaseException:
            db.close()
            raise
        return db, told


def _use_wal(db: apsw.Connection) -> None:
    """Switch to WAL, in a text of its own: others in it would wait until its row was fetched.

    Of several that switch at once, SQLite refuses some without a wait, as they would wait for each other.
    """
    until = time.monotonic() + PATIENCE
    while True:
        try:
            db.pragma("journal_mode", "wal")
            return
        except apsw.BusyError:
            if time.monotonic() >= until:
                raise
            time.sleep(_LONGEST_NAP / 5)


def open_reader(path: Path) -> apsw.Connection:
    """A connection that can't write, also of a file on a disk that is full or read-only. Raises StoreErrors."""
    with translated(path):
        try:
            return _opened_to_read(str(path), apsw.SQLITE_OPEN_READONLY)
        except (apsw.CantOpenError, apsw.ReadOnlyError, apsw.IOError):
            if not _is_at_rest(path):
                raise
        # A reader, too, wants a file of its own beside it, unless nobody can write (https://sqlite.org/wal.html#readonly).
        uri = f"file:{quote(str(path.absolute()))}?immutable=1"
        return _opened_to_read(uri, apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI)


def _opened_to_read(name: str, flags: int) -> apsw.Connection:
    db = apsw.Connection(name, flags=flags)
    try:
        be_patient(db)
        db.execute("PRAGMA query_only = ON")
        db.pragma("user_version")  # the first that needs the side files
    except BaseException:
        db.close()
        raise
    return db


def _is_at_rest(path: Path) -> bool:
    """Whether all of the database is in the file itself."""
    wal = path.with_name(path.name + "-wal")
    return path.is_file() and not (wal.exists() and wal.stat().st_size)


def is_current(path: Path) -> bool:
    """Whether the file can be read, and has the tables of this version."""
    try:
        db = open_reader(path)
    except StoreError:
        return False
    try:
        return bool(db.pragma("user_version") == len(MIGRATIONS))
    finally:
        db.close()


def be_patient(db: apsw.Connection, seconds: float | None = None) -> None:
    """Wait so many seconds for locks, else PATIENCE.

    Unlike while SQLite itself waits, signals are heard meanwhile, such as that of Ctrl-C.
    """
    patience = PATIENCE if seconds is None else seconds
    until = 0.0

    def again(tries: int) -> bool:
        nonlocal until
        now = time.monotonic()
        until = now + patience if tries == 0 else until
        if now >= until:
            return False
        time.sleep(min(_LONGEST_NAP, until - now, 0.001 * 2 ** min(tries, 10)))
        return True

    db.set_busy_handler(again)


def migrate(db: apsw.Connection, path: Path) -> list[Message]:
    """Bring the bookkeeping up to date, and mend what of it is gone or garbled; what was mended, for people.

    `path` is where the file is, or will be: its back-ups are beside it. StoreErrors.
    """
    version = db.pragma("user_version")
    if version > len(MIGRATIONS):
        raise StoreTooNew(
            say("The database is newer than this program"),
            say("{path} was written by a newer version of TraySync.", path=path),
            say("Install the newest version. If you never had a newer one, run: traysync doctor --repair"),
        )
    told: list[Message] = []
    with all_or_nothing(db, writing=version < len(MIGRATIONS)):
        version = db.pragma("user_version")  # another process may have migrated it in the meantime, here and below
        if version < len(MIGRATIONS):
            found = version_of(db)
            if found > version or version < 0:
                told.append(say("The database had lost its version number, which was found out again."))
                version = found
                db.pragma("user_version", version)
        told += mend_tables(db, version, path)
    if version == len(MIGRATIONS):
        return told
    if version > 0:
        back_up(db, path.with_name(f"{path.name}.before-{len(MIGRATIONS)}"))
    with all_or_nothing(db, writing=True):
        for script in MIGRATIONS[db.pragma("user_version") :]:
            db.execute(script)
        db.pragma("user_version", len(MIGRATIONS))
    return told


def check_restorable(path: Path) -> None:
    """See to it that the file is a sound database of this program, of this version or an older one. StoreErrors."""
    if not path.is_file():
        raise StoreError(
            say("There is no file {path}", path=path), say("Nothing was restored."), say("Choose another backup.")
        )
    if wrong := damage(path):
        raise StoreError(
            say("The backup is damaged"),
            say("{path}: {what}.", path=path, what=wrong),
            say("Choose another one. Nothing was changed."),
        )
    with translated(path):
        db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            version, found = db.pragma("user_version"), version_of(db)
        finally:
            db.close()
    if version > len(MIGRATIONS):
        raise StoreTooNew(
            say("The backup is newer than this program"),
            say("{path} was written by a newer version of TraySync.", path=path),
            say("Install the newest version, then restore it."),
        )
    if not found:
        raise StoreError(
            say("This is no backup of TraySync"),
            say("{path} has none of the tables that TraySync keeps its state in.", path=path),
            say("Choose another file. Nothing was changed."),
        )


def correct_version(path: Path) -> bool:
    """Write this version into a file that claims to be of a newer one, if its tables are of this; whether it is done.

    Raises StoreErrors.
    """
    with translated(path):
        db = apsw.Connection(str(path))
        try:
            if not fits(db):
                return False
            db.pragma("user_version", len(MIGRATIONS))
            return True
        finally:
            db.close()


def library_version() -> str:
    """The version of the SQLite library in use."""
    return f"{apsw.sqlite_lib_version()} (apsw {apsw.apsw_version()})"
