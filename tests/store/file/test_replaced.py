"""The file is moved, deleted, or replaced by another one while the program has it open."""

import os
import shutil

import apsw
import pytest

from tests.server import ApiServer, json_reply
from trayapp.endpoints.model import Endpoint, Table
from trayapp.store.bookkeeping.endpoint_states import read_meta, write_meta
from trayapp.store.errors import StoreNotWritable, StoreReplaced
from trayapp.store.file.database import Store
from trayapp.store.file.migrations import MIGRATIONS
from trayapp.sync.cancel import CancelToken
from trayapp.sync.run.context import RunContext
from trayapp.sync.run.runner import run

pytestmark = pytest.mark.skipif(os.name == "nt", reason="a file that is in use can't be replaced")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "t.db"


@pytest.fixture
def store(path):
    store = Store(path)
    put(store, "first")
    yield store
    store.close()


def put(store, value):
    with store.writing() as db:
        write_meta(db, "note", value)


def note(store):
    with store.reading() as db:
        return read_meta(db, "note")


def note_in(path):
    db = apsw.Connection(str(path))
    try:
        return db.execute("SELECT value FROM _sync_meta WHERE name = 'note'").get
    finally:
        db.close()


def other(path):
    """Another database, as a back-up that somebody restores."""
    copy = path.with_name("other.db")
    made = Store(copy)
    put(made, "other")
    made.close()
    return copy


def by_renaming(path):
    os.replace(other(path), path)


def with_its_wal(path):
    """A copy that was made of a running program: part of it is in the WAL that comes with it."""
    copy = other(path)
    made = Store(copy)
    put(made, "other, late")
    for end in ("", "-wal"):
        shutil.copy(f"{copy}{end}", path.with_name(f"copied{end}"))
    made.close()
    for end in ("-wal", ""):
        os.replace(path.with_name(f"copied{end}"), f"{path}{end}")


def by_deleting_first(path):
    new = other(path)
    for end in ("-wal", "-shm", ""):
        path.with_name(path.name + end).unlink(missing_ok=True)
    os.rename(new, path)


def of_an_older_version(path):
    old = path.with_name("old.db")
    db = apsw.Connection(str(old))
    for script in MIGRATIONS[:-1]:
        db.execute(script)
    db.pragma("user_version", len(MIGRATIONS) - 1)
    db.execute("INSERT INTO _sync_meta VALUES ('note', 'other')")
    db.close()
    os.replace(old, path)


REPLACED = [by_renaming, with_its_wal, by_deleting_first, of_an_older_version]


@pytest.mark.parametrize("replace", REPLACED)
def test_the_new_file_is_taken_over(store, path, replace):
    os.link(path, path.with_name("before.db"))
    assert note(store) == "first"
    replace(path)
    assert note(store) == ("other, late" if replace is with_its_wal else "other")
    with store.writing() as db:
        assert str(read_meta(db, "note")).startswith("other")
        assert db.pragma("user_version") == len(MIGRATIONS)
        write_meta(db, "mine", "new")
    store.close()
    assert note_in(path) == ("other, late" if replace is with_its_wal else "other")
    if replace in (by_renaming, of_an_older_version):  # else somebody deleted the old one's WAL
        assert note_in(path.with_name("before.db")) == "first"


@pytest.mark.parametrize("replace", [*REPLACED, os.unlink, lambda path: path.rename(path.with_name("moved.db"))])
def test_a_transaction_is_not_committed_to_a_file_without_a_name(store, path, replace):
    os.link(path, path.with_name("before.db"))
    with pytest.raises(StoreReplaced) as caught, store.writing() as db:
        write_meta(db, "note", "lost")
        replace(path)
    assert ("Another file" if path.exists() else "There is no file") in caught.value.cause
    if replace not in (with_its_wal, by_deleting_first):
        assert note_in(path.with_name("before.db")) == "first"
    put(store, "later")
    store.close()
    assert note_in(path) == "later"


@pytest.mark.parametrize("remove", [os.unlink, lambda path: path.rename(path.with_name("moved.db"))])
def test_a_file_that_is_gone_is_told_before_a_new_one_is_made(store, path, remove):
    remove(path)
    with pytest.raises(StoreReplaced, match="moved or deleted"):
        put(store, "lost")
    assert not path.exists()
    put(store, "new")
    assert note(store) == "new"


def test_a_folder_that_is_gone_is_not_made_again(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    store = Store(folder / "t.db")
    shutil.rmtree(folder)
    with pytest.raises(StoreReplaced, match="moved or deleted"):
        put(store, "lost")
    for use in (put, put, lambda store, _: note(store)):
        with pytest.raises(StoreNotWritable, match="folder of the database is missing"):
            use(store, "lost")
    store.close()
    assert not folder.exists()


def test_a_wal_that_a_reader_holds_does_not_get_into_the_new_file(store, path):
    with store.reading() as db:
        assert read_meta(db, "note") == "first"
        put(store, "second")
        by_renaming(path)
        assert note(store) == "other"
        put(store, "third")
    store.close()
    assert note_in(path) == "third"


def test_closing_leaves_the_new_file_s_wal(store, path):
    with_its_wal(path)
    store.close()
    assert note_in(path) == "other, late"


@pytest.mark.parametrize("replace", [by_renaming, by_deleting_first, os.unlink])
def test_a_run_does_not_bring_what_it_knew_of_the_old_file_into_the_new_one(store, path, tmp_path, replace):
    """The old file had all records but one: a run that publishes only that one would leave the new file without."""
    records = [{"id": number} for number in range(50)]

    def replacing(seen):
        replace(path)
        return json_reply([*records, {"id": 50}])

    with ApiServer() as api:
        context = RunContext(store=store, staging=tmp_path)
        url = api.route("/items", json_reply(records))
        endpoint = Endpoint(id="items", name="Items", url=url, table=Table(name="items", key=("id",)))
        assert run(endpoint, context, CancelToken()).added == 50
        api.route("/items", replacing)
        failed = run(endpoint, context, CancelToken())
        assert failed.problem is not None
        assert failed.problem.code == "database_replaced"
        api.route("/items", json_reply([*records, {"id": 50}]))
        assert run(endpoint, context, CancelToken()).status == "succeeded"
        with store.reading() as db:
            assert db.execute("SELECT count(*) FROM items").get == 51
