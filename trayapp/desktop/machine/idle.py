"""For how long nobody has used keyboard, mouse or touch. None where the system can't say."""

import os
import sys
import time
from contextlib import suppress

from trayapp.desktop.machine.system_bus import Unanswered, reader


def idle_seconds() -> float | None:
    """Seconds since the last input of the user. May wait for the system: not for the GUI's thread."""
    if sys.platform == "win32":
        return _windows()
    if sys.platform == "darwin":
        return _macos()
    if os.environ.get("DISPLAY") and not os.environ.get("WAYLAND_DISPLAY"):
        from trayapp.desktop.machine import x11

        with suppress(x11.NoServer):
            return x11.idle_seconds()
    with suppress(Unanswered), reader("SESSION") as bus:
        # GNOME on Wayland; its own interface, used by many programs.
        monitor = ("org.gnome.Mutter.IdleMonitor", "/org/gnome/Mutter/IdleMonitor/Core", "org.gnome.Mutter.IdleMonitor")
        (milliseconds,) = bus.call(*monitor, "GetIdletime")
        return float(milliseconds / 1000)
    with suppress(Unanswered), reader("SYSTEM") as bus:
        user = ("org.freedesktop.login1", "/org/freedesktop/login1/user/self", "org.freedesktop.login1.User")
        return logind_idle(bus.get(*user, "IdleHint"), bus.get(*user, "IdleSinceHint"), time.time())
    return None


def logind_idle(idle: bool, since: int, now: float) -> float | None:
    """logind's hint as seconds: `since` is when it last changed, in microseconds; 0: no desktop has ever given it."""
    if not since:
        return None
    return max(0.0, now - since / 1e6) if idle else 0.0


def _windows() -> float | None:
    """GetLastInputInfo; not tried on Windows yet."""
    from ctypes import CDLL, Structure, byref, c_uint32, sizeof

    class LastInput(Structure):
        _fields_ = [("size", c_uint32), ("ticks", c_uint32)]

    last = LastInput()
    last.size = sizeof(last)
    if not CDLL("user32").GetLastInputInfo(byref(last)):
        return None
    # Both count milliseconds since the start of the system, and begin anew after 49 days.
    return float(((CDLL("kernel32").GetTickCount() - last.ticks) & 0xFFFFFFFF) / 1000)


def _macos() -> float | None:
    """CGEventSourceSecondsSinceLastEventType, of any event in the session; not tried on macOS yet."""
    from ctypes import CDLL, c_double, c_int32, c_uint32

    try:
        services = CDLL("/System/Library/Frameworks/ApplicationServices.framework/ApplicationServices")
    except OSError:
        return None
    ask = services.CGEventSourceSecondsSinceLastEventType
    ask.restype, ask.argtypes = c_double, (c_int32, c_uint32)
    session, any_event = 0, 0xFFFFFFFF
    return float(ask(session, any_event))
