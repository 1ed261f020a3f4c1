"""The records of a run between fetching and publishing: only those that may be new or changed are kept."""

import os
import struct
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

import xxhash

SPILL_BYTES = 16 * 2**20
"""What is kept in memory before a run's staged records go to a file."""


class Staging:
    """Collects the raw records of a listing, page by page.

    `known` maps the digest of every record published before to its row number; a record whose bytes are unchanged is
    only counted, never decoded. What is left in `known` at the end was not in the listing as it was before. The file
    has no name where the system allows that (else it is deleted on closing), so that a killed run leaves nothing.
    """

    def __init__(self, folder: Path, known: Mapping[bytes, int]) -> None:
        self.remaining = dict(known)
        self.records = 0
        self.unchanged = 0
        self.pages = 0
        self.staged = 0
        self._known: Mapping[bytes, int] | None = None
        self._staged: set[bytes] = set()
        self._file: IO[bytes] = tempfile.SpooledTemporaryFile(SPILL_BYTES, dir=str(folder), prefix="staged-")  # noqa: SIM115

    def walk_again(self, known: Mapping[bytes, int]) -> None:
        """The listing is walked a second time: only what the first walk missed is taken from the pages to come.

        `known` is what the staging was made with. A record that either walk met counts as listed.
        """
        self._known = known
        self._staged = {digest for _, page in self for digest, _ in page}
        self._file.seek(0, os.SEEK_END)

    def add_page(self, records: Sequence[bytes]) -> None:
        """Stage one page's records, each the bytes of a JSON object."""
        digest = xxhash.xxh3_128_digest
        remaining = self.remaining
        kept: list[bytes] = []
        if self._known is not None:
            self._add_missed(records, kept)
        else:
            for record in records:
                fingerprint = digest(record)
                if remaining.pop(fingerprint, None) is None:
                    kept += (fingerprint, record)
            self.records += len(records)
            self.unchanged += len(records) - len(kept) // 2
        self.pages += 1
        self.staged += len(kept) // 2
        if kept:
            sizes = [len(record) for record in kept[1::2]]
            self._file.write(struct.pack("<II", self.pages, len(sizes)))
            self._file.write(struct.pack(f"<{len(sizes)}I", *sizes))
            self._file.write(b"".join(kept))

    def _add_missed(self, records: Sequence[bytes], kept: list[bytes]) -> None:
        assert self._known is not None
        for record in records:
            fingerprint = xxhash.xxh3_128_digest(record)
            if self.remaining.pop(fingerprint, None) is not None:
                self.unchanged += 1
                self.records += 1
            elif fingerprint not in self._known and fingerprint not in self._staged:
                self._staged.add(fingerprint)
                self.records += 1
                kept += (fingerprint, record)

    def __iter__(self) -> Iterator[tuple[int, list[tuple[bytes, bytes]]]]:
        """(page, [(digest, record)…]) for each page with staged records, in the order they came."""
        self._file.seek(0)
        while header := self._file.read(8):
            page, count = struct.unpack("<II", header)
            sizes = struct.unpack(f"<{count}I", self._file.read(4 * count))
            yield page, [(self._file.read(16), self._file.read(size)) for size in sizes]

    def close(self) -> None:
        """Throw the staged records away."""
        self._file.close()
