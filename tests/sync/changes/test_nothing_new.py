"""Servers that answer with an error where nothing is new."""

import pytest

from tests.server import Reply, html, json_reply
from tests.sync.mirroring import mirroring
from trayapp.endpoints.model import Endpoint, Incremental, Table
from trayapp.endpoints.naming import completed

CALLS = [{"id": f"c{n}", "started": f"2026-02-{n + 1:02d}T08:00:00Z"} for n in range(8)]
WORDS = [
    {"errors": ["No calls found corresponding to the provided filters"]},
    {"message": "Not found: no results matching the query"},
    {"error": {"message": "There are no records since that date"}},
    {"detail": "Could not find anything. Nothing matches."},
]


class Calls:
    """Lists what started after a moment; `nothing` is the answer where nothing did."""

    def __init__(self, nothing):
        self.nothing = nothing
        self.records = list(CALLS)

    def __call__(self, seen):
        since = seen.param("since", "")
        found = [each for each in self.records if each["started"] > since]
        return json_reply({"calls": found}) if found else self.nothing


@pytest.fixture
def mirror(tmp_path):
    with mirroring(tmp_path) as mirror:
        yield mirror


def synced(mirror, calls, mode="mirror", path="/calls"):
    incremental = Incremental(field="started", param="since")
    endpoint = Endpoint(
        url=mirror.api.route(path, calls), name="Items", incremental=incremental, table=Table(mode=mode)
    )
    return mirror.run(completed(endpoint))


@pytest.mark.parametrize("mode", ["mirror", "upsert"])
@pytest.mark.parametrize(
    "nothing",
    [
        *(json_reply(words, status=404) for words in WORDS),
        Reply(status=204),
        Reply(b"", headers={"Content-Type": "application/json"}),
    ],
    ids=["no calls", "no results", "no records", "nothing", "204", "empty"],
)
def test_words_that_nothing_was_found_are_no_changes(mirror, nothing, mode):
    calls = Calls(nothing)
    synced(mirror, calls, mode)
    for _ in range(2):
        rows = synced(mirror, calls, mode)
        assert (mirror.report.status, mirror.report.added, len(rows)) == ("succeeded", 0, 8)
        assert not mirror.report.warnings
    calls.records.append({"id": "c9", "started": "2026-03-01T08:00:00Z"})
    assert len(synced(mirror, calls, mode)) == 9
    assert mirror.report.added == 1


@pytest.mark.parametrize(
    "nothing",
    [
        html(404),
        json_reply({"message": "Not Found"}, status=404),
        json_reply({"error": "No route found for GET /calls"}, status=404),
    ],
    ids=["page", "word", "route"],
)
def test_a_404_that_does_not_say_what_is_missing_is_looked_into(mirror, nothing):
    calls = Calls(nothing)
    synced(mirror, calls)
    calls.records = [{**calls.records[0], "note": "edited"}, *calls.records[2:]]
    assert len(synced(mirror, calls)) == 7
    assert (mirror.report.changed, mirror.report.deleted) == (1, 1)
    assert any("whole list" in str(warning) for warning in mirror.report.warnings)
    calls.records = []
    assert synced(mirror, calls) is None
    assert (mirror.report.problem.code, len(mirror.rows())) == ("not_found", 7)


@pytest.mark.parametrize("nothing", [json_reply(WORDS[0], status=404), Reply(status=204)], ids=["404", "204"])
def test_a_whole_list_that_is_gone_is_a_failure(mirror, nothing):
    calls = Calls(nothing)
    calls.records = []
    assert synced(mirror, calls) is None
    calls.records = list(CALLS)
    synced(mirror, calls)
    calls.records = []
    endpoint = completed(Endpoint(url=mirror.api.route("/calls", calls), name="Items"))
    assert mirror.run(endpoint) is None
    assert len(mirror.rows()) == 8
