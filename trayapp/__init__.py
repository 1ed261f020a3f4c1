"""TraySync keeps local SQLite copies of web APIs up to date, from the system tray."""

__version__ = "0.1.0"
