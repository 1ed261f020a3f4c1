"""The one object that owns the user's file: one writer at a time, readers whenever they like."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

import apsw

from trayapp.messages import say
from trayapp.store.errors import StoreCorrupt, StoreError, StoreLocked, StoreTooNew, translated
from trayapp.store.file.connection import BUSY_TIMEOUT_MS, back_up, is_current, open_reader, open_writer, set_aside

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
    """The database at `path`. Thread-safe; `close` when done. `notices` are sentences for the user about the file."""

    def __init__(self, path: Path) -> None:
        """Open or create the file. A damaged one is set aside first.

        Where it can't be written, as on a full disk, it can still be read, and `writing` raises what is wrong; only
        where it can't be read either, StoreErrors.
        """
        self.path = path
        self.notices: list[str] = []
        self._lock = threading.RLock()
        self._db: apsw.Connection | None = None
        self._idle: list[apsw.Connection] = []  # at most one reader, for the next block that reads
        self._closings = 0
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
        if self._db is None:
            try:
                self._db = open_writer(self.path)
            except StoreCorrupt:
                self.notices.append(set_aside(self.path))
                self._db = open_writer(self.path)
        return self._db

    @contextmanager
    def writing(self, waiter: Waiter | None = None, patience: float | None = None) -> Iterator[apsw.Connection]:
        """One transaction: committed at the end, rolled back when an exception leaves the block.

        Waits for this program's other writers, and up to LOCK_PATIENCE for other programs; with `patience`, so many
        seconds for all. Then, or when the store is closed meanwhile, raises StoreLocked. Other StoreErrors as they
        come; after StoreCorrupt the file is set aside at the next use.
        """
        with self._turn(waiter or _Sleeper(), patience), translated(self.path):
            db = self._connection()
            try:
                yield db
                if db.in_transaction:
                    db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise

    @contextmanager
    def _turn(self, waiter: Waiter, patience: float | None) -> Iterator[None]:
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
                locked = self._begin()
                if locked is None:
                    yield
                    return
            except StoreCorrupt:
                self._put_aside()
                raise
            finally:
                self._lock.release()
            until = until or time.monotonic() + LOCK_PATIENCE
            if time.monotonic() > until or self._closings != closings:
                raise locked
            waiter.wait(_SLICE)

    def _begin(self) -> StoreLocked | None:
        """Begin a transaction; what is wrong when another program has the file."""
        db = self._connection()
        db.set_busy_timeout(round(_SLICE * 1000))
        try:
            with translated(self.path):
                db.execute("BEGIN IMMEDIATE")
        except StoreLocked as locked:
            return locked
        finally:
            db.set_busy_timeout(BUSY_TIMEOUT_MS)
        return None

    def _put_aside(self) -> None:
        self._let_go()
        self.notices.append(set_aside(self.path))

    @contextmanager
    def reading(self) -> Iterator[apsw.Connection]:
        """A read-only connection of its own, with one consistent view of the file for as long as the block lasts."""
        with translated(self.path):
            try:
                db = self._idle.pop()
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
                    self._idle.append(db)
                else:
                    db.close()

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
                self._idle.pop().close()

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
                if self._db is not None:
                    self._db.set_busy_timeout(round(_SLICE * 1000))
                self.checkpoint()
            finally:
                self._let_go()

    def _let_go(self) -> None:
        while self._idle:
            self._idle.pop().close()
        if self._db is not None:
            self._db.close()
            self._db = None
