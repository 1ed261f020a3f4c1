"""Having the system run what is due while the tray program does not run: it calls `traysync sync --due`. No Qt.

`entry` says what a system has to offer; each system's way is a module of its own. While the tray program runs, the
call asks it, hears that it does all this itself, and ends at once.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from trayapp.desktop.process.paths import Home
from trayapp.desktop.session import installation
from trayapp.desktop.session.installation import State
from trayapp.desktop.session.scheduled_task.entry import Entry, Refused
from trayapp.messages import NOTHING, Message, say


class BackgroundState(msgspec.Struct, frozen=True):
    """Whether the system calls this program, and what the user should know about it."""

    state: State
    note: Message = NOTHING


def state(home: Home) -> BackgroundState:
    """What the system does now. Refused when it can't be asked."""
    with _explained():
        entry = _entry(home)
        found = entry.state(due_command(home))
        return BackgroundState(found, entry.note() if found == "on" else NOTHING)


def enable(home: Home) -> BackgroundState:
    """Have the system call this program for this home every few minutes. Refused when it does not."""
    with _explained():
        entry = _entry(home)
        entry.enable(due_command(home))
        return BackgroundState("on", entry.note())


def disable(home: Home) -> BackgroundState:
    """Have it stop that. Refused when it does not."""
    with _explained():
        _entry(home).disable()
    return BackgroundState("off")


def due_command(home: Home) -> tuple[str, ...]:
    """The program and its arguments: the running installation, for one look at what is due."""
    return installation.command(home, "sync", "--due")


def _entry(home: Home) -> Entry:
    suffix = installation.suffix(home)
    if sys.platform == "win32":
        from trayapp.desktop.session.scheduled_task.task_scheduler import ScheduledTask

        return ScheduledTask(f"TraySync background{suffix}")
    if sys.platform == "darwin":
        from trayapp.desktop.session.scheduled_task.launchd import LaunchAgent

        return LaunchAgent(Path.home() / "Library/LaunchAgents", f"traysync.background{suffix}")
    from trayapp.desktop.session.scheduled_task.systemd import SystemdTimer

    return SystemdTimer(installation.config_folder() / "systemd" / "user", f"traysync-background{suffix}")


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        cause = error.strerror or error
        raise Refused(
            say("{file} can't be changed: {error}.", file=error.filename, error=cause)
            if error.filename
            else say("The system says: {error}.", error=cause)
        ) from error
