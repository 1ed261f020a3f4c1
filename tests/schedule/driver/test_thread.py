"""The scheduler's thread with real threads, real signals and a clock that can be set."""

import errno
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.date import DateTrigger
from pytestqt.qtbot import QtBot

from tests.patience import SECONDS
from tests.problems import problem
from tests.schedule.fakes import BERLIN, MemoryStates, endpoint, report
from trayapp.endpoints.model import Endpoint, Limits, Settings
from trayapp.endpoints.units import Duration
from trayapp.errors import UserError
from trayapp.schedule.driver import thread as thread_module
from trayapp.schedule.driver.thread import SchedulerThread
from trayapp.schedule.engine import planner as planner_module
from trayapp.schedule.engine.actions import Start
from trayapp.schedule.engine.planner import Planner
from trayapp.schedule.engine.snapshot import EndpointStatus, Snapshot
from trayapp.store.bookkeeping.endpoint_states import EndpointRow
from trayapp.store.bookkeeping.history import RunRow
from trayapp.store.bookkeeping.pause import Pause
from trayapp.sync.cancel import CancelToken
from trayapp.sync.report import Progress, Report


def ended(scheduler: SchedulerThread) -> bool:
    return scheduler.wait(round(SECONDS * 1000))


class SettableClock:
    """The system's clocks with a wall clock that can be moved."""

    def __init__(self) -> None:
        self.moved = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.moved

    def monotonic(self) -> float:
        return time.monotonic()

    def zone(self) -> Any:
        return BERLIN


class Runs:
    """An `execute` whose runs last until they are let go, or not at all; what it saw, for the tests to look at."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, bool]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.at_once = 0
        self.most_at_once = 0
        self.of_one = 0
        self.active: list[str] = []
        self.lock = threading.Lock()
        self.progress: Iterable[Progress] = []
        self.raises: BaseException | None = None
        self.deaf = False

    def __call__(self, start: Start, token: CancelToken, progress: Callable[[Progress], None]) -> Report:
        endpoint = start.endpoint
        with self.lock:
            self.calls.append((endpoint.id, start.wish.full))
            assert endpoint.id not in self.active
            self.active.append(endpoint.id)
            self.most_at_once = max(self.most_at_once, len(self.active))
        try:
            for each in self.progress:
                progress(each)
            while not self.gate.wait(0 if self.gate.is_set() else 0.01):
                if not self.deaf:
                    token.check()
            if self.raises is not None:
                raise self.raises
        finally:
            with self.lock:
                self.active.remove(endpoint.id)
        return report(endpoint.id, at=datetime.now(UTC))

    @property
    def ids(self) -> list[str]:
        return [id for id, _ in self.calls]


class Bench:
    """A started scheduler, and everything it said."""

    def __init__(self, qtbot: QtBot) -> None:
        self.qtbot = qtbot
        self.clock = SettableClock()
        self.states = MemoryStates()
        self.runs = Runs()
        self.reports: list[Report] = []
        self.skipped: list[RunRow] = []
        self.snapshots: list[Snapshot] = []

    def start(self, *endpoints: Endpoint) -> SchedulerThread:
        self.scheduler = SchedulerThread(self.runs, self.states, self.clock)
        self.scheduler.run_finished.connect(self.reports.append)
        self.scheduler.skipped.connect(self.skipped.append)
        self.scheduler.snapshot_changed.connect(self.snapshots.append)
        self.scheduler.apply_settings(Settings(endpoint=endpoints))
        self.scheduler.start()
        return self.scheduler

    def until(self, true: Callable[[], object]) -> None:
        self.qtbot.waitUntil(lambda: bool(true()))

    def status(self, id: str = "a") -> EndpointStatus:
        """The endpoint in the newest snapshot; an empty one before the first."""
        shown = {each.id: each for each in self.scheduler.snapshot().endpoints}
        return shown.get(id) or EndpointStatus(id=id, name="", table="", state="disabled")

    def settled(self) -> None:
        """Wait until everything posted so far has been handled."""
        handled = threading.Event()
        self.scheduler._post(lambda *_: handled.set())
        assert handled.wait(SECONDS)

    def quit(self) -> None:
        self.runs.gate.set()
        self.scheduler.shutdown()
        assert ended(self.scheduler)


@pytest.fixture
def bench(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    # A busy machine may start the thread after a test's due time: what is overdue then must not wait for long.
    monkeypatch.setattr("trayapp.schedule.engine.planner.SETTLE", timedelta(seconds=0.3))
    bench = Bench(qtbot)
    yield bench
    bench.quit()


def row(id: str = "a", due_in: float = 3600, **fields: Any) -> EndpointRow:
    """A known endpoint that is due in so many seconds."""
    now = datetime.now(UTC)
    due = now + timedelta(seconds=due_in)
    defaults = {"last_enqueued": now, "last_attempt": due - timedelta(hours=1), "next_due": due}
    return EndpointRow(id=id, **(defaults | fields))


def test_a_due_endpoint_runs_by_itself_and_waits_for_its_next_time(bench: Bench) -> None:
    bench.states.states["a"] = row(due_in=0.2)
    bench.start(endpoint())
    bench.until(lambda: bench.reports)
    bench.until(lambda: bench.status().state == "enqueued" and bench.status().last_success)
    due = bench.reports[0].next_due
    assert due is not None
    assert abs(due - datetime.now(UTC) - timedelta(hours=1)) < timedelta(seconds=3)
    assert bench.status().next_due == due
    assert bench.status().recent == ("succeeded",)
    bench.until(lambda: bench.states.states["a"].next_due == due)
    assert bench.runs.calls == [("a", False)]


def test_sync_now_runs_all_or_the_named_ones(bench: Bench) -> None:
    scheduler = bench.start(endpoint("a", manual=True), endpoint("b"), endpoint("c", enabled=False))
    scheduler.sync_now()
    bench.until(lambda: len(bench.reports) == 2)
    scheduler.sync_now(["c", "unknown"], full=True)
    bench.until(lambda: len(bench.reports) == 3)
    assert sorted(bench.runs.calls) == [("a", False), ("b", False), ("c", True)]


def test_sync_now_never_runs_an_endpoint_twice_at_once(bench: Bench) -> None:
    bench.runs.gate.clear()
    scheduler = bench.start(endpoint())
    for _ in range(5):
        scheduler.sync_now(["a"])
    bench.until(lambda: bench.runs.calls)
    scheduler.sync_now(["a"])
    bench.settled()
    bench.runs.gate.set()
    bench.until(lambda: bench.reports)
    bench.settled()
    assert bench.runs.ids == ["a"]


def test_sync_now_runs_in_a_pause_and_outside_the_hours(bench: Bench) -> None:
    scheduler = bench.start(endpoint())
    scheduler.pause(None)
    scheduler.sync_now(["a"])
    bench.until(lambda: bench.reports)
    bench.until(lambda: bench.snapshots[-1].paused)


def test_at_most_four_runs_at_once_and_two_per_server(bench: Bench) -> None:
    bench.runs.gate.clear()
    scheduler = bench.start(*(endpoint(f"e{number}", url="http://one.test/") for number in range(4)))
    scheduler.sync_now()
    bench.until(lambda: len(bench.runs.active) == 2)
    bench.settled()
    assert len(bench.runs.active) == 2
    bench.runs.gate.set()
    bench.until(lambda: len(bench.reports) == 4)
    bench.runs.gate.clear()
    scheduler.apply_settings(Settings(endpoint=tuple(endpoint(f"f{number}") for number in range(6))))
    scheduler.sync_now()
    bench.until(lambda: len(bench.runs.active) == 4)
    bench.settled()
    assert len(bench.runs.active) == 4


def test_a_pause_holds_scheduled_runs_and_ends_by_itself(bench: Bench) -> None:
    bench.states.states["a"] = row(due_in=0.1)
    scheduler = bench.start(endpoint())
    scheduler.pause(bench.clock.now() + timedelta(seconds=0.6))
    bench.until(lambda: bench.skipped)
    assert str(bench.skipped[0].reason).startswith("paused until ")
    assert not bench.runs.calls
    bench.until(lambda: bench.reports)
    bench.until(lambda: not bench.snapshots[-1].paused)
    bench.until(lambda: bench.states.pause is None)
    assert len(bench.skipped) == 1


def test_a_pause_survives_a_restart_and_is_ended_by_resume(bench: Bench) -> None:
    bench.states.states["a"] = row(due_in=0.1)
    bench.states.pause = Pause(None)
    scheduler = bench.start(endpoint())
    bench.until(lambda: bench.skipped)
    assert str(bench.skipped[0].reason) == "paused"
    bench.until(lambda: bench.status().state == "blocked")
    scheduler.resume()
    bench.until(lambda: bench.reports)
    bench.until(lambda: bench.states.pause is None)


def test_a_skipped_run_is_recorded_once(bench: Bench) -> None:
    bench.states.states["a"] = row(due_in=0.1)
    scheduler = bench.start(endpoint())
    scheduler.update_conditions(online=False)
    bench.until(lambda: bench.skipped)
    for free in range(5):
        scheduler.update_conditions(online=False, disk_free=free)
    bench.settled()
    bench.until(lambda: str(bench.status().blocked_by) == "no network")
    bench.until(lambda: [run.status for run in bench.states.runs] == ["skipped"])
    assert len(bench.skipped) == 1
    assert not bench.snapshots[-1].online


def test_stop_ends_the_run_and_waits_for_the_next_time(bench: Bench) -> None:
    bench.runs.gate.clear()
    scheduler = bench.start(endpoint())
    scheduler.sync_now(["a"])
    bench.until(lambda: bench.runs.active)
    scheduler.stop(("a",))
    bench.until(lambda: bench.reports)
    assert (bench.reports[0].status, str(bench.reports[0].reason)) == ("stopped", "stopped by the user")
    assert bench.reports[0].next_due is not None
    assert bench.reports[0].next_due > datetime.now(UTC) + timedelta(minutes=59)
    bench.until(lambda: str(bench.states.states["a"].stop_reason) == "stopped by the user")


def test_a_run_over_its_time_limit_is_stopped_and_tried_again(bench: Bench) -> None:
    bench.runs.gate.clear()
    bench.start(endpoint(limits=Limits(run=Duration(0.2)))).sync_now(["a"])
    bench.until(lambda: bench.reports)
    assert str(bench.reports[0].reason) == "took longer than 0.2s"
    bench.until(lambda: bench.status().state == "failing")
    assert str(bench.status().problem) == (
        "The run took longer than 0.2s. Raise limits.run of the endpoint to allow it more time."
    )
    assert bench.status().attempts == 1


@pytest.mark.parametrize("error", [ValueError("bug"), SystemExit(3)])
def test_an_error_in_a_run_is_a_failed_run(bench: Bench, error: BaseException, caplog: Any) -> None:
    bench.runs.raises = error
    scheduler = bench.start(endpoint())
    with caplog.at_level(logging.ERROR):
        scheduler.sync_now(["a"])
        bench.until(lambda: bench.reports)
    assert bench.reports[0].status == "failed"
    assert bench.reports[0].problem is not None
    assert bench.reports[0].problem.code == "bug"
    assert "The run of a ended with an unexpected error" in caplog.text
    bench.until(lambda: [run.status for run in bench.states.runs] == ["failed"])
    assert scheduler.isRunning()


def test_a_full_disk_in_a_run_is_no_bug(bench: Bench, caplog: Any) -> None:
    bench.runs.raises = OSError(errno.ENOSPC, "full", "/data/x.db")
    bench.start(endpoint()).sync_now(["a"])
    bench.until(lambda: bench.reports)
    assert bench.reports[0].problem.code == "disk_full"
    assert "unexpected" not in caplog.text


def test_a_user_error_in_a_run_is_shown_as_it_is(bench: Bench) -> None:
    bench.runs.raises = UserError("No keyring", "It is locked.", "Unlock it.")
    bench.start(endpoint()).sync_now(["a"])
    bench.until(lambda: bench.reports)
    assert bench.reports[0].problem == problem("No keyring", "It is locked.", "Unlock it.")


def slow_pages(count: int) -> Iterator[Progress]:
    for number in range(1, count + 1):
        time.sleep(0.005)
        yield Progress(endpoint="a", pages=number)


def test_progress_is_shown_at_most_five_times_a_second(bench: Bench) -> None:
    bench.runs.progress = slow_pages(100)
    bench.runs.gate.clear()
    scheduler = bench.start(endpoint())
    started = time.monotonic()
    scheduler.sync_now(["a"])
    bench.until(lambda: bench.status().progress and bench.status().progress.pages == 100)
    bench.runs.gate.set()
    bench.until(lambda: bench.status().state == "enqueued")
    assert bench.status().progress is None
    bench.until(lambda: bench.snapshots[-1] is scheduler.snapshot())
    assert len(bench.snapshots) <= 2 + (time.monotonic() - started) * 5


def test_sleep_shows_in_the_clocks_and_overdue_runs_come_once_after_a_moment(
    bench: Bench,
) -> None:
    bench.states.states["a"] = row(due_in=1800)
    scheduler = bench.start(endpoint())
    bench.settled()
    bench.clock.moved = timedelta(hours=8.5)
    woke = time.monotonic()
    scheduler.system_resumed()
    bench.until(lambda: bench.reports)
    assert time.monotonic() - woke >= 0.3
    bench.settled()
    assert bench.runs.ids == ["a"]
    assert bench.reports[0].next_due is not None
    assert bench.reports[0].next_due > bench.clock.now() + timedelta(minutes=59)


def test_a_clock_set_back_does_not_hold_up(bench: Bench) -> None:
    bench.states.states["a"] = row(due_in=1.0)
    scheduler = bench.start(endpoint())
    bench.settled()
    bench.clock.moved = timedelta(hours=-1)
    scheduler.update_conditions()
    bench.until(lambda: bench.reports)


def test_settings_change_while_it_runs(bench: Bench) -> None:
    bench.runs.gate.clear()
    scheduler = bench.start(endpoint("a"), endpoint("b"))
    scheduler.sync_now()
    bench.until(lambda: len(bench.runs.active) == 2)
    scheduler.apply_settings(Settings(endpoint=(endpoint("a", every="5m"),)))
    bench.until(lambda: [each.endpoint for each in bench.reports] == ["b"])
    assert str(bench.reports[0].reason) == "the endpoint was removed"
    bench.runs.gate.set()
    bench.until(lambda: len(bench.reports) == 2)
    assert bench.reports[1].next_due is not None
    assert bench.reports[1].next_due < datetime.now(UTC) + timedelta(minutes=5)
    bench.until(lambda: [each.id for each in bench.snapshots[-1].endpoints] == ["a"])


def test_a_settings_problem_shows_until_good_settings_come(bench: Bench) -> None:
    scheduler = bench.start(endpoint())
    scheduler.settings_failed(problem("settings.toml cannot be read"))
    bench.until(lambda: bench.snapshots and bench.snapshots[-1].settings_problem)
    assert len(bench.snapshots[-1].endpoints) == 1
    scheduler.apply_settings(Settings(endpoint=(endpoint(),)))
    bench.until(lambda: not bench.snapshots[-1].settings_problem)


def test_a_note_shows_the_result_of_applied_deletes(bench: Bench) -> None:
    bench.states.states["a"] = row(held=30, rows=100)
    scheduler = bench.start(endpoint())
    bench.until(lambda: bench.snapshots and bench.status().state == "held")
    scheduler.note(report("a", rows=70))
    bench.until(lambda: bench.status().state == "enqueued")
    assert bench.status().rows == 70


def test_shutdown_stops_runs_which_are_due_again(bench: Bench) -> None:
    bench.runs.gate.clear()
    scheduler = bench.start(endpoint("a"), *(endpoint(f"e{number}") for number in range(6)))
    scheduler.sync_now()
    bench.until(lambda: len(bench.runs.active) == 4)
    started = time.monotonic()
    scheduler.shutdown(deadline=SECONDS)
    assert ended(scheduler)
    assert time.monotonic() - started < SECONDS / 2, "it waited for more than the runs"
    assert not bench.runs.active
    assert len(bench.runs.calls) == 4
    saved = [bench.states.states[id] for id in bench.runs.ids]
    assert {state.status for state in saved} == {"enqueued"}
    assert {str(state.stop_reason) for state in saved} == {"the program ended"}
    assert all(state.next_override and state.next_override <= datetime.now(UTC) for state in saved)
    assert not any(thread.name.startswith(("run ", "schedule")) for thread in threading.enumerate())


def test_shutdown_leaves_a_deaf_run_behind_after_the_deadline(bench: Bench) -> None:
    bench.runs.gate.clear()
    bench.runs.deaf = True
    scheduler = bench.start(endpoint())
    scheduler.sync_now()
    bench.until(lambda: bench.runs.active)
    started = time.monotonic()
    scheduler.shutdown(deadline=1.3)
    assert ended(scheduler)
    assert 0.2 < time.monotonic() - started < SECONDS / 2
    assert bench.states.states["a"].status == "running"


def test_a_store_that_fails_at_first_loses_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    monkeypatch.setattr("trayapp.schedule.driver.persistence.Saver.RETRY", 0.1)
    scheduler = bench.start(endpoint())
    bench.until(lambda: bench.states.states)
    bench.states.fail_with = OSError("disk full")
    scheduler.sync_now()
    bench.until(lambda: bench.reports)
    bench.until(lambda: "The schedule could not be saved" in caplog.text)
    bench.states.fail_with = None
    bench.until(lambda: bench.states.states["a"].last_success)


def test_a_store_that_cannot_be_read_is_read_later(bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    monkeypatch.setattr(thread_module, "RETRY", 0.1)
    bench.states.fail_with = OSError("locked")
    scheduler = bench.start(endpoint())
    bench.until(lambda: "The scheduler met an error and goes on" in caplog.text)
    bench.states.fail_with = None
    scheduler.sync_now()
    bench.until(lambda: bench.reports)


def test_a_scheduler_that_cannot_read_its_store_can_be_shut_down(bench: Bench, caplog: Any) -> None:
    bench.states.fail_with = OSError("locked")
    scheduler = bench.start(endpoint())
    bench.until(lambda: "goes on" in caplog.text)
    scheduler.shutdown()
    assert ended(scheduler)


def test_an_error_in_the_planner_loses_no_run(bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    monkeypatch.setattr(thread_module, "RETRY", 0.1)
    sound = Planner.wake

    def broken(_planner: Planner, keys: Iterable[str], _now: datetime) -> None:
        if keys:
            monkeypatch.setattr(Planner, "wake", sound)
            raise RuntimeError("bug")

    monkeypatch.setattr(Planner, "wake", broken)
    bench.states.states.update(a=row("a", due_in=0.2), b=row("b", due_in=0.5))
    bench.start(endpoint("a"), endpoint("b"))
    bench.until(lambda: len(bench.reports) == 2)
    assert "The scheduler met an error and goes on" in caplog.text


def _ten_thousand_bare_jobs() -> float:
    """CPU seconds that APScheduler alone takes for as many jobs: what this machine can do, under whatever load."""
    bare = BackgroundScheduler()
    at = datetime.now(UTC) + timedelta(days=1)
    started = time.process_time()
    for number in range(10_000):
        bare.add_job(print, DateTrigger(at), id=str(number))
    bare.start(paused=True)  # only now are they put in order
    spent = time.process_time() - started
    bare.shutdown(wait=False)
    return spent


@pytest.mark.slow
def test_ten_thousand_endpoints(bench: Bench) -> None:
    endpoints = tuple(endpoint(f"e{number}", every="1d") for number in range(10_000))
    now = datetime.now(UTC)
    bench.states.states = {
        each.id: EndpointRow(
            id=each.id,
            last_enqueued=now,
            last_attempt=now - timedelta(hours=1),
            next_due=now + timedelta(hours=23),
        )
        for each in endpoints
    }
    started = time.process_time()
    scheduler = bench.start(*endpoints)
    posted = time.process_time()
    bench.until(lambda: bench.snapshots and len(bench.snapshots[-1].endpoints) == 10_000)
    applied = time.process_time()
    for _ in range(20):
        scheduler.system_resumed()
        bench.settled()
    woken = time.process_time()
    print(f"posted {posted - started:.3f} s, applied {applied - posted:.3f} s, 20 resumes {woken - applied:.3f} s")
    assert applied - posted < _ten_thousand_bare_jobs()


@pytest.mark.parametrize("paused", [False, True])
def test_what_runs_at_the_start_runs_once_then_and_not_at_new_settings(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, paused: bool
) -> None:
    monkeypatch.setattr(planner_module, "SETTLE", timedelta(seconds=0.3))
    known = EndpointRow(id="a", last_enqueued=datetime.now(UTC), last_attempt=datetime.now(UTC))
    bench.states = MemoryStates(known, pause=Pause(None) if paused else None)
    first, other = endpoint("a", at_start=True), endpoint("hand", manual=True)
    bench.start(first, other)
    if paused:
        bench.until(lambda: [str(row.reason) for row in bench.skipped] == ["paused"])
        bench.scheduler.resume()
    bench.until(lambda: len(bench.reports) == 1)
    bench.scheduler.apply_settings(Settings(endpoint=(first, other, endpoint("b", at_start=True, manual=True))))
    bench.scheduler.apply_settings(Settings(endpoint=(first,)))
    bench.scheduler.sync_now(["a"])
    bench.until(lambda: len(bench.reports) == 2)
    assert bench.runs.ids == ["a", "a"]
    assert bench.states.states["a"].next_due is None
