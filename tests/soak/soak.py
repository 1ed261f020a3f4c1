"""Virtual weeks of the real scheduler, runs, database and HTTP against a server that fails now and then.

Only the clock is not real: it stands still while anything runs, and then jumps to the next moment at which something is
to happen. An oracle, which knows nothing of the planner, judges every run and every gap between two.
"""

import gc
import json
import os
import queue
import subprocess
import sys
import time
import urllib.request
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest

from tests.schedule.oracle import Calendar, Oracle, Rule, Run, Span
from tests.soak.service import ENDPOINTS, kind_of
from trayapp.desktop.process import memory
from trayapp.desktop.process.paths import Home
from trayapp.endpoints.calendar import Days
from trayapp.endpoints.model import After, Endpoint, Incremental, Pages, Request, Response, Settings, Table
from trayapp.endpoints.naming import completed
from trayapp.endpoints.units import Duration, TimeOfDay
from trayapp.operations.runs import prune_history
from trayapp.operations.workspace import Workspace
from trayapp.schedule.driver.driver import Driver, Listener
from trayapp.schedule.driver.persistence import StoredStates
from trayapp.schedule.engine.actions import Start
from trayapp.schedule.engine.planner import Planner
from trayapp.store.bookkeeping import history
from trayapp.store.times import to_text
from trayapp.sync.cancel import CancelToken
from trayapp.sync.report import Progress, Report

BERLIN = ZoneInfo("Europe/Berlin")
FIRST = datetime(2026, 3, 23, 5, 0, tzinfo=UTC)
"""Six days before the clocks go forward."""
LOOK_EVERY = timedelta(hours=6)
CHANGE_EVERY = timedelta(minutes=30)
LONGEST_SLEEP = 0.02
"""Seconds that a run really sleeps where it wants to wait for the server."""
TABLES = ("_sync_runs", "_sync_changes", "_sync_endpoints")


class Clock:
    """Stands still until it is set; wall clock and monotonic clock are one."""

    def __init__(self) -> None:
        self.at = FIRST

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return (self.at - FIRST).total_seconds()

    def zone(self) -> ZoneInfo:
        return BERLIN


class Sample(NamedTuple):
    """The process at one moment, at rest; sizes in KiB, `rows` those of the bookkeeping."""

    at: datetime
    rss: int
    anonymous: int
    handles: int
    threads: int
    wal: int
    most_wal: int
    database: int
    rows: int
    runs: int


class Outcome(NamedTuple):
    """What came of it: samples, what the oracle found wrong, tables that differ, and how runs ended."""

    samples: list[Sample]
    wrong: list[str]
    differing: list[str]
    ended: Counter[str]
    seconds: float


# --- endpoints and what is asked of their runs


def pairs(base: str, calendar: Calendar) -> list[tuple[Endpoint, Rule]]:
    """Fifty endpoints with schedules from ten minutes to a day, at times, by cron, and after others."""
    found = []
    for number in range(ENDPOINTS):
        kind = kind_of(number)
        found.append(_scheduled(number, _asking(number, f"{base}/items/{number}", kind), calendar))
    return found


def _asking(number: int, url: str, kind: str) -> Endpoint:
    pages = {
        "link": Pages(kind="link"),
        "next": Pages(kind="next_url", path="next"),
        "since": Pages(kind="next_url", path="next"),
    }.get(kind, Pages(kind="none"))
    return completed(
        Endpoint(
            id=f"e{number}",
            url=url,
            request=Request(timeout=Duration(1)),
            response=Response(format="csv" if kind == "csv" else "json"),
            pages=pages,
            table=Table(name=f"t{number}", key=("id",)),
            incremental=Incremental(field="changed", param="since") if kind == "since" else None,
        )
    )


def _scheduled(number: int, made: Endpoint, calendar: Calendar) -> tuple[Endpoint, Rule]:
    from msgspec.structs import replace

    hours = [1 / 6, 0.5, 0.5, *[1] * 7, *[3] * 10, *[6] * 10]
    id = made.id
    if number < len(hours):
        every = Duration(round(hours[number] * 3600))
        return replace(made, every=every), Rule(id, timedelta(seconds=every.seconds))
    hour, minute = (number * 5) % 24, (number * 7) % 60
    if number < 36:
        at = replace(made, at=(TimeOfDay(hour, minute), TimeOfDay((hour + 9) % 24, 30)))
        return at, Rule(id, slots=calendar.slots(lambda _: True, (hour, minute), ((hour + 9) % 24, 30)))
    if number < 41:
        slots = calendar.slots(lambda day: day.isoweekday() <= 5, (hour, minute))
        return replace(made, cron=f"{minute} {hour} * * 1-5"), Rule(id, slots=slots)
    if number < 44:
        on = replace(made, on=(Days.parse("sun"),), at=(TimeOfDay(2, 30),))  # a time that the clocks skip once
        return on, Rule(id, slots=calendar.slots(lambda day: day.isoweekday() == 7, (2, 30)))
    if number < 47:
        parent = f"e{number - 40}"
        return replace(made, after=After(endpoint=parent)), Rule(id, parents=(parent,))
    return replace(made, every=Duration(86400)), Rule(id, timedelta(days=1))


# --- the server


class Service:
    """The server's process; a context manager."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def __enter__(self) -> "Service":
        command = [sys.executable, "-m", "tests.soak.service", str(self._seed)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.base = f"http://127.0.0.1:{self._said()}"
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def tell(self, word: str) -> None:
        """Have it change its records, or fail no more; when this returns, it has."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{word}\n")
        self._process.stdin.flush()
        self._said()

    def truth(self, number: int) -> list[dict[str, object]]:
        with urllib.request.urlopen(f"{self.base}/truth/{number}") as answer:
            records: list[dict[str, object]] = json.load(answer)
        return records

    def _said(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


# --- the program

_STATUSES = ("", "succeeded", "held", "failed", "permanent", "stopped")


class Log:
    """The runs of one endpoint, in few bytes: what the soak itself remembers must not look like a leak."""

    def __init__(self) -> None:
        self._starts, self._ends, self._statuses = array("d"), array("d"), array("B")

    def __len__(self) -> int:
        return len(self._starts)

    def begin(self, at: datetime) -> None:
        """A run starts."""
        self._starts.append((at - FIRST).total_seconds())
        self._ends.append(0.0)
        self._statuses.append(0)

    def end(self, at: datetime, status: str) -> None:
        """The newest run ends."""
        assert not self._statuses[-1], "two ends of one run"
        self._ends[-1], self._statuses[-1] = (at - FIRST).total_seconds(), _STATUSES.index(status)

    def runs(self) -> list[Run]:
        """For the oracle."""
        found = []
        for start, end, status in zip(self._starts, self._ends, self._statuses, strict=True):
            at = FIRST + timedelta(seconds=start)
            found.append(Run(at, at, at, end=FIRST + timedelta(seconds=end), status=_STATUSES[status]))
        return found


class Soak:
    """The program but for its windows: a home, the scheduler's driver, and the loop that gives it its time."""

    def __init__(self, folder: Path, service: Service, length: timedelta, told: Callable[[Sample], object]) -> None:
        self.clock = Clock()
        self.length = length
        self.logs = {f"e{number}": Log() for number in range(ENDPOINTS)}
        self.ended: Counter[str] = Counter()
        self.samples: list[Sample] = []
        self._service = service
        self._told = told
        self._calendar = Calendar(FIRST - timedelta(days=2), FIRST + length + timedelta(days=2), BERLIN)
        self.pairs = pairs(service.base, self._calendar)
        self.workspace = Workspace(Home(folder, folder, folder))
        self.workspace.clock = self.clock  # type: ignore[assignment]  # it is not the system's
        self._woken: queue.SimpleQueue[None] = queue.SimpleQueue()
        listener = Listener(
            finished=self._finished, refused=lambda *_: None, asks=lambda *_: None, progress=lambda *_: None
        )
        states = StoredStates(self.workspace.store)
        self._driver = Driver(self._execute, states, self.clock, listener, partial(self._woken.put, None))
        self._most_wal = 0

    def live(self) -> None:
        """Until the end of the time."""
        with _impatient():
            self._live()

    def _live(self) -> None:
        driver, clock, end = self._driver, self.clock, FIRST + self.length
        planner = driver.load()
        settings = Settings(endpoint=tuple(endpoint for endpoint, _ in self.pairs))
        driver.post(lambda planner, now: planner.apply_settings(settings, now))
        driver.post(lambda planner, now: planner.update_conditions({"online": True, "captive": False}, now))
        look, change = FIRST + LOOK_EVERY, FIRST + CHANGE_EVERY
        while clock.at < end:
            self._turn(planner)
            if planner.busy:
                self._wait()
                continue
            at = min((*planner.wakes.values(), look, change, end))
            driver.watch.before_waiting((at - clock.at).total_seconds())
            clock.at = max(clock.at, at)
            if clock.at >= change:
                self._service.tell("change")
                change += CHANGE_EVERY
            if clock.at >= look:
                self._look()
                look += LOOK_EVERY
        self._turn(planner)
        while planner.busy:
            self._wait()
            self._turn(planner)
        driver.saver.close()

    def _turn(self, planner: Planner) -> None:
        self._driver.hear(lambda now: [key for key, at in planner.wakes.items() if at <= now])
        self._driver.do()

    def _wait(self) -> None:
        with suppress(queue.Empty):
            self._woken.get(timeout=60)

    def _execute(self, start: Start, token: CancelToken, tell: Callable[[Progress], None]) -> Report:
        self.logs[start.endpoint.id].begin(self.clock.at)
        return self.workspace.execute(start.endpoint, start.wish.full, token, tell)

    def _finished(self, report: Report) -> None:
        is_final = report.status == "failed" and report.failure == "permanent"
        self.logs[report.endpoint].end(self.clock.at, "permanent" if is_final else report.status)
        self.ended[report.status if report.problem is None else f"{report.status}: {report.problem.title}"] += 1
        self._most_wal = max(self._most_wal, self._wal())

    def settle(self) -> None:
        """Fetch everything in full from a server without faults, and agree to all that is deleted."""
        self._service.tell("calm")
        for endpoint, _ in self.pairs:
            report = self.workspace.execute(endpoint, True, CancelToken(), lambda _: None, apply_held=True)
            assert report.status == "succeeded", (endpoint.id, report.sentence)

    # Judging

    def runs(self) -> dict[str, list[Run]]:
        """All runs, by endpoint."""
        return {id: log.runs() for id, log in self.logs.items()}

    def wrong(self, runs: dict[str, list[Run]]) -> list[str]:
        """Runs that were lost or doubled, and lines of the history that do not fit."""
        end = FIRST + self.length
        state = {"up": True, "paused": False, "online": True, "captive": False}
        oracle = Oracle([Span(FIRST, end, timedelta(0), timedelta(0), state)], BERLIN, runs)
        for _, rule in self.pairs:
            oracle.judge(rule)
        with self.workspace.store.reading() as db:
            for endpoint, _ in self.pairs:
                lines = [row for row in history.list_runs(db, endpoint.id, 10**6) if row.status != "skipped"]
                made = [to_text(run.start) for run in runs[endpoint.id]]
                if sorted(to_text(row.started) for row in lines) != made or len(set(made)) != len(made):
                    oracle.wrong.append(f"{endpoint.id}: {len(made)} runs, {len(lines)} in the history")
        return oracle.wrong

    def differing(self) -> list[str]:
        """Tables that are not what the server has."""
        found = []
        with self.workspace.store.reading() as db:
            for number in range(ENDPOINTS):
                names = ("id", "text", "size", "changed", "of")
                columns = ", ".join(f'"{name}"' for name in names)
                rows = sorted(db.execute(f"SELECT {columns} FROM t{number}").fetchall())
                truth = sorted(tuple(record[name] for name in names) for record in self._service.truth(number))
                if [tuple(map(str, row)) for row in rows] != [tuple(map(str, row)) for row in truth]:
                    found.append(f"t{number}: {len(rows)} rows of {len(truth)}")
        return found

    # Looking

    def _look(self) -> None:
        """What the tray program does at rest, and how much there is then."""
        prune_history(self.workspace)
        self.workspace.store.shrink()
        gc.collect()
        memory.give_back()
        with self.workspace.store.reading() as db:
            rows = sum(int(db.execute(f"SELECT count(*) FROM {table}").get) for table in TABLES)
        sample = Sample(
            at=self.clock.at,
            rss=_field("status", "VmRSS"),
            anonymous=_field("status", "RssAnon"),
            handles=len(os.listdir("/proc/self/fd")),
            threads=len(os.listdir("/proc/self/task")),
            wal=self._wal(),
            most_wal=self._most_wal,
            database=self.workspace.home.database.stat().st_size // 1024,
            rows=rows,
            runs=sum(map(len, self.logs.values())),
        )
        self._most_wal = 0
        self.samples.append(sample)
        self._told(sample)

    def _wal(self) -> int:
        path = self.workspace.home.database
        try:
            return path.with_name(f"{path.name}-wal").stat().st_size // 1024
        except FileNotFoundError:
            return 0


def _field(file: str, name: str) -> int:
    """A number of /proc/self, in KiB."""
    for line in Path("/proc/self", file).read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    raise KeyError(name)


@contextmanager
def _impatient() -> Iterator[None]:
    """Waits within a run take next to no time: the clock stands still meanwhile."""
    wait = CancelToken.wait
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CancelToken, "wait", lambda token, seconds: wait(token, min(seconds, LONGEST_SLEEP)))
        yield


def soak(folder: Path, days: float, seed: int = 1, told: Callable[[Sample], object] = lambda _: None) -> Outcome:
    """So many virtual days in that folder."""
    began = time.monotonic()
    with Service(seed) as service:
        made = Soak(folder, service, timedelta(days=days), told)
        made.live()
        wrong = made.wrong(made.runs())
        made.settle()
        differing = made.differing()
        made.workspace.close()
    return Outcome(made.samples, wrong, differing, made.ended, time.monotonic() - began)


def growth(samples: Sequence[Sample], what: str) -> float:
    """By which part of it the last quarter's median is more than that of the first settled one.

    The first eighth is left out: until then every kind of run and fault has been met once.
    """
    settled = samples[len(samples) // 8 :]
    quarter = max(1, len(settled) // 4)
    first, last = (median(getattr(sample, what) for sample in part) for part in (settled[:quarter], settled[-quarter:]))
    return last / first - 1
