"""The scheduler as a thread of a program with Qt: APScheduler is its alarm clock."""

import logging
import threading
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from PySide6.QtCore import QObject, QThread, Signal

from trayapp.endpoints.model import Settings
from trayapp.errors import Problem
from trayapp.schedule.conditions.machine import Answers, Conditions
from trayapp.schedule.driver.alarms import Alarms
from trayapp.schedule.driver.driver import Driver, Event, Execute, Listener
from trayapp.schedule.driver.persistence import StateStore
from trayapp.schedule.engine.actions import IfRunning
from trayapp.schedule.engine.planner import WHOLE, Planner
from trayapp.schedule.engine.snapshot import EndpointStatus, Snapshot
from trayapp.schedule.times.clock import Clock, SystemClock, wait_for
from trayapp.sync.cancel import BY_USER, PROGRAM_ENDED, StopReason
from trayapp.sync.report import Progress, Report

log = logging.getLogger(__name__)

SNAPSHOT_GAP = 0.2
"""Seconds between two snapshots."""
RETRY = 10.0
"""Seconds until the thread tries again after an error in it, such as a file that cannot be read."""
SAVING = 1.0
"""Seconds of the time for shutting down that are left for writing the state."""


class SchedulerThread(QThread):
    """Runs every endpoint when it is due. Start it with `start`; all other methods only post and return at once.

    Signals arrive in the receiver's thread.
    """

    snapshot_changed = Signal(object)
    """Snapshot: at most 5 a second, the last one always."""
    run_finished = Signal(object)
    """Report of every run that ended, with the next due time."""
    skipped = Signal(object)
    """RunRow of the store: a run that was due but blocked, once until it starts; it is recorded already."""
    refused = Signal(str, object)
    """id, reason: a run that the user asked for does not start now; if something holds it back, it will later."""
    answered = Signal(int, object)
    """ticket, frozenset of ids: answers `sync_now` and `stop`, before any signal that follows from them.

    Of `sync_now` those that run at present and will run once more; of `stop` those of which a run was stopped, or taken
    off the queue.
    """
    asks = Signal(object, bool)
    """frozenset[Question], whether a run depends on it: what the machine is to be asked, again and again, from now on.
    """

    def __init__(
        self,
        execute: Execute,
        states: StateStore,
        clock: Clock | None = None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("scheduler")
        self._clock = clock or SystemClock()
        self._alarms = Alarms(self._turn)
        listener = Listener(
            finished=self._finished,
            skipped=self.skipped.emit,
            refused=self.refused.emit,
            asks=self.asks.emit,
            progress=self._on_progress,
        )
        self._driver = Driver(execute, states, self._clock, listener, self._alarms.wakeup)
        self._progress_lock = threading.Lock()
        self._progress: dict[str, Progress] = {}
        self._progressed: set[str] = set()
        self._started = False
        self._settings_problem: Problem | None = None
        self._statuses: dict[str, EndpointStatus] = {}
        self._snapshot = Snapshot()
        self._shown_at = -SNAPSHOT_GAP
        self._quit_at: float | None = None
        self._failed = False

    # What others may call, from any thread

    def apply_settings(self, settings: Settings) -> None:
        """These settings hold from now on."""

        def apply(planner: Planner, now: datetime) -> None:
            planner.apply_settings(settings, now)
            if not self._started:
                self._started = True
                planner.program_started(now)
            self._settings_problem = None
            planner.changed.add(WHOLE)

        self._post(apply)

    def settings_failed(self, problem: Problem) -> None:
        """The settings on disk cannot be used; the ones in force stay, and snapshots show the problem."""

        def show(planner: Planner, _now: datetime) -> None:
            self._settings_problem = problem
            planner.changed.add(WHOLE)

        self._post(show)

    def files_seen(self, stamps: Mapping[str, str]) -> None:
        """Watched files were looked at: what tells their versions apart by path, "" for those that are not there."""
        self._post(lambda planner, now: planner.files_seen(stamps, now))

    def update_conditions(self, **changed: bool | float | Answers | None) -> None:
        """These fields of `Conditions` are otherwise now: network, power, disk, or the answers to `asks`."""
        self._post(lambda planner, now: planner.update_conditions(changed, now))

    def conditions(self) -> Conditions:
        """What is known of the machine, and the pause."""
        return Conditions() if self._driver.planner is None else self._driver.planner.conditions

    def sync_now(
        self,
        ids: Iterable[str] = (),
        full: bool = False,
        if_running: IfRunning = "keep",
        apply_held: bool = False,
        ticket: int = 0,
    ) -> None:
        """Run these before all others (all enabled ones if none is named), in spite of a pause or soft constraints.

        What a hard one holds back is told by `refused`. With a ticket, `answered` tells what becomes of it.
        """
        wanted = tuple(ids)

        def sync(planner: Planner, now: datetime) -> None:
            again = planner.sync_now(wanted, full, now, if_running, apply_held)
            if ticket:
                self.answered.emit(ticket, again)

        self._post(sync)

    def restart(self, id: str) -> None:
        """Stop the endpoint's run if there is one, and run it anew with its present settings as soon as it may."""
        self._post(lambda planner, now: planner.restart(id, now))

    def stop(self, ids: Iterable[str], reason: StopReason = BY_USER, ticket: int = 0) -> None:
        """Stop the endpoints' runs, and take them off the queue. With a ticket, `answered` tells which."""
        wanted = tuple(ids)

        def stop(planner: Planner, now: datetime) -> None:
            stopped = frozenset(id for id in wanted if planner.stop(id, reason, now))
            if ticket:
                self.answered.emit(ticket, stopped)

        self._post(stop)

    def pause(self, until: datetime | None) -> None:
        """Start no scheduled run before `until` (aware), or before `resume` when None. Survives a restart."""
        self._post(lambda planner, now: planner.pause(until, now))

    def resume(self) -> None:
        """End the pause."""
        self._post(lambda planner, now: planner.resume(now))

    def system_resumed(self) -> None:
        """The machine woke up: what is overdue runs once, when the network had time to come up, spread out."""
        self._post(lambda planner, now: planner.woke_up(now, timedelta(0)))

    def note(self, report: Report) -> None:
        """A run was made outside of the scheduler, such as applying held deletes: show its result."""
        self._post(lambda planner, _now: planner.note(report))

    def shutdown(self, deadline: float = 5.0) -> None:
        """Stop all runs and end the thread after at most `deadline` seconds; `finished` tells, `wait` waits for it.

        A run that does not stop in time is left behind: it counts as interrupted at the next start.
        """
        if self._quit_at is None:
            self._quit_at = self._clock.monotonic() + deadline - SAVING
            self._alarms.wakeup()

    def snapshot(self) -> Snapshot:
        """The newest snapshot."""
        return self._snapshot

    # The thread

    def run(self) -> None:
        """The thread's body; QThread calls it."""
        self._alarms.start()
        self._driver.saver.close(SAVING)

    def _post(self, event: Event) -> None:
        self._driver.post(event)

    def _turn(self) -> float | None:
        """One wake-up; the answer is how long to wait for the next one."""
        try:
            self._step()
        except Exception:
            # Nothing may end this thread: no endpoint would ever run again, and nobody would notice.
            log.exception("The scheduler met an error and goes on")
            self._failed = True
        planner = self._driver.planner
        if self._quit_at is not None and (
            planner is None or not planner.busy or self._clock.monotonic() >= self._quit_at
        ):
            self._alarms.shutdown(wait=False)
        return self._next_wait()

    def _step(self) -> None:
        """Everything that happened goes to the planner; what it decides is done."""
        driver = self._driver
        planner = driver.planner or driver.load()
        anew, self._failed = self._failed, False
        if self._quit_at is not None:
            driver.ending = PROGRAM_ENDED
        driver.hear(self._alarms.ringing, anew)
        driver.do()
        moved, planner.moved = planner.moved, set()
        for key in moved:
            self._alarms.set(key, planner.wakes.get(key))
        self._show(planner)

    def _next_wait(self) -> float | None:
        """Seconds until something is to be done; None: until something happens."""
        monotonic, alarm = self._clock.monotonic(), self._alarms.next()
        waits = [RETRY] if self._failed else []
        planner = self._driver.planner
        if planner is not None and (planner.changed or self._progressed):
            waits.append(self._shown_at + SNAPSHOT_GAP - monotonic)
        if self._quit_at is not None:
            waits.append(self._quit_at - monotonic)
        if alarm is not None:
            waits.append(wait_for(alarm, self._clock.now()))
        wait = max(0.0, min(waits)) if waits else None
        self._driver.watch.before_waiting(wait)
        return wait

    # Runs

    def _finished(self, report: Report) -> None:
        with self._progress_lock:
            self._progress.pop(report.endpoint, None)
        self.run_finished.emit(report)

    def _on_progress(self, id: str, progress: Progress) -> None:
        with self._progress_lock:
            first = not self._progressed
            self._progress[id] = progress
            self._progressed.add(id)
        if first:
            self._alarms.wakeup()

    # What is shown

    def _show(self, planner: Planner) -> None:
        """Emit a snapshot if anything changed and the last one is long enough ago; else the next turn does."""
        monotonic = self._clock.monotonic()
        if monotonic - self._shown_at < SNAPSHOT_GAP and self._quit_at is None:
            return
        with self._progress_lock:
            progress = dict(self._progress)
            changed, self._progressed = planner.changed | self._progressed, set()
        planner.changed = set()
        if not changed:
            return
        known = planner.endpoints
        for id in changed - {WHOLE}:
            if id in known:
                self._statuses[id] = planner.status(id, progress.get(id))
            else:
                self._statuses.pop(id, None)
        pause = planner.pause_in_force
        self._snapshot = Snapshot(
            endpoints=tuple(map(self._statuses.__getitem__, known)),
            paused=pause is not None,
            paused_until=pause.until if pause else None,
            online=planner.online,
            settings_problem=self._settings_problem,
        )
        self._shown_at = monotonic
        self.snapshot_changed.emit(self._snapshot)
