"""Publishing what is only a part of a listing: what it lacks stays, what it calls deleted goes."""

import json

import msgspec
import pytest

from trayapp.endpoints.model import Endpoint, Incremental, Table
from trayapp.store.bookkeeping.history import next_number
from trayapp.store.file.database import Store
from trayapp.store.mirror.claim import load_known, make_plan
from trayapp.store.mirror.publish import publish
from trayapp.store.mirror.tombstones import Tombstone
from trayapp.store.records.pages import JsonPage
from trayapp.store.staging.published import Known, ListingNeeded
from trayapp.store.staging.staging import Staging

ENDPOINT = Endpoint(
    url="https://a.example/items",
    id="items",
    name="Items",
    table=Table(name="items", key=("id",)),
    incremental=Incremental(field="at", param="since", deleted="gone=true"),
)
MANY = [{"id": n, "name": f"n{n}", "gone": False} for n in range(40)]


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "t.db")
    yield store
    store.close()


def mirror(store, *pages, endpoint=ENDPOINT, partial=False, full=False, complete=None, apply_held=False):
    with store.writing() as db:
        plan = make_plan(db, endpoint)
    with store.reading() as db:
        known = Known() if partial or full else load_known(db, plan)
    staging = Staging(store.path.parent, known)
    try:
        for page in pages:
            staging.add_page(JsonPage(json.dumps(record).encode() for record in page))
        with store.writing() as db:
            return publish(
                db,
                endpoint,
                plan,
                staging,
                next_number(db),
                proof="whole" if (not partial if complete is None else complete) else "none",
                full=full,
                partial=partial,
                apply_held=apply_held,
            )
    finally:
        staging.close()


def ids(store):
    with store.reading() as db:
        return [id for (id,) in db.execute("SELECT id FROM items ORDER BY id")]


def counts(outcome):
    return outcome.added, outcome.changed, outcome.deleted, outcome.unchanged


def test_a_part_changes_what_it_has_and_leaves_the_rest(store):
    mirror(store, MANY)
    outcome = mirror(store, [MANY[0], MANY[1] | {"name": "x"}, {"id": 99, "name": "new"}], partial=True)
    assert (counts(outcome), outcome.rows) == ((1, 1, 0, 1), 41)
    assert ids(store) == [*range(40), 99]
    again = mirror(store, [MANY[0], MANY[1] | {"name": "x"}, *MANY[2:], {"id": 99, "name": "new"}])
    assert counts(again) == (0, 0, 0, 41), "the part's records are known by their bytes"
    assert counts(mirror(store, MANY))[2] == 1


def test_tombstones_delete_at_once_in_any_listing(store):
    first = mirror(store, [*MANY[:5], {"id": 7, "gone": True}])
    assert (counts(first), ids(store)) == ((5, 0, 0, 0), [0, 1, 2, 3, 4])
    part = mirror(store, [{"id": 0, "gone": True}, {"id": 50, "gone": True}], partial=True)
    assert (counts(part), part.rows, ids(store)) == ((0, 0, 1, 0), 4, [1, 2, 3, 4])
    whole = mirror(store, [{"id": 1, "gone": True, "other": 1}, *MANY[2:5]])
    assert (counts(whole), whole.rows, ids(store)) == ((0, 0, 1, 3), 3, [2, 3, 4])
    assert counts(mirror(store, MANY[2:5])) == (0, 0, 0, 3)


def test_the_later_of_a_record_and_its_tombstone_counts(store):
    mirror(store, MANY[:3])
    dead = {"id": 1, "gone": True}
    mirror(store, [MANY[1] | {"name": "x"}, dead], partial=True)
    assert ids(store) == [0, 2]
    mirror(store, [dead], [MANY[1]], partial=True)
    assert ids(store) == [0, 1, 2]
    mirror(store, [MANY[0], MANY[1]], [dead, MANY[2]])
    assert ids(store) == [0, 2]


def test_mass_tombstones_are_not_held(store):
    mirror(store, MANY)
    outcome = mirror(store, [{"id": n, "gone": True} for n in range(40)], partial=True)
    assert (outcome.deleted, outcome.held, ids(store)) == (40, 0, [])


def test_held_deletes_outlive_a_part_that_says_nothing_about_them(store):
    mirror(store, MANY)
    assert mirror(store, MANY[:5]).held == 35
    assert mirror(store, [MANY[0]], partial=True).held == 35
    assert mirror(store, [MANY[30]], partial=True).held == 34
    assert mirror(store, [{"id": 31, "gone": True}], partial=True).held == 33
    assert mirror(store, MANY[:5], apply_held=True).rows == 5


@pytest.mark.parametrize("complete", [True, False])
def test_what_a_full_comparison_left_in_the_table_is_still_found_missing_later(store, complete):
    mirror(store, MANY)
    outcome = mirror(store, MANY[:5], full=True, complete=complete)
    assert (outcome.deleted, outcome.held) == (0, 35 if complete else 0)
    assert mirror(store, MANY[:5]).held == 35
    assert mirror(store, MANY[:5], apply_held=True).deleted == 35


def test_a_wider_column_needs_the_whole_listing(store):
    mirror(store, [{"id": 1, "v": 1}])
    with pytest.raises(ListingNeeded):
        mirror(store, [{"id": 2, "v": "x"}], partial=True)


@pytest.mark.parametrize(
    ("text", "record", "dead"),
    [
        ("gone=true", {"gone": True}, True),
        ("gone=true", {"gone": "true"}, True),
        ("gone=true", {"gone": False}, False),
        ("gone=true", {}, False),
        ("state=deleted", {"state": "deleted"}, True),
        ("state = deleted", {"state": "live"}, False),
        ("n=1", {"n": 1}, True),
        ("deleted_at", {"deleted_at": "2026-01-01"}, True),
        ("deleted_at", {"deleted_at": None}, False),
        ("deleted_at", {"deleted_at": ""}, False),
        ("deleted", {"deleted": 0}, False),
        ("meta.deleted=true", {"meta": {"deleted": True}}, True),
        ("meta.deleted", {"meta": {"deleted": {}}}, False),
        ("meta.deleted=true", {"meta": [1]}, False),
        ("meta.deleted=true", {"meta.deleted": True}, True),
    ],
)
def test_what_a_tombstone_looks_like(text, record, dead):
    from trayapp.store.records.fields import decode_records

    found = decode_records([msgspec.json.encode(record)])[0]
    assert Tombstone.parse(text).marks(found) is dead
