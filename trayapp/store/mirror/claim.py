"""What is known of an endpoint's table before a run: whose it is, what it is called, what it was made with."""

from collections.abc import Callable

import apsw
import msgspec

from trayapp.endpoints.model import Endpoint
from trayapp.messages import say
from trayapp.store.bookkeeping import endpoint_states
from trayapp.store.errors import StoreError
from trayapp.store.mirror import schema as tables
from trayapp.store.mirror.adoption import adopt, is_known, is_owed
from trayapp.store.mirror.mapping import made_with, mapping_of
from trayapp.store.mirror.schema import Shape
from trayapp.store.names import quote
from trayapp.store.staging.published import Known, KnownTable


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
    before = endpoint_states.enter(db, endpoint.id)
    old_name, name = before.table_name, endpoint.table.name
    if old_name == name and tables.exists(db, name) and not is_known(db, before):
        if not adopt(db, endpoint) and endpoint.table.mode in ("append", "upsert"):
            raise StoreError(
                say("The table {name} is not as TraySync made it", name=name),
                say("Its key or columns were changed, and it has rows that the server may no longer list."),
                say("Give the endpoint another table name to keep this table as it is, or remove the table."),
            )
        before = endpoint_states.enter(db, endpoint.id)
    there = old_name is not None and tables.exists(db, old_name)
    if there and _keeps_what_is_gone(before) and before.mapping != mapping:
        if old_name == name:
            raise StoreError(
                say("The table {name} would lose rows", name=name),
                say("Its key, columns or mode changed, and it has rows that the server may no longer list."),
                say("Give the endpoint another table name to keep this table as it is, or undo the change."),
            )
        there = False  # the old table stays as it is, and is the user's from now on
    if tables.exists(db, name) and _make_way(db, before.number, name, old_name if there else None, find):
        old_name = name
    if there and old_name not in (None, name) and (old_name.lower() == name.lower() or not tables.exists(db, name)):
        _rename(db, before.number, old_name, name)
        old_name = name
    if tables.exists(db, name) and old_name != name:
        if is_owed(db) and endpoint_states.find_owner(db, name) is None and adopt(db, endpoint):
            return make_plan(db, endpoint, find)
        raise StoreError(
            say("The table {name} isn't this endpoint's", name=name),
            say("The database already has a table {name} that something else created.", name=name),
            say("Choose another table name for the endpoint."),
        )
    is_same = there and before.mapping == mapping
    shape = tables.load_shape(db, before.number, endpoint.table.key) if is_same else None
    return Plan(before.number, name, mapping, shape, before.rows if there else 0)


def _make_way(db: apsw.Connection, ours: int, name: str, our_name: str | None, find: Find) -> bool:
    """Rename the table of another endpoint that is called `name`, where the settings give it another name now.

    If that is the one our own table still has, the two change names. Whether ours is called `name` then.
    """
    owner = endpoint_states.find_owner(db, name, besides=ours)
    other = find(owner.id) if owner is not None else None
    if owner is None or other is None or other.table.name.lower() == name.lower():
        return False
    if _keeps_what_is_gone(owner) and owner.mapping != mapping_of(other) and not stored_key(db, other):
        return False  # it will have a new table, and this one stays as it is
    if not tables.exists(db, other.table.name):
        _rename(db, owner.number, name, other.table.name)
        return False
    if our_name is None:
        return False
    aside = f"_sync_new_{name}"
    _rename(db, owner.number, name, aside)
    _rename(db, ours, our_name, name)
    _rename(db, owner.number, aside, our_name)
    return True


def _rename(db: apsw.Connection, number: int, before: str, after: str) -> None:
    db.execute(f"ALTER TABLE {quote(before)} RENAME TO {quote(after)}")
    endpoint_states.name_table(db, number, after)


def check_plan(db: apsw.Connection, plan: Plan, id: str) -> None:
    """Raise StoreError when since the plan was made the endpoint was removed, or its table renamed for another one."""
    entry = endpoint_states.find_entry(db, id)
    if entry is None or entry.number != plan.number:
        raise StoreError(
            say("The endpoint was removed during the run"),
            say("There is no endpoint {id} any more, so its records were not saved.", id=id),
            say("Add it again if you still need it."),
        )
    owner = endpoint_states.find_owner(db, plan.table)
    if (owner is None and plan.shape is None) or (owner is not None and owner.number == plan.number):
        return
    raise StoreError(
        say("The table was renamed during the run"),
        say(
            "The endpoint's table is no longer called {table}.",
            table=plan.table,
        ),
        say("Nothing was changed or lost. Sync again."),
    )


def _keeps_what_is_gone(entry: endpoint_states.Entry) -> bool:
    made = made_with(entry.mapping)
    return bool(entry.rows) and made is not None and made.keeps_what_is_gone


class Stored(msgspec.Struct, frozen=True):
    """What an endpoint's table holds: how many rows, and from which fields of the records. Nothing: no table."""

    rows: int = 0
    fields: frozenset[str] = frozenset()


def stored(db: apsw.Connection, id: str) -> Stored:
    """What the endpoint's table holds since its last run."""
    entry = endpoint_states.find_entry(db, id)
    if entry is None or entry.table_name is None:
        return Stored()
    return Stored(entry.rows, frozenset(column.path for column in tables.load_shape(db, entry.number, ()).columns))


def count_rows(db: apsw.Connection, endpoint: Endpoint) -> int | None:
    """How many rows the endpoint's table has; None when there is none under its name."""
    if tables.owned(db, endpoint.id) != endpoint.table.name or not tables.exists(db, endpoint.table.name):
        return None
    count = db.execute(f"SELECT count(*) FROM {quote(endpoint.table.name)}").get
    assert isinstance(count, int)
    return count


def load_known(db: apsw.Connection, plan: Plan) -> Known:
    """The digests of all records published before; none when the table is to be made anew."""
    table = KnownTable(db, plan.number)
    return table.load() if plan.shape is not None and tables.exists(db, table.name) else Known()


def stored_key(db: apsw.Connection, endpoint: Endpoint) -> tuple[str, ...]:
    """The key the endpoint's table was made with; () when there is none, or the rest of the mapping differs."""
    entry = endpoint_states.find_entry(db, endpoint.id)
    made = made_with(entry.mapping) if entry is not None else None
    if entry is None or made is None:
        return ()
    keyed = msgspec.structs.replace(endpoint, table=msgspec.structs.replace(endpoint.table, key=made.key))
    return made.key if mapping_of(keyed) == entry.mapping else ()


def is_current(db: apsw.Connection, endpoint: Endpoint) -> bool:
    """Whether the endpoint's table is there under its name, made as the settings say now."""
    if tables.owned(db, endpoint.id) != endpoint.table.name or not tables.exists(db, endpoint.table.name):
        return False
    if endpoint.table.mode == "append":
        return True
    key = stored_key(db, endpoint)
    return bool(key) and endpoint.table.key in ((), key)
