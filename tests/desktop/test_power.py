"""Sleep and power as the system's services tell them, on a bus of our own where the test is the service."""

from collections.abc import Iterator

import pytest
from PySide6.QtDBus import QDBusConnection
from pytestqt.qtbot import QtBot

from tests.desktop.bus import Bus
from tests.desktop.services import DEVICE, LOGIND, UPOWER, Properties, Service
from tests.desktop.session import Desktop
from trayapp.desktop.machine.power import Power, PowerWatcher
from trayapp.desktop.session.sleep import SleepWatcher

pytestmark = pytest.mark.usefixtures("qapp")
SLEEP = (LOGIND, "org.freedesktop.login1.Manager", "PrepareForSleep", "b")


@pytest.fixture
def upower(desktop: Desktop, bus: Bus) -> Iterator[Service]:
    battery: Properties = {"IsPresent": ("b", True), "Percentage": ("d", 80.0)}
    upower = Service(
        desktop.bus_address, "org.freedesktop.UPower", {UPOWER: {"OnBattery": ("b", False)}, DEVICE: battery}
    )
    bus.wait_for_name("org.freedesktop.UPower")
    yield upower
    upower.close()


def test_the_battery_is_known_and_followed(upower: Service, system: QDBusConnection, qtbot: QtBot) -> None:
    watcher = PowerWatcher(bus=system)
    qtbot.waitUntil(lambda: watcher.power == Power(on_battery=False, percent=80.0))
    upower.properties[UPOWER] = {"OnBattery": ("b", True)}
    upower.properties[DEVICE]["Percentage"] = ("d", 79.5)
    upower.change(UPOWER)  # without a value: it may only say that one is no longer the old one
    qtbot.waitUntil(lambda: watcher.power == Power(on_battery=True, percent=79.5))


def test_a_machine_without_a_battery_has_no_percentage(upower: Service, system: QDBusConnection, qtbot: QtBot) -> None:
    upower.properties[DEVICE] = {"IsPresent": ("b", False), "Percentage": ("d", 0.0)}
    watcher = PowerWatcher(bus=system)
    qtbot.waitUntil(lambda: watcher.power == Power(on_battery=False, percent=None))


@pytest.fixture
def system(desktop: Desktop) -> Iterator[QDBusConnection]:
    """The desktop's bus in the place of the system's."""
    yield QDBusConnection.connectToBus(desktop.bus_address, "system for tests")
    QDBusConnection.disconnectFromBus("system for tests")


def test_sleep_and_resume_are_told(bus: Bus, system: QDBusConnection, qtbot: QtBot) -> None:
    bus.own("org.freedesktop.login1")
    watcher = SleepWatcher(bus=system)
    assert watcher.supported
    with qtbot.waitSignal(watcher.about_to_sleep), qtbot.assertNotEmitted(watcher.resumed):
        bus.emit(*SLEEP, True)
    with qtbot.waitSignal(watcher.resumed):
        bus.emit(*SLEEP, False)


def test_without_a_system_bus_nothing_is_told() -> None:
    nowhere = QDBusConnection("no such connection")
    assert not SleepWatcher(bus=nowhere).supported
    assert PowerWatcher(bus=nowhere).power == Power()


def test_without_upower_nothing_is_known(system: QDBusConnection, qtbot: QtBot) -> None:
    watcher = PowerWatcher(bus=system)
    with qtbot.assertNotEmitted(watcher.changed, wait=100):
        pass
    assert watcher.power == Power(on_battery=None, percent=None)
