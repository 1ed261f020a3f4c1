"""The daily back-ups: of what is there, as often and as many as wanted, of large files only what can't be fetched."""

import shutil
from datetime import UTC, datetime, timedelta

import apsw
import pytest

from tests.store.file.test_database import note, put
from trayapp.store.errors import StoreCorrupt, StoreFull
from trayapp.store.file import backups
from trayapp.store.file.backups import backups_of, is_due, noted
from trayapp.store.file.damage import is_sound
from trayapp.store.file.database import Store

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "t.db"


@pytest.fixture
def store(path):
    store = Store(path)
    yield store
    store.close()


def names(path):
    return [each.path.name for each in backups_of(path)]


def everything(path):
    db = apsw.Connection(str(path))
    try:
        found = [name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        return {name: db.execute(f'SELECT * FROM "{name}"').fetchall() for name in found}
    finally:
        db.close()


def test_a_backup_has_all_that_is_there(store, path):
    put(store, "x" * 9000)
    made = store.keep_backup(7, NOW)
    assert made == path.parent / "backups" / "t-2026-11-24T080000Z.db"
    assert is_sound(made)
    assert everything(made) == everything(path)
    assert sorted(each.name for each in made.parent.iterdir()) == [made.name]
    assert (made.stat().st_mode & 0o777, made.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_nothing_is_written_when_nothing_changed(store, path):
    put(store)
    assert store.keep_backup(7, NOW) is not None
    store.close()
    assert store.keep_backup(7, NOW + DAY) is None
    assert note(store) == "x"
    assert store.keep_backup(7, NOW + DAY) is None
    put(store, "other")
    assert store.keep_backup(7, NOW + DAY) is not None
    assert len(names(path)) == 2


def test_so_many_are_kept_as_wanted_and_the_newest_at_least(store, path, monkeypatch):
    for day in range(5):
        put(store, str(day))
        store.keep_backup(3, NOW + day * DAY)
    assert names(path) == [f"t-2026-11-{day}T080000Z.db" for day in (28, 27, 26)]
    monkeypatch.setattr(backups, "ALL_BYTES", 2.5 * path.stat().st_size)
    put(store, "more")
    store.keep_backup(3, NOW + 5 * DAY)
    assert names(path) == [f"t-2026-11-{day}T080000Z.db" for day in (29, 28)]
    monkeypatch.setattr(backups, "ALL_BYTES", 1)
    put(store, "still more")
    store.keep_backup(3, NOW + 6 * DAY)
    assert names(path) == ["t-2026-11-30T080000Z.db"]


def test_of_a_large_file_only_what_can_not_be_fetched_again(store, path, monkeypatch):
    monkeypatch.setattr(backups, "WHOLE_BYTES", 1)
    with store.writing() as db:
        for number, (name, mode) in enumerate([("m", "mirror"), ("u", "upsert"), ("a", "append"), ("r", "replace")], 1):
            db.execute(f"CREATE TABLE {name} (x); INSERT INTO {name} VALUES (1); CREATE TABLE _sync_rows_{number} (x)")
            db.execute(
                "INSERT INTO _sync_endpoints (id, table_name, mapping) VALUES (?, ?, ?)",
                (name, name, f'[["x"], "{mode}", {{}}, [], {{}}]'),
            )
        db.execute("CREATE TABLE own (x UNIQUE); INSERT INTO own VALUES (1)")
    made = store.keep_backup(7, NOW)
    there = everything(path)
    left_out = {"m", "r", *(name for name in there if name.startswith("_sync_rows_"))}
    assert everything(made) == {name: rows for name, rows in there.items() if name not in left_out}
    assert is_sound(made)
    copy = Store(made)
    assert copy.take_notices() == []
    copy.close()


@pytest.mark.parametrize("is_large", [False, True])
def test_a_damaged_file_replaces_no_backup(store, path, monkeypatch, is_large):
    if is_large:
        monkeypatch.setattr(backups, "WHOLE_BYTES", 1)
    with store.writing() as db:
        db.execute("CREATE TABLE big (x, y); CREATE INDEX big_y ON big (y)")  # rows are counted by the index
        db.executemany("INSERT INTO big VALUES (?, 1)", [("y" * 500,) for _ in range(200)])
        page = db.execute("SELECT max(pageno) FROM dbstat WHERE name = 'big' AND pagetype = 'leaf'").get
    store.close()
    with path.open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\xaa" * 4096)
    with pytest.raises(StoreCorrupt):
        store.keep_backup(7, NOW)
    assert list((path.parent / "backups").iterdir()) == []


def test_no_backup_where_it_would_fill_the_disk(store, path, monkeypatch):
    put(store)
    room = shutil.disk_usage(path.parent)._replace(free=path.stat().st_size)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: room)
    with pytest.raises(StoreFull, match="too little room"):
        store.keep_backup(7, NOW)
    assert list((path.parent / "backups").iterdir()) == []


def test_it_is_due_once_a_day(path):
    path.touch()
    assert is_due(path, NOW)
    noted(path, NOW)
    assert not is_due(path, NOW)
    assert not is_due(path, NOW + DAY - timedelta(seconds=1))
    assert is_due(path, NOW + DAY)
    assert is_due(path, NOW - timedelta(seconds=1))  # the clock was set back
