import string

import apsw
from hypothesis import given
from hypothesis import strategies as st

from trayapp.store.names import ColumnNames, quote


def test_names_stay_as_the_source_has_them():
    for name in ("order", "group", "rowid", 'select"x', "é", "two words", "123", "ns:tag", "@id"):
        assert ColumnNames().add(name) == name


def test_collisions_get_a_number():
    assert ColumnNames(["id"]).add("Id") == "Id_2"
    assert ColumnNames(["id", "Id_2"]).add("ID") == "ID_3"
    assert ColumnNames(["é"]).add("É") == "É"
    assert ColumnNames().add("") == "_"
    assert ColumnNames().add("a\0b") == "ab"
    assert ColumnNames().add("_sync_hash") == "_sync_hash_2"
    several = ColumnNames(["a_3"])
    assert [several.add(name) for name in ("a", "A", "a_2", "a", "A_2")] == ["a", "A_2", "a_2_2", "a_4", "A_2_3"]


@given(st.lists(st.text(string.ascii_letters + "éÉ_2 \"'[]`;\0ſK", max_size=4), unique=True, max_size=20))
def test_any_set_of_fields_makes_a_table(fields):
    columns = ColumnNames()
    names = [columns.add(field) for field in fields]
    if names:
        db = apsw.Connection(":memory:")
        db.execute(f"CREATE TABLE t ({', '.join(quote(name) for name in names)})")
        assert [row[1] for row in db.execute("PRAGMA table_info(t)")] == names
        db.close()
