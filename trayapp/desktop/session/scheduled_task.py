"""Having the system run what is due while the tray program does not run: it calls `traysync sync --due`. No Qt.

Linux: a systemd user service and timer, systemd.timer(5). Windows: a task of the Task Scheduler (schema version 1.2,
https://learn.microsoft.com/windows/win32/taskschd/task-scheduler-schema). macOS: a launch agent, launchd.plist(5).

While the tray program runs, the call asks it, hears that it does all this itself, and ends at once.
"""

import getpass
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal, Protocol

import msgspec

from trayapp.desktop.process.paths import Home
from trayapp.desktop.session.installation import program
from trayapp.errors import UserError
from trayapp.messages import say

EVERY = 5
"""Minutes between two calls, each of which takes a third of a second when nothing is due."""
_PATIENCE = 30.0
"""Seconds for the system's own tools to answer."""

State = Literal["on", "off", "elsewhere"]
"""`elsewhere`: switched on, but for a program in another place: moved, or another installation."""


class BackgroundState(msgspec.Struct, frozen=True):
    """Whether the system calls this program, and what the user should know about it."""

    state: State
    note: str = ""


def state(home: Home) -> BackgroundState:
    """What the system does now. UserError when it can't be asked."""
    entry = _entry(home)
    found = entry.state(due_command(home))
    return BackgroundState(found, entry.note() if found == "on" else "")


def enable(home: Home) -> BackgroundState:
    """Have the system call this program for this home every few minutes. UserError when the system refuses."""
    entry = _entry(home)
    entry.enable(due_command(home))
    return BackgroundState("on", entry.note())


def disable(home: Home) -> BackgroundState:
    """Have it stop that. UserError when the system refuses."""
    _entry(home).disable()
    return BackgroundState("off")


def due_command(home: Home) -> tuple[str, ...]:
    """The program and its arguments: the running installation, for one look at what is due."""
    place = ("--home", str(home.given)) if home.given else ()
    return (*program(), *place, "sync", "--due")


class _Entry(Protocol):
    """What one system keeps about us."""

    def state(self, command: tuple[str, ...]) -> State: ...
    def enable(self, command: tuple[str, ...]) -> None: ...
    def disable(self) -> None: ...
    def note(self) -> str: ...


def _entry(home: Home) -> _Entry:
    # A home of its own has an entry of its own, so that two homes do not switch each other off.
    import hashlib

    suffix = "-" + hashlib.sha256(os.fsencode(home.given)).hexdigest()[:8] if home.given else ""
    if sys.platform == "win32":
        return ScheduledTask(f"TraySync background{suffix}")
    if sys.platform == "darwin":
        return Agent(Path.home() / "Library/LaunchAgents", f"traysync.background{suffix}")
    config = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return Units(config / "systemd" / "user", f"traysync-background{suffix}")


# systemd


class Units:
    """A service and a timer of the user's systemd."""

    def __init__(self, folder: Path, name: str) -> None:
        self._service = folder / f"{name}.service"
        self._timer = folder / f"{name}.timer"

    def state(self, command: tuple[str, ...]) -> State:
        """The timer is on when it is linked into the units that start; the files tell for whom."""
        wanted = self._timer.parent / "timers.target.wants" / self._timer.name
        if not wanted.is_symlink() or not self._service.exists():
            return "off"
        return "on" if self._service.read_text("utf-8") == service_unit(command) else "elsewhere"

    def enable(self, command: tuple[str, ...]) -> None:
        """Write both units and start the timer, now and at every login."""
        with _explained():
            self._service.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._service.write_text(service_unit(command), "utf-8")
            self._timer.write_text(timer_unit(), "utf-8")
        try:
            _call("systemctl", "--user", "daemon-reload")
            _call("systemctl", "--user", "enable", "--now", self._timer.name)
        except UserError:
            self._delete()
            raise

    def disable(self) -> None:
        """Stop the timer and delete both units."""
        if not self._timer.exists() and not self._service.exists():
            return
        _call("systemctl", "--user", "disable", "--now", self._timer.name)
        self._delete()
        _call("systemctl", "--user", "daemon-reload")

    def _delete(self) -> None:
        with _explained():
            self._timer.unlink(missing_ok=True)
            self._service.unlink(missing_ok=True)

    def note(self) -> str:
        """Without lingering, the user's systemd ends with the last session."""
        with suppress(UserError):
            if _call("loginctl", "show-user", getpass.getuser(), "--property=Linger", "--value").strip() == "yes":
                return ""
        return "It works while you are logged in. For the time after that, too: loginctl enable-linger"


def service_unit(command: Sequence[str]) -> str:
    """The service: one look, at low priority. A failed run (1) is in the history; another process may be at it (3)."""
    return (
        "[Unit]\nDescription=TraySync: sync what is due\n\n"
        f"[Service]\nType=oneshot\nExecStart={' '.join(map(quoted, command))}\nSuccessExitStatus=1 3\nNice=10\n"
    )


def timer_unit() -> str:
    """The timer: every few minutes, and at once when the machine was off at the last time."""
    return (
        "[Unit]\nDescription=TraySync: look every few minutes for what is due\n\n"
        f"[Timer]\nOnCalendar=*:0/{EVERY}\nPersistent=true\nAccuracySec=30s\n\n"
        "[Install]\nWantedBy=timers.target\n"
    )


def quoted(argument: str) -> str:
    r"""An argument as systemd.service(5), "Command lines", reads it: in quotes, with \, ", % and $ escaped."""
    for special, written in (("\\", "\\\\"), ('"', '\\"'), ("%", "%%"), ("$", "$$"), ("\n", "\\n"), ("\t", "\\t")):
        argument = argument.replace(special, written)
    return f'"{argument}"'


# Windows


class ScheduledTask:
    """A task of the user; not tried on Windows yet."""

    def __init__(self, name: str) -> None:
        self._name = name

    def state(self, command: tuple[str, ...]) -> State:
        """The system gives the task back as XML of its own making: what counts is what it calls."""
        try:
            found = _call("schtasks", "/Query", "/TN", self._name, "/XML")
        except UserError:
            return "off"
        called = re.findall(r"<(Command|Arguments)>(.*?)</\1>", found, re.DOTALL)
        return "on" if called == re.findall(r"<(Command|Arguments)>(.*?)</\1>", task_xml(command)) else "elsewhere"

    def enable(self, command: tuple[str, ...]) -> None:
        """Register the task, in place of one of that name."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "task.xml"
            file.write_text(task_xml(command), "utf-16")
            _call("schtasks", "/Create", "/TN", self._name, "/XML", str(file), "/F")

    def disable(self) -> None:
        """Delete the task if there is one."""
        with suppress(UserError):
            _call("schtasks", "/Query", "/TN", self._name)
            _call("schtasks", "/Delete", "/TN", self._name, "/F")

    def note(self) -> str:
        """The task has the user's own token, which exists only in a session."""
        return "It works while you are logged in."


def task_xml(command: Sequence[str]) -> str:
    """The task: every few minutes, late when the machine was off, also on battery; constraints are ours to look at."""
    from html import escape

    arguments = subprocess.list2cmdline(command[1:])
    return f"""<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>
    <Description>TraySync: sync what is due</Description>
  </RegistrationInfo>
  <Triggers>
    <TimeTrigger>
      <Enabled>true</Enabled>
      <StartBoundary>2024-01-01T00:00:00</StartBoundary>
      <Repetition>
        <Interval>PT{EVERY}M</Interval>
        <StopAtDurationEnd>false</StopAtDurationEnd>
      </Repetition>
    </TimeTrigger>
  </Triggers>
  <Principals>
    <Principal id="Author">
      <LogonType>InteractiveToken</LogonType>
      <RunLevel>LeastPrivilege</RunLevel>
    </Principal>
  </Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <StartWhenAvailable>true</StartWhenAvailable>
    <RunOnlyIfNetworkAvailable>false</RunOnlyIfNetworkAvailable>
    <Enabled>true</Enabled>
    <Hidden>true</Hidden>
    <WakeToRun>false</WakeToRun>
    <ExecutionTimeLimit>PT12H</ExecutionTimeLimit>
    <Priority>7</Priority>
  </Settings>
  <Actions Context="Author">
    <Exec>
      <Command>{escape(command[0])}</Command>
      <Arguments>{escape(arguments)}</Arguments>
    </Exec>
  </Actions>
</Task>
"""


# macOS


class Agent:
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
        with _explained():
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._file.write_bytes(agent_plist(self._label, command))
        with suppress(UserError):
            _call("launchctl", "bootout", self._target())
        _call("launchctl", "bootstrap", self._target().rpartition("/")[0], str(self._file))

    def disable(self) -> None:
        """Have launchd forget it, and delete the file."""
        with suppress(UserError):
            _call("launchctl", "bootout", self._target())
        with _explained():
            self._file.unlink(missing_ok=True)

    def note(self) -> str:
        """An agent belongs to a session."""
        return "It works while you are logged in."

    def _target(self) -> str:
        return f"gui/{os.getuid()}/{self._label}"


def agent_plist(label: str, command: Sequence[str]) -> bytes:
    """The agent: launchd makes up for calls that fell into sleep."""
    import plistlib

    return plistlib.dumps(
        {
            "Label": label,
            "ProgramArguments": list(command),
            "StartInterval": EVERY * 60,
            "ProcessType": "Background",
            "LowPriorityIO": True,
        }
    )


def _call(*command: str) -> str:
    """What one of the system's tools prints. UserError when it fails or is missing."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _refused(f"{command[0]}: {error}") from error
    if done.returncode:
        raise _refused(f"{command[0]} says: {(done.stderr or done.stdout).strip() or done.returncode}")
    return done.stdout


def _refused(cause: str) -> UserError:
    return UserError(
        say("Background sync can't be set up"),
        say("{what}.", what=cause.rstrip(".")),
        say("Have a timer of your own call `traysync sync --due`, or keep TraySync running."),
    )


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _refused(f"{error.filename}: {error.strerror or error}") from error
