"""Digests by which records are told apart: 16 bytes each, many of them in one piece of memory."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from struct import Struct

import msgspec
import xxhash

SIZE = 16
"""Bytes of a digest."""

_each = Struct(f"{SIZE}s").iter_unpack


class Digests(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Digests in an order, one after the other in `joined`. Places count from 0, never from the end."""

    joined: bytes = b""

    @staticmethod
    def of(records: Iterable[bytes]) -> "Digests":
        """Those of these records' bytes."""
        return Digests.chained(map(xxhash.xxh3_128_digest, records))

    @staticmethod
    def chained(several: Iterable[bytes]) -> "Digests":
        """Single ones, or the `joined` ones of several, as one."""
        return Digests(b"".join(several))

    def __len__(self) -> int:
        return len(self.joined) // SIZE

    def __iter__(self) -> Iterator[bytes]:
        return map(itemgetter(0), _each(self.joined))

    def __getitem__(self, place: int) -> bytes:
        return self.joined[place * SIZE : (place + 1) * SIZE]

    def part(self, start: int, end: int) -> "Digests":
        """Those from one place on, before another; as many of them as there are."""
        return Digests(self.joined[start * SIZE : end * SIZE])

    def only(self, places: Iterable[int]) -> "Digests":
        """Those at these places."""
        return Digests.chained([self.joined[place * SIZE : (place + 1) * SIZE] for place in places])

    def without(self, places: Sequence[int]) -> "Digests":
        """Those at other places than these, which are in ascending order."""
        if not places or len(places) == len(self):
            return Digests() if places else self
        between = zip([0, *(place + 1 for place in places)], [*places, len(self)], strict=True)
        return Digests.chained([self.joined[start * SIZE : end * SIZE] for start, end in between])

    def patched(self, changes: Mapping[int, bytes]) -> "Digests":
        """With other ones at these places."""
        joined = bytearray(self.joined)
        for place, digest in changes.items():
            joined[place * SIZE : (place + 1) * SIZE] = digest
        return Digests(bytes(joined))

    def find(self, digest: bytes, start: int, end: int) -> int:
        """A place where the digest is, from `start` on and before `end`; -1 if it is not to be seen at once."""
        at = self.joined.find(digest, start * SIZE, end * SIZE)
        return -1 if at % SIZE else at // SIZE

    def agreeing(self, start: int, others: "Digests") -> int:
        """How many of the others are here, too, from `start` on in their order, before the first that is not."""
        theirs = others.joined
        mine = self.joined[start * SIZE : start * SIZE + len(theirs)]
        if mine == theirs:
            return len(others)
        # As numbers their difference begins at the first digest that is another one.
        difference = int.from_bytes(mine.ljust(len(theirs), b"\0"), "big") ^ int.from_bytes(theirs, "big")
        return min(len(mine) // SIZE, (8 * len(theirs) - difference.bit_length()) // (8 * SIZE))
