"""The name of the Wi-Fi that this computer is in. None where the system can't say."""

import re
import subprocess
import sys
from contextlib import suppress

from trayapp.desktop.machine.system_bus import Unanswered, reader

_NETWORK_MANAGER = "org.freedesktop.NetworkManager"
_PATIENCE = 5.0


def wifi_name() -> str | None:
    """The Wi-Fi's name; "" when the computer is in none. May wait for the system: not for the GUI's thread."""
    if sys.platform == "win32":
        return from_netsh(_output("netsh", "wlan", "show", "interfaces"))
    if sys.platform == "darwin":
        return from_ipconfig(_output("ipconfig", "getsummary", "en0"))
    with suppress(Unanswered):
        return _network_manager()
    return None


def _network_manager() -> str:
    """Of the connection that leads into the internet, below a VPN if there is one.

    Source: https://networkmanager.dev/docs/api/latest/spec.html, PrimaryConnection and what it points at.
    """
    with reader("SYSTEM") as bus:
        path = bus.get(_NETWORK_MANAGER, "/org/freedesktop/NetworkManager", _NETWORK_MANAGER, "PrimaryConnection")
        if path == "/":
            return ""
        connection = (_NETWORK_MANAGER, path, f"{_NETWORK_MANAGER}.Connection.Active")
        if bus.get(*connection, "Type") != "802-11-wireless":
            return ""
        point = bus.get(*connection, "SpecificObject")
        name = bus.get(_NETWORK_MANAGER, point, f"{_NETWORK_MANAGER}.AccessPoint", "Ssid")
        return bytes(name).decode("utf-8", "replace")


def from_netsh(output: str | None) -> str | None:
    """The name in what `netsh wlan show interfaces` prints, in any language; not tried on Windows yet."""
    if output is None:
        return None
    found = re.search(r"^\s*SSID\s*: (.*?)\s*$", output, re.MULTILINE)
    return found[1] if found else ""


def from_ipconfig(output: str | None) -> str | None:
    """The name in what `ipconfig getsummary` prints of a Mac's Wi-Fi, which may be kept from us; not tried yet."""
    found = re.search(r"^\s*SSID : (.*?)\s*$", output or "", re.MULTILINE)
    return None if found is None or found[1] == "<redacted>" else found[1]


def _output(*command: str) -> str | None:
    try:
        done = subprocess.run(command, capture_output=True, timeout=_PATIENCE, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else None
