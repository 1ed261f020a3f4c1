"""Whether a film, a talk or a game has the whole screen.

One module per system, each with `fullscreen() -> bool | None`: None where the system can't say, as macOS always.
"""

import sys


def fullscreen() -> bool | None:
    """Whether a program fills the screen. May wait for the system: not for the GUI's thread."""
    if sys.platform == "win32":
        from trayapp.desktop.machine.fullscreen import windows

        return windows.fullscreen()
    if sys.platform == "darwin":
        return None
    from trayapp.desktop.machine.fullscreen import linux

    return linux.fullscreen()
