"""The records of a run between fetching and publishing: only those that may be new or changed are kept."""

import os
import struct
import tempfile
from array import array
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import repeat
from pathlib import Path
from typing import IO

import msgspec

from trayapp.store.records.cells import Block
from trayapp.store.records.digests import SIZE, Digests
from trayapp.store.records.pages import CellPage, JsonPage, Page
from trayapp.store.staging.published import Known

SPILL_BYTES = 8 * 2**20
"""What is kept in memory before a run's staged records go to a file."""

BATCH_RECORDS = 1000
BATCH_BYTES = 2**20
"""A batch of staged records is at most so large, unless a single record is larger."""

_WINDOW = 64
"""A record that is not the next one expected is looked for in so many positions behind."""

_STRIDE = 256
"""So many digests are compared at once."""

_SMALL = BATCH_BYTES // 4
"""What less bytes of a page than this are staged wait for those of the next pages."""

_HEADER = struct.Struct("<II")
_CELLS = 2**32 - 1
"""Stands in a header where the number of records does, when a block of cells follows."""

_encode_cells = msgspec.msgpack.Encoder().encode
_decode_cells = msgspec.msgpack.Decoder(tuple[int, Block]).decode


class Batch(msgspec.Struct, frozen=True, gc=False):
    """Staged records. `numbers` tell which page each was on."""

    numbers: Sequence[int]
    page: Page

    def without(self, places: Collection[int]) -> "Batch":
        """The batch without the records at these places."""
        kept = [place for place in range(len(self.numbers)) if place not in places]
        return Batch([self.numbers[place] for place in kept], self.page.only(kept))


class Taken(msgspec.Struct, frozen=True, gc=False):
    """What became of a page's records: those that seem new or changed, and the digests of the others."""

    new: Page
    unchanged: Digests


class Staging:
    """Collects the raw records of a listing, page by page.

    `known` holds the digests of the records published before; a record whose bytes are unchanged is only counted, never
    decoded. The listing is expected in the order of `known`: then whole pages are compared at once, and no table of
    all digests is needed. The file has no name where the system allows that (else it is deleted on closing), so that a
    killed run leaves nothing.
    """

    def __init__(self, folder: Path, known: Known) -> None:
        self.known = known
        self.records = 0
        self.pages = 0
        self._unchanged = 0
        self._taken = bytearray(len(known.digests))  # 1 where the record was listed again
        for position in known.void:
            self._taken[position] = 1
        self._next = 0
        self._index: dict[bytes, int] | None = None
        self._unsure: list[bytes] = []
        self._most_unsure = max(1000, len(known.digests) // 10)
        self._late: set[bytes] = set()
        self._staged: set[bytes] | None = None
        self._waiting: list[tuple[int, bytes, bytes]] = []  # page, digest and record of what will be one batch
        self._waiting_bytes = 0
        self._file: IO[bytes] = tempfile.SpooledTemporaryFile(SPILL_BYTES, dir=str(folder), prefix="staged-")  # noqa: SIM115

    @property
    def unchanged(self) -> int:
        """How many records were listed as they were before."""
        self._settle()
        return self._unchanged

    @property
    def missing(self) -> list[int]:
        """The positions in `known` of what was not listed as it was before, in ascending order."""
        self._settle()
        return self._untaken()

    def _untaken(self) -> list[int]:
        found = []
        position = self._taken.find(0)
        while position >= 0:
            found.append(position)
            position = self._taken.find(0, position + 1)
        return found

    def walk_again(self) -> None:
        """The listing is walked a second time: only what the first walk missed is taken from the pages to come.

        A record that either walk met counts as listed.
        """
        self._settle()
        known = self.known.digests
        self._index = {digest: position for position, digest in enumerate(known)}
        for position in self.known.void:
            self._index.pop(known[position], None)
        self._staged = {digest for batch in self for digest in batch.page.digests}

    def add_page(self, page: Page) -> Taken:
        """Stage those of one page's records that seem new or changed."""
        self.pages += 1
        digests = page.digests
        unknown: Sequence[int]
        if self._staged is not None:
            unknown = [place for place, digest in enumerate(digests) if self._is_missed(digest)]
        else:
            self.records += len(digests)
            unknown = self._compare(digests) if self.known.digests else range(len(digests))
        new = page.only(unknown)
        new.by_form(self._keep, self._write_cells)
        return Taken(new, digests.without(unknown))

    def take_listed(self, digests: Iterable[bytes]) -> bool:
        """Count records as listed as they were before, by their digests; False when one is not known so."""
        places = {self.known.digests[position]: position for position in self._untaken()}
        for digest in digests:
            position = places.pop(digest, None)
            if position is None:
                return False
            self._taken[position] = 1
            self._next = position + 1
            self._unchanged += 1
            self.records += 1
        return True

    def _compare(self, digests: Digests) -> list[int]:
        """Take what is known of these digests, in strides where they are as and where they were before."""
        unknown = []
        start, count, known = 0, len(digests), self.known.digests
        while start < count:
            same = self._expected(digests.part(start, start + _STRIDE))
            here = self._next
            self._taken[here : here + same] = b"\1" * same
            self._next += same
            self._unchanged += same
            start += same
            if same < _STRIDE and start < count:
                if not self._take(digests[start]):
                    unknown.append(start)
                    if start + 1 < count and known[self._next + 1] == digests[start + 1]:
                        self._next += 1  # it stands in the place of one that was there before
                start += 1
        return unknown

    def _expected(self, digests: Digests) -> int:
        """How many of these digests are the next ones expected, before the first that is not."""
        here, count = self._next, self.known.digests.agreeing(self._next, digests)
        taken = self._taken.find(1, here, here + count)
        return count if taken < 0 else taken - here

    def _take(self, digest: bytes) -> bool:
        position = self.known.digests.find(digest, self._next, self._next + _WINDOW)
        if position < 0 and self._index is not None:
            position = self._index.get(digest, -1)
        if position < 0 or self._taken[position]:
            if self._index is None:
                self._unsure.append(digest)
                if len(self._unsure) > self._most_unsure:
                    self._settle()
                    self._index = {self.known.digests[place]: place for place in self._untaken()}
            return False
        self._taken[position] = 1
        self._next = position + 1
        self._unchanged += 1
        return True

    def _settle(self) -> None:
        """Look whether what was staged is known after all, only elsewhere than expected."""
        if not self._unsure:
            return
        places = {self.known.digests[position]: position for position in self._untaken()}
        for digest in self._unsure:
            position = places.pop(digest, None)
            if position is not None:
                self._taken[position] = 1
                self._unchanged += 1
                self._late.add(digest)
        self._unsure = []

    def _is_missed(self, digest: bytes) -> bool:
        assert self._index is not None
        assert self._staged is not None
        position = self._index.get(digest)
        if position is None:
            if digest in self._staged:
                return False
            self._staged.add(digest)
            self.records += 1
            return True
        if not self._taken[position]:
            self._taken[position] = 1
            self._unchanged += 1
            self.records += 1
        return False

    def _keep(self, page: JsonPage) -> None:
        sizes = list(map(len, page))
        if sum(sizes) < _SMALL and len(sizes) < BATCH_RECORDS // 4:
            self._waiting += zip(repeat(self.pages), page.digests, map(bytes, page), strict=False)
            self._waiting_bytes += sum(sizes)
            if len(self._waiting) >= BATCH_RECORDS or self._waiting_bytes >= BATCH_BYTES:
                self._flush()
            return
        self._flush()
        step = max(1, min(BATCH_RECORDS, len(sizes) * BATCH_BYTES // (sum(sizes) or 1)))
        for start in range(0, len(sizes), step):
            end = start + step
            part = JsonPage(page[start:end], page.digests.part(start, end))
            self._write([self.pages] * len(part), part)

    def _flush(self) -> None:
        """Write the records of several small pages as one batch."""
        if self._waiting:
            numbers, digests, records = zip(*self._waiting, strict=True)
            self._write(numbers, JsonPage(records, Digests.chained(digests)))
            self._waiting, self._waiting_bytes = [], 0

    def _write(self, numbers: Sequence[int], page: JsonPage) -> None:
        text = page.text
        self._file.write(_HEADER.pack(len(page), len(text)))
        self._file.write(array("I", [*numbers, *map(len, page)]).tobytes())
        self._file.write(page.digests.joined)
        self._file.write(text)

    def _write_cells(self, page: CellPage) -> None:
        self._flush()
        for block in page.blocks:
            data = _encode_cells((self.pages, block))
            self._file.write(_HEADER.pack(_CELLS, len(data)))
            self._file.write(data)

    def __iter__(self) -> Iterator[Batch]:
        """The staged records in the order they came."""
        self._settle()
        self._flush()
        late = set(self._late)
        self._file.seek(0)
        try:
            while header := self._file.read(_HEADER.size):
                batch = self._read(*_HEADER.unpack(header))
                if late and (places := _late_ones(batch.page.digests, late)):
                    batch = batch.without(places)
                    if not batch.numbers:
                        continue
                yield batch
        finally:
            self._file.seek(0, os.SEEK_END)

    def _read(self, count: int, length: int) -> Batch:
        if count == _CELLS:
            page, block = _decode_cells(self._file.read(length))
            return Batch([page] * len(block.digests), CellPage([block]))
        numbers = array("I", self._file.read(8 * count)).tolist()
        digests = Digests(self._file.read(SIZE * count))
        text = self._file.read(length)
        return Batch(numbers[:count], JsonPage(_cut(text, numbers[count:]), digests, text))

    def distinct(self) -> int:
        """How many different records are staged."""
        return len({digest for batch in self for digest in batch.page.digests})

    def close(self) -> None:
        """Throw the staged records away."""
        self._file.close()


def _cut(text: bytes, sizes: Sequence[int]) -> Iterator[bytes]:
    """The items of a JSON array, which are so long."""
    start = 1
    for size in sizes:
        yield text[start : start + size]
        start += size + 1


def _late_ones(digests: Digests, late: set[bytes]) -> set[int]:
    """The places of the first record of each of these digests, which are removed from `late`."""
    found: set[int] = set()
    for place, digest in enumerate(digests) if not late.isdisjoint(digests) else ():
        if digest in late:
            late.remove(digest)
            found.add(place)
    return found
