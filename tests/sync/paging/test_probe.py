"""Listings that go on without a word, and those that only look as if they did."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from tests.server import Listing, json_reply, problem
from trayapp.endpoints.model import Endpoint, Request, Table
from trayapp.endpoints.naming import completed
from trayapp.messages import say
from trayapp.sync.cancel import CancelToken
from trayapp.sync.detection.first_page import explore
from trayapp.sync.http.auth import Credentials
from trayapp.sync.run.context import RunContext
from trayapp.sync.run.runner import run

RECORDS = [{"id": n, "name": f"n{n}"} for n in range(40)]


def look(url, **fields):
    return explore(Endpoint(url=url, **fields), Credentials(), CancelToken())


def mirror(store, url):
    endpoint = completed(Endpoint(url=url, name="Items", table=Table(key=("id",))))
    return run(endpoint, RunContext(store=store, staging=store.path.parent), CancelToken())


def strict(count):
    return lambda seen: problem(400, "Unknown parameter") if seen.query else json_reply(RECORDS[:count])


def test_a_full_looking_page_of_a_server_that_refuses_all_questions_needs_consent(api, store):
    url = api.route("/items", strict(20))
    preview = look(url)
    assert not preview.proven
    assert tuple(map(str, preview.warnings)) == (
        str(say("{number} records may be the page size, and the server rejects requests for more.", number=20)),
    )
    report = mirror(store, url)
    assert (report.status, report.rows, tuple(map(str, report.warnings))) == (
        "succeeded",
        20,
        tuple(map(str, preview.warnings)),
    )


@pytest.mark.parametrize("status", [403, 500])
def test_a_second_page_that_is_not_to_be_had_needs_consent(api, status):
    listing = Listing(RECORDS, pages="page", size=7)
    url = api.route("/items", lambda seen: problem(status, "No") if seen.param("page", "1") != "1" else listing(seen))
    preview = look(url)
    assert not preview.proven
    assert tuple(map(str, preview.warnings)) == (
        str(say("The server has pages, but the second one could not be read, so there may be more.")),
    )


def test_the_same_of_another_length_is_believed(api):
    preview = look(api.route("/items", strict(21)))
    assert (preview.proven, tuple(map(str, preview.warnings)), len(preview.requests)) == (True, (), 4)


def test_other_records_at_each_request_are_no_pages(api):
    numbers = itertools.count()
    preview = look(api.route("/random", lambda _: json_reply([{"id": next(numbers)} for _ in range(5)])))
    assert (preview.pages.kind, preview.proven) == ("none", True)


def test_a_server_that_is_busy_when_asked_for_more_is_asked_again(api):
    waits = itertools.chain([True], itertools.repeat(False))
    listing = Listing(RECORDS, pages="page", size=7)

    def handler(seen):
        return problem(429, "Slowly").with_headers(Retry_After="0") if seen.query and next(waits) else listing(seen)

    assert look(api.route("/items", handler)).pages.kind == "page"


def test_a_filter_that_sounds_like_a_position_is_left_alone(api):
    url = api.route("/items", Listing(RECORDS[:9], pages="none")) + "?from=2026-01-01"
    look(url)
    assert {request.param("from") for request in api.requests} == {"2026-01-01"}


def test_a_listing_that_begins_at_an_offset_goes_on_behind_it(api):
    preview = look(api.route("/items", Listing(RECORDS, pages="offset", size=7)) + "?offset=7")
    assert (preview.pages.param, preview.pages.start) == ("offset", 7)
    assert [row[0] for row in preview.rows] == list(range(7, 21))


def test_a_graphql_query_is_not_asked_for_page_numbers(api):
    url = api.route("/graphql", json_reply({"data": {"all": RECORDS[:20]}}))
    preview = look(url, request=Request(method="POST", json={"query": "{ all { id } }"}))
    assert (preview.proven, len(preview.requests)) == (True, 1)
    cut = look(url, request=Request(method="POST", json={"query": "{ all(first: 20) { id } }"}))
    assert (cut.proven, cut.warnings) == (
        False,
        (say("The query asks for {number} records and got that many, so there may be more.", number=20),),
    )


@pytest.mark.parametrize("pages", ["page", "offset"])
def test_a_page_that_was_just_full_gets_a_second_one(api, store, pages):
    served = Listing(RECORDS[:7], pages=pages, size=7)
    url = api.route("/items", served)
    assert mirror(store, url).added == 7
    served.records = RECORDS[:8]
    assert mirror(store, url).added == 1


def test_what_had_one_page_is_asked_for_more_again_after_a_day(api, store):
    """A server that answers with its last page for any later one tells nothing as long as there is one page."""
    served = list(RECORDS[:7])

    def handler(seen):
        pages = [served[start : start + 7] for start in range(0, len(served), 7)]
        return json_reply(pages[min(int(seen.param("page", "1")), len(pages)) - 1])

    url = api.route("/items", handler)
    endpoint = completed(Endpoint(url=url, name="Items", table=Table(key=("id",))))
    now = datetime.now(UTC)

    def mirror_at(moment):
        context = RunContext(store=store, staging=store.path.parent, now=lambda: moment)
        return run(endpoint, context, CancelToken())

    assert mirror_at(now).added == 7
    served += RECORDS[7:9]
    assert mirror_at(now + timedelta(hours=1)).requests == 1
    assert mirror_at(now + timedelta(hours=25)).added == 2
