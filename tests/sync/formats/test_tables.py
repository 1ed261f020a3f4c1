"""CSV as people and programs write it: what is above, below and between the cells of a table, and what they mean."""

import json

import pytest

from tests.server import raw
from tests.sync.mirroring import mirroring
from trayapp.endpoints.model import Endpoint, Response, Table
from trayapp.sync.errors import SyncError
from trayapp.sync.formats.text import read
from trayapp.sync.http.request import Answer


@pytest.fixture
def mirror(tmp_path):
    with mirroring(tmp_path) as mirror:
        yield mirror


def told_by(text, kind="text/csv", types=None, **response):
    """The records of a text, and what is told of it."""
    body = text if isinstance(text, bytes) else text.encode()
    endpoint = Endpoint(url="http://x/t", response=Response(**response), table=Table(types=types or {}))
    found = read(Answer(url=endpoint.url, status=200, headers={"Content-Type": kind}, body=body), endpoint)
    assert found.cells is not None
    return [json.loads(record) for record in found.cells], " ".join(map(str, found.warnings)), found


def lines(*given):
    return "\r\n".join(given) + "\r\n"


def days(row, count=9):
    return [row.format(n=n, d=f"{n:02d}") for n in range(1, count + 1)]


# --- blanks


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ('id,a,b\n1,"x, ""y""", z\n2, p,q\n', [('x, "y"', " z"), (" p", "q")]),
        ('id;a;b\n1; "x;y"; z\n2;"; ""q""";  r\n', [("x;y", " z"), ('; "q"', "  r")]),
        ("id|a|b\n1|  two|x\n2|y |\tz\n", [("  two", "x"), ("y ", "\tz")]),
        ('id,a,b\n1," inside ",x\n2, "out",y\n', [(" inside ", "x"), ("out", "y")]),
        ('id, a, b\n1, "x, y",  z\n2, " p", q\n', [("x, y", "z"), (" p", "q")]),
        ('id,a,b\n1, "two\nlines", z\n2,c,d\n', [("two\nlines", " z"), ("c", "d")]),
    ],
    ids=["a quoted comma and blank", "blank before a quote", "no quotes", "blanks in quotes", "padded", "two lines"],
)
def test_blanks_are_part_of_cells_unless_they_stand_behind_every_delimiter(text, cells):
    records, _, _ = told_by(text)
    assert [(record["a"], record["b"]) for record in records] == cells


def test_a_quoted_comma_and_blank_at_the_top_cuts_nothing_far_below():
    rows = [f"{n}, x{n}" for n in range(1, 9000)]
    records, _, _ = told_by("id,a\n" + '0,"one, ""two"""\n' + "\n".join(rows) + "\n")
    assert (records[0]["a"], records[5]["a"], records[-1]["a"]) == ('one, "two"', " x5", " x8999")


# --- rows that end in a delimiter


@pytest.mark.parametrize(
    ("header", "row"), [("id,city", "{n},T{n},"), ("id;city;", "{n};T{n};"), ("id\tcity", "{n}\tT{n}\t\t")]
)
def test_delimiters_at_the_end_of_rows_are_no_cells_and_not_told(header, row):
    records, told, _ = told_by(lines(header, *days(row)))
    assert records == [{"id": n, "city": f"T{n}"} for n in range(1, 10)]
    assert told == ""


# --- headers


RECORDS_FIRST = {
    "dates": days("2026-01-{d},{n}.5,ok"),
    "names with numbers": days('"Thesis no. {n}, long",,https://x.test/{n},198{n},Thesis (Ph.D.)'),
    "an empty cell": days("{n}\t\tname {n}"),
    "texts that recur": ["Anna,yes,Rome", "Bert,no,Rome", "Carl,yes,Oslo", "Dora,no,Rome"],
    "German decimals": days("Ort {n};{n}2,50;0{n}.02.2026"),
    "years": ["Smith,1980", "Jones,1981", "Wood,1985", "Reed,1990"],
    "a word for nothing": ["n/a,5,ok", *days("{n}.5,{n},ok")],
}


@pytest.mark.parametrize("rows", RECORDS_FIRST.values(), ids=RECORDS_FIRST)
def test_a_first_row_like_those_below_is_a_record_and_told(rows):
    records, told, found = told_by("\n".join(rows) + "\n")
    assert len(records) == len(rows)
    assert set(records[1]) <= {f"column_{n}" for n in range(1, 9)}
    assert "response.header" in told
    assert found.header == "none"


NAMES_FIRST = {
    "years": (["2019,2020,2021", *days("{n},{n}5,{n}7")], "2019"),
    "a name and years": (["country,2019,2020,2021", *days("Land {n},{n}5.5,{n}7.1,{n}")], "2019"),
    "days of a time series": (["place,1/22/20,1/23/20", *days("Town {n},{n},1{n}")], "1/22/20"),
    "numbered": (["x,0,1,2,3", *days("a{n},5,{n},9,{n}")], "0"),
    "names like the texts below": (["name,city", "Anna,Rome", "Bert,Oslo"], "city"),
    "one row": (["kod;wert", "1;1,5"], "wert"),
    "no rows": (["kod;wert"], None),
}


@pytest.mark.parametrize(("rows", "name"), NAMES_FIRST.values(), ids=NAMES_FIRST)
def test_a_first_row_unlike_those_below_is_the_header(rows, name):
    records, told, _ = told_by("\n".join(rows) + "\n")
    assert len(records) == len(rows) - 1
    assert all(name in record for record in records)
    assert ("only numbers" in told) == (rows[0][0].isdigit())


def test_a_first_row_that_may_be_either_is_told_and_settled_by_the_settings():
    text = "Lauf,Sieg\nBerg,Tal\nHaus,Hof\n"
    records, told, found = told_by(text)
    assert (len(records), found.header) == (2, 1)
    assert "may be a record" in told
    assert told_by(text, header=1)[1] == ""
    records, told, _ = told_by(text, header="none")
    assert (len(records), records[0], told) == (3, {"column_1": "Lauf", "column_2": "Sieg"}, "")


def test_a_file_without_names_stays_one_when_its_first_row_changes(mirror):
    prices = ["20260103,10.5,ok", "20260102,10.25,ok", "20260101,10.0,ok"]
    assert len(mirror.add(raw("\n".join(prices).encode(), "text/csv"))) == 3
    assert mirror.preview.endpoint.response.header == "none"
    mirror.api.route("/items", raw("\n".join(["20260104,11.5,new", *prices]).encode(), "text/csv"))
    assert len(mirror.run(mirror.preview.endpoint)) == 4
    assert (mirror.report.added, mirror.report.changed, mirror.report.deleted) == (1, 0, 0)


# --- what is above the header, and below the rows


ROWS = [f"{day:02d}.02.2026;Laden {day};-{day},50" for day in range(1, 10)]
ABOVE = {
    "name and value": ["Konto;DE00 1234", "Saldo;1.234,56", ""],
    "one of them, and a blank line": ["Konto;DE00 1234", ""],
    "ending in a delimiter": ["Konto:;12;", "", "Zeitraum:;Jahr;", '""'],
    "of one cell": ["Umsätze", "Stand: 01.03.2026"],
    "comments": ["# station: 42; x", "#", "# a; b; c; d; e"],
    "filled up": ["Konto;DE00 1234;", "Report;;", ";;"],
}


@pytest.mark.parametrize("above", ABOVE.values(), ids=ABOVE)
def test_lines_above_the_header_are_left_out_and_told(above):
    more = [f"{row};x;y" for row in ROWS]
    records, told, _ = told_by(lines(*above, "Buchung;Empfänger;Betrag;Art;Zweck", *more))
    assert len(records) == 9
    assert list(records[0]) == ["Buchung", "Empfänger", "Betrag", "Art", "Zweck"]
    assert "above the header" in told


@pytest.mark.parametrize(
    "first", ["#id;name;x", "id;name"], ids=["a header with a hash", "a header with too few names"]
)
def test_a_header_is_not_taken_for_a_line_above_it(first):
    records, told, _ = told_by(lines(first, *days("{n};Ort {n};{n}.5")))
    assert len(records) == 9
    assert next(iter(records[0])) == first.split(";")[0]
    assert "above" not in told


def test_facts_above_a_header_that_lacks_the_rows_last_delimiter_are_left_out():
    records, told, _ = told_by(lines("Konto:;12", "Bank:;X", "Tag;Wer;Betrag", *days("{d}.02.2026;Ort;{n},50;")))
    assert (len(records), list(records[0])) == (9, ["Tag", "Wer", "Betrag"])
    assert "2 lines above" in told


def test_a_header_below_lines_of_its_own_width_and_a_blank_one_is_told():
    text = lines("Konto;DE00", "Saldo;5,00", "", "Datum;Betrag", *days("{d}.02.2026;{n},50"))
    assert "response.header to 4" in told_by(text)[1]
    records, told, _ = told_by(text, header=4)
    assert (len(records), list(records[0]), told) == (9, ["Datum", "Betrag"], "")
    assert told_by(lines("Datum;Betrag", "", *days("{d}.02.2026;{n},50")))[1] == ""


def test_comments_above_a_table_do_not_hide_what_it_is():
    text = lines("# USGS; one", "#", "# two", "site\tflow\tdate", "5s\t14n\t20d", *days("A{n}\t{n}1\t2026-02-{d}"))
    records, _, _ = told_by(text, "text/plain")
    assert (len(records), list(records[0])) == (9, ["site", "flow", "date"])


@pytest.mark.parametrize("last", [["", "Summe;;-205,60"], ["Total;;-205,60"], ["", ";Gesamtsumme:;-205,60"]])
def test_a_sum_is_left_out_and_told(last):
    records, told, _ = told_by(lines("Datum;Text;Betrag", *ROWS, *last))
    assert len(records) == 9
    assert "-205,60" in told
    assert len(told_by(lines("Datum;Text;Betrag", *ROWS, *last), header=1)[0]) == 10


def test_a_last_record_that_begins_like_a_sum_stays():
    records, told, _ = told_by(lines("firma;umsatz", "Shell;5", "BP;7", "Total;9"))
    assert [record["firma"] for record in records] == ["Shell", "BP", "Total"]
    assert told == ""


@pytest.mark.parametrize(
    ("header", "units", "row"),
    [
        ("time,depth,temp", "UTC,m,degC", "2026-02-{d}T00:00Z,{n},{n}.5"),
        ("agency\tsite\tdatetime\tflow", "5s\t15s\t20d\t14n", "USGS\t0{n}\t2026-02-{d}\t{n}1"),
        ("t;p;v", "[s];[hPa];(m/s)", "{n};99{n};{n},5"),
    ],
)
def test_units_under_the_header_are_left_out_and_told(header, units, row):
    records, told, _ = told_by(lines(header, units, *days(row)))
    assert len(records) == 9
    assert "units" in told


@pytest.mark.parametrize("second", ["Alpha,unknown,broken", "m,5,7", "n/a,n/a,n/a", "total,all,none"])
def test_a_first_record_is_not_taken_for_units(second):
    records, _, _ = told_by(lines("place,depth,temp", second, *days("Town {n},{n},{n}.5")))
    assert len(records) == 10


# --- the settings


def test_lines_are_counted_and_left_out_as_the_settings_say():
    text = lines("a;b;c", "", "x;y;z", "1;2;3", "4;5;6")
    assert told_by(text, header=3)[0] == [{"x": 1, "y": 2, "z": 3}, {"x": 4, "y": 5, "z": 6}]
    assert told_by(text, skip=2)[0] == [{"x": 1, "y": 2, "z": 3}, {"x": 4, "y": 5, "z": 6}]
    assert told_by(text, skip=3, header="none")[0][0] == {"column_1": 1, "column_2": 2, "column_3": 3}
    assert told_by("sep=;\r\n" + text, header=2)[0][0] == {"a": "x", "b": "y", "c": "z"}


@pytest.mark.parametrize(
    ("response", "field"),
    [({"header": 2}, "response.header"), ({"header": 9}, "response.header"), ({"skip": 5}, "response.skip")],
)
def test_a_header_that_is_not_there_is_refused_by_the_name_of_its_setting(response, field):
    with pytest.raises(SyncError) as error:
        told_by(lines("a;b;c", "", "1;2;3"), **response)
    assert error.value.problem.field == field


# --- numbers


@pytest.mark.parametrize(
    ("text", "column", "values"),
    [
        ("o;e;f\nA;1.234;12,50\nB;12.345;3,00\nC;987.654;4,75\n", "e", ["1.234", "12.345", "987.654"]),
        ('o,e,f\nA,1.234,"12,50"\nB,12.345,"3,05"\n', "e", ["1.234", "12.345"]),
        ("o\te\tf\nA\t1.234\t1.234,5\nB\t12\t7,25\n", "e", ["1.234", 12]),
        ("o;e\nA;1.234\nB;2.345\n", "e", ["1.234", "2.345"]),
        ("o;e\nA;1.234\nB;0.5\n", "e", [1.234, 0.5]),
        ("o;e;f\nA;1.234;0.25\nB;2.345;7.5\n", "e", [1.234, 2.345]),
        ("o,e\nA,1.234\nB,2.345\n", "e", [1.234, 2.345]),
    ],
    ids=["beside a comma", "quoted commas", "tabs", "not evident", "own evidence", "others' evidence", "commas"],
)
def test_a_point_parts_thousands_or_begins_decimals_as_the_table_shows(text, column, values):
    records, _, _ = told_by(text)
    assert [record[column] for record in records] == values


def test_what_a_point_means_is_found_in_all_rows():
    rows = [f"{n}.{n % 1000:03d};x" for n in range(101, 999)] * 9
    records, _, _ = told_by("a;b\n" + "\n".join([*rows, "5;12,5"]) + "\n")
    assert {type(record["a"]) for record in records[:-1]} == {str}
    records, _, _ = told_by("a;b\n" + "\n".join([*rows, "0.5;12"]) + "\n")
    assert type(records[0]["a"]) is float


@pytest.mark.parametrize(
    ("cells", "type", "values"),
    [
        (["10.50", "3.00", "7"], "real", [10.5, 3.0, 7.0]),
        (["12,50", "1.234,56", "-3"], "real", [12.5, 1234.56, -3.0]),
        (["1.234", "12.345", ""], "integer", [1234, 12345, None]),
        (["007", "+5", "8"], "integer", [7, 5, 8]),
        (["1 234", "12", "1 000 000"], "integer", [1234, 12, 1000000]),
        (["yes", "no", "1"], "boolean", [1, 0, 1]),
        (["5", "7.5", "x"], "text", ["5", "7.5", "x"]),
    ],
)
@pytest.mark.parametrize("form", ["csv", "json"])
def test_types_of_the_settings_apply_to_texts(mirror, form, cells, type, values):
    reply = raw("".join(["id;v\n", *(f"{n};{cell}\n" for n, cell in enumerate(cells))]).encode(), "text/csv")
    if form == "json":  # which has no decimal commas and no thousands
        cells = [
            cell if isinstance(value, str) else value and str(value) for cell, value in zip(cells, values, strict=True)
        ]
        reply = raw(json.dumps([{"id": n, "v": cell} for n, cell in enumerate(cells)]).encode())
    rows = mirror.add(reply, table=Table(types={"v": type}))
    assert [(row["v"], row["v"].__class__) for row in rows] == [(value, value.__class__) for value in values]
    assert mirror.types()["v"] == type.upper()
    mirror.run(mirror.preview.endpoint)
    assert (mirror.report.changed, mirror.report.problem) == (0, None)


@pytest.mark.parametrize(
    ("type", "before", "after"),
    [
        ("real", '"10.50"', '"about 10"'),
        ("integer", "5", "5.5"),
        ("boolean", '"yes"', '"maybe"'),
        ("real", "1", "9007199254740993"),
        ("integer", '"5"', '{"a": 1}'),
    ],
)
def test_a_value_that_is_not_of_its_type_is_refused_by_name_and_the_rows_stay(mirror, type, before, after):
    rows = mirror.add(
        raw(f'[{{"id": 1, "v": {before}}}, {{"id": 2, "v": null}}]'.encode()), table=Table(types={"v": type})
    )
    mirror.api.route("/items", raw(f'[{{"id": 1, "v": {after}}}, {{"id": 2, "v": null}}]'.encode()))
    assert mirror.run(mirror.preview.endpoint) is None
    assert mirror.report.problem.field == "table.types.v"
    assert "“v”" in str(mirror.report.problem.title)
    assert mirror.rows() == rows
