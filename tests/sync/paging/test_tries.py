"""Which way to the next page is found, by how many requests. Servers are functions of what they are asked for."""

import itertools
import json
from urllib.parse import parse_qsl, urlsplit

import pytest

from trayapp.endpoints.model import Endpoint, Table
from trayapp.sync.errors import NetworkError, SyncError
from trayapp.sync.http.request import Answer, Call
from trayapp.sync.paging.candidates import FirstPage
from trayapp.sync.paging.envelope import read_envelope
from trayapp.sync.paging.probe import find_pages
from trayapp.sync.paging.signs import signs_of
from trayapp.sync.paging.tries import MOST_REQUESTS
from trayapp.sync.records.extraction import split_records

URL = "http://a.example/x"
ALL = [{"id": n, "name": f"n{n}"} for n in range(40)]


class Client:
    """Asks the server, a function from the parameters to a body, a status, or an error to raise."""

    def __init__(self, server):
        self.server = server
        self.asked = []

    def fetch(self, call, patient=True):
        params = dict(parse_qsl(urlsplit(call.url).query, keep_blank_values=True))
        self.asked.append(params)
        found = self.server(params)
        if isinstance(found, Exception):
            raise found
        if isinstance(found, int):
            error = SyncError("Refused")
            error.status = found
            raise error
        headers = {"Content-Type": "application/json"}
        return Answer(url=call.url, status=200, headers=headers, body=json.dumps(found).encode())


def found(server, path="", key=("id",), query=""):
    client = Client(server)
    call = Call(url=URL + query)
    answer = client.fetch(call)
    client.asked.clear()
    records, envelope = split_records(answer.body, path, URL), read_envelope(answer.body, path, URL)
    signs = signs_of(answer.headers, envelope, len(records), URL)
    first = FirstPage(call, answer, answer.body, path, records, envelope, signs)
    trial = find_pages(Endpoint(url=URL, table=Table(name="x", key=key)), client, first)
    assert len(client.asked) <= MOST_REQUESTS + 2
    return trial, client.asked


def by_page(name, size=7, first=1, of=ALL, past=None, wrap=lambda page: page):
    """Pages counted from `first`; `past`: the status behind the last one."""

    def server(params):
        number = int(params.get(name) or first) - first
        page = of[number * size : (number + 1) * size] if number >= 0 else of[:size]
        return past if past and not page else wrap(page)

    return server


def by_offset(name, size=7, first=0, of=ALL):
    return lambda params: of[max(0, int(params.get(name) or first) - first) :][:size]


def told(trial):
    return trial.pages.kind, trial.pages.param, trial.pages.start, trial.proven, trial.cut


@pytest.mark.parametrize(
    ("server", "way"),
    [
        (by_page("page"), ("page", "page", 1)),
        (by_page("page", first=0), ("page", "page", 0)),
        (by_page("pageNumber"), ("page", "pageNumber", 1)),
        (by_page("_page", first=0), ("page", "_page", 0)),
        (by_offset("offset"), ("offset", "offset", None)),
        (by_offset("skip"), ("offset", "skip", None)),
        (by_offset("start", first=1), ("offset", "start", 1)),
        (by_offset("$skip"), ("offset", "$skip", None)),
    ],
)
@pytest.mark.parametrize("key", [("id",), ()], ids=str)
def test_the_usual_names_are_found(server, way, key):
    trial, asked = found(server, key=key)
    assert told(trial) == (*way, True, False)
    assert trial.second is not None
    assert json.loads(bytes(trial.second.records[0]))["id"] == 7
    assert asked


@pytest.mark.parametrize("count", [7, 3, 20])
@pytest.mark.parametrize("past", [404, 400, 500, 403])
def test_a_single_page_is_known_by_what_is_behind_it(past, count):
    trial, _ = found(by_page("page", size=max(7, count), of=ALL[:count], past=past))
    ends = past in (404, 400)
    assert told(trial) == (("page", "page", 1, True, False) if ends else ("none", "", None, False, False))
    assert ("no more" if ends else "could not be read") in str(trial.proof)


def test_an_empty_page_behind_the_first_proves_that_it_was_the_last():
    trial, _ = found(by_page("page", of=ALL[:7]))
    assert told(trial) == ("page", "page", 1, True, False)
    assert "no more" in str(trial.proof)


@pytest.mark.parametrize(("same", "leads"), [(0, True), (1, True), (3, True), (4, False), (7, False)])
def test_pages_may_overlap_by_less_than_half(same, leads):
    """As rows are added while it is looked; a page that is rather the first one again is none."""

    def server(params):
        at = int(params.get("page", 1))
        return ALL[:7] if at <= 1 else ALL[7 - same : 14 - same] if at == 2 else []

    trial, _ = found(server)
    assert (trial.pages.kind == "page") == leads


def test_whoever_ignores_all_names_has_one_page():
    trial, asked = found(lambda _: ALL[:7])
    assert told(trial) == ("none", "", None, True, False)
    assert len(asked) == 3, "all names at once, all sizes at once, and what comes after the last key"
    assert "same records" in str(trial.proof)


@pytest.mark.parametrize("more", [7, 8])
def test_a_longer_page_that_has_more_is_a_sign_of_more(more):
    trial, _ = found(lambda params: ALL[:more] if "limit" in params else ALL[:7])
    assert told(trial) == ("none", "", None, more == 7, more == 8)


def test_other_records_each_time_are_no_pages_and_no_sign():
    ids = itertools.count()
    trial, _ = found(lambda _: [{"id": next(ids)} for _ in range(5)])
    assert told(trial) == ("none", "", None, True, False)


@pytest.mark.parametrize(("count", "proven"), [(20, False), (21, True), (100, False), (200, False), (101, True)])
def test_whoever_refuses_every_question_may_have_more_where_the_number_is_round(count, proven):
    records = [{"id": n} for n in range(count)]
    trial, asked = found(lambda params: 400 if params else records)
    assert told(trial) == ("none", "", None, proven, False)
    assert len(asked) == (3 if proven else 9)


@pytest.mark.parametrize("wrong", [NetworkError("No network"), 429, 503])
def test_a_server_that_can_t_answer_now_refuses_nothing(wrong):
    """That is asked once more, patiently, and then told."""
    times = []

    def server(params):
        if not params:
            return ALL[:7]
        times.append(params)
        return wrong

    with pytest.raises(SyncError):
        found(server)
    assert len(times) == 2


def signed(page, of=ALL):
    return {"total": len(of), "items": page}


def test_a_sign_of_more_without_a_way_is_cut_and_never_whole():
    trial, _ = found(lambda _: signed(ALL[:7]), path="items")
    assert told(trial) == ("none", "", None, False, True)
    trial, _ = found(lambda params: 400 if params else signed(ALL[:7]), path="items")
    assert told(trial) == ("none", "", None, False, True)
    trial, asked = found(lambda _: signed(ALL[:7], ALL[:7]), path="items")
    assert (told(trial), trial.evidence, len(asked)) == (("none", "", None, True, False), "counted", 3)


@pytest.mark.parametrize("empty", [True, False])
def test_where_more_was_promised_an_empty_page_proves_nothing(empty):
    def server(params):
        return signed([] if empty and params else ALL[:7])

    assert told(found(server, path="items")[0]) == ("none", "", None, False, True)


def test_a_sign_of_more_with_its_way():
    trial, _ = found(by_page("p", wrap=signed), path="items")
    assert told(trial) == ("page", "p", 1, True, False)


def test_any_name_that_filters_is_no_position():
    """Such a server gives what has that value: nothing, for every name it does not know."""
    trial, _ = found(lambda params: [] if params else ALL[:7])
    assert (trial.pages.kind, trial.cut) == ("none", False)


@pytest.mark.parametrize("name", ["next_cursor", "nextPageToken"])
def test_a_token_is_proven_by_the_page_it_leads_to(name):
    def server(params):
        token = params.get("cursor") or params.get("pageToken") or "0"
        at = int(token)
        return {"items": ALL[at : at + 7], name: str(at + 7) if at + 7 < len(ALL) else None}

    trial, asked = found(server, path="items")
    assert (trial.pages.kind, trial.pages.path, trial.proven) == ("cursor", name, True)
    assert len(asked) == 1
    ignored, _ = found(lambda _: {"items": ALL[:7], name: "7"}, path="items")
    assert (ignored.pages.kind, ignored.proven, ignored.cut) == ("none", False, True)


@pytest.mark.parametrize("empty", [1, 3])
def test_a_token_may_lead_over_empty_pages(empty):
    def server(params):
        at = int(params.get("cursor") or 0)
        items = ALL[:7] if at == 0 else [] if at <= empty else ALL[7:14]
        return {"items": items, "next_cursor": str(at + 1) if at <= empty else None}

    trial, _ = found(server, path="items")
    assert (trial.pages.kind, trial.pages.param, trial.proven) == ("cursor", "cursor", True)


@pytest.mark.parametrize("knows", [True, False])
def test_an_empty_page_without_a_token_proves_a_name_that_the_server_knows(knows):
    def server(params):
        asked = "cursor" in params if knows else bool(params)
        return {"items": [] if asked else ALL[:7], "next_cursor": None if asked else "c"}

    trial, _ = found(server, path="items")
    assert (trial.pages.kind == "cursor") == knows
    assert trial.cut == (not knows)


def linked(page, then):
    return {"items": page, "next": then}


@pytest.mark.parametrize(
    ("second", "proven", "cut"),
    [
        (linked(ALL[7:14], None), True, False),
        (linked([], None), True, False),
        (linked(ALL[:7], None), False, True),
        (linked(ALL[:8], None), True, False),
    ],
)
def test_an_address_of_the_next_page_is_proven_by_it(second, proven, cut):
    trial, asked = found(lambda params: second if params else linked(ALL[:7], f"{URL}?page=2"), path="items")
    assert (trial.pages.kind, trial.pages.path, trial.proven, trial.cut) == ("next_url", "next", proven, cut)
    assert asked == [{"page": "2"}]
    with pytest.raises(SyncError, match="Refused"):
        found(lambda params: 404 if params else linked(ALL[:7], f"{URL}?page=2"), path="items")


@pytest.mark.parametrize(("size", "asked"), [(4 << 20, True), ((4 << 20) + 100, False)])
def test_a_very_large_answer_is_not_asked_for_again(size, asked):
    record = {"id": 1, "text": "x" * (size - len('[{"id": 1, "text": ""}]'))}
    _, requests = found(lambda params: 400 if params else [record])
    assert bool(requests) == asked


def test_an_empty_first_page_is_whole():
    trial, asked = found(lambda _: [])
    assert (told(trial), trial.evidence, asked) == (("none", "", None, True, False), "asked", [])


def total_of(count, page):
    return {"total": count, "items": page}


def test_a_total_below_what_came_says_nothing():
    trial, _ = found(by_page("page", wrap=lambda page: total_of(3, page)), path="items")
    assert told(trial) == ("page", "page", 1, True, False)


def test_a_very_large_answer_with_a_sign_of_more_is_asked_for_more():
    records = [{"id": 1, "text": "x" * (4 << 20)}]
    trial, asked = found(lambda _: total_of(2, records), path="items")
    assert (told(trial), bool(asked)) == (("none", "", None, False, True), True)


def test_a_server_that_takes_names_for_fields_is_not_asked_for_long():
    _, asked = found(lambda params: [] if params else ALL[:7])
    assert len(asked) == 5


def test_records_that_come_only_when_all_is_asked_at_once_are_a_sign_of_more():
    def server(params):
        return ALL[7:14] if {"page", "offset", "skip"} <= params.keys() else ALL[:7]

    trial, _ = found(server)
    assert told(trial) == ("none", "", None, False, True)
    assert "other records" in str(trial.proof)


@pytest.mark.parametrize(("last", "cut"), [(ALL[:7], True), (ALL[20:27], False)], ids=["same", "other"])
def test_a_longer_page_is_a_sign_where_the_first_one_stays(last, cut):
    answers = itertools.chain([ALL[:7], ALL[:7], ALL[:8]], itertools.repeat(last))
    assert found(lambda _: next(answers))[0].cut == cut


@pytest.mark.parametrize("name", ["page", "offset"])
@pytest.mark.parametrize(("first", "start", "end"), [(6, 3, 9), (6, 3, 8), (5, 2, 8)])
def test_half_of_the_first_page_is_neither_the_first_nor_another(name, first, start, end):
    trial, _ = found(lambda params: ALL[start:end] if name in params else ALL[:first])
    assert told(trial) == ("none", "", None, False, True)


def test_a_much_longer_page_is_not_the_first():
    trial, _ = found(lambda params: ALL[:21] if params else ALL[:7])
    assert "other records" in str(trial.proof)


def test_a_record_that_came_meanwhile_does_not_make_offsets_count_from_one():
    """The one that both pages have is pushed on by it; counted from one, a record would be left out."""
    records = ALL[:]
    asked = []

    def server(params):
        asked.append(params)
        if len(asked) == 2:
            records.insert(0, {"id": 99, "name": "new"})
        return records[int(params.get("offset") or 0) :][:7]

    trial, _ = found(server)
    assert told(trial) == ("offset", "offset", None, True, False)


PROMISED = [404, []]


@pytest.mark.parametrize("then", PROMISED, ids=str)
@pytest.mark.parametrize("start", [0, 1])
@pytest.mark.parametrize("name", ["page", "offset"])
def test_a_promise_of_more_is_not_kept_by_an_end(name, start, then):
    """Were the end believed, what the server still has would count as deleted."""

    def server(params):
        at = params.get(name)
        first = at in (None, "", str(start)) if name == "page" else at in (None, "", "0", "1")
        page = ALL[:7] if first else then
        return page if page == 404 else total_of(40, page)

    trial, _ = found(server, path="items")
    assert told(trial) == ("none", "", None, False, True)


def test_a_token_that_leads_over_an_empty_page_back_to_the_first_proves_nothing():
    def server(params):
        at = int(params.get("cursor") or 0)
        return {"items": [] if at == 1 else ALL[:7], "next_cursor": str(at + 1)}

    trial, _ = found(server, path="items")
    assert (trial.pages.kind, trial.cut) == ("none", True)
