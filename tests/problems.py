"""Problems and messages for tests, from plain words."""

from typing import Any

from trayapp.errors import Problem
from trayapp.messages import foreign


def problem(title: str, cause: str = "", next: str = "", field: str = "") -> Problem:
    """A problem with these words."""
    return Problem(foreign(title), foreign(cause), foreign(next), field=field)


def as_messages(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields with the words that are given as plain text made messages."""
    said = {name: foreign(value) for name, value in fields.items() if name in _SAID and isinstance(value, str)}
    if "warnings" in fields:
        said["warnings"] = tuple(map(foreign, fields["warnings"]))
    return fields | said


_SAID = ("sentence", "reason", "blocked_by", "event", "stop_reason")
