"""A year of everything for 300 endpoints, against an oracle that knows the rules but not the program."""

import random
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tests.schedule.fakes import BERLIN, FakeClock, World, endpoint, report
from tests.schedule.oracle import Calendar, Oracle, Rule, Run, Span
from trayapp.endpoints.calendar import Days, Once
from trayapp.endpoints.model import After, Endpoint, Settings, When
from trayapp.endpoints.units import Duration, HostPort, Size, TimeOfDay
from trayapp.schedule.conditions.machine import FULLSCREEN, IDLE, WIFI, program, server
from trayapp.sync.report import Report

FIRST = datetime(2026, 1, 1, 12, tzinfo=UTC)
LAST = datetime(2027, 1, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = 24 * HOUR
NIGHT = When(between=(TimeOfDay.parse("22:00"), TimeOfDay.parse("06:00")))
INTERVALS = (("12h", 12), ("1d", 24), ("2d", 48), ("3d", 72), ("7d", 168), ("36h", 36))
NAS = HostPort.parse("nas.test:445")
FILES = tuple(f"/in/{number}.csv" for number in range(3))
FINE: dict[str, Any] = {
    "up": True,
    "paused": False,
    "online": True,
    "captive": False,
    "metered": False,
    "battery": False,
    "percent": 90.0,
    "disk": True,
    "wifi": "Home",
    "idle": True,
    "fullscreen": False,
    "game": False,
    "nas": True,
}
"""What the machine is like when nothing is in the way; what else it may be."""
OTHERWISE: tuple[dict[str, Any], ...] = (
    {"captive": True},
    {"metered": True},
    {"battery": True},
    {"battery": True, "percent": 20.0},
    {"disk": False},
    {"wifi": "Phone", "metered": True},
    {"wifi": ""},
    {"idle": False},
    {"idle": False, "fullscreen": True},
    {"game": True},
    {"nas": False},
)


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
    state: dict[str, Any] = field(default_factory=lambda: dict(FINE))
    events: dict[str, list[datetime]] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=lambda: dict.fromkeys(FILES, "old"))

    def __post_init__(self) -> None:
        self.outcome = self.end_of
        self.since = (self.clock.true, self.clock.wall - self.clock.true, self.clock.counted)
        super().__post_init__()

    def boot(self) -> None:
        super().boot()
        self.happened("start")
        self.turn(self.planner.program_started)
        self.apply_conditions()
        self.look()

    def duration(self, id: str) -> float:
        return 600.0 if id.startswith("slow") else 90.0 if "slow" in id else 2.0

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

    def happened(self, name: str) -> None:
        self.events.setdefault(name, []).append(self.clock.true)

    def change(self, **state: Any) -> None:
        """Close the span that ends now; the next one is in this state."""
        start, ahead, counted = self.since
        if self.clock.true > start:
            self.spans.append(Span(start, self.clock.true, ahead, counted, dict(self.state)))
        self.state |= state
        self.since = (self.clock.true, self.clock.wall - self.clock.true, self.clock.counted)

    # What happens

    def off(self, length: timedelta, how: str) -> None:
        """The machine sleeps, or the program is killed or ends, for so long; much may be otherwise afterwards."""
        if how == "quit":
            self.quit()
        if how == "kill":
            for _, id in self.running:
                self._ends(id, "killed")
        if how != "sleep":
            self.wishes.clear()
        self.change(up=False)
        self.clock.sleep(length / 2)
        if self.chance_of.random() < 0.3:
            self.write()
        self.clock.sleep(length / 2)
        moved = self.chance_of.choice(OTHERWISE) if self.chance_of.random() < 0.1 else {}
        self.change(**{"up": True, **moved})
        if how != "sleep":
            self.boot()
        else:
            self.apply_conditions()
            self.look()
        if moved:
            self.live(self.chance_of.uniform(0, 10) * HOUR)
            self.switch(**{name: FINE[name] for name in moved})

    def apply_conditions(self) -> None:
        state = self.state
        answers = {
            WIFI: state["wifi"],
            IDLE: 3600.0 if state["idle"] else 1.0,
            FULLSCREEN: state["fullscreen"],
            program("game"): state["game"],
            server(NAS): state["nas"],
        }
        found = {name: state[name] for name in ("online", "captive", "metered")}
        found |= {"on_battery": state["battery"], "battery_percent": state["percent"]}
        found["disk_free"] = 2**40 if state["disk"] else 2**20
        found["answers"] = {question: answers[question] for question in self.asked}
        self.answers = answers
        self.turn(lambda now: self.planner.update_conditions(found, now))

    def switch(self, **state: Any) -> None:
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

    def write(self) -> None:
        """Each file is written, or removed and brought back as it was; the program sees it if it runs."""
        for path in FILES:
            known = self.files[path]
            if self.chance_of.random() < 0.3:
                self.files[path] = ""
                self.look()
            else:
                known = f"written {self.clock.true}"
                self.happened(path)
            self.files[path] = known
        self.look()

    def look(self) -> None:
        if self.state["up"]:
            self.turn(lambda now: self.planner.files_seen(self.files, now))


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
        yield endpoint(f"night{number}", every="1d", when=NIGHT), Rule(f"night{number}", DAY, night=True)
    for number in range(10):
        yield (
            endpoint(f"child{number}", after=After(f"every{number}")),
            Rule(f"child{number}", parents=(f"every{number}",)),
        )
        yield (
            endpoint(f"grand{number}", after=After(f"child{number}")),
            Rule(f"grand{number}", parents=(f"child{number}",)),
        )
    for number in range(5):
        yield endpoint(f"local{number}", every="1d", url="http://[::1]/"), Rule(f"local{number}", DAY, local=True)
        yield endpoint(f"hand{number}", manual=True), Rule(f"hand{number}")
    for number in range(3):
        yield endpoint(f"slow{number}", every="12h"), Rule(f"slow{number}", HOUR * 12)
    yield from _constrained()
    yield from _on_days(calendar)
    yield from _by_events(calendar)
    for number, (text, hours) in enumerate(INTERVALS * 3):
        flex = Duration(3600 * (1, 4, hours)[number % 3])
        rule = Rule(f"flex{number}", HOUR * hours, flex=timedelta(seconds=flex.seconds))
        yield endpoint(f"flex{number}", every=text, flex=flex), rule
    for number in range(10):
        moment = datetime(2026, 2 + number, 3 + number, 2 + number, 30)
        spec = endpoint(f"once{number}", once=Once(moment))
        yield spec, Rule(spec.id, slots=calendar.slots(moment.date().__eq__, (moment.hour, 30)))
        delay = Duration(86400 * 35 * number + 600)
        yield (
            endpoint(f"later{number}", once=Once(delay)),
            Rule(f"later{number}", delay=timedelta(seconds=delay.seconds)),
        )


def _constrained() -> Iterator[tuple[Endpoint, Rule]]:
    wanted = (
        (When(network="unmetered"), lambda state: not state["metered"]),
        (When(power="ac"), lambda state: not state["battery"]),
        (When(battery_above=50), lambda state: state["percent"] > 50 or not state["battery"]),
        (When(disk_free=Size(2**30)), lambda state: state["disk"]),
        (When(wifi=("Home", "Work")), lambda state: state["wifi"] == "Home"),
        (When(not_wifi=("Phone",)), lambda state: state["wifi"] != "Phone"),
        (When(idle=Duration(600)), lambda state: state["idle"]),
        (When(not_fullscreen=True), lambda state: not state["fullscreen"]),
        (When(not_while=("game",)), lambda state: not state["game"]),
        (When(reachable=NAS), lambda state: state["nas"]),
        (
            When(power="ac", not_while=("game",), wifi=("Home",)),
            lambda state: not state["battery"] and not state["game"] and state["wifi"] == "Home",
        ),
    )
    for number, (when, wants) in enumerate(wanted):
        for kind, text, hours in (("", "1d", 24), ("", "12h", 12), ("slow", "12h", 12)):
            id = f"wants{kind}{number}-{hours}"
            yield endpoint(id, every=text, when=when), Rule(id, HOUR * hours, wants=wants)


def _on_days(calendar: Calendar) -> Iterator[tuple[Endpoint, Rule]]:
    def last(day: date) -> int:
        return monthrange(day.year, day.month)[1]

    days = (
        (("15",), lambda day: day.day == 15),
        (("31",), lambda day: day.day == 31),
        (("last",), lambda day: day.day == last(day)),
        (("mon", "thu"), lambda day: day.isoweekday() in (1, 4)),
        (("sat-sun",), lambda day: day.isoweekday() >= 6),
        (("last fri",), lambda day: day.isoweekday() == 5 and day.day > last(day) - 7),
        (("first mon",), lambda day: day.isoweekday() == 1 and day.day <= 7),
        (("fifth wed",), lambda day: day.isoweekday() == 3 and day.day > 28),
        (("24 dec", "1"), lambda day: (day.month, day.day) == (12, 24) or day.day == 1),
    )
    for number, (names, wanted) in enumerate(days):
        on = tuple(map(Days.parse, names))
        yield endpoint(f"on{number}", on=on), Rule(f"on{number}", slots=calendar.slots(wanted, (0, 0)))
        times = ((2, 30), (9 + number, 5))
        spec = endpoint(f"onat{number}", on=on, at=[f"{hour:02}:{minute:02}" for hour, minute in times])
        yield spec, Rule(spec.id, slots=calendar.slots(wanted, *times))


def _by_events(calendar: Calendar) -> Iterator[tuple[Endpoint, Rule]]:
    for number, path in enumerate(FILES):
        yield endpoint(f"file{number}", watch=path), Rule(f"file{number}", events=(path,))
        yield endpoint(f"start{number}", at_start=True), Rule(f"start{number}", events=("start",))
        both = endpoint(f"both{number}", at_start=True, watch=path, every="3d")
        yield both, Rule(both.id, DAY * 3, events=("start", path))
        timed = endpoint(f"timed{number}", watch=path, at=["04:15"])
        yield timed, Rule(timed.id, slots=calendar.slots(lambda _: True, (4, 15)), events=(path,))
        slow = endpoint(f"fileslow{number}", watch=path, at_start=True)
        yield slow, Rule(slow.id, events=("start", path))
    for number in range(5):
        parents = (f"every{number}", f"at{number}", f"start{number % 3}")
        for need in ("all", "any"):
            spec = endpoint(f"{need}{number}", after=After(endpoints=parents, need=need))
            yield spec, Rule(spec.id, parents=parents, all=need == "all")
        spec = endpoint(f"also{number}", every="2d", after=After(endpoints=parents[:2]))
        yield spec, Rule(spec.id, DAY * 2, parents=parents[:2])


def happen(machine: Machine, chance: random.Random) -> None:
    """Something happens to the machine."""
    event = chance.choice(
        ["sleep", "sleep", "kill", "quit", "network", "other", "other", "pause", "clock", "wish", "write"]
    )
    if event in {"sleep", "kill", "quit"}:
        for _ in range(30):  # rather while something runs
            if not machine.running:
                machine.live(timedelta(minutes=1))
        machine.off(timedelta(hours=chance.choice([0.01, 0.1, 1, 8, 14, 60, 60])), event)
    elif event == "network":
        for _ in range(chance.choice([1, 1, 4])):
            machine.switch(online=False)
            machine.live(timedelta(minutes=chance.choice([0.1, 5, 300])))
            machine.switch(online=True)
            machine.live(timedelta(minutes=chance.choice([0.1, 1])))
    elif event == "other":
        state = chance.choice(OTHERWISE)
        machine.switch(**state)
        machine.live(timedelta(hours=chance.choice([0.01, chance.uniform(0, 20)])))
        machine.switch(**{name: FINE[name] for name in state})
    elif event == "pause":
        machine.set_pause(True)
        machine.live(timedelta(hours=chance.uniform(0, 20)))
        if chance.random() < 0.3:
            machine.off(HOUR, "kill")
        machine.set_pause(False)
    elif event == "clock":
        machine.set_clock(timedelta(hours=chance.choice([-1, -0.4, 0.5, 1])))
    elif event == "write":
        machine.write()
    else:
        for number in range(5):
            machine.wish(f"hand{number}")


def live_through(seed: int, last: datetime) -> tuple[Machine, list[str]]:
    """A machine that lived until then, and what the oracle finds wrong."""
    calendar = Calendar(FIRST - HOUR * 72, LAST + DAY * 60, BERLIN)
    pairs = tuple(specs(calendar))
    chance = random.Random(seed)
    settings = Settings(endpoint=tuple(spec for spec, _ in pairs))
    machine = Machine(settings, chance=chance.random, chance_of=random.Random(seed))
    while machine.clock.true < last:
        machine.live(timedelta(hours=chance.uniform(0, 24)))
        happen(machine, chance)
    machine.live(HOUR)
    machine.change()
    oracle = Oracle(machine.spans, BERLIN, machine.runs, machine.events)
    for _, rule in pairs:
        oracle.judge(rule)
    assert len(pairs) >= 300
    return machine, oracle.wrong


def test_days_of_everything_agrees_with_the_rules() -> None:
    _, wrong = live_through(2, FIRST + DAY * 12)
    assert not wrong, "\n".join(wrong[:20])


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("seed", [3])
def test_a_year_of_everything_agrees_with_the_rules(seed: int) -> None:
    machine, wrong = live_through(seed, LAST)
    assert not wrong, "\n".join(wrong[:20])
    assert sum(map(len, machine.runs.values())) > 30_000
    statuses = {run.status for runs in machine.runs.values() for run in runs}
    assert statuses >= {"succeeded", "failed", "permanent", "stopped", "killed"}
