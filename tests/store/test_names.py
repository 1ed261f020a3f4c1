import string

import apsw
from hypothesis import given
from hypothesis import strategies as st

from trayapp.store.names import column_name, quote


def test_names_stay_as_the_source_has_them():
    for name in ("order", "group", "rowid", 'select"x', "é", "two words", "123", "ns:tag", "@id"):
        assert column_name(name, ()) == name


def test_collisions_get_a_number():
    assert column_name("Id", {"id"}) == "Id_2"
    assert column_name("ID", {"id", "Id_2"}) == "ID_3"
    assert column_name("É", {"é"}) == "É"
    assert column_name("", ()) == "_"
    assert column_name("a\0b", ()) == "ab"
    assert column_name("_sync_hash", ()) == "_sync_hash_2"


@given(st.lists(st.text(string.ascii_letters + "éÉ_2 \"'[]`;\0ſK", max_size=4), unique=True, max_size=20))
def test_any_set_of_fields_makes_a_table(fields):
    names = []
    for field in fields:
        names.append(column_name(field, names))
    if names:
        db = apsw.Connection(":memory:")
        db.execute(f"CREATE TABLE t ({', '.join(quote(name) for name in names)})")
        assert [row[1] for row in db.execute("PRAGMA table_info(t)")] == names
        db.close()
