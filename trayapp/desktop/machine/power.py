"""Mains or battery, and how full: from UPower, unknown on systems without it."""

from functools import partial
from typing import Any

import msgspec
from PySide6.QtCore import SLOT, QObject, Signal, Slot
from PySide6.QtDBus import QDBusConnection, QDBusMessage, QDBusPendingCallWatcher

_SERVICE = "org.freedesktop.UPower"
_DAEMON = ("/org/freedesktop/UPower", "org.freedesktop.UPower")
_DISPLAY_DEVICE = ("/org/freedesktop/UPower/devices/DisplayDevice", "org.freedesktop.UPower.Device")
_WANTED = {"OnBattery": _DAEMON, "IsPresent": _DISPLAY_DEVICE, "Percentage": _DISPLAY_DEVICE}
_PROPERTIES = "org.freedesktop.DBus.Properties"


class Power(msgspec.Struct, frozen=True):
    """None is unknown; `percent`, how full the battery is, is None also where there is no battery."""

    on_battery: bool | None = None
    percent: float | None = None


class PowerWatcher(QObject):
    """Holds the present `power` and signals its changes. Nothing here waits for UPower.

    Source: https://upower.freedesktop.org/docs/UPower.html and .../Device.html (DisplayDevice sums all batteries up).
    """

    changed = Signal(object)
    """Power."""

    def __init__(self, parent: QObject | None = None, bus: QDBusConnection | None = None) -> None:
        super().__init__(parent)
        self.power = Power()
        self._found: dict[str, Any] = {}
        self._bus = bus or QDBusConnection.systemBus()
        if not self._bus.isConnected():
            return
        for path in {path for path, _ in _WANTED.values()}:
            # The stub wants the slot as bytes, the function takes only what SLOT returns.
            slot: Any = SLOT("_properties_changed(QDBusMessage)")
            self._bus.connect(_SERVICE, path, _PROPERTIES, "PropertiesChanged", self, slot)
        self._ask()

    @Slot(QDBusMessage)
    def _properties_changed(self, _: QDBusMessage) -> None:
        # The message is not looked into: it may only say that a value is no longer the old one.
        self._ask()

    def _ask(self) -> None:
        for name, (path, interface) in _WANTED.items():
            message = QDBusMessage.createMethodCall(_SERVICE, path, _PROPERTIES, "Get")
            message.setArguments([interface, name])
            call = QDBusPendingCallWatcher(self._bus.asyncCall(message), self)
            call.finished.connect(partial(self._answered, name, call))

    def _answered(self, name: str, call: QDBusPendingCallWatcher, *_: object) -> None:
        reply = call.reply()
        call.deleteLater()
        if reply.type() == QDBusMessage.MessageType.ReplyMessage:
            self._found[name] = reply.arguments()[0].variant()
            self._settle()

    def _settle(self) -> None:
        if self._found.keys() != _WANTED.keys():
            return
        found = as_power(self._found["OnBattery"], self._found["IsPresent"], self._found["Percentage"])
        if found != self.power:
            self.power = found
            self.changed.emit(found)


def as_power(on_battery: bool, has_battery: bool, percent: float) -> Power:
    """Power from UPower's properties, which say 0 % without a battery."""
    return Power(on_battery=on_battery, percent=percent if has_battery else None)
