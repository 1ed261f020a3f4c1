"""Answers of every format, mirrored with nothing but the address."""

import csv
import gzip
import io
import json
import zipfile

import brotli
import pytest

from tests.server import gzipped, json_reply, nested, raw
from tests.sync.mirroring import as_stored, mirroring
from trayapp.endpoints.model import After, Endpoint, Limits, Response, Table
from trayapp.endpoints.naming import completed
from trayapp.endpoints.units import Size
from trayapp.sync.formats import sniff
from trayapp.sync.records.extraction import MOST_LEVELS

try:
    from compression import zstd
except ImportError:
    from backports import zstd

RECORDS = [
    {"id": 1, "name": "Ärger", "price": 1.5, "open": True, "tags": ["a"], "note": None},
    {"id": 2, "name": "line\nbreak", "price": 2, "open": False, "tags": [], "note": "x"},
    {"id": 3, "name": '"q"', "price": -0.25, "open": True, "tags": [{"b": "\u2028"}], "note": "y"},
]
CSV = "id,name,price\r\n1,ann,1.5\r\n2,bob,2.25\r\n"
PEOPLE = [{"id": 1, "name": "ann", "price": 1.5}, {"id": 2, "name": "bob", "price": 2.25}]
JSON_TEXT = json.dumps(RECORDS, ensure_ascii=False)
LINES = "\n".join(json.dumps(record, ensure_ascii=False) for record in RECORDS)


@pytest.fixture
def mirror(tmp_path):
    with mirroring(tmp_path) as mirror:
        yield mirror


@pytest.mark.parametrize(
    "kind", ["text/plain", "text/html", "application/octet-stream", "application/vnd.api+json", ""]
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_json_is_known_by_its_looks(mirror, kind, encoding):
    assert mirror.add(raw(JSON_TEXT.encode(encoding), kind)) == as_stored(RECORDS)
    assert mirror.preview.format == "json"


def test_the_guard_before_json_is_taken_off(mirror):
    assert mirror.add(raw(b")]}',\n" + JSON_TEXT.encode())) == as_stored(RECORDS)


@pytest.mark.parametrize("kind", ["application/x-ndjson", "application/json", "text/plain"])
@pytest.mark.parametrize(
    "text",
    [LINES, LINES + "\n", "\ufeff" + LINES.replace("\n", "\r\n\r\n"), "\x1e" + LINES.replace("\n", "\n\x1e") + "\n"],
    ids=["lines", "ended", "BOM, CRLF and blank lines", "RFC 7464"],
)
def test_lines_of_json(mirror, kind, text):
    assert mirror.add(raw(text.encode(), kind)) == as_stored(RECORDS)
    assert mirror.preview.format == mirror.preview.endpoint.response.format == "ndjson"
    assert mirror.sync(raw(text.encode(), kind)) == as_stored(RECORDS)


@pytest.mark.parametrize("joint", ["", " ", "\n"])
def test_values_one_after_another_need_no_line_each(mirror, joint):
    text = joint.join(json.dumps(record, indent=2, ensure_ascii=False) for record in RECORDS).encode()
    assert mirror.add(raw(text, "application/x-ndjson")) == as_stored(RECORDS)


def test_no_lines_are_an_empty_listing(mirror):
    assert mirror.add(raw(LINES.encode(), "application/x-ndjson")) == as_stored(RECORDS)
    mirror.run(mirror.preview.endpoint)
    mirror.api.route("/items", raw(b"", "application/x-ndjson"))
    mirror.run(mirror.preview.endpoint)
    assert (mirror.report.status, mirror.report.held) == ("held", 3)


def test_what_only_a_lenient_parser_reads_keeps_its_digits(mirror):
    text = b'{"id": 1, "x": NaN, "y": 0.1000000000000000055511151231257827}\n'
    text += b'{"id": 2, "x": 1.1, "y": 12345678901234567890}'
    rows = mirror.add(raw(text, "application/x-ndjson"))
    assert rows == [
        {"id": 1, "x": None, "y": "0.1000000000000000055511151231257827"},
        {"id": 2, "x": 1.1, "y": "12345678901234567890"},
    ]


def test_numbers_in_a_text_column_have_the_digits_they_were_sent_with(mirror):
    rows = mirror.add(raw(b'[{"id": 1, "v": 1.10}, {"id": 2, "v": 1E5}, {"id": 3, "v": 7}, {"id": 4, "v": "x"}]'))
    assert [row["v"] for row in rows] == ["1.10", "1E5", "7", "x"]


@pytest.mark.parametrize(
    ("body", "title"),
    [
        (LINES.encode()[:-9], "The response was cut off"),
        (b'{"id": 1}\nnonsense\n{"id": 2}\n', "The response is not JSON"),
        (b'{"id": 1}\n{"id": 2} x', "The response is not JSON"),
    ],
)
def test_broken_lines_are_refused(mirror, body, title, monkeypatch):
    monkeypatch.setattr("trayapp.sync.http.retry.pause_before", lambda attempt, asked, jitter: 0.0)
    mirror.sync(raw(body, "application/x-ndjson"))
    assert str(mirror.report.problem.title) == title


@pytest.mark.parametrize("levels", [MOST_LEVELS, 1_000, 100_000])
@pytest.mark.parametrize("kind", ["application/json", "application/x-ndjson"])
def test_endless_nesting_is_refused(mirror, levels, kind):
    mirror.sync(raw(nested(levels).body[1:-1], kind))
    assert str(mirror.report.problem.title) == "The response is nested too deeply"


@pytest.mark.parametrize("inner", ["[]", "{}", "", '["[[{{","\\\\","]","\\"[{"]', "[[]]," * MOST_LEVELS + "0"])
def test_nesting_up_to_the_limit_is_read(mirror, inner):
    """Whatever Python's own limit is. Brackets in texts are none, and many next to each other are not deep."""
    levels = MOST_LEVELS - 1 - (2 if "[[]]" in inner else bool(inner))
    deep = "[" * levels + inner + "]" * levels
    assert mirror.sync(raw(f'[{{"id": 1, "deep": {deep}}}]'.encode())) == [{"id": 1, "deep": deep}]
    with mirror.store.reading() as db:
        assert db.execute("SELECT json_valid(deep) FROM items").get == 1
    mirror.sync(raw(f'[{{"id": 1, "deep": [{deep}]}}]'.encode()))
    assert str(mirror.report.problem.title) == "The response is nested too deeply"


# --- CSV


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
@pytest.mark.parametrize("end", ["\r\n", "\n"])
def test_csv_in_every_dialect(mirror, delimiter, encoding, end):
    records = [{"id": 1, "naïve": "é,;|\t", "n": 2.5}, {"id": 2, "naïve": 'a "b"\r\nc', "n": -3.0}]
    file = io.StringIO()
    writer = csv.DictWriter(file, records[0], delimiter=delimiter, lineterminator=end)
    writer.writeheader()
    writer.writerows(records)
    assert mirror.add(raw(file.getvalue().encode(encoding), "text/csv")) == records
    assert mirror.preview.endpoint.response.format == "csv"
    told = [warning for warning in tuple(map(str, mirror.report.warnings)) if "Windows-1252" in warning]
    assert len(told) == (encoding == "cp1252")


@pytest.mark.parametrize("kind", ["text/plain", "application/octet-stream", "application/vnd.ms-excel", ""])
def test_csv_is_known_by_its_looks(mirror, kind):
    assert mirror.add(raw(CSV.encode(), kind)) == PEOPLE


def test_a_column_alone_is_csv_when_its_name_says_so(mirror):
    assert mirror.add(raw(b"word\nb\na\n", "text/plain"), path="/words.csv", table=Table(name="items")) == [
        {"word": "b"},
        {"word": "a"},
    ]


def test_excels_hint_is_taken(mirror):
    assert mirror.add(raw(b"sep=;\r\nid;b\r\n1;1,5\r\n", "text/csv")) == [{"id": 1, "b": "1,5"}]


@pytest.mark.parametrize(
    "cell", ["007", "1.50", "+5", " 5", "1e5", "-0", "1_000", "0x1F", "١", "1.", ".5", "NaN", "inf"]
)
def test_a_text_that_is_not_just_a_number_stays_as_it_is(mirror, cell):
    rows = mirror.add(raw(f"id,v,w\n1,{cell},1.5\n2,7,{cell}\n3,,2\n".encode(), "text/csv"))
    assert [row["v"] for row in rows] == [cell, "7", None]
    assert [row["w"] for row in rows] == ["1.5", cell, "2"]


@pytest.mark.parametrize("cell", ["nan", "inf", "1e+16", "1e-05"])
def test_a_whole_column_of_what_only_python_calls_numbers_stays_text(mirror, cell):
    rows = mirror.add(raw(f"id,v\n1,{cell}\n2,{cell}\n".encode(), "text/csv"))
    assert [row["v"] for row in rows] == [cell, cell]


@pytest.mark.parametrize("order", [1, -1])
def test_a_columns_type_does_not_depend_on_the_order_of_pages(mirror, order):
    pages = [b"id,v\n1,7\n2,8.5\n", b"id,v\n3,007\n4,9\n"][::order]
    links = {0: {"Link": '</items?page=2>; rel="next"'}, 1: {}}

    def reply(seen):
        page = int(seen.param("page", "1")) - 1
        return raw(pages[page], "text/csv").with_headers(**links[page])

    rows = mirror.add(reply)
    assert sorted((row["id"], row["v"]) for row in rows) == [(1, "7"), (2, "8.5"), (3, "007"), (4, "9")]
    assert mirror.types()["v"] == "TEXT"


def test_big_and_exact_numbers(mirror):
    rows = mirror.add(raw(b"id,n,r\n1,9007199254740993,0.1\n2,-5,1.0\n", "text/csv"))
    assert rows == [{"id": 1, "n": 9007199254740993, "r": 0.1}, {"id": 2, "n": -5, "r": 1.0}]
    assert mirror.types() == {"id": "INTEGER", "n": "INTEGER", "r": "REAL"}


def test_an_empty_cell_is_null_and_a_quoted_one_an_empty_text(mirror):
    rows = mirror.add(raw(b'id,a,b\n1,,""\n2,"",\n3,"x,"""",y",",""\n,"\n', "text/csv"))
    assert rows == [
        {"id": 1, "a": None, "b": ""},
        {"id": 2, "a": "", "b": None},
        {"id": 3, "a": 'x,"",y', "b": ',"\n,'},
    ]


def test_headers_without_names_and_with_the_same_ones(mirror):
    rows = mirror.add(raw(b"id,,name, name ,\n1,x,a,b,\n2,y,c,d,\n", "text/csv"))
    assert rows == [
        {"id": 1, "column_2": "x", "name": "a", "name_2": "b"},
        {"id": 2, "column_2": "y", "name": "c", "name_2": "d"},
    ]


def test_ragged_rows_are_told_and_nothing_of_them_is_lost(mirror):
    rows = mirror.add(raw(b"id,a,b\n1,x\n2,x,y,z\n3,p,q\n,,\n\n", "text/csv"))
    assert rows == [
        {"id": 1, "a": "x", "b": None, "column_4": None},
        {"id": 2, "a": "x", "b": "y", "column_4": "z"},
        {"id": 3, "a": "p", "b": "q", "column_4": None},
    ]
    assert len(mirror.report.warnings) == 3
    assert tuple(map(str, mirror.preview.warnings)) == tuple(map(str, mirror.report.warnings))


def test_a_header_alone_is_an_empty_listing(mirror):
    mirror.sync(raw(b"id,name\n", "text/csv"))
    assert (mirror.report.status, mirror.report.rows) == ("succeeded", 0)


def test_rows_without_a_header_get_numbered_columns(mirror):
    assert mirror.add(raw(b"1,2.5\n3,4.5\n", "text/csv")) == [
        {"column_1": 1, "column_2": 2.5},
        {"column_1": 3, "column_2": 4.5},
    ]
    assert any("first row" in str(warning) for warning in tuple(map(str, mirror.preview.warnings)))


def test_quotation_marks_that_quote_nothing_are_kept(mirror):
    rows = mirror.add(raw(b'id\tsize\n1\t5" wide\n2\t"open\n', "text/tab-separated-values"))
    assert [row["size"] for row in rows] == ['5" wide', '"open']
    assert any("Quotation marks" in warning for warning in tuple(map(str, mirror.report.warnings)))


def test_an_unchanged_csv_costs_nothing_and_an_edit_is_one_change(mirror):
    mirror.add(raw(CSV.encode(), "text/csv"))
    mirror.run(mirror.preview.endpoint)
    assert mirror.report.unchanged == 2
    mirror.api.route("/items", raw(CSV.replace("bob", "007").encode(), "text/csv"))
    mirror.run(mirror.preview.endpoint)
    assert (mirror.report.changed, mirror.report.unchanged) == (1, 1)


def long_csv(**cells):
    """Many pieces of a CSV, with these cells in place of the usual text in some of its rows."""
    usual = 'some "text", and so on '.replace('"', '""') * 3
    lines = [f'{n},{n * 7},"{cells.get(f"row{n}", usual + str(n))}"' for n in range(1, 9001)]
    return raw("\n".join(["id,amount,text", *lines]).encode(), "text/csv")


def test_a_long_csv_is_compared_row_by_row(mirror):
    rows = mirror.add(long_csv(row5000="two\nlines"))
    assert len(rows) == 9000
    assert rows[4999] == {"id": 5000, "amount": 35000, "text": "two\nlines"}
    assert rows[8999]["text"].endswith("9000")
    # The rows behind a cell with a line break are told apart by the same lines as those in front of any.
    mirror.api.route("/items", long_csv(row4000="other", row5000="one line", row8000="two\nmore"))
    mirror.run(mirror.preview.endpoint)
    assert (mirror.report.changed, mirror.report.unchanged, mirror.report.added) == (3, 8997, 0)
    assert [mirror.rows()[n - 1]["text"] for n in (4000, 5000, 8000)] == ["other", "one line", "two\nmore"]


def test_a_column_becomes_text_far_behind_its_beginning(mirror):
    mirror.add(long_csv())
    lines = ["id,amount,text", *(f"{n},{n * 7 if n != 7000 else 'none'},x" for n in range(1, 9001))]
    mirror.api.route("/items", raw("\n".join(lines).encode(), "text/csv"))
    mirror.run(mirror.preview.endpoint)
    rows = mirror.rows()
    assert [rows[n - 1]["amount"] for n in (1, 7000, 9000)] == ["7", "none", "63000"]
    mirror.api.route("/items", raw("\n".join([*lines, "9001,1,x"]).encode(), "text/csv"))
    mirror.run(mirror.preview.endpoint)
    assert (mirror.report.added, mirror.report.changed, mirror.report.unchanged) == (1, 0, 9000)


@pytest.mark.parametrize("header", ["id,amount,comment", "id;amount;text"])
def test_the_same_lines_under_another_header_are_other_records(mirror, header):
    mirror.add(raw(b"id,amount,text\n1,2,x\n2,3,y\n", "text/csv"))
    lines = f"{header}\n1,2,x\n2,3,y\n".replace(",", header[2])
    mirror.api.route("/items", raw(lines.encode(), "text/csv"))
    mirror.run(mirror.preview.endpoint)
    assert mirror.rows() == [
        {"id": n, "amount": n + 1, "text": None if "comment" in header else text}
        | ({"comment": text} if "comment" in header else {})
        for n, text in ((1, "x"), (2, "y"))
    ]


@pytest.mark.parametrize(
    ("reply", "title"),
    [
        (json_reply({"error": "down for maintenance"}), "The response is JSON, not CSV"),
        (raw(b"<!DOCTYPE html><title>Hi</title>", "text/csv"), "The response is a web page, not data"),
        (raw(b'id,a\n1,"x\n2,y\n', "text/csv"), "The response was cut off"),
    ],
)
def test_what_is_no_csv_is_refused_and_nothing_changes(mirror, reply, title, monkeypatch):
    monkeypatch.setattr("trayapp.sync.http.retry.pause_before", lambda attempt, asked, jitter: 0.0)
    mirror.add(raw(CSV.encode(), "text/csv"))
    mirror.api.route("/items", reply)
    mirror.run(mirror.preview.endpoint)
    assert str(mirror.report.problem.title) == title
    assert mirror.rows() == PEOPLE


# --- feeds

RSS = """<?xml version="1.0" encoding="iso-8859-1"?>
<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>N</title><link>http://n/</link>
<item><title>Erst\xe9 &amp; zweite</title><link>http://n/1</link><guid isPermaLink="false">a1</guid>
<pubDate>Mon, 02 Mar 2026 10:00:00 GMT</pubDate><category>x</category><category domain="d">y</category>
<description><![CDATA[<p>One & two</p>]]></description><dc:creator>Ann</dc:creator></item>
<item><title>2024</title><link>http://n/2</link><guid>a2</guid><category>z</category></item>
</channel></rss>"""
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom"><title>N</title><link rel="self" href="http://n/feed"/>
<entry><id>urn:1</id><title type="html">A &lt;b&gt;</title><link href="http://n/1"/>
<link rel="enclosure" href="http://n/1.mp3" length="5"/><updated>2026-01-01T00:00:00Z</updated>
<category term="x"/><author><name>Ann</name></author>
<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>Hi <i>you</i></p></div></content></entry>
</feed>"""


@pytest.mark.parametrize("kind", ["application/rss+xml", "text/xml", "text/html; charset=iso-8859-1"])
def test_rss_keeps_what_left_the_feed(mirror, kind):
    rows = mirror.add(raw(RSS.encode("latin-1"), kind))
    assert mirror.preview.format == "feed"
    assert mirror.preview.endpoint.table.mode == "upsert"
    assert mirror.preview.key == ("guid",)
    assert any("upsert" in str(warning) for warning in tuple(map(str, mirror.preview.warnings)))
    assert rows[0] == {
        "title": "Ersté & zweite", "link": "http://n/1", "guid": "a1", "pubDate": "Mon, 02 Mar 2026 10:00:00 GMT",
        "category": '["x","y"]', "description": "<p>One & two</p>", "dc:creator": "Ann",
    }  # fmt: skip
    assert (rows[1]["title"], rows[1]["category"]) == ("2024", '["z"]')
    gone = RSS[: RSS.index("<item>")] + RSS[RSS.rindex("<item>") :]
    mirror.api.route("/items", raw(gone.encode("latin-1"), kind))
    assert len(mirror.run(mirror.preview.endpoint)) == 2
    assert mirror.report.deleted == 0


GONE = RSS[: RSS.index("<item>")] + RSS[RSS.rindex("<item>") :]


@pytest.mark.parametrize(("mode", "rows", "deleted"), [("auto", 2, 0), ("upsert", 2, 0), ("mirror", 1, 1)])
def test_a_feed_set_up_by_hand_keeps_what_left_it_unless_it_shall_be_mirrored(mirror, mode, rows, deleted):
    assert len(mirror.sync(raw(RSS.encode("latin-1"), "text/xml"), table=Table(mode=mode))) == 2
    assert len(mirror.sync(raw(GONE.encode("latin-1"), "text/xml"), table=Table(mode=mode))) == rows
    assert mirror.report.deleted == deleted


def test_feeds_of_the_rows_of_a_query_keep_what_left_them(mirror):
    parent = Endpoint(url=mirror.api.route("/all", json_reply([{"id": 1}, {"id": 2}])), name="All")
    mirror.run(completed(parent))
    for number in (1, 2):
        feed = RSS.replace("a1", f"a{number}x")
        mirror.api.route(f"/feeds/{number}", raw(feed.encode("latin-1"), "text/xml"))
    after = After(endpoint="all", each='SELECT id FROM "all"')
    chained = completed(
        Endpoint(url=mirror.api.url("/feeds/") + "{id}", name="Items", table=Table(key=("guid",)), after=after)
    )
    assert len(mirror.run(chained)) == 3
    mirror.api.route("/feeds/1", raw(GONE.encode("latin-1"), "text/xml"))
    assert len(mirror.run(chained)) == 3
    assert mirror.report.deleted == 0


def test_atom(mirror):
    (row,) = mirror.add(raw(ATOM.encode(), "application/atom+xml"))
    assert row == {
        "id": "urn:1", "title": "A <b>", "link": "http://n/1",
        "links": '[{"rel":"enclosure","href":"http://n/1.mp3","length":"5"}]', "updated": "2026-01-01T00:00:00Z",
        "category": '["x"]', "author": '{"name":"Ann"}',
        "content": '<div xmlns="http://www.w3.org/1999/xhtml"><p>Hi <i>you</i></p></div>',
    }  # fmt: skip


def test_rss_1(mirror):
    text = """<rdf:RDF xmlns:rdf="r" xmlns="http://purl.org/rss/1.0/"><channel><title>N</title></channel>
    <item rdf:about="http://n/1"><title>A</title><link>http://n/1</link></item></rdf:RDF>"""
    assert mirror.add(raw(text.encode(), "application/rdf+xml")) == [
        {"id": "http://n/1", "title": "A", "link": "http://n/1"}
    ]


def test_a_feed_with_small_mistakes_is_mended_and_told(mirror):
    text = RSS.replace("&amp;", "&nbsp;& &eacute; &amp;").replace("One & two", "One &nbsp; & two").encode("latin-1")
    rows = mirror.add(raw(text, "application/rss+xml"))
    assert rows[0]["title"] == "Ersté \xa0& é & zweite"
    assert rows[0]["description"] == "<p>One &nbsp; & two</p>"
    assert any("repaired" in warning for warning in tuple(map(str, mirror.report.warnings)))


def test_atom_pages_are_followed(mirror):
    second = ATOM.replace("urn:1", "urn:2")
    first = ATOM.replace("<entry>", '<link rel="next" href="/items?page=2"/><entry>')
    rows = mirror.add(lambda seen: raw((second if seen.param("page") else first).encode(), "application/atom+xml"))
    assert [row["id"] for row in rows] == ["urn:1", "urn:2"]
    assert mirror.preview.proven


# --- XML

XML = """<?xml version="1.0"?><!-- all --><catalog xmlns:x="u"><total>2</total><books>
<book id="1" x:lang="de"><title> A &amp; B </title><isbn>007</isbn><price currency="EUR">12.5</price><tag>p</tag>
<tag>q</tag><text>Hi <b>you</b></text></book>
<book id="2"><title><![CDATA[<C>]]></title><isbn>7</isbn><empty/></book></books></catalog>"""
BOOKS = [
    {
        "id": 1, "x:lang": "de", "title": "A & B", "isbn": "007", "price": '{"currency":"EUR","text":12.5}',
        "tag": '["p","q"]', "text": "Hi <b>you</b>", "empty": None,
    },
    {"id": 2, "x:lang": None, "title": "<C>", "isbn": "7", "price": None, "tag": None, "text": None, "empty": None},
]  # fmt: skip


@pytest.mark.parametrize("kind", ["application/xml", "text/xml; charset=utf-8", "application/vnd.x+xml", "text/plain"])
def test_xml_by_its_repeated_element(mirror, kind):
    assert mirror.add(raw(XML.encode(), kind)) == BOOKS
    assert (mirror.preview.format, mirror.preview.records_path) == ("xml", "catalog.books.book[]")
    one = XML[: XML.index('<book id="2">')] + "</books></catalog>"
    one = one.replace("<total>2<", "<total>1<")
    mirror.api.route("/items", raw(one.encode(), kind))
    assert [row["id"] for row in mirror.run(mirror.preview.endpoint)] == [1]
    none = "<catalog><books/></catalog>"
    mirror.api.route("/items", raw(none.encode(), kind))
    mirror.run(mirror.preview.endpoint)
    assert (mirror.report.status, mirror.report.held) == ("held", 1)
    mirror.api.route("/items", raw(b"<error>down</error>", kind))
    mirror.run(mirror.preview.endpoint)
    assert str(mirror.report.problem.title) == "The response has no list of records"


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ('<!DOCTYPE a [<!ENTITY x "y">]><a><b i="1">&x;</b></a>', "The XML can't be read"),
        ('<!DOCTYPE a SYSTEM "http://127.0.0.1:1/x.dtd"><a><b>&x;</b></a>', "The XML can't be read"),
        ("<a>" * 100_000 + "</a>" * 100_000, "The XML can't be read"),
        ("<a><b></a>", "The response is not XML"),
    ],
    ids=["entity", "DTD", "deep", "crossed"],
)
def test_xml_that_is_dangerous_or_wrong_is_refused(mirror, text, title):
    mirror.sync(raw(text.encode(), "text/xml"))
    assert str(mirror.report.problem.title) == title


# --- packed

PACKED = {
    "gzip": gzip.compress,
    "br": brotli.compress,
    "zstd": zstd.compress,
}


@pytest.mark.parametrize("way", PACKED)
def test_compressed_answers(mirror, way):
    packed = raw(PACKED[way](JSON_TEXT.encode())).with_headers(Content_Encoding=way)
    assert mirror.add(packed) == as_stored(RECORDS)
    assert way in mirror.api.requests[0].headers["Accept-Encoding"]


def test_an_unknown_compression_is_said(mirror):
    mirror.sync(raw(b"\x1f\x9d\x90\0\1\2").with_headers(Content_Encoding="compress"))
    assert str(mirror.report.problem.title) == "The response is compressed in an unknown way"


def zipped(*names, text=CSV):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, text)
    return file.getvalue()


@pytest.mark.parametrize(
    "body",
    [gzip.compress(CSV.encode()), gzip.compress(CSV[:20].encode()) + gzip.compress(CSV[20:].encode()), zipped("a.csv")],
    ids=["gz", "gz of two parts", "zip"],
)
@pytest.mark.parametrize("kind", ["application/gzip", "application/octet-stream", "text/csv"])
def test_packed_files(mirror, body, kind):
    assert mirror.add(raw(body, kind)) == PEOPLE
    assert mirror.sync(gzipped(raw(body, kind))) == PEOPLE


@pytest.mark.parametrize(
    ("body", "title"),
    [
        (zipped("a.csv", "b.csv"), "The file can't be unpacked"),
        (zipped(), "The response is not JSON"),
        (zipped("a.csv")[:-40], "The file can't be unpacked"),
        (gzip.compress(CSV.encode())[:-12], "The response was cut off"),
        (gzip.compress(b"." * 20_000_000), "The server sends too much data"),
        (zipped("a.csv", text="." * 20_000_000), "The server sends too much data"),
        (gzip.compress(gzip.compress(b"." * 20_000_000)), "The server sends too much data"),
    ],
    ids=["two", "none", "cut zip", "cut gz", "gz bomb", "zip bomb", "nested bomb"],
)
def test_files_that_cannot_be_read_are_refused(mirror, body, title, monkeypatch):
    monkeypatch.setattr("trayapp.sync.http.retry.pause_before", lambda attempt, asked, jitter: 0.0)
    mirror.sync(raw(body, "application/octet-stream"), limits=Limits(bytes=Size(2**20)))
    assert str(mirror.report.problem.title) == title


@pytest.mark.parametrize("way", ["br", "zstd"])
def test_a_bomb_by_content_encoding_is_refused(mirror, way):
    body = PACKED[way](b"[" + b"." * 50_000_000)
    assert len(body) < 100_000
    reply = raw(body).with_headers(Content_Encoding=way)
    mirror.sync(reply, limits=Limits(bytes=Size(2**20)))
    assert str(mirror.report.problem.title) == "The server sends too much data"


def test_the_encoding_in_the_settings_wins(mirror):
    text = "id,name\n1,Жук\n2,x\n".encode("cp1251")
    rows = mirror.add(raw(text, "text/csv"), response=Response(encoding="cp1251"))
    assert rows[0]["name"] == "Жук"
    mirror.sync(raw(text, "text/csv"), response=Response(encoding="utf-8"))
    assert str(mirror.report.problem.title) == "The response's text can't be read"


def test_json_that_is_no_utf8_is_not_guessed_at(mirror):
    reply = raw('[{"id": 1, "name": "Ärger"}]'.encode("latin-1"))
    mirror.sync(reply)
    assert str(mirror.report.problem.title) == "The response's text can't be read"
    assert mirror.sync(reply, response=Response(encoding="latin-1")) == [{"id": 1, "name": "Ärger"}]


@pytest.mark.parametrize(
    ("start", "is_html"),
    [
        (b"<!-- a --> <!-- b --><HTML>", True),
        (b"<!doctype html>", True),
        (b"<!-- <html> --><items>", False),
        (b"<!-- <html>", False),
        (b"<!---->" * 280, False),
        (b"<htmlx>", False),
    ],
)
def test_html_behind_comments(start, is_html):
    assert sniff.is_markup(start) is is_html
