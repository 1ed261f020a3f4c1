"""macOS: a launch agent of the user, launchd.plist(5)."""

import plistlib
from pathlib import Path


class LaunchAgent:
    """A property list in ~/Library/LaunchAgents; launchd reads it at the next login."""

    def __init__(self, folder: Path, label: str) -> None:
        self._file = folder / f"{label}.plist"
        self._label = label

    def written(self, command: tuple[str, ...]) -> str:
        """The arguments, one a line."""
        return "\n".join(command)

    def read(self) -> str | None:
        """As `written`; None when there is no file or it is switched off."""
        try:
            agent = plistlib.loads(self._file.read_bytes())
        except FileNotFoundError:
            return None
        except plistlib.InvalidFileException:
            return ""
        return None if agent.get("Disabled") else "\n".join(agent.get("ProgramArguments", ()))

    def write(self, command: tuple[str, ...]) -> None:
        """Write the property list."""
        agent = {
            "Label": self._label,
            "ProgramArguments": list(command),
            "RunAtLoad": True,
            "ProcessType": "Interactive",
        }
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.write_bytes(plistlib.dumps(agent))

    def remove(self) -> None:
        """Delete the file if there is one."""
        self._file.unlink(missing_ok=True)
