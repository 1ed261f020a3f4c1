"""Whether there is a network, and whether it costs: QNetworkInformation, calmed down."""

from typing import Any

import msgspec
from PySide6.QtCore import SLOT, QObject, QTimer, Signal, Slot
from PySide6.QtDBus import QDBusConnection, QDBusMessage
from PySide6.QtNetwork import QNetworkInformation

_Feature = QNetworkInformation.Feature
_CALM_MS = 1500
"""A network that changes (sleep, roaming, VPN) does so several times in a second; only the last state counts."""


class Network(msgspec.Struct, frozen=True):
    """The network as it is now; `known` is False where the system cannot say, and then it counts as online."""

    online: bool = True
    metered: bool | None = None
    known: bool = False
    captive: bool | None = None
    """Whether a sign-in page (captive portal) comes first; None, as with `metered`, is unknown."""


class NetworkWatcher(QObject):
    """Holds the present `network` and signals its changes. Lives in the GUI thread."""

    changed = Signal(object)
    """Network."""
    moved = Signal()
    """The computer may be in another Wi-Fi, as NetworkManager says: its Manager's properties have changed."""

    def __init__(
        self, parent: QObject | None = None, calm_ms: int = _CALM_MS, bus: QDBusConnection | None = None
    ) -> None:
        super().__init__(parent)
        self._calm = QTimer(self, singleShot=True, interval=calm_ms)
        self._calm.timeout.connect(self._settle)
        QNetworkInformation.loadDefaultBackend()
        self._system: QNetworkInformation | None = QNetworkInformation.instance()
        if self._system is not None:
            self._system.reachabilityChanged.connect(self._calm.start)
            self._system.isMeteredChanged.connect(self._calm.start)
            self._system.isBehindCaptivePortalChanged.connect(self._calm.start)
        system = bus or QDBusConnection.systemBus()
        if system.isConnected():
            name, path = "org.freedesktop.NetworkManager", "/org/freedesktop/NetworkManager"
            # The stub wants the slot as bytes, the function takes only what SLOT returns.
            slot: Any = SLOT("_manager_changed(QDBusMessage)")
            system.connect(name, path, "org.freedesktop.DBus.Properties", "PropertiesChanged", self, slot)
        self.network = self._look()

    def _look(self) -> Network:
        if self._system is None:
            return Network()
        metered = self._system.isMetered() if self._system.supports(_Feature.Metered) else None
        captive = self._system.isBehindCaptivePortal() if self._system.supports(_Feature.CaptivePortal) else None
        return as_network(self._system.reachability(), metered, captive)

    @Slot(QDBusMessage)
    def _manager_changed(self, _: QDBusMessage) -> None:
        self.moved.emit()

    def _settle(self) -> None:
        found = self._look()
        if found != self.network:
            self.network = found
            self.changed.emit(found)


def as_network(
    reachability: QNetworkInformation.Reachability, metered: bool | None, captive: bool | None = None
) -> Network:
    """Network from Qt's properties. Only a missing network counts as offline: an API may be in the local one."""
    return Network(
        online=reachability != QNetworkInformation.Reachability.Disconnected,
        metered=metered,
        captive=captive,
        known=reachability != QNetworkInformation.Reachability.Unknown,
    )
