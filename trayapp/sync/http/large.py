"""Large JSON answers cut into pieces as they come, so that they are never in memory as a whole.

Of an answer over `LARGE` bytes whose list of records is plain to see, only the beginning and the end stay in its body,
which is still a JSON document, with a shorter list; the records between wait in a file.
"""

import re
import tempfile
from collections.abc import Iterator, Sequence
from operator import itemgetter
from pathlib import Path
from typing import IO

import msgspec
import xxhash

LARGE = 4 * 2**20
PIECE = 2**20
_LOOK_FOR_LIST = 2**16
"""In so many bytes at the beginning the list must begin."""
_DEEPEST = 4
_TRIES = 50

_LIST = re.compile(rb"\[\s*\{")
_BETWEEN = re.compile(rb"\s*,\s*")
_raws = msgspec.json.Decoder(list[msgspec.Raw])


class Large:
    """The records between the beginning and the end of one list. `close` when done.

    prefix, closers: what stands before the list's first record, and what would close the document after its last.
    """

    def __init__(self, folder: Path, prefix: bytes, closers: bytes, first: bytes) -> None:
        self.prefix = prefix
        self.closers = closers
        self.count = 0
        """How many records wait in the file."""
        self._gap = len(prefix) + len(first)  # where in the body the records between are missing
        self._first = first
        self._rest = b""
        self._waiting: list[bytes] = []
        self._size = 0
        self._enough = PIECE
        self._digest = xxhash.xxh3_128()
        self._file: IO[bytes] = tempfile.TemporaryFile(dir=folder, prefix="piece-")  # noqa: SIM115
        self._ends = False

    @staticmethod
    def begin(head: bytes, folder: Path) -> "Large | None":
        """From the first bytes of an answer, more than LARGE of them; None where no list of objects is plain to see."""
        for found in _LIST.finditer(head, 0, _LOOK_FOR_LIST):
            start = found.start() + 1
            closers = _closers(head[:start])
            if closers is None:
                continue
            end, _ = _cut(head[start : start + PIECE])
            # Cut near the end of a whole piece, or this list is over long before, and another one is the large one.
            if end > PIECE // 2:
                large = Large(folder, head[:start], closers, head[start : start + end])
                large.feed(head[start + end :])
                return large
        return None

    def feed(self, chunk: bytes) -> None:
        """The answer's next bytes."""
        self._waiting.append(chunk)
        self._size += len(chunk)
        if self._size < self._enough or self._ends:
            return
        self._rest = b"".join([self._rest, *self._waiting])
        self._waiting = []
        while len(self._rest) >= self._enough and not self._ends:
            self._take()
        self._size = len(self._rest)

    def _take(self) -> None:
        comma = _BETWEEN.match(self._rest)
        if comma is None:
            self._ends = True  # the list is over: what follows belongs to the end
            return
        end, count = _cut(self._rest[comma.end() : comma.end() + self._enough])
        if not end:
            self._enough *= 2
            return
        end += comma.end()
        piece = self._rest[:end]
        self._rest = self._rest[end:]
        self._enough = PIECE
        self._digest.update(piece)
        self._file.write(len(piece).to_bytes(4, "little") + comma.end().to_bytes(4, "little") + piece)
        self.count += count

    def finish(self) -> bytes:
        """The document without the records between, when all bytes have come."""
        body = b"".join([self.prefix, self._first, self._rest, *self._waiting])
        self._first, self._rest, self._waiting = b"", b"", []
        return body

    @property
    def digest(self) -> bytes:
        """Of the records between."""
        return self._digest.digest()

    def __iter__(self) -> Iterator[Sequence[bytes]]:
        """The records between, in their order, about PIECE bytes of them at a time, of which they are views."""
        for between, piece in self._pieces():
            yield _raws.decode(b"[" + piece[between:] + b"]")

    def restored(self, body: bytes) -> bytes:
        """The whole answer again, from the body that `finish` gave."""
        return b"".join([body[: self._gap], *(piece for _, piece in self._pieces()), body[self._gap :]])

    def _pieces(self) -> Iterator[tuple[int, bytes]]:
        self._file.seek(0)
        while sizes := self._file.read(8):
            yield int.from_bytes(sizes[4:], "little"), self._file.read(int.from_bytes(sizes[:4], "little"))

    def sample(self) -> bytes:
        """A document like the answer, with nothing but an empty object in its list: to see which list it is."""
        return self.prefix + b"{}]" + self.closers

    def close(self) -> None:
        """Throw the records away."""
        self._file.close()


def _closers(prefix: bytes) -> bytes | None:
    """What closes the document behind a list that begins after the prefix; None where that is not in objects only."""
    for depth in range(_DEEPEST + 1):
        try:
            msgspec.json.decode(prefix + b"]" + b"}" * depth)
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
        return b"}" * depth
    return None


def _cut(text: bytes) -> tuple[int, int]:
    """Where the last whole record ends in text that begins with one, and how many there are; (0, 0) if not found."""
    end = len(text)
    for _ in range(_TRIES):
        end = text.rfind(b"}", 0, end)
        if end < 0:
            break
        try:
            records = _raws.decode(b"[" + text[: end + 1] + b"]")
        except msgspec.DecodeError:
            continue  # a `}` inside a record
        if set(map(itemgetter(0), map(bytes, records))) == {ord("{")}:
            return end + 1, len(records)
        break
    return 0, 0
