"""A person's own SQL beside the thread that waits for it: it may take for ever, and more memory than there is."""

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

import apsw

from trayapp.store.file.database import Store
from trayapp.store.reading.reader import SqlRow, run_query

MOST_MEMORY = 2**30
"""Bytes that SQLite may take for queries, on top of what it has when the first of them begins."""

_STEPS = 1000
"""SQLite's steps between two looks at whether to go on."""
_LOOK = 0.1
"""Seconds between two looks of who waits."""
_BATCH = 200
_WAITING = 2
"""Rows handed over at once, and how often before they are taken."""
_LONG = 10_000
"""A text or blob that is longer goes at once, that few are in memory at a time."""


class QueryStopped(Exception):
    """Whoever asked does not want to know any more."""


class _Head(NamedTuple):
    columns: tuple[str, ...]


class _End(NamedTuple):
    error: BaseException | None = None


@contextmanager
def queried(
    store: Store, sql: str, check: Callable[[], object] = lambda: None
) -> Iterator[tuple[tuple[str, ...], Iterator[SqlRow]]]:
    """Column names and rows of the person's SQL; errors as of `run_query`.

    check: called ten times a second, to raise what shall end the waiting. Whoever leaves the block does so at once:
    SQLite ends at its next step, and if a single one takes long (a function of a large value), it is not waited for.
    """
    asked = _Asked(store, sql, check)
    try:
        yield asked.columns(), asked.rows()
    finally:
        asked.stop()


@contextmanager
def stoppable(db: apsw.Connection, stopped: Callable[[], bool]) -> Iterator[None]:
    """Statements of our own in the block end with QueryStopped soon after `stopped` says so."""
    db.set_progress_handler(stopped, _STEPS)
    try:
        yield
    except apsw.InterruptError as error:
        raise QueryStopped from error
    finally:
        db.set_progress_handler(None)


class _Asked:
    def __init__(self, store: Store, sql: str, check: Callable[[], object]) -> None:
        self._store = store
        self._sql = sql
        self._check = check
        self._found: queue.Queue[_Head | list[SqlRow] | _End] = queue.Queue(_WAITING)
        self._is_stopped = False
        threading.Thread(target=self._work, name="query", daemon=True).start()

    def columns(self) -> tuple[str, ...]:
        """The names of the columns, when the first row is found."""
        head = self._next()
        assert isinstance(head, _Head)
        return head.columns

    def rows(self) -> Iterator[SqlRow]:
        """All rows, once."""
        while not isinstance(found := self._next(), _End):
            assert isinstance(found, list)
            yield from found

    def stop(self) -> None:
        """Have SQLite end."""
        self._is_stopped = True

    def _next(self) -> _Head | list[SqlRow] | _End:
        while True:
            self._check()
            try:
                found = self._found.get(timeout=_LOOK)
            except queue.Empty:
                continue
            if isinstance(found, _End) and found.error is not None:
                raise found.error
            return found

    # In the thread of its own

    def _work(self) -> None:
        try:
            with _memory(), self._store.reading() as db:
                db.set_progress_handler(lambda: self._is_stopped, _STEPS)
                columns, rows = run_query(db, self._sql)
                self._put(_Head(columns))
                for batch in _batches(rows):
                    self._put(batch)
            self._put(_End())
        except apsw.InterruptError:
            return  # nobody waits any more
        except BaseException as error:  # noqa: BLE001  it is raised again in the thread that waits
            with suppress(apsw.InterruptError):
                self._put(_End(error))

    def _put(self, found: _Head | list[SqlRow] | _End) -> None:
        while not self._is_stopped:
            try:
                self._found.put(found, timeout=_LOOK)
                return
            except queue.Full:
                continue
        raise apsw.InterruptError


def _batches(rows: Iterator[SqlRow]) -> Iterator[list[SqlRow]]:
    batch: list[SqlRow] = []
    for row in rows:
        batch.append(row)
        if len(batch) == _BATCH or any(isinstance(value, str | bytes) and len(value) > _LONG for value in row):
            yield batch
            batch = []
    if batch:
        yield batch


_lock = threading.Lock()
_going_on = 0


@contextmanager
def _memory() -> Iterator[None]:
    """No more than MOST_MEMORY for SQLite while any query goes on; it has such a limit for the whole process only."""
    global _going_on
    with _lock:
        _going_on += 1
        if _going_on == 1:
            apsw.hard_heap_limit(apsw.memory_used() + MOST_MEMORY)
    try:
        yield
    finally:
        with _lock:
            _going_on -= 1
            if _going_on == 0:
                apsw.hard_heap_limit(0)
