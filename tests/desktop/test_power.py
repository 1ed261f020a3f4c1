"""Sleep and power as the system's services tell them, on a bus of our own where the test is the service."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from jeepney import DBusAddress, HeaderFields, MessageType, new_method_return, new_signal
from jeepney.bus_messages import message_bus
from jeepney.io.threading import ReceiveStopped, open_dbus_connection
from PySide6.QtDBus import QDBusConnection
from pytestqt.qtbot import QtBot

from tests.desktop.bus import Bus
from tests.desktop.session import Desktop
from trayapp.desktop.power import Power, PowerWatcher
from trayapp.desktop.sleep import SleepWatcher

pytestmark = pytest.mark.usefixtures("qapp")
LOGIND = ("/org/freedesktop/login1", "org.freedesktop.login1.Manager", "PrepareForSleep", "b")

DAEMON, DEVICE = "/org/freedesktop/UPower", "/org/freedesktop/UPower/devices/DisplayDevice"


class UPower:
    """Answers Get as the real service does, and says what changed."""

    def __init__(self, address: str) -> None:
        self.properties: dict[str, dict[str, tuple[str, Any]]] = {
            DAEMON: {"OnBattery": ("b", False)},
            DEVICE: {"IsPresent": ("b", True), "Percentage": ("d", 80.0)},
        }
        self._connection = open_dbus_connection(address)
        self._connection.send(message_bus.RequestName("org.freedesktop.UPower"))
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def changed(self) -> None:
        address = DBusAddress(DAEMON, interface="org.freedesktop.DBus.Properties")
        body = ("org.freedesktop.UPower", {}, [])
        self._connection.send(new_signal(address, "PropertiesChanged", "sa{sv}as", body))

    def close(self) -> None:
        self._connection.interrupt()
        self._thread.join()
        self._connection.close()

    def _serve(self) -> None:
        while True:
            try:
                message = self._connection.receive()
            except ReceiveStopped:
                return
            if message.header.message_type is MessageType.method_call:
                _, name = message.body
                value = self.properties[message.header.fields[HeaderFields.path]][name]
                self._connection.send(new_method_return(message, "v", (value,)))


@pytest.fixture
def upower(desktop: Desktop, bus: Bus) -> Iterator[UPower]:
    upower = UPower(desktop.bus_address)
    bus.wait_for_name("org.freedesktop.UPower")
    yield upower
    upower.close()


def test_the_battery_is_known_and_followed(upower: UPower, system: QDBusConnection, qtbot: QtBot) -> None:
    watcher = PowerWatcher(bus=system)
    qtbot.waitUntil(lambda: watcher.power == Power(on_battery=False, percent=80.0))
    upower.properties[DAEMON] = {"OnBattery": ("b", True)}
    upower.properties[DEVICE]["Percentage"] = ("d", 79.5)
    upower.changed()
    qtbot.waitUntil(lambda: watcher.power == Power(on_battery=True, percent=79.5))


def test_a_machine_without_a_battery_has_no_percentage(upower: UPower, system: QDBusConnection, qtbot: QtBot) -> None:
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
        bus.emit(*LOGIND, True)
    with qtbot.waitSignal(watcher.resumed):
        bus.emit(*LOGIND, False)


def test_without_a_system_bus_nothing_is_told() -> None:
    nowhere = QDBusConnection("no such connection")
    assert not SleepWatcher(bus=nowhere).supported
    assert PowerWatcher(bus=nowhere).power == Power()


def test_without_upower_nothing_is_known(system: QDBusConnection, qtbot: QtBot) -> None:
    watcher = PowerWatcher(bus=system)
    with qtbot.assertNotEmitted(watcher.changed, wait=100):
        pass
    assert watcher.power == Power(on_battery=None, percent=None)
