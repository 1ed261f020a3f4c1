"""Incremental runs against a server that filters by the time of the last change."""

import json
import random
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import quote_plus

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.server import ApiServer, Listing, Reply, json_reply, problem
from trayapp.endpoints.model import Auth, Endpoint, Incremental, Pages, Request, Response, Table
from trayapp.endpoints.naming import completed
from trayapp.endpoints.units import Duration
from trayapp.store.bookkeeping.endpoint_states import read_marks
from trayapp.store.file.database import Store
from trayapp.sync.cancel import CancelToken
from trayapp.sync.changes.cursor import Newest, next_cursor, parsed, since, values_of
from trayapp.sync.http.request import Call
from trayapp.sync.run.context import RunContext
from trayapp.sync.run.runner import run

pytestmark = pytest.mark.usefixtures("unprobed")

START = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


class Clock:
    def __init__(self):
        self.now = START

    def __call__(self):
        return self.now

    def step(self, **by):
        self.now += timedelta(**by)


@pytest.fixture
def clock():
    return Clock()


class Changing:
    """A server of records with the time of their last change in `at`, listed from `since` on, oldest change first."""

    def __init__(self, clock, size=1000, write=lambda moment: moment.isoformat().replace("+00:00", "Z"), pages="link"):
        self.clock, self.size, self.write, self.pages = clock, size, write, pages
        self.records = {}
        self.times = {}
        self.ignores = False
        self.expired = False
        self.extra = {}

    def put(self, id, **fields):
        self.times[id] = self.clock()
        self.records[id] = {"id": id, **fields, "at": self.write(self.clock())}

    def delete(self, id):
        del self.records[id], self.times[id]

    def __call__(self, seen):
        asked = seen.param("since")
        if asked and self.expired:
            return problem(410, "Gone", "The cursor is too old.")
        chosen = sorted(self.records, key=lambda id: (self.times[id], id))
        if asked and not self.ignores:
            moment = parsed(asked).value
            chosen = [id for id in chosen if parsed(str(self.records[id]["at"])).value >= moment]
        listing = Listing([self.records[id] for id in chosen], pages=self.pages, size=self.size)
        reply = listing(seen)
        return reply.with_headers(Date=format_datetime(self.clock(), usegmt=True), **self.extra)


FOLLOWED = Incremental(field="at", param="since")


def mirror(store, url, clock, full=False, apply_held=False, incremental=FOLLOWED, **fields):
    fields = {"incremental": incremental, "pages": Pages(kind="link")} | fields
    endpoint = completed(Endpoint(url=url, name="Items", **fields))
    context = RunContext(store=store, staging=store.path.parent, now=clock)
    return run(endpoint, context, CancelToken(), full=full, apply_held=apply_held)


def rows(store, order="id"):
    with store.reading() as db:
        names = [row[1] for row in db.execute('PRAGMA table_info("items")')]
        return {
            row[0]: dict(zip(names, row, strict=True)) for row in db.execute(f"SELECT * FROM items ORDER BY {order}")
        }


def cursor(store):
    with store.reading() as db:
        return read_marks(db, "items").cursor


def counts(report):
    assert report.status == "succeeded", report
    return report.added, report.changed, report.deleted, report.unchanged


def asked(api):
    return [seen.param("since") for seen in api.requests]


def test_only_what_changed_is_asked_for_with_the_servers_own_text(api, store, clock):
    server = Changing(clock)
    url = api.route("/items", server)
    for id in range(5):
        clock.step(minutes=1)
        server.put(id, name="a")
    clock.step(minutes=1)
    assert counts(mirror(store, url, clock)) == (5, 0, 0, 0)
    clock.step(minutes=1)
    server.put(1, name="b")
    server.put(9, name="c")
    report = mirror(store, url, clock)
    assert counts(report) == (1, 1, 0, 1), "the newest is listed again: the bound is closed"
    assert report.rows == 6
    assert rows(store) == server.records
    assert asked(api) == ["", "2026-03-01T12:05:00Z"]
    assert counts(mirror(store, url, clock)) == (0, 0, 0, 2)
    assert asked(api)[-1] == "2026-03-01T12:07:00Z"


def test_deletes_wait_for_the_whole_listing_which_comes_once_a_day(api, store, clock):
    server = Changing(clock)
    url = api.route("/items", server)
    for id in range(5):
        server.put(id)
    clock.step(minutes=1)
    mirror(store, url, clock)
    server.delete(2)
    clock.step(hours=23)
    assert counts(mirror(store, url, clock))[2] == 0
    assert 2 in rows(store)
    clock.step(hours=1)
    assert counts(mirror(store, url, clock)) == (0, 0, 1, 4)
    assert rows(store) == server.records
    clock.step(hours=1)
    mirror(store, url, clock)
    assert asked(api) == ["", "2026-03-01T12:00:00Z", "", "2026-03-01T12:00:00Z"]


def test_how_often_can_be_set_and_a_full_run_asked_for(api, store, clock):
    server = Changing(clock)
    url = api.route("/items", server)
    server.put(1)
    clock.step(minutes=1)
    often = msgspec.structs.replace(FOLLOWED, full_every=Duration(3600))
    mirror(store, url, clock, incremental=often)
    clock.step(minutes=59)
    mirror(store, url, clock, incremental=often)
    clock.step(minutes=1)
    mirror(store, url, clock, incremental=often)
    mirror(store, url, clock, incremental=often, full=True)
    mirror(store, url, clock, incremental=often, apply_held=True)
    clock.step(minutes=-30)  # set back: nobody knows how old the last whole listing is
    mirror(store, url, clock, incremental=often)
    at = "2026-03-01T12:00:00Z"
    assert asked(api) == ["", at, "", "", "", ""]


@pytest.mark.parametrize(
    "changed",
    [
        {"table": Table(key=("id",), types={"name": "text"})},
        {"request": Request(params={"state": "open"})},
        {"incremental": msgspec.structs.replace(FOLLOWED, initial="2020-01-01")},
    ],
    ids=["mapping", "request", "cursor"],
)
def test_other_settings_need_the_whole_listing(api, store, clock, changed):
    server = Changing(clock)
    url = api.route("/items", server)
    server.put(1, name="a")
    clock.step(minutes=1)
    mirror(store, url, clock)
    mirror(store, url, clock, **changed)
    assert asked(api)[-1] in ("", "2020-01-01")
    mirror(store, url, clock, **changed)
    assert asked(api)[-1] == "2026-03-01T12:00:00Z"


def test_a_dropped_table_needs_the_whole_listing(api, store, clock):
    server = Changing(clock)
    url = api.route("/items", server)
    server.put(1)
    clock.step(minutes=1)
    mirror(store, url, clock)
    with store.writing() as db:
        db.execute("DROP TABLE items")
    assert counts(mirror(store, url, clock)) == (1, 0, 0, 0)
    assert asked(api) == ["", ""]


def test_lookback_keeps_the_servers_way_of_writing(api, store, clock):
    server = Changing(
        clock, write=lambda moment: moment.astimezone().isoformat(timespec="milliseconds")[:23] + "+00:00"
    )
    url = api.route("/items", server)
    server.put(1)
    clock.step(minutes=10)
    back = msgspec.structs.replace(FOLLOWED, lookback=Duration(300))
    mirror(store, url, clock, incremental=back)
    mirror(store, url, clock, incremental=back)
    assert asked(api)[-1] == "2026-03-01T11:55:00.000+00:00"
    assert cursor(store) == "2026-03-01T12:00:00.000+00:00"


def test_a_time_in_the_future_does_not_hide_what_comes_before_it(api, store, clock):
    server = Changing(clock)
    url = api.route("/items", server)
    clock.step(days=300)
    server.put(1)
    clock.step(days=-300)
    mirror(store, url, clock)
    clock.step(minutes=5)
    server.put(2)
    clock.step(minutes=5)
    assert counts(mirror(store, url, clock))[0] == 1
    assert asked(api)[-1] == "2026-03-01T12:00:00Z"


def test_what_changes_while_the_listing_is_read_comes_with_the_next_run(api, store, clock):
    server = Changing(clock, size=2)
    url = api.route("/items", server)
    for id in range(6):
        server.put(id, name="a")
        clock.step(minutes=1)

    def handler(seen):
        reply = server(seen)
        if seen.param("page") == "2":
            clock.step(minutes=1)
            server.put(0, name="b")  # it was on the first page, and is on the last now: all others move
        return reply

    api.route("/items", handler)
    mirror(store, url, clock)
    api.route("/items", server)
    clock.step(minutes=1)
    mirror(store, url, clock)
    assert rows(store) == server.records


@pytest.mark.parametrize("status", [410, 400])
def test_an_expired_cursor_leads_to_the_whole_listing_in_the_same_run(api, store, clock, status):
    server = Changing(clock)
    url = api.route("/items", server)
    server.put(1)
    server.put(2)
    clock.step(minutes=1)
    mirror(store, url, clock)
    server.delete(2)

    def handler(seen):
        if seen.param("since"):
            return problem(status, "No", "The sync token has expired.")
        return server(seen)

    api.route("/items", handler)
    report = mirror(store, url, clock)
    assert counts(report) == (0, 0, 1, 1)
    assert "whole list" in next(map(str, report.warnings))
    assert asked(api) == ["", "2026-03-01T12:00:00Z", ""]


def test_another_refusal_is_a_failure(api, store, clock):
    server = Changing(clock)
    url = api.route("/items", server)
    server.put(1)
    clock.step(minutes=1)
    mirror(store, url, clock)
    api.route("/items", problem(400, "No", "There is no parameter since."))
    assert mirror(store, url, clock).status == "failed"
    assert cursor(store) == "2026-03-01T12:00:00Z"


def test_tombstones_are_deletes_at_once(api, store, clock):
    server = Changing(clock)
    url = api.route("/items", server)
    for id in range(3):
        server.put(id, gone=False)
    clock.step(minutes=1)
    buried = msgspec.structs.replace(FOLLOWED, deleted="gone=true")
    mirror(store, url, clock, incremental=buried)
    server.put(1, gone=True)
    clock.step(minutes=1)
    report = mirror(store, url, clock, incremental=buried)
    assert counts(report) == (0, 0, 1, 2)
    assert sorted(rows(store)) == [0, 2]
    assert report.rows == 2


def test_rows_without_a_cursor_are_mirrored_too(api, store, clock):
    records = [{"id": 1, "at": "2026-03-01T10:00:00Z"}, {"id": 2, "at": None}, {"id": 3}]
    url = api.route("/items", json_reply(records))
    assert counts(mirror(store, url, clock))[0] == 3
    assert cursor(store) == "2026-03-01T10:00:00Z"


def test_values_that_do_not_compare_make_every_run_a_whole_one(api, store, clock):
    url = api.route("/items", json_reply([{"id": 1, "at": "2026-03-01T10:00:00Z"}, {"id": 2, "at": "soon"}]))
    report = mirror(store, url, clock)
    assert "can't be compared" in next(map(str, report.warnings))
    mirror(store, url, clock)
    assert asked(api) == ["", ""]


def test_records_without_a_key_are_always_listed_whole(api, store, clock):
    url = api.route("/items", json_reply([{"x": 1.5, "at": "2026-03-01T10:00:00Z"}] * 2))
    mirror(store, url, clock)
    mirror(store, url, clock)
    assert asked(api) == ["", ""]


def test_a_wider_column_fetches_the_whole_listing(api, store, clock):
    server = Changing(clock)
    url = api.route("/items", server)
    server.put(1, v=1)
    server.put(2, v=True)
    clock.step(minutes=1)
    mirror(store, url, clock)
    server.put(3, v="x")
    clock.step(minutes=1)
    mirror(store, url, clock)
    assert {id: row["v"] for id, row in rows(store).items()} == {1: "1", 2: "true", 3: "x"}


def test_a_server_that_ignores_the_parameter_is_mirrored_all_the_same(api, store, clock):
    server = Changing(clock)
    server.ignores = True
    url = api.route("/items", server)
    for id in range(4):
        server.put(id)
    clock.step(minutes=1)
    mirror(store, url, clock)
    server.put(2, name="x")
    assert counts(mirror(store, url, clock)) == (0, 1, 0, 3)
    assert {id: row["name"] for id, row in rows(store).items()} == {0: None, 1: None, 2: "x", 3: None}


def test_a_sequence_number_from_the_body(api, store, clock):
    changes = [{"id": n, "seq": n} for n in range(1, 4)]

    def handler(seen):
        after = int(seen.param("_since", "0"))
        return json_reply({"data": [each for each in changes if each["seq"] > after], "last_seq": len(changes)})

    url = api.route("/items", handler)
    own = Incremental(path="last_seq", param="_since")
    assert counts(mirror(store, url, clock, incremental=own)) == (3, 0, 0, 0)
    changes.append({"id": 9, "seq": 4})
    assert counts(mirror(store, url, clock, incremental=own)) == (1, 0, 0, 0)
    assert counts(mirror(store, url, clock, incremental=own)) == (0, 0, 0, 0)
    assert [seen.param("_since") for seen in api.requests] == ["", "3", "4"]


def test_a_token_from_a_header_of_the_first_page(api, store, clock):
    state = [7]

    def handler(seen):
        state[0] += 1  # something else changes between the pages
        reply = Listing([{"id": n} for n in range(4)], pages="link", size=2)(seen)
        return reply.with_headers(ETag=f'"{state[0]}"')

    url = api.route("/items", handler)
    own = Incremental(path="header:ETag", param="_since")
    mirror(store, url, clock, incremental=own)
    assert cursor(store) == '"8"'
    mirror(store, url, clock, incremental=own)
    assert api.requests[-2].param("_since") == '"8"'


def test_a_cursor_that_is_the_next_address(api, store, clock):
    def handler(seen):
        token = seen.param("$deltatoken", "0")
        value = [{"id": 1}, {"id": 2}] if token == "0" else [{"id": 3}]
        return json_reply({"value": value, "@odata.deltaLink": f"{seen.base}/items?$deltatoken={int(token) + 1}"})

    url = api.route("/items", handler)
    own = Incremental(path="@odata.deltaLink")
    assert counts(mirror(store, url, clock, incremental=own)) == (2, 0, 0, 0)
    assert counts(mirror(store, url, clock, incremental=own)) == (1, 0, 0, 0)
    assert [seen.param("$deltatoken") for seen in api.requests] == ["", "1"]
    api.route("/items", json_reply({"value": [], "@odata.deltaLink": "http://elsewhere.invalid/x"}))
    mirror(store, url, clock, incremental=own)
    assert str(mirror(store, url, clock, incremental=own).problem.title) == "The cursor leads to another server"


def test_a_failed_run_leaves_the_cursor(api, store, clock):
    server = Changing(clock, size=2)
    url = api.route("/items", server)
    for id in range(5):
        server.put(id)
    clock.step(minutes=1)
    mirror(store, url, clock)
    before = cursor(store)
    for id in range(5):
        server.put(id, name="x")

    def handler(seen):
        return Reply(status=404) if seen.param("page") == "2" else server(seen)

    api.route("/items", handler)
    assert mirror(store, url, clock).status == "failed"
    assert cursor(store) == before
    api.route("/items", server)
    mirror(store, url, clock)
    assert rows(store) == server.records


def test_a_listing_that_was_not_read_to_its_end_leaves_the_cursor(api, store, clock):
    server = Changing(clock, size=2)
    url = api.route("/items", server)
    for id in range(6):
        server.put(id)
        clock.step(minutes=1)
    cut = {"pages": Pages(kind="link", max=2)}
    mirror(store, url, clock, **cut)
    assert cursor(store) is None
    mirror(store, url, clock)
    before = cursor(store)
    for id in range(6):
        server.put(id, name="x")
        clock.step(minutes=1)

    def handler(seen):
        return server(seen).with_headers(X_Total_Count="99")

    api.route("/items", handler)
    report = mirror(store, url, clock)
    assert (report.changed, "99 records" in str(report.problem.cause), cursor(store)) == (
        6,
        True,
        before,
    )


def test_held_deletes_stay_held(api, store, clock):
    server = Changing(clock)
    url = api.route("/items", server)
    for id in range(30):
        server.put(id)
    clock.step(minutes=1)
    mirror(store, url, clock)
    for id in range(25):
        server.delete(id)
    assert mirror(store, url, clock, full=True).held == 25
    server.put(29, name="x")
    report = mirror(store, url, clock)
    assert (report.status, report.held, report.changed) == ("held", 25, 1)
    assert asked(api)[-1]
    server.put(3, name="back")
    assert mirror(store, url, clock).held == 24
    applied = mirror(store, url, clock, apply_held=True)
    assert (applied.status, applied.deleted, applied.held) == ("succeeded", 24, 0)
    assert rows(store).keys() == server.records.keys()


def test_an_unchanged_run_writes_nothing_but_its_report(api, store, clock):
    server = Changing(clock)
    url = api.route("/items", server)
    server.put(1)
    clock.step(minutes=1)
    mirror(store, url, clock)
    mirror(store, url, clock)

    def everything_else():
        with store.reading() as db:
            tables = [name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
            return {name: db.execute(f'SELECT * FROM "{name}"').fetchall() for name in tables if name != "_sync_runs"}

    before = everything_else()
    assert counts(mirror(store, url, clock)) == (0, 0, 0, 1)
    assert everything_else() == before


@pytest.mark.parametrize(
    ("incremental", "url", "body"),
    [
        (Incremental(param="since"), "/x?since=2026-03-01T10%3A00%3A00Z", None),
        (Incremental(param="since", lookback=Duration(60)), "/x?since=2026-03-01T09%3A59%3A00Z", None),
        (Incremental(param="since", format="epoch"), "/x?since=1772359200", None),
        (Incremental(param="since", format="epoch_ms"), "/x?since=1772359200000", None),
        (Incremental(param="since", format="date"), "/x?since=2026-03-01", None),
        (Incremental(param="since", format="%d.%m.%Y %H:%M"), "/x?since=01.03.2026+10%3A00", None),
        (Incremental(param="f", format="at ge {}"), "/x?f=at+ge+2026-03-01T10%3A00%3A00Z", None),
        (Incremental(param="q", format="at >= '{date}'"), "/x?q=at+%3E%3D+%272026-03-01%27", None),
        (Incremental(param="filter.at", into="json", format="epoch"), "/x", {"filter": {"at": 1772359200}}),
    ],
    ids=str,
)
def test_how_the_cursor_is_sent(incremental, url, body):
    call = since(Call(url="http://a.example/x"), incremental, "2026-03-01T10:00:00Z")
    assert call.url == f"http://a.example{url}"
    assert body is None or json.loads(call.body) == body


def test_a_cursor_can_be_a_header():
    call = since(
        Call(url="http://a.example/x"),
        Incremental(param="If-Modified-Since", into="header", format="http_date"),
        "2026-03-01T10:00:00+01:00",
    )
    assert call.headers == {"If-Modified-Since": "Sun, 01 Mar 2026 09:00:00 GMT"}


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("2026-03-01T10:00:00Z", "2026-03-01T10:00:00.500Z"),
        ("2026-03-01T10:00:00+02:00", "2026-03-01T09:00:00Z"),
        ("2026-03-01 10:00:00", "2026-03-01T10:00:01Z"),
        ("2026-03-01", "2026-03-01T00:00:01Z"),
        ("9", "10"),
        ("999999999", "1000000000"),
        ("1772359200", "1772359201000"),
        ("1772359200", "1772359200.5"),
        ("Sun, 01 Mar 2026 09:00:00 GMT", "2026-03-01T10:00:00Z"),
        ("18446744073709551615", "18446744073709551616"),
        ("abc", "abd"),
    ],
)
def test_cursors_are_compared_by_meaning(earlier, later):
    for order in ((earlier, later), (later, earlier)):
        newest = Newest()
        for text in order:
            newest.see(text)
        assert (newest.text, newest.mixed) == (later, False)


@given(st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)), st.integers(0, 9))
def test_a_cursor_capped_by_the_start_of_the_run_is_never_after_it(moment, digits):
    began = moment - timedelta(seconds=90, microseconds=7)
    whole, micro = moment.strftime("%Y-%m-%dT%H:%M:%S"), f"{moment.microsecond:06d}000"
    newest = Newest(f"{whole}.{micro[:digits]}Z" if digits else f"{whole}Z")
    capped = next_cursor(newest, began)
    assert parsed(capped).value <= began
    assert began - parsed(capped).value < timedelta(seconds=1)
    assert len(capped) == len(newest.cursor.text)


@pytest.mark.parametrize(
    ("records", "path", "values"),
    [
        ([b'{"at": "x"}', b'{"at": 5}', b'{"at": 1.50}', b"{}"], "at", ["x", "5", "1.50", None]),
        ([b'{"at": null}', b'{"at": true}', b'{"at": [1]}'], "at", [None, None, None]),
        ([b'{"a": {"b": "x"}}', b'{"a": null}', b'{"a": 1}'], "a.b", ["x", None, None]),
        ([b'{"a.b": "x", "n": NaN}'], "a.b", ["x"]),
        ([b'{"at": "x", "n": NaN}', b'{"at": "y"}'], "at", ["x", "y"]),
    ],
)
def test_cursors_are_found_in_records(records, path, values):
    if b"NaN" in records[0]:
        records = [record.replace(b"NaN", b"0") for record in records]
    assert values_of(records, path) == values


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([2, 3, 1000]), st.sampled_from(["link", "offset"]))
def test_random_edits_are_followed(tmp_path_factory, seed, size, pages):
    """After an incremental run the table has every change, after a full one it equals the listing."""
    dice = random.Random(seed)
    clock = Clock()
    server = Changing(clock, size, pages=pages)
    store = Store(tmp_path_factory.mktemp("random") / "t.db")
    fields = {"pages": Pages(kind="offset")} if pages == "offset" else {}
    try:
        with ApiServer() as api:
            url = api.route("/items", server)
            for _ in range(8):
                for _ in range(dice.randrange(6)):
                    id = dice.randrange(12)
                    if id in server.records and dice.random() < 0.3:
                        server.delete(id)
                    else:
                        server.put(id, value=dice.randrange(3))
                    clock.step(seconds=dice.choice([0, 1, 60]))
                clock.step(hours=dice.choice([0, 1, 30]))
                api.requests.clear()
                report = mirror(store, url, clock, apply_held=not server.records, table=Table(key=("id",)), **fields)
                if report.status == "held":
                    report = mirror(store, url, clock, apply_held=True, table=Table(key=("id",)), **fields)
                assert report.status == "succeeded", report
                if not server.records and not api.requests:
                    continue
                found = rows(store) if report.rows else {}
                if not api.requests[0].param("since"):
                    assert found == server.records
                assert server.records.items() <= found.items()
    finally:
        store.close()


KEY = "k3y/s3cret+"


@pytest.mark.parametrize(
    ("auth", "again", "kept"),
    [
        (Auth(kind="query", name="key"), "?key={key}&since=5", "?since=5"),
        (Auth(kind="query", name="key"), "?since=5&key={key}", "?since=5"),
        (Auth(kind="query", name="key"), "?since=5&copy={key}", None),
        (Auth(kind="query", name="key"), "?since=5&key=other", "?since=5&key=other"),
        (Auth(kind="bearer"), "?since=5&token={key}", None),
        (Auth(kind="bearer"), "?since=5", "?since=5"),
    ],
)
def test_a_cursor_with_a_secret_in_it_is_not_written(api, store, clock, auth, again, kept):
    def answer(seen):
        return json_reply({"items": [{"id": 1}], "delta": api.url("/items") + again.format(key=quote_plus(KEY))})

    url = api.route("/items", answer)
    endpoint = completed(
        Endpoint(
            url=url,
            name="Items",
            auth=auth,
            incremental=Incremental(path="delta"),
            response=Response(records="items"),
            pages=Pages(kind="none"),
            table=Table(mode="upsert", key=("id",)),
        )
    )
    context = RunContext(store=store, staging=store.path.parent, now=clock, secret=lambda *_: KEY)
    for _ in range(2):
        report = run(endpoint, context, CancelToken())
        assert report.status == "succeeded", report
        assert cursor(store) == (kept and api.url("/items") + kept)
    sent = api.requests[-1]
    assert sent.param("since") == ("5" if kept else "")
    if auth.kind == "query":
        assert sent.param("key") == KEY


@pytest.mark.parametrize("header", ["ETag", "Last-Modified"])
def test_a_tag_with_a_secret_in_it_is_not_written(api, store, clock, header):
    url = api.route("/items", lambda _: json_reply([{"id": 1}]).with_headers(**{header: f'"{KEY}"'}))
    endpoint = completed(Endpoint(url=url, name="Items", auth=Auth(kind="bearer"), pages=Pages(kind="none")))
    context = RunContext(store=store, staging=store.path.parent, now=clock, secret=lambda *_: KEY)
    assert run(endpoint, context, CancelToken()).status == "succeeded"
    with store.reading() as db:
        assert KEY not in repr(read_marks(db, "items"))
