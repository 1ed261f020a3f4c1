"""Where and how answers hold their records."""

import random
from collections.abc import Callable
from typing import Any

from tests.server import Reply, Seen, json_reply, raw
from tests.shapes.shape import Record, Records, Shape, answering


def _body(body: Callable[[Records], Any]) -> Any:
    return answering(lambda records: json_reply(body(records)))


def _without(record: Record, *names: str) -> Record:
    return {name: value for name, value in record.items() if name not in names}


def _geojson(records: Records) -> Any:
    features = [
        {
            "type": "Feature",
            "id": each["id"],
            "geometry": {"type": "Point", "coordinates": [each["price"], 50.5]},
            "properties": _without(each, "id"),
        }
        for each in records
    ]
    return {"type": "FeatureCollection", "features": features}


def _geojson_rows(records: Records) -> list[Record]:
    return [{**each, "geometry": {"type": "Point", "coordinates": [each["price"], 50.5]}} for each in records]


def _json_api(records: Records) -> Any:
    data = [{"type": "items", "id": str(each["id"]), "attributes": _without(each, "id")} for each in records]
    return {"data": data, "included": [{"type": "people", "id": str(n)} for n in range(99)], "meta": {"copyright": "x"}}


def _json_api_rows(records: Records) -> list[Record]:
    return [{"type": "items", "id": str(each["id"]), "attributes": _without(each, "id")} for each in records]


_AWKWARD = {"id": "order", "name": 'select"x', "price": "Group", "note": "group", "open": "rowid", "tags": "a.b"}


def _awkward(records: Records) -> list[Record]:
    return [{_AWKWARD[name]: value for name, value in each.items()} for each in records]


def _awkward_rows(records: Records) -> list[Record]:
    return [
        {**_without(each, "Group", "group"), "Group": each["Group"], "group_2": each["group"]}
        for each in _awkward(records)
    ]


def _exact_values(records: Records) -> bytes:
    odd = [
        b'{"id":%d,"big":9223372036854775807,"bigger":123456789012345678901234567890,"zip":"007","line":"\\u2028",'
        b'"small":5e-324,"name":"%d"}' % (each["id"], each["id"] + ("edit" in each["name"]))
        for each in records
    ]
    return b"[" + b",".join(odd) + b"]"


def _exact_rows(records: Records) -> list[Record]:
    return [
        {
            "id": each["id"],
            "big": 2**63 - 1,
            "bigger": "123456789012345678901234567890",
            "zip": "007",
            "line": "\u2028",
            "small": 5e-324,
            "name": str(each["id"] + ("edit" in each["name"])),
        }
        for each in records
    ]


def _in_two_keys(records: Records) -> list[Record]:
    return [
        {"shop": each["id"] % 5, "line": each["id"] // 5, "name": each["name"][:3], "price": 1.5} for each in records
    ]


def _shuffled(records: Callable[[], Records]) -> Callable[[Seen], Reply]:
    order = random.Random(5)

    def handler(_: Seen) -> Reply:
        return json_reply(order.sample(list(records()), len(records())))

    return handler


def _one(records: Records) -> Record:
    """An object that differs when the records do."""
    return {"id": 1, "name": f"of {len(records)}", "address": {"city": "Ulm"}, "tags": ["a"], "next_visit": None}


RECORDS: dict[str, Shape] = {
    "list three levels down": Shape(_body(lambda r: {"response": {"body": {"items": list(r)}}})),
    "list under an unusual name": Shape(_body(lambda r: {"ok": True, "gadgets": list(r)})),
    "a longer list of facets beside the records": Shape(
        _body(lambda r: {"facets": [{"name": str(n), "n": n} for n in range(90)], "results": list(r)})
    ),
    "errors: [] beside the records": Shape(_body(lambda r: {"errors": [], "warnings": [], "data": list(r)})),
    "data and included (JSON:API)": Shape(_body(_json_api), rows=_json_api_rows),
    "object keyed by id": Shape(
        _body(lambda r: {str(each["id"]): each for each in r}),
        rows=lambda r: [{"_key": str(each["id"]), **each} for each in r],
    ),
    "object keyed by id, below a name": Shape(
        _body(lambda r: {"status": "ok", "items": {f"i-{each['id']}": _without(each, "id") for each in r}}),
        rows=lambda r: [{"_key": f"i-{each['id']}", **_without(each, "id")} for each in r],
    ),
    "columns and rows": Shape(_body(lambda r: {"columns": list(r[0]), "rows": [list(each.values()) for each in r]})),
    "columns as objects, and rows": Shape(
        _body(
            lambda r: {
                "fields": [{"name": name, "type": "any"} for name in r[0]],
                "rows": [list(each.values()) for each in r],
            }
        )
    ),
    "rows below a first row of names": Shape(_body(lambda r: [list(r[0]), *(list(each.values()) for each in r)])),
    "an object of columns": Shape(
        _body(lambda r: {"hourly": {name: [each[name] for each in r] for name in ("id", "name", "price")}}),
        rows=lambda r: [_without(each, "open", "tags", "note") for each in r],
    ),
    "edges[].node": Shape(_body(lambda r: {"data": {"items": {"edges": [{"node": each} for each in r]}}})),
    "nodes": Shape(_body(lambda r: {"data": {"items": {"nodes": list(r)}}})),
    "GeoJSON": Shape(_body(_geojson), rows=_geojson_rows),
    "fields that come and go": Shape(
        _body(lambda r: [_without(each, "note" if each["id"] % 2 else "price") for each in r]),
        rows=lambda r: [_without(each, "note" if each["id"] % 2 else "price") for each in r],
    ),
    "a key of two fields": Shape(_body(_in_two_keys), rows=_in_two_keys),
    "a key that is text": Shape(
        _body(lambda r: [{**each, "id": f"Ä-{each['id']:05}"} for each in r]),
        rows=lambda r: [{**each, "id": f"Ä-{each['id']:05}"} for each in r],
    ),
    'columns called order, group, Group, rowid, select"x': Shape(_body(_awkward), rows=_awkward_rows),
    "integers of any size, 007, U+2028": Shape(answering(lambda r: raw(_exact_values(r))), rows=_exact_rows),
    "in another order each time": Shape(_shuffled),
    "a single object": Shape(_body(_one), rows=lambda r: [_one(r)], counts=(0, 1, 0)),
    "a single object without an id": Shape(
        _body(lambda r: _without(_one(r), "id")), rows=lambda r: [_without(_one(r), "id")], counts=(0, 1, 0)
    ),
    "a single object below a name": Shape(
        _body(lambda r: {"success": True, "data": _one(r), "meta": {"took": 3}}),
        rows=lambda r: [_one(r)],
        counts=(0, 1, 0),
    ),
    "lists under numbers": Shape(
        _body(lambda r: {"data": {str(each["id"]): [each["name"], each["price"]] for each in r}}),
        refused="The response has no list of records",
    ),
    "a single number": Shape(_body(lambda r: 42), refused="The response has no list of records"),
    "a list of plain texts": Shape(
        _body(lambda r: [each["name"] for each in r]),
        rows=lambda r: [{"value": each["name"]} for each in r],
        counts=(2, 0, 3),
    ),
    "a list of plain numbers below a name, some of them twice": Shape(
        _body(lambda r: {"total": len(r), "ids": [each["id"] // 2 for each in r]}),
        rows=lambda r: [{"value": each["id"] // 2} for each in r],
        counts=(1, 0, 2),
    ),
    "an empty list under an unusual name": Shape(
        _body(lambda r: {"total": 0, "gadgets": []}), refused="The response has no list of records"
    ),
    "an empty collection (HAL)": Shape(
        _body(lambda r: {"_links": {"self": {"href": "/x"}}, "page": {"totalElements": 0, "number": 0}}),
        refused="The response has no list of records",
    ),
    "nothing but errors, with status 200": Shape(
        _body(lambda r: {"errors": [{"message": "No such field", "path": ["items"]}], "data": None}),
        refused="The response has no list of records",
    ),
}
