"""Publishing against real files: after every run the table equals the listing, and the counts are exact."""

import json
from contextlib import contextmanager

import apsw
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trayapp.endpoints.model import Endpoint, Settings, Table
from trayapp.store.bookkeeping.endpoint_states import forget
from trayapp.store.bookkeeping.history import list_changes, next_number
from trayapp.store.errors import StoreError
from trayapp.store.file.database import Store
from trayapp.store.mirror.claim import load_known, make_plan, stored_key
from trayapp.store.mirror.deletions import keep_held
from trayapp.store.mirror.publish import publish
from trayapp.store.mirror.schema import HASH_KEY, binder, drop_owned, load_shape
from trayapp.store.records.fields import decode_records
from trayapp.store.records.pages import CellPage, JsonPage
from trayapp.store.staging.published import Known, ListingNeeded
from trayapp.store.staging.staging import Staging

ENDPOINT = Endpoint(url="https://a.example/items", id="items", name="Items", table=Table(name="items", key=("id",)))


@contextmanager
def opened(folder):
    store = Store(folder / "t.db")
    try:
        yield store
    finally:
        store.close()


@pytest.fixture
def store(tmp_path):
    with opened(tmp_path) as store:
        yield store


def endpoint(**table):
    return msgspec.structs.replace(ENDPOINT, table=Table(**{"name": "items", "key": ("id",)} | table))


def mirror(
    store, listing, endpoint=ENDPOINT, page=3, full=False, proof="whole", apply_held=False, partial=False, others=()
):
    """One run, as the runner does it. `listing` are records, as JSON or not yet, and whole pages behind them."""
    pages = [each for each in listing if isinstance(each, CellPage)]
    singles = [each for each in listing if not isinstance(each, CellPage)]
    records = [record if isinstance(record, bytes) else json.dumps(record).encode() for record in singles]
    full = full or endpoint.table.key == (HASH_KEY,)
    with store.writing() as db:
        plan = make_plan(db, endpoint, Settings(endpoint=others).find)
    with store.reading() as db:
        known = Known() if full or partial or endpoint.table.mode in ("append", "replace") else load_known(db, plan)
    staging = Staging(store.path.parent, known)
    try:
        for start in range(0, len(records), page):
            staging.add_page(JsonPage(records[start : start + page]))
        for each in pages:
            staging.add_page(each)
        with store.writing() as db:
            return publish(
                db,
                endpoint,
                plan,
                staging,
                next_number(db),
                proof="none" if partial else proof,
                full=full,
                apply_held=apply_held,
                partial=partial,
            )
    except ListingNeeded:
        if partial:
            raise
        return mirror(store, listing, endpoint, page, True, proof, apply_held)
    finally:
        staging.close()


def rows(store, table="items", order="id"):
    with store.reading() as db:
        names = [row[1] for row in db.execute(f'PRAGMA table_info("{table}")')]
        return [dict(zip(names, row, strict=True)) for row in db.execute(f'SELECT * FROM "{table}" ORDER BY {order}')]


def said(outcome):
    return tuple(map(str, outcome.warnings))


def counts(outcome):
    return outcome.added, outcome.changed, outcome.deleted, outcome.unchanged


def declared(store):
    with store.reading() as db:
        return {row[1]: row[2] for row in db.execute('PRAGMA table_info("items")')}


FIVE = [{"id": n, "name": f"n{n}", "size": n} for n in range(5)]


def test_a_first_load_then_nothing_then_exact_changes(store):
    assert counts(mirror(store, FIVE)) == (5, 0, 0, 0)
    assert rows(store) == FIVE
    assert counts(mirror(store, FIVE)) == (0, 0, 0, 5)
    changed = [FIVE[0] | {"name": "other"}, *FIVE[1:4], {"id": 9, "name": "new", "size": 9}]
    assert counts(mirror(store, changed)) == (1, 1, 1, 3)
    assert rows(store) == changed


def test_changes_are_recorded_by_field(store):
    mirror(store, FIVE)
    mirror(store, [FIVE[0] | {"size": 7}, *FIVE[1:4], {"id": 9, "name": "new"}])
    with store.writing() as db:
        db.execute(
            "INSERT INTO _sync_runs (run, endpoint, name, 'table', started, finished, status)"
            " VALUES (1, 'items', 'Items', 'items', '2026-01-01T00:00:00Z', '2026-01-01T00:00:01Z', 'succeeded')"
        )
    with store.reading() as db:
        found = {(change.kind, change.key): (change.before, change.after) for change in list_changes(db, "items")}
    assert found == {
        ("changed", 0): ({"size": 0}, {"size": 7}),
        ("deleted", 4): (FIVE[4], None),
        ("added", 9): (None, {"id": 9, "name": "new", "size": None}),
    }


def test_reordered_fields_and_spaces_are_no_change(store):
    mirror(store, FIVE)
    shuffled = [json.dumps(dict(reversed(record.items())), indent=1).encode() for record in FIVE]
    assert counts(mirror(store, shuffled)) == (0, 0, 0, 5)
    assert counts(mirror(store, FIVE)) == (0, 0, 0, 5)


def test_an_unchanged_run_writes_nothing(store):
    mirror(store, FIVE)
    store.checkpoint()
    before = store.path.read_bytes()
    mirror(store, FIVE)
    store.checkpoint()
    assert store.path.read_bytes() == before


def test_new_fields_become_columns_and_missing_ones_null(store):
    mirror(store, [{"id": 1, "a": "x"}])
    assert counts(mirror(store, [{"id": 1, "a": "x"}, {"id": 2, "b": True}])) == (1, 0, 0, 1)
    assert rows(store) == [{"id": 1, "a": "x", "b": None}, {"id": 2, "a": None, "b": 1}]
    assert declared(store) == {"id": "INTEGER", "a": "TEXT", "b": "BOOLEAN"}


def test_new_and_vanished_columns_are_told_once(store):
    assert said(mirror(store, FIVE)) == ()
    more = [record | {"colour": "red", "tags": []} for record in FIVE]
    assert said(mirror(store, more)) == ("New columns: colour, tags.",)
    assert said(mirror(store, more)) == ()
    some = [record if record["id"] % 2 else {**record, "colour": None} for record in more]
    assert said(mirror(store, some)) == ()
    assert said(mirror(store, FIVE)) == ("Columns without any value now: colour, tags.",)
    assert said(mirror(store, FIVE)) == ()


def test_a_field_that_vanishes_becomes_null(store):
    mirror(store, [{"id": 1, "a": "x"}])
    assert counts(mirror(store, [{"id": 1}])) == (0, 1, 0, 0)
    assert rows(store) == [{"id": 1, "a": None}]


@pytest.mark.parametrize(
    ("first", "second", "stored", "type"),
    [
        (1, 1.5, [1.0, 1.5], "REAL"),
        (True, 5, [1, 5], "INTEGER"),
        (7, "x", ["7", "x"], "TEXT"),
        (True, "x", ["true", "x"], "TEXT"),
        (0.1 + 0.2, "x", ["0.30000000000000004", "x"], "TEXT"),
        (1e22, "x", ["1e+22", "x"], "TEXT"),
        (None, 5, [None, 5], "INTEGER"),
        ({"a": 1}, "x", ['{"a":1}', "x"], "TEXT"),
        (2**60, 1.5, [str(2**60), "1.5"], "TEXT"),
        (5, 2**70, ["5", str(2**70)], "TEXT"),
        ("007", 7, ["007", "7"], "TEXT"),
    ],
)
def test_columns_widen_without_loss(store, first, second, stored, type):
    mirror(store, [{"id": 1, "v": first}])
    mirror(store, [{"id": 1, "v": first}, {"id": 2, "v": second}])
    assert [row["v"] for row in rows(store)] == stored
    assert declared(store)["v"] == type


def test_what_a_merged_column_forgot_is_fetched_again(store):
    """True and 1 look the same in an integer column; once it becomes text they must not."""
    mirror(store, [{"id": 1, "v": True}, {"id": 2, "v": 1}])
    mirror(store, [{"id": 1, "v": True}, {"id": 2, "v": 1}, {"id": 3, "v": "x"}])
    assert [row["v"] for row in rows(store)] == ["true", "1", "x"]


def test_widening_keeps_the_users_indexes_triggers_and_views(store):
    mirror(store, FIVE)
    with store.writing() as db:
        db.execute("CREATE INDEX mine ON items (name)")
        db.execute("CREATE VIEW big AS SELECT * FROM items WHERE size > 2")
        db.execute("CREATE TABLE noticed (id)")
        db.execute("CREATE TRIGGER told AFTER INSERT ON items BEGIN INSERT INTO noticed VALUES (new.id); END")
    mirror(store, [*FIVE, {"id": 9, "name": "n9", "size": 3.5}])
    with store.reading() as db:
        assert load_shape(db, 1, ("id",)).columns[2].kind == "real"
        names = {name for (name,) in db.execute("SELECT name FROM sqlite_schema")}
        assert {"mine", "big", "told"} <= names
        assert db.execute("SELECT count(*) FROM big").get == 3
        assert db.execute("SELECT id FROM noticed").get == 9


def test_keys_of_every_kind(store):
    assert counts(mirror(store, [{"id": "a"}, {"id": "b"}])) == (2, 0, 0, 0)
    assert counts(mirror(store, [{"id": "b", "n": 1}])) == (0, 1, 1, 0)
    two = endpoint(name="pairs", key=("a", "b"))
    two = msgspec.structs.replace(two, id="pairs")
    pairs = [{"a": a, "b": b, "v": a * 10} for a in (1, 2) for b in ("x", "y")]
    assert counts(mirror(store, pairs, two)) == (4, 0, 0, 0)
    assert counts(mirror(store, [*pairs[1:], {"a": 3, "b": "z", "v": 0}], two)) == (1, 0, 1, 3)
    assert [(row["a"], row["b"]) for row in rows(store, "pairs", "a, b")] == [(1, "y"), (2, "x"), (2, "y"), (3, "z")]


def test_a_key_that_turns_to_text(store):
    mirror(store, [{"id": 1, "v": 1}, {"id": 2, "v": 2}])
    mirror(store, [{"id": 1, "v": 1}, {"id": 2, "v": 2}, {"id": "x", "v": 3}])
    assert [row["id"] for row in rows(store)] == ["1", "2", "x"]
    assert counts(mirror(store, [{"id": 1, "v": 1}, {"id": "x", "v": 3}])) == (0, 0, 1, 2)


@pytest.mark.parametrize("listing", [[{"name": "a"}], [{"id": 1}, {"id": None}], [{"id": 1}, {"id": [1]}]])
def test_records_without_a_key_are_refused_and_change_nothing(store, listing):
    mirror(store, FIVE)
    with pytest.raises(StoreError, match="no key"):
        mirror(store, listing)
    assert rows(store) == FIVE


def test_two_different_records_with_one_key_are_refused(store):
    mirror(store, FIVE)
    with pytest.raises(StoreError, match="is not unique") as caught:
        mirror(store, [{"id": 7, "name": "a"}, {"id": 7, "name": "b"}])
    assert "table.key" in caught.value.next
    assert rows(store) == FIVE


def test_a_known_record_listed_twice_counts_once_is_told_and_writes_nothing(store):
    mirror(store, FIVE)
    store.checkpoint()
    before = store.path.read_bytes()
    outcome = mirror(store, [*FIVE[:4], FIVE[1], FIVE[4], FIVE[0]])
    assert (counts(outcome), said(outcome)) == ((0, 0, 0, 5), ("The server listed 2 records twice.",))
    store.checkpoint()
    assert store.path.read_bytes() == before


def test_a_known_record_that_changes_while_it_is_listed_counts_once(store):
    mirror(store, FIVE)
    outcome = mirror(store, [*FIVE, FIVE[0] | {"name": "x"}])
    assert (counts(outcome), outcome.rows) == ((0, 1, 0, 4), 5)
    assert said(outcome) == ("One record changed or moved while it was listed; the later form was kept.",)
    assert rows(store)[0]["name"] == "x"


def test_a_key_that_stops_to_tell_the_records_of_one_page_apart_is_refused(store):
    mirror(store, FIVE, page=9)
    with pytest.raises(StoreError, match="is not unique"):
        mirror(store, [*FIVE, FIVE[0] | {"name": "x"}], page=9)
    assert rows(store) == FIVE


def test_a_record_listed_twice_counts_once_and_is_told(store):
    outcome = mirror(store, [FIVE[0], FIVE[0], FIVE[1]])
    assert counts(outcome) == (2, 0, 0, 0)
    assert said(outcome) == ("The server listed one record twice.",)


def test_a_record_that_moves_between_pages_keeps_its_later_form(store):
    outcome = mirror(store, [FIVE[0], FIVE[1], FIVE[0] | {"name": "later"}], page=2)
    assert rows(store) == [FIVE[0] | {"name": "later"}, FIVE[1]]
    assert "later form" in said(outcome)[0]
    assert counts(mirror(store, [FIVE[0] | {"name": "later"}, FIVE[1]])) == (0, 0, 0, 2)


def test_a_repeated_record_does_not_hide_its_deletion_or_cause_one(store):
    mirror(store, FIVE)
    other = json.dumps(FIVE[0], indent=1).encode()
    mirror(store, [*FIVE, other])
    assert rows(store) == FIVE
    mirror(store, [other, *FIVE[1:]])
    assert rows(store) == FIVE
    assert counts(mirror(store, FIVE[1:])) == (0, 0, 1, 4)


def test_an_empty_listing_is_held_not_deleted(store):
    mirror(store, FIVE)
    outcome = mirror(store, [])
    assert (outcome.held, outcome.deleted, outcome.rows) == (5, 0, 5)
    assert rows(store) == FIVE
    assert mirror(store, FIVE).held == 0


def test_many_deletions_are_held_until_the_user_agrees(store):
    many = [{"id": n} for n in range(200)]
    mirror(store, many)
    assert counts(mirror(store, many[:161])) == (0, 0, 39, 161)
    outcome = mirror(store, many[:100])
    assert (outcome.held, outcome.deleted) == (61, 0)
    assert mirror(store, many[:100], apply_held=True).deleted == 61
    assert len(rows(store)) == 100


def test_what_the_user_keeps_stays_and_is_not_held_again(store):
    mirror(store, FIVE)
    assert mirror(store, []).held == 5
    with store.writing() as db:
        keep_held(db, "items")
    assert mirror(store, FIVE[:2]).held == 0
    assert rows(store) == FIVE
    assert mirror(store, []).held == 2


@pytest.mark.parametrize("key", [("id",), ("id", "size")], ids=str)
@pytest.mark.parametrize("other", ["a", 1.5], ids=str)
def test_what_the_user_keeps_stays_when_the_key_gets_another_type(store, key, other):
    keyed = endpoint(key=key)
    mirror(store, FIVE, keyed)
    assert mirror(store, [], keyed).held == 5
    with store.writing() as db:
        keep_held(db, "items")
    new = {"id": other, "name": "n", "size": 9}
    assert counts(mirror(store, [*FIVE[:2], new], keyed)) == (1, 0, 0, 2)
    ids = [*map(str, range(5)), "a"] if other == "a" else [0.0, 1.0, 1.5, 2.0, 3.0, 4.0]
    assert [row["id"] for row in rows(store)] == ids
    assert mirror(store, [new], keyed).held == 0
    assert [row["id"] for row in rows(store)] == [id for id in ids if id not in (0.0, 1.0, "0", "1")]


def test_suspects_stay_suspects_when_the_key_gets_another_type(store):
    mirror(store, FIVE)
    with store.writing() as db:
        db.execute("INSERT INTO _sync_suspects SELECT number, 4 FROM _sync_endpoints WHERE id = 'items'")
    mirror(store, [*FIVE[:3], {"id": "a"}], proof="none")
    with store.reading() as db:
        assert db.execute("SELECT key FROM _sync_suspects").fetchall() == [("4",)]


def test_a_composite_key_that_becomes_real_keeps_its_rows(store):
    keyed = endpoint(key=("id", "size"))
    mirror(store, FIVE, keyed)
    listing = [FIVE[0] | {"name": "other"}, *FIVE[1:], {"id": 1.5, "name": "n", "size": 9}]
    assert counts(mirror(store, listing, keyed)) == (1, 1, 0, 4)
    assert len(rows(store)) == 6


def test_an_incomplete_listing_deletes_nothing(store):
    mirror(store, FIVE)
    assert counts(mirror(store, FIVE[:1], proof="none")) == (0, 0, 0, 1)
    assert rows(store) == FIVE


def test_upsert_never_deletes(store):
    upsert = endpoint(mode="upsert")
    mirror(store, FIVE, upsert)
    assert counts(mirror(store, [{"id": 9}], upsert)) == (1, 0, 0, 0)
    assert len(rows(store)) == 6


def test_append_adds_every_time(store):
    append = endpoint(mode="append", key=())
    mirror(store, FIVE, append)
    assert counts(mirror(store, FIVE, append)) == (5, 0, 0, 0)
    assert len(rows(store)) == 10


def test_replace_swaps_the_whole_table(store):
    replace = endpoint(mode="replace", key=())
    mirror(store, FIVE, replace)
    assert counts(mirror(store, FIVE[:2], replace)) == (2, 0, 5, 0)
    assert rows(store) == FIVE[:2]


def test_records_without_any_key_are_known_by_their_content(store):
    by_content = endpoint(key=(HASH_KEY,))
    listing = [{"t": 1}, {"t": 1}, {"t": 2}]
    assert counts(mirror(store, listing, by_content)) == (3, 0, 0, 0)
    assert counts(mirror(store, listing, by_content)) == (0, 0, 0, 3)
    assert counts(mirror(store, listing[1:], by_content)) == (0, 0, 1, 2)
    assert sorted(row["t"] for row in rows(store, order="t")) == [1, 2]


def test_a_full_run_repairs_what_others_did_to_the_table(store):
    mirror(store, FIVE)
    with store.writing() as db:
        db.execute("DELETE FROM items WHERE id = 1")
        db.execute("UPDATE items SET name = 'vandal' WHERE id = 2")
        db.execute("INSERT INTO items (id) VALUES (77)")
    assert counts(mirror(store, FIVE, full=True)) == (1, 1, 1, 3)
    assert rows(store) == FIVE
    assert counts(mirror(store, FIVE)) == (0, 0, 0, 5)


def test_a_dropped_table_is_made_anew(store):
    mirror(store, FIVE)
    with store.writing() as db:
        db.execute("DROP TABLE items")
    assert counts(mirror(store, FIVE)) == (5, 0, 0, 0)


def test_vacuum_by_another_program_breaks_nothing(store):
    text = endpoint(key=("name",))
    mirror(store, FIVE, text)
    mirror(store, FIVE[1:], text)
    store.close()
    db = apsw.Connection(str(store.path))
    db.execute("VACUUM")
    db.close()
    assert counts(mirror(store, FIVE[2:], text)) == (0, 0, 1, 3)
    assert rows(store) == FIVE[2:]


def test_a_new_key_or_other_columns_make_the_table_anew(store):
    mirror(store, FIVE)
    assert counts(mirror(store, FIVE, endpoint(key=("name",)))) == (5, 0, 0, 0)
    assert counts(mirror(store, FIVE, endpoint(key=("name",), ignore=("size",)))) == (5, 0, 0, 0)
    assert list(rows(store)[0]) == ["id", "name"]
    assert counts(mirror(store, FIVE, endpoint(key=("name",), rename={"size": "größe"}))) == (5, 0, 0, 0)
    assert list(rows(store)[0]) == ["id", "name", "größe"]
    assert counts(mirror(store, FIVE, endpoint(types={"size": "text"}))) == (5, 0, 0, 0)
    assert rows(store)[4]["size"] == "4"


@pytest.mark.parametrize("old", ["append", "upsert"])
def test_rows_that_cannot_be_fetched_again_are_not_dropped(store, old):
    key = () if old == "append" else ("id",)
    mirror(store, FIVE, endpoint(mode=old, key=key))
    for change in ({"mode": old, "key": key, "ignore": ("size",)}, {"mode": "mirror"}):
        with pytest.raises(StoreError, match="would lose rows") as caught:
            mirror(store, FIVE[:1], endpoint(**change))
        assert "another table name" in caught.value.next
    assert rows(store) == FIVE
    assert counts(mirror(store, FIVE[:1], endpoint(name="fresh", mode="mirror"))) == (1, 0, 0, 0)
    assert rows(store) == FIVE
    assert counts(mirror(store, FIVE[1:2], endpoint(name="fresh", mode="mirror"), apply_held=True)) == (1, 0, 1, 0)


def test_a_renamed_table_keeps_its_rows(store):
    mirror(store, FIVE)
    assert counts(mirror(store, FIVE, endpoint(name="things"))) == (0, 0, 0, 5)
    assert rows(store, "things") == FIVE
    assert declared(store) == {}


def named(id, table, **fields):
    return Endpoint(url=f"https://a.example/{id}", id=id, table=Table(**{"name": table, "key": ("id",)} | fields))


@pytest.mark.parametrize("names", ["ba", "bca", "cab", "bac"])
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)], ids=str)
def test_endpoints_exchange_their_tables_names(store, names, order):
    ids = "abc"[: len(names)]
    listings = [[{"id": n, "of": id} for n in range(5)] for id in ids]
    for id, listing in zip(ids, listings, strict=True):
        mirror(store, listing, named(id, id))
    settings = tuple(named(id, name) for id, name in zip(ids, names, strict=True))
    for index in [index for index in order if index < len(ids)]:
        assert counts(mirror(store, listings[index], settings[index], others=settings)) == (0, 0, 0, 5)
    for name, listing in zip(names, listings, strict=True):
        assert rows(store, name) == listing
    with store.reading() as db:
        names = [name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    assert sorted(name for name in names if not name.startswith("_sync_")) == list(ids)


def test_a_new_endpoint_gets_the_name_that_another_gives_up(store):
    mirror(store, FIVE, named("a", "Things"))
    settings = (named("a", "old_things"), named("b", "things"))
    assert counts(mirror(store, FIVE[:2], settings[1], others=settings)) == (2, 0, 0, 0)
    assert rows(store, "old_things") == FIVE
    assert counts(mirror(store, FIVE, settings[0], others=settings)) == (0, 0, 0, 5)


def test_a_table_of_an_endpoint_that_is_gone_keeps_its_name(store):
    mirror(store, FIVE, named("a", "a"))
    mirror(store, FIVE, named("b", "b"))
    with pytest.raises(StoreError, match="isn't this endpoint's"):
        mirror(store, FIVE, named("a", "b"), others=(named("a", "b"),))
    assert rows(store, "b") == FIVE


def test_a_table_that_keeps_what_is_gone_is_not_renamed_but_left(store):
    mirror(store, FIVE, named("a", "a", mode="upsert"))
    settings = (named("a", "c", mode="mirror"), named("b", "a"))
    with pytest.raises(StoreError, match="isn't this endpoint's"):
        mirror(store, FIVE[:1], settings[1], others=settings)
    mirror(store, FIVE[:1], settings[0], others=settings)
    assert (rows(store, "a"), rows(store, "c")) == (FIVE, FIVE[:1])


@pytest.mark.parametrize("first", [True, False])
def test_a_run_that_goes_on_while_names_change_writes_into_no_other_table(store, first):
    other = [{"id": n, "of": "a"} for n in range(5)]
    mirror(store, other, named("a", "a"))
    if not first:
        mirror(store, FIVE, named("b", "b"))
    late = named("b", "a" if first else "b")
    if first:
        mirror(store, other, named("a", "c"))
    with store.writing() as db:
        plan = make_plan(db, late)
    settings = (named("a", late.table.name), named("b", "a" if not first else "b"))
    mirror(store, other, settings[0], others=settings)
    staging = Staging(store.path.parent, Known())
    staging.add_page(JsonPage(json.dumps(record).encode() for record in FIVE))
    with pytest.raises(StoreError, match="renamed during the run"), store.writing() as db:
        publish(db, late, plan, staging, next_number(db))
    staging.close()
    assert rows(store, late.table.name) == other


@pytest.mark.parametrize("first", [True, False])
def test_a_run_that_goes_on_after_its_endpoint_was_removed_writes_nothing(store, first):
    if not first:
        mirror(store, FIVE)
    with store.writing() as db:
        plan = make_plan(db, ENDPOINT)
    with store.writing() as db:
        drop_owned(db, "items")
        forget(db, "items")
        make_plan(db, named("b", "b"))  # may get the number that is free now
    staging = Staging(store.path.parent, Known())
    staging.add_page(JsonPage(json.dumps(record).encode() for record in FIVE))
    with pytest.raises(StoreError, match="removed during the run"), store.writing() as db:
        publish(db, ENDPOINT, plan, staging, next_number(db))
    staging.close()
    with store.reading() as db:
        assert not db.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'items'").get


def test_a_table_of_somebody_else_is_left_alone(store):
    with store.writing() as db:
        db.execute("CREATE TABLE items (mine)")
    with pytest.raises(StoreError, match="isn't this endpoint's"):
        mirror(store, FIVE)


def test_the_key_the_table_was_made_with_is_remembered(store):
    mirror(store, FIVE)
    with store.reading() as db:
        assert stored_key(db, endpoint(key=())) == ("id",)
        assert stored_key(db, endpoint(key=(), ignore=("size",))) == ()


def test_odd_names_are_columns(store):
    record = {"id": 1, "order": 1, 'select"x': 2, "rowid": 3, "Id": 4, "": 5, "a.b": 6, "{x}": 7}
    mirror(store, [record])
    assert list(rows(store)[0].values()) == [1, 1, 2, 3, 4, 5, 6, 7]
    assert counts(mirror(store, [record | {"{x}": 8, 'select"x': 9}])) == (0, 1, 0, 0)


def test_too_many_columns_are_refused(store):
    with pytest.raises(StoreError, match="too many fields"):
        mirror(store, [{"id": 1} | {f"f{n}": n for n in range(2000)}])


keys = st.integers(0, 12) | st.sampled_from(["a", "b"])
fields = st.sampled_from(["a", "b", "A", "order", "_sync_x"])
values = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.integers(2**52, 2**65)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=3)
    | st.lists(st.integers(0, 2), max_size=2)
)
listings = st.dictionaries(keys, st.dictionaries(fields, values, max_size=4), max_size=8)


@settings(max_examples=120, deadline=None)
@given(runs=st.lists(listings, min_size=1, max_size=4), page=st.integers(1, 4), text_keys=st.booleans())
def test_after_every_run_the_table_equals_the_listing(tmp_path_factory, runs, page, text_keys):
    with opened(tmp_path_factory.mktemp("runs")) as store:
        for listing in runs:
            records = [{"id": str(key) if text_keys else key} | record for key, record in listing.items()]
            with store.reading() as db:
                there = db.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'items'").get
            before = {row["id"] for row in rows(store)} if there else set()
            outcome = mirror(store, records, page=page, apply_held=True)
            assert outcome.added + outcome.changed + outcome.unchanged == len(records)
            if not records and not there:
                continue
            with store.reading() as db:
                shape = load_shape(db, 1, ("id",))
                bind = binder(shape)
                expected = {tuple(bind(record)) for record in decode_records([json.dumps(r).encode() for r in records])}
                assert set(db.execute("SELECT * FROM items")) == expected
                assert {type(v) for row in db.execute("SELECT * FROM items") for v in row} == {
                    type(v) for row in expected for v in row
                }
                assert outcome.rows == len(records)
                assert db.execute("PRAGMA integrity_check").get == "ok"
            assert outcome.deleted <= len(before) + len(records)


def recorded(store):
    with store.reading() as db:
        return db.execute("SELECT kind, key FROM _sync_changes ORDER BY kind, key").fetchall()


@pytest.mark.parametrize("mode", ["mirror", "upsert", "append", "replace"])
@pytest.mark.parametrize("full", [False, True])
def test_a_first_load_is_no_change(store, mode, full):
    """A million lines "added" would say nothing; also where a record comes again in another form meanwhile."""
    again = [] if mode == "append" else [FIVE[0] | {"name": "meanwhile"}]
    assert mirror(store, [*FIVE, *again], endpoint(mode=mode), page=3, full=full).added == 5
    assert recorded(store) == []
    if mode in ("mirror", "upsert"):
        later = [FIVE[0] | {"name": "later"}, *FIVE[1:], {"id": 9, "name": "n9", "size": 9}]
        mirror(store, later, endpoint(mode=mode))
        assert recorded(store) == [("added", 9), ("changed", 0)]


def test_what_comes_into_an_emptied_table_is_loaded_anew(store):
    mirror(store, FIVE[:1])
    mirror(store, [], apply_held=True)
    before = recorded(store)
    assert before == [("deleted", 0)]
    assert mirror(store, FIVE).added == 5
    assert recorded(store) == before
