"""Answers that are one object, or plain values: when they are records, and when they rather are complaints."""

import pytest

from tests.server import json_reply, raw
from tests.sync.mirroring import mirroring
from trayapp.store.bookkeeping.history import list_changes
from trayapp.store.mirror.schema import HASH_KEY, ONLY_KEY
from trayapp.sync.records.single import Guess, guess


@pytest.fixture
def mirror(tmp_path):
    with mirroring(tmp_path) as mirror:
        yield mirror


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"id": 1, "name": "x"}, ""),
        ({"temperature": 21.5}, ""),
        ({"base": "EUR", "rates": {"USD": 1.1, "GBP": 0.9}}, ""),
        ({"id": 5, "owners": []}, ""),
        ({"id": 5, "state": "done", "log": "x", "error": "boom"}, ""),
        ({"id": 5, "next": None, "name": "x"}, ""),
        ({"name": "x", "error": None, "errors": []}, ""),
        ({"success": True, "data": {"id": 1}}, "data[]"),
        ({"status": "ok", "result": {"degrees": 3}, "took": 5}, "result[]"),
        ({"id": 1, "data": {"a": 1}}, ""),
    ],
)
def test_one_object_is_a_record(body, path):
    assert guess(body, "json") == Guess(path, alone=True, weak=True)


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"status": {"version": 3, "name": "x"}}, "status[]"),
        ({"room": {"id": 4, "Message": "full", "tag": ["a", "b"], "note": None}}, "room[]"),
    ],
)
def test_an_xml_element_with_plain_members_is_a_record(body, path):
    assert guess(body, "xml") == Guess(path, alone=True, weak=True)


@pytest.mark.parametrize(
    "body",
    [
        {"items": None},
        {"items": {"count": 0}},
        {"shop": {"name": "x", "items": None}},
        {"Error": {"Code": "AccessDenied", "Message": "no", "Bucket": "b"}},
        {"soap:Fault": {"faultcode": 1, "faultstring": "no"}},
        {"Response": {"RequestId": "7", "Message": "Not found", "Code": 404}},
        {"Response": {"Status": "failed", "Error": "no"}},
        {"a": {"b": {"c": 1}, "d": {"e": 1}}},
        {"root": "text"},
    ],
)
def test_other_xml_is_none(body):
    assert guess(body, "xml") is None


def test_an_xml_object_is_mirrored_as_one_row(mirror):
    def weather(degrees):
        return raw(f"<weather><station>Graz</station><degrees>{degrees}</degrees></weather>".encode(), "text/xml")

    assert mirror.add(weather(21.5)) == [{"station": "Graz", "degrees": 21.5, ONLY_KEY: 1}]
    assert (mirror.preview.records_path, tuple(map(str, mirror.preview.warnings))) == ("weather[]", ())
    (row,) = mirror.sync(weather(19))
    assert (row["degrees"], mirror.report.changed, mirror.report.deleted) == (19, 1, 0)
    assert mirror.sync(raw(b"<Error><Code>Busy</Code><Message>Later</Message></Error>", "text/xml")) is None
    assert str(mirror.report.problem.title) == "The response has no list of records"
    assert mirror.rows() == [row]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"status": "ok"},
        {"error": "no"},
        {"error": {"code": 1}, "id": 1, "jsonrpc": "2.0"},
        {"message": "Not Found", "documentation_url": "https://a.example"},
        {"timestamp": "now", "status": 404, "error": "Not Found", "path": "/x"},
        {"errors": [{"message": "no"}], "data": {"viewer": {"id": 1}}},
        {"success": False, "data": {"id": 1}},
        {"success": True, "data": {}},
        {"data": None},
        {"tickets": None, "status": "ok"},
        {"tickets": []},
        {"tickets": {}, "took": 1},
        {"id": "list", "tickets": [], "total": 0},
        {"count": 0, "rooms": 3},
        {"tickets": [], "next": None},
        {"_links": {"self": "/"}, "page": {"totalElements": 0}},
        {"matrix": [[1, 2], [3, 4]]},
        42,
        "text",
        None,
    ],
)
def test_what_may_be_a_complaint_or_an_empty_listing_is_no_record(body):
    assert guess(body, "json") is None


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ([1, 2], "as value"),
        (["a", None], "as value"),
        ({"ids": [1]}, "ids as value"),
        ({"status": "ok", "total": 2, "ids": [1, 2], "next": None}, "ids as value"),
    ],
)
def test_plain_values_are_records(body, path):
    assert guess(body, "json") == Guess(path, weak=True)


@pytest.mark.parametrize("body", [[], [[1], [2]], [{"a": 1}, 2], {"name": "x", "tags": ["a"]}])
def test_other_lists_are_no_plain_values(body):
    assert "value" not in getattr(guess(body, "json"), "path", "")


def test_an_object_without_id_changes_in_its_one_row(mirror):
    assert mirror.add(json_reply({"mood": "good", "at": 1})) == [{ONLY_KEY: 1, "mood": "good", "at": 1}]
    assert mirror.preview.key == (ONLY_KEY,)
    assert mirror.preview.warnings == ()
    mirror.api.route("/items", json_reply({"mood": "bad", "at": 1, "why": "rain"}))
    assert mirror.run(mirror.preview.endpoint) == [{ONLY_KEY: 1, "mood": "bad", "at": 1, "why": "rain"}]
    report = mirror.report
    assert (report.added, report.changed, report.deleted, report.unchanged, report.rows) == (0, 1, 0, 0, 1)
    with mirror.store.reading() as db:
        (change,) = list_changes(db, "items")
    assert (change.kind, change.before, change.after) == (
        "changed",
        {"mood": "good", "why": None},
        {"mood": "bad", "why": "rain"},
    )
    assert mirror.run(mirror.preview.endpoint)
    assert (mirror.report.changed, mirror.report.unchanged) == (0, 1)


def test_an_object_that_becomes_a_list_is_refused(mirror):
    mirror.add(json_reply({"mood": "good"}))
    mirror.api.route("/items", json_reply([{"mood": "good"}, {"mood": "bad"}]))
    assert mirror.run(mirror.preview.endpoint) is None
    assert "is not unique" in str(mirror.report.problem.title)
    assert len(mirror.rows()) == 1


def test_an_object_that_becomes_a_complaint_is_refused(mirror):
    mirror.add(json_reply({"mood": "good"}))
    for complaint in ({"error": "quota used up"}, {"message": "Try again"}):
        mirror.api.route("/items", json_reply(complaint))
        assert mirror.run(mirror.preview.endpoint) is None
        assert str(mirror.report.problem.title) == "The response has no list of records"
    assert mirror.rows() == [{ONLY_KEY: 1, "mood": "good"}]


@pytest.mark.parametrize("records", [[{"id": 1, "mood": "good"}], [{"id": n, "mood": "good"} for n in range(5)]])
@pytest.mark.parametrize("other", [{"maintenance": True}, {"id": 7, "mood": "?"}, ["maintenance"]])
def test_a_list_found_by_itself_never_becomes_an_object(mirror, records, other):
    """Nothing is saved of what was found: each run looks anew."""
    mirror.sync(json_reply(records))
    rows = mirror.sync(json_reply(other))
    if len(records) == 1 and "mood" in other:
        assert [row["id"] for row in rows] == [7], "it has the same fields, and there was one row"
        return
    assert str(mirror.report.problem.title) == "The response has no list of records"
    assert mirror.rows() == records


def test_an_empty_list_with_a_complaint_fails_instead_of_holding_deletes(mirror):
    mirror.add(json_reply({"success": True, "items": [{"id": n} for n in range(5)]}))
    mirror.api.route("/items", json_reply({"success": False, "items": [], "message": "Slow down"}))
    assert mirror.run(mirror.preview.endpoint) is None
    assert "Slow down" in str(mirror.report.problem.cause)


def test_plain_values_have_themselves_as_key(mirror):
    assert mirror.add(json_reply([3, 1, 2])) == [{"value": 1}, {"value": 2}, {"value": 3}]
    assert mirror.preview.key == ("value",)
    mirror.api.route("/items", json_reply([3, 5]))
    assert mirror.run(mirror.preview.endpoint) == [{"value": 3}, {"value": 5}]


def test_values_that_come_twice_are_counted_by_their_content(mirror):
    mirror.add(json_reply(["a", "b", "a"]))
    assert (mirror.preview.key, sorted(row["value"] for row in mirror.rows())) == ((HASH_KEY,), ["a", "a", "b"])
    mirror.api.route("/items", json_reply(["a", "b"]))
    assert sorted(row["value"] for row in mirror.run(mirror.preview.endpoint)) == ["a", "b"]
    assert (mirror.report.added, mirror.report.deleted) == (0, 1)


def test_pages_of_single_objects_are_followed(mirror):
    def handler(seen):
        number = int(seen.param("n", "1"))
        return json_reply({"id": number, "next": f"/items?n={number + 1}" if number < 4 else None})

    assert [row["id"] for row in mirror.add(handler)] == [1, 2, 3, 4]
