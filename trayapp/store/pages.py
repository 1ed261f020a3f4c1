"""The records of one page of a listing, in one of two forms: JSON objects as they came, or rows of cells."""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import accumulate
from typing import Protocol, overload

from trayapp.store.cells import Block, together
from trayapp.store.decoder import Rows
from trayapp.store.digests import Digests

FEW = 1000
"""So many rows of several blocks are put into one at most."""


class Stage(Protocol):
    """Where a page is kept: the staging."""

    def keep_json(self, page: "JsonPage") -> None:
        """Keep records."""

    def keep_cells(self, block: Block) -> None:
        """Keep rows of cells."""


class Fitter(Protocol):
    """What makes rows of a table: its fitting."""

    def rows_of_json(self, page: "JsonPage") -> Rows:
        """Of records."""
        ...

    def rows_of_cells(self, block: Block) -> Rows:
        """Of rows of cells."""
        ...


class Page(Sequence[bytes]):
    """Records that came together. As a sequence, these are JSON objects, raw."""

    @property
    @abstractmethod
    def digests(self) -> Digests:
        """Those of all records."""

    @abstractmethod
    def only(self, places: Sequence[int]) -> "Page":
        """The records at these places, which are in ascending order."""

    @abstractmethod
    def own(self, check: Callable[[Sequence[bytes]], None]) -> "Page":
        """The same records in memory of their own, no views of the answer they came in.

        `check` is called with those that are not known to be objects, and UTF-8.
        """

    @abstractmethod
    def keep(self, stage: Stage) -> None:
        """Have the records kept."""

    @abstractmethod
    def rows(self, fitter: Fitter) -> Rows:
        """The records as rows of a table."""

    @abstractmethod
    def as_json(self) -> "JsonPage":
        """The same records as JSON, with the digests of that."""


class JsonPage(Page):
    """Records as their JSON."""

    def __init__(self, records: Iterable[bytes], digests: Digests | None = None, text: bytes | None = None) -> None:
        """`records` are iterated over when they are first needed; `text` is a JSON array of them."""
        self._given = records
        self._digests = digests
        self._text = text

    @cached_property
    def _records(self) -> Sequence[bytes]:
        return list(self._given)

    @cached_property
    def digests(self) -> Digests:
        """Those of the records' bytes, unless others were given."""
        return Digests.of(self._records) if self._digests is None else self._digests

    @property
    def text(self) -> bytes:
        """A JSON array of the records."""
        return b"[" + b",".join(self._records) + b"]" if self._text is None else self._text

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._records)

    @overload
    def __getitem__(self, place: int) -> bytes: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[bytes]: ...

    def __getitem__(self, place: int | slice) -> bytes | Sequence[bytes]:
        return self._records[place]

    def only(self, places: Sequence[int]) -> "JsonPage":
        """The records at these places."""
        if len(places) == len(self):
            return self
        return JsonPage([self._records[place] for place in places], self.digests.only(places))

    def own(self, check: Callable[[Sequence[bytes]], None]) -> "JsonPage":
        """The same as bytes, each one checked."""
        records = list(map(bytes, self._records))
        check(records)
        return JsonPage(records)

    def keep(self, stage: Stage) -> None:
        """Have the records kept."""
        stage.keep_json(self)

    def rows(self, fitter: Fitter) -> Rows:
        """The records as rows of a table."""
        return fitter.rows_of_json(self)

    def as_json(self) -> "JsonPage":
        """The page itself."""
        return self


class CellPage(Page):
    """Rows of cells, in blocks."""

    def __init__(self, blocks: Sequence[Block]) -> None:
        self.blocks = blocks
        self._ends = list(accumulate(block.count for block in blocks))
        self._shown: tuple[int, list[bytes]] = (-1, [])

    @cached_property
    def digests(self) -> Digests:
        """Those of all rows."""
        return Digests.chained([block.digests.joined for block in self.blocks])

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def __iter__(self) -> Iterator[bytes]:
        for block in self.blocks:
            yield from block.records()

    @overload
    def __getitem__(self, place: int) -> bytes: ...

    @overload
    def __getitem__(self, place: slice) -> list[bytes]: ...

    def __getitem__(self, place: int | slice) -> bytes | list[bytes]:
        if isinstance(place, slice):
            return [self[number] for number in range(*place.indices(len(self)))]
        (number, (at,)) = next(self._spread([range(len(self))[place]]))
        if self._shown[0] != number:
            self._shown = (number, self.blocks[number].records())
        return self._shown[1][at]

    def only(self, places: Sequence[int]) -> "CellPage":
        """The rows at these places, in few blocks."""
        if len(places) == len(self):
            return self
        found: list[Block] = []
        several: list[tuple[Block, Sequence[int]]] = []
        count = 0
        for number, some in self._spread(places):
            block = self.blocks[number]
            if several and (count + len(some) > FEW or not block.is_like(several[0][0])):
                found.append(together(several))
                several, count = [], 0
            several.append((block, some))
            count += len(some)
        return CellPage([*found, together(several)] if several else found)

    def _spread(self, places: Sequence[int]) -> Iterator[tuple[int, list[int]]]:
        """The places by blocks: the number of each block, and where they are in it."""
        index = 0
        start = 0
        for number, end in enumerate(self._ends):
            first = index
            while index < len(places) and places[index] < end:
                index += 1
            if index > first:
                yield number, [place - start for place in places[first:index]]
            start = end

    def own(self, check: Callable[[Sequence[bytes]], None]) -> "CellPage":  # noqa: ARG002  cells make objects, in UTF-8
        """The page itself."""
        return self

    def keep(self, stage: Stage) -> None:
        """Have the rows kept."""
        for block in self.blocks:
            stage.keep_cells(block)

    def rows(self, fitter: Fitter) -> Rows:
        """The rows of a table. A page that was staged has one block."""
        (block,) = self.blocks
        return fitter.rows_of_cells(block)

    def as_json(self) -> JsonPage:
        """The same rows as JSON."""
        return JsonPage(list(self))
