"""The digests and keys of what was published, as they go through runs of every kind."""

import apsw
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trayapp.store.errors import StoreError
from trayapp.store.records.digests import Digests
from trayapp.store.staging.published import BLOCK, Known, KnownTable


def digest(number):
    return number.to_bytes(16, "big")


@pytest.fixture
def db():
    db = apsw.Connection(":memory:")
    KnownTable(db, 1).create()
    yield db
    db.close()


def written(db, known=None, **changes):
    """Make the changes (append, supersede: key → digest; replace: position → digest; remove: positions)."""
    table = KnownTable(db, 1)
    for key, value in changes.get("supersede", {}).items():
        table.supersede(key, value)
    for position, value in changes.get("replace", {}).items():
        table.replace(position, value)
    for position in changes.get("remove", ()):
        table.remove(position)
    appended = changes.get("append", {})
    table.append(list(appended), Digests.chained(appended.values()))
    table.write(Known() if known is None else known)


def entries(db):
    """Key → digest of what counts."""
    table = KnownTable(db, 1)
    known = table.load()
    positions = [position for position in range(len(known.digests)) if position not in known.void]
    found = table.keys_at(known, positions)
    assert len(found) == len(positions), "no key counts twice"
    return {key: known.digests[position] for key, position in found.items()}


def load(db):
    return KnownTable(db, 1).load()


def blocks(db):
    return [len(Digests(digests)) for (digests,) in db.execute("SELECT digests FROM _sync_rows_1 ORDER BY block")]


def test_what_is_appended_is_found_in_its_order(db):
    many = {number: digest(number) for number in range(3000)}
    written(db, append=many)
    assert list(load(db).digests) == list(many.values())
    assert entries(db) == many
    assert KnownTable(db, 1).keys_at(load(db), [0, 1500, 2999]) == {0: 0, 1500: 1500, 2999: 2999}


def test_keys_of_every_type(db):
    keys = {1: digest(1), "1": digest(2), 1.5: digest(3), '["a",1]': digest(4), "ä\0": digest(5), -(2**63): digest(6)}
    written(db, append=keys)
    assert entries(db) == keys


def test_replaced_and_removed_entries_change_their_blocks_only(db):
    for start in range(0, 3 * BLOCK, BLOCK):
        written(db, load(db), append={key: digest(key) for key in range(start, start + BLOCK)})
    before = db.execute("SELECT block, keys, digests FROM _sync_rows_1").fetchall()
    written(db, load(db), replace={BLOCK + 1: digest(7)}, remove=[BLOCK + 5])
    after = db.execute("SELECT block, keys, digests FROM _sync_rows_1").fetchall()
    assert [old == new for old, new in zip(before, after, strict=True)] == [True, False, True]
    found = entries(db)
    assert found[BLOCK + 1] == digest(7)
    assert BLOCK + 5 not in found
    assert len(found) == 3 * BLOCK - 1


def test_few_new_entries_fill_the_last_block(db):
    for number in range(10):
        written(db, load(db), append={number: digest(number)})
    assert blocks(db) == [10]


def test_blocks_that_emptied_are_tidied_up(db):
    for start in range(0, 20 * BLOCK, BLOCK):
        written(db, append={key: digest(key) for key in range(start, start + BLOCK)})
    left = range(0, 20 * BLOCK, 100)
    written(db, load(db), remove=sorted(set(range(20 * BLOCK)) - set(left)))
    assert len(blocks(db)) == 20
    written(db, load(db), remove=[0])
    assert len(blocks(db)) == 1
    assert list(entries(db)) == list(left)[1:]


def test_a_later_entry_counts_and_is_cleared_up_by_a_run_that_knows_all(db):
    written(db, append={key: digest(key) for key in range(5)})
    written(db, supersede={1: digest(11), 2: None, 9: digest(19)})
    expected = {0: digest(0), 3: digest(3), 4: digest(4), 1: digest(11), 9: digest(19)}
    assert entries(db) == expected
    known = load(db)
    assert len(known.void) == 3
    written(db, known, append={6: digest(6)})
    assert entries(db) == {**expected, 6: digest(6)}
    assert load(db).void == ()


def test_a_record_that_comes_back_in_the_run_that_removed_it_counts(db):
    written(db, append={1: digest(1)})
    written(db, supersede={1: None}, append={1: digest(2), 3: digest(3)})
    assert entries(db) == {1: digest(2), 3: digest(3)}


def test_a_table_written_meanwhile_is_not_touched(db):
    written(db, append={key: digest(key) for key in range(5)})
    known = load(db)
    written(db, known, remove=[0])
    with pytest.raises(StoreError, match="changed during the run"):
        KnownTable(db, 1).keys_at(known, [1])
    with pytest.raises(StoreError, match="changed during the run"):
        written(db, known, replace={1: digest(9)})


class Run(msgspec.Struct):
    knows: bool
    changed: dict[int, int]
    removed: list[int]


runs = st.builds(
    Run,
    knows=st.booleans(),
    changed=st.dictionaries(st.integers(0, 15), st.integers(1, 10**6), max_size=6),
    removed=st.lists(st.integers(0, 15), max_size=4),
)


@given(st.lists(runs, max_size=8))
def test_the_entries_equal_a_dictionary(several):
    db = apsw.Connection(":memory:")
    KnownTable(db, 1).create()
    expected = {}
    for run in several:
        table = KnownTable(db, 1)
        known = table.load() if run.knows else Known()
        places = (
            table.keys_at(known, [p for p, _ in enumerate(known.digests) if p not in known.void]) if run.knows else {}
        )
        for key in set(run.removed) - run.changed.keys():
            if key in places:
                table.remove(places[key])
            elif key in expected:
                table.supersede(key, None)
            expected.pop(key, None)
        for key, number in run.changed.items():
            if key in places:
                table.replace(places[key], digest(number))
            elif key in expected:
                table.supersede(key, digest(number))
            else:
                table.append([key], Digests(digest(number)))
            expected[key] = digest(number)
        table.write(known)
        assert entries(db) == expected
    db.close()
