"""Tables that are there while what was noted of them is lost: they become their endpoints' again, as they are."""

from collections.abc import Iterable, Mapping, Sequence

import apsw
import msgspec

from trayapp.endpoints.model import Endpoint
from trayapp.store.bookkeeping import endpoint_states
from trayapp.store.bookkeeping.endpoint_states import COMPARE, Entry
from trayapp.store.file.bookkeeping_tables import OWED
from trayapp.store.mirror import schema as tables
from trayapp.store.mirror.mapping import made_with, mapping_of
from trayapp.store.mirror.schema import OWN_KEYS, Column, Shape
from trayapp.store.names import quote
from trayapp.store.records.values import Kind

_KINDS: Mapping[str, Kind] = {"": "null", "BOOLEAN": "boolean", "INTEGER": "integer", "REAL": "real", "TEXT": "text"}
"""What a column holds by its declared type, as `SQL_TYPES` has it the other way round."""


def is_owed(db: apsw.Connection) -> bool:
    """Whether rows of endpoints were lost, and their tables not looked for since."""
    return endpoint_states.read_meta(db, OWED) is not None


def adopt_all(db: apsw.Connection, endpoints: Iterable[Endpoint]) -> list[str]:
    """Make the tables that these endpoints' settings name theirs again, where nobody owns them; the ids of those.

    Inside a writing transaction. What belonged to endpoints that are not known any more is removed.
    """
    known = [number for (number,) in db.execute("SELECT number FROM _sync_endpoints")]
    orphans = _orphans(db, known)
    adopted = []
    for endpoint in endpoints:
        name, entry = endpoint.table.name, endpoint_states.find_entry(db, endpoint.id)
        if not name or not tables.exists(db, name) or endpoint_states.find_owner(db, name) is not None:
            continue
        if (entry is None or entry.table_name is None) and adopt(db, endpoint, orphans):
            adopted.append(endpoint.id)
    endpoint_states.write_meta(db, OWED, None)
    return adopted


def is_known(db: apsw.Connection, entry: Entry) -> bool:
    """Whether what is noted of the entry's table can be read, and names columns that are there."""
    made = made_with(entry.mapping)
    if made is None or entry.table_name is None:
        return entry.mapping is None
    shape = tables.load_shape(db, entry.number, ())
    paths = {column.path for column in shape.columns}
    there = {name.lower() for name, _, _ in _columns(db, entry.table_name)}
    keyed = made.mode == "append" or paths.issuperset(made.key)
    return keyed and bool(paths) and all(column.name.lower() in there for column in shape.columns)


def adopt(db: apsw.Connection, endpoint: Endpoint, known: Sequence[Sequence[Column]] = ()) -> bool:
    """Make the table of the endpoint's name its own as it is, if its key is what the settings say; whether it is now.

    known: the columns of tables whose endpoints are not known, one of which it may be.
    """
    table = endpoint.table
    columns = _columns(db, table.name)
    names = [name for name, _, _ in columns]
    entry = endpoint_states.enter(db, endpoint.id)
    noted = [tables.load_shape(db, entry.number, ()).columns, *known]
    fitting = next((each for each in noted if [column.name for column in each] == names), None)
    if fitting is None:
        paths = {renamed: path for path, renamed in table.rename.items()}
        fitting = tuple(Column(paths.get(name, name), name, _KINDS.get(kind, "text")) for name, kind, _ in columns)
    places = sorted((place, column.path) for column, (_, _, place) in zip(fitting, columns, strict=True) if place)
    key = tuple(path for _, path in places)
    keyed = table.mode != "append"
    if not columns or (keyed and (not key or (table.key and table.key != key and not set(key) <= OWN_KEYS.keys()))):
        return False
    if keyed:
        endpoint = msgspec.structs.replace(endpoint, table=msgspec.structs.replace(table, key=key))
    rows = db.execute(f"SELECT count(*) FROM {quote(table.name)}").get
    assert isinstance(rows, int)
    endpoint_states.save_table(db, entry.number, table.name, mapping_of(endpoint), rows, 0)
    endpoint_states.doubt(db, entry.number, COMPARE)
    db.execute("DELETE FROM _sync_columns WHERE endpoint = ?", (entry.number,))
    tables.save_shape(db, entry.number, Shape(tuple(fitting), key))
    db.execute(f"DROP TABLE IF EXISTS _sync_rows_{entry.number}")
    return True


def _columns(db: apsw.Connection, table: str) -> list[tuple[str, str, int]]:
    """Of each column its name, its type, and its place in the key, from 1; 0: it is not in it."""
    rows = db.execute(f"PRAGMA table_info({quote(table)})")
    return [(str(row[1]), str(row[2]).upper(), int(row[5] or 0)) for row in rows]


def _orphans(db: apsw.Connection, known: Sequence[object]) -> list[tuple[Column, ...]]:
    """Take what is there for numbers that are no endpoint's out of the file; the columns of the tables they had."""
    numbers = [number for (number,) in db.execute("SELECT DISTINCT endpoint FROM _sync_columns") if number not in known]
    shapes = [tables.load_shape(db, int(number or 0), ()).columns for number in numbers]
    marks = ", ".join("?" * len(known))
    for table in ("_sync_columns", "_sync_held", "_sync_suspects"):
        db.execute(f"DELETE FROM {table} WHERE endpoint NOT IN ({marks})", tuple(known))
    derived = "SELECT name FROM sqlite_schema WHERE name GLOB '_sync_rows_[0-9]*' OR name GLOB '_sync_parents_[0-9]*'"
    for (name,) in db.execute(derived).fetchall():
        if int(str(name).rpartition("_")[2]) not in known:
            db.execute(f"DROP TABLE {quote(str(name))}")
    return shapes
