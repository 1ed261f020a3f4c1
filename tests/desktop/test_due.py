"""`traysync sync --due`, as the system calls it while the tray program does not run, or does: real processes."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.desktop.homes import rows, runs, settings
from tests.desktop.services import DEVICE, UPOWER, Properties, Service
from tests.desktop.session import ROOT, Desktop
from tests.desktop.waiting import wait_for
from tests.server import ApiServer, Listing, Reply, Seen, json_reply, late

pytestmark = pytest.mark.slow
RECORDS = [{"id": n, "name": f"Item {n}"} for n in range(1, 126)]

ONE_PAGE = '[endpoint.pages]\nkind = "none"'


class Busy:
    """A handler that takes its time, and knows how many requests it had at once at most."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._now = 0
        self.most = 0

    def __call__(self, _: Seen) -> Reply:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        whole = late(json_reply([{"id": 1}]), self._seconds)

        def send(wire: Any, reply: Reply) -> None:
            try:
                whole.send(wire, reply)
            finally:
                with self._lock:
                    self._now -= 1

        return Reply(whole.body, headers=whole.headers, send=send)


def due(machine: Desktop, home: Path) -> subprocess.Popen[str]:
    """The command, started."""
    command = [sys.executable, "-m", "trayapp", "--home", str(home), "--json", "sync", "--due"]
    environment = {name: text for name, text in machine.environment.items() if name != "DISPLAY"}
    return subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def told(process: subprocess.Popen[str]) -> list[tuple[str, str]]:
    """(status, reason) of the runs it made."""
    text, _ = process.communicate(timeout=60)
    return [(run["status"], run["reason"]) for run in json.loads(text)["runs"]]


def test_what_is_due_stops_on_battery_and_goes_on_on_mains(
    machine: Desktop, serve: Callable[..., Service], api: ApiServer, home: Path
) -> None:
    listing = Listing(RECORDS, "cursor", size=5)
    settings(home, api.route("/stock", lambda seen: late(listing(seen), 0.6)), '[endpoint.when]\npower = "ac"', "1h")
    battery: Properties = {"IsPresent": ("b", True), "Percentage": ("d", 80.0)}
    upower = serve("org.freedesktop.UPower", {UPOWER: {"OnBattery": ("b", False)}, DEVICE: battery})
    first = due(machine, home)
    wait_for(lambda: api.count("/stock") >= 13, "half of the pages", 40)
    upower.change(UPOWER, OnBattery=("b", True))
    assert told(first) == [("stopped", "on battery")]
    assert (asked := api.count("/stock")) < 25
    assert told(due(machine, home)) == []
    assert not rows(home, "SELECT 1 FROM stock")
    upower.change(UPOWER, OnBattery=("b", False))
    api.route("/stock", listing)
    assert told(due(machine, home)) == [("succeeded", "")]
    assert api.count("/stock") - asked < 15
    assert rows(home, "SELECT id, name FROM stock ORDER BY id") == [tuple(each.values()) for each in RECORDS]


def test_the_tray_program_is_the_only_scheduler(machine: Desktop, api: ApiServer, home: Path) -> None:
    busy = Busy(3.0)
    settings(home, api.route("/stock", busy), ONE_PAGE)
    with machine.program("--background", home=home):
        wait_for(lambda: api.count("/stock") == 1, "the first run", 40)
        assert [told(each) for each in [due(machine, home) for _ in range(3)]] == [[], [], []]
        wait_for(lambda: len(runs(home)) >= 2, "the second run", 40)
        assert told(due(machine, home)) == []
    assert busy.most == 1
    assert api.count("/stock") - len(runs(home)) <= 1  # one more may have been broken off by the end


def test_the_tray_program_waits_for_what_runs_without_it(machine: Desktop, api: ApiServer, home: Path) -> None:
    busy = Busy(6.0)
    settings(home, api.route("/stock", busy), ONE_PAGE)
    before = due(machine, home)
    wait_for(lambda: api.count("/stock") == 1, "the run", 40)
    beside = due(machine, home)
    with machine.program("--background", home=home) as program:
        assert told(before) == [("succeeded", "")]
        assert program.process.poll() is None
        beside.communicate(timeout=60)
        wait_for(lambda: len(runs(home)) >= 2, "the tray program's own run", 60)
    assert busy.most == 1
