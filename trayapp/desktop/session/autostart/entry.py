"""What each system has to offer for starting a program with the session."""

from typing import Protocol


class Entry(Protocol):
    """One system's entry. Any method raises OSError when the system refuses."""

    def written(self, command: tuple[str, ...]) -> str:
        """The text that `write` leaves for this command and `read` finds."""
        ...

    def read(self) -> str | None:
        """The text that is there; None when nothing is started, or the user switched it off in the system."""
        ...

    def write(self, command: tuple[str, ...]) -> None:
        """Have the system run the command at every login."""
        ...

    def remove(self) -> None:
        """Delete the entry if there is one."""
        ...
