"""One look at network and power, for a process without an event loop. Qt is imported when it is called."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trayapp.desktop.network import Network
    from trayapp.desktop.power import Power

_PATIENCE_MS = 300
"""How long UPower may take to answer; what it has not said by then is unknown."""
_NEWS_MS = 50
"""How long the system's news are listened to before a second look."""


def look(power: bool) -> "tuple[Network, Power]":
    """The network and, if wanted, the power as they are now. For the main thread of a process without Qt."""
    from PySide6.QtCore import QCoreApplication, QEventLoop, QTimer

    from trayapp.desktop.network import NetworkWatcher
    from trayapp.desktop.power import Power, PowerWatcher

    application, loop = QCoreApplication.instance(), QEventLoop()
    if application is None:
        application = QCoreApplication(["traysync"])
    else:  # what the system said since the last look waits to be heard
        QTimer.singleShot(_NEWS_MS, application, loop.quit)
        loop.exec()
    network = NetworkWatcher()
    if not power:
        return network.network, Power()
    watcher = PowerWatcher()
    watcher.changed.connect(loop.quit)
    QTimer.singleShot(_PATIENCE_MS, application, loop.quit)
    loop.exec()
    return network.network, watcher.power
