import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trayapp.store.records.fields import decode_records
from trayapp.store.records.values import SQL_TYPES, bound, classify, is_lossy, widen

kinds = st.sampled_from(list(SQL_TYPES))


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        ("null", ("null", None)),
        ("true", ("boolean", 1)),
        ("false", ("boolean", 0)),
        ("0", ("integer", 0)),
        ("-0", ("integer", 0)),
        ("9007199254740992", ("integer", 2**53)),
        ("9007199254740993", ("long", 2**53 + 1)),
        ("9223372036854775807", ("long", 2**63 - 1)),
        ("9223372036854775808", ("text", "9223372036854775808")),
        ("-9223372036854775809", ("text", "-9223372036854775809")),
        ("1.5", ("real", 1.5)),
        ("1e3", ("real", 1000.0)),
        ("1e400", ("text", "1e400")),
        ("0.1000000000000000055511151231257827", ("text", "0.1000000000000000055511151231257827")),
        ("1" * 60, ("text", "1" * 60)),
        ('"007"', ("text", "007")),
        ('"\\u2028\\u0000"', ("text", "\u2028\0")),
        ('[1, {"a" : 1.10}]', ("json", '[1,{"a":1.10}]')),
        ("{}", ("json", "{}")),
    ],
)
def test_a_value_is_stored_exactly(token, expected):
    assert classify(token.encode()) == expected


@given(kinds, kinds)
def test_widening_does_not_depend_on_the_order(one, other):
    assert widen(one, other) == widen(other, one)
    assert widen(one, one) == one
    assert widen("null", one) == one


@given(kinds, kinds, kinds)
def test_widening_does_not_depend_on_the_grouping(a, b, c):
    assert widen(widen(a, b), c) == widen(a, widen(b, c))


def test_integers_that_a_real_cannot_hold_make_the_column_text():
    assert widen("long", "real") == "text"
    assert widen("integer", "real") == "real"
    assert is_lossy("integer", "text")
    assert not is_lossy("json", "text")


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_real_in_a_text_column_keeps_all_its_digits(value):
    kind, stored = classify(json.dumps(value).encode())
    assert float(bound(kind, stored, "text")) == value


def test_a_boolean_in_a_text_column_is_told_from_a_number():
    assert bound("boolean", 1, "text") == "true"
    assert bound("integer", 1, "text") == "1"


def test_what_msgspec_refuses_is_read_all_the_same():
    records = [b'{"id": 1, "x": NaN}', b'{"id": 2, "x": "\\ud800 lone"}', b'{"id": 3}']
    decoded = decode_records(records)
    assert decoded[0]["x"] == ("null", None)
    assert decoded[1]["x"] == ("text", "\ufffd lone")
    assert decoded[2] == {"id": ("integer", 3)}


scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3), max_leaves=6
)


@given(values)
def test_every_json_value_survives(value):
    ((_, (kind, stored)),) = decode_records([json.dumps({"v": value}).encode()])[0].items()
    text = bound(kind, stored, kind)
    if kind == "json":
        assert json.loads(text) == value
    elif kind == "boolean":
        assert bool(text) is value
    elif isinstance(value, int) and kind == "text":
        assert int(text) == value
    elif isinstance(value, float):
        assert float(text) == value or math.isclose(float(text), value, rel_tol=0)
    else:
        assert text == value
