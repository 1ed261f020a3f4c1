"""A year of everything for 210 endpoints, against an oracle that knows the rules but not the program."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from tests.schedule.fakes import BERLIN, FakeClock, World, endpoint, report
from tests.schedule.oracle import Calendar, Oracle, Rule, Run, Span
from trayapp.endpoints.model import After, Endpoint, Settings, When
from trayapp.endpoints.units import TimeOfDay
from trayapp.sync.report import Report

FIRST = datetime(2026, 1, 1, 12, tzinfo=UTC)
LAST = datetime(2027, 1, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
NIGHT = When(between=(TimeOfDay.parse("22:00"), TimeOfDay.parse("06:00")))
INTERVALS = (("12h", 12), ("1d", 24), ("2d", 48), ("3d", 72), ("7d", 168), ("36h", 36))


@dataclass
class TrueClock(FakeClock):
    """Also knows how much time really passed, and how far the clock was set ahead in all."""

    wall: datetime = FIRST
    true: datetime = FIRST
    counted: timedelta = timedelta(0)

    def pass_time(self, seconds: float) -> None:
        super().pass_time(seconds)
        self.true += timedelta(seconds=seconds)

    def sleep(self, length: timedelta) -> None:
        super().sleep(length)
        self.true += length

    def set(self, by: timedelta) -> None:
        self.wall += by
        self.counted += max(by, timedelta(0))


@dataclass
class Machine(World):
    """A world that writes down what happens, in true time."""

    clock: TrueClock = field(default_factory=TrueClock)
    chance_of: random.Random = field(default_factory=lambda: random.Random(5))
    runs: dict[str, list[Run]] = field(default_factory=dict)  # type: ignore[assignment]
    spans: list[Span] = field(default_factory=list)
    wishes: set[str] = field(default_factory=set)
    state: dict[str, bool] = field(
        default_factory=lambda: {"up": True, "online": True, "metered": False, "battery": False, "paused": False}
    )

    def __post_init__(self) -> None:
        self.outcome = self.end_of
        self.since = (self.clock.true, self.clock.wall - self.clock.true, self.clock.counted)
        super().__post_init__()

    def duration(self, id: str) -> float:
        return 600.0 if id.startswith("slow") else 2.0

    def on_start(self, id: str) -> None:
        clock = self.clock
        run = Run(clock.true, clock.wall, clock.true + clock.counted, wished=id in self.wishes)
        self.wishes.discard(id)
        self.runs.setdefault(id, []).append(run)

    def on_stop(self, id: str) -> None:
        self._ends(id, "stopped")

    def end_of(self, id: str, now: datetime) -> Report:
        kind = self.chance_of.choices(["succeeded", "failed", "permanent"], [94, 5, 1])[0]
        self._ends(id, kind)
        if kind == "succeeded":
            return report(id, at=now)
        return report(id, "failed", now, failure="permanent" if kind == "permanent" else "passing")

    def _ends(self, id: str, status: str) -> None:
        run = self.runs[id][-1]
        run.end, run.status = self.clock.true, status

    def change(self, **state: bool) -> None:
        """Close the span that ends now; the next one is in this state."""
        start, ahead, counted = self.since
        if self.clock.true > start:
            self.spans.append(Span(start, self.clock.true, ahead, counted, **self.state))
        self.state |= state
        self.since = (self.clock.true, self.clock.wall - self.clock.true, self.clock.counted)

    # What happens

    def off(self, length: timedelta, how: str) -> None:
        """The machine sleeps, or the program is killed or ends, for so long."""
        if how == "quit":
            self.turn(lambda _: self.planner.cancel_all("the program ended"))
        if how == "kill":
            for _, id in self.running:
                self._ends(id, "killed")
            self.wishes.clear()
        self.change(up=False)
        self.clock.sleep(length)
        self.change(up=True)
        if how in {"kill", "quit"}:
            self.boot()
            self.apply_conditions()

    def apply_conditions(self) -> None:
        self.be(online=self.state["online"], metered=self.state["metered"], on_battery=self.state["battery"])

    def switch(self, **state: bool) -> None:
        self.change(**state)
        self.apply_conditions()

    def set_pause(self, on: bool) -> None:
        self.change(paused=on)
        self.turn(lambda now: self.planner.pause(None, now) if on else self.planner.resume(now))

    def set_clock(self, by: timedelta) -> None:
        self.clock.set(by)
        self.change()

    def wish(self, id: str) -> None:
        if all(other != id for _, other in self.running):
            self.wishes.add(id)
            self.sync(id)


def specs(calendar: Calendar) -> Iterator[tuple[Endpoint, Rule]]:
    def always(_: object) -> bool:
        return True

    for number in range(60):
        text, hours = INTERVALS[number % len(INTERVALS)]
        yield endpoint(f"every{number}", every=text), Rule(f"every{number}", timedelta(hours=hours))
    for number in range(40):
        times = [((number * 37 // 60) % 24, number * 37 % 60)] + ([(2, 30)] if number % 4 == 0 else [])
        spec = endpoint(f"at{number}", at=[f"{hour:02}:{minute:02}" for hour, minute in times])
        yield spec, Rule(spec.id, slots=calendar.slots(always, *times))
    for number in range(40):
        hour, minute = number % 24, number % 60
        cron, slots = (
            (f"{minute} {hour} * * *", calendar.slots(always, (hour, minute))),
            (f"{minute} {hour} * * 1-5", calendar.slots(lambda day: day.isoweekday() <= 5, (hour, minute))),
            (f"{minute} {hour} 1 * *", calendar.slots(lambda day: day.day == 1, (hour, minute))),
            (f"{minute} {hour} * * 0", calendar.slots(lambda day: day.isoweekday() == 7, (hour, minute))),
        )[number % 4]
        yield endpoint(f"cron{number}", cron=cron), Rule(f"cron{number}", slots=slots)
    for number in range(20):
        yield endpoint(f"night{number}", every="1d", when=NIGHT), Rule(f"night{number}", HOUR * 24, night=True)
    for number in range(10):
        yield (
            endpoint(f"free{number}", every="1d", when=When(network="unmetered")),
            Rule(f"free{number}", HOUR * 24, unmetered=True),
        )
        yield (
            endpoint(f"mains{number}", every="1d", when=When(power="ac")),
            Rule(f"mains{number}", HOUR * 24, mains=True),
        )
        yield (
            endpoint(f"child{number}", after=After(endpoint=f"every{number}")),
            Rule(f"child{number}", parent=f"every{number}"),
        )
        yield (
            endpoint(f"grand{number}", after=After(endpoint=f"child{number}")),
            Rule(f"grand{number}", parent=f"child{number}"),
        )
    for number in range(5):
        yield endpoint(f"local{number}", every="1d", url="http://[::1]/"), Rule(f"local{number}", HOUR * 24, local=True)
        yield endpoint(f"hand{number}", manual=True), Rule(f"hand{number}")
    for number in range(3):
        yield endpoint(f"slow{number}", every="12h"), Rule(f"slow{number}", HOUR * 12)


def happen(machine: Machine, chance: random.Random) -> None:
    """Something happens to the machine."""
    event = chance.choice(["sleep", "sleep", "kill", "quit", "network", "metered", "battery", "pause", "clock", "wish"])
    if event in {"sleep", "kill", "quit"}:
        machine.off(timedelta(hours=chance.choice([0.01, 0.1, 1, 8, 14, 60, 60])), event)
    elif event == "network":
        for _ in range(chance.choice([1, 1, 4])):
            machine.switch(online=False)
            machine.live(timedelta(minutes=chance.choice([0.1, 5, 300])))
            machine.switch(online=True)
            machine.live(timedelta(minutes=chance.choice([0.1, 1])))
    elif event in {"metered", "battery"}:
        machine.switch(**{event: True})
        machine.live(timedelta(hours=chance.uniform(0, 20)))
        machine.switch(**{event: False})
    elif event == "pause":
        machine.set_pause(True)
        machine.live(timedelta(hours=chance.uniform(0, 20)))
        if chance.random() < 0.3:
            machine.off(HOUR, "kill")
        machine.set_pause(False)
    elif event == "clock":
        machine.set_clock(timedelta(hours=chance.choice([-1, -0.4, 0.5, 1])))
    else:
        for number in range(5):
            machine.wish(f"hand{number}")


@pytest.mark.parametrize("seed", [3])
def test_a_year_of_everything_agrees_with_the_rules(seed: int) -> None:
    calendar = Calendar(FIRST - HOUR * 72, LAST + HOUR * 24 * 60, BERLIN)
    pairs = tuple(specs(calendar))
    chance = random.Random(seed)
    machine = Machine(
        Settings(endpoint=tuple(spec for spec, _ in pairs)), chance=chance.random, chance_of=random.Random(seed)
    )
    machine.apply_conditions()
    while machine.clock.true < LAST:
        machine.live(timedelta(hours=chance.uniform(0, 24)))
        happen(machine, chance)
    machine.change()
    oracle = Oracle(machine.spans, BERLIN, machine.runs)
    for _, rule in pairs:
        oracle.judge(rule)
    assert not oracle.wrong, "\n".join(oracle.wrong[:20])
    assert len(pairs) >= 200
    assert sum(map(len, machine.runs.values())) > 20_000
    statuses = {run.status for runs in machine.runs.values() for run in runs}
    assert statuses >= {"succeeded", "failed", "permanent", "stopped", "killed"}
