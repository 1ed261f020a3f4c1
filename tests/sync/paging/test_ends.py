"""Where a listing ends and where it does not: cursors that are 0 or false, and pages without records."""

import pytest

from tests.server import json_reply
from tests.sync.mirroring import mirroring
from trayapp.endpoints.model import Incremental, Pages, Request, Table
from trayapp.sync.paging import listing, tries
from trayapp.sync.paging.following import MOST_EMPTY, MOST_EMPTY_BY_TOKEN

KEY = Table(key=("id",))
ONE = Pages(kind="none")
NOTHING = Ellipsis


@pytest.fixture
def mirror(tmp_path):
    with mirroring(tmp_path) as mirror:
        yield mirror


def ids(rows):
    return [row["id"] for row in rows]


# --- cursors


@pytest.mark.parametrize(
    "end", [None, "", 0, 0.0, False, {}, [], NOTHING], ids=lambda end: "nothing" if end is NOTHING else str(end)
)
def test_a_server_ends_a_listing_by_a_cursor_that_is_none(mirror, end):
    """Some say 0 or false. It counts as the end: what is missing is deleted."""

    def answer(seen):
        if not seen.param("cursor"):
            return json_reply({"items": [{"id": 1}, {"id": 2}], "next": "c2"})
        return json_reply({"items": [{"id": 3}], **({} if end == NOTHING else {"next": end})})

    pages = Pages(kind="cursor", path="next", param="cursor")
    assert ids(mirror.sync(answer, pages=pages, table=KEY)) == [1, 2, 3]
    assert mirror.api.count() == 2
    mirror.sync(json_reply({"items": [{"id": 3}], **({} if end == NOTHING else {"next": end})}), pages=pages, table=KEY)
    assert (mirror.report.deleted, mirror.api.count()) == (2, 3)


@pytest.mark.parametrize("token", ["0", "false", "null", 1, -1, True, 0.5, " "])
def test_any_other_cursor_leads_on(mirror, token):
    def answer(seen):
        if not seen.query:
            return json_reply({"items": [{"id": 1}], "next": token})
        return json_reply({"items": [{"id": 2}], "next": None})

    pages = Pages(kind="cursor", path="next", param="cursor")
    assert ids(mirror.sync(answer, pages=pages, table=KEY)) == [1, 2]
    sent = mirror.api.requests[-1].param("cursor")
    assert sent == ("true" if token is True else str(token))


@pytest.mark.parametrize("into", ["query", "json", "header"])
@pytest.mark.parametrize("all_ids", [range(-3, 4), range(3, -4, -1), range(5), [0, 1], [1, 0]], ids=str)
def test_a_last_record_whose_key_is_0_does_not_end_a_listing(mirror, into, all_ids):
    """It is a key like another: the next page begins behind it."""
    left = list(all_ids)

    def answer(seen):
        if into == "json":
            after = seen.json().get("after", NOTHING) if seen.body else NOTHING
        else:
            after = seen.param("after", None) if into == "query" else seen.headers.get("after")
            after = NOTHING if after is None else int(after)
        start = 0 if after == NOTHING else left.index(after) + 1
        return json_reply([{"id": id} for id in left[start : start + 1]])

    pages = Pages(kind="cursor", path="last:id", param="after", into=into)
    fields = {"request": Request(method="POST", json={})} if into == "json" else {}
    assert sorted(ids(mirror.sync(answer, pages=pages, table=KEY, **fields))) == sorted(all_ids)
    assert mirror.api.count() == len(left) + 1
    gone = left.pop()
    mirror.sync(answer, pages=pages, table=KEY, **fields)
    assert (mirror.report.deleted, gone in ids(mirror.rows())) == (1, False)


@pytest.mark.parametrize("value", [0, "0", -1, 0.5, ""], ids=repr)
def test_a_cursor_of_0_is_asked_with(mirror, value):
    incremental = Incremental(field="version", param="since")
    for _ in range(2):
        mirror.sync(json_reply([{"id": 1, "version": value}]), incremental=incremental, table=KEY, pages=ONE)
        assert mirror.report.status == "succeeded"
    first, second = (seen.param("since", "nothing") for seen in mirror.api.requests)
    assert (first, second) == ("nothing", "nothing" if value == "" else str(value))


@pytest.mark.parametrize("value", [False, True, None, [], {}])
def test_what_is_no_number_or_text_is_no_cursor(mirror, value):
    for settings in (Incremental(field="version", param="since"), Incremental(path="next", param="since")):
        for _ in range(2):
            reply = json_reply({"items": [{"id": 1, "version": value}], "next": value})
            mirror.sync(reply, incremental=settings, table=KEY, pages=ONE)
            assert mirror.report.status == "succeeded"
            assert mirror.api.requests[-1].query == {}


def test_a_server_s_own_cursor_may_be_0(mirror):
    incremental = Incremental(path="next", param="since")
    for _ in range(2):
        mirror.sync(json_reply({"items": [{"id": 1}], "next": 0}), incremental=incremental, table=KEY, pages=ONE)
    assert [seen.param("since", "nothing") for seen in mirror.api.requests] == ["nothing", "0"]


def test_the_first_run_may_begin_at_0(mirror):
    incremental = Incremental(field="version", param="since", initial="0")
    mirror.sync(json_reply([{"id": 1, "version": 5}]), incremental=incremental, table=KEY)
    assert mirror.api.requests[0].param("since") == "0"


# --- pages without records


def with_holes(empty, style):
    """A record, so many empty pages, and another record, as numbered pages; behind them the style's end."""

    def answer(seen):
        page = int(seen.param("page", "1"))
        items = [{"id": page}] if page in (1, empty + 2) else []
        more = page < empty + 2
        if style == "links without end" or (style == "links" and more):
            return json_reply(items).with_headers(Link=f'</items?page={page + 1}>; rel="next"')
        if style == "links":
            return json_reply(items)
        if style == "token":
            return json_reply({"items": items, "next": page + 1 if more else None})
        if style == "total_pages":
            return json_reply({"items": items, "total_pages": empty + 2})
        if style == "total":
            return json_reply({"items": items, "total": 2})
        return json_reply({"items": items, "has_more": more})

    return answer


PAGED = {
    "links": Pages(kind="link"),
    "links without end": Pages(kind="link"),
    "total_pages": Pages(kind="page", param="page"),
    "total": Pages(kind="page", param="page"),
    "has_more": Pages(kind="page", param="page"),
}


@pytest.mark.parametrize("style", PAGED)
@pytest.mark.parametrize("empty", [1, 4, MOST_EMPTY])
def test_so_many_empty_pages_may_come_in_a_row(mirror, style, empty):
    assert ids(mirror.sync(with_holes(empty, style), pages=PAGED[style], table=KEY)) == [1, empty + 2]


@pytest.mark.parametrize("style", ["links", "links without end"])
def test_one_more_ends_a_listing_of_links_to_positions(mirror, style):
    """Behind so many nothing is looked for: some servers name a next page for ever."""
    mirror.sync(with_holes(MOST_EMPTY + 1, style), pages=PAGED[style], table=KEY)
    assert ids(mirror.rows()) == [1]
    asked = {int(seen.param("page", "1")) for seen in mirror.api.requests}
    assert asked == set(range(1, MOST_EMPTY + 3))


def test_one_more_leaves_a_listing_with_a_total_incomplete(mirror):
    mirror.sync(with_holes(MOST_EMPTY + 1, "total"), pages=PAGED["total"], table=KEY)
    assert (mirror.report.status, mirror.report.evidence) == ("incomplete", "unproven")
    assert ids(mirror.rows()) == [1]


@pytest.mark.parametrize("style", ["total_pages", "has_more"])
def test_where_the_server_says_that_more_follows_empty_pages_end_nothing(mirror, style):
    rows = mirror.sync(with_holes(MOST_EMPTY + 5, style), pages=PAGED[style], table=KEY)
    assert ids(rows) == [1, MOST_EMPTY + 7]


@pytest.mark.parametrize(("empty", "status"), [(4, "succeeded"), (5, "succeeded"), (6, "failed")])
def test_tokens_may_lead_over_more_of_them(mirror, monkeypatch, empty, status):
    assert MOST_EMPTY_BY_TOKEN == listing.MOST_EMPTY_BY_TOKEN > 10 * MOST_EMPTY
    monkeypatch.setattr(listing, "MOST_EMPTY_BY_TOKEN", 5)
    pages = Pages(kind="cursor", path="next", param="page")
    rows = mirror.sync(with_holes(empty, "token"), pages=pages, table=KEY)
    assert mirror.report.status == status
    if status == "failed":
        assert str(mirror.report.problem.title) == "The pages do not end"
        assert mirror.api.count() <= 1 + empty + tries.MOST_REQUESTS
    else:
        assert ids(rows) == [1, empty + 2]
