"""What a listing lacks, and the brake at its documented limit: more than 20 and more than a fifth of the rows."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.store.mirror.test_publish import ENDPOINT, FIVE, counts, endpoint, mirror, opened, rows
from trayapp.store.bookkeeping.endpoint_states import load_state
from trayapp.store.mirror.claim import load_known, make_plan
from trayapp.store.mirror.deletions import count_missing, keep_held, too_many
from trayapp.store.mirror.schema import HASH_KEY, ONLY_KEY
from trayapp.store.records.pages import JsonPage
from trayapp.store.staging.published import Known
from trayapp.store.staging.staging import Staging


@given(st.integers(0, 100))
def test_twenty_may_always_go_of_few(rows):
    assert not too_many(min(20, rows), rows)
    assert too_many(21, rows)


@given(st.integers(21, 10**9), st.integers(0, 4))
def test_a_fifth_may_go_of_many(fifth, more):
    """Of any number of rows: a part of a row does not make one more."""
    assert not too_many(fifth, 5 * fifth + more)
    assert too_many(fifth + 1, 5 * fifth + more)


@pytest.mark.parametrize(
    ("count", "may_go"), [(21, 20), (22, 20), (50, 20), (99, 20), (100, 20), (104, 20), (105, 21), (109, 21), (110, 22)]
)
def test_so_many_are_deleted_one_more_is_held(tmp_path, count, may_go):
    listing = [{"id": number} for number in range(count)]
    with opened(tmp_path) as store:
        mirror(store, listing)
        held = mirror(store, listing[may_go + 1 :])
        assert (held.deleted, held.held) == ((0, may_go + 1) if may_go + 1 < count else (0, count))
        assert rows(store) == listing
        gone = mirror(store, listing[may_go:])
        assert (gone.deleted, gone.held) == (may_go, 0)
        assert rows(store) == listing[may_go:]


@pytest.mark.parametrize("count", [1, 2, 20])
def test_an_empty_listing_deletes_not_even_few(tmp_path, count):
    listing = [{"id": number} for number in range(count)]
    with opened(tmp_path) as store:
        mirror(store, listing)
        assert mirror(store, []).held == count
        assert rows(store) == listing


def lacking(store, listing, endpoint, full):
    """What is missing before anything is published."""
    with store.writing() as db:
        plan = make_plan(db, endpoint)
    with store.reading() as db:
        staging = Staging(store.path.parent, Known() if full else load_known(db, plan))
        try:
            staging.add_page(JsonPage(json.dumps(record).encode() for record in listing))
            return count_missing(db, endpoint, plan, staging, full)
        finally:
            staging.close()


ITEMS = {
    "integer": [{"id": n, "name": f"n{n}"} for n in range(5)],
    "real": [{"id": n + 0.5, "name": f"n{n}"} for n in range(5)],
    "long": [{"id": 2**60 + n, "name": f"n{n}"} for n in range(5)],
    "text": [{"id": f"x{n}", "name": f"n{n}"} for n in range(5)],
    "boolean": [{"id": n == 1, "name": f"n{n}"} for n in range(2)],
    "odd": [{"id": str(n) if n else n, "name": f"n{n}"} for n in range(5)],
}


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("key", [("id",), ("id", "name"), ("name",)], ids=str)
@pytest.mark.parametrize("kind", ITEMS)
def test_what_a_listing_lacks_is_counted_without_what_changed(tmp_path, kind, key, full):
    listing = ITEMS[kind]
    keyed = endpoint(key=key)
    with opened(tmp_path) as store:
        assert lacking(store, listing, keyed, full) == 0, "no table yet"
        mirror(store, listing, keyed)
        assert lacking(store, listing, keyed, full) == 0
        changed = [record | {"size": 1} for record in listing]
        assert lacking(store, changed, keyed, full) == 0
        assert lacking(store, changed[1:], keyed, full) == 1
        assert lacking(store, [*changed[2:], listing[0]], keyed, full) == 1
        assert lacking(store, [], keyed, full) == len(listing)
        assert lacking(store, [{"other": 1}], keyed, full) == len(listing), "what has no key is refused later"
        upsert = endpoint(key=key, mode="upsert", name="upsert")
        mirror(store, listing, upsert)
        assert lacking(store, [], upsert, full) == 0


def test_what_is_known_by_its_content_is_counted_likewise(tmp_path):
    by_content = endpoint(key=(HASH_KEY,))
    listing = [{"t": 1}, {"t": 2}, {"t": 1}, {"t": 1}]
    with opened(tmp_path) as store:
        mirror(store, listing, by_content)
        assert lacking(store, listing, by_content, True) == 0
        assert lacking(store, listing[1:], by_content, True) == 1
        assert lacking(store, listing[:2], by_content, True) == 2


def test_the_only_record_is_lacking_when_there_is_none(tmp_path):
    only = endpoint(key=(ONLY_KEY,))
    with opened(tmp_path) as store:
        mirror(store, [{"t": 1}], only)
        assert rows(store, order="t") == [{ONLY_KEY: 1, "t": 1}]
        assert lacking(store, [{"t": 2}], only, True) == 0
        assert lacking(store, [], only, True) == 1


def half(store, listing, endpoint=ENDPOINT, **options):
    outcome = mirror(store, listing, endpoint, proof="half", **options)
    return outcome.deleted, outcome.suspects, outcome.rows


def test_half_a_proof_deletes_what_two_listings_in_a_row_lack(tmp_path):
    listing = [{"id": n} for n in range(6)]
    with opened(tmp_path) as store:
        mirror(store, listing)
        assert half(store, listing[:5]) == (0, 1, 6)
        assert half(store, listing[:4]) == (1, 1, 5), "5 was lacking twice, 4 is lacking"
        assert half(store, listing[:3]) == (1, 1, 4)
        assert half(store, listing[:4]) == (0, 0, 4), "3 is back"
        assert half(store, listing[:3]) == (0, 1, 4), "and begins anew"
        outcome = mirror(store, listing[:2])
        assert (outcome.deleted, outcome.suspects) == (2, 0), (
            "whole proof needs no second listing, and leaves none open"
        )
        mirror(store, listing)
        assert half(store, listing[1:]) == (0, 1, 6)
        assert half(store, listing, endpoint(rename={"id": "number"})) == (0, 0, 6)
        assert half(store, listing[1:], endpoint(rename={"id": "number"})) == (0, 1, 6), "a table made anew begins anew"


@pytest.mark.parametrize(
    ("again", "gone"), [((), 1), ((FIVE[0],), 0), ((FIVE[0] | {"name": "other"},), 0)], ids=["once", "twice", "moved"]
)
@pytest.mark.parametrize("known", [True, False])
def test_as_many_records_as_told_prove_it_unless_some_came_twice(tmp_path, again, gone, known):
    with opened(tmp_path) as store:
        mirror(store, FIVE)
        some = FIVE[:4] if known else [record | {"size": 9} for record in FIVE[:4]]
        outcome = mirror(store, [*some, *again], proof="counted")
        assert (outcome.deleted, outcome.suspects) == (gone, 1 - gone)


def test_no_proof_settles_what_it_lists_and_nothing_else(tmp_path):
    with opened(tmp_path) as store:
        mirror(store, FIVE)
        assert half(store, FIVE[:3]) == (0, 2, 5)
        outcome = mirror(store, [FIVE[3], {"id": 9}], proof="none")
        assert (outcome.deleted, outcome.suspects, outcome.rows) == (0, 1, 6)
        assert half(store, FIVE[:3]) == (1, 2, 5), "4 was lacking twice; 3 and 9 begin anew"


def told_as_held(store):
    with store.reading() as db:
        return load_state(db, "items").held


def test_what_the_user_keeps_is_told_as_held_no_more(tmp_path):
    with opened(tmp_path) as store:
        with store.writing() as db:
            keep_held(db, "unknown")
        mirror(store, FIVE)
        mirror(store, [])
        assert told_as_held(store) == 5
        with store.writing() as db:
            keep_held(db, "items")
        assert told_as_held(store) == 0
        assert half(store, FIVE[:4]) == (0, 0, 5)
        assert half(store, FIVE[:4]) == (0, 0, 5), "what is kept is no suspect"


def test_a_table_made_anew_forgets_what_was_held_and_kept(tmp_path):
    with opened(tmp_path) as store:
        mirror(store, FIVE)
        mirror(store, [])
        with store.writing() as db:
            keep_held(db, "items")
        keyed = endpoint(rename={"name": "title"})
        mirror(store, FIVE, keyed)
        assert counts(mirror(store, FIVE[1:], keyed)) == (0, 0, 1, 4)
