"""Starting with the user's session. The system's own entry is the truth: its settings may switch it off too. No Qt.

`entry` says what a system has to offer; each system's way is a module of its own.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from trayapp.desktop.process.paths import Home
from trayapp.desktop.session import installation
from trayapp.desktop.session.autostart.entry import Entry
from trayapp.desktop.session.installation import State
from trayapp.errors import EnvironmentProblem
from trayapp.messages import say


def state(home: Home) -> State:
    """What the system will do at the next login. EnvironmentProblem when it does not let us look."""
    entry = _entry(home)
    with _explained():
        found = entry.read()
    if found is None:
        return "off"
    return "on" if found == entry.written(_command(home)) else "elsewhere"


def enable(home: Home) -> None:
    """Start this program for this home at every login, without a window. EnvironmentProblem when refused."""
    with _explained():
        _entry(home).write(_command(home))


def disable(home: Home) -> None:
    """Do not start it. EnvironmentProblem when the system refuses."""
    with _explained():
        _entry(home).remove()


def _command(home: Home) -> tuple[str, ...]:
    return installation.command(home, "--background")


def _entry(home: Home) -> Entry:
    suffix = installation.suffix(home)
    if sys.platform == "win32":
        from trayapp.desktop.session.autostart.run_key import RunKey

        return RunKey(f"TraySync{suffix}")
    if sys.platform == "darwin":
        from trayapp.desktop.session.autostart.launch_agent import LaunchAgent

        return LaunchAgent(Path.home() / "Library/LaunchAgents", f"traysync{suffix}")
    from trayapp.desktop.session.autostart.xdg import XdgEntry

    return XdgEntry(installation.config_folder() / "autostart" / f"traysync{suffix}.desktop")


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise EnvironmentProblem(
            say("Starting at login can't be changed"),
            say(
                "TraySync can't change the list of programs that start at login: {what}.", what=error.strerror or error
            ),
            say("Change it in your system's settings."),
            code="autostart_refused",
        ) from error
