"""Answers with status 200 that are not all there, and such as look like none before."""

import msgspec
import pytest

from tests.server import json_reply
from tests.sync.mirroring import mirroring
from trayapp.endpoints.model import Response, Table
from trayapp.sync.http.request import Answer
from trayapp.sync.paging.answer_shape import AnswerShape, failure_in, shape_of
from trayapp.sync.paging.envelope import read_envelope


@pytest.fixture
def mirror(tmp_path):
    with mirroring(tmp_path) as mirror:
        yield mirror


KEY = Table(key=("id",))
ITEMS = [{"id": id, "name": f"n{id}"} for id in range(30)]
FAILURES = [
    ({"errors": [{"message": "Timeout on resolver"}]}, "Timeout on resolver"),
    ({"error": "half of it"}, "half of it"),
    ({"error": {"code": 17, "message": "busy"}}, ""),
    ({"remark": "runtime error: Query timed out"}, "runtime error"),
    ({"Note": "Our API call frequency: limit reached"}, "limit reached"),
    ({"warnings": ["Results were truncated"]}, "truncated"),
    ({"timed_out": True}, "True"),
    ({"_shards": {"total": 5, "failed": 2}}, "2"),
    ({"success": False}, "False"),
    ({"status": "partial"}, "partial"),
    ({"meta": {"partialFailures": "3"}}, "3"),
]
HARMLESS = [
    {"errors": [], "error": None, "warnings": ["name is deprecated"], "message": "OK", "status": "ok", "took": 5},
    {"_shards": {"total": 5, "failed": 0}, "timed_out": False, "success": True, "note": "Data from 2026"},
    {"errorCode": 0, "error_code": "0", "fault": "", "failures": {}},
]


def envelope(members):
    return read_envelope(msgspec.json.encode({**members, "items": ITEMS}), "items", "")


@pytest.mark.parametrize(("members", "words"), FAILURES, ids=lambda each: str(each)[:40])
def test_what_says_that_an_answer_is_not_all_there(members, words):
    found = failure_in(envelope(members))
    assert found is not None
    assert words in found[1]


@pytest.mark.parametrize("members", HARMLESS, ids=str)
def test_what_does_not(members):
    assert failure_in(envelope(members)) is None


def test_members_of_the_records_say_nothing_of_the_answer():
    assert failure_in(read_envelope(b'{"items": {"a": {"error": "x"}, "b": {"error": "y"}}}', "items.*", "")) is None


@pytest.mark.parametrize(("members", "words"), FAILURES, ids=lambda each: str(each)[:40])
def test_such_an_answer_deletes_nothing_and_is_told(mirror, members, words):
    mirror.sync(json_reply({"items": ITEMS}), table=KEY)
    mirror.sync(json_reply({**members, "items": [*ITEMS[:20], {"id": 99, "name": "new"}]}), table=KEY)
    report = mirror.report
    assert (report.status, report.deleted, report.added, len(mirror.rows())) == ("incomplete", 0, 1, 31)
    assert words in str(report.problem.cause)
    mirror.sync(json_reply({"items": ITEMS[:25]}), table=KEY)
    assert (mirror.report.status, mirror.report.deleted) == ("succeeded", 6)


def test_a_first_answer_of_that_kind_is_refused_unless_somebody_knows_better(mirror):
    answer = json_reply({"items": ITEMS, "errors": ["always here"]})
    mirror.sync(answer, table=KEY)
    assert (mirror.report.status, str(mirror.report.problem.title)) == ("failed", "The response is not complete")
    assert "always here" in str(mirror.report.problem.cause)
    mirror.sync(answer, table=KEY, response=Response(harmless=("errors",)))
    assert (mirror.report.status, mirror.report.added) == ("succeeded", 30)


def test_a_member_that_was_never_there_holds_deletions_once(mirror):
    mirror.sync(json_reply({"items": ITEMS}), table=KEY)
    odd = json_reply({"items": ITEMS[:25], "zorp": {"level": 3}})
    mirror.sync(odd, table=KEY)
    assert (mirror.report.status, mirror.report.deleted, mirror.report.evidence) == ("succeeded", 0, "unproven")
    assert any("zorp.level" in str(warning) for warning in mirror.report.warnings)
    mirror.sync(odd, table=KEY)
    assert (mirror.report.status, mirror.report.deleted) == ("succeeded", 5)


def test_other_statuses_and_types_hold_deletions_too(mirror):
    mirror.sync(json_reply({"items": ITEMS}), table=KEY)
    mirror.sync(json_reply({"items": ITEMS[:25]}, 203), table=KEY)
    assert (mirror.report.deleted, mirror.report.evidence) == (0, "unproven")
    mirror.sync(json_reply({"items": ITEMS[:25]}), table=KEY)
    assert mirror.report.deleted == 5


@pytest.mark.parametrize("body", [{}, [], {"message": "computing"}], ids=str)
def test_data_that_is_still_being_made_is_asked_for_again(mirror, body):
    mirror.sync(json_reply(ITEMS), table=KEY)
    mirror.sync(json_reply(body, 202), table=KEY)
    assert (mirror.report.status, mirror.report.problem.code, len(mirror.rows())) == ("failed", "not_ready", 30)


@pytest.mark.parametrize("body", [{"Note": "Thank you"}, {"id": 1, "name": "x"}, {"message": "limit"}], ids=str)
@pytest.mark.parametrize("key", [("id",), ("_sync_hash",)], ids=str)
def test_an_object_where_a_list_was_is_no_record(mirror, body, key):
    mirror.sync(json_reply(ITEMS), table=Table(key=key))
    mirror.sync(json_reply(body), table=Table(key=key), response=Response(records=""))
    assert (mirror.report.status, len(mirror.rows())) == ("failed", 30)


def test_the_shape_of_a_map_does_not_hang_on_its_names():
    answer = Answer(url="http://a.example", status=200, headers={"Content-Type": "application/json"}, body=b"")
    maps = [shape_of(answer, envelope({"facets": {f"{n}{i}": i + 1 for i in range(30)}})) for n in "ab"]
    assert maps[0] == maps[1] == AnswerShape((200,), ("application/json",), ("facets",))
