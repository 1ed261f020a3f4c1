"""Linux: NetworkManager, by D-Bus.

Source: https://networkmanager.dev/docs/api/latest/spec.html, PrimaryConnection and what it points at.
"""

from contextlib import suppress

from trayapp.desktop.machine.system_bus import Unanswered, reader

_SERVICE = "org.freedesktop.NetworkManager"


def wifi_name() -> str | None:
    """Of the connection that leads into the internet, below a VPN if there is one."""
    with suppress(Unanswered), reader("SYSTEM") as bus:
        path = bus.get(_SERVICE, "/org/freedesktop/NetworkManager", _SERVICE, "PrimaryConnection")
        if path == "/":
            return ""
        connection = (_SERVICE, path, f"{_SERVICE}.Connection.Active")
        if bus.get(*connection, "Type") != "802-11-wireless":
            return ""
        point = bus.get(*connection, "SpecificObject")
        name = bus.get(_SERVICE, point, f"{_SERVICE}.AccessPoint", "Ssid")
        return bytes(name).decode("utf-8", "replace")
    return None
