"""Plain D-Bus calls from the tests to the desktop's parts and the program."""

from collections.abc import Callable
from typing import Any

from jeepney import DBusAddress, DBusErrorResponse, MatchRule, Message, MessageType, new_method_call, new_signal
from jeepney.bus_messages import message_bus
from jeepney.io.blocking import DBusConnection, open_dbus_connection
from jeepney.wrappers import unwrap_msg

from tests.desktop.waiting import wait_for

__all__ = ["Bus", "DBusErrorResponse", "Monitor"]


class Bus:
    def __init__(self, address: str) -> None:
        self._connection: DBusConnection = open_dbus_connection(address)

    def call(self, name: str, path: str, interface: str, method: str, signature: str = "", *arguments: Any) -> Any:
        """The reply: its one value, or the tuple of them. DBusErrorResponse, TimeoutError after 5 s."""
        address = DBusAddress(path, bus_name=name, interface=interface)
        message = new_method_call(address, method, signature or None, arguments)
        values = unwrap_msg(self._connection.send_and_get_reply(message, timeout=5))
        return values[0] if len(values) == 1 else values

    def emit(self, path: str, interface: str, member: str, signature: str, *arguments: Any) -> None:
        """Send a signal to whoever listens."""
        self._connection.send(new_signal(DBusAddress(path, interface=interface), member, signature, arguments))

    def own(self, name: str) -> None:
        """Be a service of this name: for signals from it."""
        unwrap_msg(self._connection.send_and_get_reply(message_bus.RequestName(name), timeout=5))

    def get(self, name: str, path: str, interface: str, member: str) -> Any:
        return self.call(name, path, "org.freedesktop.DBus.Properties", "Get", "ss", interface, member)[1]

    def has_owner(self, name: str) -> bool:
        return bool(self._of_the_bus("NameHasOwner", name))

    def pid_of(self, name: str) -> int:
        return int(self._of_the_bus("GetConnectionUnixProcessID", name))

    def wait_for_name(self, name: str) -> None:
        wait_for(lambda: self.has_owner(name), f"{name} on the bus", 20)

    def close(self) -> None:
        self._connection.close()

    def _of_the_bus(self, method: str, name: str) -> Any:
        return self.call("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", method, "s", name)


class Monitor:
    """Sees every message on the bus that matches a rule, whomever it is for."""

    def __init__(self, address: str, *rules: MatchRule) -> None:
        self._connection = open_dbus_connection(address)
        monitoring = DBusAddress(message_bus.object_path, message_bus.bus_name, "org.freedesktop.DBus.Monitoring")
        texts = [rule.serialise() for rule in rules]
        reply = self._connection.send_and_get_reply(new_method_call(monitoring, "BecomeMonitor", "asu", (texts, 0)))
        assert reply.header.message_type is MessageType.method_return, reply.body

    def drain(self, seen: Callable[[Message], None], seconds: float = 0.02) -> None:
        """Hand over what has come meanwhile; waits at most `seconds` for the first."""
        while True:
            try:
                message = self._connection.receive(timeout=seconds)
            except TimeoutError:
                return
            seen(message)

    def close(self) -> None:
        self._connection.close()
