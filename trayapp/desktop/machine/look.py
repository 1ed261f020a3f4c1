"""Looks at network and power, for a process without an event loop of its own. Qt is imported when it is called."""

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trayapp.desktop.machine.network import Network, NetworkWatcher
    from trayapp.desktop.machine.power import Power, PowerWatcher

_NEWS_MS = 50
"""How long the system's news are listened to before each look."""
_PATIENCE = 6
"""How many times that UPower may take to answer; what it has not said by then is unknown."""


def look(power: bool) -> "tuple[Network, Power]":
    """The network and, if wanted, the power as they are now. For the main thread of a process without Qt."""
    from trayapp.desktop.machine.power import Power

    network, supply = _network(), _power() if power else None
    _listen()
    if supply is None:
        return network.network, Power()
    for _ in range(_PATIENCE - 1):
        if supply.power == Power():
            _listen()
    return network.network, supply.power


# The watchers live as long as the process: given up, they would be garbage that any thread might collect.


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


def _listen() -> None:
    from PySide6.QtCore import QEventLoop, QTimer

    loop, timer = QEventLoop(), QTimer(singleShot=True)
    timer.timeout.connect(loop.quit)
    timer.start(_NEWS_MS)
    loop.exec()
