"""A table's shape, and what becomes of stored values when a column becomes wider."""

import itertools

import apsw
import pytest

from tests.store.mirror.test_publish import opened
from trayapp.endpoints.model import Table
from trayapp.store.errors import StoreError
from trayapp.store.mirror import schema
from trayapp.store.mirror.schema import HASH_KEY, MAX_COLUMNS, Column, Shape, alter, converted, create, exists, extended
from trayapp.store.records.values import SQL_TYPES, widen

VALUES = {
    "null": [None],
    "boolean": [None, 0, 1],
    "integer": [None, 0, -5, 2**53],
    "long": [None, 7, 2**63 - 1],
    "real": [None, 0.5, -2.0, 1e22],
    "json": [None, "{}", "[1,2]"],
    "text": [None, "", "x", "1", "true"],
}
PAIRS = sorted({(one, widen(one, other)) for one, other in itertools.permutations(VALUES, 2)})


@pytest.fixture
def db(tmp_path):
    with opened(tmp_path) as store, store.writing() as db:
        yield db


@pytest.mark.parametrize(("before", "after"), PAIRS, ids=str)
def test_a_stored_value_is_converted_as_the_table_is(db, before, after):
    key = Column("id", "id", "integer")
    shapes = [Shape((key, Column("v", "v", kind)), ("id",)) for kind in (before, after)]
    create(db, "t", shapes[0])
    values = VALUES[before]
    db.executemany("INSERT INTO t VALUES (?, ?)", list(enumerate(values)))
    alter(db, "t", *shapes)
    stored = [value for (value,) in db.execute("SELECT v FROM t ORDER BY id")]
    wanted = [converted(value, before, after) for value in values]
    assert [(type(value), value) for value in stored] == [(type(value), value) for value in wanted]
    if before == "boolean" and after == "text":
        assert wanted == [None, "false", "true"]
    elif after == "text" and before not in ("null", "text", "json"):
        assert wanted == [None, *map(repr, values[1:])]
    else:
        assert wanted == values
    columns = [row[1:4] + row[5:6] for row in db.execute("PRAGMA table_info(t)")]
    assert columns == [("id", "INTEGER", 1, 1), ("v", SQL_TYPES[after], 0, 0)]


@pytest.mark.parametrize("kind", VALUES)
def test_a_new_column_leaves_the_others_as_they_are(db, kind):
    one = Shape((Column("id", "id", "integer"),), ("id",))
    two = Shape((*one.columns, Column("v", 'v"x', kind)), ("id",))
    create(db, "t", one)
    db.execute("INSERT INTO t VALUES (7)")
    page = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = 't'").get
    alter(db, "t", one, two)
    assert db.execute("SELECT * FROM t").fetchall() == [(7, None)]
    assert db.execute("PRAGMA table_info(t)").fetchall()[1][1:3] == ('v"x', SQL_TYPES[kind])
    assert db.execute("SELECT rootpage FROM sqlite_schema WHERE name = 't'").get == page, "it was not copied"


@pytest.mark.parametrize("fails", [False, True])
def test_views_are_checked_again_after_a_change(db, monkeypatch, fails):
    before, after = (Shape((Column("v", "v", kind),), ()) for kind in ("integer", "text"))
    create(db, "t", before)
    db.execute("CREATE VIEW broken AS SELECT missing FROM t")
    if fails:
        monkeypatch.setattr(schema, "_create_sql", lambda *_: "CREATE TABLE t (v)")
        with pytest.raises(apsw.SQLError), db:
            alter(db, "t", before, after)
    else:
        alter(db, "t", before, after)
    with pytest.raises(apsw.SQLError, match="broken"):
        db.execute("ALTER TABLE t RENAME TO u")


def test_names_in_any_case_exist(db):
    db.execute("CREATE TABLE Items (a)")
    db.execute("CREATE VIEW seen AS SELECT 1")
    assert [exists(db, name) for name in ("items", "ITEMS", "Seen", "item")] == [True, True, True, False]


def test_what_is_ignored_renamed_or_typed():
    table = Table(name="t", ignore=("b",), rename={"c": "d"}, types={"e": "text"})
    found = extended(Shape((), ()), {"a": "null", "b": "text", "c": "real", "d": "text", "e": "integer"}, table)
    assert [(each.path, each.name, each.kind) for each in found.columns] == [
        ("a", "a", "null"),
        ("c", "d", "real"),
        ("d", "d_2", "text"),
        ("e", "e", "text"),
    ]
    again = extended(found, {"a": "boolean", "c": "integer", HASH_KEY: "text"}, table)
    assert [(each.path, each.kind) for each in again.columns] == [
        ("a", "boolean"),
        ("c", "real"),
        ("d", "text"),
        ("e", "text"),
        (HASH_KEY, "text"),
    ]
    assert again.columns[-1].name == HASH_KEY


def test_the_key_has_its_own_order():
    columns = [Column(path, path, "integer") for path in "abc"]
    assert [each.path for each in Shape(tuple(columns), ("c", "a")).key_columns] == ["c", "a"]
    with pytest.raises(KeyError):
        _ = Shape(tuple(columns), ("d",)).key_columns


def test_so_many_columns_are_taken_and_no_more():
    most = {f"f{n}": "integer" for n in range(MAX_COLUMNS)}
    table = Table(name="t")
    whole = extended(Shape((), ()), most, table)
    assert len(whole.columns) == MAX_COLUMNS
    assert extended(whole, most, table) == whole
    for shape, seen in ((whole, {"more": "text"}), (Shape((), ()), most | {"more": "text"})):
        with pytest.raises(StoreError, match="too many fields"):
            extended(shape, seen, table)
    assert extended(whole, {"more": "text"}, Table(name="t", ignore=("more",))) == whole


@pytest.mark.parametrize("over", [0, 1])
def test_a_name_may_be_so_long(over):
    seen = {"n" * (schema.MAX_NAME + over): "text"}
    if over:
        with pytest.raises(StoreError, match="too long"):
            extended(Shape((), ()), seen, Table(name="t"))
    else:
        assert extended(Shape((), ()), seen, Table(name="t")).columns
