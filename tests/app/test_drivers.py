"""One engine: the tray's thread, `sync --due`, and background mode make the same history of the same inputs."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import psutil
import pytest

from tests.server import ApiServer, Listing, Reply, Seen, late, problem
from trayapp.cli import main
from trayapp.desktop.machine import snapshot
from trayapp.desktop.machine.monitor import MachineMonitor
from trayapp.desktop.machine.network import Network
from trayapp.desktop.machine.power import Power
from trayapp.desktop.process.paths import Home, find_home
from trayapp.endpoints.model import After, Endpoint, Limits, Retry, Settings, Table, When
from trayapp.endpoints.units import Duration, TimeOfDay
from trayapp.operations import workspace as workspace_module
from trayapp.operations.conditions import network_conditions
from trayapp.operations.runs import sync
from trayapp.operations.workspace import Workspace
from trayapp.schedule.driver import headless
from trayapp.schedule.driver.persistence import Change, StoredStates
from trayapp.schedule.driver.thread import SchedulerThread
from trayapp.schedule.engine import board, planner
from trayapp.store.bookkeeping.endpoint_states import EndpointRow
from trayapp.store.bookkeeping.history import list_runs
from trayapp.store.bookkeeping.pause import Pause

NOW = datetime(2026, 6, 10, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
ME = psutil.Process().name()

History = list[tuple[str, str, str]]
"""(endpoint, status, reason) of every run and every skipped run, sorted by endpoint."""


class Noon:
    """A clock that went on from noon when it was made; every process of a test has the same one."""

    def __init__(self) -> None:
        self.began = time.monotonic()

    def now(self) -> datetime:
        return NOW + timedelta(seconds=time.monotonic() - self.began)

    def monotonic(self) -> float:
        return time.monotonic()

    def zone(self):
        return UTC


class Counted:
    """A handler that keeps everybody waiting, and knows how many it had at once at most."""

    def __init__(self, handler: Callable[[Seen], Reply]) -> None:
        self.handler = handler
        self.lock = threading.Lock()
        self.now = self.most = 0

    def __call__(self, seen: Seen) -> Reply:
        whole = late(self.handler(seen), 0.3)

        def send(wire, reply):
            with self.lock:
                self.now += 1
                self.most = max(self.most, self.now)
            try:
                whole.send(wire, reply)
            finally:
                with self.lock:
                    self.now -= 1

        return Reply(whole.body, headers=whole.headers, send=send)


class Inputs:
    """A home with endpoints that are all due, their servers, and a machine whose mains plug is pulled on the way."""

    def __init__(self, home: Home, api: ApiServer, slow: ApiServer, paused: bool) -> None:
        self.home, self.api = home, api
        self.workspace = Workspace(home)
        home.create()
        self.power = Power(on_battery=False)
        self.unplugged: Callable[[], object] = lambda: None
        self.slow = Counted(Listing([{"id": 1}], pages="none"))
        self.specs = tuple(self._specs(slow))
        self.workspace.settings_file.edit(lambda _: Settings(endpoint=self.specs))
        rows = tuple(
            EndpointRow(id=each.id, last_enqueued=NOW - 3 * HOUR, last_attempt=NOW - 2 * HOUR, next_due=NOW - HOUR)
            for each in self.specs
            if each.after is None
        )
        pause = Pause(None) if paused else None
        StoredStates(self.workspace.store).save(Change(rows=rows, pause=pause, pause_changed=True))

    def _specs(self, slow: ApiServer) -> Iterator[Endpoint]:
        def spec(id: str, url: str = "", **fields) -> Endpoint:
            fields.setdefault("retry", Retry(attempts=1))
            if "after" not in fields:
                fields["every"] = Duration(3600)
            url = url or self.api.route(f"/{id}", Listing([{"id": 1}], pages="none"))
            return Endpoint(url=url, id=id, name=id.upper(), table=Table(name=id), **fields)

        yield spec("night", when=When(between=(TimeOfDay.parse("22:00"), TimeOfDay.parse("06:00"))))
        yield spec("bad", self.api.route("/bad", lambda _: problem(404, "Not found")))
        yield spec("child", after=After("bad"))
        yield spec("grandchild", after=After("child"))
        yield spec("first", self.api.route("/first", self._pull_the_plug))
        yield spec("second", after=After("first"), when=When(power="ac"))
        yield spec("either", after=After(endpoints=("bad", "first"), need="any"))
        yield spec("both", after=After(endpoints=("bad", "first"), need="all"))
        hangs = spec("hangs", self.api.route("/hangs", self._hang), limits=Limits(run=Duration(1)))
        yield hangs
        yield spec("waits", after=After("hangs"))
        yield spec("game", when=When(not_while=(ME,)))
        yield spec("off", enabled=False)
        for number in range(4):
            yield spec(f"slow{number}", slow.route(f"/{number}", self.slow))

    def _pull_the_plug(self, seen: Seen) -> Reply:
        self.power = Power(on_battery=True)
        self.unplugged()
        return Listing([{"id": 1}], pages="none")(seen)

    def _hang(self, seen: Seen) -> Reply:
        return late(Listing([{"id": 1}], pages="none")(seen), 60)

    def history(self) -> History:
        with self.workspace.store.reading() as db:
            return sorted((row.endpoint, row.status, str(row.reason)) for row in list_runs(db))


def by_the_tray(inputs: Inputs, qtbot) -> None:
    """The thread, told of the machine as the program tells it."""
    workspace, states = inputs.workspace, StoredStates(inputs.workspace.store)

    def execute(start, token, progress):
        return workspace.execute(start.endpoint, start.wish.full, token, progress)

    def tell_power() -> None:
        scheduler.update_conditions(on_battery=inputs.power.on_battery, battery_percent=inputs.power.percent)

    scheduler = SchedulerThread(execute, states, workspace.clock)
    monitor = MachineMonitor(lambda answers: scheduler.update_conditions(answers=answers))
    scheduler.asks.connect(monitor.ask)
    inputs.unplugged = tell_power
    scheduler.update_conditions(**network_conditions(Network(known=True)))
    tell_power()
    scheduler.apply_settings(workspace.settings())
    scheduler.start()
    at_rest = threading.Event()

    def look_for_rest(planner, _) -> None:
        if not planner.pending:
            at_rest.set()

    def rests() -> bool:
        scheduler._post(look_for_rest)
        return at_rest.is_set()

    qtbot.waitUntil(rests, timeout=60_000)
    scheduler.shutdown()
    assert scheduler.wait(10_000)
    monitor.close()


def by_a_sync_of_what_is_due(inputs: Inputs, _qtbot) -> None:
    sync(inputs.workspace, due=True)


def by_background_mode(inputs: Inputs, _qtbot) -> None:
    """What the system's timer calls, again and again."""
    for _ in range(3):
        main(["--home", str(inputs.home.data), "sync", "--due"])


@pytest.fixture
def make(home, monkeypatch):
    servers = [ApiServer(), ApiServer()]
    made: list[Inputs] = []
    clock = Noon()
    monkeypatch.setattr(workspace_module, "SystemClock", lambda: clock)
    monkeypatch.setattr(headless, "LOOK_EVERY", 0.05)
    # A program that starts waits for the network to settle, and spreads what is overdue.
    monkeypatch.setattr(planner, "SETTLE", timedelta(0))
    monkeypatch.setattr(board, "SPREAD", timedelta(0))
    monkeypatch.setattr(snapshot, "network_and_power", lambda _: (Network(known=True), made[0].power))

    def make(paused: bool) -> Inputs:
        made.append(Inputs(find_home(str(home)), *servers, paused))
        return made[0]

    with servers[0], servers[1]:
        yield make
    for each in made:
        each.workspace.close()


@pytest.mark.parametrize("paused", [False, True], ids=["", "paused"])
@pytest.mark.parametrize("drive", [by_the_tray, by_a_sync_of_what_is_due, by_background_mode])
def test_every_driver_makes_the_same_history(make, qtbot, drive, paused):
    inputs = make(paused)
    drive(inputs, qtbot)
    assert inputs.slow.most <= 2
    if paused:
        due = [each.id for each in inputs.specs if each.after is None and each.enabled]
        assert inputs.history() == [(id, "skipped", "paused") for id in sorted(due)]
        return
    assert inputs.history() == [
        ("bad", "failed", "There is nothing at this address"),
        ("both", "skipped", "BAD failed"),
        ("child", "skipped", "BAD failed"),
        ("either", "succeeded", ""),
        ("first", "succeeded", ""),
        ("game", "skipped", f"{ME} is running"),
        ("grandchild", "skipped", "CHILD was skipped"),
        ("hangs", "stopped", "took longer than 1s"),
        ("night", "skipped", "outside 22:00-06:00"),
        ("second", "skipped", "on battery"),
        *((f"slow{number}", "succeeded", "") for number in range(4)),
        ("waits", "skipped", "HANGS was stopped"),
    ]
