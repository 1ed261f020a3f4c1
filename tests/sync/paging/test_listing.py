"""Walks over listings whose pages are given beforehand: what is asked for, where it ends, whether it is whole."""

import json

import pytest

from trayapp.endpoints.model import Endpoint, Limits, Pages
from trayapp.sync.errors import SyncError
from trayapp.sync.http.request import Answer, Call
from trayapp.sync.paging import listing
from trayapp.sync.paging.envelope import Envelope
from trayapp.sync.paging.following import MOST_EMPTY, Walk
from trayapp.sync.paging.listing import Listing, Source
from trayapp.sync.paging.tries import SecondPage

BASE = "http://a.example/x"


class Server:
    """Gives what its pages have under what follows the address: a body, or a status to refuse with."""

    def __init__(self, **pages):
        self.pages = pages
        self.asked = []

    def fetch(self, call):
        at = call.url.removeprefix(BASE).lstrip("?").replace("=", "")
        self.asked.append(at)
        found = self.pages[at or "first"]
        if isinstance(found, int):
            error = SyncError("Refused")
            error.status = found
            raise error
        return answer(call, found)


def answer(call, body):
    headers = {"Content-Type": "application/json"}
    if isinstance(body, bytes):
        return Answer(url=call.url, status=200, headers={"Content-Type": "text/csv"}, body=body)
    if isinstance(body, tuple):
        body, headers["Link"] = body[0], f'<{BASE}?{body[1]}>; rel="next"'
    return Answer(url=call.url, status=200, headers=headers, body=json.dumps(body).encode())


def items(*ids):
    return [{"id": id} for id in ids]


def walked(server, pages, endpoint=None, total=None, total_pages=None, path="", **options):
    source = Source(call=Call(url=BASE), path=path, pages=pages, total=total, total_pages=total_pages)
    walk = Listing(server, endpoint or Endpoint(url=BASE), source, **options)
    return walk, [json.loads(bytes(record))["id"] for page in walk for record in page]


NUMBERED = Pages(kind="page", param="p")
LINKED = Pages(kind="link")
BY_NAME = Pages(kind="cursor", path="next", param="c")


@pytest.mark.parametrize("pages", [NUMBERED, Pages(kind="page", param="p", start=1)], ids=["guessed", "told"])
def test_numbered_pages_end_with_an_empty_one(pages):
    server = Server(first=items(1, 2), p2=items(3, 4), p3=items(5), p4=[])
    walk, found = walked(server, pages)
    assert (found, server.asked) == ([1, 2, 3, 4, 5], ["", "p2", "p3", "p4"])
    assert (walk.complete, walk.shifting, walk.warnings, walk.following) == (True, True, [], None)
    assert (walk.walk.pages, walk.walk.records) == (4, 5)


@pytest.mark.parametrize("status", [404, 500])
def test_a_refusal_behind_the_end_is_the_end_and_any_other_none(status):
    server = Server(first=items(1, 2), p2=status)
    if status == 404:
        walk, found = walked(server, NUMBERED)
        assert (found, walk.complete) == ([1, 2], True)
    else:
        with pytest.raises(SyncError, match="Refused"):
            walked(server, NUMBERED)
    with pytest.raises(SyncError, match="Refused"):
        walked(Server(first=404), NUMBERED)
    with pytest.raises(SyncError, match="Refused"):
        walked(server, NUMBERED, total=3)


def test_a_last_page_that_comes_again_and_again_is_the_end_of_numbered_pages():
    server = Server(first=items(1, 2), p2=items(3), p3=items(3))
    walk, found = walked(server, NUMBERED)
    assert (found, walk.complete, len(server.asked)) == ([1, 2, 3], True, 3)
    with pytest.raises(SyncError, match="pages repeat"):
        walked(server, NUMBERED, total=4)
    assert walked(server, NUMBERED, total=3)[1] == [1, 2, 3]
    wrong, found = walked(Server(first=items(1), p2=items(2), p3=items(2)), NUMBERED, total=1)
    assert (found, wrong.complete) == ([1, 2], False), "a full page that makes up the total may not be the last"


def test_links_that_lead_back_are_a_circle_unless_everything_was_there():
    circle = {"first": (items(1), "p=2"), "p2": (items(2), "p=3"), "p3": (items(3), "p=2")}
    with pytest.raises(SyncError, match="pages repeat") as caught:
        walked(Server(**circle), LINKED)
    assert (caught.value.problem.code, caught.value.problem.field) == ("endless_pages", "pages.max")
    walk, found = walked(Server(**circle), LINKED, total=3)
    assert (found, walk.complete) == ([1, 2, 3], True)
    same = {"first": (items(1), "t=2"), "t2": (items(1), "t=3"), "t3": (items(1), "t=2")}
    with pytest.raises(SyncError, match="pages repeat"):
        walked(Server(**same), LINKED)
    itself = {"first": (items(1), "p=2"), "p2": ([], "p=2")}
    walk, found = walked(Server(**itself), LINKED)
    assert (found, walk.complete) == ([1], True)


@pytest.mark.parametrize(("param", "shifts"), [("p", True), ("token", False)])
def test_links_shift_where_they_are_made_of_numbers(param, shifts):
    server = Server(**{"first": (items(1), f"{param}=2"), f"{param}2": items(2)})
    walk, found = walked(server, LINKED)
    assert (found, walk.shifting, walk.complete) == ([1, 2], shifts, True)


def test_rows_that_could_move_between_two_pages_could_move():
    server = Server(first=(items(1), "p=2"), p2=(items(2), "token=3"), token3=items(3))
    assert walked(server, LINKED)[0].shifting


def test_numbered_pages_are_the_same_by_their_records_alone():
    server = Server(**{"first": {"items": items(1)}} | {f"p{n}": {"items": items(2), "at": n} for n in range(2, 9)})
    walk, found = walked(server, NUMBERED, path="items")
    assert (found, walk.complete, len(server.asked)) == ([1, 2], True, 3)


def test_what_is_odd_on_every_page_is_told_once():
    server = Server(first=b"id,a\n1,x\n,\n", p2=b"id,a\n2,x\n,\n", p3=b"id,a\n")
    source = Source(call=Call(url=BASE), path="", pages=NUMBERED)
    walk = Listing(server, Endpoint(url=BASE), source)
    assert [len(page) for page in walk] == [1, 1, 0]
    assert [str(each) for each in walk.warnings] == ["A row without any values was left out."]


@pytest.mark.parametrize("empty", [MOST_EMPTY, MOST_EMPTY + 1])
def test_links_lead_over_so_many_empty_pages(empty):
    pages = {f"p{n}": ([], f"p={n + 1}") for n in range(2, empty + 2)}
    server = Server(**({"first": (items(1), "p=2")} | pages | {f"p{empty + 2}": items(2)}))
    assert walked(server, LINKED)[1] == ([1, 2] if empty == MOST_EMPTY else [1])


def test_a_total_that_is_reached_ends_what_goes_on_empty():
    server = Server(first=(items(1), "token=2"), token2=([], "token=3"))
    walk, found = walked(server, LINKED, total=1)
    assert (found, walk.complete, server.asked) == ([1], True, ["", "token2"])


def test_tokens_lead_over_more(monkeypatch):
    monkeypatch.setattr(listing, "MOST_EMPTY_BY_TOKEN", 2)
    pages = {f"c{n}": {"items": [], "next": n + 1} for n in range(2, 9)}
    server = Server(**({"first": {"items": items(1), "next": 2}} | pages))
    with pytest.raises(SyncError, match="do not end"):
        walked(server, BY_NAME, path="items")
    assert server.asked == ["", "c2", "c3", "c4"]
    server.pages["c4"] = {"items": items(2), "next": 5}
    server.pages["c5"] = {"items": []}
    assert walked(server, BY_NAME, path="items")[1] == [1, 2]


@pytest.mark.parametrize(
    ("pages", "total", "complete"),
    [
        (NUMBERED, None, True),
        (NUMBERED, 2, True),
        (LINKED, 3, False),
        (LINKED, 1, False),
        (Pages(kind="none"), 9, True),
    ],
)
def test_what_is_whole(pages, total, complete):
    walk, found = walked(Server(first=items(1, 2), p2=[]), pages, total=total)
    assert (found, walk.complete) == ([1, 2], complete)
    assert (walk.lacking is None) == complete
    assert walk.evidence == (
        "unproven" if not complete else "ended" if total is None or pages.kind == "none" else "counted"
    )


@pytest.mark.parametrize(("most", "asked", "complete"), [(1, 1, False), (2, 2, False), (3, 3, True), (4, 3, True)])
def test_no_more_pages_than_wanted(most, asked, complete):
    server = Server(first=items(1), p2=items(2), p3=[])
    walk, found = walked(server, Pages(kind="page", param="p", max=most))
    assert (len(server.asked), walk.complete) == (asked, complete)
    assert found == [1, 2][:most]
    assert [f"first {most} pages" in str(each) or "first page" in str(each) for each in walk.warnings] == (
        [] if complete else [True]
    )


@pytest.mark.parametrize("most", [2, 3])
def test_no_more_pages_than_allowed(most):
    server = Server(first=items(1), p2=items(2), p3=[])
    endpoint = Endpoint(url=BASE, limits=Limits(pages=most))
    if most == 3:
        assert walked(server, NUMBERED, endpoint)[1] == [1, 2]
    else:
        with pytest.raises(SyncError, match="too many pages") as caught:
            walked(server, NUMBERED, endpoint)
        assert (caught.value.problem.field, len(server.asked)) == ("limits.pages", most)


def test_pages_that_are_there_are_not_asked_for_again():
    server = Server(first=items(1), p2=items(2), p3=[])
    first = answer(Call(url=BASE), items(1))
    call = Call(url=f"{BASE}?p=2")
    second = SecondPage(call, answer(call, items(2)), [], Envelope(b"[]", ()))
    _, found = walked(server, NUMBERED, first=first, second=second)
    assert (found, server.asked) == ([1, 2], ["p3"])
    other = SecondPage(Call(url=f"{BASE}?p=2", body=b"x"), answer(call, items(9)), [], Envelope(b"[]", ()))
    assert walked(server, NUMBERED, second=other)[1] == [1, 2]
    assert server.asked[1:] == ["", "p2", "p3"]


def test_a_walk_goes_on_where_it_was_broken_off():
    server = Server(p3=items(3), p4=[])
    before = Walk(pages=2, records=2, count=1, longest=2, total=3)
    walk, found = walked(server, NUMBERED, start=Call(url=f"{BASE}?p=3"), walk=before, total=9)
    assert (found, server.asked, walk.complete) == ([3], ["p3"], True)
    with pytest.raises(SyncError, match="pages repeat"):
        walked(Server(p3=(items(3), "")), LINKED, start=Call(url=f"{BASE}?p=3"))


class Ahead:
    """A prefetcher that only notes."""

    depth = 3

    def __init__(self, **pages):
        self.pages = pages
        self.wanted = []
        self.forgotten = 0

    def forget(self):
        self.forgotten += 1

    def want(self, calls):
        self.wanted.append([call.url.rpartition("=")[2] for call in calls])

    def take(self, call):
        body = self.pages.get("p" + call.url.rpartition("=")[2])
        return None if body is None else answer(call, body)


def test_pages_to_come_are_wanted_as_long_as_there_are_several():
    server = Server(first=items(1), p2=items(2), p3=items(3), p4=items(4))
    ahead = Ahead(p3=items(3))
    _, found = walked(server, NUMBERED, prefetcher=ahead, total_pages=4)
    assert (found, ahead.wanted, ahead.forgotten) == ([1, 2, 3, 4], [["2", "3", "4"], ["3", "4"]], 1)
    assert server.asked == ["", "p2", "p4"], "3 was taken"
    ahead = Ahead()
    walked(server, NUMBERED, prefetcher=ahead, total_pages=2)
    assert ahead.wanted == []


def test_nothing_is_wanted_before_a_page_that_is_there_was_used():
    server = Server(first=items(1), p2=items(2), p3=items(3), p4=items(4))
    call = Call(url=f"{BASE}?p=2")
    ahead = Ahead()
    walked(
        server,
        NUMBERED,
        prefetcher=ahead,
        total_pages=4,
        second=SecondPage(call, answer(call, items(2)), [], Envelope(b"[]", ())),
    )
    assert ahead.wanted == [["3", "4"]]
