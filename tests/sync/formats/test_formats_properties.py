"""Any listing survives the way through every format that can carry it."""

import csv
import gzip
import io
import json
from unittest import mock
from xml.sax.saxutils import escape, quoteattr

from hypothesis import assume, given
from hypothesis import strategies as st

from trayapp.endpoints.model import Endpoint, Response
from trayapp.store.records.fields import decode_records
from trayapp.store.records.values import bound, widen
from trayapp.sync.formats.delimited.rows import read_rows, row_format, unused
from trayapp.sync.formats.lenient_json import parse
from trayapp.sync.formats.text import read
from trayapp.sync.http.request import Answer
from trayapp.sync.records import shapes
from trayapp.sync.records.extraction import split_records

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
)
names = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
values = st.recursive(scalars, lambda v: st.lists(v, max_size=3) | st.dictionaries(names, v, max_size=3), max_leaves=6)
listings = st.lists(st.dictionaries(names, values, max_size=4), max_size=6)


def through(body, kind, path="auto", format="auto"):
    """The records of an answer, as the program reads them, back as Python values."""
    answer = Answer(url="http://x/items", status=200, headers={"Content-Type": kind}, body=body)
    endpoint = Endpoint(url=answer.url, response=Response(format=format, records=path))
    page = read(answer, endpoint)
    if path == "auto":
        path = shapes.records_path(parse(page.text, answer.url), page.format)
    return [json.loads(record) for record in split_records(page.text, path, answer.url)]


@given(listings, st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]), st.booleans(), st.booleans())
def test_json(listing, encoding, ascii_only, packed):
    body = json.dumps(listing, ensure_ascii=ascii_only).encode(encoding)
    assert through(gzip.compress(body, 1) if packed else body, "application/json", "") == listing


@given(listings, st.sampled_from(["\n", "\r\n", "\n\n", "\n\x1e"]))
def test_lines(listing, end):
    text = "".join(json.dumps(record, ensure_ascii=False) + end for record in listing)
    assert through(text.encode(), "application/x-ndjson", "") == listing


@given(listings)
def test_envelopes_and_connections(listing):
    kind = "application/json"
    for body, path in [
        ({"data": {"items": listing}}, "data.items"),
        ({"edges": [{"node": record} for record in listing]}, "edges[].node"),
        ({"all": {str(n): record for n, record in enumerate(listing)}}, "all.*"),
    ]:
        assert through(json.dumps(body).encode(), kind, path) == listing


@given(st.dictionaries(names, scalars, min_size=1, max_size=6).flatmap(
    lambda record: st.lists(st.tuples(*[scalars] * len(record)), max_size=5).map(lambda rows: ([*record], rows))
))  # fmt: skip
def test_rows_with_columns(table):
    columns, rows = table
    assume(all(name == name.strip() and name for name in columns))
    body = json.dumps({"columns": columns, "rows": rows}).encode()
    expected = [dict(zip(columns, row, strict=True)) for row in rows]
    assert through(body, "application/json", "rows with columns") == expected


cells = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    st.integers().map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(str),
    st.sampled_from(["", "007", "1.50", "+5", " 5", "1e5", '"', '""', ",", "\r\n", "\n", "-0", "NaN", "true", "null"]),
)
tables = st.integers(2, 5).flatmap(lambda n: st.lists(st.lists(cells, min_size=n, max_size=n), max_size=6))


@given(
    tables,
    st.sampled_from(",;\t|"),
    st.sampled_from(["\r\n", "\n"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    st.sampled_from([1, 20, 2**17]),
)
def test_csv(rows, delimiter, end, quoting, encoding, piece):
    # csv.writer quotes a lone \r only where it is part of the line's end.
    assume(quoting == csv.QUOTE_ALL or end == "\r\n" or not any("\r" in cell for row in rows for cell in row))
    file = io.StringIO()
    writer = csv.writer(file, delimiter=delimiter, lineterminator=end, quoting=quoting)
    header = [f"field {n}" for n in range(len(rows[0]) if rows else 2)]
    writer.writerow(header)
    writer.writerows(rows)
    quoted = quoting == csv.QUOTE_ALL
    kind = "text/tab-separated-values" if delimiter == "\t" else "text/csv"
    body = file.getvalue()
    # What the first rows look like decides about the delimiter: many of the other ones may win.
    body = body if delimiter == "\t" else f"sep={delimiter}\r\n{body}"
    with mock.patch("trayapp.sync.formats.delimited.rows._PIECE", piece):
        found = through(body.encode(encoding), kind, "")
    kept = [row for row in rows if quoted or any(row)]
    expected = [[cell if cell or quoted else None for cell in row] for row in kept]
    assert [[*record] for record in found] == [header] * len(kept)
    assert [[_as_sent(value) for value in record.values()] for record in found] == expected


def _as_sent(value):
    return value if value is None or isinstance(value, str) else repr(value)


@given(tables, st.sampled_from(["\r\n", "\n", "\r"]), st.sampled_from([1, 20, 2**17]))
def test_each_csv_row_has_its_own_lines(rows, end, piece):
    def written(rows):
        # The writer quotes line breaks only where they are part of the line's end.
        quoting = csv.QUOTE_MINIMAL if end == "\r\n" else csv.QUOTE_ALL
        file = io.StringIO()
        csv.writer(file, lineterminator=end, quoting=quoting).writerows(rows)
        return file.getvalue()

    body = written(rows).encode()
    with mock.patch("trayapp.sync.formats.delimited.rows._PIECE", piece):
        parts = list(read_rows(body, row_format(body, ",", print), unused(body), print))
    assert [text.strip(b"\r\n") for _, texts in parts for text in texts] == [
        written([row]).encode().strip(b"\r\n") for row in rows
    ]
    found = [["" if cell == unused(body) else cell for cell in row] for several, _ in parts for row in several]
    assert found == list(csv.reader(io.StringIO(written(rows), newline="")))


@given(st.lists(st.tuples(cells, cells), min_size=1, max_size=8), st.randoms())
def test_a_csv_column_does_not_depend_on_the_order_of_rows(rows, random):
    def stored(rows):
        file = io.StringIO()
        csv.writer(file).writerows([("id", "a", "b"), *((n, *row) for n, row in rows)])
        answer = Answer(
            url="http://x/", status=200, headers={"Content-Type": "text/csv"}, body=file.getvalue().encode()
        )
        text = read(answer, Endpoint(url="http://x/")).text
        raw = split_records(text, "", "http://x/")
        records = decode_records(raw)
        kinds = {}
        for record in records:
            for name, (kind, _) in record.items():
                kinds[name] = widen(kinds.get(name, "null"), kind)
        table = {record["id"][1]: [bound(*record[name], kinds[name]) for name in ("a", "b")] for record in records}
        return kinds, table, set(raw)

    numbered = list(enumerate(rows))
    shuffled = numbered[:]
    random.shuffle(shuffled)
    kinds, table, raw = stored(numbered)
    assert stored(shuffled) == (kinds, table, raw)
    for n, row in numbered:
        for name, value, cell in zip(("a", "b"), table[n], row, strict=True):
            assert value == (cell or None) if kinds[name] == "text" else value is None or float(value) == float(cell)


texts = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff")).map(str.strip)
elements = st.dictionaries(st.from_regex(r"[a-z][a-z0-9_]{0,5}", fullmatch=True), texts, min_size=1, max_size=4)


@given(st.lists(elements, min_size=2, max_size=5), st.booleans(), st.sampled_from(["utf-8", "utf-16", "utf-8-sig"]))
def test_xml(listing, as_attributes, encoding):
    def element(record):
        if as_attributes:
            return f"<row {' '.join(f'{name}={quoteattr(text)}' for name, text in record.items())}/>"
        return f"<row>{''.join(f'<{name}>{escape(text)}</{name}>' for name, text in record.items())}</row>"

    body = f"<all><rows>{''.join(map(element, listing))}</rows></all>".encode(encoding)
    found = through(body, "application/xml")
    empty = "" if as_attributes else None
    assert [{name: _as_sent(value) for name, value in record.items()} for record in found] == [
        {name: text or empty for name, text in record.items()} for record in listing
    ]
