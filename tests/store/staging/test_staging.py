"""Which records of a listing are staged, whatever the order in which they come."""

import random

from hypothesis import given
from hypothesis import strategies as st

from trayapp.store.records.digests import Digests
from trayapp.store.records.pages import JsonPage
from trayapp.store.staging.published import Known
from trayapp.store.staging.staging import Staging


def raw(number):
    return b'{"id":%d}' % number


def known_of(numbers, void=()):
    return Known(Digests.of(map(raw, numbers)), void)


def staged(staging):
    return [record for batch in staging for record in batch.page]


def listed(folder, known, pages):
    staging = Staging(folder, known)
    for page in pages:
        staging.add_page(JsonPage(map(raw, page)))
    return staging


def paged(numbers, size):
    return [numbers[start : start + size] for start in range(0, len(numbers), size)]


def check(folder, before, now, size):
    """A listing of different records, some of them known: exactly the others are staged, in their order."""
    staging = listed(folder, known_of(before), paged(now, size))
    try:
        fresh = [number for number in now if number not in set(before)]
        assert staged(staging) == [raw(number) for number in fresh]
        assert [before[position] for position in staging.missing] == [n for n in before if n not in set(now)]
        assert (staging.unchanged, staging.records) == (len(now) - len(fresh), len(now))
    finally:
        staging.close()


numbers = st.lists(st.integers(0, 60), unique=True, max_size=50)


@given(before=numbers, now=numbers, size=st.integers(1, 20))
def test_exactly_the_unknown_is_staged(tmp_path_factory, before, now, size):
    check(tmp_path_factory.getbasetemp(), before, now, size)


def test_a_long_listing_in_another_order_is_known_all_the_same(tmp_path):
    before = list(range(5000))
    for now in (
        before[::-1],
        before[2500:] + before[:2500],
        random.Random(1).sample(before, 5000),
        before[3:] + [9999],
    ):
        check(tmp_path, before, now, 100)


def test_records_listed_twice_are_staged_the_second_time(tmp_path):
    staging = listed(tmp_path, known_of(range(20)), [[3, 4, 3], [0, 0, 1], list(range(5, 20))])
    assert staged(staging) == [raw(3), raw(0)]
    assert (staging.unchanged, staging.missing) == (19, [2])
    staging.close()


def test_void_positions_are_neither_known_nor_missing(tmp_path):
    staging = listed(tmp_path, known_of([1, 2, 3], void=(1,)), [[1, 2, 3]])
    assert staged(staging) == [raw(2)]
    assert (staging.unchanged, staging.missing) == (2, [])
    staging.close()


def test_a_second_walk_adds_what_the_first_missed(tmp_path):
    staging = listed(tmp_path, known_of(range(10), void=(9,)), [[0, 1, 2, 50], [4, 5]])
    staging.walk_again()
    for page in ([0, 1, 50, 51], [3, 4, 5, 6, 9]):
        staging.add_page(JsonPage(map(raw, page)))
    assert staged(staging) == [raw(50), raw(51), raw(9)]
    assert (staging.unchanged, staging.missing, staging.records) == (7, [7, 8], 10)
    staging.close()


def test_large_pages_come_in_batches_and_leave_no_file(tmp_path):
    folder = tmp_path / "staging"
    folder.mkdir()
    staging = Staging(folder, Known())
    records = [b'{"id":%d,"text":"%s"}' % (number, b"x" * 9000) for number in range(3000)]
    staging.add_page(JsonPage(records))
    batches = list(staging)
    assert [record for batch in batches for record in batch.page] == records
    assert {page for batch in batches for page in batch.numbers} == {1}
    assert max(len(batch.page.text) for batch in batches) < 2**21
    staging.close()
    assert list(folder.iterdir()) == []
