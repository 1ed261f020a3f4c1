"""What the rules of scheduling say about a history of runs: written from the rules, sharing no code with the planner.

The rules, for each endpoint:

1. No two runs at once.
2. A run starts only while the machine is awake, the program runs, it is not paused, and what the endpoint wants holds.
3. No run without a reason: a time of its schedule that passed since the last start, however many of them did; an
   interval since the last start; a success of the endpoint it runs after; a failure or interruption before; the user's
   wish.
4. No reason without a run: it starts within SLACK of the first moment at which there is a reason and it may run, as
   long as it may run for so long.

Times of day are those of the wall clock, whose first showing counts in autumn, and the end of the gap in spring.
Intervals count what the machine slept and what the clock was set ahead, but not what it was set back.
"""

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo

SLACK = timedelta(minutes=20)
"""Settling, spreading, coarse waiting, and everybody else who is due at the same time."""
PUNCTUAL = timedelta(seconds=61)
"""A run that is this late does not move the ones after it."""
LONGEST_RETRY = timedelta(seconds=240)
"""The fourth retry's longest wait at a first delay of 30 s."""
ATTEMPTS = 5


@dataclass(frozen=True)
class Span:
    """A stretch of true time in which nothing about the machine changed; wall = true + ahead."""

    start: datetime
    end: datetime
    ahead: timedelta
    counted: timedelta
    """The sum of what the clock was set ahead so far: true time and this are what intervals count."""
    up: bool
    online: bool
    metered: bool
    battery: bool
    paused: bool


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
    """What is asked of one endpoint. Exactly one of interval, slots, parent; none of them: only by hand."""

    id: str
    interval: timedelta | None = None
    slots: tuple[datetime, ...] | None = None
    parent: str = ""
    local: bool = False
    unmetered: bool = False
    mains: bool = False
    night: bool = False


@dataclass
class Oracle:
    """Judges histories; `wrong` are its findings."""

    spans: list[Span]
    zone: tzinfo
    runs: dict[str, list[Run]]
    successes: dict[str, list[datetime]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.starts = [span.start for span in self.spans]
        for id, runs in self.runs.items():
            self.successes[id] = [run.end for run in runs if run.status == "succeeded" and run.end is not None]

    def judge(self, rule: Rule) -> None:
        """Look at every run of an endpoint and at every gap between two."""
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
            self._must_not_wait(rule, windows, opens, before, run.start, failures)
            failures = self._failures(failures, run)
            before = run
        self._must_not_wait(rule, windows, opens, before, self.spans[-1].end, failures)

    @staticmethod
    def _failures(failures: int, run: Run) -> int:
        """Attempts that count, after this run; 0 when the regular times hold again."""
        if run.status in {"failed", "killed"}:
            return 0 if failures + 1 >= ATTEMPTS else failures + 1
        return failures if run.status == "stopped" else 0

    def _reason(self, rule: Rule, before: Run | None, run: Run, failures: int) -> bool:
        if before is not None and (failures > 0 or before.status == "stopped"):
            return True
        if rule.parent:
            since = self.spans[0].start if before is None else before.start
            return any(since <= success <= run.start for success in self.successes[rule.parent])
        if rule.slots is not None:
            since = self.spans[0].start if before is None else before.wall
            found = bisect_right(rule.slots, since)
            return found < len(rule.slots) and rule.slots[found] <= run.wall
        if rule.interval is not None:
            return before is None or run.counted - before.counted >= rule.interval - PUNCTUAL
        return False

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
        free = self.spans[0].start if before is None else before.end
        if free is None:
            return
        index = max(0, bisect_right(opens, free) - 1)
        while index < len(windows) and windows[index][0] < until:
            opened, closed, span = windows[index]
            index += 1
            due = self._due(rule, before, failures, span)
            if due is None:
                continue
            latest = max(opened, free, due) + SLACK
            if latest < min(closed, until):
                self.wrong.append(f"{rule.id}: due at {due}, allowed since {opened}, not started until {until}")
                return

    def _due(self, rule: Rule, before: Run | None, failures: int, span: Span) -> datetime | None:
        """From when on it has a reason, in true time, as far as it is in this span."""
        if before is not None and before.end is not None and (failures > 0 or before.status == "stopped"):
            return before.end + LONGEST_RETRY
        if rule.parent:
            since = self.spans[0].start if before is None else before.start
            found = bisect_right(self.successes[rule.parent], since)
            return self.successes[rule.parent][found] if found < len(self.successes[rule.parent]) else None
        if rule.slots is not None:
            since = self.spans[0].start if before is None else before.wall
            found = bisect_right(rule.slots, since)
            return rule.slots[found] - span.ahead if found < len(rule.slots) else None
        if rule.interval is not None:
            if before is None:
                return self.spans[0].start
            return before.counted + rule.interval - span.counted
        return None

    def _windows(self, rule: Rule) -> list[tuple[datetime, datetime, Span]]:
        """When the endpoint may start, neighbours with the same clock in one."""
        windows: list[tuple[datetime, datetime, Span]] = []
        for span in self.spans:
            allowed = span.up and not span.paused and (span.online or rule.local)
            allowed = allowed and not (rule.unmetered and span.metered) and not (rule.mains and span.battery)
            if not allowed:
                continue
            for start, end in self._nights(span) if rule.night else [(span.start, span.end)]:
                if windows and windows[-1][1] == start and windows[-1][2].ahead == span.ahead:
                    windows[-1] = (windows[-1][0], end, span)
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
