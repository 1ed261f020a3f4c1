"""What was published before, record by record: a digest of each one's bytes beside its key, in the listing's order.

It is kept in blocks of about a thousand records in a table `_sync_rows_N`, so that loading a million digests reads a
thousand rows. An entry is replaced where it stands when its position is known; else a later one for the same key is
put behind it, in a block marked as such, and the next complete run clears up.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

import apsw
import msgspec

from trayapp.messages import say
from trayapp.store.errors import StoreError
from trayapp.store.records.digests import SIZE, Digests
from trayapp.store.records.values import SqlValue

BLOCK = 1024
"""Entries of a full block."""

_GONE = bytes(SIZE)
"""The digest of a key that was deleted."""

_encode = msgspec.msgpack.Encoder().encode
_keys = msgspec.msgpack.Decoder(list[str | int | float])


class ListingNeeded(Exception):
    """What is staged does not suffice to publish it: list once more, and compare the table with all records."""


class Known(msgspec.Struct, frozen=True, gc=False):
    """The digests of all published records. `void` are positions, in ascending order, whose entry no longer counts."""

    digests: Digests = Digests()
    void: tuple[int, ...] = ()


class _Block(msgspec.Struct):
    number: int
    keys: list[Any]
    digests: Digests
    later: int


class KnownTable:
    """The digests and keys of one endpoint in the database. What is put shows in the table after `write`."""

    def __init__(self, db: apsw.Connection, number: int) -> None:
        self._db = db
        self.name = f"_sync_rows_{number}"
        self._new_keys: list[SqlValue] = []
        self._new_digests: list[bytes] = []
        self._later: dict[SqlValue, bytes] = {}
        self._replaced: dict[int, bytes] = {}
        self._dropped: set[int] = set()

    def create(self) -> None:
        """Create the table, if it is not there."""
        self._db.execute(
            f"CREATE TABLE IF NOT EXISTS {self.name}"
            " (block INTEGER PRIMARY KEY, keys BLOB NOT NULL, digests BLOB NOT NULL, later INTEGER NOT NULL)"
        )

    def drop(self) -> None:
        """Drop the table."""
        self._db.execute(f"DROP TABLE IF EXISTS {self.name}")

    def clear(self) -> None:
        """Forget all entries."""
        self._db.execute(f"DELETE FROM {self.name}")

    def load(self) -> Known:
        """All digests in order. ListingNeeded when they are damaged."""
        digests = bytearray()
        is_later = False
        for part, later in self._db.execute(f"SELECT digests, later FROM {self.name} ORDER BY block"):
            if not isinstance(part, bytes) or len(part) % SIZE:
                raise ListingNeeded
            digests += part
            is_later = is_later or bool(later)
        return Known(Digests(bytes(digests)), self._void() if is_later else ())

    def _void(self) -> tuple[int, ...]:
        blocks = list(self._blocks())
        first = next(index for index, block in enumerate(blocks) if block.later)
        last: dict[SqlValue, int] = {}
        void: list[int] = []
        start = sum(len(block.keys) for block in blocks[:first])
        for block in blocks[first:]:
            for position, (key, digest) in enumerate(zip(block.keys, block.digests, strict=True), start):
                if key in last:
                    void.append(last[key])
                last[key] = position
                if digest == _GONE:
                    void.append(position)
            start += len(block.keys)
        start = 0
        for block in blocks[:first]:
            if not last.keys().isdisjoint(block.keys):
                void += [start + offset for offset, key in enumerate(block.keys) if key in last]
            start += len(block.keys)
        return tuple(sorted(set(void)))

    def current(self) -> dict[Any, bytes]:
        """Key → digest of all records published before."""
        found: dict[Any, bytes] = {}
        with suppress(ListingNeeded):  # what is damaged is not known
            for block in self._blocks():
                found.update(zip(block.keys, block.digests, strict=True))
        return {key: digest for key, digest in found.items() if digest != _GONE}

    def keys_at(self, known: Known, positions: Sequence[int]) -> dict[Any, int]:
        """Key → position for these positions, which are in ascending order. `known` is what `load` gave.

        Raises StoreError when the table was written since then.
        """
        found: dict[Any, int] = {}
        start = index = 0
        for block in self._blocks(known, positions):
            end = start + len(block.keys)
            while index < len(positions) and positions[index] < end:
                found[block.keys[positions[index] - start]] = positions[index]
                index += 1
            start = end
        return found

    def _blocks(self, known: Known | None = None, wanted: Sequence[int] | None = None) -> Iterator[_Block]:
        """The blocks in order; where no position is wanted, keys are left as so many None."""
        start = index = 0
        # One by one, as all of them together are large, and may be changed on the way.
        numbers = [number for (number,) in self._db.execute(f"SELECT block FROM {self.name} ORDER BY block")]
        for number in numbers:
            row: Any = self._db.execute(
                f"SELECT keys, digests, later FROM {self.name} WHERE block = ?", (number,)
            ).fetchone()
            if row is None or not isinstance(row[1], bytes) or len(row[1]) % SIZE:
                raise ListingNeeded
            keys, digests, later = row[0], Digests(row[1]), row[2]
            end = start + len(digests)
            if known is not None and known.digests.part(start, end) != digests:
                raise _written_meanwhile()
            while wanted is not None and index < len(wanted) and wanted[index] < start:
                index += 1
            used = wanted is None or (index < len(wanted) and wanted[index] < end)
            yield _Block(number, _decoded(keys, len(digests)) if used else [None] * len(digests), digests, later)
            start = end
        if known is not None and start != len(known.digests):
            raise _written_meanwhile()

    def append(self, keys: Sequence[SqlValue], digests: Digests) -> None:
        """Enter new records behind the others."""
        if not self._later.keys().isdisjoint(keys):
            for key, digest in zip(keys, digests, strict=True):
                if key in self._later:  # it was removed before, in this run
                    self._later[key] = digest
            new = [(key, digest) for key, digest in zip(keys, digests, strict=True) if key not in self._later]
            keys, digests = [key for key, _ in new], Digests.chained(digest for _, digest in new)
        self._new_keys += keys
        self._new_digests.append(digests.joined)
        if len(self._new_keys) >= BLOCK:
            self._flush()

    def replace(self, position: int, digest: bytes) -> None:
        """Another digest for a known position."""
        self._replaced[position] = digest

    def supersede(self, key: SqlValue, digest: bytes | None) -> None:
        """Another digest for a key whose position is not known; None when its record is gone."""
        self._later[key] = digest or _GONE

    def remove(self, position: int) -> None:
        """Forget the record at this position."""
        self._dropped.add(position)

    def appended(self) -> Iterator[tuple[Any, bytes]]:
        """(key, digest) of everything in the table and appended since, in order. Needs an empty table at the start."""
        for block in self._blocks():
            yield from zip(block.keys, block.digests, strict=True)
        yield from zip(self._new_keys, Digests.chained(self._new_digests), strict=True)

    def write(self, known: Known) -> None:
        """Write what changed. `known` is what `load` gave, or an empty one when it was not needed."""
        if (self._replaced or self._dropped) and not self._is_untidy(known):
            self._patch(known)
        elif self._replaced or self._dropped or (known.void and (self._new_keys or self._later)):
            self._rewrite(known)
        if self._new_keys and len(self._new_keys) < BLOCK:
            self._take_up_last()
        self._flush()
        if self._later:
            self._insert(list(self._later), Digests.chained(self._later.values()), later=1)
        self._later = {}

    def _is_untidy(self, known: Known) -> bool:
        blocks = self._db.execute(f"SELECT count(*) FROM {self.name}").get
        return bool(known.void) or blocks > 2 * len(known.digests) / BLOCK + 8

    def _patch(self, known: Known) -> None:
        touched = sorted(self._replaced.keys() | self._dropped)
        start = index = 0
        for block in self._blocks(known, touched):
            end = start + len(block.keys)
            first = index
            while index < len(touched) and touched[index] < end:
                index += 1
            if index > first:
                self._patch_block(block, start, touched[first:index])
            start = end

    def _patch_block(self, block: _Block, start: int, positions: Sequence[int]) -> None:
        dropped = [position - start for position in positions if position in self._dropped]
        others = {each - start: self._replaced[each] for each in positions if each not in self._dropped}
        digests = block.digests.patched(others).without(dropped)
        for place in reversed(dropped):
            del block.keys[place]
        if not block.keys:
            self._db.execute(f"DELETE FROM {self.name} WHERE block = ?", (block.number,))
        elif not dropped:
            self._db.execute(f"UPDATE {self.name} SET digests = ? WHERE block = ?", (digests.joined, block.number))
        else:
            self._db.execute(
                f"UPDATE {self.name} SET keys = ?, digests = ? WHERE block = ?",
                (_encode(block.keys), digests.joined, block.number),
            )

    def _rewrite(self, known: Known) -> None:
        keys: list[Any] = []
        for block in self._blocks(known):
            keys += block.keys
        gone = self._dropped.union(known.void)
        kept = [position for position in range(len(known.digests)) if position not in gone]
        self.clear()
        for start in range(0, len(kept), BLOCK):
            part = kept[start : start + BLOCK]
            digests = [self._replaced.get(position) or known.digests[position] for position in part]
            self._insert([keys[position] for position in part], Digests.chained(digests))

    def _take_up_last(self) -> None:
        """Fill the last block instead of leaving one short block behind every run."""
        last = self._db.execute(
            f"SELECT block, keys, digests, later FROM {self.name} ORDER BY block DESC LIMIT 1"
        ).fetchone()
        if last is None or last[3] or len(Digests(last[2])) + len(self._new_keys) > BLOCK:
            return
        self._db.execute(f"DELETE FROM {self.name} WHERE block = ?", (last[0],))
        self._new_keys = [*_keys.decode(last[1]), *self._new_keys]
        self._new_digests = [last[2], *self._new_digests]

    def _flush(self) -> None:
        if self._new_keys:
            self._insert(self._new_keys, Digests.chained(self._new_digests))
            self._new_keys, self._new_digests = [], []

    def _insert(self, keys: Sequence[SqlValue], digests: Digests, later: int = 0) -> None:
        self._db.execute(
            f"INSERT INTO {self.name} (keys, digests, later) VALUES (?, ?, ?)", (_encode(keys), digests.joined, later)
        )


def _decoded(keys: bytes, count: int) -> list[Any]:
    """A block's keys. ListingNeeded when they are damaged, which SQLite need not notice."""
    try:
        decoded = _keys.decode(keys)
    except (msgspec.MsgspecError, TypeError):
        raise ListingNeeded from None
    if len(decoded) != count:
        raise ListingNeeded
    return decoded


def _written_meanwhile() -> StoreError:
    return StoreError(
        say("The table was changed during the run"),
        say("Another run of the same endpoint finished in the meantime."),
        say("Nothing was changed or lost. Sync again."),
    )
