"""Where records are, guessed from the answer's shape alone."""

import pytest

from trayapp.sync.records import shapes

ITEMS = [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}]
ROWS = [[1, "a"], [2, "b"]]
POINTS = [{"type": "Feature", "properties": {"a": 1}, "geometry": None}]


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (ITEMS, ""),
        ([], ""),
        ({"data": ITEMS}, "data"),
        ({"errors": [], "contacts": ITEMS}, "contacts"),
        ({"errors": [{"x": 1}] * 9, "data": ITEMS}, "data"),
        ({"data": {"items": ITEMS}}, "data.items"),
        ({"data": {"viewer": {"issues": ITEMS}}, "included": ITEMS * 9}, "data.viewer.issues"),
        ({"count": 2, "results": [], "facets": ITEMS}, "results"),
        ({"value": ITEMS, "@odata.context": "x"}, "value"),
        ({"links": [{"href": "x"}, {"href": "y"}], "stations": ITEMS}, "stations"),
        ({"tags": ["a", "b"], "rows": ITEMS}, "rows"),
        ({"name": "x", "size": 3}, None),
        ({"tags": ["a", "b"]}, None),
        (5, None),
    ],
)
def test_the_list_of_records_is_found(body, path):
    assert shapes.records_path(body) == path


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"data": {"issues": {"edges": [{"node": {"id": 1}}], "pageInfo": {}}}}, "data.issues.edges[].node"),
        ({"data": {"issues": {"edges": [], "pageInfo": {}}}}, "data.issues.edges[].node"),
        ({"type": "FeatureCollection", "features": POINTS}, "features flat properties"),
        ({"type": "FeatureCollection", "features": []}, "features flat properties"),
        ({"_embedded": {"orders": ITEMS}, "_links": {"self": {"href": "x"}}}, "_embedded.orders"),
        ({"columns": ["id", "name"], "rows": ROWS}, "rows with columns"),
        ({"columns": ["id", "name"], "rows": []}, "rows with columns"),
        ({"fields": [{"name": "id"}, {"name": "name"}], "values": ROWS}, "values with fields"),
        ({"meta": {"view": {"columns": [{"name": "id"}, {"name": "n"}]}}, "data": ROWS}, "data with meta.view.columns"),
        ({"range": "A1:B3", "values": [["id", "name"], *ROWS]}, "values with first row"),
        ([["id", "name"], ["1", "a"]], "with first row"),
        ({"1": {"a": 1}, "2": {"a": 2, "b": 3}}, "* as _key"),
        ({"data": {"17": {"a": 1}}}, "data.* as _key"),
        ({"rates": {"USD": {"rate": 1}, "EUR": {"rate": 2}}, "base": "x"}, "rates.* as _key"),
        ({"one": {"a": 1}, "two": {"a": 2}, "three": {"a": 3}}, "* as _key"),
        ({"ann": {"name": "ann", "x": 1}, "bob": {"name": "bob", "x": 2}}, "* as _key"),
        ({"hourly": {"time": ["a", "b"], "temp": [1.5, None]}, "hourly_units": {"time": "iso"}}, "hourly zipped"),
        ({"a.b": {"items": ITEMS}}, 'jmes:"a.b"."items"'),
        ({"current": {"t": 1}, "previous": {"t": 2}}, None),
        ({"user": {"id": 1}, "address": {"street": "x"}, "account": {"no": 3}}, None),
        ({"_links": {"self": {"href": "a"}, "next": {"href": "b"}, "last": {"href": "c"}}}, None),
        ({"id": 7, "tags": ["a", "b"], "sizes": [1, 2]}, None),
        ({"rows": ROWS}, None),
        ({"data": {"17": ["a", 1.5], "18": ["b", 2.5]}}, None),
        ({"errors": {"1": {"message": "x"}}}, None),
        ([{"page": 1, "pages": 1}, ITEMS], "jmes:[1]"),
        ([{"page": 1}, []], ""),
        ([1, 2], ""),
    ],
)
def test_records_of_other_shapes_are_found(body, path):
    assert shapes.records_path(body) == path


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"catalog": {"book": ITEMS}}, "catalog.book[]"),
        ({"catalog": {"book": {"id": 1}}}, "catalog.book[]"),
        ({"r": {"total": 2, "list": {"row": ITEMS}}}, "r.list.row[]"),
        ({"catalog": None}, None),
    ],
)
def test_one_element_of_xml_is_a_list_of_one(body, path):
    assert shapes.records_path(body, "xml") == path


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"widgets": ITEMS * 10, "gadgets": ITEMS * 12}, "widgets"),
        ({"data": ITEMS, "results": ITEMS}, "data"),
        ({"data": ITEMS, "included": ITEMS * 40}, None),
        ({"items": ITEMS * 20, "users": ITEMS}, None),
        ({"data": {"issues": ITEMS}, "errors": []}, None),
        ({"items": ITEMS}, None),
        (ITEMS, None),
    ],
)
def test_another_list_that_may_be_meant_is_known(body, path):
    assert shapes.rival(body) == path
