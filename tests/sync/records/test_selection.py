"""Records of every shape, mirrored with nothing but the address; then the paths a person writes."""

import msgspec
import pytest

from tests.server import json_reply, raw
from tests.sync.mirroring import as_stored, mirroring
from trayapp.endpoints.model import Response, Table
from trayapp.sync.errors import SyncError
from trayapp.sync.records import shapes
from trayapp.sync.records.extraction import split_records

RECORDS = [{"id": 1, "name": "a", "nested": {"x": [1.10]}}, {"id": 2, "name": "b", "nested": None}]
POINT = {"type": "Point", "coordinates": [1.5, 2]}


@pytest.fixture
def mirror(tmp_path):
    with mirroring(tmp_path) as mirror:
        yield mirror


SHAPES = {
    "top level": (RECORDS, RECORDS),
    "in an envelope": ({"data": RECORDS, "meta": {"count": 2}, "errors": []}, RECORDS),
    "two levels down": ({"response": {"items": RECORDS, "ok": True}}, RECORDS),
    "a name of its own": ({"status": "ok", "contacts": RECORDS}, RECORDS),
    "HAL": ({"_embedded": {"orders": RECORDS}, "_links": {"self": {"href": "/x"}}, "page": {"number": 0}}, RECORDS),
    "OData": ({"@odata.context": "x", "value": RECORDS}, RECORDS),
    "GraphQL": (
        {"data": {"items": {"edges": [{"cursor": "x", "node": r} for r in RECORDS], "pageInfo": {}}}},
        RECORDS,
    ),
    "JSON:API": (
        {"data": [{"type": "item", "id": "1", "attributes": {"a": 1}}], "included": [{"type": "x", "id": "9"}] * 9},
        [{"type": "item", "id": "1", "attributes": {"a": 1}}],
    ),
    "GeoJSON": (
        {
            "type": "FeatureCollection",
            "features": [
                {"type": "Feature", "id": 1, "properties": {"name": "a", "type": "quake"}, "geometry": POINT},
                {"type": "Feature", "id": 2, "properties": {"name": "b", "id": "own"}, "geometry": None},
                {"type": "Feature", "id": 3, "properties": None, "geometry": None},
            ],
        },
        [
            {"id": 1, "name": "a", "type": "quake", "geometry": POINT, "properties.id": None},
            {"id": 2, "name": "b", "type": None, "geometry": None, "properties.id": "own"},
            {"id": 3, "name": None, "type": None, "geometry": None, "properties.id": None},
        ],
    ),
    "keyed by id": (
        {"17": {"name": "a"}, "x-18": {"name": "b", "n": 1}},
        [{"_key": "17", "name": "a"}, {"_key": "x-18", "name": "b", "n": 1}],
    ),
    "keyed in an envelope": (
        {"success": True, "data": {"USD": {"rate": 1.5}, "EUR": {"rate": 2}}},
        [{"_key": "USD", "rate": 1.5}, {"_key": "EUR", "rate": 2.0}],
    ),
    "rows and columns": (
        {"columns": ["id", "name", "name"], "rows": [[1, "a", None], [2, "b", [1]]]},
        [{"id": 1, "name": "a", "name_2": None}, {"id": 2, "name": "b", "name_2": [1]}],
    ),
    "rows and described fields": (
        {"meta": {"view": {"columns": [{"name": "id"}, {"name": "n"}]}}, "data": [[1, "a"], [2, "b"]]},
        [{"id": 1, "n": "a"}, {"id": 2, "n": "b"}],
    ),
    "a sheet": ({"values": [["id", "n"], ["1", "a"], ["2"]]}, [{"id": "1", "n": "a"}, {"id": "2", "n": None}]),
    "a census table": (
        [["NAME", "POP"], ["x", "007"], ["y", "7"]],
        [{"NAME": "x", "POP": "007"}, {"NAME": "y", "POP": "7"}],
    ),
    "columns of values": (
        {"hourly_units": {"time": "iso8601"}, "hourly": {"time": ["t1", "t2"], "temp": [1.5, None]}},
        [{"time": "t1", "temp": 1.5}, {"time": "t2", "temp": None}],
    ),
    "dots in a name": ({"a.b": {"items": RECORDS}}, RECORDS),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_shape_is_found_and_mirrored(mirror, shape):
    body, expected = SHAPES[shape]
    rows = mirror.add(json_reply(body))
    assert [{**row} for row in rows] == [{name: row[name] for name in rows[0]} for row in as_stored(expected)]
    mirror.run(mirror.preview.endpoint)
    assert (mirror.report.unchanged, mirror.report.changed) == (len(expected), 0)


@pytest.mark.parametrize(
    ("body", "path", "expected"),
    [
        ({"a": 1, "b": [2]}, "", [{"a": 1, "b": [2]}]),
        ({"data": {"id": 1}}, "jmes:data", [{"id": 1}]),
        ({"r": [{"items": [{"id": 1}, {"id": 2}]}, {"items": []}]}, "r[].items", [{"id": 1}, {"id": 2}]),
        ({"r": {"x": {"items": [{"id": 1}]}, "y": {"items": [{"id": 2}]}}}, "r.*.items", [{"id": 1}, {"id": 2}]),
        ({"edges": [{"node": {"id": 1}}, {"node": None}]}, "edges[].node", [{"id": 1}]),
        ({"one": {"id": 1}}, "one[]", [{"id": 1}]),
        ({"one": None}, "one[]", []),
        ({}, "one[]", []),
        ([{"id": 1}], "[]", [{"id": 1}]),
        ({"a": {"id": 1}, "b": {"id": 2}}, "*", [{"id": 1}, {"id": 2}]),
        ({"d": []}, "d.* as k", []),
        ({"EUR": 1.5, "USD": 2}, "* as code", [{"code": "EUR", "value": 1.5}, {"code": "USD", "value": 2.0}]),
        ({"EUR": {"code": "x", "v": 1}}, "* as code", [{"code": "EUR", "v": 1}]),
        ([3, 1, 2], "as id", [{"id": 3}, {"id": 1}, {"id": 2}]),
        ({"ids": ["a"]}, "ids as id", [{"id": "a"}]),
        ({"r": [{"id": 1, "fields": {"x": 2, "id": 3}}]}, "r flat fields", [{"id": 1, "x": 2, "fields.id": 3}]),
    ],
)  # fmt: skip
def test_a_path_is_followed(mirror, body, path, expected):
    mirror.sync(json_reply(body), response=Response(records=path), table=Table(name="items", mode="append"))
    assert mirror.report.status == "succeeded", mirror.report.problem
    assert mirror.rows() == as_stored(expected)


@pytest.mark.parametrize(
    ("body", "path", "why"),
    [
        ({"a": {"b": 1}}, "a.b", "a number, not to a list"),
        ({"a": {"b": 1}}, "a", "jmes:a"),
        ({"a": 1}, "b", "no “b”"),
        ({"data": None}, "data.edges[].node", "no “edges”"),
        ({"edges": [{"nodes": {}}]}, "edges[].node", "no “node”"),
        ([1, 2], "", "as NAME"),
        ([[1], [2]], "", "with first row"),
        ([None], "", "has null in it"),
        ({"a": [1]}, "a.*", "not to an object"),
        ({"c": ["x"], "r": [[1, 2]]}, "r with c", "2 values"),
        ({"c": ["x"], "r": [{}]}, "r with c", "not a list"),
        ({"h": {"a": [1], "b": [1, 2]}}, "h zipped", "differ in length"),
        ({"h": {"a": 1}}, "h zipped", "not lead to an object of lists"),
        ([{"f": 1}], "flat f", "not an object in every record"),
        ([{"f": 1}], "as x", "“as”"),
        ({"a": [1]}, "jmes:a", "values that are not objects"),
        ({"items": {}}, "auto", "an object without a list"),
    ],
)
def test_no_records_are_explained(mirror, body, path, why):
    mirror.sync(json_reply(body), response=Response(records=path))
    problem = mirror.report.problem
    assert str(problem.title) == "The response has no list of records"
    assert why in str(problem.cause) + str(problem.next)


def test_records_keep_their_digits_in_every_shape(mirror):
    digits = b"0.1000000000000000055511151231257827"
    for body, path in [
        (b'{"a": [{"id": %b}]}', "a"),
        (b'{"a": {"x": {"id": %b}}}', "a.* as k"),
        (b'{"c": ["id"], "a": [[%b]]}', "a with c"),
        (b'{"a": {"id": [%b]}}', "a zipped"),
        (b'{"a": [{"p": {"id": %b}}]}', "a flat p"),
        (b'{"a": [{"id": %b}]}', "jmes:a"),
        (b'{"a": [{"id": %b}], "x": NaN}', "a"),
    ]:
        mirror.sync(raw(body % digits), response=Response(records=path), table=Table(name="items", mode="replace"))
        assert [row["id"] for row in mirror.rows()] == [digits.decode()], path


@pytest.mark.parametrize("expression", ["&a", "sum(a)", "a[", "sort_by(a, &b)", "abs(a)", "(" * 3000, "nope(a)"])
def test_an_expression_that_gives_nothing_is_told(expression):
    with pytest.raises(SyncError) as raised:
        split_records(b'{"a": [{"b": 1}, {"b": "x"}]}', f"jmes:{expression}", "http://a.example/items")
    assert "The expression can't be evaluated" in raised.value.cause


@pytest.mark.parametrize("name", ["a\x01b", 'a"b', "a\\b", "a.b", "a\nb", " ", "ü\u2028"])
def test_a_list_of_any_name_is_found_again(name):
    text = msgspec.json.encode({name: [{"id": 1}], "x": 1})
    path = shapes.records_path(msgspec.json.decode(text))
    assert split_records(text, path, "http://a.example/items") == [b'{"id":1}']
