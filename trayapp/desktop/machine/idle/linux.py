"""Linux: the X server, else the compositor of GNOME, else logind."""

import os
import time
from contextlib import suppress

from trayapp.desktop.machine.system_bus import Unanswered, reader


def idle_seconds() -> float | None:
    """As whoever knows best says."""
    if os.environ.get("DISPLAY") and not os.environ.get("WAYLAND_DISPLAY"):
        from trayapp.desktop.machine import x11

        with suppress(x11.NoServer):
            return x11.idle_seconds()
    with suppress(Unanswered):
        return _mutter()
    with suppress(Unanswered):
        return _logind()
    return None


def _mutter() -> float:
    """GNOME on Wayland; its own interface, used by many programs."""
    with reader("SESSION") as bus:
        monitor = ("org.gnome.Mutter.IdleMonitor", "/org/gnome/Mutter/IdleMonitor/Core", "org.gnome.Mutter.IdleMonitor")
        (milliseconds,) = bus.call(*monitor, "GetIdletime")
        return float(milliseconds / 1000)


def _logind() -> float | None:
    """The hint of all sessions of the user: org.freedesktop.login1(5)."""
    with reader("SYSTEM") as bus:
        user = ("org.freedesktop.login1", "/org/freedesktop/login1/user/self", "org.freedesktop.login1.User")
        return logind_idle(bus.get(*user, "IdleHint"), bus.get(*user, "IdleSinceHint"), time.time())


def logind_idle(idle: bool, since: int, now: float) -> float | None:
    """logind's hint as seconds: `since` is when it last changed, in microseconds; 0: no desktop has ever given it."""
    if not since:
        return None
    return max(0.0, now - since / 1e6) if idle else 0.0
