"""What the program tells the notification service, and what the service really shows."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from jeepney import HeaderFields, MatchRule, Message, MessageType

from tests.desktop.bus import Bus, Monitor
from tests.desktop.waiting import wait_for

_NAME = "org.freedesktop.Notifications"
_PATH = "/org/freedesktop/Notifications"
_DUNST = (_NAME, _PATH, "org.dunstproject.cmd0")


@dataclass(frozen=True)
class Shown:
    """A call of Notify that the service answered with `number`; `replaces` is the number of an older one, or 0."""

    number: int
    title: str
    body: str
    actions: dict[str, str]
    urgency: int
    replaces: int
    icon: str


class Notifications:
    """Listens from its making on. dunst is asked for what is on the screen."""

    def __init__(self, address: str) -> None:
        self.seen: list[Shown] = []
        self._unanswered: dict[tuple[str, int], tuple[Any, ...]] = {}
        self._bus = Bus(address)
        call = MatchRule(type="method_call", interface=_NAME, member="Notify")
        self._monitor = Monitor(address, call, MatchRule(type="method_return"))

    def wait(self, wanted: Callable[[Shown], bool] = lambda _: True, seconds: float = 60.0) -> Shown:
        """The newest notification that is wanted, as soon as there is one."""

        def look() -> Shown | None:
            self._monitor.drain(self._add)
            return next((shown for shown in reversed(self.seen) if wanted(shown)), None)

        found = wait_for(look, "a notification", seconds)
        assert found
        return found

    def displayed(self) -> int:
        """How many are on the screen."""
        return int(self._bus.get(*_DUNST, "displayedLength"))

    def history(self) -> list[dict[str, Any]]:
        """What dunst showed and closed, the newest first, by its own field names (summary, body, appname, …)."""
        listed = self._bus.call(*_DUNST, "NotificationListHistory")
        return [{name: value for name, (_, value) in one.items()} for one in listed]

    def close_all(self) -> None:
        """Take all from the screen."""
        self._bus.call(*_DUNST, "NotificationCloseAll")

    def pause(self, on: bool) -> None:
        """Have dunst show none for a while: it keeps them for later."""
        properties = "org.freedesktop.DBus.Properties"
        self._bus.call(_NAME, _PATH, properties, "Set", "ssv", _DUNST[2], "paused", ("b", on))

    def choose(self, shown: Shown, action: str) -> None:
        """Tell the program that this button was pressed; dunst itself draws none."""
        self._bus.emit(_PATH, _NAME, "ActionInvoked", "us", shown.number, action)

    def close(self) -> None:
        self._monitor.close()
        self._bus.close()

    def _add(self, message: Message) -> None:
        fields = message.header.fields
        if message.header.message_type is MessageType.method_call and fields.get(HeaderFields.member) == "Notify":
            self._unanswered[fields[HeaderFields.sender], message.header.serial] = message.body
        elif message.header.message_type is MessageType.method_return:
            asked = (fields.get(HeaderFields.destination, ""), fields[HeaderFields.reply_serial])
            if asked in self._unanswered:
                self.seen.append(_shown(message.body[0], *self._unanswered.pop(asked)))


def _shown(
    number: int,
    _app: str,
    replaces: int,
    icon: str,
    title: str,
    body: str,
    actions: list[str],
    hints: dict[str, tuple[str, Any]],
    _timeout: int,
) -> Shown:
    by_name = dict(zip(actions[::2], actions[1::2], strict=True))
    return Shown(number, title, body, by_name, hints.get("urgency", ("y", 1))[1], replaces, icon)
