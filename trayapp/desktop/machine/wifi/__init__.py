"""The name of the Wi-Fi that this computer is in.

One module per source, each with `wifi_name() -> str | None`: "" when the computer is in none, None where the system
can't say.
"""

import sys


def wifi_name() -> str | None:
    """The Wi-Fi's name. May wait for the system: not for the GUI's thread."""
    if sys.platform == "win32":
        from trayapp.desktop.machine.wifi import netsh

        return netsh.wifi_name()
    if sys.platform == "darwin":
        from trayapp.desktop.machine.wifi import ipconfig

        return ipconfig.wifi_name()
    from trayapp.desktop.machine.wifi import networkmanager

    return networkmanager.wifi_name()
