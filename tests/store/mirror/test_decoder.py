"""Batches decoded in one go give the very rows that looking at every value gives, or are refused."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trayapp.endpoints.model import Table
from trayapp.store.mirror.decoder import Misfit, RowDecoder, kinds_beyond
from trayapp.store.mirror.schema import Column, Shape, binder, extended
from trayapp.store.records.fields import decode_records
from trayapp.store.records.values import SQL_TYPES, widen

TABLE = Table(name="items", key=("id",))


def shape_of(records):
    seen = {}
    for record in decode_records(records):
        for name, (kind, _) in record.items():
            seen[name] = widen(seen.get(name, "null"), kind)
    return extended(Shape((), ("id",)), seen, TABLE)


def slow(shape, records):
    return [tuple(row) for row in map(binder(shape), decode_records(records))]


def fast(shape, records, loose=frozenset(), ignored=()):
    return RowDecoder(shape, ignored, loose).decode(b"[" + b",".join(records) + b"]")


def typed(rows):
    return [[(type(value), value) for value in row] for row in rows]


def raws(*records):
    return [json.dumps({"id": number, **record}).encode() for number, record in enumerate(records)]


tokens = st.sampled_from(
    ["1", "-0", "0", "1.5", "-0.0", "1e3", "1E-7", "13.404953999999999", "0.1000000000000000055", "9007199254740992"]
    + ["9007199254740993", "9999999999999999", "123456789012345", "9223372036854775807", "9223372036854775808"]
    + ["1e400", "1e-400", "0.30000000000000004", "true", "false", "null", '""', '"x"', '"null"', '"\\u00e9\\n"', '"{"']
    + ["[]", "{}", '[1, {"a" : 1.10}]', '{"a b":"c  d"}', '["\\"", "]"]', "1" * 45, "1.0", "123456789012345678.5"]
)
records = st.lists(st.dictionaries(st.sampled_from(["a", "b", 'odd"name', "", "é"]), tokens, max_size=4), min_size=1)


def written(record, number):
    fields = [f"{json.dumps(name)}: {token}" for name, token in record.items()]
    return ("{" + ", ".join([f'"id":{number}', *fields]) + "}").encode()


@given(first=records, second=records)
def test_rows_are_the_same_as_value_by_value_or_refused(first, second):
    known = [written(record, number) for number, record in enumerate(first)]
    batch = [written(record, number) for number, record in enumerate(second)]
    shape = shape_of(known)
    wider = shape_of(known + batch)
    for loose in (frozenset(), kinds_beyond(wider, decode_records(known + batch)) - {"id"}):
        for columns in (shape, wider):
            try:
                rows = fast(columns, batch, loose)
            except (Misfit, ValueError):
                continue
            assert columns == extended(columns, shape_kinds(batch), TABLE), "a column would have become wider"
            assert typed(rows) == typed(slow(columns, batch))


def shape_kinds(records):
    return {column.path: column.kind for column in shape_of(records).columns}


@given(records)
def test_what_a_shape_was_made_of_is_never_refused_once_it_is_looked_at(several):
    batch = [written({name: v for name, v in record.items() if '"' not in name}, n) for n, record in enumerate(several)]
    shape = shape_of(batch)
    loose = kinds_beyond(shape, decode_records(batch)) | {c.path for c in shape.columns if c.kind == "text"}
    assert typed(fast(shape, batch, loose)) == typed(slow(shape, batch))


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("integer", 1.0),
        ("integer", True),
        ("integer", 2**53 + 1),
        ("long", 2**63),
        ("boolean", 1),
        ("text", 1),
        ("text", [1]),
        ("json", "x"),
        ("json", 1),
        ("real", "1"),
        ("real", 10**16),
        ("null", 1),
    ],
)
def test_another_type_than_so_far_is_refused(kind, value):
    shape = Shape((Column("id", "id", "integer"), Column("v", "v", kind)), ("id",))
    with pytest.raises(Misfit):
        fast(shape, raws({"v": value}))


def test_unknown_fields_are_refused_unless_they_are_ignored():
    shape = Shape((Column("id", "id", "integer"),), ("id",))
    with pytest.raises(Misfit):
        fast(shape, raws({"new": 1}))
    assert fast(shape, raws({"new": [1]}), ignored=("new",)) == [(0,)]


@pytest.mark.parametrize("record", [b'{"id":null}', b"{}", b'{"id":"x"}', b'{"id":[1]}', b'{"id":NaN}', b'{"id":1}}'])
def test_records_without_a_proper_key_are_refused(record):
    shape = Shape((Column("id", "id", "integer"),), ("id",))
    with pytest.raises(Misfit):
        fast(shape, [record])


@pytest.mark.parametrize("kind", [kind for kind in SQL_TYPES if kind not in ("integer", "long", "text")])
def test_keys_of_an_odd_kind_are_left_to_the_exact_way(kind):
    with pytest.raises(ValueError, match="id"):
        RowDecoder(Shape((Column("id", "id", kind),), ("id",)), (), frozenset())


@pytest.mark.parametrize("token", ["1e-400", "4E-324", "-1e-0400", "1e400", "1e-99999999999999999999"])
@pytest.mark.parametrize("others", [[], ["0.30000000000000004"]])
def test_numbers_that_no_double_holds_are_refused_where_reals_are(token, others):
    shape = Shape((Column("id", "id", "integer"), Column("v", "v", "real")), ("id",))
    with pytest.raises(Misfit):
        fast(shape, [written({"v": text}, number) for number, text in enumerate(["1.5e3", token, *others])])
    assert fast(shape, [written({"v": "1e300"}, 0), written({"v": "5e-324"}, 1)]) == [(0, 1e300), (1, 5e-324)]
