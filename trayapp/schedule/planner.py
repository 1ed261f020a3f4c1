"""The scheduler without threads: told what happened, it answers what is to be done.

It holds the state; what follows from it is decided by pure functions: `place` (where an endpoint belongs), `work` (how
its row goes on), `chains` (who runs after whom), `shown` (how it looks).

The owner calls one method per event, each with the present time, and then `take`, which hands over the runs to start
and stop, the rows to save and the skipped runs to record; `wakes` holds when each endpoint wants `wake` to be called.
"""

import logging
import random
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, tzinfo
from typing import Any

import msgspec

from trayapp.endpoints.model import Endpoint, General, Settings
from trayapp.schedule import shown, work
from trayapp.schedule.actions import Actions, IfRunning, Outbox, Start
from trayapp.schedule.chains import OUTCOMES, children_of, skipped
from trayapp.schedule.conditions import Conditions, Question
from trayapp.schedule.constraints import questions, with_general
from trayapp.schedule.due import SPREAD, spread
from trayapp.schedule.inquiry import Inquiry
from trayapp.schedule.place import (
    Asking,
    Blocked,
    Going,
    HeldBack,
    Queued,
    Running,
    Stopping,
    Waiting,
    place,
    run_place,
)
from trayapp.schedule.queue import RunQueue, Wish, both
from trayapp.schedule.rows import prepared
from trayapp.schedule.snapshot import EndpointStatus
from trayapp.schedule.work import Stop
from trayapp.store.pause import Pause
from trayapp.store.state import EndpointRow
from trayapp.sync.report import Progress, Report

log = logging.getLogger(__name__)

SETTLE = timedelta(seconds=5)
"""How long a network is left alone after it came up: it says it is there before names can be looked up."""
PAUSE = ""
"""The key in `wakes` of the end of a pause; no endpoint has an empty id."""
WHOLE = ""
"""The id in `changed` that stands for the pause and the network."""
_RECENT = 12
_REMOVED = "the endpoint was removed"


class Planner:
    """Every endpoint's state, the queue, the pause and the machine's conditions. Not thread-safe."""

    def __init__(
        self,
        states: Mapping[str, EndpointRow],
        pause: Pause | None,
        recent: Mapping[str, tuple[str, ...]],
        zone: tzinfo,
        chance: work.Chance = random.random,
    ) -> None:
        self.wakes: dict[str, datetime] = {}
        """When each endpoint wants to be woken: due, or to look at a constraint or a time limit again."""
        self.moved: set[str] = set()
        """Keys of `wakes` that changed since the owner emptied this."""
        self.changed: set[str] = set()
        """Ids whose status changed, or WHOLE, since the owner emptied this."""
        self.pause_in_force = pause
        self._states = dict(states)
        self._recent = dict(recent)
        self._zone = zone
        self._chance = chance
        self._endpoints: dict[str, Endpoint] = {}
        self._children: dict[str, list[str]] = {}
        self._rows: dict[str, EndpointRow] = {}
        self._conditions = self._found = Conditions()
        self._general = General()
        self._asking = Inquiry()
        self._queue = RunQueue()
        self._running: dict[str, Running] = {}
        self._blocked: set[str] = set()
        self._recorded: set[str] = set()
        self._held_back: dict[str, datetime] = {}
        self._out = Outbox()
        self._unreached: set[str] = set()
        """Endpoints whose last run failed for want of a connection."""
        self._wishes: dict[str, Wish] = {}
        """Runs the user asked for that have not started, by id."""
        self._awaited: set[str] = set()
        """Those of them that were neither started nor refused: whoever asked waits for an answer."""
        self._set_pause(pause)

    # Events

    def apply_settings(self, settings: Settings, now: datetime) -> None:
        """These endpoints from now on; a run of a changed one ends on its old settings, of a removed one is stopped."""
        new = {endpoint.id: endpoint for endpoint in settings.endpoint}
        for id in self._endpoints.keys() - new.keys():
            self._remove(id)
        fresh = tuple(endpoint for endpoint in settings.endpoint if endpoint.id not in self._rows)
        for id, row in prepared(Settings(endpoint=fresh), self._states, now, self._zone).items():
            if row != self._states.pop(id, None):
                self._out.rows[id] = row
            self._rows[id] = row
            if row.blocked_by:
                self._recorded.add(id)
        changed = [id for id, endpoint in new.items() if self._endpoints.get(id) != endpoint]
        for id in changed:
            if id in self._endpoints:
                self._put(work.update_spec(self._rows[id], new[id], now, self._zone))
        self._endpoints = new
        self._children = children_of(settings)
        if settings.general != self._general:
            self._general = settings.general
            self.set_conditions(self._found, now)
        self.changed.update(changed)
        overdue = [endpoint.id for endpoint in fresh if self._is_due(endpoint.id, now)]
        self._hold_back(overdue, now + SETTLE)
        for id in changed:
            self._consider(id, now)

    def program_started(self, now: datetime) -> None:
        """The program has just started, with its settings applied: whoever wants that runs, once, spread out."""
        wanting = [id for id, each in self._endpoints.items() if each.at_start and each.enabled]
        self._hold_back(wanting, now + SETTLE)
        for id in wanting:
            self._put(work.trigger(self._rows[id], now))
            self._consider(id, now)

    def files_seen(self, stamps: Mapping[str, str], now: datetime) -> None:
        """Watched files were looked at: what tells their versions apart by path, "" for those that are not there."""
        for id, endpoint in self._endpoints.items():
            if endpoint.watch in stamps:
                self._put(work.file_seen(self._rows[id], endpoint.watch, stamps[endpoint.watch], now))
                self._consider(id, now)

    def set_conditions(self, conditions: Conditions, now: datetime) -> None:
        """The machine's conditions changed; the pause in it is ignored, the planner keeps that itself."""
        before = self.online
        self._found = conditions
        self._conditions = msgspec.structs.replace(
            with_general(conditions, self._general),
            paused=self._conditions.paused,
            paused_until=self._conditions.paused_until,
        )
        if self.online != before:
            self.changed.add(WHOLE)
        if self.online and not before:
            unreached = [id for id in self._unreached if id not in self._running]
            self._hold_back({*self._blocked, *unreached}, now + SETTLE)
            for id in unreached:
                self._put(work.reconnected(self._rows[id], now))
                self._consider(id, now)
            self._unreached.clear()
        self._reconsider(now)

    def update_conditions(self, changed: Mapping[str, Any], now: datetime) -> None:
        """These of the machine's conditions are otherwise now."""
        self.set_conditions(msgspec.structs.replace(self._found, **changed), now)

    def set_zone(self, zone: tzinfo, now: datetime) -> None:
        """The machine moved to another time zone: times of day mean other moments."""
        self._zone = zone
        for id, endpoint in self._endpoints.items():
            self._put(work.refresh(self._rows[id], endpoint, now, zone))
            self._consider(id, now)

    def sync_now(
        self,
        ids: Iterable[str],
        full: bool,
        now: datetime,
        if_running: IfRunning = "keep",
        apply_held: bool = False,
    ) -> frozenset[str]:
        """Run these before all others (all enabled ones if none is named), whatever soft constraint or pause there is.

        full: compare every record; apply_held: delete what was held back. The answer: those that run at present and
        will run once more. A present run that is being stopped, or that does not do what is wished, is never taken for
        the one that was asked for. Unknown endpoints are left alone. One that a hard constraint holds back is refused,
        and starts as soon as it can.
        """
        wish = Wish(full, apply_held)
        wanted = tuple(ids) or tuple(id for id, endpoint in self._endpoints.items() if endpoint.enabled)
        again = set()
        for id in wanted:
            running = self._running.get(id)
            if id not in self._endpoints:
                continue
            if running is not None:
                serves = running.stop is None and (running.item.wish or Wish()).covers(wish)
                if if_running == "keep" and serves:
                    continue
                again.add(id)
                if if_running == "replace":
                    self._cancel(id, Stop("replaced by a new run", "again"))
            self._put(msgspec.structs.replace(self._rows[id], next_override=now))
            self._wishes[id] = both(wish, self._wishes.get(id)) or wish
            self._awaited.add(id)
            if running is None:
                self._held_back.pop(id, None)
                self._consider(id, now)
        return frozenset(again)

    def restart(self, id: str, now: datetime) -> None:
        """Begin anew with the settings as they are: the present run is stopped, what failed before is forgotten, and
        the endpoint runs as soon as it may."""
        if id in self._endpoints:
            if id in self._running:
                self._cancel(id, Stop("the settings changed", "again"))
            self._put(work.restart(self._rows[id], now))
            self._consider(id, now)

    def stop(self, id: str, reason: str, now: datetime) -> bool:
        """Stop the endpoint's run and take it off the queue; whether there was one. It runs again at its next regular
        time."""
        wished = self._wishes.pop(id, None) is not None
        self._refuse(id, reason)
        if id in self._running:
            self._cancel(id, Stop(reason, "next time"))
            return True
        if wished or id in self._queue:
            self._queue.remove(id)
            self._put(work.skip(self._rows[id], self._endpoints[id], reason, now, self._zone))
            self._skip_children(self._endpoints[id], OUTCOMES["stopped"], now)
            self._consider(id, now)
            return True
        return False

    def pause(self, until: datetime | None, now: datetime) -> None:
        """Start no scheduled run before `until`, or before `resume` when None. Running runs go on."""
        self._set_pause(Pause(until))
        self._reconsider(now)

    def resume(self, now: datetime) -> None:
        """End the pause; what fell due in it runs once, spread out."""
        self._set_pause(None)
        self._hold_back(self._blocked, now)
        self._reconsider(now)

    def woke_up(self, now: datetime, asleep: timedelta) -> None:
        """The machine slept that long, or the clock was set forward: let the network settle, then catch up once."""
        self._found = msgspec.structs.replace(self._found, answers={})
        self._conditions = msgspec.structs.replace(self._conditions, answers={})
        self._asking.anew(now)
        for running in self._running.values():
            running.deadline += asleep
        overdue = [id for id in self._endpoints if id not in self._running and self._is_due(id, now)]
        for id in overdue:
            if id not in self._wishes:
                self._queue.remove(id)
        self._hold_back(overdue, now + SETTLE)
        for id in self._endpoints:
            self._consider(id, now)

    def clock_set_back(self, by: timedelta, now: datetime) -> None:
        """The wall clock was set back: nothing waits longer for it."""
        for running in self._running.values():
            running.deadline -= by
        self._held_back = {id: until - by for id, until in self._held_back.items()}
        for id, endpoint in self._endpoints.items():
            self._put(work.clock_set_back(self._rows[id], endpoint, by, now, self._zone))
            self._consider(id, now)

    def wake(self, keys: Iterable[str], now: datetime) -> None:
        """The time asked for in `wakes` has come for these keys."""
        for key in keys:
            self.wakes.pop(key, None)
            if key == PAUSE:
                self._wake_from_pause(now)
            else:
                self._consider(key, now)

    def check_all(self, now: datetime) -> None:
        """Look at every endpoint anew, each for itself: after an error, the others must go on."""
        for id in tuple(self._endpoints):
            try:
                self._consider(id, now)
            except Exception:
                log.exception("The endpoint %s cannot be scheduled", id)
        self._wake_from_pause(now)
        self.moved.update(self._endpoints, (PAUSE,))

    def finished(self, id: str, report: Report, now: datetime) -> Report:
        """A started run ended; the answer is its report with the next due time filled in."""
        running = self._running.pop(id)
        self._out.cancels.pop(id, None)  # it ended by itself, just before
        endpoint = self._endpoints.get(id)
        self.changed.add(id)
        if endpoint is None:
            self._asking.forget(id)
            return report
        self._put(work.after_run(self._rows[id], endpoint, report, now, self._zone, self._chance, running.stop))
        self._recent[id] = (*self._recent.get(id, ()), report.status)[-_RECENT:]
        if report.failure == "network":
            self._unreached.add(id)
        else:
            self._unreached.discard(id)
        self._consider(id, now)
        if report.status == "succeeded":
            for child in self._children.get(id, ()):
                self._put(work.parent_succeeded(self._rows[child], self._endpoints[child], id, now))
                self._consider(child, now)
        elif not work.backing_off(self._rows[id]) and self._rows[id].next_override is None:
            self._skip_children(endpoint, OUTCOMES[report.status], now)
        return msgspec.structs.replace(report, next_due=work.due_at(self._rows[id]))

    def note(self, report: Report) -> None:
        """A run was made outside of the scheduler, such as applying held deletes: its result shows, no time changes."""
        row = self._rows.get(report.endpoint)
        if row is not None:
            rows = row.rows if report.rows is None else report.rows
            self._put(msgspec.structs.replace(row, held=report.held, rows=rows, sentence=report.sentence))

    def cancel_all(self, reason: str) -> None:
        """Stop every run to make way; all are due again. Nothing starts any more: the queue is emptied."""
        for item in tuple(self._queue):
            self._queue.remove(item.id)
        self._wishes.clear()
        for id in self._running:
            self._cancel(id, Stop(reason, "again"))

    # Answers

    def take(self, now: datetime) -> Actions:
        """What is to be done now; each thing is handed out once."""
        starts = []
        running = [each.item for each in self._running.values()]
        while (item := self._queue.take(running)) is not None:
            endpoint = self._endpoints[item.id]
            deadline = now + timedelta(seconds=endpoint.limits.run.seconds)
            self._running[item.id] = Running(item, endpoint, deadline)
            running.append(item)
            self._put(work.start(self._rows[item.id], now))
            self._recorded.discard(item.id)
            self._wishes.pop(item.id, None)
            self._awaited.discard(item.id)
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
    def endpoints(self) -> Mapping[str, Endpoint]:
        """The endpoints by id, in the order of the settings."""
        return self._endpoints

    @property
    def conditions(self) -> Conditions:
        """What is known of the machine, as the settings have it, and the pause."""
        return self._conditions

    @property
    def online(self) -> bool:
        """Whether there is a network as far as is known."""
        return self._conditions.online is not False

    def status(self, id: str, progress: Progress | None) -> EndpointStatus:
        """How the endpoint is shown; `progress` is that of its present run."""
        return shown.status(
            self._endpoints[id],
            self._rows[id],
            self._endpoints,
            running=id in self._running,
            held_back=self._held_back.get(id),
            progress=progress,
            recent=self._recent.get(id, ()),
        )

    # What all events come down to

    def _consider(self, id: str, now: datetime) -> None:
        """Bring one endpoint to where it belongs at this moment: waiting, blocked, queued, or running still."""
        endpoint = self._endpoints.get(id)
        if id in self._running:
            self._consider_running(self._running[id], now)
            return
        if endpoint is None:
            self._asking.forget(id)
            self._wake(id, None)
            return
        wish = self._wishes.get(id)
        where = place(
            endpoint,
            self._rows[id],
            wish,
            self._held_back.get(id),
            self._conditions,
            now,
            self._zone,
            self._asking.since(id, now),
        )
        depends = not isinstance(where, Waiting) and not (isinstance(where, Blocked) and not where.asks)
        self._asking.ask(id, questions(endpoint, wished=wish is not None) if depends else None, now)
        if isinstance(where, Waiting):
            self._wait(id, where.until)
        elif isinstance(where, Blocked):
            self._queue.remove(id)
            self._block(endpoint, where.reason, now)
            if wish is not None:
                self._refuse(id, where.reason)
            self._wake(id, where.look_again)
        else:
            self._unblock(id)
            self._wake(id, where.look_again if isinstance(where, Queued) else where.until)
            if isinstance(where, HeldBack | Asking):
                self._queue.remove(id)
            else:
                self._held_back.pop(id, None)
                self._queue.add(where.item)

    def _wake_from_pause(self, now: datetime) -> None:
        until = None if self.pause_in_force is None else self.pause_in_force.until
        if until is not None and until <= now:
            self.resume(now)
        else:
            self._wake(PAUSE, until)

    def _consider_running(self, running: Running, now: datetime) -> None:
        id = running.endpoint.id
        self._asking.ask(id, questions(running.endpoint, wished=running.item.expedited), now)
        where = None if running.stop is not None else run_place(running, self._conditions, now, self._zone)
        if isinstance(where, Stopping):
            self._cancel(id, where.stop)
            if where.wish is not None and id in self._endpoints:
                self._wishes[id] = where.wish
        self._wake(id, where.look_again if isinstance(where, Going) else None)

    def _reconsider(self, now: datetime) -> None:
        """Look again at all whose place depends on conditions."""
        for id in dict.fromkeys((*self._blocked, *(item.id for item in self._queue), *self._running, *self._asking)):
            self._consider(id, now)

    def _wait(self, id: str, until: datetime | None) -> None:
        """Nothing is due: what was skipped and held back before is over."""
        self._queue.remove(id)
        self._unblock(id)
        self._held_back.pop(id, None)
        self._recorded.discard(id)
        self._asking.forget(id)
        self._wake(id, until)

    def _block(self, endpoint: Endpoint, reason: str, now: datetime) -> None:
        """One skipped run is recorded for the whole time from falling due to starting, not one per reason or look."""
        row = self._rows[endpoint.id]
        self._held_back.pop(endpoint.id, None)
        self._blocked.add(endpoint.id)
        if endpoint.id not in self._recorded:
            self._recorded.add(endpoint.id)
            self._out.skip(endpoint, reason, now)
        self._put(msgspec.structs.replace(row, blocked_by=reason))

    def _skip_children(self, endpoint: Endpoint, how: str, now: datetime) -> None:
        for child, reason in skipped(endpoint, how, self._endpoints, self._children, self._rows):
            self._out.skip(child, reason, now)

    def _unblock(self, id: str) -> None:
        self._blocked.discard(id)
        if self._rows[id].blocked_by:
            self._put(msgspec.structs.replace(self._rows[id], blocked_by=""))

    def _cancel(self, id: str, stop: Stop) -> None:
        running = self._running[id]
        if running.stop is None:
            self._out.cancels[id] = stop.reason
            self._wake(id, None)
        elif stop.then != "next time":  # only a person's word changes what follows a run that is being stopped
            return
        running.stop = stop

    def _refuse(self, id: str, reason: str) -> None:
        if id in self._awaited:
            self._awaited.discard(id)
            self._out.refuse(id, reason)

    def _remove(self, id: str) -> None:
        if id in self._running:
            self._cancel(id, Stop(_REMOVED, "next time"))
        self._queue.remove(id)
        self._blocked.discard(id)
        self._recorded.discard(id)
        self._wishes.pop(id, None)
        self._refuse(id, _REMOVED)
        self._unreached.discard(id)
        self._held_back.pop(id, None)
        self._out.rows.pop(id, None)
        self._recent.pop(id, None)
        self._rows.pop(id)
        self._asking.forget(id)
        self._wake(id, None)
        self.changed.add(id)

    def _hold_back(self, ids: Iterable[str], until: datetime) -> None:
        """Let these overdue endpoints run from then on, spread over up to SPREAD: one second for each, if few."""
        ids = tuple(ids)
        over = min(SPREAD, timedelta(seconds=len(ids)))
        for id in ids:
            self._held_back[id] = until + spread(id, over)

    def _set_pause(self, pause: Pause | None) -> None:
        self.pause_in_force = pause
        self._conditions = msgspec.structs.replace(
            self._conditions, paused=pause is not None, paused_until=None if pause is None else pause.until
        )
        self._wake(PAUSE, None if pause is None else pause.until)
        self.changed.add(WHOLE)

    def _is_due(self, id: str, now: datetime) -> bool:
        due = work.due_at(self._rows[id])
        return due is not None and due <= now

    def _put(self, row: EndpointRow) -> None:
        if self._rows.get(row.id) != row:
            self._rows[row.id] = row
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
