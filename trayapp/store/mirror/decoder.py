"""Batches of raw records decoded straight into rows, where every value is of the kind its column has held so far.

What is stored is exactly what records.decode_records with table.binder would give: a batch in which anything is
otherwise (a new field, another type, a number that a double can't hold) is refused as a whole, and goes that way.
"""

import re
from collections.abc import Callable, Sequence
from itertools import repeat
from operator import itemgetter
from typing import Annotated, Any

import msgspec

from trayapp.store.mirror.schema import OWN_KEYS, Shape
from trayapp.store.records.fields import Fields
from trayapp.store.records.values import Kind, SqlValue, bound, classify, widen

Rows = list[tuple[SqlValue, ...]]

_ACCEPTED: dict[Kind, frozenset[Kind]] = {
    "null": frozenset({"null"}),
    "boolean": frozenset({"null", "boolean"}),
    "integer": frozenset({"null", "integer"}),
    "long": frozenset({"null", "integer", "long"}),
    "real": frozenset({"null", "integer", "real"}),
    "json": frozenset({"null", "json"}),
    "text": frozenset({"null", "text"}),
}
"""The kinds that a column of a kind takes without a look at each value."""

_TYPES: dict[Kind, Any] = {
    "null": None,
    "boolean": bool,
    "integer": Annotated[int, msgspec.Meta(ge=-(2**53), le=2**53)],
    "long": Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)],
    "text": str,
}

_NULL = msgspec.Raw(b"null")
_SHORT = 15
"""A number written with so many characters is exact as a double (which holds any 15 digits), and below 2^53.

Unless its exponent has three digits.
"""
_FAR = re.compile(rb"[eE][+-]?[0-9]{3}")

_reals = msgspec.json.Decoder(list[float | None])
_raws = msgspec.json.Decoder(list[msgspec.Raw])

Work = Callable[[Sequence[Any]], Sequence[SqlValue]]


class Misfit(Exception):
    """A batch that is not what its columns have held so far."""


class RowDecoder:
    """Decodes batches for a table of this shape; `ignored` fields are left out.

    `loose` are columns with values of several kinds, each looked at. strict: other fields are refused. Raises
    ValueError where the shape is beyond this way: msgspec can't have every character in a name, and keys must be of one
    plain kind.
    """

    def __init__(self, shape: Shape, ignored: Sequence[str], loose: frozenset[str], strict: bool = True) -> None:
        columns = [column for column in shape.columns if column.path not in OWN_KEYS]
        fields: list[Any] = []
        self._work: list[tuple[int, Work]] = []
        self._given = [position for position, column in enumerate(shape.columns) if column.path in OWN_KEYS]
        for position, column in enumerate(columns):
            name = f"f{position}"
            if column.path in shape.key:
                if column.path in loose or column.kind not in ("integer", "long", "text"):
                    raise ValueError(column.path)
                fields.append((name, _TYPES[column.kind]))
            elif column.path in loose:
                fields.append((name, msgspec.Raw, _NULL))
                self._work.append((position, _looked_at(column.kind)))
            elif column.kind in ("json", "real"):
                fields.append((name, msgspec.Raw, _NULL))
                self._work.append((position, _texts if column.kind == "json" else _numbers))
            elif column.kind == "null":
                fields.append((name, None, None))
            else:
                fields.append((name, _TYPES[column.kind] | None, None))
                if column.kind == "boolean":
                    self._work.append((position, _booleans))
        paths = {column.path for column in columns}
        left_out = [path for path in ignored if path not in paths]
        fields += [(f"f{len(columns) + index}", msgspec.Raw, _NULL) for index in range(len(left_out))]
        self._count = len(columns)
        self._cut = bool(left_out)
        names = [*(column.path for column in columns), *left_out]
        record = msgspec.defstruct(
            "Record",
            fields,
            rename={f"f{index}": name for index, name in enumerate(names)},
            kw_only=True,
            gc=False,
            forbid_unknown_fields=strict,
        )
        self._decoder: msgspec.json.Decoder[list[msgspec.Struct]] = msgspec.json.Decoder(list[record])  # type: ignore[valid-type]

    def decode(self, text: bytes, own: Sequence[SqlValue] = ()) -> Rows:
        """The rows of a JSON array of records, in column order; `own` are the values of a key of ours.

        Raises Misfit.
        """
        try:
            rows = list(map(msgspec.structs.astuple, self._decoder.decode(text)))
            if not self._work and not self._given and not self._cut:
                return rows
            columns: list[Sequence[Any]] = []
            columns += list(zip(*rows, strict=True))[: self._count]
            for position, work in self._work if rows else ():
                columns[position] = work(columns[position])
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Misfit from error
        for position in self._given:
            columns.insert(position, own)
        return list(zip(*columns, strict=True))


def kinds_beyond(shape: Shape, records: Sequence[Fields]) -> frozenset[str]:
    """The fields with values that their columns take only after a look at each.

    Numbers whose digits became text can't be told from texts here.
    """
    accepted = {column.path: _ACCEPTED[column.kind] for column in shape.columns}
    everything: frozenset[Kind] = frozenset()
    return (
        frozenset(
            path
            for record in records
            for path, (kind, _) in record.items()
            if kind not in accepted.get(path, everything)
        )
        & accepted.keys()
    )


def _booleans(values: Sequence[bool | None]) -> Sequence[SqlValue]:
    return [None if value is None else int(value) for value in values]


def _texts(values: Sequence[msgspec.Raw]) -> Sequence[SqlValue]:
    """Objects and arrays without needless space."""
    joined = b"[" + b",".join(values) + b"]"
    formatted = msgspec.json.format(joined, indent=-1)
    texts = list(map(str, values if formatted == joined else _raws.decode(formatted), repeat("utf-8")))
    first = set(map(itemgetter(0), texts))
    if first <= {"{", "["}:
        return texts
    if not first <= {"{", "[", "n"}:
        raise Misfit
    return [None if text == "null" else text for text in texts]


def _numbers(values: Sequence[msgspec.Raw]) -> Sequence[SqlValue]:
    joined = b",".join(values)
    far = (b"e" in joined or b"E" in joined) and _FAR.search(joined) is not None
    lengths = list(map(len, values))
    if max(lengths) <= _SHORT and not far:
        return _reals.decode(b"[" + joined + b"]")
    work = _looked_at("real")
    return [
        number
        for value, length in zip(values, lengths, strict=True)
        for number in (_reals.decode(b"[" + bytes(value) + b"]") if length <= _SHORT and not far else work([value]))
    ]


def _looked_at(column: Kind) -> Work:
    def work(values: Sequence[msgspec.Raw]) -> Sequence[SqlValue]:
        found = []
        for raw in values:
            kind, value = classify(bytes(raw))
            if kind != column and widen(column, kind) != column:
                raise Misfit
            found.append(bound(kind, value, column))
        return found

    return work
