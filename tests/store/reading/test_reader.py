"""Queries and stretches of tables with whatever SQL and other programs put into them."""

import csv
import json

import apsw
import pytest

from trayapp.store.errors import StoreError
from trayapp.store.file.database import Store
from trayapp.store.reading import reader
from trayapp.store.reading.arrangement import Arrangement
from trayapp.store.reading.export import save_rows
from trayapp.store.reading.reader import Reader, rows_page, run_query


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "t.db")
    yield store
    store.close()


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT ?", "The SQL can't be run"),
        ("SELECT 1; SELECT :a", "The SQL can't be run"),
        ("SELECT 1 LIMIT 'a'", "The SQL can't be run"),
        ("SELECT '\udcff'", "The SQL can't be run"),
        ("SELECT 'a\0'", "The SQL can't be run"),
        ("SELECT abs(-9223372036854775808)", "The SQL can't be run"),
        ("SELECT zeroblob(3000000000)", "A value is too large"),
        ("SELECT zeroblob(999999999)", "A value is too large"),
        ("SELECT printf('%.2000000000c', 'x')", "A value is too large"),
        ("SELECT cast(x'ff' AS TEXT)", "A value can't be read"),
        ("SELECT char(55296)", "A value can't be read"),
        ("BEGIN", "This SQL is not allowed"),
    ],
)
def test_a_query_that_can_t_be_answered_is_told_in_words(store, sql, said):
    with pytest.raises(StoreError) as raised, store.reading() as db:
        list(run_query(db, sql)[1])
    assert raised.value.title == said


@pytest.mark.parametrize(
    ("value", "said"), [("zeroblob(200000)", "A value is too large"), ("cast(x'ff' AS TEXT)", "A value can't be read")]
)
@pytest.mark.parametrize("wanted", [Arrangement(), Arrangement(column="id"), Arrangement(text="1")])
def test_a_table_that_another_program_wrote_to_is_told_in_words(store, value, said, wanted):
    with store.writing() as db:
        db.execute(f"CREATE TABLE items AS SELECT 1 AS id, {value} AS a")
    with pytest.raises(StoreError) as raised, store.reading() as db:
        db.limit(apsw.SQLITE_LIMIT_LENGTH, 100_000)
        try:
            Reader().page(db, "items", "items", 0, 10, wanted)
        finally:
            db.limit(apsw.SQLITE_LIMIT_LENGTH, 10**9)
    assert raised.value.title == said


def test_what_is_just_small_enough_is_read(store):
    with store.reading() as db:
        assert [len(row[0]) for row in run_query(db, "SELECT zeroblob(100000000)")[1]] == [10**8]
    assert reader.LARGEST > 10**8
    with store.reading() as db:
        assert rows_page(db, "items", "items", 0, 10).columns == ()


@pytest.mark.parametrize("ending", [".csv", ".xlsx", ".json", ".ndjson"])
def test_odd_values_are_saved(store, tmp_path, ending):
    file = tmp_path / f"a{ending}"
    with store.reading() as db:
        assert save_rows(*run_query(db, "SELECT x'00ff' AS a, 9e999 AS b, -9e999 AS c, NULL AS d"), file) == 1
    if ending == ".csv":
        assert list(csv.reader(file.read_text("utf-8-sig").splitlines())) == [
            ["a", "b", "c", "d"],
            ["00ff", "inf", "-inf", ""],
        ]
    elif ending == ".json":
        assert json.loads(file.read_bytes()) == [{"a": "AP8=", "b": None, "c": None, "d": None}]
