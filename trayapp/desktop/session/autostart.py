"""Starting with the user's session. The system's own entry is the truth: its settings may switch it off too. No Qt.

Linux: an XDG autostart file (Desktop Application Autostart Specification 0.5). Windows: a value of the Run key; what
the task manager switched off is in StartupApproved. macOS: a launch agent, launchd.plist(5).
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal, Protocol

from trayapp.desktop.process.paths import Home
from trayapp.errors import UserError
from trayapp.messages import say

AutostartState = Literal["on", "off", "elsewhere"]
"""`elsewhere`: switched on, but for a program in another place: moved, or another installation."""


def state(home: Home) -> AutostartState:
    """What the system will do at the next login. UserError when it does not let us look."""
    entry = _entry(home)
    with _explained():
        found = entry.read()
    if found is None:
        return "off"
    return "on" if found == entry.written(start_command(home)) else "elsewhere"


def enable(home: Home) -> None:
    """Start this program for this home at every login, without a window. UserError when the system refuses."""
    with _explained():
        _entry(home).write(start_command(home))


def disable(home: Home) -> None:
    """Do not start it. UserError when the system refuses."""
    with _explained():
        _entry(home).remove()


def start_command(home: Home) -> tuple[str, ...]:
    """The program and its arguments: the running installation, started to the tray."""
    place = ("--home", str(home.given)) if home.given else ()
    return (*program(), *place, "--background")


def program(environ: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """How this very installation is started: the frozen program, the environment's script, or the module."""
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


class _Entry(Protocol):
    """One system's entry; `written` is the text that `write` leaves and `read` finds, None when nothing is started."""

    def written(self, command: tuple[str, ...]) -> str: ...
    def read(self) -> str | None: ...
    def write(self, command: tuple[str, ...]) -> None: ...
    def remove(self) -> None: ...


def _entry(home: Home) -> _Entry:
    # A home of its own has an entry of its own, so that two homes do not switch each other off.
    import hashlib

    suffix = "-" + hashlib.sha256(os.fsencode(home.given)).hexdigest()[:8] if home.given else ""
    if sys.platform == "win32":
        return _RunKey("TraySync" + suffix)
    if sys.platform == "darwin":
        return LaunchAgent(Path.home() / "Library/LaunchAgents", "traysync" + suffix)
    config = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return XdgEntry(config / "autostart" / f"traysync{suffix}.desktop")


class XdgEntry:
    """A .desktop file in the autostart folder."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def written(self, command: tuple[str, ...]) -> str:
        """The value of Exec."""
        return _escaped(" ".join(_quoted(argument) for argument in command))

    def read(self) -> str | None:
        """The value of Exec; None when there is no file or the desktop's settings switched it off."""
        try:
            lines = self._file.read_text("utf-8").splitlines()
        except FileNotFoundError:
            return None
        values = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
        values = {name.strip(): value.strip() for name, value in values.items()}
        if values.get("Hidden") == "true" or values.get("X-GNOME-Autostart-enabled") == "false":
            return None
        return values.get("Exec")

    def write(self, command: tuple[str, ...]) -> None:
        """TryExec keeps the desktop quiet when the program was removed without its entry."""
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = self._file.with_suffix(".new")
        new.write_text(
            "[Desktop Entry]\nType=Application\nName=TraySync\n"
            "Comment=Keeps local copies of web APIs up to date\nIcon=traysync\n"
            f"TryExec={_escaped(command[0])}\nExec={self.written(command)}\nTerminal=false\n"
            "X-GNOME-Autostart-enabled=true\n",
            "utf-8",
        )
        new.replace(self._file)

    def remove(self) -> None:
        """Delete the file if there is one."""
        self._file.unlink(missing_ok=True)


def _quoted(argument: str) -> str:
    """An argument as Exec wants it: Desktop Entry Specification 1.5, "The Exec key"."""
    text = argument.replace("%", "%%")
    if text and not set(text) & set(" \t\n\"'\\><~|&;$*?#()`"):
        return text
    for special in ("\\", '"', "`", "$"):
        text = text.replace(special, "\\" + special)
    return f'"{text}"'


def _escaped(value: str) -> str:
    """A string value of a .desktop file: its own escapes come on top of those of Exec."""
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r")


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
        import plistlib

        try:
            agent = plistlib.loads(self._file.read_bytes())
        except FileNotFoundError:
            return None
        except plistlib.InvalidFileException:
            return ""
        return None if agent.get("Disabled") else "\n".join(agent.get("ProgramArguments", ()))

    def write(self, command: tuple[str, ...]) -> None:
        """Write the property list."""
        import plistlib

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


if sys.platform == "win32":
    import winreg

    _RUN = r"Software\Microsoft\Windows\CurrentVersion\Run"
    _APPROVED = r"Software\Microsoft\Windows\CurrentVersion\Explorer\StartupApproved\Run"

    class _RunKey:
        """A value of the user's Run key; not tried on Windows yet."""

        def __init__(self, name: str) -> None:
            self._name = name

        def written(self, command: tuple[str, ...]) -> str:
            return subprocess.list2cmdline(command)

        def read(self) -> str | None:
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
            with winreg.CreateKey(winreg.HKEY_CURRENT_USER, _RUN) as key:
                winreg.SetValueEx(key, self._name, 0, winreg.REG_SZ, self.written(command))
            self._delete(_APPROVED)

        def remove(self) -> None:
            self._delete(_RUN)

        def _delete(self, path: str) -> None:
            with (
                suppress(FileNotFoundError),
                winreg.OpenKey(winreg.HKEY_CURRENT_USER, path, access=winreg.KEY_SET_VALUE) as key,
            ):
                winreg.DeleteValue(key, self._name)


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(
            say("Starting at login can't be changed"),
            say(
                "TraySync can't change the list of programs that start at login: {what}.", what=error.strerror or error
            ),
            say("Change it in your system's settings."),
        ) from error
