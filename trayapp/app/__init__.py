"""The tray program: the one place where all parts meet."""

from trayapp.app.start import main

__all__ = ["main"]
