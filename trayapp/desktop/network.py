"""Whether there is a network, and whether it costs: QNetworkInformation, calmed down."""

import msgspec
from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtNetwork import QNetworkInformation

_CALM_MS = 1500
"""A network that changes (sleep, roaming, VPN) does so several times in a second; only the last word counts."""


class Network(msgspec.Struct, frozen=True):
    """The network as it is now; `known` is False where the system cannot say, and then it counts as online."""

    online: bool = True
    metered: bool = False
    known: bool = False


class NetworkWatcher(QObject):
    """Holds the present `network` and tells when it became another one. Lives in the GUI thread."""

    changed = Signal(object)
    """Network."""

    def __init__(self, parent: QObject | None = None, calm_ms: int = _CALM_MS) -> None:
        super().__init__(parent)
        self._calm = QTimer(self, singleShot=True, interval=calm_ms)
        self._calm.timeout.connect(self._settle)
        QNetworkInformation.loadDefaultBackend()
        self._system: QNetworkInformation | None = QNetworkInformation.instance()
        if self._system is not None:
            self._system.reachabilityChanged.connect(self._calm.start)
            self._system.isMeteredChanged.connect(self._calm.start)
        self.network = self._look()

    def _look(self) -> Network:
        if self._system is None:
            return Network()
        return as_network(self._system.reachability(), self._system.isMetered())

    def _settle(self) -> None:
        found = self._look()
        if found != self.network:
            self.network = found
            self.changed.emit(found)


def as_network(reachability: QNetworkInformation.Reachability, metered: bool) -> Network:
    """Qt's words in ours. Offline is only a network that is not there at all: an API may well be in the local one."""
    return Network(
        online=reachability != QNetworkInformation.Reachability.Disconnected,
        metered=metered,
        known=reachability != QNetworkInformation.Reachability.Unknown,
    )
