"""For how long nobody has used keyboard, mouse or touch.

One module per system, each with `idle_seconds() -> float | None`: None where the system can't say.
"""

import sys


def idle_seconds() -> float | None:
    """Seconds since the last input of the user. May wait for the system: not for the GUI's thread."""
    if sys.platform == "win32":
        from trayapp.desktop.machine.idle import windows

        return windows.idle_seconds()
    if sys.platform == "darwin":
        from trayapp.desktop.machine.idle import macos

        return macos.idle_seconds()
    from trayapp.desktop.machine.idle import linux

    return linux.idle_seconds()
