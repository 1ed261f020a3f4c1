"""Which programs run, and whether one fills the screen."""

import os
import sys
from collections.abc import Iterable


def running(names: Iterable[str]) -> dict[str, bool]:
    """For each name whether a program of that name runs, of anybody; case and ".exe" do not matter."""
    import psutil

    found = {_plain(process.info["name"] or "") for process in psutil.process_iter(["name"])}
    return {name: _plain(name) in found for name in names}


def _plain(name: str) -> str:
    return name.strip().lower().removesuffix(".exe")


def fullscreen() -> bool | None:
    """Whether a film, a talk or a game has the whole screen; None where the system does not tell."""
    if sys.platform == "win32":
        return _windows()
    if sys.platform != "darwin" and os.environ.get("DISPLAY") and not os.environ.get("WAYLAND_DISPLAY"):
        from trayapp.desktop.machine import x11

        try:
            return x11.fullscreen()
        except x11.NoServer:
            return None
    return None


def _windows() -> bool | None:
    """SHQueryUserNotificationState: busy, a full-screen Direct3D program, a presentation; not tried on Windows yet."""
    from ctypes import CDLL, byref, c_int

    state = c_int()
    if CDLL("shell32").SHQueryUserNotificationState(byref(state)):
        return None
    return state.value in (2, 3, 4)
