"""How the scheduler's state gets into the user's file and back, without anybody waiting for the file."""

import logging
import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import msgspec

from trayapp.errors import problem_of
from trayapp.store.bookkeeping.endpoint_states import EndpointRow, load_states, save_state
from trayapp.store.bookkeeping.history import RunRow, recent_statuses, record_run
from trayapp.store.bookkeeping.pause import Pause, load_pause, save_pause
from trayapp.store.file.database import Store

log = logging.getLogger(__name__)


class Saved(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the scheduler must know from the time before its start; `recent` are statuses, oldest first."""

    states: Mapping[str, EndpointRow] = {}
    pause: Pause | None = None
    recent: Mapping[str, tuple[str, ...]] = {}


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be written at once: rows, runs for the history, and the pause if `pause_changed`."""

    rows: tuple[EndpointRow, ...] = ()
    runs: tuple[RunRow, ...] = ()
    pause: Pause | None = None
    pause_changed: bool = False


class StateStore(Protocol):
    """Where the state is kept. Both methods may take long and may raise anything."""

    def load(self) -> Saved:
        """Read everything."""

    def save(self, change: Change) -> None:
        """Write, all or nothing."""


class StoredStates:
    """The state in the user's file."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def load(self) -> Saved:
        """Read everything. Raises StoreErrors."""
        with self._store.reading() as db:
            states = load_states(db)
            return Saved(states=states, pause=load_pause(db), recent={id: recent_statuses(db, id) for id in states})

    def save(self, change: Change) -> None:
        """Write everything in one transaction. Raises StoreErrors."""
        with self._store.writing() as db:
            for row in change.rows:
                save_state(db, row)
            for run in change.runs:
                record_run(db, run)
            if change.pause_changed:
                save_pause(db, change.pause)


class Saver:
    """Writes changes in a thread of its own, the newest state of each endpoint only, until it has worked.

    The file may be locked by another program for minutes; the scheduler must not stand still for that.
    """

    RETRY = 10.0
    """Seconds between attempts to write after one failed."""

    def __init__(self, store: StateStore) -> None:
        self._store = store
        self._changed = threading.Condition()
        self._rows: dict[str, EndpointRow] = {}
        self._runs: list[RunRow] = []
        self._pause: tuple[Pause | None] | None = None
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="schedule saver", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def save(self, rows: Iterable[EndpointRow] = (), runs: Sequence[RunRow] = ()) -> None:
        """Have rows and lines of the history written. Returns at once."""
        with self._changed:
            self._rows.update((row.id, row) for row in rows)
            self._runs += runs
            self._changed.notify()

    def save_pause(self, pause: Pause | None) -> None:
        """Have the pause written. Returns at once."""
        with self._changed:
            self._pause = (pause,)
            self._changed.notify()

    def close(self, timeout: float | None = None) -> bool:
        """Try to write what is left, and end; False if that lasts longer than `timeout` seconds, None: however long."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def left(self) -> Change:
        """What it could not write before it was closed; that is the caller's from now on."""
        with self._changed:
            return self._take()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closing or self._pending())
                if not self._pending():
                    return
                change = self._take()
            try:
                self._store.save(change)
            except Exception as error:
                # Whatever went wrong with the file: the scheduler goes on, and the state is written as soon as it can.
                problem = problem_of(error)
                log.log(
                    logging.ERROR if problem.code == "bug" else logging.WARNING,
                    "The schedule could not be saved; next attempt in %g s. %s",
                    self.RETRY,
                    problem,
                    exc_info=problem.code == "bug",
                )
                with self._changed:
                    self._put_back(change)
                    if self._closing:
                        return
                    self._changed.wait_for(lambda: self._closing, self.RETRY)

    def _pending(self) -> bool:
        return bool(self._rows or self._runs or self._pause)

    def _take(self) -> Change:
        change = Change(
            rows=tuple(self._rows.values()),
            runs=tuple(self._runs),
            pause=self._pause[0] if self._pause else None,
            pause_changed=self._pause is not None,
        )
        self._rows, self._runs, self._pause = {}, [], None
        return change

    def _put_back(self, change: Change) -> None:
        self._rows = {row.id: row for row in change.rows} | self._rows
        self._runs = [*change.runs, *self._runs]
        if change.pause_changed and self._pause is None:
            self._pause = (change.pause,)
