"""A long listing that broke off goes on where it was: proven by counting requests."""

import os
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import apsw
import psutil
import pytest

from tests.patience import SECONDS
from tests.server import json_reply, late, problem, reset
from trayapp.endpoints.model import Auth, Endpoint, Incremental, Limits, Pages, Request, Table
from trayapp.endpoints.naming import completed
from trayapp.store.file.database import Store
from trayapp.sync.cancel import BY_USER, CancelToken
from trayapp.sync.detection import proof
from trayapp.sync.reading import journal
from trayapp.sync.reading.journal import SUFFIX, clean
from trayapp.sync.run.context import RunContext
from trayapp.sync.run.runner import run

ROOT = Path(__file__).parents[3]
START = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
PAGES, SIZE = 30, 4


@pytest.fixture
def store(tmp_path):
    (tmp_path / "staging").mkdir()
    store = Store(tmp_path / "t.db")
    yield store
    store.close()


@pytest.fixture(autouse=True)
def _quick_retries(monkeypatch):
    monkeypatch.setattr("trayapp.sync.http.retry.pause_before", lambda *_: 0.0)


def folder(store):
    return store.path.parent / "staging"


def kept(store):
    return list(folder(store).iterdir())


def mirror(store, url, token=None, now=START, secret=None, progress=lambda _: None, full=False, **fields):
    endpoint = completed(Endpoint(url=url, name="Items", **fields))
    context = RunContext(store=store, staging=folder(store), secret=lambda _id, _auth: secret, now=lambda: now)
    return run(endpoint, context, token or CancelToken(), progress, full=full)


def rows(store):
    with store.reading() as db:
        return dict(db.execute("SELECT id, name FROM items"))


class Long:
    """A long listing by cursor, or by links; `breaks` is the page at which it answers badly."""

    def __init__(self, style="cursor", path="/items"):
        self.style, self.path = style, path
        self.records = {n: f"n{n}" for n in range(PAGES * SIZE)}
        self.breaks = None
        self.badly = reset()
        self.asked = []
        self.extra = ""

    def __call__(self, seen):
        after = int(seen.param("after") or -1)
        self.asked.append(after)
        ids = [id for id in sorted(self.records) if id > after]
        if self.breaks is not None and len(self.asked) > 1 and after >= self.breaks * SIZE - 1:
            return self.badly
        page, more = ids[:SIZE], len(ids) > SIZE
        items = [{"id": id, "name": self.records[id]} for id in page]
        if self.style == "cursor":
            return json_reply({"items": items, "next_cursor": str(page[-1]) if more else None})
        url = f"{self.path}?after={page[-1]}{self.extra}" if more else None
        if self.style == "link":
            return json_reply(items).with_headers(**({"Link": f'<{url}>; rel="next"'} if more else {}))
        return json_reply({"items": items, "next": url})


BY_CURSOR = {"pages": Pages(kind="cursor", path="next_cursor", param="after")}
STYLES = [("cursor", BY_CURSOR), ("link", {}), ("next_url", {})]


def broken_off(server, store, url, at=20, **fields):
    server.breaks = at
    report = mirror(store, url, **fields)
    assert report.status == "failed", report
    server.breaks = None
    server.asked.clear()
    return report


@pytest.mark.parametrize(("style", "fields"), STYLES, ids=["cursor", "link", "next_url"])
def test_it_goes_on_where_it_broke(api, store, style, fields):
    server = Long(style)
    url = api.route("/items", server)
    report = broken_off(server, store, url, **fields)
    assert tuple(map(str, report.warnings)) == ("20 pages are kept, and the next run will continue from there.",)
    assert report.rows is None
    (file,) = kept(store)
    assert file.stat().st_mode & 0o777 == 0o600
    report = mirror(store, url, now=START + timedelta(hours=23), **fields)
    assert (report.status, report.added, report.requests) == ("succeeded", PAGES * SIZE, 10)
    assert server.asked[0] == 20 * SIZE - 1
    assert rows(store) == server.records
    assert kept(store) == []
    again = mirror(store, url, **fields)
    assert (again.unchanged, again.requests) == (PAGES * SIZE, PAGES)


def test_changes_of_a_listing_read_in_two_parts(api, store):
    """Unchanged records are only remembered by their digests; changed, new and deleted ones are found all the same."""
    server = Long()
    url = api.route("/items", server)
    mirror(store, url, **BY_CURSOR)
    for id in (1, 50, 90, 110):
        server.records[id] = "x"
    del server.records[3], server.records[112]
    server.records[500] = "new"
    broken_off(server, store, url, **BY_CURSOR)
    held = kept(store)[0].read_bytes()
    assert b'"name": "x"' in held
    assert b'"n10"' not in held
    report = mirror(store, url, **BY_CURSOR)
    assert (report.added, report.changed, report.deleted, report.unchanged) == (1, 4, 2, PAGES * SIZE - 6)
    assert rows(store) == server.records
    assert report.rows == len(server.records)
    assert mirror(store, url, **BY_CURSOR).unchanged == len(server.records)


def test_what_seems_deleted_is_looked_for_again(api, store):
    """Between the parts a record moved from the part that was still to be read to the part that was."""
    server = Long()
    url = api.route("/items", server)
    mirror(store, url, **BY_CURSOR)
    broken_off(server, store, url, **BY_CURSOR)
    moved = dict(server.records)
    del server.records[100]
    original = server.__call__

    def handler(seen):  # the second walk sees it again
        if seen.param("after") == "" and server.asked:
            server.records.update(moved)
        return original(seen)

    api.route("/items", handler)
    report = mirror(store, url, **BY_CURSOR)
    assert (report.deleted, rows(store)) == (0, moved)
    assert len(server.asked) == 10 + PAGES


def test_too_long_to_be_read_twice_leaves_deletes_to_the_next_run(api, store, monkeypatch):
    monkeypatch.setattr(proof, "MOST_PAGES_TWICE", 5)
    server = Long()
    url = api.route("/items", server)
    mirror(store, url, **BY_CURSOR)
    del server.records[3]
    broken_off(server, store, url, **BY_CURSOR)
    report = mirror(store, url, **BY_CURSOR)
    assert (report.status, report.deleted) == ("succeeded", 0)
    assert str(report.sentence) == "No changes. 1 record seems deleted; the next run will confirm this."
    assert mirror(store, url, **BY_CURSOR).deleted == 1


def test_it_may_break_off_again_and_again(api, store):
    server = Long()
    url = api.route("/items", server)
    counts = []
    for at in (12, 18, 25, None):
        server.asked.clear()
        server.breaks = at
        report = mirror(store, url, **BY_CURSOR)
        counts.append(len([after for after in server.asked if at is None or after < at * SIZE - 1]))
    assert (report.status, counts) == ("succeeded", [12, 6, 7, 5])
    assert rows(store) == server.records


def test_a_stop_keeps_it_too(api, store):
    server = Long()
    url = api.route("/items", server)
    token = CancelToken()

    def progress(told):
        if told.pages == 15:
            token.cancel(BY_USER)

    report = mirror(store, url, token, progress=progress, **BY_CURSOR)
    assert report.status == "stopped"
    server.asked.clear()
    assert mirror(store, url, **BY_CURSOR).requests == PAGES - 15


def test_a_short_listing_leaves_nothing(api, store):
    server = Long()
    url = api.route("/items", server)
    broken_off(server, store, url, at=8, **BY_CURSOR)
    assert kept(store) == []
    assert mirror(store, url, **BY_CURSOR).requests == PAGES


@pytest.mark.parametrize(
    "change",
    [
        {"now": START + timedelta(hours=24)},
        {"now": START - timedelta(hours=1)},
        {"full": True},
        {"request": Request(params={"x": 1})},
        {"table": Table(types={"name": "text"})},
        {"limits": Limits(pages=50), "incremental": Incremental(deleted="gone=true")},
    ],
    ids=str,
)
def test_something_else_begins_anew(api, store, change):
    server = Long()
    url = api.route("/items", server)
    broken_off(server, store, url, **BY_CURSOR)
    report = mirror(store, url, **BY_CURSOR | change)
    assert (report.status, report.requests) == ("succeeded", PAGES)
    assert kept(store) == []


def test_what_was_published_meanwhile_makes_it_void(api, store):
    server = Long()
    url = api.route("/items", server)
    broken_off(server, store, url, **BY_CURSOR)
    (file,) = kept(store)
    before = file.read_bytes()
    mirror(store, url, **BY_CURSOR)
    file.write_bytes(before)
    server.records[1] = "x"
    assert mirror(store, url, **BY_CURSOR).requests == PAGES
    assert rows(store) == server.records


def test_numbered_pages_begin_anew(api, store):
    items = [{"id": n, "name": ""} for n in range(PAGES * SIZE)]
    breaks = [True]

    def handler(seen):
        page = int(seen.param("page", "1"))
        if page > 20 and breaks[0]:
            return reset()
        return json_reply(items[(page - 1) * SIZE : page * SIZE]).with_headers(
            **({"Link": f'</items?page={page + 1}>; rel="next"'} if page < PAGES else {})
        )

    url = api.route("/items", handler)
    for fields in ({}, {"pages": Pages(kind="page", param="page")}):
        breaks[0] = True
        assert mirror(store, url, **fields).status == "failed"
        assert kept(store) == []
        breaks[0] = False
        report = mirror(store, url, **fields)
        assert report.status == "succeeded"
        assert report.requests >= PAGES


@pytest.mark.parametrize("status", [400, 404, 410, 422, 500])
def test_a_cursor_that_is_no_longer_known_begins_anew_in_the_same_run(api, store, status):
    server = Long()
    url = api.route("/items", server)
    broken_off(server, store, url, **BY_CURSOR)

    def handler(seen):
        if seen.param("after") == str(20 * SIZE - 1) and len(server.asked) < 20:
            return problem(status, "Unknown cursor")
        return server(seen)

    api.route("/items", handler)
    report = mirror(store, url, **BY_CURSOR)
    assert (report.status, report.added, tuple(map(str, report.warnings))) == ("succeeded", PAGES * SIZE, ())
    assert rows(store) == server.records
    assert kept(store) == []


def test_lasting_trouble_keeps_nothing(api, store):
    server = Long()
    url = api.route("/items", server)
    server.badly = json_reply({"items": "none", "next_cursor": None})
    broken_off(server, store, url, **BY_CURSOR)
    assert kept(store) == []


def test_a_secret_that_the_server_repeats_is_never_written(api, store):
    server = Long("next_url")
    server.extra = "&key=s3cret-key"
    url = api.route("/items", server)
    fields = {"auth": Auth(kind="query", name="key")}
    broken_off(server, store, url, secret="s3cret-key", **fields)
    assert kept(store) == []
    server.extra = ""
    broken_off(server, store, url, secret="s3cret-key", **fields)
    assert b"s3cret-key" not in kept(store)[0].read_bytes()
    assert mirror(store, url, secret="s3cret-key", **fields).requests == 10
    assert api.requests[-1].param("key") == "s3cret-key"


def test_a_cursor_in_a_header_or_a_body(api, store):
    server = Long()

    def handler(seen):
        after = seen.headers.get("X-After", "") or (str(seen.json().get("after", "")) if seen.body else "")
        return server(type(seen)("GET", f"/items?after={after or -1}", seen.headers, b"", seen.base))

    url = api.route("/items", handler)
    for fields in (
        {"pages": Pages(kind="cursor", path="next_cursor", param="X-After", into="header")},
        {
            "pages": Pages(kind="cursor", path="next_cursor", param="after", into="json"),
            "request": Request(method="POST", json={"q": "x"}),
        },
    ):
        broken_off(server, store, url, **fields)
        assert mirror(store, url, **fields).requests == 10
        assert rows(store) == server.records
    assert api.requests[-1].json()["q"] == "x"


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "other"])
def test_a_damaged_file_is_not_believed(api, store, damage):
    server = Long()
    url = api.route("/items", server)
    broken_off(server, store, url, **BY_CURSOR)
    (file,) = kept(store)
    data = bytearray(file.read_bytes())
    if damage == "cut":
        data = data[:-7]
    elif damage == "flip":
        data[len(data) // 2] ^= 255
    else:
        data = b"" if damage == "empty" else b"something else" * 100
    file.write_bytes(data)
    report = mirror(store, url, **BY_CURSOR)
    assert report.status == "succeeded"
    assert (report.requests < PAGES) == (damage in ("cut", "flip"))
    assert rows(store) == server.records
    assert kept(store) == []


def test_a_full_disk_ends_only_the_keeping(api, store, monkeypatch):
    server = Long()
    url = api.route("/items", server)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(journal.os, "open", full)
    server.breaks = None
    report = mirror(store, url, **BY_CURSOR)
    assert report.status == "succeeded"


def test_an_incremental_run_goes_on_with_its_cursor(api, store):
    server = Long()
    server.at = dict.fromkeys(server.records, "2026-01-01T00:00:00Z")

    def handler(seen):
        since = seen.param("since")
        after = int(seen.param("after") or -1)
        server.asked.append((since, after))
        ids = [id for id in sorted(server.records) if id > after and server.at[id] >= since]
        if server.breaks is not None and after >= server.breaks * SIZE - 1:
            return reset()
        items = [{"id": id, "name": server.records[id], "at": server.at[id]} for id in ids[:SIZE]]
        return json_reply({"items": items, "next_cursor": str(ids[SIZE - 1]) if len(ids) > SIZE else None})

    url = api.route("/items", handler)
    fields = BY_CURSOR | {"incremental": Incremental(field="at", param="since")}
    broken_off(server, store, url, **fields)
    assert mirror(store, url, **fields).requests == 10
    for id in range(PAGES * SIZE):
        server.records[id] = "x"
        server.at[id] = f"2026-02-01T00:00:{59 - id % 60:02}Z"
    server.at[0] = "2026-02-28T00:00:00Z"  # the newest is on the first page, which is not read again
    broken_off(server, store, url, now=START + timedelta(hours=1), **fields)
    report = mirror(store, url, now=START + timedelta(hours=2), **fields)
    assert (report.requests, report.changed) == (10, PAGES * SIZE), report
    assert {since for since, _ in server.asked} == {"2026-01-01T00:00:00Z"}
    server.asked.clear()
    mirror(store, url, now=START + timedelta(hours=3), **fields)
    assert server.asked[0][0] == "2026-02-28T00:00:00Z"
    assert rows(store) == server.records


def test_old_files_are_cleaned_up_at_the_start(tmp_path):
    tmp_path = tmp_path / "staging"
    tmp_path.mkdir()
    old, new, other = (tmp_path / name for name in (f"a{SUFFIX}", f"b{SUFFIX}", "c.txt"))
    for file in (old, new, other):
        file.write_bytes(b"x")
    now = datetime.now(UTC)
    os.utime(old, (now.timestamp() - 90_000,) * 2)
    os.utime(other, (now.timestamp() - 90_000,) * 2)
    clean(tmp_path, now)
    assert sorted(file.name for file in tmp_path.iterdir()) == [new.name, other.name]
    clean(tmp_path / "not there", now)


def test_what_is_kept_is_not_left_open_by_a_run_that_finds_the_database_locked(api, store, monkeypatch):
    server = Long()
    url = api.route("/items", server)
    fields = BY_CURSOR | {"table": Table(key=("id",))}
    broken_off(server, store, url, **fields)
    monkeypatch.setattr("trayapp.store.file.database.LOCK_PATIENCE", 0.1)
    other = apsw.Connection(str(store.path))
    other.execute("BEGIN IMMEDIATE")
    try:
        report = mirror(store, url, **fields)
    finally:
        other.close()
    assert (report.status, str(report.problem.title)) == ("failed", "The database is in use")
    (file,) = kept(store)
    assert str(file) not in [each.path for each in psutil.Process().open_files()]
    assert mirror(store, url, **fields).requests == 10


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs kill -9")
def test_a_killed_run_goes_on_where_it_was(api, tmp_path):
    server = Long()
    waiting = threading.Event()

    def handler(seen):
        reply = server(seen)
        if server.breaks is not None and len(server.asked) > server.breaks:
            waiting.set()
            return late(reply, 3600)
        return reply

    url = api.route("/items", handler)
    home = tmp_path / "killed"
    home.mkdir(mode=0o700)
    (home / "settings.toml").write_text(
        f'[[endpoint]]\nid = "items"\nurl = "{url}"\n[endpoint.table]\nname = "items"\n'
        '[endpoint.pages]\nkind = "cursor"\npath = "next_cursor"\nparam = "after"\n'
    )
    command = [sys.executable, "-m", "trayapp", "--home", str(home), "sync"]
    server.breaks = 22
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        assert waiting.wait(SECONDS)
        process.kill()
    server.breaks = None
    server.asked.clear()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, done.stderr
    assert len(server.asked) == PAGES - 22
    assert list((home / "staging").iterdir()) == []
    store = Store(home / "traysync.db")
    try:
        assert rows(store) == server.records
    finally:
        store.close()
