"""The tray program: the one place where all parts meet."""

from trayapp.app.program import main

__all__ = ["main"]
