import pytest

from trayapp.sync import detect

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
    assert detect.next_url(headers, body) == found


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
    assert says in detect.signs_of_more(headers, body, 2)


@pytest.mark.parametrize(
    "body",
    [ITEMS, {"total": 2}, {"count": 2}, {"has_more": False}, {"next": None}, {"next_cursor": ""}, {"total_pages": 1}],
)
def test_a_complete_answer_shows_no_sign_of_more(body):
    assert detect.signs_of_more({}, body, 2) is None


@pytest.mark.parametrize(
    ("records", "key"),
    [
        (ITEMS, ("id",)),
        ([{"name": "a", "uuid": "x"}, {"name": "b", "uuid": "y"}], ("uuid",)),
        ([{"v": 1, "issue_id": 3}, {"v": 2, "issue_id": 4}], ("issue_id",)),
        ([{"id": 1, "sku": "a"}, {"id": 1, "sku": "b"}], ("sku",)),
        ([{"id": None, "code": "a"}, {"id": 1, "code": "b"}], ("code",)),
        ([{"a": 1, "b": 1}, {"a": 1, "b": 2}, {"a": 2, "b": 1}], ("a", "b")),
        ([{"x": 1.5}, {"x": 2.5}], ()),
        ([{"x": 1}, {"x": 1}], ()),
        ([{"price": 1}], ()),
        ([], ()),
    ],
)
def test_what_tells_records_apart(records, key):
    assert detect.key_of(records, "issues") == key
