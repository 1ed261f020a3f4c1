"""Network and power as they are now, for a process without an event loop. Qt is imported when this is called."""

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trayapp.desktop.machine.network import Network, NetworkWatcher
    from trayapp.desktop.machine.power import Power, PowerWatcher

_SIGNALS_MS = 50
"""Milliseconds in which signals of the system are received before each reading."""
_PATIENCE = 6
"""How many times as long UPower may take; what it has not reported by then is unknown."""


def network_and_power(power: bool) -> "tuple[Network, Power]":
    """The network and, if `power`, the power supply. For the main thread of a process without Qt."""
    from trayapp.desktop.machine.power import Power

    network, supply = _network(), _power() if power else None
    _receive()
    if supply is None:
        return network.network, Power()
    for _ in range(_PATIENCE - 1):
        if supply.power == Power():
            _receive()
    return network.network, supply.power


# The watchers live as long as the process: otherwise any thread might collect them as garbage.


@cache
def _network() -> "NetworkWatcher":
    from PySide6.QtCore import QCoreApplication

    from trayapp.desktop.machine.network import NetworkWatcher

    application = QCoreApplication.instance() or QCoreApplication(["traysync"])
    return NetworkWatcher(application, calm_ms=0)


@cache
def _power() -> "PowerWatcher":
    from PySide6.QtCore import QCoreApplication

    from trayapp.desktop.machine.power import PowerWatcher

    return PowerWatcher(QCoreApplication.instance())


def _receive() -> None:
    from PySide6.QtCore import QEventLoop, QTimer

    loop, timer = QEventLoop(), QTimer(singleShot=True)
    timer.timeout.connect(loop.quit)
    timer.start(_SIGNALS_MS)
    loop.exec()
