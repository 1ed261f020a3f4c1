"""Linux: a service and a timer of the user's systemd, systemd.timer(5)."""

import getpass
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from trayapp.desktop.session.installation import State
from trayapp.desktop.session.scheduled_task.entry import EVERY, Refused, run_tool
from trayapp.messages import NOTHING, Message, say


class SystemdTimer:
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
        self._service.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._service.write_text(service_unit(command), "utf-8")
        self._timer.write_text(timer_unit(), "utf-8")
        try:
            run_tool("systemctl", "--user", "daemon-reload")
            run_tool("systemctl", "--user", "enable", "--now", self._timer.name)
        except Refused:
            self._delete()
            raise

    def disable(self) -> None:
        """Stop the timer and delete both units."""
        if not self._timer.exists() and not self._service.exists():
            return
        run_tool("systemctl", "--user", "disable", "--now", self._timer.name)
        self._delete()
        run_tool("systemctl", "--user", "daemon-reload")

    def _delete(self) -> None:
        self._timer.unlink(missing_ok=True)
        self._service.unlink(missing_ok=True)

    def note(self) -> Message:
        """Without lingering, the user's systemd ends with the last session."""
        with suppress(Refused):
            if run_tool("loginctl", "show-user", getpass.getuser(), "--property=Linger", "--value").strip() == "yes":
                return NOTHING
        return say("This works while you are logged in. To continue after you log out, run: loginctl enable-linger")


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
