"""Whether the desktop draws tray icons, and their menus, by D-Bus."""

from PySide6.QtCore import QObject, Signal
from PySide6.QtDBus import QDBusConnection, QDBusMessage, QDBusPendingCallWatcher

_WATCHER = "org.kde.StatusNotifierWatcher"
_PATH = "/StatusNotifierWatcher"


class TrayHost(QObject):
    """Asks, without waiting, what Qt asks before it makes an icon: whether a StatusNotifierHost is registered.

    Source: https://www.freedesktop.org/wiki/Specifications/StatusNotifierItem/StatusNotifierWatcher/
    """

    found = Signal()
    """There is one: it draws the menu of the icon from what Qt tells it."""

    def __init__(self, parent: QObject | None = None, bus: QDBusConnection | None = None) -> None:
        super().__init__(parent)
        self._bus = bus or QDBusConnection.sessionBus()

    def ask(self) -> None:
        """Ask now."""
        if not self._bus.isConnected():
            return
        message = QDBusMessage.createMethodCall(_WATCHER, _PATH, "org.freedesktop.DBus.Properties", "Get")
        message.setArguments([_WATCHER, "IsStatusNotifierHostRegistered"])
        call = QDBusPendingCallWatcher(self._bus.asyncCall(message), self)
        call.finished.connect(lambda: self._answered(call))

    def _answered(self, call: QDBusPendingCallWatcher) -> None:
        reply = call.reply()
        call.deleteLater()
        if reply.type() == QDBusMessage.MessageType.ReplyMessage and reply.arguments()[0].variant():
            self.found.emit()
