"""What each system has to offer for running a command every few minutes, and how its own tools are called."""

import subprocess
from typing import Protocol

from trayapp.desktop.process.children import environment
from trayapp.desktop.session.installation import State
from trayapp.errors import EnvironmentProblem
from trayapp.messages import Message, say

EVERY = 5
"""Minutes between two calls, each of which takes a third of a second when nothing is due."""
_TIMEOUT = 30
"""Seconds for the system's own tools."""
WHILE_LOGGED_IN = say("This works while you are logged in.")


class Entry(Protocol):
    """One system's entry. Any method raises OSError or EnvironmentProblem when the system refuses."""

    def state(self, command: tuple[str, ...]) -> State:
        """Whether the system runs this command."""
        ...

    def enable(self, command: tuple[str, ...]) -> None:
        """Have the system run the command every few minutes, from now on."""
        ...

    def disable(self) -> None:
        """Remove the entry if there is one."""
        ...

    def note(self) -> Message:
        """What the user should know about an entry that is on."""
        ...


class Refused(EnvironmentProblem):
    """The system refuses."""

    code = "background_refused"

    def __init__(self, cause: Message) -> None:
        super().__init__(
            say("Background sync can't be set up"),
            cause,
            say("Have a timer of your own call `traysync sync --due`, or keep TraySync running."),
        )


def run_tool(*command: str) -> str:
    """What one of the system's tools prints. Refused when it fails, is missing or hangs."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, env=environment(), timeout=_TIMEOUT, check=False)
    except OSError as error:
        cause = error.strerror or error
        raise Refused(say("{program} can't be run: {error}.", program=command[0], error=cause)) from error
    except subprocess.TimeoutExpired as error:
        raise Refused(
            say("{program} didn't finish in {seconds} seconds.", program=command[0], seconds=_TIMEOUT)
        ) from error
    if done.returncode:
        words = (done.stderr or done.stdout).strip().rstrip(".")
        raise Refused(
            say("{program} says: {error}.", program=command[0], error=words)
            if words
            else say("{program} failed with exit code {code}.", program=command[0], code=done.returncode)
        )
    return done.stdout
