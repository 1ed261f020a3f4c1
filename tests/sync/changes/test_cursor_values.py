"""What cursors mean, how they are written back, and what makes two runs comparable. Without a server."""

import json
import time
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from trayapp.endpoints.model import Auth, Endpoint, Incremental, Pages, Request, Response, Table
from trayapp.endpoints.units import Duration
from trayapp.store.bookkeeping.endpoint_states import Marks
from trayapp.sync.changes.cursor import (
    Newest,
    Tracker,
    asks_for_changes,
    fingerprint,
    is_expired,
    is_partial,
    next_cursor,
    parsed,
    server_time,
    since,
    values_of,
)
from trayapp.sync.errors import SyncError
from trayapp.sync.http.request import Answer, Call
from trayapp.sync.paging.envelope import Envelope

TEN = datetime(2026, 3, 1, 10, 0, 0, tzinfo=UTC)


def at(seconds):
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("text", "style", "value"),
    [
        ("0", "number", 0),
        ("-5", "number", -5),
        ("+5", "number", 5),
        ("99999999", "number", 99999999),
        ("100000000", "epoch", at(1e8)),
        ("99999999999", "epoch", at(99999999999)),
        ("100000000000", "epoch_ms", at(1e8)),
        ("99999999999999", "epoch_ms", at(99999999999.999)),
        ("100000000000000", "number", 10**14),
        ("9" * 40, "number", int("9" * 40)),
        ("9" * 41, "text", "9" * 41),
        ("123456789.5", "epoch", at(123456789.5)),
        ("1234567890.25", "epoch", at(1234567890.25)),
        ("12345678.5", "text", "12345678.5"),
        ("12345678901.5", "text", "12345678901.5"),
        ("2026-03-01", "iso", datetime(2026, 3, 1, tzinfo=UTC)),
        ("2026-03-01T12:00+02:00", "iso", TEN),
        ("2026-13-01", "text", "2026-13-01"),
        ("0001-01-01T00:00:00+05:00", "text", "0001-01-01T00:00:00+05:00"),
        ("Sun, 01 Mar 2026 10:00:00 GMT", "mail", TEN),
        ("Sun, 01 Mar 2026 11:00:00 +0100", "mail", TEN),
        ("Sun, 1 what", "text", "Sun, 1 what"),
        ("sun, 01 Mar 2026 10:00:00 GMT", "text", "sun, 01 Mar 2026 10:00:00 GMT"),
        ("", "text", ""),
        ("x5", "text", "x5"),
    ],
)
def test_what_a_cursor_means(text, style, value):
    cursor = parsed(text)
    assert (cursor.text, cursor.style, cursor.value) == (text, style, value)


def test_a_time_without_a_zone_is_utc_wherever_the_machine_is(monkeypatch):
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        assert parsed("2026-03-01 10:00:00").value == TEN
        assert server_time(answer(Date="Sun, 01 Mar 2026 10:00:00 -0000")) == TEN
        assert next_cursor(Newest("2026-03-02 10:00:00"), TEN) == "2026-03-01 10:00:00"
    finally:
        monkeypatch.undo()
        time.tzset()


def test_before_anything_came_there_is_no_newest():
    assert (Newest().text, Newest("5").text) == (None, "5")


@pytest.mark.parametrize(
    ("records", "path", "values"),
    [
        ([b'{"at": "x"}', b'{"at": -5}', b'{"at": 1.50}', b"{}"], "at", ["x", "-5", "1.50", None]),
        (
            [b'{"at": "a\\u0041"}', b'{"at": true}', b'{"at": null}', b'{"at": {"b": 1}}'],
            "at",
            ["aA", None, None, None],
        ),
        ([b'{"a": {"b": 7}}', b'{"a": {}}', b'{"a": null}', b'{"c": 1}'], "a.b", ["7", None, None, None]),
        ([b'{"a": {"b": 7}}', b'{"a": [1]}'], "a.b", ["7", None]),
        ([b'{"a": {"b": {"c": "x"}}}', b'{"a": {"b": 1}}'], "a.b.c", ["x", None]),
        ([b'{"a.b": 5}', b'{"a.b": 7.0}', b'{"a.b": false}'], "a.b", ["5", "7.0", None]),
        ([b'{"at": "\xff"}', b'{"at": "y"}'], "at", [None, "y"]),
        ([b'{"at": "x", "n": NaN}', b'{"at": "y"}'], "at", [None, "y"]),
        ([], "at", []),
        ([], "a.b", []),
    ],
)
def test_cursors_in_records(records, path, values):
    try:
        assert values_of(records, path) == values
    except UnicodeDecodeError:
        assert b"\xff" in records[0], "told as a wrong encoding"


@pytest.mark.parametrize(
    ("earlier", "later"), [("5", "x"), ("2026-03-01", "5"), ("abc", "2026-03-01"), ("9" * 41, "5")]
)
def test_what_does_not_compare_is_no_cursor(earlier, later):
    newest = Newest()
    newest.see(earlier)
    for text in ("", None, earlier):
        newest.see(text)
    assert (newest.text, newest.mixed) == (earlier, False)
    newest.see(later)
    assert (newest.text, newest.mixed, next_cursor(newest, TEN)) == (None, True, None)


BEGAN = datetime(2026, 3, 1, 8, 29, 30, 123456, tzinfo=UTC)


@pytest.mark.parametrize(
    ("newest", "capped"),
    [
        ("2026-03-01", "2026-03-01"),
        ("2026-03-02", "2026-03-01"),
        ("2026-03-02T10:00", "2026-03-01T08:29"),
        ("2026-03-02 10:00:00", "2026-03-01 08:29:30"),
        ("2026-03-02T10:00:00Z", "2026-03-01T08:29:30Z"),
        ("2026-03-02T10:00:00.5Z", "2026-03-01T08:29:30.1Z"),
        ("2026-03-02T10:00:00.000000000Z", "2026-03-01T08:29:30.123456000Z"),
        ("2026-03-02T10:00:00+02:00", "2026-03-01T10:29:30+02:00"),
        ("2026-03-02T10:00:00.000-0530", "2026-03-01T02:59:30.123-0530"),
        ("2026-03-02T10:00:00+05:30:15", "2026-03-01T08:29:30.123456+00:00"),
        ("1772999999", "1772353770"),
        ("1772999999.25", "1772353770.12"),
        ("1772999999000", "1772353770123"),
        ("Mon, 02 Mar 2026 10:00:00 GMT", "Sun, 01 Mar 2026 08:29:30 GMT"),
        ("123", "123"),
        ("zzz", "zzz"),
    ],
)
def test_what_is_newer_than_the_run_is_written_as_its_start(newest, capped):
    assert next_cursor(Newest(newest), BEGAN) == capped
    assert next_cursor(Newest(newest), datetime(2050, 1, 1, tzinfo=UTC)) == newest


def test_a_cursor_of_the_very_start_stays():
    assert next_cursor(Newest("2026-03-01T10:00:00+00:00"), TEN) == "2026-03-01T10:00:00+00:00"
    assert next_cursor(Newest("2026-03-01T10:00:00+00:00"), TEN - timedelta(microseconds=1)) == (
        "2026-03-01T09:59:59+00:00"
    )
    assert next_cursor(Newest(), TEN) is None
    assert next_cursor(Newest(""), TEN) is None


@pytest.mark.parametrize(
    ("cursor", "format", "sent"),
    [
        ("5", "", "5"),
        ("5", "epoch", "5"),
        ("5", "epoch_ms", "5"),
        ("5", "after {}", "after 5"),
        ("1772359200", "iso", "2026-03-01T10:00:00Z"),
        ("1772359200.75", "epoch", "1772359200"),
        ("1772359200.75", "epoch_ms", "1772359200750"),
        ("2026-03-01T10:00:00Z", "{date} or {epoch}", "2026-03-01 or 1772359200"),
        ("5", "iso", None),
        ("abc", "epoch", None),
        ("abc", "at {date}", None),
    ],
)
def test_a_cursor_is_written_as_the_format_says(cursor, format, sent):
    incremental = Incremental(field="at", param="X-Since", into="header", format=format)
    if sent is None:
        with pytest.raises(SyncError, match="not a time") as caught:
            since(Call(url="http://a.example/x"), incremental, cursor)
        assert (caught.value.problem.code, caught.value.problem.field) == ("cursor", "incremental.format")
    else:
        assert since(Call(url="http://a.example/x"), incremental, cursor).headers == {"X-Since": sent}


@pytest.mark.parametrize(
    ("cursor", "sent"),
    [
        ("5", 5),
        ("-5", -5),
        ("9" * 18, int("9" * 18)),
        ("9" * 19, "9" * 19),
        ("5x", "5x"),
        ("+5", "+5"),
        ("007", "007"),
        ("0", 0),
        ("-0", "-0"),
    ],
)
def test_numbers_stay_numbers_in_a_body(cursor, sent):
    call = since(Call(url="http://a.example/x"), Incremental(field="n", param="since", into="json"), cursor)
    assert json.loads(call.body) == {"since": sent}
    call = since(Call(url="http://a.example/x"), Incremental(field="n", param="since", into="header"), cursor)
    assert call.headers == {"since": cursor}


def test_the_first_run_asks_from_the_initial_value_on():
    call = Call(url="http://a.example/x")
    assert since(call, Incremental(field="at", param="since"), None) == call
    dated = Incremental(field="at", param="since", initial="2026-03-01", format="epoch", lookback=Duration(60))
    assert since(call, dated, None).url == "http://a.example/x?since=1772323200", "the start is not looked behind"
    assert since(call, dated, "2026-03-01").url == "http://a.example/x?since=1772323140"
    assert since(call, msgspec.structs.replace(dated, format=""), "50").url == "http://a.example/x?since=50"
    exact = "2026-03-01T10:00:00.123456789"
    assert since(call, Incremental(field="at", param="since"), exact).url.endswith("10%3A00%3A00.123456789")


def test_an_address_as_cursor_is_asked_for_unless_a_parameter_takes_it():
    call = Call(url="http://a.example/x", headers={"A": "b"})
    own = Incremental(path="next")
    assert since(call, own, "/x?token=5") == msgspec.structs.replace(call, url="http://a.example/x?token=5")
    with pytest.raises(SyncError, match="another server"):
        since(call, own, "http://b.example/x?token=5")
    assert since(call, Incremental(path="next", param="t"), "/x").url == "http://a.example/x?t=%2Fx"


@pytest.mark.parametrize(
    ("status", "said", "expired"),
    [
        (410, "", True),
        *((status, "The token has expired", True) for status in (400, 404, 409, 412, 422)),
        *((status, "The token has expired", False) for status in (401, 403, 405, 429, 500, None)),
        (400, "There is no such field", False),
        (400, "Sync token is invalid", True),
        (400, "Your cursor is too old.", True),
        (400, "it is NO LONGER AVAILABLE", True),
        (400, "a full resync is needed", True),
    ],
)
def test_a_cursor_that_is_too_old_is_told_from_other_refusals(status, said, expired):
    error = SyncError("No")
    error.status, error.said = status, said
    assert is_expired(error) == expired


def test_what_decides_the_listing_decides_the_cursor():
    """Whatever may change what the server lists makes the cursor worthless; nothing else does."""
    base = Endpoint(url="https://a.example/x", incremental=Incremental(field="at", param="since"))
    same = [
        {"name": "other"},
        {"table": Table(name="other")},
        {"incremental": Incremental(field="at", param="since", lookback=Duration(60), full_every=Duration(60))},
    ]
    others = [
        {"url": "https://a.example/y"},
        {"request": Request(params={"a": "b"})},
        {"auth": Auth(kind="bearer")},
        {"response": Response(records="items")},
        {"pages": Pages(kind="page")},
        {"incremental": None},
        *(
            {"incremental": msgspec.structs.replace(base.incremental, **change)}
            for change in (
                {"field": "of"},
                {"path": "next"},
                {"param": "from"},
                {"into": "json"},
                {"format": "epoch"},
                {"initial": "5"},
                {"deleted": "gone"},
            )
        ),
    ]
    prints = [fingerprint(msgspec.structs.replace(base, **change)) for change in [*same, *others]]
    assert set(prints[: len(same)]) == {fingerprint(base)}
    assert len({*prints}) == len(others) + 1
    one, two = ({"a": "1", "b": "2"}, {"b": "2", "a": "1"})
    assert len({fingerprint(msgspec.structs.replace(base, request=Request(params=each))) for each in (one, two)}) == 1
    assert fingerprint(msgspec.structs.replace(base, request=Request(timeout=Duration(5)))) != fingerprint(base)


def test_who_asks_for_changes():
    assert not asks_for_changes(Endpoint(url="https://a.example/x"))
    for incremental, asks in ((Incremental(field="a"), True), (Incremental(path="a"), True), (Incremental(), False)):
        assert asks_for_changes(Endpoint(url="https://a.example/x", incremental=incremental)) == asks


@pytest.mark.parametrize(
    ("endpoint", "age", "partial"),
    [
        ({}, timedelta(days=1) - timedelta(seconds=1), True),
        ({}, timedelta(days=1), False),
        ({}, timedelta(0), True),
        ({}, -timedelta(seconds=1), False),
        ({}, None, False),
        ({"table": Table(mode="upsert")}, timedelta(days=999), True),
        ({"table": Table(mode="upsert")}, None, True),
        ({"incremental": Incremental(field="at", full_every=Duration(60))}, timedelta(seconds=59), True),
        ({"incremental": Incremental(field="at", full_every=Duration(60))}, timedelta(seconds=60), False),
        (
            {"incremental": Incremental(field="at", full_every=Duration(60)), "table": Table(mode="upsert")},
            timedelta(seconds=60),
            False,
        ),
        ({"incremental": Incremental(path="next")}, timedelta(0), True),
        ({"incremental": Incremental(deleted="gone")}, timedelta(0), False),
        ({"incremental": None}, timedelta(0), False),
    ],
)
def test_when_only_changes_are_asked_for(endpoint, age, partial):
    fields = {"table": Table(mode="mirror"), "incremental": Incremental(field="at")} | endpoint
    endpoint = Endpoint(url="https://a.example/x", **fields)
    marks = Marks(cursor="5", last_full=None if age is None else TEN - age)
    assert is_partial(endpoint, marks, TEN) == partial
    assert not is_partial(endpoint, msgspec.structs.replace(marks, cursor=None), TEN)


def answer(**headers):
    return Answer(status=200, url="http://a.example/x", headers=headers, body=b"")


@pytest.mark.parametrize(
    ("date", "moment"),
    [
        ("Sun, 01 Mar 2026 10:00:00 GMT", TEN),
        ("Sun, 01 Mar 2026 10:00:00 -0000", TEN),
        ("Sun, 01 Mar 2026 11:00:00 +0100", TEN),
        ("yesterday", None),
        ("", None),
    ],
)
def test_the_servers_clock(date, moment):
    assert server_time(answer(Date=date)) == moment
    assert server_time(answer()) is None


@pytest.mark.parametrize(
    ("pages", "path", "cursor"),
    [
        (Pages(kind="link"), "state", "1"),
        (Pages(kind="cursor", path="next"), "state", "1"),
        (Pages(kind="next_url", path="state"), "state", "1"),
        (Pages(kind="cursor", path="state"), "state", "2"),
    ],
)
def test_the_servers_own_cursor_is_the_first_pages_unless_the_listing_goes_on_by_it(pages, path, cursor):
    tracker = Tracker(Incremental(path=path), pages, "0")
    assert tracker.cursor(TEN) == "0", "nothing was met"
    for text in (b"{}", b'{"state": 1}', b'{"state": 2}', b'{"state": null}', b'{"state": ""}', b'{"state": true}'):
        tracker.see(answer(), Envelope(text, ()), [])
    assert tracker.cursor(TEN) == cursor
    on = Tracker(Incremental(path=path), pages, "0")
    on.go_on(None, "7")
    assert on.cursor(TEN) == "7"


def test_a_fields_cursor_goes_on_from_the_one_before():
    tracker = Tracker(Incremental(field="at"), Pages(kind="link"), "5")
    tracker.see(answer(), b"", [b'{"at": 3}'])
    assert tracker.cursor(TEN) == "5"
    tracker.go_on("8", None)
    tracker.see(answer(), b"", [b'{"at": 7}', b'{"at": null}'])
    assert tracker.cursor(TEN) == "8"
    tracker.see(answer(), b"", [b'{"at": 9}'])
    assert (tracker.cursor(TEN), tracker.warnings()) == ("9", [])
    assert Tracker(Incremental(path="state", lookback=Duration(60)), Pages(), "5").warnings() == []
    back = Tracker(Incremental(field="at", lookback=Duration(60)), Pages(kind="link"))
    assert back.warnings() == []
    back.newest.see("2026-03-01")
    assert back.warnings() == []
    back.newest = Newest("5")
    assert "no effect" in str(back.warnings()[0])
    back.newest.see("x")
    assert "can't be compared" in str(back.warnings()[0])
