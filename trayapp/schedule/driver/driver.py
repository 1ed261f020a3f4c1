"""What drives the planner, with Qt or without: events go to it one at a time, worker threads make its runs."""

import logging
import queue
import threading
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import partial

import msgspec

from trayapp.errors import Problem, problem_of
from trayapp.messages import Message, foreign, say
from trayapp.schedule.conditions.machine import Question
from trayapp.schedule.driver.persistence import Saver, StateStore
from trayapp.schedule.engine.actions import Start
from trayapp.schedule.engine.planner import Planner
from trayapp.schedule.times.clock import Clock, ClockWatch
from trayapp.store.bookkeeping.history import RunRow
from trayapp.store.bookkeeping.pause import Pause
from trayapp.sync.cancel import INTERNAL, Cancelled, CancelToken, StopReason, stopped_sentence
from trayapp.sync.report import Progress, Report

log = logging.getLogger(__name__)

Execute = Callable[[Start, CancelToken, Callable[[Progress], None]], Report]
"""Makes one run: (what to run and how, token, progress) to its report. Called in worker threads."""

Event = Callable[[Planner, datetime], object]
"""Something that happened, as a call of the planner; it runs in the driver's thread."""


class Listener(msgspec.Struct, frozen=True, kw_only=True):
    """Who is told what. All but `progress` is called in the driver's thread."""

    finished: Callable[[Report], object]
    """A run ended; the report has the next due time."""
    skipped: Callable[[RunRow], object] = lambda _: None
    """A run was due but blocked; it is recorded already."""
    refused: Callable[[str, Message], object]
    """id, reason: a run that the user asked for does not start now."""
    asks: Callable[[frozenset[Question], bool], object]
    """What the machine is to be asked from now on, and whether a run depends on it."""
    progress: Callable[[str, Progress], None]
    """How far the endpoint's run is; called in the run's thread."""


class Driver:
    """Its owner calls `load`, and from the same thread `hear` and `do` whenever something was posted or a time came.

    It writes endpoint states, the pause, skipped runs and runs that ended without a report to the store; `execute`
    writes the runs it makes a report of.
    """

    def __init__(
        self, execute: Execute, states: StateStore, clock: Clock, listener: Listener, wakeup: Callable[[], object]
    ) -> None:
        """`wakeup` is called, in any thread, when something was posted."""
        self.planner: Planner | None = None
        self.saver = Saver(states)
        self.watch = ClockWatch(clock)
        self.ending: StopReason | None = None
        """Why no run may start any more, and those in progress are stopped; None as long as they may."""
        self._execute = execute
        self._states = states
        self._clock = clock
        self._zone = clock.zone()
        self._listener = listener
        self._wakeup = wakeup
        self._posted: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._tokens: dict[str, CancelToken] = {}
        self._pause: Pause | None = None

    def post(self, event: Event) -> None:
        """Something happened. From any thread, also from within a signal handler."""
        self._posted.put(event)
        self._wakeup()

    def load(self, only: frozenset[str] | None = None) -> Planner:
        """Read the state and make the planner of it; `only` as it takes it. Raises whatever the store does."""
        saved = self._states.load()
        self.saver.start()
        self._pause = saved.pause
        self.planner = Planner(saved.states, saved.pause, saved.recent, self._zone, only=only)
        return self.planner

    def hear(self, rang: Callable[[datetime], Iterable[str]], anew: bool = False) -> None:
        """Tell the planner what happened. rang: the keys whose time has come; anew: have it look at everything."""
        planner = self.planner
        assert planner is not None
        self._watch_clock(planner)
        now = self._clock.now()
        if anew:
            planner.check_all(now)
        planner.wake(rang(now), now)
        while not self._posted.empty():
            self._posted.get()(planner, now)
        if self.ending:
            planner.cancel_all(self.ending)

    def do(self) -> None:
        """Do what the planner decided, and tell it."""
        planner = self.planner
        assert planner is not None
        actions = planner.take(self._clock.now())
        if actions.save or actions.skipped:
            self.saver.save(actions.save, actions.skipped)
        for run in actions.skipped:
            self._listener.skipped(run)
        for id, reason in actions.refused:
            self._listener.refused(id, reason)
        for start in actions.start:
            self._begin(start)
        for id, stop in actions.cancel:
            self._tokens[id].cancel(stop)
        if (asks := planner.asks()) is not None:
            self._listener.asks(*asks)
        if planner.pause_in_force != self._pause:
            self._pause = planner.pause_in_force
            self.saver.save_pause(self._pause)

    def _watch_clock(self, planner: Planner) -> None:
        now, zone, jump = self._clock.now(), self._clock.zone(), self.watch.look()
        if jump > timedelta(0):
            planner.woke_up(now, jump)
        elif jump:
            planner.clock_set_back(-jump, now)
        if zone != self._zone:
            self._zone = zone
            planner.set_zone(zone, now)

    # Runs

    @property
    def running(self) -> frozenset[str]:
        """The endpoints whose runs are in progress."""
        return frozenset(self._tokens)

    def _begin(self, start: Start) -> None:
        id = start.endpoint.id
        self._tokens[id] = CancelToken()
        run = threading.Thread(target=self._run, args=(start, self._tokens[id]), name=f"run {id}", daemon=True)
        try:
            run.start()
        except RuntimeError as error:
            problem = Problem(
                say("The run could not start"),
                foreign(str(error)),
                say("Close other programs; TraySync will try again."),
            )
            self._ended(start, self._clock.now(), problem)

    def _run(self, start: Start, token: CancelToken) -> None:
        """A worker thread: whatever happens in the run, it ends with a report."""
        begun = self._clock.now()
        try:
            report = self._execute(start, token, partial(self._listener.progress, start.endpoint.id))
        except Cancelled as stopped:
            self._ended(start, begun, None, stopped.reason)
        except BaseException as error:
            problem = problem_of(error)
            if problem.code == "bug":
                log.exception("The run of %s ended with an unexpected error", start.endpoint.id)
            self._ended(start, begun, problem)
        else:
            self.post(lambda planner, now: self._finished(planner, start, report, now))

    def _ended(self, start: Start, begun: datetime, problem: Problem | None, stopped: StopReason = INTERNAL) -> None:
        """A run ended without a report: make one, and have it recorded, since nobody else has."""
        endpoint, now = start.endpoint, self._clock.now()
        report = Report(
            endpoint=endpoint.id,
            name=endpoint.name or endpoint.id,
            table=endpoint.table.name,
            status="failed" if problem else "stopped",
            started=begun,
            finished=now,
            reason=problem.title if problem else stopped.words,
            sentence=say("{title}.", title=problem.title) if problem else stopped_sentence(stopped),
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
            self.saver.save(runs=(run,))
            self._finished(planner, start, report, now)

        self.post(finish)

    def _finished(self, planner: Planner, start: Start, report: Report, now: datetime) -> None:
        id = start.endpoint.id
        del self._tokens[id]
        self._listener.finished(planner.finished(id, report, now))
