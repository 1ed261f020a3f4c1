"""What is known of an endpoint's table before a run: whose it is, what it is called, what it was made with."""

from collections.abc import Callable

import apsw
import msgspec

from trayapp.endpoints.model import Endpoint
from trayapp.store import table as tables
from trayapp.store.errors import StoreError
from trayapp.store.known import Known, KnownTable
from trayapp.store.names import quote
from trayapp.store.table import Shape


class Plan(msgspec.Struct, frozen=True):
    """What is known of an endpoint's table before a run.

    `mapping` tells how records become rows; when it differs from what the table was made with, the table is made anew.
    `shape` is None while there is no table. `rows` is how many the table held after the last run.
    """

    number: int
    table: str
    mapping: str
    shape: Shape | None
    rows: int


Find = Callable[[str], Endpoint | None]
"""The endpoint of that id in the settings as they are now."""


def make_plan(db: apsw.Connection, endpoint: Endpoint, find: Find = lambda _: None) -> Plan:
    """The plan for the endpoint's next run; inside a writing transaction, as it may follow a renamed table."""
    mapping = mapping_of(endpoint)
    db.execute("INSERT INTO _sync_endpoints (id) VALUES (?) ON CONFLICT DO NOTHING", (endpoint.id,))
    row = db.execute(
        "SELECT number, table_name, mapping, coalesce(rows, 0) FROM _sync_endpoints WHERE id = ?", (endpoint.id,)
    ).fetchone()
    assert row is not None
    number, old_name, old_mapping, rows = row
    name = endpoint.table.name
    there = old_name is not None and tables.exists(db, old_name)
    if there and rows and _keeps_what_is_gone(old_mapping) and old_mapping != mapping:
        if old_name == name:
            raise StoreError(
                f"The table {name} would lose rows",
                "Its key, columns or mode were changed, and it holds rows that the server may no longer list.",
                "Give the endpoint another table name: a new table is made, and this one stays. Or undo the change.",
            )
        there = False  # the old table stays as it is, and is the user's from now on
    if tables.exists(db, name) and _make_way(db, number, name, old_name if there else None, find):
        old_name = name
    if there and old_name != name and (old_name.lower() == name.lower() or not tables.exists(db, name)):
        _rename(db, number, old_name, name)
        old_name = name
    if tables.exists(db, name) and old_name != name:
        raise StoreError(
            f"The table {name} belongs to something else",
            f"The database already has a table {name} that was not made for this endpoint.",
            "Choose another table name for the endpoint.",
        )
    shape = tables.load_shape(db, number, endpoint.table.key) if there and old_mapping == mapping else None
    return Plan(number, name, mapping, shape, rows if there else 0)


def _make_way(db: apsw.Connection, ours: int, name: str, our_name: str | None, find: Find) -> bool:
    """Rename the table of another endpoint that is called `name`, where the settings give it another name now.

    If that is the one our own table still has, the two change names. Whether ours is called `name` then.
    """
    owner = db.execute(
        "SELECT number, id, mapping, rows FROM _sync_endpoints WHERE table_name = ? COLLATE NOCASE AND number <> ?",
        (name, ours),
    ).fetchone()
    other = find(owner[1]) if owner is not None else None
    if owner is None or other is None or other.table.name.lower() == name.lower():
        return False
    number, _, mapping, rows = owner
    if rows and _keeps_what_is_gone(mapping) and mapping != mapping_of(other) and not stored_key(db, other):
        return False  # it will have a new table, and this one stays as it is
    if not tables.exists(db, other.table.name):
        _rename(db, number, name, other.table.name)
        return False
    if our_name is None:
        return False
    aside = f"_sync_new_{name}"
    _rename(db, number, name, aside)
    _rename(db, ours, our_name, name)
    _rename(db, number, aside, our_name)
    return True


def _rename(db: apsw.Connection, number: int, before: str, after: str) -> None:
    db.execute(f"ALTER TABLE {quote(before)} RENAME TO {quote(after)}")
    db.execute("UPDATE _sync_endpoints SET table_name = ? WHERE number = ?", (after, number))


def check_plan(db: apsw.Connection, plan: Plan, id: str) -> None:
    """Raise StoreError when since the plan was made the endpoint was removed, or its table renamed for another one."""
    if db.execute("SELECT number FROM _sync_endpoints WHERE id = ?", (id,)).get != plan.number:
        raise StoreError(
            "The endpoint was removed meanwhile",
            f"There is no endpoint {id} any more, so that its records were not written.",
            "Add it again if you want them.",
        )
    owner = db.execute(
        "SELECT number FROM _sync_endpoints WHERE table_name = ? COLLATE NOCASE", (plan.table,)
    ).fetchone()
    if owner == (plan.number,) or (owner is None and plan.shape is None):
        return
    raise StoreError(
        "The table was renamed meanwhile",
        f"{plan.table} is no longer this endpoint's table: names were changed in the settings during the run.",
        "Nothing is lost; this run changed nothing. Sync again.",
    )


def _keeps_what_is_gone(mapping: str) -> bool:
    """Whether a table made so may hold rows that can't be fetched again."""
    return msgspec.json.decode(mapping)[1] in ("append", "upsert")


class Stored(msgspec.Struct, frozen=True):
    """What an endpoint's table holds: how many rows, and from which fields of the records. Nothing: no table."""

    rows: int = 0
    fields: frozenset[str] = frozenset()


def stored(db: apsw.Connection, id: str) -> Stored:
    """What the endpoint's table holds since its last run."""
    row = db.execute(
        "SELECT number, coalesce(rows, 0) FROM _sync_endpoints WHERE id = ? AND table_name IS NOT NULL", (id,)
    ).fetchone()
    if row is None:
        return Stored()
    number, rows = row
    fields = db.execute("SELECT path FROM _sync_columns WHERE endpoint = ?", (number,))
    return Stored(rows, frozenset(path for (path,) in fields))


def load_known(db: apsw.Connection, plan: Plan) -> Known:
    """The digests of all records published before; none when the table is to be made anew."""
    table = KnownTable(db, plan.number)
    return table.load() if plan.shape is not None and tables.exists(db, table.name) else Known()


def stored_key(db: apsw.Connection, endpoint: Endpoint) -> tuple[str, ...]:
    """The key the endpoint's table was made with; () when there is none, or the rest of the mapping differs."""
    mapping = db.execute("SELECT mapping FROM _sync_endpoints WHERE id = ?", (endpoint.id,)).get
    if not isinstance(mapping, str):
        return ()
    key = tuple(msgspec.json.decode(mapping)[0])
    keyed = msgspec.structs.replace(endpoint, table=msgspec.structs.replace(endpoint.table, key=key))
    return key if mapping_of(keyed) == mapping else ()


def mapping_of(endpoint: Endpoint) -> str:
    """The settings that decide how records become rows, as text."""
    table = endpoint.table
    mode = "mirror" if table.mode == "auto" else table.mode
    parts = (table.key, mode, dict(table.rename), table.ignore, dict(table.types))
    return msgspec.json.encode(parts, order="sorted").decode()
