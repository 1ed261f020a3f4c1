"""What the machine is asked, with the real machine where it can tell, and when it is asked."""

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from tests.patience import SECONDS, until
from trayapp.desktop.machine import monitor as module
from trayapp.desktop.machine import programs
from trayapp.desktop.machine.monitor import MachineMonitor, answers
from trayapp.desktop.machine.reachable import reachable
from trayapp.endpoints.units import HostPort
from trayapp.schedule.conditions.machine import IDLE, Answers, Question, program, server


def test_a_server_is_reached_or_not() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        assert reachable(HostPort("127.0.0.1", port))
    assert not reachable(HostPort("127.0.0.1", port))
    assert not reachable(HostPort("no-such-host.invalid", 80))


def test_a_running_program_is_seen() -> None:
    with subprocess.Popen(["sleep", "60"]) as sleeping:
        try:
            assert programs.running(["SLEEP", "sleep.exe", "no such program"]) == {
                "SLEEP": True,
                "sleep.exe": True,
                "no such program": False,
            }
        finally:
            sleeping.kill()


@pytest.mark.skipif(sys.platform != "linux", reason="of Linux")
def test_without_display_and_buses_idleness_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nowhere")
    assert answers([IDLE, Question("wifi"), Question("fullscreen")]) == {
        IDLE: None,
        Question("wifi"): None,
        Question("fullscreen"): None,
    }


def test_quick_answers_do_not_wait_for_slow_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    waits = threading.Event()
    monkeypatch.setattr(module, "reachable", lambda address: waits.wait(SECONDS))
    slow, told = server(HostPort("slow", 1)), list[Answers]()

    def hear(found: Answers) -> None:
        told.append(found)
        waits.set()

    assert answers([program("no such"), slow], hear) == {program("no such"): False, slow: True}
    assert told == [{program("no such"): False}, {program("no such"): False, slow: True}]


class Machine:
    """Notes when it is asked what."""

    def __init__(self) -> None:
        self.asked: list[frozenset[Question]] = []
        self.told: list[Answers] = []
        self.fail = False

    def look(self, wanted: frozenset[Question], _told: Callable[[Answers], None]) -> Answers:
        self.asked.append(wanted)
        if self.fail:
            raise ValueError("broken")
        return dict.fromkeys(wanted, 1.0)


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def monitor(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Iterator[MachineMonitor]:
    monkeypatch.setattr(module, "EVERY", 0.05)
    monitor = MachineMonitor(machine.told.append, machine.look)
    yield monitor
    monitor.close()


def test_the_machine_is_asked_again_and_again_only_while_it_is_wanted(
    monitor: MachineMonitor, machine: Machine
) -> None:
    assert monitor._thread is None
    monitor.ask(frozenset({IDLE}), running=False)
    until(lambda: len(machine.told) >= 3)
    assert machine.told[0] == {IDLE: 1.0}
    monitor.ask(frozenset(), running=False)
    until(lambda: machine.told[-1] == {})
    count = len(machine.asked)
    time.sleep(0.3)
    assert len(machine.asked) == count


def test_a_change_is_looked_at_at_once(monitor: MachineMonitor, machine: Machine) -> None:
    monitor.ask(frozenset({IDLE}), running=True)  # every ten seconds
    until(lambda: len(machine.told) == 1)
    monitor.again()
    until(lambda: len(machine.told) == 2)


def test_an_error_does_not_end_it(monitor: MachineMonitor, machine: Machine, caplog: pytest.LogCaptureFixture) -> None:
    machine.fail = True
    monitor.ask(frozenset({IDLE}), running=False)
    until(lambda: len(machine.asked) >= 2)
    machine.fail = False
    until(lambda: bool(machine.told))
    assert "can't be asked" in caplog.text
