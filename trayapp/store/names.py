"""Names from servers as SQL names: always quoted, kept as they are where SQLite allows it."""

import string
from collections.abc import Iterable

_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def quote(name: str) -> str:
    """The name as an SQL identifier, whatever characters it has (but NUL)."""
    return '"' + name.replace('"', '""') + '"'


class ColumnNames:
    """The names of one table's columns, to which new ones are added."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = set(map(_fold, taken))
        self._last: dict[str, int] = {}

    def add(self, field: str) -> str:
        """A column for a field: its own name, or with _2, _3 … where SQLite would take it for one that there is.

        SQLite folds the case of ASCII letters only ("Id" and "id" clash, "É" and "é" don't). Names beginning with
        _sync_ are the program's own, so a server's get a suffix too.
        """
        name = field.replace("\0", "") or "_"
        folded = _fold(name)
        candidate, number = name, 1
        if folded in self._taken or folded.startswith("_sync_"):
            number = self._last.get(folded, 1)
            while candidate == name or _fold(candidate) in self._taken:
                number += 1
                candidate = f"{name}_{number}"
            self._last[folded] = number
        self._taken.add(_fold(candidate))
        return candidate


def _fold(name: str) -> str:
    return name.translate(_LOWER)
