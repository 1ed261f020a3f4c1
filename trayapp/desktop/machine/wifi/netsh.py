"""Windows: the tool netsh; not tried on Windows yet."""

import re

from trayapp.desktop.machine.wifi.tool import output


def wifi_name() -> str | None:
    """Of the first interface that is in one."""
    return parsed(output("netsh", "wlan", "show", "interfaces"))


def parsed(text: str | None) -> str | None:
    """The name in what `netsh wlan show interfaces` prints, in any language."""
    if text is None:
        return None
    found = re.search(r"^\s*SSID\s*: (.*?)\s*$", text, re.MULTILINE)
    return found[1] if found else ""
