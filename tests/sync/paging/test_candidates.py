"""Which ways to the next page are tried, in which order. Without a server."""

import json

import pytest

from trayapp.endpoints.model import Endpoint, Pages, Request, Table
from trayapp.sync import names
from trayapp.sync.http.request import Answer, Call
from trayapp.sync.paging.candidates import (
    FirstPage,
    are_named,
    asks_for,
    by_last_record,
    cursors,
    larger,
    numbered,
    params_for,
)
from trayapp.sync.paging.envelope import read_envelope
from trayapp.sync.paging.signs import signs_of

RECORDS = tuple(json.dumps({"id": n, "name": f"n{n}"}).encode() for n in range(4))
URL = "http://a.example/x"


def first(body, url=URL, records=RECORDS, path="items", **headers):
    text = json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = Answer(url=url, status=200, headers=named, body=text)
    envelope = read_envelope(text, path, url)
    return FirstPage(Call(url=url), answer, text, path, records, envelope, signs_of(named, envelope, len(records), url))


def numbers(body, url=URL, **request):
    endpoint = Endpoint(url=url, request=Request(**request))
    listing = first(body, url)
    return [(each.kind, each.param, each.start, each.into) for each in numbered(endpoint, listing, listing.envelope)]


def tokens(body, records=RECORDS, table=None, request=None, path="items", **headers):
    endpoint = Endpoint(url=URL, request=request or Request(), table=table or Table(name="x"))
    listing = first(body, records=records, path=path, **headers)
    return [(each.path, each.param, each.into) for each in cursors(endpoint, listing, listing.signs)]


def test_usual_numbers_come_last_and_once():
    usual = [name for _, name, _, _ in numbers([])]
    assert usual == list(names.USUAL_NUMBERS)
    assert numbers([])[:2] == [("page", "page", None, "query"), ("offset", "offset", None, "query")]
    named = numbers({"meta": {"start_index": 1}, "skip": 0}, f"{URL}?pg=3&offset=")
    assert [(name, start) for _, name, start, _ in named][:4] == [
        ("pg", 3),
        ("offset", None),
        ("start_index", None),
        ("skip", None),
    ]
    assert len(named) == len(names.USUAL_NUMBERS) + 2


@pytest.mark.parametrize("value", ["2026-01-01", "x", "-1", "1.5", "²", "9" * 5000])
def test_what_is_no_number_in_the_address_filters(value):
    assert "page" not in [name for _, name, _, _ in numbers([], f"{URL}?page={value}")]


def test_numbers_go_into_a_posted_body_but_not_into_a_graphql_query():
    assert {into for *_, into in numbers([], method="POST", json={"q": 1})} == {"json"}
    assert {into for *_, into in numbers([], method="GET")} == {"query"}
    assert numbers([], method="POST", json={"query": "{ all { id } }"}) == []
    assert numbers([], method="POST", json={"query": {"match": 1}})


@pytest.mark.parametrize(
    ("param", "url", "body", "named"),
    [
        ("page", f"{URL}?page=", [], True),
        ("page", f"{URL}?pages=1", [], False),
        ("page", URL, {"page": 1}, True),
        ("page", URL, {"meta": {"page": 1}}, True),
        ("page", URL, {"meta": {"deep": {"page": 1}}}, False),
        ("page", URL, [{"page": 1}], False),
    ],
)
def test_which_numbers_are_named(param, url, body, named):
    listing = first(body, url)
    assert are_named(Pages(kind="page", param=param), Endpoint(url=url), listing, listing.envelope) == named


def test_one_record_more_is_asked_for_unless_a_size_was_given():
    call = larger(Endpoint(url=URL), first([], f"{URL}?q=1"))
    assert call.url == f"{URL}?q=1&" + "&".join(f"{name.replace('$', '%24')}=5" for name in names.USUAL_SIZES)
    for refused in (
        larger(Endpoint(url=URL, request=Request(method="POST")), first([])),
        larger(Endpoint(url=URL, pages=Pages(size_param="z")), first([])),
        larger(Endpoint(url=URL), first([], f"{URL}?limit=9")),
        larger(Endpoint(url=URL), first([], f"{URL}?Per_Page=")),
    ):
        assert refused is None


@pytest.mark.parametrize(
    ("body", "headers", "found"),
    [
        ([], {"X_Next_Page": "2"}, [("header:X-Next-Page", "page", "query")]),
        ([], {"X_Next_Page": ""}, []),
        (
            {"next_cursor": "a"},
            {},
            [("next_cursor", name, "query") for name in names.TOKEN_PARAMS["nextcursor"]],
        ),
        ({"next_cursor": 7}, {}, [("next_cursor", n, "query") for n in names.TOKEN_PARAMS["nextcursor"]]),
        ({"next_cursor": True}, {}, []),
        ({"next_cursor": ""}, {}, []),
        ({"next_cursor": ["a"]}, {}, []),
        ({"continue": {"from": "x"}}, {}, [("continue", "", "query")]),
        (
            {"meta": {"next_cursor": "a"}},
            {},
            [("meta.next_cursor", n, "query") for n in names.TOKEN_PARAMS["nextcursor"]],
        ),
        ({"cursor": {"next": "a"}}, {}, [("cursor.next", "next", "query")]),
    ],
)
def test_tokens_are_tried_where_they_stand(body, headers, found):
    assert tokens(body, **headers)[: max(1, len(found))] == found


def test_a_posted_token_is_tried_in_the_body_first():
    found = tokens({"nextCursor": "a"}, request=Request(method="POST", json={}))
    assert found == [("nextCursor", name, "json") for name in names.TOKEN_PARAMS["nextcursor"]]


def test_a_posted_token_goes_beside_the_page_s_size_or_in_the_name_that_waits_for_it():
    posted = Request(method="POST", json={"query": {}, "pagination": {"per_page": 20}})
    assert tokens({"nextCursor": "a"}, request=posted)[0] == ("nextCursor", "pagination.cursor", "json")
    waiting = Request(method="POST", json={"page": {"resumeFrom": ""}})
    assert tokens({"nextCursor": "a"}, request=waiting)[0] == ("nextCursor", "page.resumeFrom", "json")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("query($after: String) { all(after: $after) { id } }", ("variables.after", "json")),
        ("query($n: Int, $endCursor: String) { all { id } }", ("variables.endCursor", "json")),
        ("query($n: Int) { all { id } }", ("after", "json")),
    ],
)
def test_a_graphql_connection_goes_on_by_its_variable(query, found):
    body = {"data": {"a": {"b": {"pageInfo": {"hasNextPage": True, "endCursor": "c"}}}}}
    request = Request(method="POST", json={"query": query})
    (path, param, into), *_ = tokens(body, request=request, path="data.a.b.nodes")
    assert (path, (param, into)) == ("data.a.b.pageInfo.endCursor", found)
    body["data"]["a"]["b"]["pageInfo"]["hasNextPage"] = False
    assert tokens(body, request=request, path="data.a.b.nodes") == []


def after_last(*ids):
    records = tuple(json.dumps({"id": id, "name": "x"}).encode() for id in ids)
    return [(each.path, each.param) for each in by_last_record(Endpoint(url=URL), first([], records=records))]


def test_the_last_record_s_key_leads_on_where_keys_grow_and_back_where_they_fall():
    up = [("last:id", param) for param in names.LAST_RECORD_PARAMS]
    down = [("last:id", param) for param in names.BEFORE_RECORD_PARAMS]
    assert after_last(1, 2, 10) == after_last("9", "10") == after_last("a", "b") == up
    assert after_last(10, 9, 1) == after_last("10", "9") == down
    assert after_last() == after_last(1) == after_last(1, 1) == []


@pytest.mark.parametrize(
    ("query", "count", "asks"),
    [
        ("{ all(first: 20) { id } }", 20, True),
        ("{ all(limit:20) { id } }", 20, True),
        ("{ all(first: 20) { id } }", 2, False),
        ("{ all(first: 200) { id } }", 20, False),
        ("{ all(offset: 20) { id } }", 20, False),
        ({"first: 20": 1}, 20, False),
    ],
)
def test_a_query_that_asks_for_so_many(query, count, asks):
    assert asks_for(Endpoint(url=URL, request=Request(method="POST", json={"query": query})), count) == asks
    assert not asks_for(Endpoint(url=URL), count)


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("meta.next_token", ("next_token", "nextToken", "token", "pagination_token", "cursor")),
        ("NextMarker", ("marker", "NextMarker", "cursor")),
        ("next_", ("next", "cursor", "after", "_next", "page", "next_")),
        (
            "header:X-Next-Page-Token",
            ("pageToken", "page_token", "nextPageToken", "next_page_token", "cursor", "token"),
        ),
        ("header:X-Next-After", ("after", "next_after", "cursor")),
        ("header:X-MS-Continuation", ("continuation", "next_continuation", "cursor", "token")),
    ],
)
def test_parameters_for_a_token_of_any_name(path, params):
    assert params_for(path) == params
