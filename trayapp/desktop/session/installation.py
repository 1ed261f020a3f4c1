"""How the system starts this very installation for a home, and what its entries about that are called."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from trayapp.desktop.process.paths import Home

State = Literal["on", "off", "elsewhere"]
"""Of an entry. `elsewhere`: it is there, but starts a program in another place: moved, or another installation."""


def command(home: Home, *arguments: str) -> tuple[str, ...]:
    """The program with the option that chooses this home, and these arguments."""
    place = ("--home", str(home.given)) if home.given else ()
    return (*program(), *place, *arguments)


def program(environ: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """What starts this installation: the frozen program, the environment's script, or the module."""
    if "APPIMAGE" in environ and getattr(sys, "frozen", False):
        return (environ["APPIMAGE"],)
    if getattr(sys, "frozen", False):
        return (sys.executable,)
    interpreter = Path(sys.executable)
    script = interpreter.with_name("traysync.exe" if sys.platform == "win32" else "traysync")
    if script.exists():
        return (str(script),)
    windowless = interpreter.with_name("pythonw.exe")
    return (str(windowless if windowless.exists() else interpreter), "-m", "trayapp")


def suffix(home: Home) -> str:
    """Ends an entry's name: each given home has an entry of its own, so that homes do not switch each other off."""
    import hashlib

    return "-" + hashlib.sha256(os.fsencode(home.given)).hexdigest()[:8] if home.given else ""


def config_folder() -> Path:
    """$XDG_CONFIG_HOME, where the desktop and systemd of a Linux user look for entries."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
