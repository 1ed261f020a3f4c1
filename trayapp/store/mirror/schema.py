"""A mirrored table's shape, and the DDL that brings the real table to it."""

from collections.abc import Callable, Mapping, Sequence

import apsw
import msgspec

from trayapp.endpoints.model import Table
from trayapp.messages import say
from trayapp.store.bookkeeping.endpoint_states import find_entry
from trayapp.store.errors import StoreError
from trayapp.store.names import ColumnNames, quote
from trayapp.store.records.values import SQL_TYPES, Kind, SqlValue, bound, is_lossy, widen

HASH_KEY = "_sync_hash"
"""The key field for records without one of their own: a digest of the record's bytes."""

ONLY_KEY = "_sync_only"
"""The key field of a table for one record, whatever that is: always 1."""

OWN_KEYS: dict[str, Kind] = {HASH_KEY: "text", ONLY_KEY: "integer"}
"""Key fields that no record has: we give their values."""

MAX_COLUMNS = 1999
"""SQLite's default limit is 2,000 columns (https://sqlite.org/limits.html)."""

MANY_NEW = 10
ROWS_FOR_EACH = 50
"""So many rows are copied in the time in which a column is added to a wide table, or less."""

MAX_NAME = 1000
"""Characters of a column's name. SQLite has no limit of its own, but every statement repeats the names."""


class Column(msgspec.Struct, frozen=True):
    """A column: the record's field it comes from, its SQL name, and what it has held so far."""

    path: str
    name: str
    kind: Kind


class Shape(msgspec.Struct, frozen=True):
    """All columns of a table in order, and which of them are its key."""

    columns: tuple[Column, ...]
    key: tuple[str, ...]

    @property
    def key_columns(self) -> tuple[Column, ...]:
        """The key's columns in the key's order. KeyError when there is none of that field."""
        by_path = {column.path: column for column in self.columns if column.path in self.key}
        return tuple(by_path[path] for path in self.key)


def extended(shape: Shape, seen: Mapping[str, Kind], table: Table) -> Shape:
    """The shape with the kinds in `seen` (field → kind) taken in: columns widened, new ones added at the end.

    StoreError when a table can't have so many columns, or one of such a name.
    """
    columns = [
        msgspec.structs.replace(column, kind=widen(column.kind, seen.get(column.path, "null")))
        for column in shape.columns
    ]
    paths = {column.path for column in columns}
    left_out = paths.union(table.ignore)
    new = [path for path in seen if path not in left_out]
    if len(columns) + len(new) > MAX_COLUMNS:
        raise _too_wide(len(columns) + len(new))
    names = ColumnNames(column.name for column in columns)
    for path in new:
        name = path
        if path not in OWN_KEYS:
            name = table.rename.get(path, path)
            if len(name) > MAX_NAME:
                raise _long_name(name)
            name = names.add(name)
        columns.append(Column(path, name, widen(table.types.get(path, "null"), seen[path])))
    return Shape(tuple(columns), shape.key)


def _too_wide(columns: int) -> StoreError:
    return StoreError(
        say("The records have too many fields"),
        say("They have {columns}; a table can have {most}.", columns=columns, most=MAX_COLUMNS),
        say("Leave some of them out (table.ignore), or select those you need with a jmes: path in response.records."),
        code="too_wide",
        field="table.ignore",
    )


def _long_name(name: str) -> StoreError:
    return StoreError(
        say("The name of a field is too long"),
        say(
            "The name that begins with “{start}” has {length} characters; a column's name can have {most}.",
            start=name[:40],
            length=len(name),
            most=MAX_NAME,
        ),
        say("Leave the field out (table.ignore), or give it a shorter name (table.rename)."),
        code="long_name",
        field="table.ignore",
    )


def exists(db: apsw.Connection, name: str) -> bool:
    """Whether the file has a table or view of that name."""
    return bool(db.execute("SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = ? COLLATE NOCASE)", (name,)).get)


def create(db: apsw.Connection, name: str, shape: Shape) -> None:
    """Create the table. A single INTEGER key becomes the rowid, the fastest key SQLite has."""
    db.execute(_create_sql(name, shape))


def _create_sql(name: str, shape: Shape) -> str:
    parts = []
    for column in shape.columns:
        not_null = " NOT NULL" if column.path in shape.key else ""
        parts.append(f"{quote(column.name)} {SQL_TYPES[column.kind]}{not_null}".rstrip())
    if shape.key:
        parts.append(f"PRIMARY KEY ({', '.join(quote(column.name) for column in shape.key_columns)})")
    return f"CREATE TABLE {quote(name)} (\n  " + ",\n  ".join(parts) + "\n)"


def alter(db: apsw.Connection, name: str, before: Shape, after: Shape) -> None:
    """Bring the table from one shape to the other inside the caller's transaction: new columns, widened types.

    SQLite can't change a column's type in place, so widening copies the table, with the user's indexes and triggers
    (https://sqlite.org/lang_altertable.html, "Making Other Kinds Of Table Schema Changes"). So do many new columns,
    unless the table is long: each of them alone would have SQLite read all columns' names again.
    """
    changed = any(
        SQL_TYPES[old.kind] != SQL_TYPES[new.kind] for old, new in zip(before.columns, after.columns, strict=False)
    )
    new = len(after.columns) - len(before.columns)
    if not changed and (new < MANY_NEW or not _has_at_most(db, name, ROWS_FOR_EACH * new)):
        for column in after.columns[len(before.columns) :]:
            db.execute(f"ALTER TABLE {quote(name)} ADD COLUMN {quote(column.name)} {SQL_TYPES[column.kind]}".rstrip())
        return
    kept = db.execute(
        "SELECT sql FROM sqlite_schema WHERE tbl_name = ? COLLATE NOCASE"
        " AND type IN ('index', 'trigger') AND sql IS NOT NULL",
        (name,),
    ).fetchall()
    temporary = f"_sync_new_{name}"
    names = ", ".join(quote(column.name) for column in before.columns)
    values = ", ".join(
        f"_sync_text({quote(old.name)}, {1 if old.kind == 'boolean' else 0})"
        if is_lossy(old.kind, new.kind)
        else quote(old.name)
        for old, new in zip(before.columns, after.columns, strict=False)
    )
    db.create_scalar_function("_sync_text", _as_text, 2, deterministic=True)
    db.execute("PRAGMA legacy_alter_table = ON")  # or renaming would check, and fail on, the user's views
    try:
        db.execute(_create_sql(temporary, after))
        db.execute(f"INSERT INTO {quote(temporary)} ({names}) SELECT {values} FROM {quote(name)}")
        db.execute(f"DROP TABLE {quote(name)}")
        db.execute(f"ALTER TABLE {quote(temporary)} RENAME TO {quote(name)}")
    finally:
        db.execute("PRAGMA legacy_alter_table = OFF")
    for (sql,) in kept:
        db.execute(str(sql))


def _has_at_most(db: apsw.Connection, name: str, rows: int) -> bool:
    return not db.execute(f"SELECT EXISTS (SELECT 1 FROM {quote(name)} LIMIT 1 OFFSET ?)", (rows,)).get


def converted(value: SqlValue, before: Kind, after: Kind) -> SqlValue:
    """A stored value of a column as `alter` leaves it when the column's kind changes so."""
    if is_lossy(before, after):
        return _as_text(value, int(before == "boolean"))
    return float(value) if after == "real" and value is not None else value


def _as_text(*arguments: SqlValue) -> SqlValue:
    value, boolean = arguments
    if value is None or isinstance(value, str):
        return value
    return bound("boolean" if boolean else "real" if isinstance(value, float) else "integer", value, "text")


def drop(db: apsw.Connection, name: str) -> None:
    """Drop a mirrored table, if it is there."""
    db.execute(f"DROP TABLE IF EXISTS {quote(name)}")


def owned(db: apsw.Connection, id: str) -> str | None:
    """The table that was made for an endpoint, whatever the settings call it since then; None while there is none."""
    entry = find_entry(db, id)
    return entry.table_name if entry is not None else None


def drop_owned(db: apsw.Connection, id: str) -> None:
    """Drop the table that was made for an endpoint; a table of that name made by others stays."""
    name = owned(db, id)
    if name is not None:
        drop(db, name)


def load_shape(db: apsw.Connection, number: int, key: Sequence[str]) -> Shape:
    """The shape recorded for endpoint `number`."""
    rows = db.execute('SELECT path, "column", type FROM _sync_columns WHERE endpoint = ? ORDER BY position', (number,))
    return Shape(tuple(Column(path, name, kind) for path, name, kind in rows), tuple(key))


def save_shape(db: apsw.Connection, number: int, shape: Shape) -> None:
    """Record the shape of endpoint `number`."""
    db.executemany(
        "INSERT INTO _sync_columns VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET type = excluded.type",
        [(number, position, column.path, column.name, column.kind) for position, column in enumerate(shape.columns)],
    )


Binder = Callable[[Mapping[str, tuple[Kind, SqlValue]]], list[SqlValue]]


def binder(shape: Shape) -> Binder:
    """A function from a record's fields to its values in column order; missing fields are None."""
    columns = {column.path: (position, column.kind) for position, column in enumerate(shape.columns)}
    nothing: list[SqlValue] = [None] * len(columns)

    def bind(fields: Mapping[str, tuple[Kind, SqlValue]]) -> list[SqlValue]:
        row = nothing.copy()
        for path, (kind, value) in fields.items():
            if value is None or path not in columns:
                continue
            position, column = columns[path]
            as_is = kind == column and kind != "real"  # a real may carry its digits
            row[position] = value if as_is else bound(kind, value, column)
        return row

    return bind
