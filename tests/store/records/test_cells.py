"""Rows of cells give the very rows, and are the very records, that they would be as JSON."""

from hypothesis import given
from hypothesis import strategies as st

from trayapp.endpoints.model import Table
from trayapp.store.mirror.loading import see
from trayapp.store.mirror.schema import Shape, binder, extended
from trayapp.store.records.cells import Column, packed
from trayapp.store.records.digests import SIZE, Digests
from trayapp.store.records.fields import decode_records
from trayapp.store.records.values import widen

# Texts without types have no others: a number written otherwise than Python does stays a text.
plain_floats = st.floats(-1e15, 1e15).filter(lambda number: "e" not in repr(number))
cell = (
    st.none()
    | st.integers(-(2**70), 2**70)
    | st.integers(2**53 - 2, 2**53 + 2)
    | st.sampled_from([2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 0])
    | plain_floats
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=3)
)
small = st.integers(-9, 9)
of_kinds = st.sampled_from([cell, small, st.none() | small, plain_floats, st.just("x")])
tables = st.tuples(of_kinds, of_kinds).flatmap(lambda two: st.lists(st.tuples(*two), min_size=1, max_size=5))
wider = st.sampled_from(["null", "integer", "real", "text"])


def block_of(rows, optional=()):
    digests = Digests.chained(number.to_bytes(SIZE, "big") for number, _ in enumerate(rows))
    return packed(("a", "b"), optional, list(zip(*rows, strict=True)), digests)


@given(tables, wider)
def test_columns_are_bound_as_their_records_would_be(rows, before):
    block = block_of(rows)
    seen = {}
    fields = decode_records(block.records())
    see(seen, fields)
    columns = dict(zip(block.names, map(Column, block.columns()), strict=True))
    assert {name: column.kind for name, column in columns.items()} == seen
    shape = extended(Shape((), ()), {name: widen(before, kind) for name, kind in seen.items()}, Table(name="t"))
    expected = list(map(tuple, map(binder(shape), fields)))
    found = list(zip(*(columns[column.path].bound(column.kind) for column in shape.columns), strict=True))
    assert found == expected
    # SQLite stores an integer in a REAL column as a real: what is compared with the table must be one, too.
    assert [list(map(type, row)) for row in found] == [list(map(type, row)) for row in expected]


def test_what_is_optional_is_only_there_with_a_value():
    assert block_of([(1, None), (2, "x")], ["b"]).records() == [b'{"a":1}', b'{"a":2,"b":"x"}']
