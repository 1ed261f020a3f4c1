"""Windows: a value of the user's Run key. What the task manager switched off is in StartupApproved."""

import subprocess
import sys
import winreg
from contextlib import suppress

assert sys.platform == "win32"  # tells mypy which system to check this for

_RUN = r"Software\Microsoft\Windows\CurrentVersion\Run"
_APPROVED = r"Software\Microsoft\Windows\CurrentVersion\Explorer\StartupApproved\Run"


class RunKey:
    """A value of the user's Run key; not tried on Windows yet."""

    def __init__(self, name: str) -> None:
        self._name = name

    def written(self, command: tuple[str, ...]) -> str:
        """The command line."""
        return subprocess.list2cmdline(command)

    def read(self) -> str | None:
        """The value; None when there is none or the task manager switched it off."""
        with suppress(FileNotFoundError), winreg.OpenKey(winreg.HKEY_CURRENT_USER, _APPROVED) as key:
            approved = winreg.QueryValueEx(key, self._name)[0]
            # The task manager writes 12 bytes; an odd first one means "disabled".
            if approved and approved[0] % 2:
                return None
        try:
            with winreg.OpenKey(winreg.HKEY_CURRENT_USER, _RUN) as key:
                return str(winreg.QueryValueEx(key, self._name)[0])
        except FileNotFoundError:
            return None

    def write(self, command: tuple[str, ...]) -> None:
        """Set the value, and switch it on."""
        with winreg.CreateKey(winreg.HKEY_CURRENT_USER, _RUN) as key:
            winreg.SetValueEx(key, self._name, 0, winreg.REG_SZ, self.written(command))
        self._delete(_APPROVED)

    def remove(self) -> None:
        """Delete the value if there is one."""
        self._delete(_RUN)

    def _delete(self, path: str) -> None:
        with (
            suppress(FileNotFoundError),
            winreg.OpenKey(winreg.HKEY_CURRENT_USER, path, access=winreg.KEY_SET_VALUE) as key,
        ):
            winreg.DeleteValue(key, self._name)
