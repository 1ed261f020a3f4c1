"""The scheduler without Qt: the main thread of a process drives the planner until nothing is left to run."""

import queue
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import partial
from types import FrameType
from typing import Any, Protocol

from trayapp.endpoints.model import Endpoint, Settings
from trayapp.messages import Message
from trayapp.schedule.conditions.machine import Answers, Question
from trayapp.schedule.driver.driver import Driver, Execute, Listener
from trayapp.schedule.driver.persistence import Change, StateStore
from trayapp.schedule.engine.planner import Planner
from trayapp.schedule.times.clock import Clock, wait_for
from trayapp.sync.cancel import INTERRUPTED, PROGRAM_ENDED, StopReason
from trayapp.sync.report import Progress, Report

LOOK_EVERY = 5.0
"""Seconds between two looks at the machine while something runs or is due."""


class Machine(Protocol):
    """What can be found out about the machine."""

    def look(self, endpoints: Sequence[Endpoint]) -> Mapping[str, Any]:
        """Fields of `Conditions`, as far as these endpoints care. May take a moment."""

    def ask(self, questions: frozenset[Question], running: bool, tell: Callable[[Answers], None]) -> None:
        """Have `tell` hear the answers, again and again, from now on. running: a run depends on them."""


class HeadlessScheduler:
    """Runs what is due among `only`, and what the user asks for, each as soon as it may."""

    def __init__(
        self,
        execute: Execute,
        states: StateStore,
        clock: Clock,
        machine: Machine,
        progress: Callable[[Progress], None],
        only: frozenset[str],
    ) -> None:
        self.reports: dict[str, Report] = {}
        """The last run of each endpoint that ran, by id."""
        self.refused: dict[str, Message] = {}
        """Why endpoints that the user asked for did not start when they were to, by id."""
        self.interrupted = False
        """Whether the user broke it off."""
        self._states = states
        self._clock = clock
        self._machine = machine
        self._only = only
        self._wished: frozenset[str] = frozenset()
        self._looked: frozenset[str] = frozenset()
        self._looked_at = 0.0
        # Signal handlers may write to such a queue; an Event, which takes a lock, could wait for itself there.
        self._woken: queue.SimpleQueue[None] = queue.SimpleQueue()
        listener = Listener(
            finished=self._finished,
            refused=self.refused.__setitem__,
            asks=self._ask,
            progress=lambda _, reached: progress(reached),
        )
        self._driver = Driver(execute, states, clock, listener, partial(self._woken.put, None))

    def run(
        self,
        settings: Settings,
        wished: Sequence[str] = (),
        full: bool = False,
        apply_held: bool = False,
        files: Mapping[str, str] | None = None,
    ) -> None:
        """Run all that may run, until none of it can any more. In the main thread. Raises StoreErrors.

        wished: what the user asks for, with full and apply_held as `Planner.sync_now` has them. files: what watched
        files are like. The first SIGINT stops that like a person's Stop, the first of the other signals that end a
        process makes it due again; a second one does what it would do anyway.
        """
        self._states.save(Change())  # that the file can't be written is known before anything runs
        driver, self._wished = self._driver, frozenset(wished)
        planner = driver.load(self._only)
        driver.post(lambda planner, now: planner.apply_settings(settings, now))
        driver.post(lambda planner, now: planner.files_seen(files or {}, now))
        if wished:
            driver.post(lambda planner, now: planner.sync_now(wished, full, now, apply_held=apply_held))
        try:
            with _handled(self._stop):
                while self._turn(planner):
                    self._wait(planner)
        finally:
            driver.saver.close()
            if (left := driver.saver.left()) != Change():
                self._states.save(left)

    def _turn(self, planner: Planner) -> bool:
        """Whether there is anything left to wait for."""
        self._driver.hear(lambda now: [key for key, at in planner.wakes.items() if at <= now])
        self._look(planner)
        self._driver.do()
        return planner.busy if self._driver.ending else planner.pending

    def _look(self, planner: Planner) -> None:
        """Know how the machine is before anything that just fell due starts, and from time to time."""
        concerned = planner.concerned
        now = self._clock.monotonic()
        if concerned and (concerned.keys() - self._looked or now - self._looked_at >= LOOK_EVERY):
            self._looked_at = now
            planner.update_conditions(self._machine.look(tuple(concerned.values())), self._clock.now())
        self._looked = frozenset(concerned)

    def _wait(self, planner: Planner) -> None:
        wait = min((wait_for(at, self._clock.now()) for at in planner.wakes.values()), default=LOOK_EVERY)
        wait = min(wait, LOOK_EVERY)
        self._driver.watch.before_waiting(wait)
        with suppress(queue.Empty):
            self._woken.get(timeout=wait)

    def _ask(self, questions: frozenset[Question], running: bool) -> None:
        self._machine.ask(questions, running, self._answered)

    def _answered(self, answers: Answers) -> None:
        self._driver.post(lambda planner, now: planner.update_conditions({"answers": answers}, now))

    def _finished(self, report: Report) -> None:
        self.reports[report.endpoint] = report

    def _stop(self, number: int) -> None:
        if number == signal.SIGINT:
            self.interrupted = True
            self._driver.post(self._interrupt)
        else:
            self._driver.post(lambda *_: self._end(PROGRAM_ENDED))

    def _interrupt(self, planner: Planner, now: datetime) -> None:
        for id in self._wished | self._driver.running:
            planner.stop(id, INTERRUPTED, now)
        self._end(INTERRUPTED)

    def _end(self, reason: StopReason) -> None:
        self._driver.ending = reason


_ENDING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


@contextmanager
def _handled(stop: Callable[[int], object]) -> Iterator[None]:
    """The first of each signal that asks the process to end goes to `stop`; those that are ignored stay so."""
    before = {number: signal.getsignal(number) for number in _ENDING}
    handled = {number: old for number, old in before.items() if old not in (signal.SIG_IGN, None)}

    def handle(number: int, _frame: FrameType | None) -> None:
        signal.signal(number, handled[number])
        stop(number)

    for number in handled:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number, old in handled.items():
            signal.signal(number, old)
