"""Reading the user's file: a stretch of a table, the user's own SQL, exports."""

from collections.abc import Iterator
from typing import Any

import apsw
import msgspec

from trayapp.store.errors import StoreError
from trayapp.store.names import quote

SqlRow = tuple[str | int | float | bytes | None, ...]


class RowsPage(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of a mirrored table: `total` rows exist, these start at `offset`."""

    endpoint: str
    columns: tuple[str, ...]
    offset: int
    total: int
    rows: tuple[SqlRow, ...]


def rows_page(db: apsw.Connection, endpoint: str, table: str, offset: int, count: int) -> RowsPage:
    """Rows `offset` … `offset + count` in the table's own order; empty when there is no table yet."""
    if not db.execute("SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = ? COLLATE NOCASE)", (table,)).get:
        return RowsPage(endpoint=endpoint, columns=(), offset=0, total=0, rows=())
    total = db.execute(f"SELECT count(*) FROM {quote(table)}").get
    cursor = db.execute(f"SELECT * FROM {quote(table)} LIMIT ? OFFSET ?", (count, offset))
    rows = cursor.fetchall()
    columns = tuple(row[1] for row in db.execute(f"PRAGMA table_info({quote(table)})"))
    return RowsPage(endpoint=endpoint, columns=columns, offset=offset, total=int(total or 0), rows=tuple(rows))


def table_rows(db: apsw.Connection, table: str, limit: int = -1) -> tuple[tuple[str, ...], Iterator[SqlRow]]:
    """Column names and rows of a mirrored table, the first `limit` ones if it is not negative. StoreError if none."""
    return run_query(db, f"SELECT * FROM {quote(table)} LIMIT {limit}")


_READING = {
    apsw.SQLITE_SELECT,
    apsw.SQLITE_READ,
    apsw.SQLITE_FUNCTION,
    apsw.SQLITE_RECURSIVE,
}
_HARMLESS_PRAGMAS = {
    "table_info",
    "table_xinfo",
    "table_list",
    "index_list",
    "index_info",
    "user_version",
    "database_list",
}


def _authorize(action: int, first: str | None, second: str | None, *_: Any) -> int:
    if action in _READING and (second or "").lower() != "load_extension":
        return apsw.SQLITE_OK
    if action == apsw.SQLITE_PRAGMA and (first or "").lower() in _HARMLESS_PRAGMAS:
        return apsw.SQLITE_OK
    return apsw.SQLITE_DENY


def run_query(db: apsw.Connection, sql: str) -> tuple[tuple[str, ...], Iterator[SqlRow]]:
    """Column names and rows of the user's SQL on a read-only connection. StoreError for anything that would write."""
    db.authorizer = _authorize
    cursor = db.cursor()
    columns: list[tuple[str, ...]] = []

    def note_columns(running: apsw.Cursor, *_: Any) -> bool:
        # Later is too late: after a statement that gives no rows there is no description any more.
        columns.append(tuple(column[0] for column in running.get_description()))
        return True

    cursor.exec_trace = note_columns
    try:
        cursor.execute(sql)
    except apsw.AuthError as error:
        raise StoreError("This SQL is not allowed", "Only reading is possible here.", "Use SELECT.") from error
    except (apsw.SQLError, apsw.ReadOnlyError) as error:
        raise StoreError("The SQL can't be run", f"{str(error)[:1].upper()}{str(error)[1:]}.", "Correct it.") from error
    return (columns[0] if columns else ()), _guarded(cursor)


def _guarded(rows: Iterator[Any]) -> Iterator[SqlRow]:
    try:
        yield from rows
    except (apsw.SQLError, apsw.AuthError, apsw.ReadOnlyError) as error:
        raise StoreError("The SQL can't be run", f"{str(error)[:1].upper()}{str(error)[1:]}.", "Correct it.") from error
