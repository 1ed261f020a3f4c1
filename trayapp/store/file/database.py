"""The one object that owns the user's file: one writer at a time, readers whenever they like."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import apsw

from trayapp.messages import Message, say
from trayapp.store.errors import StoreCorrupt, StoreError, StoreLocked, StoreTooNew, changed, replaced, translated
from trayapp.store.file import last_written
from trayapp.store.file.backups import make_backup
from trayapp.store.file.bookkeeping_tables import DOUBT, mend_tables
from trayapp.store.file.connection import be_patient, is_current, open_reader, open_writer
from trayapp.store.file.copying import back_up
from trayapp.store.file.damage import damage
from trayapp.store.file.identity import FileId, OpenFile, file_id
from trayapp.store.file.migrations import MIGRATIONS

log = logging.getLogger(__name__)

LOCK_PATIENCE = 120.0
"""Seconds a writer waits for another program to let go of the file before it gives up."""


_SLICE = 0.1
"""Seconds that are waited for at once where somebody may end the wait: neither SQLite nor a lock can be interrupted."""


class Waiter(Protocol):
    """What a writer needs of a cancellation token: a sleep that a cancellation ends by an exception."""

    def wait(self, seconds: float) -> None:
        """Sleep that long, or raise."""


class _Sleeper:
    def wait(self, seconds: float) -> None:
        time.sleep(seconds)


def _has_ended(db: apsw.Connection) -> bool:
    """End a reader's transaction; False if it is of no use any more."""
    if db.authorizer is not None:  # a query's, which would forbid any other statement
        return False
    db.execute("ROLLBACK")
    return db.txn_state("main") == apsw.SQLITE_TXN_NONE


def commit(db: apsw.Connection) -> None:
    """Commit before the block of `writing` ends, as its last act on the file: where something must follow only then."""
    db.execute("COMMIT")


class Store:
    """The database at `path`. Thread-safe; `close` when done.

    What looks like damage is looked at again at the next use, and mended if it is. What was done then is in `notices`,
    for people, until somebody takes it.
    """

    def __init__(self, path: Path) -> None:
        """Open or create the file. A damaged one is mended first.

        Where it can't be written, as on a full disk, it can still be read, and `writing` raises what is wrong; only
        where it can't be read either, StoreErrors.
        """
        self.path = path
        self.notices: list[Message] = []
        self._lock = threading.RLock()
        self._db: apsw.Connection | None = None
        self._file: OpenFile | None = None  # that of the writer
        # At most one reader, for the next block that reads, with the file it has.
        self._idle: list[tuple[FileId | None, apsw.Connection]] = []
        self._closings = 0
        self._version: object = None
        self._is_strange = True
        """Whether somebody else may have written to the file since the last transaction, or nobody knows."""
        self._suspected = path.exists() and path.stat().st_size == 0
        with self._lock:
            try:
                self._connection()
            except (StoreTooNew, StoreLocked):
                raise
            except StoreError as error:
                if not is_current(path):
                    raise
                log.warning("the database can only be read: %s", error)

    def _connection(self) -> apsw.Connection:
        if self._suspected:
            self._mend()
        if self._db is None:
            self._is_strange = not last_written.is_ours(self.path)
            try:
                self._db, told = open_writer(self.path)
            except StoreCorrupt:
                self._mend()
                self._db, told = open_writer(self.path)
            self.notices += told
            self._version = self._db.pragma("data_version")
            self._file = OpenFile.of(self.path)
        return self._db

    def _mend(self) -> None:
        from trayapp.store.file.mending import mend  # only now: hardly anybody needs it

        if self._db is not None and self._db.in_transaction:
            return  # it is not over yet
        self._let_go()
        self.notices += mend(self.path)
        self._suspected = False

    def suspect(self) -> None:
        """Something of the file could not be read: it is looked at, and mended if need be, at the next use."""
        self._suspected = True

    def take_notices(self) -> list[Message]:
        """What people should know of the file since this was last asked. Waits for nobody."""
        told = []
        while self.notices:
            told.append(self.notices.pop(0))
        return told

    def look(self) -> None:
        """Look for damage, which takes as long as to read the file, and mend it. Raises StoreErrors."""
        if damage(self.path):
            self.suspect()
            with self._lock:
                self._connection()

    def restore(self, backup: Path) -> Path | None:
        """Put a checked backup in the file's place, as `mending.restore`; runs that go on are told StoreReplaced."""
        from trayapp.store.file.mending import restore

        with self._lock:
            self._let_go()
            return restore(self.path, backup, datetime.now(UTC))

    def keep_backup(self, keep: int, now: datetime) -> Path | None:
        """Make a daily back-up, as `backups.make_backup`, while everything goes on. Raises StoreErrors."""
        self.checkpoint()
        with self.reading() as db:
            return make_backup(self.path, db, keep, now)

    def file_id(self) -> FileId | None:
        """The file that has the path now: who wants to write what follows from what it read compares it.

        One that seems damaged is looked at first. Raises StoreErrors.
        """
        if self._suspected:
            with self._lock:
                self._connection()
        return file_id(self.path)

    def _take_over(self) -> None:
        """Before a reader opens a file, let go of one that had its name: its WAL would be taken for the new one's.

        Where there is none, although that was told, make one.
        """
        file = self._file
        if (file is None or file.is_there) and (self._db is not None or self.file_id() is not None):
            return
        with self._lock:
            if self._db is not None and self._file is file and file is not None:
                self._abandon()
            elif self._db is None:
                self._connection()

    def _check_file(self, wanted: FileId | None = None) -> None:
        """StoreReplaced where the writer's file has lost its name, or is not the one that is wanted."""
        if self._db is not None and self._file is not None and not self._file.is_there:
            self._abandon()
            raise replaced(self.path)
        if wanted is not None and self._file is not None and self._file.id != wanted:
            raise replaced(self.path)

    def _abandon(self) -> None:
        assert self._db is not None
        assert self._file is not None
        log.warning("%s was moved, deleted or replaced while it was in use", self.path)
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")
        while self._idle:
            self._idle.pop()[1].close()
        self._file.abandon(self._db)
        self._db = self._file = None

    @contextmanager
    def writing(
        self, waiter: Waiter | None = None, patience: float | None = None, file: FileId | None = None
    ) -> Iterator[apsw.Connection]:
        """One transaction: committed at the end, rolled back when an exception leaves the block.

        StoreReplaced where the path's file became another one meanwhile, or is not the one that `file_id` told before
        as `file`. A later use takes over the new one.

        Waits for this program's other writers, and up to LOCK_PATIENCE for other programs; with `patience`, so many
        seconds for all. Then, or when the store is closed meanwhile, raises StoreLocked. Other StoreErrors as they
        come; after StoreCorrupt the file is looked at at the next use.
        """
        with self._turn(waiter or _Sleeper(), patience) as db, translated(self.path):
            try:
                self._check_file(file)
                self._doubt(db)
                yield db
                if db.in_transaction:
                    self._check_file()
                    db.execute("COMMIT")
            except BaseException:
                if self._db is db and db.in_transaction:
                    db.execute("ROLLBACK")
                raise

    @contextmanager
    def _turn(self, waiter: Waiter, patience: float | None) -> Iterator[apsw.Connection]:
        """The lock, with a transaction begun. It is not held while another program is waited for."""
        closings = self._closings
        until = None if patience is None else time.monotonic() + patience
        while True:
            while not self._lock.acquire(timeout=_SLICE):
                waiter.wait(0)
                if until is not None and time.monotonic() > until:
                    raise StoreLocked(
                        say("The database is in use"), say("TraySync is writing to it."), say("Wait until it is done.")
                    )
            try:
                self._leave_behind()
                db = self._connection()
                locked = self._begin(db)
                if locked is None:
                    yield db
                    return
            except StoreCorrupt:
                self.suspect()
                raise
            finally:
                self._lock.release()
            until = until or time.monotonic() + LOCK_PATIENCE
            if time.monotonic() > until or self._closings != closings:
                raise locked
            waiter.wait(_SLICE)

    def _doubt(self, db: apsw.Connection) -> None:
        """In a transaction: have all tables be looked at if another connection has written since the last one."""
        version = db.pragma("data_version")
        if self._is_strange or version != self._version:
            self.notices += mend_tables(db, len(MIGRATIONS), self.path)
            db.execute(DOUBT)
            self._is_strange, self._version = False, version

    def _leave_behind(self) -> None:
        """Let go of a file that has lost its name. StoreReplaced where none has it now, before a new one is made."""
        if self._db is not None and self._file is not None and not self._file.is_there:
            is_gone = self.file_id() is None
            self._abandon()
            if is_gone:
                raise replaced(self.path)

    def _begin(self, db: apsw.Connection) -> StoreLocked | None:
        """Begin a transaction; what is wrong when another program has the file."""
        be_patient(db, _SLICE)
        try:
            with translated(self.path):
                db.execute("BEGIN IMMEDIATE")
        except StoreLocked as locked:
            return locked
        finally:
            be_patient(db)
        return None

    @contextmanager
    def reading(self) -> Iterator[apsw.Connection]:
        """A read-only connection of its own, with one consistent view of the file for as long as the block lasts.

        Raises StoreErrors; after StoreCorrupt the file is looked at at the next use.
        """
        with self._noticing(), translated(self.path):
            self._take_over()
            here = self.file_id()
            try:
                of, db = self._idle.pop()
                if of != here:
                    db.close()
                    db = open_reader(self.path)
            except IndexError:
                db = open_reader(self.path)
            is_free = False
            try:
                db.execute("BEGIN")
                yield db
                is_free = _has_ended(db)
            finally:
                # One is kept: opening one, and reading the schema, costs more than most blocks do.
                if is_free and not self._idle:
                    self._idle.append((here, db))
                else:
                    db.close()

    @contextmanager
    def _noticing(self) -> Iterator[None]:
        try:
            yield
        except StoreCorrupt:
            self.suspect()
            raise
        except apsw.SQLError as error:
            if not str(error).startswith(("no such table: _sync_", "no such column")):
                raise
            self.suspect()  # to open it anew mends tables of ours that are gone
            raise changed(self.path) from error

    def checkpoint(self) -> None:
        """Move the WAL into the file and truncate it; readers that are still in it only make it do less.

        Where that can't be done, all that was committed stays in the WAL, and the next one moves it.
        """
        with self._lock:
            if self._db is None:
                return
            try:
                with translated(self.path):
                    self._db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
            except StoreLocked:
                return
            except StoreError as error:
                log.warning("the WAL could not be moved into the file: %s", error)

    def shrink(self) -> None:
        """Forget the pages of the file that are held in memory, which may be tens of MiB: for when work is over."""
        with self._lock:
            if self._db is not None:
                self._db.release_memory()
            with suppress(IndexError):  # somebody may be reading
                self._idle.pop()[1].close()

    def back_up(self, target: Path) -> None:
        """A consistent copy while everything goes on. Raises StoreErrors."""
        with self.reading() as db, translated(target):
            back_up(db, target)

    def close(self) -> None:
        """Let go of the file, its WAL moved into it if that takes no waiting; a later use opens it again.

        Writers that wait for another program are told StoreLocked.
        """
        self._closings += 1
        with self._lock:
            try:
                with suppress(OSError):  # it can't be found out, and is closed as it is
                    if self._db is not None and self._file is not None and not self._file.is_there:
                        self._abandon()
                if self._db is not None:
                    be_patient(self._db, _SLICE)
                self.checkpoint()
            finally:
                self._let_go()

    def _let_go(self) -> None:
        while self._idle:
            self._idle.pop()[1].close()
        if self._db is not None:
            with suppress(apsw.Error):
                self._is_strange = self._is_strange or self._db.pragma("data_version") != self._version
            self._db.close()
            self._db = self._file = None
            if not self._is_strange:
                last_written.note(self.path)
