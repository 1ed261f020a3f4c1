"""What the rules of scheduling say about a history of runs: written from the rules, sharing no code with the planner.

The rules, for each endpoint:

1. No two runs at once.
2. A run starts only while the machine is awake, the program runs, it is not paused, and what the endpoint wants holds.
   What it wants and loses while it runs, though not the pause, stops it.
3. No run without a reason: a time of its schedule that passed since the last start, however many of them did; an
   interval since the last start; a success of the endpoint it runs after, or of each of them where it needs all; a
   start of the program, or a change of a file, that it runs after; a failure or interruption before; the user's wish.
4. No reason without a run: it starts within SLACK of the first moment at which there is a reason and it may run, as
   long as it may run for so long.
5. With a flex window, one moment in each interval's last part is a time of its schedule, always the same one.

Times of day are those of the wall clock, whose first showing counts in autumn, and the end of the gap in spring.
Intervals and delays count what the machine slept and what the clock was set ahead, but not what it was set back.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from statistics import median_high
from typing import Any

SLACK = timedelta(minutes=20)
"""Settling, spreading, coarse waiting, and everybody else who is due at the same time."""
PUNCTUAL = timedelta(seconds=61)
"""A run that is this late does not move the ones after it."""
LONGEST_RETRY = timedelta(seconds=240)
"""The fourth retry's longest wait at a first delay of 30 s."""
STOPPING = timedelta(seconds=61)
"""How long a run may take to notice that it may not go on."""
ATTEMPTS = 5
ENOUGH = 10
"""From so few runs on one sees at which moment of its intervals an endpoint with a flex window starts."""

State = Mapping[str, Any]
"""What the machine is like, by name: "up", "paused", "online", and whatever else endpoints want."""


@dataclass(frozen=True)
class Span:
    """A stretch of true time in which nothing about the machine changed; wall = true + ahead."""

    start: datetime
    end: datetime
    ahead: timedelta
    counted: timedelta
    """The sum of what the clock was set ahead so far: true time and this are what intervals count."""
    state: State


@dataclass
class Run:
    """One run in true time; status "succeeded", "failed", "permanent", "stopped", "killed", or "" while it runs."""

    start: datetime
    wall: datetime
    counted: datetime
    wished: bool = False
    end: datetime | None = None
    status: str = ""


@dataclass(frozen=True)
class Rule:
    """What is asked of one endpoint: any of its reasons makes it run; without any it runs only by hand.

    interval: with `flex`, one run in the last part of each, else so long after the last start. slots: times on the wall
    clock. delay: once, so long after the beginning. parents: `all` of them, or any. events: a name in the oracle's.
    wants: what it needs of the machine beside a network, which it needs unless it is `local`.
    """

    id: str
    interval: timedelta | None = None
    flex: timedelta | None = None
    slots: tuple[datetime, ...] | None = None
    delay: timedelta | None = None
    parents: tuple[str, ...] = ()
    all: bool = True
    events: tuple[str, ...] = ()
    local: bool = False
    wants: Callable[[State], bool] = lambda _: True
    night: bool = False


@dataclass
class Oracle:
    """Judges histories; `wrong` are its findings. events: true times of what happened, by name."""

    spans: list[Span]
    zone: tzinfo
    runs: dict[str, list[Run]]
    events: dict[str, list[datetime]] = field(default_factory=dict)
    successes: dict[str, list[datetime]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.first = self.spans[0].start
        for id, runs in self.runs.items():
            self.successes[id] = [run.end for run in runs if run.status == "succeeded" and run.end is not None]

    def judge(self, rule: Rule) -> None:
        """Look at every run of an endpoint and at every gap between two."""
        if rule.flex is not None:
            if len(self.runs.get(rule.id, ())) < ENOUGH:
                return
            rule = self._with_moments(rule, rule.flex)
        windows = self._windows(rule)
        opens = [start for start, _, _ in windows]
        before: Run | None = None
        failures = 0
        for run in self.runs.get(rule.id, []):
            if before is not None and (before.end is None or before.end > run.start):
                self.wrong.append(f"{rule.id}: two runs at once at {run.start}")
            if not run.wished:
                index = bisect_right(opens, run.start) - 1
                if index < 0 or windows[index][1] < run.start:
                    self.wrong.append(f"{rule.id}: started at {run.start} (wall {run.wall}), when it must not")
                if not self._reason(rule, before, run, failures):
                    self.wrong.append(f"{rule.id}: started at {run.start} (wall {run.wall}) without a reason")
                self._must_not_go_on(rule, run)
            self._must_not_wait(rule, windows, opens, before, run.start, failures)
            failures = self._failures(failures, run)
            before = run
        self._must_not_wait(rule, windows, opens, before, self.spans[-1].end, failures)

    def _with_moments(self, rule: Rule, flex: timedelta) -> Rule:
        """The rule with the one moment in each interval as its time: the one at which most runs started."""
        assert rule.interval is not None
        into = [(run.counted - self.first) % rule.interval for run in self.runs.get(rule.id, ())]
        minute, often = Counter(each // timedelta(minutes=1) for each in into).most_common(1)[0]
        moment = median_high(each for each in into if each // timedelta(minutes=1) == minute)
        if moment < rule.interval - flex or often < len(into) / 3:
            self.wrong.append(f"{rule.id}: {often} of {len(into)} runs came {moment} into the interval")
        return replace(rule, delay=moment)

    @staticmethod
    def _failures(failures: int, run: Run) -> int:
        """Attempts that count, after this run; 0 when the regular times hold again."""
        if run.status in {"failed", "killed"}:
            return 0 if failures + 1 >= ATTEMPTS else failures + 1
        return failures if run.status == "stopped" else 0

    def _reason(self, rule: Rule, before: Run | None, run: Run, failures: int) -> bool:
        if before is not None and (failures > 0 or before.status == "stopped"):
            return True
        clock = (run.start, run.wall, run.counted)
        return any(
            due <= clock[which] + (PUNCTUAL if which == 2 else timedelta(0))
            for which, due in self._reasons(rule, before)
        )

    def _reasons(
        self, rule: Rule, before: Run | None, early: timedelta = timedelta(0)
    ) -> Iterator[tuple[int, datetime]]:
        """The next moment of each reason after the start of the run before, with the clock that shows it: true time
        (0), the wall clock (1), or what intervals count (2). early: how long before its moment a run may have started,
        since of a moment in a flex window we only know what the runs show."""
        # What happens in the moment of the beginning counts.
        since = self.first - timedelta(seconds=1) if before is None else before.start
        for name in rule.events:
            yield from ((0, event) for event in _after(self.events.get(name, []), since))
        found = [_after(self.successes.get(parent, []), since) for parent in rule.parents]
        if found and (all(found) if rule.all else any(found)):
            yield 0, (max if rule.all else min)(success for each in found for success in each)
        if rule.slots is not None:
            yield from ((1, slot) for slot in _after(rule.slots, self.first if before is None else before.wall))
        counted = self.first if before is None else before.counted
        if rule.delay is not None and rule.interval is not None:
            passed = (counted + early - self.first - rule.delay) // rule.interval
            yield 2, self.first + rule.delay + (passed + 1) * rule.interval
        elif rule.delay is not None:
            if counted < self.first + rule.delay:
                yield 2, self.first + rule.delay
        elif rule.interval is not None:
            yield 2, counted if before is None else counted + rule.interval

    def _must_not_wait(
        self,
        rule: Rule,
        windows: list[tuple[datetime, datetime, Span]],
        opens: list[datetime],
        before: Run | None,
        until: datetime,
        failures: int,
    ) -> None:
        """Between the end of a run and the next start there is no moment at which another was overdue."""
        free = self.first if before is None else before.end
        if free is None:
            return
        reasons = list(self._reasons(rule, before, PUNCTUAL))
        retry = None if before is None or not (failures > 0 or before.status == "stopped") else free + LONGEST_RETRY
        index = max(0, bisect_right(opens, free) - 1)
        while index < len(windows) and windows[index][0] < until:
            opened, closed, span = windows[index]
            index += 1
            ahead = (timedelta(0), span.ahead, span.counted)
            due = min((due - ahead[which] for which, due in reasons), default=None) if retry is None else retry
            if due is None:
                continue
            latest = max(opened, free, due) + SLACK
            if latest < min(closed, until):
                self.wrong.append(f"{rule.id}: due at {due}, allowed since {opened}, not started until {until}")
                return

    def _must_not_go_on(self, rule: Rule, run: Run) -> None:
        """A run does not outlast what the endpoint wants."""
        if run.end is None or run.end - run.start < STOPPING:
            return
        starts = [span.start for span in self.spans]
        for span in self.spans[bisect_right(starts, run.start) - 1 :]:
            if span.start + STOPPING >= run.end:
                return
            if span.state["up"] and not self._may(rule, span.state) and min(span.end, run.end) - span.start > STOPPING:
                self.wrong.append(f"{rule.id}: ran from {run.start} to {run.end}, but must not from {span.start}")
                return

    @staticmethod
    def _may(rule: Rule, state: State) -> bool:
        return bool((rule.local or (state["online"] and not state["captive"])) and rule.wants(state))

    def _windows(self, rule: Rule) -> list[tuple[datetime, datetime, Span]]:
        """When the endpoint may start, neighbours with the same clock in one."""
        windows: list[tuple[datetime, datetime, Span]] = []
        for span in self.spans:
            if not span.state["up"] or span.state["paused"] or not self._may(rule, span.state):
                continue
            for start, end in self._nights(span) if rule.night else [(span.start, span.end)]:
                last = windows[-1] if windows else None
                same_clock = last is not None and (last[2].ahead, last[2].counted) == (span.ahead, span.counted)
                if last is not None and last[1] == start and same_clock:
                    windows[-1] = (last[0], end, span)
                else:
                    windows.append((start, end, span))
        return windows

    def _nights(self, span: Span) -> list[tuple[datetime, datetime]]:
        """The parts of the span between 22:00 and 06:00."""
        found = []
        day = (span.start + span.ahead).astimezone(self.zone).date() - timedelta(days=1)
        while True:
            opens = datetime(day.year, day.month, day.day, 22, tzinfo=self.zone).astimezone(UTC) - span.ahead
            next_day = day + timedelta(days=1)
            closes = (
                datetime(next_day.year, next_day.month, next_day.day, 6, tzinfo=self.zone).astimezone(UTC) - span.ahead
            )
            if opens > span.end:
                return found
            if closes > span.start:
                found.append((max(opens, span.start), min(closes, span.end)))
            day = next_day


class Calendar:
    """When local clocks show what: every minute of a stretch of time, looked up one by one."""

    def __init__(self, first: datetime, last: datetime, zone: tzinfo) -> None:
        self.minutes: dict[datetime, datetime] = {}
        moment = first
        while moment < last:
            self.minutes.setdefault(moment.astimezone(zone).replace(tzinfo=None), moment)
            moment += timedelta(minutes=1)
        self.days = sorted({local.date() for local in self.minutes})

    def slots(self, wanted: Callable[[date], bool], *times: tuple[int, int]) -> tuple[datetime, ...]:
        """The moments of these times on the days that are wanted, in order; if skipped, the end of the gap."""
        found = []
        for day in self.days[1:-1]:
            for hour, minute in times if wanted(day) else ():
                local = datetime(day.year, day.month, day.day, hour, minute)
                while local not in self.minutes:
                    local += timedelta(minutes=1)
                found.append(self.minutes[local])
        return tuple(sorted(found))


def _after(times: Sequence[datetime], since: datetime) -> list[datetime]:
    """The first of these times after that one, or none."""
    found = bisect_right(times, since)
    return list(times[found : found + 1])
