"""Stand-ins for the machine: its clock, its disk, and a world of endpoints under a planner in virtual time."""

import heapq
import math
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from tests.problems import as_messages, problem
from trayapp.endpoints.model import Endpoint, Settings
from trayapp.endpoints.units import Duration, TimeOfDay
from trayapp.schedule.conditions.machine import Conditions, Question
from trayapp.schedule.driver.persistence import Change, Saved
from trayapp.schedule.engine.planner import Planner
from trayapp.schedule.times.clock import ClockWatch, wait_for
from trayapp.store.bookkeeping.endpoint_states import EndpointRow
from trayapp.store.bookkeeping.history import RunRow
from trayapp.store.bookkeeping.pause import Pause
from trayapp.sync.cancel import PROGRAM_ENDED
from trayapp.sync.report import Report, RunStatus

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 6, 10, 12, 0, tzinfo=UTC)


def endpoint(id: str = "a", **fields: Any) -> Endpoint:
    """An endpoint on another machine; durations and times of day may be given as text."""
    for name in ("every",):
        if isinstance(fields.get(name), str):
            fields[name] = Duration.parse(fields[name])
    if "at" in fields:
        fields["at"] = tuple(TimeOfDay.parse(each) for each in fields["at"])
    fields.setdefault("url", f"http://{id}.test/")
    return Endpoint(id=id, name=id.upper(), **fields)


def report(id: str, status: RunStatus = "succeeded", at: datetime = NOW, **fields: Any) -> Report:
    """A report of a run that took no time."""
    if status == "failed":
        fields.setdefault("problem", problem("The server is down"))
    return Report(endpoint=id, name=id.upper(), table=id, status=status, started=at, finished=at, **as_messages(fields))


@dataclass
class FakeClock:
    """A clock that moves when told to; `sleep` moves the wall clock only, as on Linux."""

    wall: datetime = NOW
    seconds: float = 1000.0
    tz: tzinfo = BERLIN

    def now(self) -> datetime:
        return self.wall

    def monotonic(self) -> float:
        return self.seconds

    def zone(self) -> tzinfo:
        return self.tz

    def pass_time(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)
        self.seconds += seconds

    def sleep(self, length: timedelta) -> None:
        self.wall += length


class MemoryStates:
    """What a disk would keep: also after the program is killed."""

    def __init__(self, *rows: EndpointRow, pause: Pause | None = None) -> None:
        self.states = {row.id: row for row in rows}
        self.pause = pause
        self.runs: list[RunRow] = []
        self.fail_with: Exception | None = None
        self.saves = 0
        self.lock = threading.Lock()

    def load(self) -> Saved:
        if self.fail_with is not None:
            raise self.fail_with
        return Saved(states=dict(self.states), pause=self.pause)

    def save(self, change: Change) -> None:
        with self.lock:
            if self.fail_with is not None:
                raise self.fail_with
            self.saves += 1
            self.states.update((row.id, row) for row in change.rows)
            self.runs += change.runs
            if change.pause_changed:
                self.pause = change.pause


@dataclass
class World:
    """A planner on a machine in virtual time. Runs last `run_seconds` and end as `outcome` says.

    The loop waits as the real thread does: at a stretch of at most `wait_for`, standing still while the machine sleeps.
    """

    settings: Settings
    clock: FakeClock = field(default_factory=FakeClock)
    states: MemoryStates = field(default_factory=MemoryStates)
    run_seconds: float = 2.0
    outcome: Callable[[str, datetime], Report] = lambda id, now: report(id, at=now)
    chance: Callable[[], float] = lambda: 0.5
    started: list[tuple[datetime, str]] = field(default_factory=list)
    cancelled: list[tuple[str, str]] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)
    answers: dict[Question, float | str | bool] | None = None
    """What the machine answers at once when it is asked; None: it does not answer."""
    turns: int = 0

    def __post_init__(self) -> None:
        self.boot()

    def boot(self) -> None:
        """The program starts, from what the disk kept; runs of a killed program are gone."""
        saved = self.states.load()
        self.running: list[tuple[float, str]] = []
        self.quitting = False
        self.asked: frozenset[Question] = frozenset()
        self.planner = Planner(saved.states, saved.pause, saved.recent, self.clock.zone(), self.chance)
        self.watch = ClockWatch(self.clock)
        self.turn(lambda now: self.planner.apply_settings(self.settings, now))

    def do(self) -> None:
        """What the planner decided is done: everything is on disk at once."""
        pause = self.planner.pause_in_force
        if self.quitting:
            self.planner.cancel_all(PROGRAM_ENDED)
        actions = self.planner.take(self.clock.now())
        self.states.save(Change(rows=actions.save, runs=actions.skipped, pause=pause, pause_changed=True))
        self.refused += [(id, str(reason)) for id, reason in actions.refused]
        for start in actions.start:
            id = start.endpoint.id
            assert all(other != id for _, other in self.running), "two runs of one endpoint at once"
            self.started.append((self.clock.now(), id))
            self.on_start(id)
            heapq.heappush(self.running, (self.clock.monotonic() + self.duration(id), id))
        for id, reason in actions.cancel:
            self.cancelled.append((id, str(reason.words)))
            at = next(at for at, other in self.running if other == id)
            self.running.remove((at, id))
            heapq.heapify(self.running)
            self.on_stop(id)
            self.planner.finished(id, report(id, "stopped", self.clock.now(), reason=reason.words), self.clock.now())
        if actions.cancel or actions.start:
            self.do()

    def turn(self, event: Callable[[datetime], object] | None = None) -> None:
        """One wake-up of the scheduler, because of an event or because the time has come."""
        self.turns += 1
        now, jump = self.clock.now(), self.watch.look()
        if jump > timedelta(0):
            self.planner.woke_up(now, jump)
        elif jump:
            self.planner.clock_set_back(-jump, now)
        while self.running and self.running[0][0] <= self.clock.monotonic():
            _, id = heapq.heappop(self.running)
            self.planner.finished(id, self.outcome(id, now), now)
        self.planner.wake([key for key, at in self.planner.wakes.items() if at <= now], now)
        if event is not None:
            event(now)
        self.do()
        self.answer()
        self.rest()

    def answer(self) -> None:
        """Tell what the planner wants to know of the machine and does not know as it is."""
        while self.answers is not None:
            self.asked, _ = self.planner.asks() or (self.asked, False)
            wanted = {question: self.answers.get(question) for question in self.asked}
            if wanted.items() <= self.planner.conditions.answers.items():
                return
            self.planner.update_conditions({"answers": wanted}, self.clock.now())
            self.do()

    def quit(self) -> None:
        """The program ends: its runs are stopped, and no other one starts before it boots again."""
        self.quitting = True
        self.turn()

    def duration(self, id: str) -> float:
        """Seconds that a run of the endpoint takes."""
        return self.run_seconds

    def on_start(self, id: str) -> None:
        """A run started."""

    def on_stop(self, id: str) -> None:
        """A run was stopped."""

    def rest(self) -> None:
        """Set out to wait."""
        waits = [at - self.clock.monotonic() for at, _ in self.running[:1]]
        if self.planner.wakes:
            waits.append(wait_for(min(self.planner.wakes.values()), self.clock.now()))
        self.watch.before_waiting(min(waits, default=None))
        self.rings = self.clock.monotonic() + min(waits, default=math.inf)

    def live(self, length: timedelta) -> None:
        """Let time pass, awake."""
        end = self.clock.monotonic() + length.total_seconds()
        while self.rings <= end:
            self.clock.pass_time(self.rings - self.clock.monotonic())
            self.turn()
        self.clock.pass_time(end - self.clock.monotonic())

    def pause(self, until: datetime | None = None) -> None:
        self.turn(lambda now: self.planner.pause(until, now))

    def sync(self, *ids: str) -> None:
        self.turn(lambda now: self.planner.sync_now(ids, False, now))

    def be(self, **conditions: Any) -> None:
        """The machine's conditions change to these."""
        self.turn(lambda now: self.planner.set_conditions(Conditions(**conditions), now))

    def apply(self, *endpoints: Endpoint) -> None:
        self.turn(lambda now: self.planner.apply_settings(Settings(endpoint=endpoints), now))

    def runs(self, id: str) -> Iterator[datetime]:
        return (at for at, other in self.started if other == id)
