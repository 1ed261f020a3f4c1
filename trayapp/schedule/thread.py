"""The scheduler as a thread: APScheduler is its alarm clock, the planner decides, worker threads run."""

import logging
import queue
import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from functools import partial

from PySide6.QtCore import QObject, QThread, Signal

from trayapp.endpoints.model import Settings
from trayapp.errors import Problem, UserError, bug
from trayapp.messages import foreign, say
from trayapp.schedule.actions import IfRunning, Start
from trayapp.schedule.alarms import Alarms
from trayapp.schedule.clock import Clock, ClockWatch, SystemClock, wait_for
from trayapp.schedule.conditions import Answers, Conditions
from trayapp.schedule.planner import WHOLE, Planner
from trayapp.schedule.snapshot import EndpointStatus, Snapshot
from trayapp.schedule.states import Saver, StateStore
from trayapp.store.runs import RunRow
from trayapp.sync.cancel import Cancelled, CancelToken
from trayapp.sync.report import Progress, Report, stopped_words

log = logging.getLogger(__name__)

Execute = Callable[[Start, CancelToken, Callable[[Progress], None]], Report]
"""Makes one run: (what to run and how, token, progress) to its report. Called in worker threads."""

_Event = Callable[[Planner, datetime], object]
"""Something that happened, as a call of the planner; it runs in the scheduler's thread."""

SNAPSHOT_GAP = 0.2
"""Seconds between two snapshots."""
RETRY = 10.0
"""Seconds until the thread tries again after an error in it, such as a file that cannot be read."""
SAVING = 1.0
"""Seconds of the time for shutting down that are left for writing the state."""


class SchedulerThread(QThread):
    """Runs every endpoint when it is due. Start it with `start`; all other methods only post and return at once.

    Signals arrive in the receiver's thread. The scheduler itself writes endpoint states, the pause, skipped runs and
    runs that ended without a report to the store; `execute` writes the runs it makes a report of.
    """

    snapshot_changed = Signal(object)
    """Snapshot: at most 5 a second, the last one always."""
    run_finished = Signal(object)
    """Report of every run that ended, with the next due time."""
    skipped = Signal(object)
    """RunRow of the store: a run that was due but blocked, once until it starts; it is recorded already."""
    refused = Signal(str, str)
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
        self._execute = execute
        self._states = states
        self._clock = clock or SystemClock()
        self._alarms = Alarms(self._turn)
        self._posted: queue.SimpleQueue[_Event] = queue.SimpleQueue()
        self._planner: Planner | None = None
        self._saver = Saver(states)
        self._tokens: dict[str, CancelToken] = {}
        self._progress_lock = threading.Lock()
        self._progress: dict[str, Progress] = {}
        self._progressed: set[str] = set()
        self._started = False
        self._settings_problem: Problem | None = None
        self._statuses: dict[str, EndpointStatus] = {}
        self._snapshot = Snapshot()
        self._shown_at = -SNAPSHOT_GAP
        self._zone = self._clock.zone()
        self._watch = ClockWatch(self._clock)
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
        return Conditions() if self._planner is None else self._planner.conditions

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

    def stop(self, ids: Iterable[str], reason: str = "stopped by the user", ticket: int = 0) -> None:
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
        self._saver.close(SAVING)

    def _post(self, event: _Event) -> None:
        self._posted.put(event)
        self._alarms.wakeup()

    def _turn(self) -> float | None:
        """One wake-up; the answer is how long to wait for the next one."""
        try:
            self._step()
        except Exception:
            # Nothing may end this thread: no endpoint would ever run again, and nobody would notice.
            log.exception("The scheduler met an error and goes on")
            self._failed = True
        if self._quit_at is not None and (
            self._planner is None or not self._planner.busy or self._clock.monotonic() >= self._quit_at
        ):
            self._alarms.shutdown(wait=False)
        return self._next_wait()

    def _step(self) -> None:
        """Everything that happened goes to the planner; what it decides is done."""
        if self._planner is None:
            self._load()
        planner = self._planner
        assert planner is not None
        self._watch_clock(planner)
        now = self._clock.now()
        paused = planner.pause_in_force
        if self._failed:
            self._failed = False
            planner.check_all(now)
        planner.wake(self._alarms.ringing(now), now)
        while not self._posted.empty():
            self._posted.get()(planner, now)
        if self._quit_at is not None:
            planner.cancel_all("the program ended")
        self._do(planner, now)
        if (asks := planner.asks()) is not None:
            self.asks.emit(*asks)
        if planner.pause_in_force != paused:
            self._saver.save_pause(planner.pause_in_force)
        self._show(planner)

    def _load(self) -> None:
        saved = self._states.load()
        self._saver.start()
        self._planner = Planner(saved.states, saved.pause, saved.recent, self._zone)

    def _watch_clock(self, planner: Planner) -> None:
        now, zone, jump = self._clock.now(), self._clock.zone(), self._watch.look()
        if jump > timedelta(0):
            planner.woke_up(now, jump)
        elif jump:
            planner.clock_set_back(-jump, now)
        if zone != self._zone:
            self._zone = zone
            planner.set_zone(zone, now)

    def _do(self, planner: Planner, now: datetime) -> None:
        actions = planner.take(now)
        if actions.save or actions.skipped:
            self._saver.save(actions.save, actions.skipped)
        for run in actions.skipped:
            self.skipped.emit(run)
        for id, reason in actions.refused:
            self.refused.emit(id, reason)
        for start in actions.start:
            self._begin(start)
        for id, reason in actions.cancel:
            self._tokens[id].cancel(reason)
        moved, planner.moved = planner.moved, set()
        for key in moved:
            self._alarms.set(key, planner.wakes.get(key))

    def _next_wait(self) -> float | None:
        """Seconds until something is to be done; None: until something happens."""
        monotonic, alarm = self._clock.monotonic(), self._alarms.next()
        waits = [RETRY] if self._failed else []
        if self._planner is not None and (self._planner.changed or self._progressed):
            waits.append(self._shown_at + SNAPSHOT_GAP - monotonic)
        if self._quit_at is not None:
            waits.append(self._quit_at - monotonic)
        if alarm is not None:
            waits.append(wait_for(alarm, self._clock.now()))
        wait = max(0.0, min(waits)) if waits else None
        self._watch.before_waiting(wait)
        return wait

    # Runs

    def _begin(self, start: Start) -> None:
        id = start.endpoint.id
        self._tokens[id] = CancelToken()
        run = threading.Thread(target=self._run, args=(start, self._tokens[id]), name=f"run {id}", daemon=True)
        try:
            run.start()
        except RuntimeError as error:
            problem = Problem(
                say("The run could not start"), foreign(f"{error}."), say("Close other programs; TraySync tries again.")
            )
            self._ended(start, self._clock.now(), problem)

    def _run(self, start: Start, token: CancelToken) -> None:
        """A worker thread: whatever happens in the run, it ends with a report."""
        begun = self._clock.now()
        try:
            report = self._execute(start, token, partial(self._on_progress, start.endpoint.id))
        except Cancelled as stopped:
            self._ended(start, begun, None, stopped.reason)
        except UserError as error:
            self._ended(start, begun, error.problem)
        except BaseException:
            log.exception("The run of %s ended with an unexpected error", start.endpoint.id)
            self._ended(start, begun, bug())
        else:
            self._post(lambda planner, now: self._finished(planner, start, report, now))

    def _ended(self, start: Start, begun: datetime, problem: Problem | None, reason: str = "") -> None:
        """A run ended without a report: make one, and have it recorded, since nobody else has."""
        endpoint, now = start.endpoint, self._clock.now()
        report = Report(
            endpoint=endpoint.id,
            name=endpoint.name or endpoint.id,
            table=endpoint.table.name,
            status="failed" if problem else "stopped",
            started=begun,
            finished=now,
            reason=str(problem.title) if problem else reason,
            sentence=f"{problem.title}." if problem else f"Stopped{stopped_words(reason)}.",
            problem=problem,
        )
        run = RunRow(
            endpoint=report.endpoint,
            name=report.name,
            table=report.table,
            started=begun,
            finished=now,
            status=report.status,
            reason=report.reason,
            sentence=report.sentence,
        )

        def finish(planner: Planner, now: datetime) -> None:
            self._saver.save(runs=(run,))
            self._finished(planner, start, report, now)

        self._post(finish)

    def _finished(self, planner: Planner, start: Start, report: Report, now: datetime) -> None:
        id = start.endpoint.id
        del self._tokens[id]
        with self._progress_lock:
            self._progress.pop(id, None)
        self.run_finished.emit(planner.finished(id, report, now))

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
