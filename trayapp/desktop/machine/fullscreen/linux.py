"""Linux: the X server. Wayland's compositors tell nobody."""

import os
from contextlib import suppress

from trayapp.desktop.machine import x11


def fullscreen() -> bool | None:
    """None without an X server."""
    if os.environ.get("DISPLAY") and not os.environ.get("WAYLAND_DISPLAY"):
        with suppress(x11.NoServer):
            return x11.fullscreen()
    return None
