"""Notifications with buttons, through the freedesktop notification service, else through a given fallback.

Source of the protocol: the Desktop Notifications Specification 1.2. QSystemTrayIcon.showMessage is not enough: Qt
sends an action only with critical messages, so that a click on any other comes to nothing. The calls are made with
jeepney, since Qt for Python has no way to send D-Bus an unsigned integer, which Notify wants.
"""

import queue
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from PySide6.QtCore import QObject, Signal

from trayapp.desktop.machine.system_bus import failures
from trayapp.visible import elided, shortened, unmarked

if TYPE_CHECKING:
    from jeepney import Message
    from jeepney.io.threading import DBusRouter

_NAME = "org.freedesktop.Notifications"
_PATH = "/org/freedesktop/Notifications"
_TIMEOUT = 5.0
"""Seconds the service may take for a call; it answers in milliseconds, and more when the bus has to start it."""
_LONGEST_TITLE = 200
_URGENCIES = {"low": 0, "normal": 1, "critical": 2}


class Action(msgspec.Struct, frozen=True):
    """A button; the action "default" is the click on the notification itself and has no button."""

    name: str
    label: str


class Notification(msgspec.Struct, frozen=True, kw_only=True):
    """What to show. A newer notification with the same key takes the place of an older one. Any text, no markup."""

    key: str
    title: str
    body: str = ""
    urgency: Literal["low", "normal", "critical"] = "normal"
    actions: tuple[Action, ...] = ()


class Notifier(QObject):
    """Shows notifications and tells which of their actions were chosen. Nothing here waits in the calling thread.

    `fallback` is called in the thread of this object with each notification the service did not take, for example to
    hand it to QSystemTrayIcon.showMessage; `icon` is an icon's name or the absolute path of its file.
    """

    activated = Signal(str, str)
    """Key of the notification, name of the action. A plain function is called in the thread of this object."""
    _not_taken = Signal(object)

    def __init__(self, fallback: Callable[[Notification], None], icon: str = "", parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._fallback = fallback
        self._icon = icon
        self._not_taken.connect(fallback)
        self._waiting: queue.SimpleQueue[Notification | None] = queue.SimpleQueue()
        self._service: _Service | None = None
        self._thread = threading.Thread(target=self._work, name="notifications", daemon=True)
        self._thread.start()

    def show(self, notification: Notification) -> None:
        """Show it soon; of long texts the beginning."""
        notification = msgspec.structs.replace(
            notification, title=elided(notification.title, _LONGEST_TITLE), body=shortened(notification.body)
        )
        if sys.platform in ("win32", "darwin"):
            self._fallback(notification)
        else:
            self._waiting.put(notification)

    def close(self) -> None:
        """Take no more. What is on the screen stays, but is no longer listened to."""
        self._waiting.put(None)
        self._thread.join(timeout=1.0)

    def _work(self) -> None:
        while (notification := self._waiting.get()) is not None:
            try:
                if self._service is None:
                    self._service = _Service(self._icon, self.activated.emit)
                self._service.notify(notification)
            except failures():
                self._end_service()
                # The program may have ended meanwhile, and this object with it.
                with suppress(RuntimeError):
                    self._not_taken.emit(notification)
        self._end_service()

    def _end_service(self) -> None:
        if self._service is not None:
            self._service.close()
            self._service = None


class _Service:
    """A connection to the notification service; used by one thread, its signals come in jeepney's own."""

    def __init__(self, icon: str, chosen: Callable[[str, str], None]) -> None:
        from jeepney import DBusAddress, MatchRule
        from jeepney.bus_messages import message_bus
        from jeepney.io.threading import Proxy, open_dbus_router

        self._icon = icon
        self._chosen = chosen
        self._address = DBusAddress(_PATH, bus_name=_NAME, interface=_NAME)
        self._ids: dict[str, int] = {}
        with ExitStack() as opened:
            self._router: DBusRouter = opened.enter_context(open_dbus_router())
            rule = MatchRule(type="signal", interface=_NAME, path=_PATH)
            opened.enter_context(self._router.filter(rule, queue=_Listener(self._heard)))
            Proxy(message_bus, self._router, timeout=_TIMEOUT).AddMatch(rule)
            (capabilities,) = self._call("GetCapabilities", None, ())
            self._capabilities = frozenset(capabilities)
            self._opened = opened.pop_all()

    def notify(self, notification: Notification) -> None:
        replaces = self._ids.get(notification.key, 0)
        arguments = notify_arguments(notification, replaces, self._capabilities, self._icon)
        (self._ids[notification.key],) = self._call("Notify", "susssasa{sv}i", arguments)

    def close(self) -> None:
        self._opened.close()

    def _call(self, method: str, signature: str | None, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
        from jeepney import new_method_call
        from jeepney.wrappers import unwrap_msg

        message = new_method_call(self._address, method, signature, arguments)
        return tuple(unwrap_msg(self._router.send_and_get_reply(message, timeout=_TIMEOUT)))

    def _heard(self, member: str, number: int, detail: Any) -> None:
        key = next((key for key, known in self._ids.items() if known == number), None)
        if key is None:
            return
        if member == "ActionInvoked":
            with suppress(RuntimeError):
                self._chosen(key, str(detail))
        elif member == "NotificationClosed":
            self._ids.pop(key, None)


class _Listener:
    """What jeepney takes for a queue: hands every signal on at once, in jeepney's thread."""

    def __init__(self, heard: Callable[[str, int, Any], None]) -> None:
        self._heard = heard

    def put_nowait(self, message: "Message") -> None:
        from jeepney import HeaderFields

        self._heard(message.header.fields[HeaderFields.member], *message.body[:2])


def notify_arguments(
    notification: Notification, replaces: int, capabilities: frozenset[str], icon: str
) -> tuple[Any, ...]:
    """The arguments of Notify for a service with these capabilities; `replaces` is the id of an older one or 0."""
    from html import escape

    body = escape(notification.body, quote=False) if "body-markup" in capabilities else notification.body
    shown = notification.actions if "actions" in capabilities else ()
    actions = [text for action in shown for text in (action.name, action.label)]
    hints = {"urgency": ("y", _URGENCIES[notification.urgency]), "desktop-entry": ("s", "traysync")}
    when_the_service_thinks = -1
    title = unmarked(notification.title)  # some draw markup here, too, but what is escaped others draw as it is
    return ("TraySync", replaces, icon, title, body, actions, hints, when_the_service_thinks)
