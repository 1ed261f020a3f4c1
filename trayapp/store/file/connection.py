"""Opening the user's file: policy, migrations, back-ups, and what happens to a damaged one."""

import os
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import apsw

from trayapp.messages import say
from trayapp.store.errors import StoreCorrupt, StoreError, StoreTooNew, translated
from trayapp.store.file.migrations import MIGRATIONS

BUSY_TIMEOUT_MS = 5000


def open_writer(path: Path) -> apsw.Connection:
    """A connection that may write, the file created or migrated as needed. Raises StoreErrors.

    WAL, so that readers never wait; synchronous NORMAL, which in WAL mode keeps the file consistent through a crash
    of program or system (https://sqlite.org/pragma.html#pragma_synchronous).
    """
    with translated(path):
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600)) if os.access(path.parent, os.W_OK) else None
        db = apsw.Connection(str(path))
        try:
            if db.readonly("main"):  # SQLite makes do with that
                raise apsw.ReadOnlyError
            db.set_busy_timeout(BUSY_TIMEOUT_MS)
            db.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = OFF")
            # 32 MiB: keys in random order otherwise read and write the same pages again and again; more is felt.
            db.execute("PRAGMA cache_size = -32768; PRAGMA temp_store = MEMORY")
            _migrate(db, path)
        except BaseException:
            db.close()
            raise
        return db


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
        db.set_busy_timeout(BUSY_TIMEOUT_MS)
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


def _migrate(db: apsw.Connection, path: Path) -> None:
    version = db.pragma("user_version")
    if version > len(MIGRATIONS):
        raise StoreTooNew(
            say("The database is newer than this program"),
            say("{path} was written by a newer version of TraySync.", path=path),
            say("Install the newest version, or choose another folder with --home."),
        )
    if version == len(MIGRATIONS):
        return
    if version > 0:
        back_up(db, path.with_name(f"{path.name}.before-{len(MIGRATIONS)}"))
    with db:  # a savepoint: all or nothing
        for script in MIGRATIONS[version:]:
            db.execute(script)
        db.pragma("user_version", len(MIGRATIONS))


def back_up(db: apsw.Connection, target: Path) -> None:
    """A consistent copy of the database by SQLite's backup API; an existing target is replaced at the end only."""
    partial = target.with_name(target.name + ".partial")
    partial.unlink(missing_ok=True)
    os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    try:
        copy = apsw.Connection(str(partial))
        try:
            with copy.backup("main", db, "main") as backup:
                while not backup.done:
                    backup.step(1000)
            # A copy in WAL mode would need its side files beside it.
            copy.pragma("journal_mode", "delete")
        finally:
            copy.close()
        os.replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)


def is_sound(path: Path) -> bool:
    """Whether the file is a database that passes SQLite's quick check."""
    if not path.exists():
        return False
    try:
        with translated(path):
            db = apsw.Connection(str(path))
            try:
                return bool(db.execute("PRAGMA quick_check(1)").get == "ok")
            finally:
                db.close()
    except StoreCorrupt:
        return False


def set_aside(path: Path, now: datetime | None = None) -> str:
    """Move a damaged file and its side files out of the way and put the newest sound back-up in its place.

    Returns in one sentence what was done.
    """
    stamp = (now or datetime.now(UTC)).strftime("%Y%m%dT%H%M%S")
    aside = path.with_name(f"{path.name}.damaged-{stamp}")
    for suffix in ("-wal", "-shm", ""):
        source = path.with_name(path.name + suffix)
        if source.exists():
            os.replace(source, aside.with_name(aside.name + suffix))
    copies = sorted(path.parent.glob(f"{path.name}.b*"), key=lambda copy: copy.stat().st_mtime, reverse=True)
    for copy in copies:
        if is_sound(copy):
            path.write_bytes(copy.read_bytes())
            path.chmod(0o600)
            return f"The damaged database was set aside as {aside.name} and restored from {copy.name}."
    return f"The damaged database was set aside as {aside.name}; its tables are fetched anew."


def library_version() -> str:
    """The version of the SQLite library in use."""
    return f"{apsw.sqlite_lib_version()} (apsw {apsw.apsw_version()})"
