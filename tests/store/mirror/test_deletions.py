"""The brake at its documented limit: more than 20 deletions that are more than a fifth of the rows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.store.mirror.test_publish import mirror, opened, rows
from trayapp.store.mirror.deletions import too_many


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
