"""Conditional requests: an unchanged listing of one page is not even read, and nothing else is ever skipped."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from tests.server import Listing, Reply, json_reply
from trayapp.endpoints.model import Endpoint, Pages, Request, Table
from trayapp.endpoints.naming import completed
from trayapp.store.bookkeeping.endpoint_states import read_marks
from trayapp.store.mirror import claim
from trayapp.sync.cancel import CancelToken
from trayapp.sync.run import attempt
from trayapp.sync.run.context import RunContext
from trayapp.sync.run.runner import run

RECORDS = [{"id": n, "name": f"n{n}"} for n in range(7)]
pytestmark = pytest.mark.usefixtures("unprobed")

START = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


def mirror(store, url, full=False, apply_held=False, now=START, **fields):
    endpoint = completed(Endpoint(url=url, name="Items", **fields))
    context = RunContext(store=store, staging=store.path.parent, now=lambda: now)
    report = run(endpoint, context, CancelToken(), full=full, apply_held=apply_held)
    assert report.status in ("succeeded", "held"), report
    return report


class Tagged:
    """Serves records with an ETag or Last-Modified, and 304 to who has them; counts both."""

    def __init__(self, records, weak=False, dated=False, deaf=False):
        self.records, self.weak, self.dated, self.deaf = list(records), weak, dated, deaf
        self.version = 1
        self.same = self.whole = 0

    def set(self, records):
        self.records = list(records)
        self.version += 1

    def __call__(self, seen):
        changed = START + timedelta(hours=self.version)
        headers = {"Date": format_datetime(START + timedelta(days=9), usegmt=True)}
        if self.dated:
            headers["Last-Modified"] = format_datetime(changed, usegmt=True)
            same = seen.headers.get("If-Modified-Since") == headers["Last-Modified"]
        else:
            headers["ETag"] = f'{"W/" if self.weak else ""}"v{self.version}"'
            same = seen.headers.get("If-None-Match") == headers["ETag"]
        if same and not self.deaf:
            self.same += 1
            return Reply(b"", 304, headers)
        self.whole += 1
        reply = json_reply(self.records)
        return Reply(reply.body, 200, {**reply.headers, **headers})


def rows(store):
    with store.reading() as db:
        return db.execute("SELECT id, name FROM items ORDER BY id").fetchall()


KINDS = [{}, {"weak": True}, {"dated": True}]


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_an_unchanged_page_is_asked_for_but_not_sent(api, store, kind, monkeypatch):
    server = Tagged(RECORDS, **kind)
    url = api.route("/items", server)
    assert mirror(store, url).requests == server.whole == 1
    monkeypatch.setattr(attempt, "load_known", lambda *_: pytest.fail("the known records were loaded"))
    report = mirror(store, url)
    assert (report.unchanged, report.rows, report.requests, report.bytes) == (7, 7, 1, 0)
    assert str(report.sentence) == "No changes."
    assert (server.same, server.whole) == (1, 1)
    monkeypatch.setattr(attempt, "load_known", claim.load_known)
    server.set([RECORDS[0] | {"name": "x"}, *RECORDS[2:]])
    changed = mirror(store, url)
    assert (changed.changed, changed.deleted, changed.unchanged) == (1, 1, 5)
    assert mirror(store, url).unchanged == 6
    assert (server.same, server.whole) == (2, 2)


@pytest.mark.parametrize("kind", [*KINDS, "none"], ids=str)
def test_the_same_body_once_more_is_as_good(api, store, kind, monkeypatch):
    url = api.route("/items", json_reply(RECORDS) if kind == "none" else Tagged(RECORDS, deaf=True, **kind))
    mirror(store, url)
    monkeypatch.setattr(attempt, "load_known", lambda *_: pytest.fail("the known records were loaded"))
    report = mirror(store, url)
    assert (report.unchanged, report.rows) == (7, 7)


def test_an_etag_that_stays_while_the_body_changes_hides_nothing(api, store):
    server = Tagged(RECORDS, deaf=True)
    url = api.route("/items", server)
    mirror(store, url)
    server.records = RECORDS[:3]
    assert mirror(store, url).deleted == 4


def test_an_unmodified_run_writes_only_its_report(api, store):
    url = api.route("/items", Tagged(RECORDS))

    def everything_else():
        with store.reading() as db:
            tables = [name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
            return {name: db.execute(f'SELECT * FROM "{name}"').fetchall() for name in tables if name != "_sync_runs"}

    mirror(store, url)
    before = everything_else()
    mirror(store, url, now=START + timedelta(hours=5))
    assert everything_else() == before
    with store.reading() as db:
        assert db.execute("SELECT count(*) FROM _sync_runs").get == 2


def test_a_listing_of_several_pages_is_never_skipped(api, store):
    served = Listing([{"id": n} for n in range(13)], pages="link", size=7, etag=True)
    url = api.route("/items", served)
    mirror(store, url)
    served.records = [*served.records[:12], {"id": 99}]  # the first page stays as it was
    report = mirror(store, url)
    assert (report.added, report.deleted) == (1, 1)
    assert all("If-None-Match" not in seen.headers for seen in api.requests)


def test_a_second_page_is_noticed_though_the_first_stays_the_same(api, store):
    served = Listing([{"id": n} for n in range(7)], pages="link", size=7)
    url = api.route("/items", served)
    mirror(store, url)
    served.records = [*served.records, {"id": 99}]
    assert mirror(store, url).added == 1


def test_a_page_that_is_just_full_is_always_read(api, store):
    """Ten records: the eleventh may be on a second page, with the first one as it was."""
    url = api.route("/items", Tagged([{"id": n, "name": ""} for n in range(10)]))
    mirror(store, url)
    mirror(store, url)
    assert all("If-None-Match" not in seen.headers for seen in api.requests)
    mirror(store, url, pages=Pages(kind="none"))
    mirror(store, url, pages=Pages(kind="none"))
    assert api.requests[-1].headers["If-None-Match"] == '"v1"'


@pytest.mark.parametrize(
    "change",
    [
        {"full": True},
        {"apply_held": True},
        {"table": Table(types={"name": "text"})},
        {"table": Table(key=("name",))},
        {"table": Table(mode="upsert")},
        {"request": Request(params={"x": 1})},
        {"now": START + timedelta(days=1)},
        {"now": START - timedelta(seconds=1)},
    ],
    ids=str,
)
def test_what_makes_the_whole_answer_needed(api, store, change):
    url = api.route("/items", Tagged(RECORDS))
    mirror(store, url)
    mirror(store, url, **change)
    assert "If-None-Match" not in api.requests[-1].headers
    assert rows(store) == [(each["id"], each["name"]) for each in RECORDS]


def test_a_table_that_is_gone_is_made_again(api, store):
    url = api.route("/items", Tagged(RECORDS))
    mirror(store, url)
    with store.writing() as db:
        db.execute("DROP TABLE items")
    assert mirror(store, url).added == 7


def test_held_deletes_are_not_forgotten(api, store):
    server = Tagged([{"id": n, "name": ""} for n in range(41)])
    url = api.route("/items", server)
    mirror(store, url)
    server.set(RECORDS)
    assert mirror(store, url).held == 34
    assert mirror(store, url).held == 34
    assert mirror(store, url, apply_held=True).deleted == 34
    assert mirror(store, url).unchanged == 7
    assert mirror(store, url).bytes == 0


def test_append_adds_every_time(api, store):
    url = api.route("/items", Tagged(RECORDS))
    mirror(store, url, table=Table(mode="append"))
    assert mirror(store, url, table=Table(mode="append")).added == 7


def test_a_time_that_may_change_again_within_its_second_is_not_sent_back(api, store):
    sent = format_datetime(START, usegmt=True)
    url = api.route("/items", json_reply(RECORDS).with_headers(Last_Modified=sent, Date=sent))
    mirror(store, url)
    with store.reading() as db:
        marks = read_marks(db, "items")
    assert (marks.last_modified, marks.digest is not None) == (None, True)


def test_a_304_that_nobody_asked_for_is_a_failure(api, store):
    url = api.route("/items", Reply(status=304))
    endpoint = completed(Endpoint(url=url, name="Items"))
    report = run(endpoint, RunContext(store=store, staging=store.path.parent), CancelToken())
    assert report.status == "failed"
