"""The whole way by the real command against an API that is not ours: Datasette, serving a SQLite database.

Nothing is said about it but its address: paging, records and key are found out.
"""

import hashlib
import json
import socket
import sqlite3  # on Datasette's own file only: never on one that TraySync has open
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from urllib.request import urlopen

import apsw
import pytest

ROOT = Path(__file__).parents[2]
BOOKS = 237
pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def library(tmp_path):
    """The database Datasette serves; the tests change it with the standard library's sqlite3."""
    path = tmp_path / "library.db"
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("PRAGMA journal_mode = WAL")  # it is written to while Datasette reads
        db.execute("CREATE TABLE books (id INTEGER PRIMARY KEY, title TEXT, price REAL, lent INTEGER, note TEXT)")
        db.executemany("INSERT INTO books VALUES (?, ?, ?, ?, ?)", map(book, range(1, BOOKS + 1)))
    return path


def book(number):
    return number, f"Bänd {number} 本", number / 7, number % 2, None if number % 3 else f"shelf {number % 11}"


@pytest.fixture
def datasette(library, tmp_path):
    """Datasette's address; it runs as a process of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "datasette", "serve", str(library), "--host", "127.0.0.1", "--port", str(port)]
    with (
        open(tmp_path / "datasette.log", "wb") as log,
        subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, cwd=tmp_path) as process,
    ):
        base = f"http://127.0.0.1:{port}"
        try:
            wait_for(f"{base}/-/versions.json", process)
            yield base
        finally:
            process.terminate()


def wait_for(url, process):
    until = time.monotonic() + 60
    while True:
        try:
            with urlopen(url, timeout=5):
                return
        except OSError:
            assert process.poll() is None, "Datasette ended"
            assert time.monotonic() < until, "Datasette does not answer"
            time.sleep(0.1)


@pytest.fixture
def traysync(home):
    """The command in the test's own home: its JSON document, or its text."""

    def call(*arguments, as_json=True):
        command = [sys.executable, "-m", "trayapp", *(["--json"] if as_json else []), *arguments]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout) if as_json else done.stdout

    call.database = home / "traysync.db"
    return call


def sync(traysync):
    (run,) = traysync("sync")["runs"]
    counts = {name: run[name] for name in ("added", "changed", "deleted", "unchanged", "held")}
    return run, {name: count for name, count in counts.items() if count}


def read(path, sql):
    db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        return db.execute(sql).fetchall()
    finally:
        db.close()


def served(library):
    with closing(sqlite3.connect(library)) as db:
        return db.execute("SELECT id, title, price, lent, note FROM books ORDER BY id").fetchall()


def mirrored(traysync, table):
    return read(traysync.database, f'SELECT id, title, price, lent, note FROM "{table}" ORDER BY id')


def pages_of(path, table):
    """Number and digest of every page of the file that belongs to the table or one of its indexes."""
    size = read(path, "PRAGMA page_size")[0][0]
    names = f"SELECT name FROM sqlite_schema WHERE tbl_name = '{table}'"
    numbers = [number for (number,) in read(path, f"SELECT pageno FROM dbstat WHERE name IN ({names}) ORDER BY pageno")]
    data = path.read_bytes()
    return {n: hashlib.sha256(data[(n - 1) * size : n * size]).hexdigest() for n in numbers}


def rows_by_table(path):
    names = read(path, "SELECT name FROM sqlite_schema WHERE type = 'table'")
    return {name: read(path, f'SELECT * FROM "{name}"') for (name,) in names}


@pytest.mark.parametrize("shape", ["array", "objects"])
def test_a_table_of_datasette_is_mirrored(traysync, datasette, library, shape):
    url = f"{datasette}/library/books.json?_shape={shape}&_size=50"
    table = traysync("add", url, "--name", "Books", "--yes")["endpoint"]["table"]["name"]

    run, counts = sync(traysync)
    assert (run["status"], counts) == ("succeeded", {"added": BOOKS}), run["sentence"]
    assert run["requests"] == 5
    assert mirrored(traysync, table) == served(library)
    assert [column[1] for column in read(traysync.database, f"PRAGMA table_info({table})")] == [
        "id", "title", "price", "lent", "note",
    ]  # fmt: skip
    said = traysync("query", f'SELECT count(*), sum(price) FROM "{table}"', as_json=False)
    assert str(BOOKS) in said

    before, pages = rows_by_table(traysync.database), pages_of(traysync.database, table)
    assert len(pages) > 2
    run, counts = sync(traysync)
    assert (run["status"], counts) == ("succeeded", {"unchanged": BOOKS})
    assert pages_of(traysync.database, table) == pages, "a run without changes wrote to the table"
    after = rows_by_table(traysync.database)
    differing = {name for name in after if after[name] != before.get(name)}
    assert differing <= {"_sync_runs", "_sync_endpoints"}, "a run without changes wrote more than its run"
    assert len(after["_sync_runs"]) == len(before["_sync_runs"]) + 1

    with closing(sqlite3.connect(library)) as db, db:
        db.executemany("INSERT INTO books VALUES (?, ?, ?, ?, ?)", map(book, range(BOOKS + 1, BOOKS + 5)))
        db.execute("UPDATE books SET title = 'Zwölf', price = NULL WHERE id IN (12, 120, 230)")
        db.execute("DELETE FROM books WHERE id IN (1, 100)")
    run, counts = sync(traysync)
    assert counts == {"added": 4, "changed": 3, "deleted": 2, "unchanged": BOOKS - 5}, run["sentence"]
    assert mirrored(traysync, table) == served(library)
    kinds = read(traysync.database, "SELECT kind, count(*) FROM _sync_changes GROUP BY kind ORDER BY kind")
    assert kinds == [("added", 4), ("changed", 3), ("deleted", 2)]
