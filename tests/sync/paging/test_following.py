"""From one page to the next request, without a server."""

import json

import pytest

from trayapp.endpoints.model import Pages
from trayapp.sync.errors import SyncError
from trayapp.sync.http.request import Answer, Call
from trayapp.sync.paging.envelope import Envelope, read_envelope
from trayapp.sync.paging.following import (
    Walk,
    first_page,
    is_past_the_end,
    may_shift,
    next_call,
    placed,
    upcoming,
    value_at,
    value_of,
)

CALL = Call(url="http://a.example/x?size=5", method="POST", headers={"A": "b"}, body=b'{"q": 1}')


def answer(url=CALL.url, **headers):
    return Answer(url=url, status=200, headers=headers, body=b"")


def following(pages, walk, body=b"[]", call=CALL, **headers):
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return next_call(call, answer(call.url, **headers), read_envelope(text, "items", call.url), pages, walk)


def test_how_far_a_walk_is():
    walk = Walk()
    for records, left in (
        ([b"1", b"2"], (1, 2, 2, b"2", 0)),
        ([], (2, 2, 0, b"", 1)),
        ([], (3, 2, 0, b"", 2)),
        ([b"3"], (4, 3, 1, b"3", 0)),
    ):
        walk.step(records)
        assert (walk.pages, walk.records, walk.count, walk.last, walk.empty) == left


@pytest.mark.parametrize(
    ("pages", "added"),
    [
        (Pages(kind="page"), ""),
        (Pages(kind="page", start=0), "&page=0"),
        (Pages(kind="page", start=1, param="p"), "&p=1"),
        (Pages(kind="offset", start=0), "&offset=0"),
        (Pages(kind="cursor", start=1), ""),
        (Pages(kind="link", size_param="per", size=9), "&per=9"),
        (Pages(kind="link", size_param="per"), ""),
        (Pages(kind="link", size=9), ""),
        (Pages(kind="page", size_param="per", size=9, start=3), "&per=9&page=3"),
    ],
)
def test_the_first_request(pages, added):
    assert first_page(CALL, pages).url == CALL.url + added


@pytest.mark.parametrize(
    ("pages", "walk", "added"),
    [
        (Pages(kind="page"), Walk(pages=1, records=5, count=5), "page=2"),
        (Pages(kind="page", start=0), Walk(pages=1, records=5, count=5), "page=1"),
        (Pages(kind="page", start=7, param="p"), Walk(pages=3, records=5, count=5), "p=10"),
        (Pages(kind="offset"), Walk(pages=2, records=8, count=3), "offset=8"),
        (Pages(kind="offset", start=1, param="skip"), Walk(pages=2, records=8, count=3), "skip=9"),
        (Pages(kind="page"), Walk(pages=2, records=8, count=3, longest=5, total=8), None),
        (Pages(kind="page"), Walk(pages=2, records=8, count=4, longest=4, total=8), "page=3"),
        (Pages(kind="page"), Walk(pages=2, records=7, count=3, total=8), "page=3"),
        (Pages(kind="page"), Walk(pages=2, records=9, count=3, total=8), "page=3"),
        (Pages(kind="offset"), Walk(pages=2, records=8, count=3, longest=5, total=8), None),
        (Pages(kind="offset"), Walk(pages=2, records=8, count=4, longest=4, total=8), "offset=8"),
        (Pages(kind="page"), Walk(pages=2, records=8, count=3, total_pages=3), "page=3"),
        (Pages(kind="page"), Walk(pages=3, records=8, count=3, total_pages=3), None),
        (Pages(kind="offset"), Walk(pages=3, records=8, count=3, total_pages=3), "offset=8"),
        (Pages(kind="page"), Walk(pages=2, records=5), None),
        (Pages(kind="page"), Walk(pages=2, records=5, empty=1, total_pages=3), "page=3"),
        (Pages(kind="page"), Walk(pages=3, records=5, empty=1, total_pages=3), None),
        (Pages(kind="page"), Walk(pages=2, records=5, empty=1, total=6), "page=3"),
        (Pages(kind="page"), Walk(pages=2, records=6, empty=1, total=5), None),
        (Pages(kind="page"), Walk(pages=5, records=5, empty=3, total=6), "page=6"),
        (Pages(kind="page"), Walk(pages=6, records=5, empty=4, total=6), "page=7"),
        (Pages(kind="offset"), Walk(pages=2, records=5, empty=1, total=6), None),
        (Pages(kind="none"), Walk(pages=1, records=5, count=5), None),
    ],
)
def test_the_next_number(pages, walk, added):
    call = following(pages, walk)
    assert (call and call.url) == (added and f"{CALL.url}&{added}")
    assert call is None or (call.method, call.headers, call.body) == (CALL.method, CALL.headers, CALL.body)


@pytest.mark.parametrize("kind", ["page", "offset", "cursor"])
def test_a_flag_in_the_envelope_ends_a_listing(kind):
    pages = Pages(kind=kind, path="next" if kind == "cursor" else "")
    walk = Walk(pages=1, records=5, count=5)
    assert following(pages, walk, {"has_more": True, "next": 5})
    assert not following(pages, walk, {"has_more": False, "next": 5})
    assert following(pages, walk, {"has_more": None, "next": 5})
    empty = Walk(pages=1, records=5, empty=1)
    assert bool(following(pages, empty, {"has_more": True, "next": 5})) == (kind != "offset")
    assert bool(following(pages, empty, {"next": 5})) == (kind == "cursor")


@pytest.mark.parametrize(
    ("pages", "body", "sent"),
    [
        (Pages(kind="cursor", path="next"), {"next": "a&b"}, "cursor=a%26b"),
        (Pages(kind="cursor", path="next", param="c"), {"next": 7}, "c=7"),
        (Pages(kind="cursor", path="m.next", param="c"), {"m": {"next": "x", "hasNextPage": True}}, "c=x"),
        (Pages(kind="cursor", path="m.next", param="c"), {"meta": {"hasNextPage": False}, "m": {"next": "x"}}, None),
        (Pages(kind="cursor", path="next", param="c"), {"next": "x", "hasNextPage": None}, "c=x"),
        (Pages(kind="cursor", path="next"), {"next": {"from": 5, "to": True}}, "from=5&to=true"),
        (Pages(kind="cursor", path="next", param="c"), {"next": {"from": 5}}, "c=%7B%22from%22%3A5%7D"),
        (Pages(kind="cursor", path="next"), {"next": 0}, None),
        (Pages(kind="cursor", path="header:X-Next", param="c"), {}, "c=h"),
        (Pages(kind="cursor", path="last:id", param="c"), {}, "c=0"),
        (Pages(kind="cursor", path="last:name", param="c"), {}, None),
        (Pages(kind="cursor", path="last:nothing", param="c"), {}, None),
    ],
)
def test_the_next_cursor(pages, body, sent):
    walk = Walk()
    walk.step([b'{"id": 5}', b'{"id": 0, "name": ""}'])
    call = following(pages, walk, body, **{"X-Next": "h"})
    assert (call and call.url) == (sent and f"{CALL.url}&{sent}")
    if pages.path.startswith("last:"):
        walk.step([])
        assert following(pages, walk, body) is None


@pytest.mark.parametrize(
    ("target", "url"),
    [
        ("/x?page=2", "http://a.example/x?page=2&size=5"),
        ("?page=2&size=9", "http://a.example/x?page=2&size=9"),
        ("/y?page=2", "http://a.example/y?page=2"),
        ("?page=2&size=", "http://a.example/x?page=2&size="),
        ("?page_info=abc", "http://a.example/x?page_info=abc"),
        ("http://a.example:80/x?cursor=2", "http://a.example:80/x?cursor=2&size=5"),
        ("https://a.example/x?page=2", None),
        ("http://b.example/x?page=2", None),
    ],
)
def test_the_next_address(target, url):
    for pages, body, headers in (
        (Pages(kind="link"), b"[]", {"Link": f'<{target}>; rel="next"'}),
        (Pages(kind="next_url", path="next"), {"next": target}, {}),
    ):
        if url is None:
            with pytest.raises(SyncError, match="another server"):
                following(pages, Walk(pages=1), body, **headers)
        else:
            call = following(pages, Walk(pages=1), body, **headers)
            assert (call.url, call.method, call.headers, call.body) == (url, CALL.method, CALL.headers, CALL.body)
    assert following(Pages(kind="next_url", path="next"), Walk(), {"next": 5}) is None
    assert following(Pages(kind="next_url", path="next"), Walk(), {"next": ""}) is None


def test_parameters_are_for_the_first_server_alone():
    moved = answer("http://b.example/x?page=1", Link='<?page=2>; rel="next"')
    call = next_call(CALL, moved, b"[]", Pages(kind="link"), Walk(pages=1))
    assert call.url == "http://b.example/x?page=2"
    assert following(Pages(kind="link"), Walk(pages=1)) is None


def test_positions_of_the_first_request_are_not_carried_on():
    call = Call(url="http://a.example/x?page=1&offset=5&q=a&empty=")
    found = following(Pages(kind="next_url", path="next"), Walk(), {"next": "/x?token=5"}, call)
    assert found.url == "http://a.example/x?token=5&q=a&empty="


def upcoming_numbers(pages, walk, count=9):
    calls = upcoming(CALL, pages, walk, count)
    name = pages.param or pages.kind
    assert all(call.url.startswith(f"{CALL.url}&{name}=") for call in calls)
    return [call.url.rpartition("=")[2] for call in calls]


@pytest.mark.parametrize(
    ("pages", "walk", "numbers"),
    [
        (Pages(kind="page"), Walk(pages=1, count=5, records=5, total_pages=4), ["2", "3", "4"]),
        (Pages(kind="page", start=0), Walk(pages=1, count=5, records=5, total_pages=4), ["1", "2", "3"]),
        (Pages(kind="page"), Walk(pages=1, count=5, records=5, total=15), ["2", "3"]),
        (Pages(kind="page"), Walk(pages=1, count=5, records=5, total=16), ["2", "3", "4"]),
        (Pages(kind="page"), Walk(pages=3, count=5, records=15, total=15), []),
        (Pages(kind="page", param="p"), Walk(pages=1, count=5, records=5, total_pages=3), ["2", "3"]),
        (Pages(kind="offset", param="skip"), Walk(pages=1, count=5, records=5, total=15), ["5", "10"]),
        (Pages(kind="offset"), Walk(pages=1, count=5, records=5, total=16), ["5", "10", "15"]),
        (Pages(kind="offset", start=1), Walk(pages=1, count=5, records=5, total=16), ["6", "11", "16"]),
        (Pages(kind="offset"), Walk(pages=1, count=5, records=5, total_pages=4), []),
        (Pages(kind="page", max=3), Walk(pages=1, count=5, records=5, total_pages=9), ["2", "3"]),
        (Pages(kind="page"), Walk(pages=1, count=5, records=5), []),
        (Pages(kind="page"), Walk(pages=1, total_pages=9), []),
        (Pages(kind="cursor"), Walk(pages=1, count=5, records=5, total=16), []),
    ],
)
def test_the_numbers_to_come(pages, walk, numbers):
    assert upcoming_numbers(pages, walk) == numbers
    assert upcoming_numbers(pages, walk, 2) == numbers[:2]


@pytest.mark.parametrize(
    ("into", "name", "value", "url", "headers", "body"),
    [
        ("query", "p", 5, CALL.url + "&p=5", {"A": "b"}, {"q": 1}),
        ("query", "p", True, CALL.url + "&p=true", {"A": "b"}, {"q": 1}),
        ("query", "size", 9, "http://a.example/x?size=9", {"A": "b"}, {"q": 1}),
        ("query", "p", "True", CALL.url + "&p=True", {"A": "b"}, {"q": 1}),
        ("query", "p", {"a": "é"}, CALL.url + "&p=%7B%22a%22%3A%22%C3%A9%22%7D", {"A": "b"}, {"q": 1}),
        ("query", "p", 10**30, CALL.url + f"&p={10**30}", {"A": "b"}, {"q": 1}),
        ("header", "p", 5, CALL.url, {"A": "b", "p": "5"}, {"q": 1}),
        ("header", "p", False, CALL.url, {"A": "b", "p": "false"}, {"q": 1}),
        ("header", "p", {"a": 1}, CALL.url, {"A": "b", "p": '{"a":1}'}, {"q": 1}),
        ("json", "p", 5, CALL.url, {"A": "b"}, {"q": 1, "p": 5}),
        ("json", "a.b.c", None, CALL.url, {"A": "b"}, {"q": 1, "a": {"b": {"c": None}}}),
    ],
)
def test_where_a_value_is_placed(into, name, value, url, headers, body):
    call = placed(CALL, Pages(into=into), name, value)
    assert (call.url, call.headers, json.loads(call.body)) == (url, headers, body)
    assert json.loads(placed(Call(url="http://a.example"), Pages(into="json"), "p", 5).body) == {"p": 5}


@pytest.mark.parametrize(
    ("body", "path", "value"),
    [
        ({"a": 1}, "a", 1),
        ({"a": {"b": [1]}}, "a.b", [1]),
        ({"a.b": 1, "a": {"b": 2}}, "a.b", 1),
        ({"a": {"b.c": 1}}, "a.b.c", 1),
        ({"a": {"b": 1}, "a.b": {"d": 5}}, "a.b.c", None),
        ({"a": 1}, "a.b", None),
        ({"a": None}, "a", None),
        ({"a": 1}, "b", None),
        ([1], "a", None),
        (b"no JSON", "a", None),
        ({"l": [{"rel": "self", "href": "/1"}, {"rel": "next", "href": "/2"}]}, "l[rel=next].href", "/2"),
        ({}, "header:X-Next", "h"),
        ({}, "header: X-Next ", "h"),
        ({}, "header:Other", None),
    ],
)
def test_what_stands_at_a_path(body, path, value):
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    assert value_of(answer(**{"X-Next": "h"}), Envelope(text, ()), path) == value
    if ":" not in path and "[" not in path:
        assert value_at(text, path) == value


@pytest.mark.parametrize(
    ("pages", "url", "shifts"),
    [
        (Pages(kind="page"), "http://a.example/x", True),
        (Pages(kind="offset"), "http://a.example/x", True),
        (Pages(kind="cursor"), "http://a.example/x?page=2", False),
        (Pages(kind="none"), "http://a.example/x?page=2", False),
        (Pages(kind="link"), "http://a.example/x?a=1&page=2", True),
        (Pages(kind="next_url"), "http://a.example/x?offset=2", True),
        (Pages(kind="link"), "http://a.example/x?page_token=2", False),
        (Pages(kind="link"), "http://a.example/page=2", False),
    ],
)
def test_rows_can_move_between_pages_with_numbers(pages, url, shifts):
    assert may_shift(pages, url) == shifts


@pytest.mark.parametrize(
    ("status", "kind", "walk", "past"),
    [
        *((status, "page", Walk(pages=1), True) for status in (400, 404, 410, 416, 422)),
        *((status, "page", Walk(pages=1), False) for status in (401, 403, 429, 500)),
        (404, "offset", Walk(pages=1), True),
        (404, "link", Walk(pages=1), False),
        (404, "page", Walk(), False),
        (404, "page", Walk(pages=1, records=5, total=5), True),
        (404, "page", Walk(pages=1, records=6, total=5), True),
        (404, "page", Walk(pages=1, records=4, total=5), False),
    ],
)
def test_which_refusals_end_a_numbered_listing(status, kind, walk, past):
    assert is_past_the_end(status, Pages(kind=kind), walk) == past
