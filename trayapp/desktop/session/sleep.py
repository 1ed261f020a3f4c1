"""Going to sleep and waking up, by signals of systemd-logind; without it nothing is signalled."""

from PySide6.QtCore import SLOT, QObject, Signal, Slot
from PySide6.QtDBus import QDBusConnection


class SleepWatcher(QObject):
    """Signals around the system's sleep. The clock stands still in between: what was due meanwhile is due at once.

    Source: PrepareForSleep in org.freedesktop.login1(5).
    """

    about_to_sleep = Signal()
    resumed = Signal()

    def __init__(self, parent: QObject | None = None, bus: QDBusConnection | None = None) -> None:
        super().__init__(parent)
        system = bus or QDBusConnection.systemBus()
        # The stub wants the slot as bytes, the function takes only what SLOT returns.
        self.supported: bool = system.isConnected() and system.connect(  # type: ignore[call-overload]
            "org.freedesktop.login1",
            "/org/freedesktop/login1",
            "org.freedesktop.login1.Manager",
            "PrepareForSleep",
            self,
            SLOT("_prepare_for_sleep(bool)"),
        )

    @Slot(bool)
    def _prepare_for_sleep(self, starting: bool) -> None:
        if starting:
            self.about_to_sleep.emit()
        else:
            self.resumed.emit()
