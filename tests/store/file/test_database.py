"""The file itself: migrations, back-ups, damage, locks, a full disk, another user's rights."""

import os
import stat
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import apsw
import pytest

from tests.patience import SECONDS, quickest
from tests.problems import problem
from trayapp.store.bookkeeping.endpoint_states import (
    EndpointRow,
    load_state,
    load_states,
    read_meta,
    save_state,
    write_meta,
)
from trayapp.store.errors import StoreFull, StoreLocked, StoreNotWritable, StoreTooNew
from trayapp.store.file import connection
from trayapp.store.file.damage import is_sound
from trayapp.store.file.database import Store
from trayapp.store.file.migrations import MIGRATIONS


@pytest.fixture
def path(tmp_path):
    return tmp_path / "t.db"


@pytest.fixture
def store(path):
    store = Store(path)
    yield store
    store.close()


def put(store, value="x"):
    with store.writing() as db:
        write_meta(db, "note", value)


def note(store):
    with store.reading() as db:
        return read_meta(db, "note")


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
def test_the_file_is_private(store, path):
    put(store)
    for suffix in ("", "-wal", "-shm"):
        assert stat.S_IMODE(path.with_name(path.name + suffix).stat().st_mode) == 0o600


def test_the_connection_policy(store):
    with store.writing() as db:
        assert db.pragma("journal_mode") == "wal"
        assert db.pragma("synchronous") == 2
        assert db.pragma("foreign_keys") == 0


def test_a_transaction_that_fails_leaves_nothing(store):
    put(store, "before")
    with pytest.raises(ZeroDivisionError), store.writing() as db:
        write_meta(db, "note", "after")
        raise ZeroDivisionError
    assert note(store) == "before"


def test_what_was_read_and_written_does_not_stay_in_memory(store):
    with store.writing() as db:
        db.execute("CREATE TABLE big (text)")
        db.executemany("INSERT INTO big VALUES (?)", [("x" * 1000,)] * 4000)
    assert db.status(apsw.SQLITE_DBSTATUS_CACHE_USED)[0] > 2**22
    note(store)
    store.shrink()
    assert db.status(apsw.SQLITE_DBSTATUS_CACHE_USED)[0] < 2**18
    with store.reading() as other:
        assert other.execute("SELECT count(*) FROM big").get == 4000


def test_a_reader_cannot_write(store):
    put(store)
    with pytest.raises(StoreNotWritable), store.reading() as db:
        db.execute("DELETE FROM _sync_meta")


def test_a_reader_sees_one_state(store):
    put(store, "before")
    with store.reading() as db:
        assert read_meta(db, "note") == "before"
        put(store, "after")
        assert read_meta(db, "note") == "before"


def test_states_survive(store):
    row = EndpointRow(id="a", attempts=2, problem=problem("x"))
    with store.writing() as db:
        save_state(db, row)
    with store.reading() as db:
        assert load_states(db) == {"a": row}
        assert load_state(db, "b") == EndpointRow(id="b")


def test_saving_a_state_leaves_what_belongs_to_publishing(store):
    with store.writing() as db:
        save_state(db, EndpointRow(id="a"))
        db.execute("UPDATE _sync_endpoints SET rows = 5, held = 2")
        save_state(db, EndpointRow(id="a", attempts=1))
    with store.reading() as db:
        assert load_state(db, "a") == EndpointRow(id="a", attempts=1, rows=5, held=2)


def test_a_migration_keeps_a_copy_of_what_was(path, monkeypatch):
    first = Store(path)
    put(first, "old")
    first.close()
    monkeypatch.setattr(connection, "MIGRATIONS", (*connection.MIGRATIONS, "CREATE TABLE _sync_more (x);"))
    second = Store(path)
    assert note(second) == "old"
    with second.reading() as db:
        assert db.pragma("user_version") == len(connection.MIGRATIONS)
    second.close()
    copy = path.with_name(f"t.db.before-{len(MIGRATIONS) + 1}")
    assert is_sound(copy)
    monkeypatch.undo()
    restored = Store(copy)
    assert note(restored) == "old"
    restored.close()


def test_a_migration_that_fails_changes_nothing(path, monkeypatch):
    Store(path).close()
    monkeypatch.setattr(connection, "MIGRATIONS", (*connection.MIGRATIONS, "CREATE TABLE _sync_more (x); nonsense;"))
    with pytest.raises(apsw.SQLError):
        Store(path)
    monkeypatch.undo()
    again = Store(path)
    with again.reading() as db:
        assert db.pragma("user_version") == len(MIGRATIONS)
        assert not db.execute("SELECT count(*) FROM sqlite_schema WHERE name = '_sync_more'").get
    again.close()


@pytest.mark.parametrize("version", [0, len(MIGRATIONS) - 1])
def test_several_processes_make_or_migrate_it_at_once(tmp_path, version):
    for number in range(8):
        path = tmp_path / f"{number}.db"
        if version:
            db = apsw.Connection(str(path))
            for script in MIGRATIONS[:version]:
                db.execute(script)
            db.pragma("user_version", version)
            db.close()
        together = threading.Barrier(6)

        def use(path=path, together=together):
            together.wait()
            store = Store(path)
            with store.writing() as db:
                write_meta(db, str(threading.get_ident()), "x")
            store.close()
            return store.take_notices()

        with ThreadPoolExecutor(6) as pool:
            assert [each.result() for each in [pool.submit(use) for _ in range(6)]] == [[]] * 6


def test_what_was_committed_counts_although_it_can_not_be_moved_out_of_the_wal(store, monkeypatch):
    class Full:
        def wal_checkpoint(self, mode):
            raise apsw.FullError

    put(store, "kept")
    with monkeypatch.context() as patched:
        patched.setattr(store, "_db", Full())
        store.checkpoint()
    assert note(store) == "kept"


def test_a_newer_file_is_refused_and_left_as_it_is(path):
    db = apsw.Connection(str(path))
    db.pragma("user_version", 99)
    db.execute("CREATE TABLE theirs (x)")
    db.close()
    before = path.read_bytes()
    with pytest.raises(StoreTooNew) as caught:
        Store(path)
    assert "newest version" in caught.value.next
    db = apsw.Connection(str(path))
    assert db.pragma("user_version") == 99
    db.close()
    assert len(path.read_bytes()) == len(before)


def test_a_locked_file_is_waited_for(store, path, monkeypatch):
    monkeypatch.setattr(connection, "PATIENCE", 0.05)
    put(store, "before")
    store.close()
    other = apsw.Connection(str(path))
    other.execute("BEGIN IMMEDIATE")
    release = threading.Timer(1.0, lambda: other.execute("COMMIT"))
    release.start()
    put(store, "after")
    release.join()
    other.close()
    assert note(store) == "after"


def test_a_file_locked_for_ever_is_an_error_in_words(store, path, monkeypatch):
    monkeypatch.setattr(connection, "PATIENCE", 0.02)
    monkeypatch.setattr("trayapp.store.file.database.LOCK_PATIENCE", 0.3)
    store.close()
    other = apsw.Connection(str(path))
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreLocked, match="in use"):
        put(store)
    other.execute("ROLLBACK")
    other.close()
    put(store, "free again")
    assert note(store) == "free again"


def test_waiting_for_a_lock_can_be_cancelled(store, path, monkeypatch):
    class Cancelled(Exception):
        pass

    class Waiter:
        def wait(self, seconds):
            raise Cancelled

    monkeypatch.setattr(connection, "PATIENCE", 0.02)
    store.close()
    other = apsw.Connection(str(path))
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Cancelled), store.writing(Waiter()):
        pass
    other.close()


HOLDER = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def held_by_another_process(path):
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield
        finally:
            process.kill()


def test_closing_ends_the_wait_for_another_process(store, path, monkeypatch):
    put(store, "before")
    failed = []

    def write():
        try:
            put(store, "after")
        except StoreLocked as error:
            failed.append(error.title)

    monkeypatch.setattr("trayapp.store.file.database.LOCK_PATIENCE", SECONDS)
    with held_by_another_process(path):
        threads = [threading.Thread(target=write) for _ in range(3)]
        for thread in threads:
            thread.start()
        time.sleep(0.3)
        began = time.monotonic()
        store.close()
        assert time.monotonic() - began < SECONDS / 2
        assert failed[:1] == ["The database is in use"]
    for thread in threads:
        thread.join(SECONDS)
        assert not thread.is_alive()
    put(store, "again")
    assert note(store) == "again"


def test_a_writer_gives_up_when_its_own_patience_ends(store, path):
    put(store, "before")
    with held_by_another_process(path):

        def waits():
            with pytest.raises(StoreLocked), store.writing(patience=0.4):
                pass

        assert 0.3 < quickest(waits, 2) < 2


def test_a_closed_file_has_no_log_beside_it(store, path):
    put(store)
    store.close()
    assert not path.with_name("t.db-wal").exists()


def test_a_full_disk_loses_nothing(store):
    put(store, "before")
    with store.writing() as db:
        limit = db.pragma("page_count")
    store._connection().pragma("max_page_count", limit)
    with pytest.raises(StoreFull, match="unchanged") as caught, store.writing() as db:
        db.execute("CREATE TABLE big (x)")
        db.executemany("INSERT INTO big VALUES (?)", [("y" * 5000,) for _ in range(100)])
    assert caught.value.title == "The disk is full"
    assert note(store) == "before"


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_explained(path):
    path.parent.chmod(0o500)
    with pytest.raises(StoreNotWritable, match=r"not writable|no folder"):
        Store(path)
    path.parent.chmod(0o700)


def test_a_file_that_may_only_be_read_is_explained(path, tmp_path):
    Store(path).close()
    with pytest.raises(StoreNotWritable, match=r"not writable|no folder"):
        Store(tmp_path / "missing" / "t.db")


def test_a_back_up_is_one_plain_complete_file(store, path):
    put(store, "kept")
    target = path.with_name("copy.db")
    store.back_up(target)
    assert sorted(p.name for p in path.parent.glob("copy.db*")) == ["copy.db"]
    copy = Store(target)
    assert note(copy) == "kept"
    copy.close()


def test_small_writes_do_not_let_the_log_grow_for_ever(store, path):
    for number in range(3_000):
        with store.writing() as db:
            write_meta(db, "number", str(number))
    assert path.with_name("t.db-wal").stat().st_size < 8 * 2**20
