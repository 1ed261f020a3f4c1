"""A table's rows in an order, and of a choice, that somebody wants to see."""

from array import array
from collections.abc import Sequence

import apsw
import msgspec

from trayapp.messages import say
from trayapp.store.errors import StoreError
from trayapp.store.names import quote

_DEPTH = 100
"""Columns compared in one expression: SQLite refuses expressions deeper than 1,000, and tables can be wider."""


class Arrangement(msgspec.Struct, frozen=True):
    """Only the rows that have `text` in some column, sorted by `column`; "" means all rows, and the table's own order.

    Case does not matter, but for letters beyond ASCII in the middle of words that are written in mixed case.
    """

    text: str = ""
    column: str = ""
    descending: bool = False


ALL = Arrangement()


def arranged(db: apsw.Connection, table: str, columns: Sequence[str], wanted: Arrangement) -> "array[int]":
    """The row ids of the rows wanted, in order. NULL comes first. StoreError when the table has no such column."""
    if wanted.column and wanted.column not in columns:
        raise StoreError(
            say("There is no column {column}", column=wanted.column),
            say("The table has changed."),
            say("Sort by another column."),
        )
    id = row_id(columns)
    sql = f"SELECT {id} FROM {quote(table)}"
    patterns = [f"%{_escaped(text)}%" for text in dict.fromkeys((wanted.text.lower(), wanted.text.upper()))]
    if wanted.text:
        checks = [f"{quote(name)} LIKE ? ESCAPE '\\'" for name in columns for _ in patterns]
        groups = [" OR ".join(checks[at : at + _DEPTH]) for at in range(0, len(checks), _DEPTH)]
        sql += " WHERE " + " OR ".join(f"({group})" for group in groups)
    if wanted.column:
        sql += f" ORDER BY {quote(wanted.column)} COLLATE NOCASE {'DESC' if wanted.descending else 'ASC'}, {id}"
    values = patterns * len(columns) if wanted.text else []
    return array("q", (row[0] for row in db.execute(sql, values)))


def row_id(columns: Sequence[str]) -> str:
    """A name of SQLite's row id that no column hides (https://sqlite.org/lang_createtable.html#rowid)."""
    taken = {name.lower() for name in columns}
    free = [name for name in ("rowid", "oid", "_rowid_") if name not in taken]
    if not free:
        raise StoreError(
            say("This table can't be sorted or searched"),
            say("It has columns named rowid, oid and _rowid_."),
            say("Use SQL, with `traysync query`."),
        )
    return free[0]


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
