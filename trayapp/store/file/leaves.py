"""The leaves of a table in a damaged file: which rows are where, and what part of the table can't be reached.

Read from the pages themselves (https://sqlite.org/fileformat2.html, "B-tree Pages"): SQLite gives up at the first bad
page, and does not say which rows are behind it. The WAL must have been moved into the file.
"""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO, NamedTuple

FIRST, LAST = -(2**63), 2**63 - 1
"""The least and the greatest rowid."""

_INTERIOR, _LEAF = 0x05, 0x0D


class Leaf(NamedTuple):
    """Rowids from `low` to `high` have their place here. `ids`: those of its rows, ascending; None: it is damaged."""

    low: int
    high: int
    ids: tuple[int, ...] | None


def leaves(path: Path, root: int) -> Iterator[Leaf]:
    """All leaves of the table whose first page is `root`, in order. OSError when the file can't be read."""
    with path.open("rb") as file:
        size = int.from_bytes(file.read(18)[16:], "big")
        yield from _Tree(file, 65536 if size == 1 else size).below(root, FIRST, LAST)


class _Damaged(Exception):
    """This is no page of a table with rows between those."""


class _Tree:
    def __init__(self, file: BinaryIO, page_size: int) -> None:
        self._file = file
        self._size = page_size
        self._seen: set[int] = set()

    def below(self, page: int, low: int, high: int) -> Iterator[Leaf]:
        try:
            children, ids = self._read(page, low, high)
        except (_Damaged, IndexError, OSError):
            yield Leaf(low, high, None)
            return
        if not children:
            yield Leaf(low, high, ids)
        for child, first, last in children:
            yield from self.below(child, first, last)

    def _read(self, page: int, low: int, high: int) -> tuple[list[tuple[int, int, int]], tuple[int, ...]]:
        """The page's children with their least and greatest rowid, or the rowids of its rows."""
        if page in self._seen or page < 1 or self._size < 512:
            raise _Damaged
        self._seen.add(page)
        self._file.seek((page - 1) * self._size)
        data = self._file.read(self._size)
        start = 100 if page == 1 else 0
        if len(data) < self._size or data[start] not in (_INTERIOR, _LEAF):
            raise _Damaged
        is_leaf = data[start] == _LEAF
        count = int.from_bytes(data[start + 3 : start + 5], "big")
        array = start + (8 if is_leaf else 12)
        cells = [int.from_bytes(data[at : at + 2], "big") for at in range(array, array + 2 * count, 2)]
        if is_leaf:
            keys = [_varint(data, _varint(data, cell)[1])[0] for cell in cells]
        else:
            keys = [_varint(data, cell + 4)[0] for cell in cells]
        if any(one >= other for one, other in pairwise(keys)):
            raise _Damaged
        if keys and not low <= keys[0] <= keys[-1] <= high:
            raise _Damaged
        if is_leaf:
            return [], tuple(keys)
        pages = [int.from_bytes(data[cell : cell + 4], "big") for cell in cells]
        pages.append(int.from_bytes(data[start + 8 : start + 12], "big"))
        firsts, lasts = [low, *(key + 1 for key in keys)], [*keys, high]
        return list(zip(pages, firsts, lasts, strict=True)), ()


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """The number that begins there, and where it ends (the same document, "A variable-length integer")."""
    number = 0
    for place in range(at, at + 8):
        number = number << 7 | data[place] & 0x7F
        if data[place] < 0x80:
            return number, place + 1
    number = number << 8 | data[at + 8]
    return number - 2**64 if number >= 2**63 else number, at + 9
