"""Blocks of many rows in a file, so that their cells are not in memory all at once."""

from collections.abc import Iterable, Sequence
from typing import overload

from trayapp.store.records.cells import Block
from trayapp.store.records.digests import Digests
from trayapp.sync.http.intake import Kept, Text, let_go

MOST = 8 * 2**20
"""Bytes of cells that are kept in memory."""


def kept(blocks: Iterable[Block]) -> Sequence[Block]:
    """The same blocks, in a file where they are large together."""
    several: list[Block] = []
    size = 0
    given = iter(blocks)
    for block in given:
        several.append(block)
        size += len(block.packed)
        if size > MOST:
            return _Kept(several, given)
    return several


class _Kept(Sequence[Block]):
    def __init__(self, *several: Iterable[Block]) -> None:
        self._blocks: list[tuple[tuple[str, ...], tuple[str, ...], Digests, int, int]] = []
        file = Kept(None)
        try:
            for blocks in several:
                for block in blocks:
                    start = file.size
                    file.write(block.packed)
                    self._blocks.append((block.names, block.optional, block.digests, start, file.size))
            self._view: Text = file.view()
        finally:
            file.close()

    def __len__(self) -> int:
        return len(self._blocks)

    @overload
    def __getitem__(self, place: int) -> Block: ...

    @overload
    def __getitem__(self, place: slice) -> list[Block]: ...

    def __getitem__(self, place: int | slice) -> Block | list[Block]:
        if isinstance(place, slice):
            return [self[each] for each in range(*place.indices(len(self)))]
        names, optional, digests, start, end = self._blocks[place]
        block = Block(names, optional, digests, self._view[start:end])
        let_go(self._view, end)
        return block
