"""The scheduler without Qt: what it starts, when it ends, and what ends it."""

import os
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest

from tests.schedule.fakes import BERLIN, NOW, FakeClock, MemoryStates, endpoint, report
from trayapp.endpoints.model import After, Endpoint, Limits, Retry, Settings, When
from trayapp.endpoints.units import Duration, HostPort, Size
from trayapp.messages import say
from trayapp.schedule.conditions.machine import Answers, Conditions, Question
from trayapp.schedule.driver import headless
from trayapp.schedule.driver.headless import HeadlessScheduler
from trayapp.schedule.engine import board, planner
from trayapp.schedule.engine.actions import Start
from trayapp.schedule.engine.planner import Planner
from trayapp.store.bookkeeping.endpoint_states import EndpointRow
from trayapp.store.bookkeeping.pause import Pause
from trayapp.sync.cancel import CancelToken
from trayapp.sync.report import Progress, Report

HOUR = timedelta(hours=1)
NAS = HostPort.parse("nas.test:445")


def row(id: str, due: timedelta, **fields: Any) -> EndpointRow:
    """A known endpoint with an interval of an hour that is due in so long."""
    defaults = {"last_enqueued": NOW - HOUR, "last_attempt": NOW + due - HOUR}
    return EndpointRow(id=id, next_due=NOW + due, **(defaults | fields))


def due(
    *pairs: tuple[Endpoint, EndpointRow | None], conditions: Conditions | None = None, pause: Pause | None = None
) -> list[str]:
    """The endpoints that start, in this order."""
    made = Planner({row.id: row for _, row in pairs if row}, pause, {}, BERLIN, only=frozenset("abc"))
    made.apply_settings(Settings(endpoint=tuple(endpoint for endpoint, _ in pairs)), NOW)
    made.set_conditions(conditions or Conditions(), NOW)
    return [start.endpoint.id for start in made.take(NOW).start]


def test_the_longest_due_comes_first() -> None:
    assert due(
        (endpoint("a", every="1h"), row("a", -HOUR / 2)),
        (endpoint("b", every="1h"), row("b", -HOUR)),
        (endpoint("c", every="1h"), row("c", HOUR)),
    ) == ["b", "a"]


def test_a_new_endpoint_with_an_interval_is_due_and_one_with_fixed_times_is_not() -> None:
    assert due((endpoint("a"), None), (endpoint("b", at=["08:00"]), None), (endpoint("c", manual=True), None)) == ["a"]


def test_switched_off_or_blocked_is_not_due() -> None:
    late = row("a", -HOUR)
    assert due((endpoint("a", enabled=False), late)) == []
    assert due((endpoint("a"), late), conditions=Conditions(online=False)) == []
    assert due((endpoint("a"), late), pause=Pause(None)) == []


def test_an_interrupted_run_is_due() -> None:
    assert due((endpoint("a"), row("a", timedelta(0), status="running", attempts=1))) == ["a"]


def test_what_another_process_is_to_run_is_left_as_it_is() -> None:
    kept = row("d", -HOUR, blocked_by=say("on battery"))
    assert due((endpoint("d"), kept), (endpoint("e"), row("e", -HOUR)), (endpoint("a"), row("a", -HOUR))) == ["a"]
    made = Planner({"d": kept}, None, {}, BERLIN, only=frozenset("a"))
    made.apply_settings(Settings(endpoint=(endpoint("d"),)), NOW)
    made.set_conditions(Conditions(online=False), NOW)
    actions = made.take(NOW)
    assert (actions.start, actions.save, actions.skipped) == ((), (), ())
    assert not made.pending


class Machine:
    """A machine whose conditions a test sets, and that counts how often it is asked."""

    def __init__(self, answers: Answers | None = None, **found: Any) -> None:
        self.found = found
        self.answers = answers
        self.looks: list[list[str]] = []
        self.asked: list[frozenset[Question]] = []

    def look(self, endpoints: Sequence[Endpoint]) -> Mapping[str, Any]:
        self.looks.append(sorted(each.id for each in endpoints))
        return dict(self.found)

    def ask(self, questions: frozenset[Question], running: bool, tell: Callable[[Answers], None]) -> None:
        self.asked.append(questions)
        if self.answers is not None:
            answers = {question: self.answers[question] for question in questions}
            threading.Timer(0.05, tell, (answers,)).start()


class Bench:
    """A headless scheduler on a machine and a disk in memory; `on_run` is what its runs do."""

    def __init__(self, *rows: EndpointRow, machine: Machine | None = None) -> None:
        self.states = MemoryStates(*rows)
        self.machine = machine or Machine()
        self.clock = FakeClock()
        self.started: list[str] = []
        self.at_once = self.most_at_once = 0
        self.lock = threading.Lock()
        self.on_run: Callable[[Start, CancelToken], Report | None] = lambda *_: None

    def execute(self, start: Start, token: CancelToken, _: Callable[[Progress], None]) -> Report:
        with self.lock:
            self.started.append(start.endpoint.id)
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            return self.on_run(start, token) or report(start.endpoint.id, at=self.clock.now())
        finally:
            with self.lock:
                self.at_once -= 1

    def run(self, *endpoints: Endpoint, wished: Sequence[str] = (), **options: Any) -> HeadlessScheduler:
        only = frozenset() if wished else frozenset(each.id for each in endpoints)
        scheduler = HeadlessScheduler(self.execute, self.states, self.clock, self.machine, lambda _: None, only)
        scheduler.run(Settings(endpoint=endpoints), wished, **options)
        return scheduler

    def runs(self) -> list[tuple[str, str]]:
        """What the scheduler itself wrote into the history."""
        return [(run.endpoint, str(run.reason)) for run in self.states.runs]


def until_stopped(_: Start, token: CancelToken) -> None:
    token.wait(60)
    raise AssertionError("the run was not stopped")


def test_it_ends_when_nothing_is_due_and_asks_the_machine_nothing() -> None:
    bench = Bench(row("a", HOUR))
    assert bench.run(endpoint("a"), endpoint("b", manual=True)).reports == {}
    assert bench.machine.looks == []


@pytest.mark.parametrize("wished", [(), ("a", "b")], ids=["due", "wished"])
def test_a_chain_runs_to_its_end(wished: tuple[str, ...]) -> None:
    bench = Bench()
    scheduler = bench.run(endpoint("b", after=After("a")), endpoint("a"), wished=wished)
    assert bench.started == ["a", "b"]
    assert {id: each.status for id, each in scheduler.reports.items()} == {"a": "succeeded", "b": "succeeded"}
    assert [bench.states.states[id].next_override for id in "ab"] == [None, None]


def test_what_the_user_did_not_ask_for_is_due_after_its_parent_but_does_not_run() -> None:
    bench = Bench()
    bench.run(endpoint("b", after=After("a")), endpoint("a"), wished=["a"])
    assert bench.started == ["a"]
    assert bench.states.states["b"].next_override is not None
    assert list(bench.run(endpoint("b", after=After("a")), endpoint("a")).reports) == ["b"]


@pytest.mark.parametrize(("hosts", "most"), [(1, 2), (2, 4), (8, 4)])
def test_at_most_two_at_once_on_one_host_and_four_in_all(hosts: int, most: int) -> None:
    bench = Bench()
    full = threading.Event()

    def wait_for_others(*_: object) -> None:
        if bench.at_once == most:
            full.set()
        assert full.wait(60)

    bench.on_run = wait_for_others
    bench.run(*(endpoint(f"e{number}", url=f"http://{number % hosts}.test/") for number in range(8)))
    assert len(bench.started) == 8
    assert bench.most_at_once == most


def test_it_waits_for_what_starts_a_moment_after_the_network_came_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(headless, "LOOK_EVERY", 0.0)
    monkeypatch.setattr(planner, "SETTLE", timedelta(seconds=0.2))
    monkeypatch.setattr(board, "SPREAD", timedelta(0))
    machine = Machine(online=False)
    bench = Bench(machine=machine)
    bench.clock = RealClock()
    local = endpoint("local", url="http://127.0.0.1/")

    def connect(start: Start, _: CancelToken) -> None:
        if start.endpoint.id == "local":
            while ("a", "no network") not in bench.runs():
                time.sleep(0.01)
            machine.found["online"] = True
            looks = len(machine.looks)
            while len(machine.looks) < looks + 2:
                time.sleep(0.01)

    bench.on_run = connect
    bench.run(endpoint("a"), local)
    assert bench.started == ["local", "a"]


def test_each_link_of_a_chain_is_judged_by_the_conditions_of_its_time() -> None:
    machine = Machine(on_battery=False)
    bench = Bench(machine=machine)

    def unplug(start: Start, _: CancelToken) -> None:
        machine.found["on_battery"] = start.endpoint.id == "b"

    bench.on_run = unplug
    plugged = When(power="ac")
    chain = (endpoint("a"), endpoint("b", after=After("a")), endpoint("c", after=After("b"), when=plugged))
    bench.run(*chain)
    assert bench.started == ["a", "b"]
    assert bench.runs() == [("c", "on battery")]
    assert str(bench.states.states["c"].blocked_by) == "on battery"
    machine.found["on_battery"] = False
    assert list(bench.run(*chain).reports) == ["c"]


def test_a_run_that_loses_what_it_wants_is_stopped_and_due_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(headless, "LOOK_EVERY", 0.0)
    machine = Machine(disk_free=2**40)
    bench = Bench(machine=machine)

    def fill(start: Start, token: CancelToken) -> None:
        machine.found["disk_free"] = 2**20
        until_stopped(start, token)

    bench.on_run = fill
    scheduler = bench.run(endpoint("a", when=When(disk_free=Size(2**30))))
    assert (scheduler.reports["a"].status, str(scheduler.reports["a"].reason)) == ("stopped", "only 1 MiB free")
    assert bench.states.states["a"].next_override is not None
    assert bench.states.states["a"].attempts == 0


def test_a_run_over_its_time_limit_is_stopped() -> None:
    bench = Bench()
    bench.on_run = until_stopped
    bench.clock = RealClock()
    scheduler = bench.run(endpoint("a", limits=Limits(run=Duration(0.2)), retry=Retry(attempts=1)), wished=["a"])
    assert str(scheduler.reports["a"].reason) == "took longer than 0.2s"
    assert str(bench.states.states["a"].problem.title) == "The run took longer than 0.2s"


class RealClock(FakeClock):
    """Begins at NOW and goes on as the machine's clock does."""

    def __init__(self) -> None:
        super().__init__()
        self.began = time.monotonic()

    def now(self) -> Any:
        return NOW + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        return time.monotonic() - self.began


@pytest.mark.parametrize("wished", [(), ("a",)], ids=["due", "wished"])
@pytest.mark.parametrize("reached", [True, False, None])
def test_what_must_be_asked_is_waited_for(reached: bool | None, wished: tuple[str, ...]) -> None:
    question = Question("server", str(NAS))
    machine = Machine(answers={question: reached})
    bench = Bench(machine=machine)
    bench.run(endpoint("a", when=When(reachable=NAS)), wished=wished)
    assert bench.started == ([] if reached is False else ["a"])
    assert machine.asked[0] == {question}
    assert bench.runs() == ([("a", f"{NAS} can't be reached")] if reached is False else [])


def test_what_the_user_asks_for_is_refused_in_words_and_due_from_then_on() -> None:
    machine = Machine(disk_free=2**20)
    bench = Bench(machine=machine)
    specs = (endpoint("a", when=When(disk_free=Size(2**30)), manual=True), endpoint("b"))
    scheduler = bench.run(*specs, wished=["a", "b"])
    assert {id: str(reason) for id, reason in scheduler.refused.items()} == {"a": "only 1 MiB free"}
    assert bench.started == ["b"]
    machine.found["disk_free"] = 2**40
    assert list(bench.run(*specs).reports) == ["a"]


@pytest.mark.parametrize("enabled", [True, False])
def test_the_report_tells_the_next_time_only_where_there_is_one(enabled: bool) -> None:
    (ran,) = Bench().run(endpoint("a", enabled=enabled), wished=["a"]).reports.values()
    assert ran.next_due == (NOW + HOUR if enabled else None)


def test_a_pause_holds_only_what_is_due() -> None:
    bench = Bench(row("a", -HOUR))
    bench.states.pause = Pause(None)
    for _ in range(3):
        bench.run(endpoint("a"))
    assert bench.runs() == [("a", "paused")]
    assert bench.started == []
    bench.run(endpoint("a"), wished=["a"])
    assert bench.started == ["a"]


def test_a_pause_that_is_over_is_forgotten() -> None:
    bench = Bench(row("a", -HOUR))
    bench.states.pause = Pause(NOW - HOUR)
    bench.run(endpoint("a"))
    assert bench.started == ["a"]
    assert bench.states.pause is None


@pytest.mark.parametrize(
    ("number", "reason", "due_again"),
    [
        (signal.SIGINT, "interrupted", False),
        (signal.SIGTERM, "the program ended", True),
        (signal.SIGHUP, "the program ended", True),
    ],
)
@pytest.mark.parametrize("wished", [False, True], ids=["due", "wished"])
def test_a_signal_stops_what_runs_and_starts_no_more(
    number: signal.Signals, reason: str, due_again: bool, wished: bool
) -> None:
    specs = tuple(endpoint(f"e{each}", url="http://one.test/") for each in range(4))
    bench = Bench(*(row(each.id, -HOUR) for each in specs))
    both = threading.Barrier(2)
    before = signal.getsignal(number)

    def signalled(start: Start, token: CancelToken) -> None:
        if both.wait(60) == 0:
            os.kill(os.getpid(), number)
        until_stopped(start, token)

    bench.on_run = signalled
    scheduler = bench.run(*specs, wished=[each.id for each in specs] if wished else ())
    assert scheduler.interrupted == (number == signal.SIGINT)
    assert signal.getsignal(number) == before
    assert bench.started == ["e0", "e1"] or bench.started == ["e1", "e0"]
    assert {str(each.reason) for each in scheduler.reports.values()} == {reason}
    states = [bench.states.states[each.id] for each in specs]
    assert {each.status for each in states} == {"enqueued"}
    dues = [each.next_override or each.next_due for each in states]
    assert all(each is not None for each in dues)
    assert [each <= NOW for each in dues if each] == [due_again] * 2 + [due_again or not wished] * 2


def test_a_signal_that_is_ignored_stays_so() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        bench = Bench()

        def signalled(*_: object) -> None:
            os.kill(os.getpid(), signal.SIGHUP)

        bench.on_run = signalled
        bench.run(endpoint("a"), endpoint("b", after=After("a")))
        assert bench.started == ["a", "b"]
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_disk_that_cannot_be_written_is_told_before_anything_runs() -> None:
    bench = Bench()
    loads = bench.states.load

    def load() -> Any:
        raise AssertionError("too late")

    bench.states.load = load  # type: ignore[method-assign]
    bench.states.fail_with = OSError("disk full")
    with pytest.raises(OSError, match="disk full"):
        bench.run(endpoint("a"))
    bench.states.load = loads  # type: ignore[method-assign]
    assert bench.started == []


def test_a_disk_that_fails_while_it_runs_is_told_in_the_end_or_written_then() -> None:
    bench = Bench()

    def fill(*_: object) -> None:
        bench.states.fail_with = OSError("disk full")

    bench.on_run = fill
    with pytest.raises(OSError, match="disk full"):
        bench.run(endpoint("a"))
    assert bench.started == ["a"]


def test_an_error_in_a_run_is_a_failed_run_and_the_others_go_on() -> None:
    bench = Bench()

    def fail(start: Start, _: CancelToken) -> None:
        if start.endpoint.id == "a":
            raise ZeroDivisionError

    bench.on_run = fail
    scheduler = bench.run(endpoint("a"), endpoint("b"))
    assert {id: each.status for id, each in scheduler.reports.items()} == {"a": "failed", "b": "succeeded"}
    assert [run.status for run in bench.states.runs] == ["failed"]


def test_a_child_of_a_failing_parent_is_recorded_as_skipped() -> None:
    bench = Bench()
    bench.on_run = lambda *_: report("a", "failed", NOW, failure="permanent")
    bench.run(endpoint("a"), endpoint("b", after=After("a")), endpoint("c", after=After("b")))
    assert bench.runs() == [("b", "A failed"), ("c", "B was skipped")]
