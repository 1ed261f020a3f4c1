"""What two answers are compared by, and what is sent back to ask whether anything is new. Without a server."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from types import SimpleNamespace

import msgspec
import pytest

from trayapp.endpoints.model import Endpoint, Pages, Table
from trayapp.store.bookkeeping.endpoint_states import Marks
from trayapp.sync.changes.conditional import BELIEVED, asking, can_ask, digest, is_unmodified, is_whole, marked
from trayapp.sync.http.request import Answer, Call
from trayapp.sync.paging.following import Walk

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def answer(body=b"[]", status=200, **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(url="http://a.example/x", status=status, headers=named, body=body)


def date(moment):
    return format_datetime(moment, usegmt=True)


@pytest.mark.parametrize(
    ("age", "fields", "mode", "can"),
    [
        (timedelta(0), {}, "mirror", True),
        (-SECOND, {}, "mirror", False),
        (BELIEVED - SECOND, {}, "upsert", True),
        (BELIEVED, {}, "mirror", False),
        (None, {}, "mirror", False),
        (timedelta(0), {"digest": None}, "mirror", False),
        (timedelta(0), {}, "append", False),
    ],
)
def test_when_it_is_asked_only_whether_anything_is_new(age, fields, mode, can):
    marks = Marks(**{"digest": "d", "last_full": None if age is None else NOW - age} | fields)
    assert can_ask(Endpoint(url="https://a.example/x", table=Table(mode=mode)), marks, NOW) == can


def test_what_is_sent_back():
    marks = Marks(etag='"v"', last_modified="then")
    call = Call(url="http://a.example/x", headers={"A": "b"})
    assert asking(call, marks).headers == {"A": "b", "If-None-Match": '"v"', "If-Modified-Since": "then"}
    assert asking(call, Marks(etag='"v"')).headers == {"A": "b", "If-None-Match": '"v"'}
    assert asking(call, Marks(last_modified="then")).headers == {"A": "b", "If-Modified-Since": "then"}
    own = {"If-None-Match": "mine", "If-Modified-Since": "mine"}
    assert asking(msgspec.structs.replace(call, headers=own), marks).headers == own
    assert asking(msgspec.structs.replace(call, method="POST"), marks).headers == {"A": "b"}


def test_what_tells_two_answers_apart():
    assert digest(answer(Date="1", ETag="1")) == digest(answer(Date="2", ETag="2"))
    assert digest(answer(b"[1]")) != digest(answer(b"[2]"))
    assert digest(answer(Link="<x>", X_Total="5")) == digest(answer(x_total="5", LINK="<x>"))
    told = [{}, {"Link": "<x>"}, {"Link": "<y>"}, {"X_Total": "<x>"}, {"X_Next_Page": "2"}, {"Content_Range": "0-4/5"}]
    assert len({digest(answer(**headers)) for headers in told}) == len(told)
    large = [msgspec.structs.replace(answer(b"[]"), large=SimpleNamespace(digest=digest)) for digest in (b"1", b"2")]
    assert len({*map(digest, large), digest(answer(b"[]"))}) == 3, "also by what is left out of a body"
    marks = marked(Marks(), answer(b"[1]", ETag="1"), NOW)
    assert is_unmodified(answer(b"[1]", ETag="2"), marks)
    assert is_unmodified(answer(b"", 304), marks)
    assert not is_unmodified(answer(b"[2]", ETag="1"), marks)


@pytest.mark.parametrize(
    ("modified", "sent", "kept"),
    [
        (NOW, NOW + 2 * SECOND, True),
        (NOW, NOW + SECOND, False),
        (NOW, NOW - SECOND, False),
        (NOW, None, False),
        (None, NOW, False),
    ],
)
def test_a_time_counts_when_its_second_is_over(modified, sent, kept):
    headers = {"Last_Modified": modified, "Date": sent}
    told = answer(**{name: date(moment) for name, moment in headers.items() if moment})
    assert marked(Marks(), told, NOW).last_modified == (date(NOW) if kept else None)
    assert marked(Marks(), answer(Last_Modified="some day", Date=date(NOW)), NOW).last_modified is None


def test_the_same_answer_leaves_the_marks_until_they_are_believed_no_more():
    first = marked(Marks(asked="this", cursor="5"), answer(ETag="1"), NOW)
    assert (first.asked, first.cursor, first.etag, first.last_full) == ("this", "5", "1", NOW)
    soon = NOW + BELIEVED - SECOND
    assert marked(first, answer(ETag="1"), soon) == first
    assert marked(first, answer(ETag="2"), soon) == msgspec.structs.replace(first, etag="2", last_full=soon)
    assert marked(first, answer(ETag="1"), NOW + BELIEVED) == msgspec.structs.replace(first, last_full=NOW + BELIEVED)
    assert marked(first, answer(ETag=""), soon).etag is None


@pytest.mark.parametrize(
    ("kind", "pages", "count", "whole"),
    [
        ("none", 1, 100, True),
        ("none", 2, 7, False),
        ("link", 1, 7, True),
        ("link", 1, 100, False),
        ("link", 2, 7, False),
        ("page", 0, 0, False),
    ],
)
def test_which_listings_show_anything_new_by_their_first_answer(kind, pages, count, whole):
    endpoint = Endpoint(url="https://a.example/x", pages=Pages(kind=kind))
    assert is_whole(endpoint, Walk(pages=pages, count=count)) == whole
