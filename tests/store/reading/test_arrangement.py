"""Rows found and sorted, in real tables."""

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trayapp.store.errors import StoreError
from trayapp.store.file.database import Store
from trayapp.store.reading.arrangement import Arrangement, arranged
from trayapp.store.reading.reader import Reader

ROWS = [(3, "Über 100%", None), (1, "under_score", 2.5), (2, "größe", -1), (10, "ÜBER", b"\x00raw")]


@pytest.fixture
def db(tmp_path):
    store = Store(tmp_path / "traysync.db")
    with store.writing() as made:
        made.execute("CREATE TABLE items (id INTEGER NOT NULL, title TEXT, score, PRIMARY KEY (id, title))")
        made.executemany("INSERT INTO items VALUES (?, ?, ?)", ROWS)
        yield made
    store.close()


def titles(db, **wanted):
    return [row[1] for row in Reader().page(db, "items", "items", 0, 10, Arrangement(**wanted)).rows]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("über", ["Über 100%", "ÜBER"]),
        ("100%", ["Über 100%"]),
        ("%", ["Über 100%"]),
        ("_", ["under_score"]),
        ("GRÖSSE", []),
        ("größe", ["größe"]),
        ("-1", ["größe"]),
        ("10", ["Über 100%", "ÜBER"]),
        ("\\", []),
    ],
)
def test_text_is_found_as_it_stands_in_any_column_without_regard_to_case(db, text, found):
    assert titles(db, text=text) == found


def test_rows_are_sorted_by_value_with_null_first(db):
    assert titles(db, column="id") == ["under_score", "größe", "Über 100%", "ÜBER"]
    assert titles(db, column="id", descending=True) == ["ÜBER", "Über 100%", "größe", "under_score"]
    assert titles(db, column="score") == ["Über 100%", "größe", "under_score", "ÜBER"]
    assert titles(db, column="title", text="e") == ["größe", "under_score", "ÜBER", "Über 100%"]


def test_text_is_sorted_without_regard_to_case(db):
    db.execute("DELETE FROM items")
    db.executemany("INSERT INTO items VALUES (?, ?, NULL)", enumerate(["b", "C", "a", "B"]))
    assert titles(db, column="title") == ["a", "b", "B", "C"]


def test_a_stretch_tells_how_many_are_wanted_and_how_many_there_are(db):
    page = Reader().page(db, "items", "items", 1, 2, Arrangement(column="id"))
    assert ([row[0] for row in page.rows], page.total, page.in_table) == ([2, 3], 4, 4)
    found = Reader().page(db, "items", "items", 0, 2, Arrangement(text="über"))
    assert (len(found.rows), found.total, found.in_table) == (2, 2, 4)
    none = Reader().page(db, "items", "nothing", 0, 2, Arrangement(text="über"))
    assert (none.columns, none.total) == ((), 0)


def test_a_column_that_is_gone_is_refused(db):
    with pytest.raises(StoreError, match="no column gone"):
        titles(db, column="gone")


def test_the_order_is_made_anew_after_a_run_and_only_then(db):
    reader, wanted = Reader(), Arrangement(column="id")

    def first():
        return reader.page(db, "items", "items", 0, 1, wanted).rows[0][0]

    assert first() == 1
    db.execute("UPDATE items SET id = 50 WHERE id = 1")
    assert first() == 50  # the same row: nobody said that the table has changed
    db.execute(
        'INSERT INTO _sync_runs (endpoint, name, "table", started, finished, status)'
        " VALUES ('items', 'Items', 'items', '2026-01-01', '2026-01-01', 'succeeded')"
    )
    assert first() == 2


def test_columns_that_hide_the_row_id_and_very_many_columns(db):
    names = ["rowid", "OID", *(f"c{number}" for number in range(1990))]
    db.execute(f"CREATE TABLE wide ({', '.join(names)})")
    db.execute(f"INSERT INTO wide VALUES ({', '.join('?' * len(names))})", [*range(len(names) - 1), "needle"])
    assert len(Reader().page(db, "w", "wide", 0, 10, Arrangement(text="Needle")).rows) == 1
    db.execute("CREATE TABLE worse (rowid, oid, _rowid_)")
    with pytest.raises(StoreError, match="can't be sorted"):
        Reader().page(db, "w", "worse", 0, 10, Arrangement(text="x"))


@given(
    rows=st.lists(st.one_of(st.none(), st.integers(-99, 99), st.text("aB%_ü", max_size=3))),
    text=st.text("aB%_", max_size=2),
)
def test_a_search_agrees_with_looking_at_every_row(rows, text):
    db = apsw.Connection(":memory:")
    db.execute("CREATE TABLE t (x)")
    db.executemany("INSERT INTO t VALUES (?)", [(row,) for row in rows])
    found = arranged(db, "t", ("x",), Arrangement(text=text))
    wanted = [
        place for place, row in enumerate(rows, 1) if not text or (row is not None and text.lower() in str(row).lower())
    ]
    assert list(found) == wanted
