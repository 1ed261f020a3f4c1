"""Runs against a real server and a real file: what the user's table has afterwards, and what he is told."""

import json
import threading
import time
from datetime import UTC, datetime

import msgspec
import pytest

from tests.patience import quickest
from tests.server import (
    ApiServer,
    Guarded,
    Listing,
    basic,
    bearer,
    gzipped,
    header_key,
    html,
    in_turn,
    json_reply,
    late,
    login_page,
    problem,
    query_key,
    raw,
    redirect,
    silent,
    trickle,
)
from trayapp.endpoints.model import Auth, Endpoint, Limits, Pages, Request, Response, Retry, Table
from trayapp.endpoints.naming import completed
from trayapp.endpoints.units import Duration, Rate, Size
from trayapp.store.bookkeeping.history import list_runs
from trayapp.sync.cancel import BY_USER, CancelToken
from trayapp.sync.http import retry
from trayapp.sync.run.context import RunContext
from trayapp.sync.run.runner import run

RECORDS = [{"id": n, "name": f"n{n}", "nested": {"a": [n]}} for n in range(1, 24)]


@pytest.fixture(autouse=True)
def _quick_retries(monkeypatch):
    monkeypatch.setattr(retry, "pause_before", lambda attempt, asked, jitter: 0.0)


def mirror(store, url, token=None, secret=None, progress=lambda _: None, full=False, apply_held=False, **fields):
    endpoint = completed(Endpoint(url=url, name="Items", **fields))
    context = RunContext(store=store, staging=store.path.parent, secret=lambda _id, _auth: secret)
    return run(endpoint, context, token or CancelToken(), progress, full=full, apply_held=apply_held)


def rows(store, table="items"):
    with store.reading() as db:
        names = [row[1] for row in db.execute(f'PRAGMA table_info("{table}")')]
        return [dict(zip(names, row, strict=True)) for row in db.execute(f'SELECT * FROM "{table}" ORDER BY 1')]


def as_stored(records):
    return [
        {name: json.dumps(v, separators=(",", ":")) if isinstance(v, dict | list) else v for name, v in record.items()}
        for record in records
    ]


@pytest.mark.parametrize(
    "listing",
    [
        {"pages": "none"},
        {"pages": "none", "items": "data.list"},
        {"pages": "link"},
        {"pages": "link", "relative": True, "total": "header:X-Total-Count"},
        {"pages": "next_url"},
        {"pages": "next_url", "at": "links.next", "items": "data", "total": "meta.total"},
        {"pages": "next_url", "at": "_links.next.href", "relative": True},
        {"pages": "next_url", "at": "@odata.nextLink", "items": "value"},
        {"pages": "next_url", "at": "paging.next"},
    ],
    ids=str,
)
def test_a_listing_is_mirrored_exactly_and_followed(api, store, listing):
    served = Listing(RECORDS, size=10, **listing)
    url = api.route("/items", served)
    first = mirror(store, url)
    assert (first.status, first.added, str(first.sentence)) == ("succeeded", 23, "23 new.")
    assert rows(store) == as_stored(RECORDS)
    second = mirror(store, url)
    assert (second.added, second.changed, second.deleted, second.unchanged) == (0, 0, 0, 23)
    assert str(second.sentence) == "No changes."
    served.records = [RECORDS[0] | {"name": "edited"}, *RECORDS[2:], {"id": 99, "name": "new", "nested": {}}]
    third = mirror(store, url)
    assert (third.added, third.changed, third.deleted, third.unchanged) == (1, 1, 1, 21)
    assert str(third.sentence) == "1 new, 1 changed, 1 deleted."
    assert rows(store) == as_stored(served.records)
    assert third.rows == 23


def test_every_run_is_in_the_history_and_an_unchanged_one_writes_nothing_else(api, store):
    url = api.route("/items", Listing(RECORDS, pages="link"))
    mirror(store, url)

    def everything_else():
        with store.reading() as db:
            tables = [name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
            return {name: db.execute(f'SELECT * FROM "{name}"').fetchall() for name in tables if name != "_sync_runs"}

    before = everything_else()
    report = mirror(store, url)
    assert everything_else() == before
    with store.reading() as db:
        newest, first = list_runs(db)
    assert (newest.unchanged, str(newest.sentence), newest.status) == (23, "No changes.", "succeeded")
    assert (first.added, first.requests, newest.requests) == (23, 2 * 3, 3)
    assert newest.bytes == report.bytes > 0
    assert not store.path.with_name("t.db-wal").stat().st_size


def test_records_and_key_can_be_given(api, store):
    body = {"data": [{"wrong": 1}], "deep": {"list": [{"a": 1, "b": 2}, {"a": 1, "b": 3}]}}
    url = api.route("/items", json_reply(body))
    report = mirror(store, url, response=Response(records="deep.list"), table=Table(key=("a", "b")))
    assert (report.status, report.added) == ("succeeded", 2)
    again = mirror(
        store, url, response=Response(records="jmes:deep.list[?b > `2`]"), table=Table(name="picked", key=("b",))
    )
    assert (again.status, again.added) == ("succeeded", 1)


@pytest.mark.parametrize("path", ["", "jmes:@"])
def test_the_object_itself_can_be_the_record(api, store, path):
    url = api.route("/items", json_reply({"count": 1, "next": None, "name": "only"}))
    assert "no list of records" in str(mirror(store, url).problem.title)
    assert mirror(store, url, response=Response(records=path)).added == 1


@pytest.mark.parametrize(
    ("auth", "check"),
    [
        (Auth(kind="basic", user="me"), basic("me", "s3:crèt")),
        (Auth(kind="bearer"), bearer("s3:crèt")),
        (Auth(kind="header", name="X-Api-Key"), header_key("X-Api-Key", "s3:crèt")),
        (Auth(kind="query", name="key"), query_key("key", "s3:crèt")),
    ],
    ids=lambda value: getattr(value, "kind", ""),
)
def test_credentials_go_with_every_page_and_nowhere_else(api, store, auth, check):
    secret = "s3:crèt" if auth.kind in ("basic", "query") else "s3cret-token"
    if auth.kind == "bearer":
        check = bearer(secret)
    if auth.kind == "header":
        check = header_key("X-Api-Key", secret)
    url = api.route("/items", Guarded(check, Listing(RECORDS, pages="link")))
    assert mirror(store, url, auth=auth, secret=secret).added == 23
    refused = mirror(store, url, auth=auth, secret="wrong-secret")
    assert refused.status == "failed"
    assert "credentials" in str(refused.problem.title)
    assert "wrong-secret" not in repr(refused)
    missing = mirror(store, url, auth=auth, secret=None)
    assert "traysync secret set" in str(missing.problem.next)


def test_a_redirect_elsewhere_gets_no_credentials(api, store):
    with ApiServer() as other:
        other.route("/items", Listing(RECORDS))
        url = api.route("/items", redirect(other.url("/items")))
        report = mirror(
            store,
            url,
            auth=Auth(kind="header", name="X-Api-Key"),
            secret="s3cret",
            request=Request(headers={"X-Team": "blue"}),
        )
        assert report.added == 23
        assert other.leaked("s3cret", "blue") == []
    assert api.requests[0].headers["X-Api-Key"] == "s3cret"


def test_a_next_page_elsewhere_is_not_followed(api, store):
    with ApiServer() as other:
        other.route("/items", Listing(RECORDS))
        url = api.route("/items", json_reply({"items": RECORDS[:2], "next": other.url("/items")}))
        report = mirror(store, url, auth=Auth(kind="bearer"), secret="s3cret")
        assert str(report.problem.title) == "The next page is on another server"
        assert other.count() == 0


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"total": 100}, "The server reports 100 records"),
        ({"has_more": True}, "has_more"),
        ({"next_cursor": "abc"}, "next_cursor"),
    ],
)
def test_a_listing_that_cannot_be_followed_is_refused_not_cut(api, store, more, says):
    url = api.route("/items", json_reply({"items": RECORDS, **more}))
    report = mirror(store, url)
    assert report.status == "failed"
    assert says in str(report.problem.cause)
    assert "pages.kind" in str(report.problem.next)
    assert mirror(store, url, pages=Pages(kind="none")).added == 23


@pytest.mark.parametrize("records", [RECORDS, [*RECORDS, {"id": 99}]])
def test_a_later_page_that_holds_no_objects_changes_nothing(api, store, records):
    served = Listing(RECORDS, pages="link")
    url = api.route("/items", served)
    mirror(store, url)
    served.records = [*records, 17]
    report = mirror(store, url)
    assert (report.status, len(rows(store))) == ("failed", 23)
    assert "The list has a number in it" in str(report.problem.cause)
    served.records = RECORDS
    assert mirror(store, url).unchanged == 23


def test_a_total_that_does_not_match_deletes_nothing(api, store):
    served = Listing(RECORDS, pages="link", total="header:X-Total-Count")
    url = api.route("/items", served)
    mirror(store, url)

    def lying(seen):
        return served(seen).with_headers(X_Total_Count="50")

    served.records = RECORDS[:20]
    api.route("/items", lying)
    report = mirror(store, url)
    assert (report.deleted, len(rows(store))) == (0, 23)
    assert (report.status, report.evidence) == ("incomplete", "unproven")
    assert "50 records" in str(report.problem.cause)
    assert "Nothing was deleted" in str(report.problem.next)
    api.route("/items", served)
    assert mirror(store, url).deleted == 3


def test_an_incomplete_listing_replaces_nothing(api, store):
    served = Listing(RECORDS, pages="link", total="header:X-Total-Count")
    url = api.route("/items", served)
    replace = Table(mode="replace", key=("id",))
    mirror(store, url, table=replace)
    served.records = RECORDS[:12]
    api.route("/items", lambda seen: served(seen).with_headers(X_Total_Count="50"))
    report = mirror(store, url, table=replace)
    assert (report.status, str(report.problem.title)) == ("failed", "The list is incomplete")
    assert rows(store) == as_stored(RECORDS)
    api.route("/items", served)
    assert mirror(store, url, table=replace).rows == 12


def test_a_list_that_becomes_empty_is_held_until_the_user_agrees(api, store):
    served = Listing(RECORDS)
    url = api.route("/items", served)
    mirror(store, url)
    served.records = []
    report = mirror(store, url)
    assert (report.status, report.held, report.deleted) == ("held", 23, 0)
    assert str(report.sentence) == "No changes. 23 deletions need your confirmation."
    assert len(rows(store)) == 23
    assert mirror(store, url, apply_held=True).deleted == 23
    assert rows(store) == []


@pytest.mark.parametrize(
    ("answer", "title", "cause"),
    [
        (problem(401, "Unauthorized", "Token expired."), "does not accept the credentials", "Token expired."),
        (problem(403, "Forbidden"), "denies access", "Forbidden"),
        (problem(404, "Not Found", "No such repo."), "nothing at this address", "No such repo."),
        (html(404), "nothing at this address", "status 404"),
        (problem(500, "Oops"), "has a problem", "Oops"),
        (json_reply({"error": {"message": "bad parameter"}}, 400), "rejects the request", "bad parameter"),
        (html(200, "Welcome"), "a web page, not data", "the web page “Welcome”"),
        (login_page(), "requires a sign-in", "sign-in page"),
        (raw(b""), "The response is empty", "sent nothing"),
        (raw(b'[{"id": 1}, {"id": 2'), "was cut off", "incomplete JSON"),
        (raw(b"id,name\n1,a\n"), "is not JSON", "id,name 1,a"),
        (json_reply({"a": 1}), "no list of records", "an object without a list"),
        (json_reply(["a", "b"]), "no list of records", "a list of plain values"),
        (json_reply([{"name": "x"}, {"name": "x"}]), "", ""),
    ],
    ids=lambda value: "" if not isinstance(value, str) else value,
)
def test_every_failure_has_a_title_a_cause_and_leaves_the_table(api, store, answer, title, cause):
    url = api.route("/items", in_turn(Listing(RECORDS), answer))
    mirror(store, url)
    report = mirror(store, url)
    if not title:  # identical records lose their key: refused, never merged
        assert "no key" in str(report.problem.title)
        return
    assert report.status == "failed"
    assert title in str(report.problem.title)
    assert cause in str(report.problem.cause)
    assert str(report.problem.next)
    assert str(report.problem.title) in str(report.sentence)
    assert rows(store) == as_stored(RECORDS)
    with store.reading() as db:
        assert list_runs(db)[0].status == "failed"


def test_what_fails_for_a_moment_is_tried_again(api, store):
    listing = Listing(RECORDS, pages="link")
    busy = problem(503, "Busy")
    url = api.route("/items", in_turn(busy, listing, busy, busy, listing))
    report = mirror(store, url)
    assert (report.status, report.added, report.requests) == ("succeeded", 23, 2 * 3 + 3)


def test_a_long_retry_after_becomes_the_next_attempt(api, store):
    url = api.route("/items", problem(429, "Slow down").with_headers(Retry_After="3600"))
    report = mirror(store, url)
    assert (report.retry_after, report.requests) == (3600, 1)
    assert "fewer requests" in str(report.problem.title)


def test_nobody_there(store):
    with ApiServer() as gone:
        url = gone.url("/items")
    report = mirror(store, url)
    assert str(report.problem.title) == "The server can't be reached"
    assert str(mirror(store, "http://nowhere.invalid/x").problem.title) == "The server can't be found"


def test_limits_are_kept(api, store):
    url = api.route("/items", Listing(RECORDS, pages="link", size=5))
    assert "too many pages" in str(mirror(store, url, limits=Limits(pages=2)).problem.title)
    assert "too much" in str(mirror(store, url, limits=Limits(bytes=Size(500))).problem.title)
    capped = mirror(store, url, pages=Pages(kind="link", max=2))
    assert (capped.added, capped.deleted) == (10, 0)
    assert "first 2 pages" in str(capped.warnings[0])
    assert rows(store) == as_stored(RECORDS[:10])


def test_a_rate_limit_spaces_the_requests(api, store):
    url = api.route("/items", Listing(RECORDS, pages="link"))
    started = time.monotonic()
    mirror(store, url, limits=Limits(rate=Rate.parse("20/s")))
    assert time.monotonic() - started >= 0.1


@pytest.mark.parametrize("answer", [silent(), trickle(json_reply(RECORDS), 1, 0.2), late(json_reply(RECORDS), 60)])
def test_a_stop_is_heard_within_a_second(api, store, answer):
    url = api.route("/items", answer)

    def stops():
        token = CancelToken()
        threading.Timer(0.3, token.cancel, [BY_USER]).start()
        report = mirror(store, url, token)
        assert (report.status, str(report.reason)) == ("stopped", "stopped by the user")
        assert str(report.sentence) == "Stopped by the user."

    assert quickest(stops, 1.3) < 1.3


def test_a_run_that_takes_too_long_is_stopped(api, store):
    url = api.route("/items", trickle(json_reply(RECORDS), 1, 0.1))
    report = mirror(store, url, limits=Limits(run=Duration(1)))
    assert (report.status, str(report.reason)) == ("stopped", "took longer than 1s")


@pytest.mark.parametrize("target", ["/items", "/other"])
def test_paging_in_a_circle_is_noticed(api, store, target):
    api.route("/other", json_reply({"items": RECORDS[:2], "next": "/items"}))
    url = api.route("/items", json_reply({"items": RECORDS[:2], "next": target}))
    assert "same records" in str(mirror(store, url).problem.cause)
    assert "same records" in str(mirror(store, url, pages=Pages(kind="next_url", path="next")).problem.cause)


def test_compressed_and_oddly_encoded_answers(api, store):
    url = api.route("/items", gzipped(json_reply(RECORDS)))
    assert mirror(store, url).added == 23
    text = json.dumps([{"id": 1, "name": "größe"}], ensure_ascii=False)
    for body, kind in (
        (text.encode("utf-8-sig"), "application/json"),
        (text.encode("utf-16"), "application/json"),
        (text.encode("latin-1"), "application/json; charset=iso-8859-1"),
    ):
        api.route("/odd", raw(body, kind))
        mirror(store, api.url("/odd"), id="odd", table=Table(name="odd"))
        assert rows(store, "odd") == [{"id": 1, "name": "größe"}]


def test_params_and_a_body_are_sent(api, store):
    url = api.route("/items?a=1&b=x%20y", json_reply(RECORDS))
    url = api.url("/items?a=1&b=x%20y")
    api.route("/items", json_reply(RECORDS))
    mirror(store, url, request=Request(params={"a": 2, "c": True}, headers={"X-Team": "blue"}))
    assert api.requests[0].target == "/items?b=x%20y&a=2&c=true"
    assert api.requests[0].headers["X-Team"] == "blue"
    assert api.requests[0].headers["User-Agent"].startswith("TraySync/")
    mirror(store, url, request=Request(method="POST", json={"query": "ä"}))
    assert api.requests[-1].json() == {"query": "ä"}
    assert api.requests[-1].headers["Content-Type"] == "application/json"


def test_records_without_a_key_are_mirrored_by_content_and_told(api, store):
    url = api.route("/items", json_reply([{"t": 1.5}, {"t": 1.5}, {"t": 2.5}]))
    report = mirror(store, url)
    assert (report.added, len(report.warnings)) == (3, 1)
    assert mirror(store, url).unchanged == 3


def test_the_key_found_first_stays(api, store):
    """A later page-one on which another field would win must not make the table anew."""
    served = Listing([{"code": "a", "id": None}, {"code": "b", "id": 1}])
    url = api.route("/items", served)
    assert mirror(store, url).added == 2
    served.records = [{"code": "a", "id": 7}, {"code": "b", "id": 1}]
    report = mirror(store, url)
    assert (report.added, report.changed) == (0, 1)


def test_progress_is_told_and_the_clock_is_the_given_one(api, store):
    url = api.route("/items", Listing(RECORDS, pages="link", total="header:X-Total-Count"))
    told = []
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    endpoint = completed(Endpoint(url=url, name="Items", retry=Retry()))
    context = RunContext(store=store, staging=store.path.parent, now=lambda: moment)
    report = run(endpoint, context, CancelToken(), told.append)
    assert [(each.pages, each.records, each.total) for each in told[:3]] == [(1, 10, 23), (2, 20, 23), (3, 23, 23)]
    assert report.started == report.finished == moment
    assert msgspec.json.encode(report)


def test_a_widened_column_fetches_once_more_what_it_forgot(api, store):
    served = Listing([{"id": 1, "v": True}, {"id": 2, "v": 1}])
    url = api.route("/items", served)
    mirror(store, url)
    served.records = [*served.records, {"id": 3, "v": "x"}]
    report = mirror(store, url)
    assert report.status == "succeeded"
    assert [row["v"] for row in rows(store)] == ["true", "1", "x"]


def test_what_an_attempt_warned_of_that_was_begun_anew_is_not_told_twice(api, store):
    records = [{"id": n, "v": n} for n in range(20)]
    url = api.route("/items", lambda seen: problem(400, "Unknown") if seen.query else json_reply(records))
    (warning,) = map(str, mirror(store, url).warnings)
    records[:2] = {"id": 0, "v": True}, {"id": 1, "v": "x"}
    report = mirror(store, url)
    assert (report.status, [row["v"] for row in rows(store)][:3]) == ("succeeded", ["true", "x", "2"])
    assert tuple(map(str, report.warnings)) == (warning,)
