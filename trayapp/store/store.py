"""The one object that owns the user's file: one writer at a time, readers whenever they like."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import apsw

from trayapp.store.connection import back_up, open_reader, open_writer, set_aside
from trayapp.store.errors import StoreCorrupt, StoreLocked, translated

LOCK_PATIENCE = 120.0
"""Seconds a writer waits for another program to let go of the file before it gives up."""


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


class Store:
    """The database at `path`. Thread-safe; `close` when done. `notices` are sentences for the user about the file."""

    def __init__(self, path: Path) -> None:
        """Open or create the file. A damaged one is set aside first. Raises StoreErrors."""
        self.path = path
        self.notices: list[str] = []
        self._lock = threading.RLock()
        self._db: apsw.Connection | None = None
        self._idle: list[apsw.Connection] = []  # at most one reader, for the next block that reads
        with self._lock:
            self._connection()

    def _connection(self) -> apsw.Connection:
        if self._db is None:
            try:
                self._db = open_writer(self.path)
            except StoreCorrupt:
                self.notices.append(set_aside(self.path))
                self._db = open_writer(self.path)
        return self._db

    @contextmanager
    def writing(self, waiter: Waiter | None = None) -> Iterator[apsw.Connection]:
        """One transaction: committed at the end, rolled back when an exception leaves the block.

        Waits up to LOCK_PATIENCE for other programs, then raises StoreLocked. Other StoreErrors as they come; after
        StoreCorrupt the file is set aside at the next use.
        """
        with self._lock:
            try:
                with translated(self.path):
                    db = self._connection()
                    self._begin(db, waiter or _Sleeper())
                    try:
                        yield db
                        db.execute("COMMIT")
                    except BaseException:
                        if db.in_transaction:
                            db.execute("ROLLBACK")
                        raise
            except StoreCorrupt:
                self._put_aside()
                raise

    def _begin(self, db: apsw.Connection, waiter: Waiter) -> None:
        until = time.monotonic() + LOCK_PATIENCE
        while True:
            try:
                with translated(self.path):
                    db.execute("BEGIN IMMEDIATE")
                return
            except StoreLocked:
                if time.monotonic() > until:
                    raise
                waiter.wait(0.2)

    def _put_aside(self) -> None:
        self.close()
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
        """Move the WAL into the file and truncate it; readers that are still in it only make it do less."""
        with self._lock, translated(self.path):
            if self._db is not None:
                try:
                    self._db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
                except apsw.BusyError:
                    return  # a reader is using it; the next run's checkpoint takes it

    def back_up(self, target: Path) -> None:
        """A consistent copy while everything goes on. Raises StoreErrors."""
        with self.reading() as db, translated(target):
            back_up(db, target)

    def close(self) -> None:
        """Let go of the file; a later use opens it again."""
        with self._lock:
            while self._idle:
                self._idle.pop().close()
            if self._db is not None:
                self._db.close()
                self._db = None
