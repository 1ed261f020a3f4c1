"""Services of a real machine's system bus, imitated: properties that can be asked for, and signals."""

import threading
from typing import Any

from jeepney import DBusAddress, HeaderFields, Message, MessageType, new_error, new_method_return, new_signal
from jeepney.bus_messages import message_bus
from jeepney.io.threading import ReceiveStopped, open_dbus_connection

Properties = dict[str, tuple[str, Any]]
"""Values by name, each with its D-Bus signature."""

UPOWER, DEVICE = "/org/freedesktop/UPower", "/org/freedesktop/UPower/devices/DisplayDevice"
MANAGER = "/org/freedesktop/NetworkManager"
LOGIND = "/org/freedesktop/login1"
WIRED: Properties = {
    "State": ("u", 70),
    "Connectivity": ("u", 4),
    "Metered": ("u", 2),
    "NetworkingEnabled": ("b", True),
    "PrimaryConnection": ("o", "/wired"),
    "PrimaryConnectionType": ("s", "802-3-ethernet"),
}
"""NetworkManager's properties on a full, unmetered connection (NMState, NMConnectivityState, NMMetered)."""
_INTERFACES = {
    "/wired": "org.freedesktop.NetworkManager.Connection.Active",
    "/card": "org.freedesktop.NetworkManager.Device",
}
"""What these objects are, for clients that want to know it before they read properties."""


def network(metered: int = 2) -> dict[str, Properties]:
    """NetworkManager's objects on a cable, with this NMMetered."""
    return {
        MANAGER: {**WIRED, "Metered": ("u", metered)},
        "/wired": {"Devices": ("ao", ["/card"]), "Type": ("s", "802-3-ethernet"), "SpecificObject": ("o", "/")},
        "/card": {"DeviceType": ("u", 1), "Metered": ("u", metered)},
    }


class Service:
    """Owns a name on the bus and answers questions for its objects' properties, by path."""

    def __init__(self, address: str, name: str, properties: dict[str, Properties]) -> None:
        self._name = name
        self.properties = properties
        self._connection = open_dbus_connection(address)
        self._connection.send(message_bus.RequestName(name))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def change(self, path: str, interface: str | None = None, **values: tuple[str, Any]) -> None:
        """Set properties and say so, as those of an interface that by default has the service's name."""
        self.properties[path] |= values
        self.emit(
            path,
            "org.freedesktop.DBus.Properties",
            "PropertiesChanged",
            "sa{sv}as",
            interface or self._name,
            values,
            [],
        )

    def emit(self, path: str, interface: str, member: str, signature: str, *arguments: Any) -> None:
        """Send a signal."""
        self._connection.send(new_signal(DBusAddress(path, interface=interface), member, signature, arguments))

    def close(self) -> None:
        self._connection.interrupt()
        self._thread.join()
        self._connection.close()

    def _serve(self) -> None:
        while True:
            try:
                message = self._connection.receive()
            except ReceiveStopped:
                return
            if message.header.message_type is MessageType.method_call:
                self._connection.send(self._answer(message))

    def _answer(self, message: Message) -> Message:
        member = message.header.fields[HeaderFields.member]
        known = self.properties.get(message.header.fields[HeaderFields.path], {})
        if member == "Get" and message.body[1] in known:
            return new_method_return(message, "v", (known[message.body[1]],))
        if member == "GetAll":
            return new_method_return(message, "a{sv}", (known,))
        if member == "Introspect":
            properties = "".join(
                f'<property name="{name}" type="{signature}" access="read"/>' for name, (signature, _) in known.items()
            )
            name = _INTERFACES.get(message.header.fields[HeaderFields.path], self._name)
            interface = f'<interface name="{name}">{properties}</interface>'
            return new_method_return(message, "s", (f"<node>{interface}</node>",))
        return new_error(message, "org.freedesktop.DBus.Error.UnknownMethod")
