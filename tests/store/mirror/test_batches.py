"""What several batches, partial listings and tombstones make of a table, to the last count, and what is known then."""

import json

import msgspec
import pytest
import xxhash

from tests.store.mirror.test_publish import ENDPOINT, FIVE, counts, endpoint, mirror, opened, recorded, rows, said
from trayapp.endpoints.model import Incremental
from trayapp.store.errors import StoreError
from trayapp.store.mirror import publish as publishing
from trayapp.store.mirror.claim import load_known, make_plan
from trayapp.store.mirror.schema import HASH_KEY, owned
from trayapp.store.records.cells import packed
from trayapp.store.records.digests import Digests
from trayapp.store.records.pages import CellPage
from trayapp.store.staging.published import ListingNeeded

LONG = 300
"""So many records of a page are a batch of their own."""


@pytest.fixture
def store(tmp_path):
    with opened(tmp_path) as store:
        yield store


def numbered(start, stop, **fields):
    return [{"id": n, "name": f"n{n}", **fields} for n in range(start, stop)]


def nothing_new(store, listing, endpoint=ENDPOINT):
    """Whether the table is the listing, and all of it is known."""
    store.checkpoint()
    before = store.path.read_bytes()
    assert counts(mirror(store, listing, endpoint)) == (0, 0, 0, len(listing))
    store.checkpoint()
    assert store.path.read_bytes() == before
    listing = [json.loads(record) if isinstance(record, bytes) else record for record in listing]
    key = ", ".join(endpoint.table.key)
    assert rows(store, order=key) == sorted(
        listing, key=lambda record: tuple(record[name] for name in endpoint.table.key)
    )


# --- several batches


@pytest.mark.parametrize("full", [False, True])
def test_records_that_come_again_in_a_later_batch_of_a_first_load(store, full):
    listing = numbered(0, 2 * LONG)
    again = [listing[5], listing[7] | {"name": "later"}, listing[8] | {"name": "later"}]
    more = [*numbered(2 * LONG, 4 * LONG - 4), listing[9] | {"name": "later"}]
    outcome = mirror(store, [*listing, *again, *more], page=LONG, full=full)
    assert (counts(outcome), outcome.rows) == ((4 * LONG - 4, 0, 0, 0), 4 * LONG - 4)
    assert said(outcome) == (
        "The server listed one record twice.",
        "3 records changed or moved while they were listed; the later form was kept.",
    )
    assert recorded(store) == []
    whole = numbered(0, 4 * LONG - 4)
    whole[7]["name"] = whole[8]["name"] = whole[9]["name"] = "later"
    nothing_new(store, whole)


def test_a_key_that_comes_twice_on_one_page_is_refused_in_a_later_batch_too(store):
    with pytest.raises(StoreError, match="is not unique"):
        mirror(store, [*numbered(0, LONG), *numbered(LONG, 2 * LONG - 1), {"id": LONG, "name": "x"}], page=LONG)
    with pytest.raises(StoreError, match="is not unique"):
        mirror(store, [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}, {"id": 1, "name": "x"}], page=3)


def test_pages_of_one_batch_are_compared_one_after_the_other(store):
    """A record that is listed three times in small pages ends in its last form, and counts once."""
    mirror(store, FIVE)
    forms = [FIVE[1] | {"name": name} for name in ("a", "b", "c")]
    outcome = mirror(store, [forms[0], *FIVE[2:4], forms[1], FIVE[0], FIVE[4], forms[2]], page=3)
    assert (counts(outcome), outcome.rows) == ((0, 1, 0, 4), 5)
    assert said(outcome) == ("2 records changed or moved while they were listed; the later form was kept.",)
    assert [each for each in recorded(store) if each[1] != 1] == []
    nothing_new(store, [FIVE[0], forms[2], *FIVE[2:]])


def test_a_record_that_comes_again_as_it_was_after_it_changed(store):
    mirror(store, FIVE)
    outcome = mirror(store, [*FIVE[:4], FIVE[4] | {"name": "x"}, FIVE[0], FIVE[4]], page=3)
    assert outcome.rows == 5
    assert rows(store)[:4] == FIVE[:4]


def test_an_attempt_that_is_given_up_leaves_nothing(store):
    """The second batch needs a wider column, so everything is done once more; it counts and is recorded once."""
    mirror(store, numbered(0, 2 * LONG, size=1), page=LONG)
    before = recorded(store)
    changed = [*numbered(0, LONG, size=2), *numbered(LONG, 2 * LONG, size="x"), {"id": 9999, "name": "n", "size": "y"}]
    outcome = mirror(store, changed, page=LONG)
    assert (counts(outcome), outcome.rows) == ((1, 2 * LONG, 0, 0), 2 * LONG + 1)
    assert len(recorded(store)) == len(before) + 2 * LONG + 1
    assert rows(store)[0]["size"] == "2"
    assert counts(mirror(store, changed, page=LONG)) == (0, 0, 0, 2 * LONG + 1)


def test_an_attempt_is_given_up_where_entries_are_void(store):
    mirror(store, FIVE)
    mirror(store, [FIVE[0] | {"size": 9}], partial=True)
    changed = [record | {"size": f"s{record['size']}"} for record in FIVE]
    assert counts(mirror(store, changed)) == (0, 5, 0, 0)
    nothing_new(store, changed)


@pytest.mark.parametrize("key", [("id",), ("id", "name"), ("name", "id"), ("name",)], ids=str)
@pytest.mark.parametrize("some", [publishing.LOOK_UP - 1, publishing.LOOK_UP, 2 * publishing.LOOK_UP + 1])
def test_so_many_are_changed_and_deleted(store, key, some):
    keyed = endpoint(key=key)
    listing = numbered(0, 2 * some, size=1)
    mirror(store, listing, keyed, page=LONG)
    changed = [*listing[:1], *(record | {"size": 2} for record in listing[1 : some + 1])]
    outcome = mirror(store, changed, keyed, page=LONG, apply_held=True)
    assert (counts(outcome), outcome.rows, outcome.held) == ((0, some, some - 1, 1), some + 1, 0)
    nothing_new(store, changed, keyed)
    assert len(recorded(store)) == 2 * some - 1


# --- full listings


def test_a_full_listing_counts_what_is_really_there(store):
    mirror(store, FIVE)
    with store.writing() as db:
        db.execute("DELETE FROM items WHERE id < 3")
    outcome = mirror(store, FIVE, full=True)
    assert (counts(outcome), outcome.rows) == ((3, 0, 0, 2), 5)
    nothing_new(store, FIVE)


@pytest.mark.parametrize("key", [(), ("id",)], ids=str)
def test_append_counts_all_there_ever_were(store, key):
    append = endpoint(mode="append", key=key)
    for full in (False, True, True):
        outcome = mirror(store, FIVE, append, full=full)
    assert (counts(outcome), outcome.rows) == ((5, 0, 0, 0), 15)


@pytest.mark.parametrize("full", [True, False])
def test_what_a_full_listing_lacks_is_found_missing_by_the_next(store, full):
    mirror(store, FIVE)
    assert mirror(store, FIVE[:3], full=True, proof="half").suspects == 2
    assert mirror(store, FIVE[:3], full=full, proof="half").deleted == 2
    mirror(store, FIVE)
    assert mirror(store, [], full=True).held == 5
    assert mirror(store, FIVE[1:], full=full).deleted == 1
    nothing_new(store, FIVE[1:])


@pytest.mark.parametrize("again", [[FIVE[0]], [FIVE[0] | {"name": "x"}], [FIVE[0] | {"name": "x"}, FIVE[0]]], ids=len)
def test_a_full_listing_has_records_twice(store, again):
    mirror(store, FIVE)
    listing = [*FIVE, *again]
    outcome = mirror(store, listing, full=True, page=1)
    last = again[-1]
    assert outcome.rows == 5
    assert outcome.unchanged + outcome.changed == 5
    assert rows(store)[0] == last
    nothing_new(store, [last, *FIVE[1:]])


# --- replaced tables


def test_a_replaced_table_is_always_a_first_load(store):
    replace = endpoint(mode="replace")
    for listing, kept in ((FIVE, FIVE), (FIVE[2:], FIVE[2:]), ([*FIVE[:3], *FIVE[1:]], FIVE)):
        mirror(store, listing, replace)
        assert rows(store) == kept
    assert recorded(store) == []


# --- partial listings


@pytest.mark.parametrize("page", [1, 3])
def test_a_partial_listing_adds_and_changes_and_deletes_nothing(store, page):
    mirror(store, FIVE)
    changed = [FIVE[3] | {"name": "x"}, {"id": 9, "name": "n9", "size": 9}, FIVE[0]]
    outcome = mirror(store, changed, partial=True, page=page)
    assert (counts(outcome), outcome.rows) == ((1, 1, 0, 1), 6)
    assert recorded(store) == [("added", 9), ("changed", 3)]
    nothing_new(store, [*FIVE[:3], changed[0], FIVE[4], changed[1]])


def test_a_partial_listing_without_changes_writes_nothing(store):
    mirror(store, FIVE)
    store.checkpoint()
    before = store.path.read_bytes()
    assert counts(mirror(store, FIVE[1:3], partial=True)) == (0, 0, 0, 2)
    store.checkpoint()
    assert store.path.read_bytes() == before


def test_a_partial_listing_remembers_the_last_way_a_record_was_written(store):
    mirror(store, FIVE)
    one, other = (
        json.dumps(each).encode()
        for each in (FIVE[1] | {"name": "x"}, dict(reversed((FIVE[1] | {"name": "x"}).items())))
    )
    mirror(store, [one, other], partial=True, page=1)
    nothing_new(store, [FIVE[0], other, *FIVE[2:]])


def test_a_tombstone_of_what_is_not_there_writes_nothing(store):
    mirror(store, [alive(n) for n in range(3)], MARKED)
    store.checkpoint()
    before = store.path.read_bytes()
    mirror(store, [dead(9)], MARKED, partial=True)
    store.checkpoint()
    assert store.path.read_bytes() == before


@pytest.mark.parametrize("full", [False, True])
def test_a_whole_listing_leaves_no_entry_that_counts_no_more(store, full):
    """Such entries make every run to come slower."""
    mirror(store, FIVE)
    outcome = mirror(store, [FIVE[0], FIVE[1] | {"size": 9}, FIVE[3] | {"size": 9}, {"id": 9}], full=full)
    assert counts(outcome) == (1, 2, 2, 1)
    with store.writing() as db:
        known = load_known(db, make_plan(db, ENDPOINT))
    assert (len(known.digests), known.void) == (4, ())


def test_what_was_held_is_forgotten_where_nothing_is_deleted_any_more(store):
    mirror(store, FIVE)
    assert mirror(store, []).held == 5
    upsert = endpoint(mode="upsert")
    assert mirror(store, FIVE[:1], upsert).held == 0
    mirror(store, FIVE, endpoint(name="b"))
    assert mirror(store, FIVE[1:], endpoint(name="b"), proof="half").suspects == 1
    assert mirror(store, FIVE[1:], endpoint(name="b", mode="upsert")).suspects == 0


def test_a_record_comes_twice_in_a_partial_listing(store):
    mirror(store, FIVE)
    forms = [FIVE[1] | {"name": name} for name in ("a", "b")]
    outcome = mirror(store, [FIVE[0], FIVE[1], forms[0], FIVE[0], forms[1], forms[1]], partial=True, page=1)
    assert (outcome.rows, len(outcome.warnings)) == (5, 2)
    assert outcome.unchanged + outcome.changed == 2
    nothing_new(store, [FIVE[0], forms[1], *FIVE[2:]])


def test_a_partial_listing_that_needs_a_wider_column_asks_for_all_records(store):
    mirror(store, FIVE)
    with pytest.raises(ListingNeeded):
        mirror(store, [FIVE[0] | {"size": "x"}], partial=True)
    nothing_new(store, FIVE)


def test_what_is_held_is_settled_by_a_partial_listing_that_has_it(store):
    mirror(store, FIVE)
    assert mirror(store, []).held == 5
    assert mirror(store, [FIVE[0], FIVE[1] | {"name": "x"}], partial=True).held == 3


# --- tombstones

MARKED = msgspec.structs.replace(ENDPOINT, incremental=Incremental(field="id", param="since", deleted="gone"))


def dead(id):
    return {"id": id, "name": f"n{id}", "gone": True}


def alive(id, name=None):
    return {"id": id, "name": name or f"n{id}", "gone": None}


@pytest.mark.parametrize("partial", [False, True])
def test_the_last_word_about_a_record_counts(store, partial):
    mirror(store, [alive(n) for n in range(6)], MARKED)
    listing = [
        dead(0),
        alive(1, "back"),
        dead(1),
        alive(1, "back"),
        alive(2, "x"),
        dead(2),
        dead(3),
        dead(3),
        alive(7),
        dead(7),
        dead(8),
        dead(9),
        alive(9),
        *(alive(n) for n in (4, 5)),
    ]
    outcome = mirror(store, listing, MARKED, partial=partial, page=1)
    left = [alive(1, "back"), alive(4), alive(5), alive(9)]
    assert (rows(store), outcome.rows) == (left, 4)
    nothing_new(store, left, MARKED)


@pytest.mark.parametrize("key", [("id",), ("id", "name"), ("name",)], ids=str)
def test_tombstones_delete_by_every_kind_of_key(store, key):
    marked = msgspec.structs.replace(MARKED, table=endpoint(key=key).table)
    mirror(store, [alive(n) for n in range(5)], marked)
    outcome = mirror(store, [dead(1), dead(3), dead(9)], marked, partial=True)
    assert (counts(outcome), outcome.rows) == ((0, 0, 2, 0), 3)
    nothing_new(store, [alive(0), alive(2), alive(4)], marked)


def test_tombstones_alone_make_no_table(store):
    assert mirror(store, [dead(1), dead(2)], MARKED).rows == 0
    with store.reading() as db:
        assert owned(db, "items") is owned(db, "unknown") is None
    assert mirror(store, [alive(1), dead(2)], MARKED).rows == 1
    nothing_new(store, [alive(1)], MARKED)


def test_a_tombstone_settles_what_was_held_or_kept(store):
    mirror(store, [alive(n) for n in range(5)], MARKED)
    assert mirror(store, [], MARKED).held == 5
    assert mirror(store, [dead(1)], MARKED, partial=True).held == 4


def test_records_without_a_key_of_their_own_have_no_tombstones(store):
    by_content = msgspec.structs.replace(MARKED, table=endpoint(key=(HASH_KEY,)).table)
    mirror(store, [alive(1), alive(2)], by_content)
    outcome = mirror(store, [alive(1), dead(2)], by_content)
    assert (counts(outcome), outcome.rows) == ((0, 0, 1, 1), 1)
    append = msgspec.structs.replace(MARKED, id="b", table=endpoint(name="log", mode="append").table)
    assert counts(mirror(store, [alive(1), dead(1)], append)) == (2, 0, 0, 0)


@pytest.mark.parametrize("partial", [False, True])
def test_a_table_that_tombstones_emptied_is_loaded_anew(store, partial):
    mirror(store, [alive(n) for n in range(5)], MARKED)
    assert mirror(store, [dead(n) for n in range(5)], MARKED, partial=True).rows == 0
    unmarked = msgspec.structs.replace(MARKED, incremental=None)
    listing = [alive(n, "new") for n in range(5)]
    outcome = mirror(store, [*listing, alive(1, "newer")], unmarked, partial=partial)
    assert (counts(outcome), outcome.rows) == ((5, 0, 0, 0), 5)
    listing[1] = alive(1, "newer")
    nothing_new(store, listing, unmarked)


@pytest.mark.parametrize("options", [{}, {"full": True}], ids=str)
@pytest.mark.parametrize("again", [[], [FIVE[1] | {"name": "newer"}]], ids=len)
@pytest.mark.parametrize("which", ["id = 1", "id IN (1, 3)", "id >= 0"])
def test_rows_that_another_program_deleted_come_back_when_they_change(store, options, again, which):
    mirror(store, FIVE)
    with store.writing() as db:
        db.execute(f"DELETE FROM items WHERE {which}")
    listing = [record | {"name": "new"} for record in FIVE]
    mirror(store, [*listing, *again], **options)
    listing[1] = [listing[1], *again][-1]
    assert rows(store) == listing
    nothing_new(store, listing)


# --- forms


def test_the_same_content_is_known_in_either_form(store):
    by_content = endpoint(key=(HASH_KEY,))
    json_form = [b'{"a":"1","b":"x"}', b'{"a":"2","b":"y"}']
    mirror(store, json_form, by_content)
    cells = [CellPage([packed("ab", (), [("1", "2"), ("x", "y")], Digests.of([b"1x", b"2y"]))])]
    assert mirror(store, cells, by_content).rows == 2
    assert counts(mirror(store, cells, by_content)) == (0, 0, 0, 2)
    assert counts(mirror(store, json_form, by_content)) == (0, 0, 0, 2)


def test_cells_are_known_by_themselves(store):
    keyed = endpoint(key=("a",))
    cells = [CellPage([packed("ab", (), [("1", "2"), ("x", "y")], Digests.of([b"1x", b"2y"]))])]
    assert counts(mirror(store, cells, keyed)) == (2, 0, 0, 0)
    assert counts(mirror(store, cells, keyed)) == (0, 0, 0, 2)


def test_ten_new_columns_are_named(store):
    mirror(store, [{"id": 1}])
    outcome = mirror(store, [{"id": 1, **{f"f{n}": 1 for n in range(10)}}])
    assert said(outcome) == ("New columns: f0, f1, f2, f3, f4, f5, f6, f7, f8, f9.",)
    outcome = mirror(store, [{"id": 1, **{f"g{n}": 1 for n in range(11)}}])
    assert said(outcome) == (
        "New columns: g0, g1, g2, g3, g4, g5, g6, g7, g8, g9 and 1 more.",
        "Columns without any value now: f0, f1, f2, f3, f4, f5, f6, f7, f8, f9.",
    )
    assert said(mirror(store, [{"id": 1}])) == (
        "Columns without any value now: g0, g1, g2, g3, g4, g5, g6, g7, g8, g9 and 1 more.",
    )


@pytest.mark.parametrize("key", [("a",), ("a", "b")], ids=str)
def test_cells_without_a_key_are_refused(store, key):
    with pytest.raises(StoreError, match="no key"):
        mirror(
            store,
            [CellPage([packed("ab", (), [("1", None), ("x", "y")], Digests.of([b"1x", b"y"]))])],
            endpoint(key=key),
        )
    with pytest.raises(StoreError, match="no key"):
        mirror(
            store,
            [CellPage([packed("bc", (), [("1", "2"), ("x", "y")], Digests.of([b"1x", b"2y"]))])],
            endpoint(key=key),
        )


def test_a_tombstone_without_a_key_is_refused(store):
    mirror(store, [alive(1)], MARKED)
    with pytest.raises(StoreError, match="no key"):
        mirror(store, [{"gone": True}], MARKED, partial=True)


def test_what_is_only_added_needs_no_key(store):
    append = endpoint(mode="append")
    assert mirror(store, [{"name": "x"}], append).added == 1
    assert rows(store, order="name") == [{"name": "x"}]


@pytest.mark.parametrize("mode", ["append", "replace"])
def test_records_that_are_all_empty_make_no_table(store, mode):
    keyless = endpoint(mode=mode, key=())
    with pytest.raises(StoreError, match="no fields"):
        mirror(store, [{}, {}], keyless)
    assert mirror(store, [{}, {"a": 1}], keyless).added == 2
    assert mirror(store, [{}], keyless).added == 1


def test_keys_of_identical_records_stay_as_they_were_made(store):
    """A table that an older version made has the same rows."""
    mirror(store, [b'{"t":1}', b'{"t":2}', b'{"t":1}', b'{"t":1}'], endpoint(key=(HASH_KEY,)))
    one, two = (xxhash.xxh3_128_hexdigest(record) for record in (b'{"t":1}', b'{"t":2}'))
    assert {row[HASH_KEY] for row in rows(store, order="t")} == {one, f"{one}:2", f"{one}:3", two}
