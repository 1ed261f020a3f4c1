"""A damaged file: looked at twice, what can be read of it saved, what can't taken from a back-up; nothing deleted."""

import random

import apsw
import pytest

from tests.store.file.test_database import note, put
from trayapp.store.errors import StoreCorrupt
from trayapp.store.file.database import Store
from trayapp.store.file.leaves import FIRST, LAST
from trayapp.store.file.salvage import salvage

PAGE = 4096


@pytest.fixture
def path(tmp_path):
    return tmp_path / "t.db"


def told(store):
    return " ".join(map(str, store.take_notices()))


def asides(path):
    return list(path.parent.glob("t.db.damaged-*"))


@pytest.mark.parametrize(
    "junk", [b"this is no database, it only looks long enough " * 100, b"SQLite format 3\0" + b"\xff" * 8000]
)
def test_a_file_of_which_nothing_can_be_read_is_kept_beside_a_new_one(path, junk):
    path.write_bytes(junk)
    store = Store(path)
    put(store, "fresh")
    assert note(store) == "fresh"
    (aside,) = asides(path)
    assert aside.read_bytes() == junk
    words = told(store)
    assert str(aside) in words
    assert "fetched again" in words
    store.close()


@pytest.mark.parametrize("damaged", [b"", b"\0" * 5000])
def test_what_can_not_be_read_comes_from_the_newest_sound_copy(path, damaged):
    store = Store(path)
    put(store, "saved")
    store.back_up(path.with_name("t.db.before-2"))
    store.close()
    path.write_bytes(damaged)
    path.with_name("t.db.before-3").write_bytes(b"also broken" * 500)
    store = Store(path)
    assert note(store) == "saved"
    assert "restored from the backup" in told(store)
    store.close()


def test_an_empty_file_that_never_had_anything_is_no_damage(path):
    path.touch()
    store = Store(path)
    assert (told(store), asides(path)) == ("", [])
    store.close()


def with_big_table(path):
    """A store whose table "big" is read from the disk when it is next used."""
    store = Store(path)
    with store.writing() as db:
        db.execute("CREATE TABLE big (x)")
        db.executemany("INSERT INTO big VALUES (?)", [(f"{number} {'y' * 500}",) for number in range(2000)])
    store.close()
    return Store(path)


def page_of(path, table):
    """Some leaf page of the table, from 0."""
    db = apsw.Connection(str(path))
    pages = [page for (page,) in db.execute("SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf'", (table,))]
    db.close()
    return pages[len(pages) // 2] - 1


def overwrite(path, page, data):
    with path.open("r+b") as file:
        file.seek(page * PAGE)
        before = file.read(PAGE)
        file.seek(page * PAGE)
        file.write(data)
    return before


@pytest.mark.parametrize("use", ["writing", "reading"])
def test_damage_found_in_use_is_mended_at_the_next_use(path, use):
    store = with_big_table(path)
    overwrite(path, page_of(path, "big"), b"\xaa" * PAGE)
    with pytest.raises(StoreCorrupt), getattr(store, use)() as db:
        db.execute("SELECT sum(length(x)) FROM big").fetchall()
    assert asides(path) == []
    put(store, "works")
    assert note(store) == "works"
    with store.reading() as db:
        assert 2000 - PAGE // 500 <= db.execute("SELECT count(*) FROM big").get < 2000
    assert "Some rows of big could not be read, and no backup has them." in told(store)
    assert len(asides(path)) == 1
    store.close()


@pytest.mark.parametrize("use", ["writing", "reading"])
def test_what_is_not_wrong_any_more_at_a_second_look_was_no_damage(path, use):
    store = with_big_table(path)
    page = page_of(path, "big")
    before = overwrite(path, page, b"\xaa" * PAGE)
    with pytest.raises(StoreCorrupt), getattr(store, use)() as db:
        db.execute("SELECT sum(length(x)) FROM big").fetchall()
    overwrite(path, page, before)
    with getattr(store, use)() as db:
        assert db.execute("SELECT count(*) FROM big").get == 2000
    assert (told(store), asides(path)) == ("", [])
    store.close()


def test_all_rows_around_a_damaged_page_are_saved_whatever_they_are_like(tmp_path):
    source, target = tmp_path / "a.db", tmp_path / "b.db"
    chance = random.Random(3)
    db = apsw.Connection(str(source))
    db.execute(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a, b, c AS (a + 1)); CREATE TABLE u (k PRIMARY KEY, v) WITHOUT ROWID"
    )
    db.execute("CREATE TABLE w (rowid, v); CREATE VIEW seen AS SELECT * FROM t; CREATE INDEX t_a ON t (a)")
    ids = sorted({chance.randint(FIRST, LAST) for _ in range(600)})
    values = [None, 1, 2.5, "ä", b"\xff", "x" * 9000]
    db.execute("BEGIN")
    db.executemany("INSERT INTO t (id, a, b) VALUES (?, ?, ?)", [(id, id % 7, values[id % 6]) for id in ids])
    db.executemany("INSERT INTO u VALUES (?, ?)", [(f"{id}", "v" * 50) for id in ids])
    db.execute("INSERT INTO w VALUES ('own', CAST(x'e4ff' AS TEXT))")
    db.execute("COMMIT")
    rows = set(db.execute("SELECT id, a, b FROM t"))
    kind = "SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf'"
    pages = {table: [page for (page,) in db.execute(kind, (table,))] for table in ("t", "u")}
    db.close()
    for leaf in pages["t"][len(pages["t"]) // 2], pages["u"][3]:
        overwrite(source, leaf - 1, b"\0" * PAGE)
    losses = {loss.table: loss for loss in salvage(source, target)}
    assert losses.keys() == {"t", "u"}
    ((low, high),) = losses["t"].gaps
    new = apsw.Connection(str(target))
    assert set(new.execute("SELECT id, a, b FROM t")) == {row for row in rows if not low <= row[0] <= high}
    assert len(rows) - new.execute("SELECT count(*) FROM seen").get < 60
    assert 400 < new.execute("SELECT count(*) FROM u").get < 600
    assert new.execute("SELECT rowid, CAST(v AS BLOB), typeof(v) FROM w").fetchall() == [("own", b"\xe4\xff", "text")]
    assert new.execute("PRAGMA integrity_check").get == "ok"
    new.close()
