"""The scheduler without threads: told what happened, it answers what is to be done.

It tells the board, which holds the state, what an event changes; what follows is decided by pure functions: `place`
(where an endpoint belongs), `work` (how its row goes on), `chains` (who runs after whom), `shown` (how it looks).

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
from trayapp.schedule.conditions.constraints import with_general
from trayapp.schedule.conditions.machine import Conditions
from trayapp.schedule.engine import status, work
from trayapp.schedule.engine.actions import IfRunning
from trayapp.schedule.engine.board import Board
from trayapp.schedule.engine.chains import children_of
from trayapp.schedule.engine.entry import Entry
from trayapp.schedule.engine.queue import Wish, both
from trayapp.schedule.engine.rows import prepared
from trayapp.schedule.engine.snapshot import EndpointStatus
from trayapp.schedule.engine.work import Stop
from trayapp.schedule.times.due import parents
from trayapp.store.bookkeeping.endpoint_states import EndpointRow
from trayapp.store.bookkeeping.pause import Pause
from trayapp.sync.cancel import REPLACED, SETTINGS_CHANGED, StopReason
from trayapp.sync.report import Progress, Report

log = logging.getLogger(__name__)

SETTLE = timedelta(seconds=5)
"""How long a network is left alone after it came up: it says it is there before names can be looked up."""
PAUSE = ""
"""The key in `wakes` of the end of a pause; no endpoint has an empty id."""
WHOLE = ""
"""The id in `changed` that stands for the pause and the network."""


class Planner(Board):
    """The board, and what happens to it: events, the pause, the machine's conditions. Not thread-safe."""

    def __init__(
        self,
        states: Mapping[str, EndpointRow],
        pause: Pause | None,
        recent: Mapping[str, tuple[str, ...]],
        zone: tzinfo,
        chance: work.Chance = random.random,
        only: frozenset[str] | None = None,
    ) -> None:
        """`only` is for a process that lives as long as its runs: the endpoints that run by their schedule.

        The others run only by a wish. What is overdue starts at once, since nobody waits for the network to come up.
        """
        super().__init__(zone, only)
        self.pause_in_force = pause
        self._states = dict(states)
        """What the file knows of endpoints that were not in any settings yet."""
        self._recent = dict(recent)
        self._chance = chance
        self._found = self._conditions
        self._general = General()
        self._set_pause(pause)

    # Events

    def apply_settings(self, settings: Settings, now: datetime) -> None:
        """These endpoints from now on; a run of a changed one ends on its old settings, of a removed one is stopped."""
        for id in self._entries.keys() - {endpoint.id for endpoint in settings.endpoint}:
            self._remove(self._entries.pop(id))
        before, self._entries = self._entries, {}
        fresh = tuple(endpoint for endpoint in settings.endpoint if endpoint.id not in before)
        rows = prepared(Settings(endpoint=fresh), self._states, now, self._zone)
        children = children_of(settings)
        changed = []
        for endpoint in settings.endpoint:
            entry = before.get(endpoint.id)
            if entry is None:
                entry = self._new(endpoint, rows[endpoint.id], now)
                changed.append(entry)
            elif entry.endpoint != endpoint:
                entry.endpoint = endpoint
                self._put(entry, work.update_spec(entry.row, endpoint, now, self._zone))
                changed.append(entry)
            entry.children = children.get(endpoint.id, ())
            self._entries[endpoint.id] = entry
        if settings.general != self._general:
            self._general = settings.general
            self.set_conditions(self._found, now)
        self.changed.update(entry.id for entry in changed)
        if self._only is None:
            overdue = [endpoint.id for endpoint in fresh if self._entries[endpoint.id].is_due(now)]
            self._hold_back(overdue, now + SETTLE)
        for entry in changed:
            self._consider(entry.id, now)

    def _new(self, endpoint: Endpoint, row: EndpointRow, now: datetime) -> Entry:
        if self._only is not None and endpoint.id in self._only:
            row = work.unspread(row, endpoint, now)
        if row != self._states.pop(row.id, None):
            self._out.rows[row.id] = row
        recent = self._recent.pop(row.id, ())
        return Entry(endpoint=endpoint, row=row, recent=recent, recorded=bool(row.blocked_by))

    def program_started(self, now: datetime) -> None:
        """The program has just started, with its settings applied: whoever wants that runs, once, spread out."""
        wanting = [each.id for each in self.endpoints.values() if each.at_start and each.enabled]
        self._hold_back(wanting, now + SETTLE)
        for id in wanting:
            entry = self._entries[id]
            self._put(entry, work.trigger(entry.row, now))
            self._consider(id, now)

    def files_seen(self, stamps: Mapping[str, str], now: datetime) -> None:
        """Watched files were looked at: what tells their versions apart by path, "" for those that are not there."""
        for id, entry in self._entries.items():
            path = entry.endpoint.watch
            if path in stamps:
                self._put(entry, work.file_seen(entry.row, path, stamps[path], now))
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
            unreached = [entry for entry in self._entries.values() if entry.unreached]
            waiting = [entry for entry in unreached if entry.id not in self._running]
            self._hold_back({*self._blocked(), *(entry.id for entry in waiting)}, now + SETTLE)
            for entry in waiting:
                self._put(entry, work.reconnected(entry.row, now))
                self._consider(entry.id, now)
            for entry in unreached:
                entry.unreached = False
        self._reconsider(now)

    def update_conditions(self, changed: Mapping[str, Any], now: datetime) -> None:
        """These of the machine's conditions are otherwise now."""
        self.set_conditions(msgspec.structs.replace(self._found, **changed), now)

    def set_zone(self, zone: tzinfo, now: datetime) -> None:
        """The machine moved to another time zone: times of day mean other moments."""
        self._zone = zone
        for id, entry in self._entries.items():
            self._put(entry, work.refresh(entry.row, entry.endpoint, now, zone))
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
        wanted = tuple(ids) or tuple(id for id, entry in self._entries.items() if entry.endpoint.enabled)
        again = set()
        for id in wanted:
            entry, running = self._entries.get(id), self._running.get(id)
            if entry is None:
                continue
            if running is not None:
                serves = running.stop is None and (running.item.wish or Wish()).covers(wish)
                if if_running == "keep" and serves:
                    continue
                again.add(id)
                if if_running == "replace":
                    self._cancel(id, Stop(REPLACED, "again"))
            self._put(entry, msgspec.structs.replace(entry.row, next_override=now))
            entry.wish = both(wish, entry.wish)
            entry.awaited = True
            if running is None:
                entry.held_back = None
                self._consider(id, now)
        return frozenset(again)

    def restart(self, id: str, now: datetime) -> None:
        """Begin anew with the settings as they are: the present run is stopped, what failed before is forgotten, and
        the endpoint runs as soon as it may."""
        entry = self._entries.get(id)
        if entry is not None:
            if id in self._running:
                self._cancel(id, Stop(SETTINGS_CHANGED, "again"))
            self._put(entry, work.restart(entry.row, now))
            self._consider(id, now)

    def stop(self, id: str, reason: StopReason, now: datetime) -> bool:
        """Stop the endpoint's run and take it off the queue; whether there was one. It runs again at its next regular
        time."""
        entry = self._entries.get(id)
        wished = False
        if entry is not None:
            wished, entry.wish = entry.wish is not None, None
            self._refuse(entry, reason.words)
        if id in self._running:
            self._cancel(id, Stop(reason, "next time"))
            return True
        if entry is not None and (wished or id in self._queue):
            self._queue.remove(id)
            self._put(entry, work.skip(entry.row, entry.endpoint, reason, now, self._zone))
            self._skip_children(entry.endpoint, "stopped", now)
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
        self._hold_back(self._blocked(), now)
        self._reconsider(now)

    def woke_up(self, now: datetime, asleep: timedelta) -> None:
        """The machine slept that long, or the clock was set forward: let the network settle, then catch up once."""
        self._found = msgspec.structs.replace(self._found, answers={})
        self._conditions = msgspec.structs.replace(self._conditions, answers={})
        self._asking.anew(now)
        for running in self._running.values():
            running.deadline += asleep
            running.long_from += asleep
        overdue = [id for id, each in self._entries.items() if id not in self._running and each.is_due(now)]
        self._hold_back(overdue, now + SETTLE)
        for id in self._entries:
            self._consider(id, now)

    def clock_set_back(self, by: timedelta, now: datetime) -> None:
        """The wall clock was set back: nothing waits longer for it."""
        for running in self._running.values():
            running.deadline -= by
            running.long_from -= by
        for id, entry in self._entries.items():
            if entry.held_back is not None:
                entry.held_back -= by
            self._put(entry, work.clock_set_back(entry.row, entry.endpoint, by, now, self._zone))
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
        for id in tuple(self._entries):
            try:
                self._consider(id, now)
            except Exception:
                log.exception("The endpoint %s cannot be scheduled", id)
        self._wake_from_pause(now)
        self.moved.update(self._entries, (PAUSE,))

    def finished(self, id: str, report: Report, now: datetime) -> Report:
        """A started run ended; the answer is its report with the next due time filled in."""
        running = self._running.pop(id)
        self._out.cancels.pop(id, None)  # it ended by itself, just before
        entry = self._entries.get(id)
        self.changed.add(id)
        if entry is None:
            self._asking.forget(id)
            return report
        endpoint = entry.endpoint
        self._put(entry, work.after_run(entry.row, endpoint, report, now, self._zone, self._chance, running.stop))
        entry.ended(report.status, unreached=report.failure == "network")
        self._consider(id, now)
        if report.status == "succeeded":
            for child in map(self._entries.__getitem__, entry.children):
                self._put(child, work.parent_succeeded(child.row, child.endpoint, id, now))
                self._consider(child.id, now)
        elif not work.backing_off(entry.row) and entry.row.next_override is None:
            self._skip_children(endpoint, report.status, now)
        return msgspec.structs.replace(report, next_due=work.due_at(entry.row) if endpoint.enabled else None)

    def note(self, report: Report) -> None:
        """A run was made outside of the scheduler, such as applying held deletes: its result shows, no time changes."""
        entry = self._entries.get(report.endpoint)
        if entry is not None:
            rows = entry.row.rows if report.rows is None else report.rows
            row = msgspec.structs.replace(entry.row, held=report.held, rows=rows, sentence=report.sentence)
            self._put(entry, row)

    def cancel_all(self, reason: StopReason) -> None:
        """Stop every run to make way; all are due again. Nothing starts any more: the queue is emptied."""
        for item in tuple(self._queue):
            self._queue.remove(item.id)
        for entry in self._entries.values():
            entry.wish = None
        for id in self._running:
            self._cancel(id, Stop(reason, "again"))

    # Answers

    @property
    def endpoints(self) -> Mapping[str, Endpoint]:
        """The endpoints by id, in the order of the settings."""
        return {id: entry.endpoint for id, entry in self._entries.items()}

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
        entry = self._entries[id]
        before = [self._entries[each].endpoint for each in parents(entry.endpoint) if each in self._entries]
        return status.status(
            entry.endpoint,
            entry.row,
            before,
            running=id in self._running,
            held_back=entry.held_back,
            progress=progress,
            recent=entry.recent,
        )

    # The pause

    def _set_pause(self, pause: Pause | None) -> None:
        self.pause_in_force = pause
        self._conditions = msgspec.structs.replace(
            self._conditions, paused=pause is not None, paused_until=None if pause is None else pause.until
        )
        self._wake(PAUSE, None if pause is None else pause.until)
        self.changed.add(WHOLE)

    def _wake_from_pause(self, now: datetime) -> None:
        until = None if self.pause_in_force is None else self.pause_in_force.until
        if until is not None and until <= now:
            self.resume(now)
        else:
            self._wake(PAUSE, until)
