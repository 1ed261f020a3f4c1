"""Answers with numbers, dates and files that nothing can be made of: rows where there are some, else plain words.

Nothing of it may end as an error in the program.
"""

import gzip
import io
import struct
import zipfile
from contextlib import suppress

import pytest

from tests.server import json_reply, raw
from tests.sync.mirroring import mirroring
from trayapp.endpoints.model import Incremental, Pages, Response, Table
from trayapp.endpoints.units import Duration
from trayapp.sync.formats.packed import TooLarge, Unusable, unpacked
from trayapp.sync.http import retry

NUMBERS = (
    "1e400", "-1e400", "9" * 5000, "-" + "9" * 5000, "9" * 5000 + ".5", "0." + "3" * 5000, "1" + "0" * 400, "1e-400",
    "1e-99999999999999999999", "1e99999999999999999999", "4e-324", "123456789012345678901234567890",
)  # fmt: skip


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    monkeypatch.setattr(retry, "pause_before", lambda attempt, asked, jitter: 0.0)
    with mirroring(tmp_path) as mirror:
        yield mirror


@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: number[:12])
@pytest.mark.parametrize("explored", [True, False])
def test_numbers_in_records_come_as_they_were_sent(mirror, number, explored):
    body = f'[{{"id": 1, "a": {number}, "b": {{"c": [{number}]}}}}, {{"id": 2, "a": 1, "b": null}}]'
    rows = (mirror.add if explored else mirror.sync)(raw(body.encode()))
    assert mirror.report.problem is None
    assert [row["a"] for row in rows] == [number, "1"]
    assert rows[0]["b"] == f'{{"c":[{number}]}}'


@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: number[:12])
@pytest.mark.parametrize("place", ["total", "next_cursor", "last_page", "has_more", "id", "odd"])
def test_numbers_beside_records_do_no_harm(mirror, number, place):
    rows = mirror.add(raw(f'{{"items": [{{"id": 1}}, {{"id": 2}}], "{place}": {number}}}'.encode()))
    assert mirror.report.problem is None or mirror.report.problem.code != "bug"
    assert rows is None or [row["id"] for row in rows] == [1, 2]


@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: number[:12])
@pytest.mark.parametrize("format", ["csv", "ndjson", "xml", "jmes:items"])
def test_numbers_in_every_format(mirror, number, format):
    body, kind, fields = {
        "csv": (f"id,a\n1,{number}\n2,x\n", "text/csv", {}),
        "ndjson": (f'{{"id":1,"a":{number}}}\n{{"id":2,"a":"x"}}\n', "application/x-ndjson", {}),
        "xml": (f"<r><i><id>1</id><a>{number}</a></i><i><id>2</id><a>x</a></i></r>", "text/xml", {}),
        "jmes:items": (
            f'{{"items":[{{"id":1,"a":{number}}},{{"id":2,"a":"x"}}]}}',
            "application/json",
            {"response": Response(records="jmes:items")},
        ),
    }[format]
    rows = mirror.add(raw(body.encode(), kind), **fields)
    assert mirror.report.problem is None
    assert [row["a"] for row in rows] == [number, "x"]


DATE = "Mon, 01 Jan 2024 00:00:00 +" + "9" * 30
HEADERS = (
    "X-Total-Count", "X-Total-Pages", "Content-Range", "X-RateLimit-Reset", "Retry-After", "Date", "Last-Modified",
)  # fmt: skip


@pytest.mark.parametrize("text", ["12²", "²", "9" * 5000, "1e400", "-1", "", DATE])
@pytest.mark.parametrize("name", HEADERS)
def test_headers_with_no_numbers_and_dates(mirror, name, text):
    value = f"items 0-1/{text}" if name == "Content-Range" else text
    reply = json_reply([{"id": 1}, {"id": 2}]).with_headers(X_RateLimit_Remaining="1000")
    assert mirror.add(reply.with_headers(**{name.replace("-", "_"): value}))
    assert mirror.report.problem is None


@pytest.mark.parametrize("wait", ["99999999999999999999", "9" * 5000, "Fri, 31 Dec 9999 23:59:59 GMT", "1" + "0" * 400])
@pytest.mark.parametrize("status", [403, 429, 503])
def test_a_wait_without_end(mirror, status, wait):
    assert mirror.sync(json_reply({}, status, Retry_After=wait)) is None
    assert mirror.report.problem.code in ("rate_limit", "unavailable")
    assert 60 < mirror.report.retry_after < 400 * 86400


@pytest.mark.parametrize(
    "number", [*NUMBERS, "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59", "Mon, 1 Jan 1900 00:00:00 +9"]
)
def test_cursors_of_any_kind(mirror, number):
    text = number if number[:1] in "-0123456789" and "T" not in number else f'"{number}"'
    fields = {
        "incremental": Incremental(field="at", param="since", lookback=Duration(86400)),
        "table": Table(key=("id",)),
    }
    for _ in range(2):
        rows = mirror.sync(raw(f'[{{"id": 1, "at": {text}}}]'.encode()), **fields)
        assert mirror.report.problem is None or mirror.report.problem.code != "bug"
        assert rows is None or [row["id"] for row in rows] == [1]


@pytest.mark.parametrize("kind", ["cursor", "page", "offset"])
def test_numbers_that_lead_to_the_next_page(mirror, kind):
    number = "9" * 4000
    body = f'{{"items": [{{"id": 1}}], "total": {number}, "next": {number}}}'.encode()
    pages = Pages(kind=kind, path="next" if kind == "cursor" else "", param="p", max=2)
    mirror.sync(raw(body), pages=pages, response=Response(records="items"))
    assert mirror.report.problem is None or mirror.report.problem.code != "bug"


def _zip(**options):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", options.get("method", zipfile.ZIP_DEFLATED)) as archive:
        archive.writestr("a.json", b'[{"id": 1}, {"id": 2}]' * options.get("times", 1))
    return buffer.getvalue()


FILES = {
    "zip": _zip(),
    "stored": _zip(method=zipfile.ZIP_STORED),
    "bzip2": _zip(method=zipfile.ZIP_BZIP2),
    "lzma": _zip(method=zipfile.ZIP_LZMA),
    "gzip": gzip.compress(b'[{"id": 1}, {"id": 2}]', mtime=0),
}


@pytest.mark.parametrize("kind", FILES)
def test_files_with_any_byte_changed_or_the_end_missing(kind):
    """Every byte, and every length: only the errors of the module come out of it."""
    whole = FILES[kind]
    damaged = [whole[:size] for size in range(4, len(whole))]
    damaged += [whole[:at] + bytes([value]) + whole[at + 1 :] for at in range(len(whole)) for value in (0, 1, 127, 255)]
    for body in damaged:
        with suppress(TooLarge, Unusable):
            assert len(unpacked(body, 10_000)) <= 10_000


def test_a_damaged_file_is_told(mirror):
    central = FILES["zip"].rindex(b"PK\x01\x02")
    for at, value in (
        (central + 10, struct.pack("<H", 99)),
        (central + 42, b"\xff\xff\xff\x7f"),
        (30, b"\xff\xff\xff"),
    ):
        body = FILES["zip"][:at] + value + FILES["zip"][at + len(value) :]
        assert mirror.sync(raw(body, "application/zip")) is None
        assert str(mirror.report.problem.title) == "The file can't be unpacked"
