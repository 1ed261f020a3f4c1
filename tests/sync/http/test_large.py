"""Large answers, cut into pieces as they come, give the very same rows as if they were read as a whole."""

import json
import threading

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.patience import SECONDS, until
from tests.server import Reply
from tests.sync.mirroring import mirroring
from trayapp.endpoints.model import Endpoint, Pages, Response, Table
from trayapp.sync.cancel import BY_USER, CancelToken
from trayapp.sync.detection.first_page import explore
from trayapp.sync.http import large as module
from trayapp.sync.http.auth import Credentials
from trayapp.sync.http.large import LARGE, Large
from trayapp.sync.run.context import RunContext
from trayapp.sync.run.runner import run

RECORDS = [{"id": n, "text": "ä}],{[" * 20, "inner": [{"a": [n]}, {}], "more": {"x": "}"}} for n in range(42_000)]


@pytest.fixture
def mirror(tmp_path):
    with mirroring(tmp_path) as mirror:
        yield mirror


def body(value):
    text = json.dumps(value, ensure_ascii=False).encode()
    assert len(text) > 2 * LARGE
    return text


def endpoint(url, records="auto", pages="none", **table):
    return Endpoint(
        id="items",
        name="Items",
        url=url,
        pages=Pages(kind=pages),
        response=Response(records=records),
        table=Table(**{"name": "items", "key": ("id",)} | table),
    )


def stored(record):
    return record | {name: msgspec.json.encode(record[name]).decode() for name in ("inner", "more")}


def check(mirror, reply, expected=RECORDS, **fields):
    """A first run and another: all rows are there, and nothing changes."""
    url = mirror.api.route("/items", reply)
    rows = mirror.run(endpoint(url, **fields))
    assert mirror.report.problem is None, mirror.report.problem
    assert sorted(rows, key=lambda row: row["id"]) == [stored(record) for record in expected]
    mirror.run(endpoint(url, **fields))
    report = mirror.report
    assert (report.added, report.changed, report.deleted, report.unchanged) == (0, 0, 0, len(expected))


def reply(value, **headers):
    return Reply(body(value), headers={"Content-Type": "application/json", **headers})


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (RECORDS, "auto"),
        ({"meta": {"tags": [{"a": 1}]}, "data": RECORDS}, "auto"),
        ({"data": {"items": RECORDS, "other": [{"a": 1}]}, "total": len(RECORDS)}, "data.items"),
        ({"data": RECORDS, "errors": [], "total": len(RECORDS)}, "auto"),
        ({"data": RECORDS}, "jmes:data"),
        ({"first": {"rows": [{"id": 1}] * 3}, "data": RECORDS}, "data[]"),
        ({"features": [{"properties": record} for record in RECORDS]}, "features flat properties"),
        ({"edges": [{"node": record} for record in RECORDS]}, "edges[].node"),
    ],
    ids=["list", "second list", "nested", "total", "jmes", "each", "flat", "nodes"],
)
def test_every_record_of_a_large_answer_is_mirrored(mirror, value, path):
    check(mirror, reply(value), records=path)


def test_lines_of_json_are_mirrored_too(mirror):
    text = "\n".join(json.dumps(record, ensure_ascii=False) for record in RECORDS).encode()
    check(mirror, Reply(text, headers={"Content-Type": "application/x-ndjson"}))


def test_records_with_many_objects_in_them_are_cut_as_well(tmp_path):
    record = json.dumps({"id": 1, "many": [{"a": {}}] * 200_000}).encode()
    text = b"[" + b",".join([b'{"id": 0}'] * 100_000 + [record] * 5 + [b'{"id": 2}']) + b"]"
    large = Large.begin(text[: LARGE // 4], tmp_path)
    for start in range(LARGE // 4, len(text), 2**20):
        large.feed(text[start : start + 2**20])
    short = large.finish()
    assert len(short) < 2 * len(record)
    assert large.restored(short) == text
    assert large.count + len(json.loads(short)) == 100_006
    large.close()


def test_a_preview_of_a_large_answer_shows_its_beginning(mirror):
    url = mirror.api.route("/items", reply(RECORDS))
    preview = explore(Endpoint(url=url), Credentials(), CancelToken())
    assert (preview.count, preview.key, len(preview.rows)) == (len(RECORDS), ("id",), 50)


def test_the_records_wanted_may_be_in_another_list_than_the_large_one(mirror):
    few = RECORDS[:3]
    check(mirror, reply({"large": RECORDS, "few": few}), expected=few, records="few")


def test_a_next_page_named_behind_the_large_list_is_followed(mirror):
    last = mirror.api.route("/last", Reply(json.dumps({"data": RECORDS[-5:]}).encode()))
    value = {"data": RECORDS[:-5], "next": last}
    check(mirror, reply(value), pages="auto")


def test_what_is_not_of_utf8_is_read_as_a_whole(mirror):
    text = body(RECORDS).decode().encode("latin-1")
    check(mirror, Reply(text, headers={"Content-Type": "application/json; charset=latin-1"}))


def test_a_large_answer_that_breaks_off_changes_nothing(mirror):
    url = mirror.api.route("/items", reply(RECORDS))
    mirror.run(endpoint(url))
    mirror.api.route("/items", Reply(body(RECORDS)[:-500_000], headers={"Content-Type": "application/json"}))
    mirror.run(endpoint(url))
    assert mirror.report.status == "failed"
    assert len(mirror.rows()) == len(RECORDS)


records = st.lists(
    st.dictionaries(
        st.sampled_from(["a", "b", "}"]),
        st.text('a}]{[",\\ ä', max_size=8) | st.integers() | st.lists(st.dictionaries(st.just("c"), st.just([{}]))),
        max_size=3,
    ),
    min_size=3,
    max_size=60,
)


@given(
    several=records,
    around=st.sampled_from([("", ""), ('{"data":', "}"), ('{"x":{"y":', '},"z":[{"q":1}]}')]),
    indent=st.sampled_from([None, 1]),
    cut=st.integers(40, 400),
    step=st.integers(1, 50),
)
def test_nothing_is_lost_wherever_it_is_cut(tmp_path_factory, several, around, indent, cut, step):
    text = (around[0] + json.dumps(several, indent=indent, ensure_ascii=False) + around[1]).encode()
    before, module.PIECE = module.PIECE, 64
    try:
        large = Large.begin(text[:cut], tmp_path_factory.getbasetemp())
        if large is None:
            return
        for start in range(cut, len(text), step):
            large.feed(text[start : start + step])
        short = large.finish()
        assert large.restored(short) == text
        between = [record for piece in large for record in piece]
        assert len(between) == large.count
        found = json.loads(short)
        for name in [name for name in ("data", "x", "y") if f'"{name}"' in around[0]]:
            found = found[name]
        everything = found + [json.loads(bytes(record)) for record in between]
        assert sorted(map(repr, everything)) == sorted(map(repr, several))
        large.close()
    finally:
        module.PIECE = before


def test_a_run_that_is_stopped_when_a_large_answer_begins_leaves_no_file_open(api, store, monkeypatch):
    """Who reads it is not waited for, and may come to it only then."""
    begin, begun, is_over, made = Large.begin, threading.Event(), threading.Event(), []

    def begin_late(head, folder):
        begun.set()
        assert is_over.wait(SECONDS)
        made.append(begin(head, folder))
        return made[0]

    monkeypatch.setattr(Large, "begin", begin_late)
    token = CancelToken()
    stopper = threading.Thread(target=lambda: (begun.wait(SECONDS), token.cancel(BY_USER)))
    stopper.start()
    url = api.route("/items", reply(RECORDS))
    report = run(endpoint(url), RunContext(store=store, staging=store.path.parent), token)
    stopper.join()
    is_over.set()
    assert report.status == "stopped"
    until(lambda: made and made[0]._file.closed, "its file is still open")
