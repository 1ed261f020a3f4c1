"""The records of one page of a listing, in one of two forms: JSON objects as they came, or rows of cells.

Both can do the same; as a sequence, both are their records as raw JSON objects. `digests` are those of all records.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import TypeAlias, TypeVar, overload

from trayapp.messages import Message
from trayapp.store.records.cells import Block, together
from trayapp.store.records.digests import Digests

FEW = 1000
"""So many rows of several blocks are put into one at most."""

T = TypeVar("T")
Check = Callable[[Sequence[bytes]], None]


class JsonPage(Sequence[bytes]):
    """Records as their JSON: as bytes, or as views of the answer they came in."""

    def __init__(
        self,
        records: Iterable[bytes],
        digests: Digests | None = None,
        text: bytes | None = None,
        warnings: tuple[Message, ...] = (),
    ) -> None:
        """`records` are iterated over when they are first needed; `text` is a JSON array of them.

        warnings: what people should know about their reading.
        """
        self.warnings = warnings
        self._given = records
        self._digests = digests
        self._text = text

    @cached_property
    def _records(self) -> list[bytes]:
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
    def __getitem__(self, place: slice) -> list[bytes]: ...

    def __getitem__(self, place: int | slice) -> bytes | list[bytes]:
        return self._records[place]

    def only(self, places: Sequence[int]) -> "JsonPage":
        """The records at these places, which are in ascending order."""
        if len(places) == len(self):
            return self
        return JsonPage([self._records[place] for place in places], self.digests.only(places))

    def own(self, check: Check) -> "JsonPage":
        """The same records as bytes of their own. `check` is called with them, as they may not even be objects."""
        records = list(map(bytes, self._records))
        check(records)
        return JsonPage(records)

    def as_json(self) -> "JsonPage":
        """The records as JSON, with the digests of that."""
        return self

    def by_form(self, json: Callable[["JsonPage"], T], cells: Callable[["CellPage"], T]) -> T:  # noqa: ARG002
        """What the one of the two makes of the page that is for its form."""
        return json(self)


class CellPage(Sequence[bytes]):
    """Rows of cells, in blocks."""

    warnings: tuple[Message, ...] = ()

    def __init__(self, blocks: Sequence[Block]) -> None:
        self.blocks = blocks

    @cached_property
    def digests(self) -> Digests:
        """Those of all rows."""
        return Digests.chained([block.digests.joined for block in self.blocks])

    def __len__(self) -> int:
        return len(self.digests)

    def __iter__(self) -> Iterator[bytes]:
        for block in self.blocks:
            yield from block.records()

    @overload
    def __getitem__(self, place: int) -> bytes: ...

    @overload
    def __getitem__(self, place: slice) -> list[bytes]: ...

    def __getitem__(self, place: int | slice) -> bytes | list[bytes]:
        if isinstance(place, slice):
            return list(self.only(range(*place.indices(len(self)))))
        return next(iter(self.only([range(len(self))[place]])))

    def only(self, places: Sequence[int]) -> "CellPage":
        """The rows at these places, which are in ascending order, in few blocks."""
        if len(places) == len(self):
            return self
        found: list[list[tuple[Block, Sequence[int]]]] = []
        count = index = start = 0
        for block in self.blocks:
            first, end = index, start + len(block.digests)
            while index < len(places) and places[index] < end:
                index += 1
            if index > first:
                count += index - first
                if not found or count > FEW or not block.is_like(found[-1][0][0]):
                    found.append([])
                    count = index - first
                found[-1].append((block, [place - start for place in places[first:index]]))
            start = end
        return CellPage(list(map(together, found)))

    def own(self, check: Check) -> "CellPage":  # noqa: ARG002  cells are UTF-8, and rows of them objects
        """The page itself: it views nothing, and needs no check."""
        return self

    def as_json(self) -> JsonPage:
        """The rows as JSON, with the digests of that."""
        return JsonPage(self)

    def by_form(self, json: Callable[[JsonPage], T], cells: Callable[["CellPage"], T]) -> T:  # noqa: ARG002
        """What the one of the two makes of the page that is for its form."""
        return cells(self)


Page: TypeAlias = JsonPage | CellPage
