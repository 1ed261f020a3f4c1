"""Mains or battery, and how full: from UPower, unknown on systems without it."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from PySide6.QtCore import SLOT, QObject, Signal, Slot
from PySide6.QtDBus import QDBusConnection, QDBusMessage, QDBusPendingCallWatcher

_SERVICE = "org.freedesktop.UPower"
_DAEMON = ("/org/freedesktop/UPower", "org.freedesktop.UPower")
_DISPLAY_DEVICE = ("/org/freedesktop/UPower/devices/DisplayDevice", "org.freedesktop.UPower.Device")
_PROPERTIES = "org.freedesktop.DBus.Properties"


class Power(msgspec.Struct, frozen=True):
    """`on_battery` is None where nobody knows; `percent` of the battery is None also where there is no battery."""

    on_battery: bool | None = None
    percent: float | None = None


class PowerWatcher(QObject):
    """Holds the present `power` and tells when it became another one. Nothing here waits for UPower.

    Source: https://upower.freedesktop.org/docs/UPower.html and .../Device.html (DisplayDevice sums all batteries up).
    """

    changed = Signal(object)
    """Power."""

    def __init__(self, parent: QObject | None = None, bus: QDBusConnection | None = None) -> None:
        super().__init__(parent)
        self.power = Power()
        self._daemon: Mapping[str, Any] = {}
        self._device: Mapping[str, Any] = {}
        self._bus = bus or QDBusConnection.systemBus()
        if not self._bus.isConnected():
            return
        for path, _ in (_DAEMON, _DISPLAY_DEVICE):
            # The stub wants the slot as bytes, the function takes only what SLOT returns.
            slot: Any = SLOT("_properties_changed(QDBusMessage)")
            self._bus.connect(_SERVICE, path, _PROPERTIES, "PropertiesChanged", self, slot)
        self._ask()

    @Slot(QDBusMessage)
    def _properties_changed(self, _: QDBusMessage) -> None:
        # Also what is only invalidated is asked for, and what UPower tells before we ever asked.
        self._ask()

    def _ask(self) -> None:
        self._ask_one(*_DAEMON, self._heard_daemon)
        self._ask_one(*_DISPLAY_DEVICE, self._heard_device)

    def _ask_one(self, path: str, interface: str, heard: Callable[[Mapping[str, Any]], None]) -> None:
        message = QDBusMessage.createMethodCall(_SERVICE, path, _PROPERTIES, "GetAll")
        message.setArguments([interface])
        call = QDBusPendingCallWatcher(self._bus.asyncCall(message), self)

        def finished() -> None:
            reply = call.reply()
            call.deleteLater()
            if reply.type() == QDBusMessage.MessageType.ReplyMessage:
                heard(reply.arguments()[0])

        call.finished.connect(finished)

    def _heard_daemon(self, properties: Mapping[str, Any]) -> None:
        self._daemon = properties
        self._settle()

    def _heard_device(self, properties: Mapping[str, Any]) -> None:
        self._device = properties
        self._settle()

    def _settle(self) -> None:
        found = as_power(self._daemon, self._device)
        if found != self.power:
            self.power = found
            self.changed.emit(found)


def as_power(daemon: Mapping[str, Any], device: Mapping[str, Any]) -> Power:
    """UPower's properties in our words."""
    on_battery = daemon.get("OnBattery")
    percent = device.get("Percentage") if device.get("IsPresent") else None
    return Power(
        on_battery=on_battery if isinstance(on_battery, bool) else None,
        percent=float(percent) if isinstance(percent, int | float) else None,
    )
