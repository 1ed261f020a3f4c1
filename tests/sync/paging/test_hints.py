"""What counts as a way to the next page, and what does not."""

import pytest

from trayapp.sync.paging import hints
from trayapp.sync.paging.candidates import params_for
from trayapp.sync.paging.hints import addresses, signs_of_more, tokens, total

ITEMS = [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}]


@pytest.mark.parametrize(
    ("headers", "body", "found"),
    [
        ({"Link": '<https://a/2>; rel="next"'}, {"next": "https://a/9"}, ("link", "", "https://a/2")),
        ({}, {"next": "https://a/2"}, ("next_url", "next", "https://a/2")),
        ({}, {"next": "/items?page=2"}, ("next_url", "next", "/items?page=2")),
        ({}, {"next": "50", "next_url": "https://a/2"}, ("next_url", "next_url", "https://a/2")),
        ({}, {"links": {"next": {"href": "?p=2"}}}, ("next_url", "links.next.href", "?p=2")),
        ({}, {"_links": {"next": {"href": "/p2"}}}, ("next_url", "_links.next.href", "/p2")),
        ({}, {"@odata.nextLink": "https://a/2"}, ("next_url", "@odata.nextLink", "https://a/2")),
        (
            {},
            {"meta": {"pagination": {"links": {"next": "https://a/2"}}}},
            ("next_url", "meta.pagination.links.next", "https://a/2"),
        ),
        ({}, {"next": None}, None),
        ({}, {"next": "eyJhbGciOi"}, None),
        ({}, ITEMS, None),
    ],
)
def test_the_address_of_the_next_page_is_found(headers, body, found):
    assert hints.next_url(headers, body) == found


@pytest.mark.parametrize(
    ("headers", "body", "says"),
    [
        ({}, {"total": 2345, "items": ITEMS}, "2,345"),
        ({"X-Total-Count": "9"}, ITEMS, "9"),
        ({}, {"has_more": True}, "has_more"),
        ({}, {"nextPageToken": "abc"}, "nextPageToken"),
        ({}, {"continue": {"from": 5}}, "continue"),
        ({}, {"total_pages": 3}, "3 pages"),
        ({"X-WP-TotalPages": "4"}, ITEMS, "4 pages"),
        ({}, {"data": {"pageInfo": {"hasNextPage": True}}, "pageInfo": {"hasNextPage": True}}, "hasNextPage"),
    ],
)
def test_signs_of_more_are_not_overlooked(headers, body, says):
    assert says in str(hints.signs_of_more(headers, body, 2))


@pytest.mark.parametrize(
    "body",
    [ITEMS, {"total": 2}, {"count": 2}, {"has_more": False}, {"next": None}, {"next_cursor": ""}, {"total_pages": 1}],
)
def test_a_complete_answer_shows_no_sign_of_more(body):
    assert hints.signs_of_more({}, body, 2) is None


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"nextRecordsUrl": "/x?c=1"}, "nextRecordsUrl"),
        ({"next_href": "https://a.example/x?c=1"}, "next_href"),
        ({"hydra:view": {"hydra:next": "/x?page=2"}}, "hydra:view.hydra:next"),
        ({"paging": {"next": {"after": "1", "link": "?after=1"}}}, "paging.next.link"),
        ({"Hydra:View": {"Hydra:Next": "/x?page=2"}}, "Hydra:View.Hydra:Next"),
        ({"Paging": {"Next": {"Link": "/x?page=2"}}}, "Paging.Next.Link"),
        ({"next_episode": "/episodes/2"}, ""),
        ({"nextVisit": "https://a.example/"}, ""),
        ({"next_url": "tomorrow"}, ""),
        ({"author": {"next_url": "/authors/2"}}, ""),
        ([{"next_url": "/x"}], ""),
    ],
)
def test_addresses_of_a_next_page(body, path):
    assert next((found for found, _ in addresses(body)), "") == path


@pytest.mark.parametrize(
    ("body", "path", "is_sure"),
    [
        ({"nextCursorMark": "m1"}, "nextCursorMark", True),
        ({"message": {"next-cursor": "m1"}}, "message.next-cursor", True),
        ({"meta": {"next_token": "t"}}, "meta.next_token", True),
        ({"paging": {"next": {"after": "12"}}}, "paging.next.after", True),
        ({"LastEvaluatedKey": {"id": 1}}, "LastEvaluatedKey", True),
        ({"lastEvaluatedKey": {"id": 1}}, "lastEvaluatedKey", True),
        ({"PageInfo": {"Next": {"After": "12"}}}, "PageInfo.Next.After", True),
        ({"Starting_After": "abc"}, "Starting_After", False),
        ({"cursor": "abc"}, "cursor", False),
        ({"offset": "itr/rec"}, "offset", False),
        ({"offset": 10}, "", False),
        ({"cursor": None, "next_token": "", "after": 0}, "", False),
        ({"next_visit": "2026-11-24", "token": "t", "id": "x"}, "", False),
        ({"user": {"next_token": "t"}}, "", False),
        ({"isLast": True, "nextPageToken": "t"}, "", False),
    ],
)
def test_tokens_of_a_next_page(body, path, is_sure):
    assert next((found for found, _ in tokens({}, body)), "") == path
    assert (signs_of_more({}, {**body, "items": []}, 0) is not None) == is_sure


def test_tokens_in_headers():
    assert [path for path, _ in tokens({"X-Next-Token": "t", "X-Token": "u", "ETag": "v"}, [])] == [
        "header:X-Next-Token"
    ]
    assert list(tokens({"X-Next-Page": "/items?page=2"}, [])) == []


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
    assert total({"Content-Range": value}, []) == count
