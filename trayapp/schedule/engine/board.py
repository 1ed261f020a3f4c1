"""Every endpoint where it belongs at this moment: waiting, blocked, held back, queued or running.

Whatever happens to an endpoint comes down to `_consider`, which asks `place` where it belongs and brings it there.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta, tzinfo

import msgspec

from trayapp.endpoints.model import Endpoint
from trayapp.messages import NOTHING, Message
from trayapp.schedule.conditions.constraints import questions
from trayapp.schedule.conditions.demand import Inquiry
from trayapp.schedule.conditions.machine import Conditions, Question
from trayapp.schedule.engine import work
from trayapp.schedule.engine.actions import Actions, Outbox, Start
from trayapp.schedule.engine.chains import Ending, skipped
from trayapp.schedule.engine.entry import Entry
from trayapp.schedule.engine.placement import (
    Asking,
    Blocked,
    Going,
    HeldBack,
    Place,
    Queued,
    Running,
    Stopping,
    Waiting,
    place,
    run_place,
)
from trayapp.schedule.engine.queue import LONG, RunQueue, Wish
from trayapp.schedule.engine.work import Stop
from trayapp.schedule.times.due import SPREAD, spread
from trayapp.store.bookkeeping.endpoint_states import EndpointRow
from trayapp.sync.cancel import REMOVED


class Board:
    """The endpoints, the queue and the runs, without what happens to them. Not thread-safe."""

    def __init__(self, zone: tzinfo, only: frozenset[str] | None) -> None:
        self.wakes: dict[str, datetime] = {}
        """When each endpoint wants to be woken: due, or to look at a constraint or a time limit again."""
        self.moved: set[str] = set()
        """Keys of `wakes` that changed since the owner emptied this."""
        self.changed: set[str] = set()
        """Ids whose status changed, or the planner's WHOLE, since the owner emptied this."""
        self._zone = zone
        self._only = only
        self._conditions = Conditions()
        self._entries: dict[str, Entry] = {}
        """By id, in the order of the settings."""
        self._due: dict[str, Entry] = {}
        """Those that are due but do not run."""
        self._running: dict[str, Running] = {}
        """Also of endpoints that were removed."""
        self._asking = Inquiry()
        self._queue = RunQueue()
        self._out = Outbox()

    def take(self, now: datetime) -> Actions:
        """What is to be done now; each thing is handed out once."""
        starts = []
        running = [each.item for each in self._running.values()]
        long = sum(each.long_from <= now for each in self._running.values())
        while (item := self._queue.take(running, long)) is not None:
            entry, endpoint = self._entries[item.id], self._entries[item.id].endpoint
            deadline = now + timedelta(seconds=endpoint.limits.run.seconds)
            self._running[item.id] = Running(item, endpoint, deadline, now + LONG)
            running.append(item)
            self._put(entry, work.start(entry.row, now))
            entry.recorded = entry.awaited = False
            entry.wish = None
            self._move(entry, None)
            self._consider(item.id, now)
            starts.append(Start(endpoint, item.wish or Wish()))
        return self._out.take(starts)

    def asks(self) -> tuple[frozenset[Question], bool] | None:
        """What the machine is to be asked from now on, and whether a run depends on it; None when that did not change.

        The answers come by `update_conditions`.
        """
        return self._asking.changed(self._running)

    @property
    def busy(self) -> bool:
        """Whether any run is in progress."""
        return bool(self._running)

    @property
    def pending(self) -> bool:
        """Whether a run is in progress, or will be without anything that has to change first."""
        return self.busy or any(not isinstance(entry.place, Blocked) for entry in self._due.values())

    @property
    def concerned(self) -> Mapping[str, Endpoint]:
        """The endpoints that run or are due, by id: those that the machine's conditions matter to."""
        running = {id: running.endpoint for id, running in self._running.items()}
        return running | {id: entry.endpoint for id, entry in self._due.items()}

    # Where endpoints belong

    def _consider(self, id: str, now: datetime) -> None:
        """Bring one endpoint to where it belongs at this moment: waiting, blocked, queued, or running still."""
        if id in self._running:
            self._consider_running(self._running[id], now)
            return
        entry = self._entries.get(id)
        if entry is None:
            self._leave(id)
            return
        if self._only is not None and id not in self._only and entry.wish is None:
            self._move(entry, None)
            self._leave(id)
            return
        asked_since = self._asking.since(id, now)
        where = place(
            entry.endpoint, entry.row, entry.wish, entry.held_back, self._conditions, now, self._zone, asked_since
        )
        self._move(entry, where)
        wished = entry.wish is not None
        depends = not isinstance(where, Waiting) and not (isinstance(where, Blocked) and not where.asks)
        self._asking.ask(id, questions(entry.endpoint, wished=wished) if depends else None, now)
        if isinstance(where, Waiting):
            self._wait(entry, where.until)
        elif isinstance(where, Blocked):
            self._queue.remove(id)
            self._block(entry, where.reason, now)
            if wished:
                self._refuse(entry, where.reason)
            self._wake(id, where.look_again)
        else:
            self._unblock(entry)
            self._wake(id, where.look_again if isinstance(where, Queued) else where.until)
            if isinstance(where, HeldBack | Asking):
                self._queue.remove(id)
            else:
                entry.held_back = None
                self._queue.add(where.item)

    def _leave(self, id: str) -> None:
        """Nothing is to be done about this endpoint."""
        self._queue.remove(id)
        self._asking.forget(id)
        self._wake(id, None)

    def _move(self, entry: Entry, where: Place | None) -> None:
        entry.place = where
        if where is None or isinstance(where, Waiting):
            self._due.pop(entry.id, None)
        else:
            self._due[entry.id] = entry

    def _blocked(self) -> Iterator[str]:
        return (id for id, entry in self._due.items() if isinstance(entry.place, Blocked))

    def _consider_running(self, running: Running, now: datetime) -> None:
        id = running.endpoint.id
        self._asking.ask(id, questions(running.endpoint, wished=running.item.expedited), now)
        where = None if running.stop is not None else run_place(running, self._conditions, now, self._zone)
        if isinstance(where, Stopping):
            self._cancel(id, where.stop)
            if where.wish is not None:  # and it was not removed, which stops a run first
                self._entries[id].wish = where.wish
        self._wake(id, where.look_again if isinstance(where, Going) else None)

    def _reconsider(self, now: datetime) -> None:
        """Look again at all whose place depends on conditions."""
        queued = (item.id for item in self._queue)
        for id in dict.fromkeys((*self._blocked(), *queued, *self._running, *self._asking)):
            self._consider(id, now)

    def _wait(self, entry: Entry, until: datetime | None) -> None:
        """Nothing is due: what was skipped and held back before is over."""
        self._queue.remove(entry.id)
        self._unblock(entry)
        entry.held_back = None
        entry.recorded = False
        self._asking.forget(entry.id)
        self._wake(entry.id, until)

    def _block(self, entry: Entry, reason: Message, now: datetime) -> None:
        """One skipped run is recorded for the whole time from falling due to starting, not one per reason or look."""
        entry.held_back = None
        if not entry.recorded:
            entry.recorded = True
            self._out.skip(entry.endpoint, reason, now)
        self._put(entry, msgspec.structs.replace(entry.row, blocked_by=reason))

    def _unblock(self, entry: Entry) -> None:
        if entry.row.blocked_by:
            self._put(entry, msgspec.structs.replace(entry.row, blocked_by=NOTHING))

    def _skip_children(self, endpoint: Endpoint, how: Ending, now: datetime) -> None:
        for child, reason in skipped(endpoint, how, self._entries):
            self._out.skip(child, reason, now)

    def _cancel(self, id: str, stop: Stop) -> None:
        running = self._running[id]
        if running.stop is None:
            self._out.cancels[id] = stop.reason
            self._wake(id, None)
        elif stop.then != "next time":  # only a person's word changes what follows a run that is being stopped
            return
        running.stop = stop

    def _refuse(self, entry: Entry, reason: Message) -> None:
        if entry.awaited:
            entry.awaited = False
            self._out.refuse(entry.id, reason)

    def _remove(self, entry: Entry) -> None:
        id = entry.id
        if id in self._running:
            self._cancel(id, Stop(REMOVED, "next time"))
        self._move(entry, None)
        self._leave(id)
        self._refuse(entry, REMOVED.words)
        self._out.rows.pop(id, None)
        self.changed.add(id)

    def _hold_back(self, ids: Iterable[str], until: datetime) -> None:
        """Let these overdue endpoints run from then on, spread over up to SPREAD: one second for each, if few."""
        ids = tuple(ids)
        over = min(SPREAD, timedelta(seconds=len(ids)))
        for id in ids:
            self._entries[id].held_back = until + spread(id, over)

    def _put(self, entry: Entry, row: EndpointRow) -> None:
        if entry.row != row:
            entry.row = row
            self._out.rows[row.id] = row
            self.changed.add(row.id)

    def _wake(self, key: str, at: datetime | None) -> None:
        if self.wakes.get(key) == at:
            return
        if at is None:
            self.wakes.pop(key, None)
        else:
            self.wakes[key] = at
        self.moved.add(key)
