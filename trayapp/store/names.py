"""Names from servers as SQL names: always quoted, kept as they are where SQLite allows it."""

from collections.abc import Collection


def quote(name: str) -> str:
    """The name as an SQL identifier, whatever characters it has (but NUL)."""
    return '"' + name.replace('"', '""') + '"'


def column_name(field: str, taken: Collection[str]) -> str:
    """A column for a field: its own name, or with _2, _3 … where SQLite would take it for one in `taken`.

    SQLite folds the case of ASCII letters only ("Id" and "id" clash, "É" and "é" don't). Names beginning with
    _sync_ are the program's own, so a server's get a suffix too.
    """
    name = field.replace("\0", "") or "_"
    folded = {_fold(other) for other in taken}
    candidate, number = name, 1
    while _fold(candidate) in folded or (number == 1 and _fold(name).startswith("_sync_")):
        number += 1
        candidate = f"{name}_{number}"
    return candidate


def _fold(name: str) -> str:
    return "".join(char.lower() if char.isascii() else char for char in name)
