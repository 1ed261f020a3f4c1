"""Long answers that are read from a file give the same rows as short ones in memory; what is too long is refused."""

import gzip
import io
import zipfile
from dataclasses import replace

import pytest

from tests.server import endless, raw
from tests.sync.mirroring import mirroring
from trayapp.sync.formats import packed, text
from trayapp.sync.formats.delimited import kept_blocks, rows
from trayapp.sync.http import intake, large

ROWS = [
    {"id": n, "name": f'Ä{n}, "x"' if n % 7 == 0 else f"n{n}", "note": "two\nlines" if n % 50 == 49 else None}
    for n in range(2000)
]


def csv(delimiter=",", end="\n"):
    def cell(value):
        shown = "" if value is None else str(value)
        return f'"{shown.replace(chr(34), chr(34) * 2)}"' if not shown.isalnum() and shown else shown

    return "".join(delimiter.join(map(cell, row)) + end for row in (ROWS[0].keys(), *(r.values() for r in ROWS)))


def zipped(content):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", content)
    return file.getvalue()


KINDS = {
    "plain": csv().encode(),
    "tabs": csv("\t").encode(),
    "CRLF": csv(end="\r\n").encode(),
    "CR": csv(end="\r").encode(),
    "byte order marks": b"\xef\xbb\xbf" * 2 + csv().encode(),
    "declared": b"\xef\xbb\xbfsep=;\r\n" + csv(";").encode(),
    "titles": b"All\nof it\n" + csv().encode(),
    "Windows": csv().encode("cp1252"),
    "gz": gzip.compress(csv().encode()),
    "zip": zipped(csv().encode()),
    "zip of gz": zipped(gzip.compress(csv().encode())),
}


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    for module in (intake, packed, text):
        monkeypatch.setattr(module, "LARGE", 1000)
    monkeypatch.setattr(kept_blocks, "MOST", 4096)
    monkeypatch.setattr(rows, "_LET_GO", 4096)
    monkeypatch.setattr(intake, "_WINDOW", 4096)
    with mirroring(tmp_path) as mirror:
        yield mirror


@pytest.mark.parametrize("kind", KINDS)
def test_rows_are_read_from_the_file(mirror, kind):
    reply = raw(KINDS[kind], "text/csv")
    assert mirror.add(reply) == ROWS
    assert mirror.run(mirror.preview.endpoint) == ROWS
    assert (mirror.report.added, mirror.report.changed, mirror.report.deleted) == (0, 0, 0)
    mirror.run(mirror.preview.endpoint)
    mirror.api.route("/items", raw(KINDS["plain"].replace(b"n1999", b"other"), "text/csv"))
    if kind == "plain":
        mirror.run(mirror.preview.endpoint)
        assert (mirror.report.added, mirror.report.changed, mirror.report.deleted) == (0, 1, 0)


def test_rows_may_be_more_than_is_in_memory_at_once(mirror, monkeypatch):
    for module in (intake, large, text):
        monkeypatch.setattr(module, "MOST", 10_000)
    assert len(KINDS["plain"]) > 20_000
    assert mirror.add(raw(KINDS["plain"], "text/csv")) == ROWS


def test_a_field_that_is_long_is_taken_and_a_longer_one_refused(mirror, monkeypatch):
    assert mirror.sync(raw(b'id,b\n1,"' + b"x," * 500_000 + b'"\n', "text/csv"))[0]["b"] == "x," * 500_000
    mirror.sync(raw(b'id,b\n1,"' + b"x" * (rows.MOST_OF_ROW + 1) + b'"\n', "text/csv"))
    assert str(mirror.report.problem.title) == "A record is too large"


def test_a_row_without_an_end_is_refused_before_it_is_read(mirror, monkeypatch):
    monkeypatch.setattr(rows, "MOST_OF_ROW", 10_000)
    mirror.sync(raw(b'id,b\n1,"' + b"x\n" * 50_000 + b'"\n', "text/csv"))
    assert str(mirror.report.problem.title) == "A record is too large"


def test_of_a_page_that_tells_of_an_error_only_the_beginning_is_read(mirror):
    mirror.sync(replace(endless(), status=400))
    assert mirror.report.problem.code == "rejected"
    assert mirror.report.bytes < 4 * intake.OF_ERRORS


@pytest.mark.parametrize("kind", ["application/json", "text/xml"])
def test_what_cannot_be_cut_is_taken_up_to_a_size(mirror, kind, monkeypatch):
    def reply(length):
        letters = "x" * length
        return raw(
            (f'{{"id": 1, "b": "{letters}"}}' if "json" in kind else f"<a><id>1</id><b>{letters}</b></a>").encode()
        )

    for module in (intake, large, text):
        monkeypatch.setattr(module, "MOST", 2**20)
    assert len(mirror.sync(reply(2**20 - 40))[0]["b"]) == 2**20 - 40
    mirror.sync(reply(2**20))
    assert str(mirror.report.problem.title) == "The response is too large to be read at once"


def test_a_long_text_of_no_known_format_is_not_even_read(mirror, monkeypatch):
    for module in (intake, large, text):
        monkeypatch.setattr(module, "MOST", 10_000)
    mirror.sync(raw(b"." * 20_000, "application/octet-stream"))
    assert str(mirror.report.problem.title) == "The response is too large to be read at once"


def test_many_values_that_are_no_records_are_refused(mirror, monkeypatch):
    monkeypatch.setattr(text, "MOST_VALUES", 1000)
    mirror.sync(raw(b"[" + b"1," * 1001 + b"1]"))
    assert str(mirror.report.problem.title) == "The response is too large to be read at once"
    assert len(mirror.sync(raw(b"[" + b"1," * 999 + b"1]"))) == 1000


@pytest.mark.parametrize("way", ["gzip", "gzip, gzip", "x-gzip,gzip"])
def test_several_codings_are_undone(mirror, way):
    body = KINDS["plain"]
    for _ in way.split(","):
        body = gzip.compress(body)
    assert mirror.sync(raw(body, "text/csv").with_headers(Content_Encoding=way)) == ROWS


def test_what_is_compressed_like_no_data_is_refused_with_a_way_out(mirror):
    records = b'[{"id": 1, "b": "' + b"x" * 300_000 + b'"}]'
    mirror.sync(raw(gzip.compress(records)).with_headers(Content_Encoding="gzip"))
    problem = mirror.report.problem
    assert (problem.code, problem.field) == ("too_packed", "request.headers")
    assert "Accept-Encoding: identity" in str(problem.next)
    assert len(mirror.sync(raw(records))) == 1
