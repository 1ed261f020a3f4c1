"""Calling one of the system's tools."""

import subprocess

from trayapp.desktop.process.children import environment

_TIMEOUT = 5.0
"""Seconds."""


def output(*command: str) -> str | None:
    """What the tool prints; None when it fails, is missing or hangs."""
    try:
        done = subprocess.run(command, capture_output=True, env=environment(), timeout=_TIMEOUT, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else None
