"""Reading the user's file: a stretch of a table, the user's own SQL, exports."""

import threading
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import apsw
import msgspec

from trayapp.messages import say
from trayapp.store.bookkeeping.history import last_publish
from trayapp.store.errors import StoreError
from trayapp.store.names import quote
from trayapp.store.reading.arrangement import ALL, Arrangement, arranged, row_id

LONGEST_PATTERN = 1000
"""Bytes of a pattern of LIKE and GLOB: each may be compared at every character of a text, without an end to be had."""
LARGEST = 2**27
"""Bytes of a value or a row that a query may read or make: twice as many as any record has."""

SqlRow = tuple[str | int | float | bytes | None, ...]


class RowsPage(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of a mirrored table: `total` rows are wanted, of `in_table` there are; these start at `offset`."""

    endpoint: str
    columns: tuple[str, ...]
    offset: int
    total: int
    in_table: int
    rows: tuple[SqlRow, ...]


class Reader:
    """Reads tables in stretches, and remembers the last arrangement's order. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._order: tuple[object, array[int]] | None = None

    def page(
        self,
        db: apsw.Connection,
        endpoint: str,
        table: str,
        offset: int,
        count: int,
        wanted: Arrangement = ALL,
    ) -> RowsPage:
        """Rows `offset` … `offset + count` of those wanted; empty when there is no table yet.

        The first stretch of an arrangement takes as long as it takes SQLite to go through the table. StoreError when
        it can't be had.
        """
        found = rows_page(db, endpoint, table, offset, count if wanted == ALL else 0)
        if wanted == ALL or not found.columns:
            return found
        with self._lock, _in_words():
            key = (endpoint, table, found.columns, found.in_table, wanted, last_publish(db, endpoint))
            if self._order is None or self._order[0] != key:
                self._order = (key, arranged(db, table, found.columns, wanted))
            order = self._order[1]
        ids = order[offset : offset + count]
        sql = f"SELECT {row_id(found.columns)}, * FROM {quote(table)} WHERE {row_id(found.columns)} IN "
        with _in_words():
            rows = {row[0]: row[1:] for row in db.execute(f"{sql} ({', '.join(map(str, ids))})")}
        chosen = tuple(rows[id] for id in ids if id in rows)
        return msgspec.structs.replace(found, offset=offset, total=len(order), rows=chosen)


def rows_page(db: apsw.Connection, endpoint: str, table: str, offset: int, count: int) -> RowsPage:
    """Rows `offset` … `offset + count` in the table's own order; empty when there is no table yet."""
    if not db.execute("SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = ? COLLATE NOCASE)", (table,)).get:
        return RowsPage(endpoint=endpoint, columns=(), offset=0, total=0, in_table=0, rows=())
    total = int(db.execute(f"SELECT count(*) FROM {quote(table)}").get or 0)
    with _in_words():
        rows = db.execute(f"SELECT * FROM {quote(table)} LIMIT ? OFFSET ?", (count, offset)).fetchall()
    columns = tuple(row[1] for row in db.execute(f"PRAGMA table_info({quote(table)})"))
    return RowsPage(endpoint=endpoint, columns=columns, offset=offset, total=total, in_table=total, rows=tuple(rows))


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
    """Column names and rows of the user's SQL on a read-only connection. StoreError for anything that would write.

    Also for values over LARGEST bytes, and for texts that are no UTF-8.
    """
    db.authorizer = _authorize
    db.limit(apsw.SQLITE_LIMIT_LENGTH, LARGEST)
    db.limit(apsw.SQLITE_LIMIT_LIKE_PATTERN_LENGTH, LONGEST_PATTERN)
    cursor = db.cursor()
    columns: list[tuple[str, ...]] = []

    def note_columns(running: apsw.Cursor, *_: Any) -> bool:
        # Later is too late: after a statement that gives no rows there is no description any more.
        columns.append(tuple(column[0] for column in running.get_description()))
        return True

    cursor.exec_trace = note_columns
    with _in_words():
        cursor.execute(sql)
    return (columns[0] if columns else ()), _guarded(cursor)


def _guarded(rows: Iterator[Any]) -> Iterator[SqlRow]:
    with _in_words():
        yield from rows


_MISTAKES = (
    apsw.SQLError,
    apsw.ReadOnlyError,
    apsw.BindingsError,
    apsw.MismatchError,
    apsw.RangeError,
    apsw.ConstraintError,
    UnicodeEncodeError,
)


@contextmanager
def _in_words() -> Iterator[None]:
    """What is wrong with a query, or with what it finds, as StoreErrors; what is wrong with the file passes through."""
    try:
        yield
    except apsw.AuthError as error:
        raise StoreError(
            say("This SQL is not allowed"), say("Only reading is possible here."), say("Use SELECT.")
        ) from error
    except _MISTAKES as error:
        raise StoreError(
            say("The SQL can't be run"),
            say("SQLite says: {error}.", error=error),
            say("Correct it."),
        ) from error
    except (apsw.TooBigError, apsw.NoMemError, MemoryError) as error:
        raise StoreError(
            say("A value is too large"),
            say("A text or a blob is larger than can be read at once."),
            say("Use SQL that reads only a part of it, with substr() for example."),
            code="too_large",
        ) from error
    except UnicodeDecodeError as error:
        raise StoreError(
            say("A value can't be read"),
            say("A text in the table is not valid UTF-8. Another program must have written it."),
            say("Use SQL that reads it with hex()."),
            code="encoding",
        ) from error
