"""macOS: the tool ipconfig; not tried on macOS yet."""

import re

from trayapp.desktop.machine.wifi.tool import output


def wifi_name() -> str | None:
    """Of the first interface, which is a Mac's Wi-Fi."""
    return parsed(output("ipconfig", "getsummary", "en0"))


def parsed(text: str | None) -> str | None:
    """The name in what `ipconfig getsummary` prints; None where macOS keeps it from us."""
    found = re.search(r"^\s*SSID : (.*?)\s*$", text or "", re.MULTILINE)
    return None if found is None or found[1] == "<redacted>" else found[1]
