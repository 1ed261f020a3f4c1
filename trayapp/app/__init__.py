"""The tray program: the one place where all parts meet."""

from trayapp.desktop.process.instance import Lock
from trayapp.desktop.process.paths import Home
from trayapp.desktop.process.qt_imports import keep_imports_quick


def main(home: Home, lock: Lock, background: bool = False) -> int:
    """Run the tray program of a home whose engine lock is held; its exit code. background: open no window."""
    keep_imports_quick()
    from trayapp.app.start import run

    return run(home, lock, background)
