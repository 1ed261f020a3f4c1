"""Problems for tests, from plain words."""

from trayapp.errors import Problem
from trayapp.messages import foreign


def problem(title: str, cause: str = "", next: str = "", field: str = "") -> Problem:
    """A problem with these words."""
    return Problem(foreign(title), foreign(cause), foreign(next), field=field)
