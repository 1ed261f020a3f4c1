"""Records that are rows of cells under common names: kept by columns, and written as JSON only where somebody asks."""

import functools
import re
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from trayapp.store.records.digests import Digests
from trayapp.store.records.values import EXACT, Kind, widen

Cell = str | int | float | None

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(list[list[Any]]).decode
_unpack_json = msgspec.json.Decoder(list[list[Any]]).decode


class Block(msgspec.Struct, frozen=True, gc=False):
    """Some rows: the columns' names, a digest of each row, and its cells, packed column by column.

    optional: the names of columns in which an empty cell is no field at all.
    """

    names: tuple[str, ...]
    optional: tuple[str, ...]
    digests: Digests
    packed: bytes

    def is_like(self, other: "Block") -> bool:
        """Whether the columns are the same."""
        return (self.names, self.optional) == (other.names, other.optional)

    def columns(self) -> list[list[Cell]]:
        """The cells, column by column."""
        return _unpack_json(self.packed) if self.packed.startswith(b"[") else _unpack(self.packed)

    def records(self) -> list[bytes]:
        """Each row as a JSON object."""
        encode = msgspec.json.Encoder().encode
        if self.optional or any(re.search(r'["\\\x00-\x1f]', name) for name in self.names):
            optional = frozenset(self.optional)
            return [
                encode({n: v for n, v in zip(self.names, row, strict=True) if v is not None or n not in optional})
                for row in zip(*self.columns(), strict=True)
            ]
        return list(map(encode, map(_row_type(self.names), *self.columns())))


def packed(names: Sequence[str], optional: Sequence[str], columns: Sequence[Sequence[Cell]], digests: Digests) -> Block:
    """A block of these columns."""
    return Block(tuple(names), tuple(optional), digests, _packed(columns))


def _packed(columns: Sequence[Sequence[Cell]]) -> bytes:
    try:
        return _pack(columns)
    except OverflowError:
        return msgspec.json.encode(columns)  # MessagePack has integers of 64 bit only


@functools.lru_cache(8)
def _row_type(names: tuple[str, ...]) -> Callable[..., msgspec.Struct]:
    """Its names are encoded once, and the garbage collector does not track it: several times as fast as dicts."""
    fields = [(f"f{number}", Any) for number in range(len(names))]
    rename = {f"f{number}": name for number, name in enumerate(names)}
    return msgspec.defstruct("Row", fields, rename=rename, gc=False)


class Column:
    """The cells of one column of a block, looked at as a whole. `kind` is the narrowest one that holds them all.

    is_boolean: the numbers are truth values.
    """

    def __init__(self, cells: Sequence[Cell], is_boolean: bool = False) -> None:
        self.cells = cells
        self._types = set(map(type, cells))
        self.kind: Kind = "boolean" if is_boolean else self._kind()

    @property
    def has_empty(self) -> bool:
        """Whether a cell is empty."""
        return type(None) in self._types

    def _kind(self) -> Kind:
        if str in self._types:
            return "text"
        integers = self._kind_of_integers() if int in self._types else "null"
        return widen("real", integers) if float in self._types else integers

    def _kind_of_integers(self) -> Kind:
        integers: Sequence[Any] = self.cells
        if len(self._types) > 1:
            integers = [cell for cell in self.cells if isinstance(cell, int)]
        least, most = min(integers), max(integers)
        if least >= -EXACT and most <= EXACT:
            return "integer"
        return "long" if least >= -(2**63) and most < 2**63 else "text"

    def bound(self, kind: Kind) -> Sequence[Cell]:
        """The cells as `values.bound` has them in a table's column of that kind, which is as wide or wider."""
        if kind == "text" and (int in self._types or float in self._types):
            return [cell if cell is None or isinstance(cell, str) else repr(cell) for cell in self.cells]
        if kind == "real" and int in self._types:
            return [cell if cell is None else float(cell) for cell in self.cells]
        return self.cells


def together(parts: Sequence[tuple[Block, Sequence[int]]]) -> Block:
    """One block of some rows of several that are alike."""
    first = parts[0][0]
    columns: list[list[Cell]] = [[] for _ in first.names]
    for block, places in parts:
        for column, cells in zip(columns, block.columns(), strict=True):
            column += [cells[place] for place in places]
    digests = Digests.chained(block.digests.only(places).joined for block, places in parts)
    return Block(first.names, first.optional, digests, _packed(columns))
