"""macOS: a launch agent of the user, launchd.plist(5)."""

import os
import plistlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from trayapp.desktop.session.installation import State
from trayapp.desktop.session.scheduled_task.entry import EVERY, WHILE_LOGGED_IN, Refused, run_tool
from trayapp.messages import Message


class LaunchAgent:
    """A launch agent of the user; not tried on macOS yet."""

    def __init__(self, folder: Path, label: str) -> None:
        self._file = folder / f"{label}.plist"
        self._label = label

    def state(self, command: tuple[str, ...]) -> State:
        """launchd reads the file at every login."""
        try:
            found = self._file.read_bytes()
        except FileNotFoundError:
            return "off"
        return "on" if found == agent_plist(self._label, command) else "elsewhere"

    def enable(self, command: tuple[str, ...]) -> None:
        """Write the file and have launchd read it now."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.write_bytes(agent_plist(self._label, command))
        with suppress(Refused):
            run_tool("launchctl", "bootout", self._target())
        run_tool("launchctl", "bootstrap", self._target().rpartition("/")[0], str(self._file))

    def disable(self) -> None:
        """Have launchd forget it, and delete the file."""
        with suppress(Refused):
            run_tool("launchctl", "bootout", self._target())
        self._file.unlink(missing_ok=True)

    def note(self) -> Message:
        """An agent belongs to a session."""
        return WHILE_LOGGED_IN

    def _target(self) -> str:
        return f"gui/{os.getuid()}/{self._label}"


def agent_plist(label: str, command: Sequence[str]) -> bytes:
    """The agent: launchd makes up for calls that fell into sleep."""
    return plistlib.dumps(
        {
            "Label": label,
            "ProgramArguments": list(command),
            "StartInterval": EVERY * 60,
            "ProcessType": "Background",
            "LowPriorityIO": True,
        }
    )
