"""What counts as a way to the next page, as a sign of more, and what does not."""

import msgspec
import pytest

from trayapp.sync.paging.candidates import params_for
from trayapp.sync.paging.envelope import read_envelope
from trayapp.sync.paging.signs import is_address, looks_cut, signs_of

ITEMS = [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}]
URL = "https://a.example/items"


def signs(body, headers=None, count=2, url=URL):
    return signs_of(headers or {}, read_envelope(msgspec.json.encode(body), "items", url), count, url)


def more(body, headers=None, count=2):
    """(sentence, whether that is sure), or None."""
    said = signs(body, headers, count).more(count)
    return None if said is None else (str(said[0]), said[1])


def spellings(*words):
    """One name as servers write it."""
    camel = words[0] + "".join(word.title() for word in words[1:])
    return [
        camel,
        camel[0].upper() + camel[1:],
        "_".join(words),
        "-".join(words),
        "_".join(words).upper(),
        f"x:{camel}",
    ]


@pytest.mark.parametrize(
    ("headers", "body", "found"),
    [
        ({"Link": '<https://a/2>; rel="next"'}, {"next": "https://a/9"}, ["link", "next"]),
        ({}, {"next": "https://a/2"}, ["next"]),
        ({}, {"next": "/items?page=2"}, ["next"]),
        ({}, {"next": "&page%5Bnumber%5D=2"}, ["next"]),
        ({}, {"next": "page=2"}, ["next"]),
        ({}, {"next": "page-2.json"}, ["next"]),
        ({}, {"next": "a.example/items?page=2"}, ["next"]),
        ({}, {"links": {"next": {"href": "?p=2"}}}, ["links.next.href"]),
        ({}, {"links": {"next": {"uri": "?p=2"}}}, ["links.next.uri"]),
        ({}, {"_links": {"next": [{"href": "/p2"}]}}, ["_links.next"]),
        ({}, {"@odata.nextLink": "https://a/2"}, ["@odata.nextLink"]),
        ({}, {"meta": {"pagination": {"links": {"next": "https://a/2"}}}}, ["meta.pagination.links.next"]),
        ({}, {"links": [{"rel": "self", "href": "/1"}, {"rel": "Next", "href": "/2"}]}, ["links[rel=Next]"]),
        ({}, {"linkek": [{"name": "next", "uri": "/2"}]}, ["linkek[name=next]"]),
        ({}, {"link": [{"relation": "next", "url": "/2"}]}, ["link[rel=next]"]),
        ({}, {"nextRecordsUrl": "/x?c=1"}, ["nextRecordsUrl"]),
        ({}, {"hydra:view": {"hydra:next": "/x?page=2"}}, ["hydra:view.hydra:next"]),
        ({}, {"paging": {"next": {"after": "1", "link": "?after=1"}}}, ["paging.next.link"]),
        ({"Next-Page": "https://a/2"}, {}, ["header:Next-Page"]),
        ({}, {"next": None}, []),
        ({}, {"next": "eyJhbGciOi"}, []),
        ({}, {"previous": "/items?page=1", "self": "/items", "first": {"href": "/items"}}, []),
        ({}, {"next_episode": "/episodes/2", "nextVisit": "https://a.example/", "next_url": "tomorrow"}, []),
    ],
)
def test_the_address_of_the_next_page_is_found(headers, body, found):
    said = signs({**body, "items": ITEMS}, headers)
    assert [*(["link"] if said.link else []), *(sign.path for sign in said.addresses)] == found


@pytest.mark.parametrize(
    "name", [*spellings("next", "page", "url"), *spellings("next", "link"), *spellings("next", "href")]
)
def test_the_same_name_in_any_spelling(name):
    assert [sign.path for sign in signs({name: "/x?page=2", "items": ITEMS}).addresses] == [name]


@pytest.mark.parametrize("holder", ["zorp", "list.control", "a.b.c"])
def test_what_is_said_counts_in_any_object_beside_the_records(holder):
    body = {"items": ITEMS}
    place = body
    for name in holder.split("."):
        place = place.setdefault(name, {})
    place["total_count"] = 430
    assert "430" in more(body)[0]


@pytest.mark.parametrize(
    "name", [*spellings("total", "count"), *spellings("total", "results"), "numberMatched", "nbHits"]
)
@pytest.mark.parametrize("value", [430, "430", 430.0])
def test_a_total_in_any_spelling_as_number_or_text(name, value):
    assert signs({name: value, "items": ITEMS}).total.value == 430


@pytest.mark.parametrize(
    "body", [{"total_price": 99}, {"totalPages": 1}, {"count": 2}, {"total": "99.5"}, {"total": True}, {"size": 50}]
)
def test_other_numbers_are_no_total(body):
    assert signs({**body, "items": ITEMS}).total is None


def test_the_number_of_all_records_counts_and_not_that_of_the_page():
    assert signs({"meta": {"count": 2, "total-count": 430}, "items": ITEMS}).total.value == 430


def test_at_least_so_many_is_a_sign_of_more_and_no_number_to_be_reached():
    hits = {"hits": {"total": {"value": 10000, "relation": "gte"}}, "items": ITEMS}
    assert more(hits) is not None
    assert not signs(hits).total.sure


@pytest.mark.parametrize(
    "name",
    [
        *spellings("has", "more"),
        *spellings("more", "results"),
        "truncated",
        "isTruncated",
        "exceededTransferLimit",
        "incomplete_results",
    ],
)
@pytest.mark.parametrize(("yes", "no"), [(True, False), ("true", "false"), (1, 0), ("Y", "N")])
def test_a_flag_of_more_in_any_spelling(name, yes, no):
    assert name in more({name: yes, "items": ITEMS})[0]
    assert more({name: no, "items": ITEMS}) is None


@pytest.mark.parametrize("name", [*spellings("is", "last", "page"), *spellings("end", "of", "records"), "last"])
def test_a_flag_of_the_last_page(name):
    assert name in more({name: False, "items": ITEMS})[0]
    assert more({name: True, "nextPageToken": "t", "items": ITEMS}) is None


@pytest.mark.parametrize(
    ("headers", "body", "says", "sure"),
    [
        ({"X-Total-Count": "9"}, {}, "9", True),
        ({"X-WP-TotalPages": "4"}, {}, "4 pages", True),
        ({}, {"total_pages": "3"}, "3 pages", True),
        ({}, {"pageInfo": {"page": 1, "of": 3}}, "3 pages", True),
        ({}, {"continue": {"from": 5}}, "continue", True),
        ({}, {"resumptionToken": "t20"}, "resumptionToken", True),
        ({}, {"max_id": "t20"}, "max_id", False),
        ({}, {"zorp": "ey1Jhb9Gci"}, "zorp", False),
        ({}, {"data": {"pageInfo": {"hasNextPage": True}}}, "hasNextPage", True),
    ],
)
def test_signs_of_more_are_not_overlooked(headers, body, says, sure):
    said = more({**body, "items": ITEMS}, headers)
    assert says in said[0]
    assert said[1] is sure


@pytest.mark.parametrize(
    "body",
    [
        {"total": 2}, {"count": 2}, {"has_more": False}, {"next": None}, {"next_cursor": ""}, {"total_pages": 1},
        {"request_id": "8f14e45fceea167a", "version": "1.2.3", "generated": "2026-11-24T10:00:00Z", "lang": "de"},
        {"license": "CC-BY-4.0", "nextSyncToken": "CPDAlvWDx70C", "took": 12, "timed_out": False},
        {"self": "/items", "links": {"self": "/items", "prev": "/items?page=0"}, "@context": "https://schema.org"},
    ],
)  # fmt: skip
def test_a_complete_answer_shows_no_sign_of_more(body):
    assert more({**body, "items": ITEMS}) is None


def test_what_was_asked_for_is_no_sign():
    assert signs({"cursor": "abc1", "items": ITEMS}, url=f"{URL}?cursor=abc1").more(2) is None


def test_members_of_records_are_no_signs():
    assert more({"items": {"a": {"next": "/x?page=2", "total": 99}}}) is None


@pytest.mark.parametrize(
    ("body", "path", "is_sure"),
    [
        ({"nextCursorMark": "m1"}, "nextCursorMark", True),
        ({"message": {"next-cursor": "m1"}}, "message.next-cursor", True),
        ({"meta": {"next_token": "t"}}, "meta.next_token", True),
        ({"paging": {"next": {"after": "12"}}}, "paging.next.after", True),
        ({"LastEvaluatedKey": {"id": 1}}, "LastEvaluatedKey", True),
        ({"PageInfo": {"Next": {"After": "12"}}}, "PageInfo.Next.After", True),
        ({"Starting_After": "abc"}, "Starting_After", False),
        ({"cursor": "abc"}, "cursor", False),
        ({"offset": "itr/rec"}, "offset", False),
        ({"offset": 10}, "", False),
        ({"cursor": None, "next_token": "", "after": 0}, "", False),
        ({"next_visit": "2026-11-24", "token": "t", "id": "x"}, "", False),
        ({"isLast": True, "nextPageToken": "t"}, "", False),
    ],
)
def test_tokens_of_a_next_page(body, path, is_sure):
    found = signs({**body, "items": ITEMS}).tokens
    assert (found[0].path, found[0].sure) == (path, is_sure) if path else not found


def test_names_of_tokens_without_a_value_are_known():
    assert signs({"cursor": None, "next_page_token": "", "items": ITEMS}).unset == ("cursor", "next_page_token")


def test_tokens_in_headers():
    assert [sign.path for sign in signs([], {"X-Next-Token": "t", "X-Token": "u", "ETag": "v"}).tokens] == [
        "header:X-Next-Token"
    ]
    assert not signs([], {"X-Next-Page": "/items?page=2"}).tokens


@pytest.mark.parametrize(
    ("path", "param"),
    [
        ("nextCursorMark", "cursorMark"),
        ("lastEvaluatedKey", "ExclusiveStartKey"),
        ("message.next-cursor", "cursor"),
        ("meta.next_token", "pagination_token"),
        ("meta.after_cursor", "page[after]"),
        ("header:X-Next-Page-Token", "page_token"),
        ("header:X-Next-Page-Token", "pageToken"),
        ("header:Next-Cursor", "cursor"),
    ],
)
def test_parameters_that_may_take_a_token(path, param):
    assert param in params_for(path)


@pytest.mark.parametrize(
    ("value", "count"),
    [("0-9/40", 40), ("items 0-9/40", 40), ("*/0", 0), ("bytes 0-9/40", None), ("0-9/*", None), ("", None)],
)
def test_a_total_in_content_range(value, count):
    said = signs([], {"Content-Range": value}).total
    assert (said.value if said else None) == count


@pytest.mark.parametrize("text", ["YWJjZGVm=", "abc", "2026-11-24", "a b", "12"])
def test_a_token_is_no_address(text):
    assert not is_address(text, URL)


def test_round_numbers_may_be_a_page_s_limit():
    assert [count for count in (1, 25, 33, 50, 100, 101, 700) if looks_cut(count)] == [25, 50, 100, 700]
