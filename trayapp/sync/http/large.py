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
MOST = 64 * 2**20
"""Bytes of the largest record, and of what else of an answer is in memory at once."""
_LOOK_FOR_LIST = 2**16
"""In so many bytes at the beginning the list must begin."""
_DEEPEST = 4
_TRIES = 5

_LIST = re.compile(rb"\[\s*\{")
_BETWEEN = re.compile(rb"\s*,\s*")
_SPACE = re.compile(rb"\s*")
_raws = msgspec.json.Decoder(list[msgspec.Raw])
_raw = msgspec.json.Decoder(msgspec.Raw)
_TRAILING = re.compile(r"trailing characters \(byte ([0-9]+)\)")


class RecordTooLarge(Exception):
    """A record has more than MOST bytes."""


class Large:
    """The records between the beginning and the end of one list. `close` when done.

    prefix, closers: what stands before the list's first record, and what would close the document after its last; of
    lines of JSON there is neither.
    """

    def __init__(self, folder: Path, prefix: bytes, closers: bytes, first: bytes, is_lines: bool = False) -> None:
        self.prefix = prefix
        self.closers = closers
        self.is_lines = is_lines
        self.count = 0
        """How many records wait in the file."""
        self._gap = len(prefix) + len(first)  # where in the body the records between are missing
        self._first = first
        self._rest = bytearray()
        self._enough = PIECE
        self._digest = xxhash.xxh3_128()
        self._file: IO[bytes] = tempfile.TemporaryFile(dir=folder, prefix="piece-")  # noqa: SIM115
        self._ends = False

    @staticmethod
    def begin(head: bytes, folder: Path) -> "Large | None":
        """From the first bytes of an answer, more than LARGE of them; None where no list of objects is plain to see.

        Raises RecordTooLarge.
        """
        if _are_lines(head):
            end, _ = _cut_lines(head, 0, PIECE)
            if end:
                return Large(folder, b"", b"", head[:end], is_lines=True)._begun(head[end:])
        for found in _LIST.finditer(head, 0, _LOOK_FOR_LIST):
            start = found.start() + 1
            closers = _closers(head[:start])
            if closers is None:
                continue
            end, _ = _cut(head, start, start + PIECE)
            # Cut near the end of a whole piece, or this list is over long before, and another one is the large one.
            if end > start + PIECE // 2:
                return Large(folder, head[:start], closers, head[start:end])._begun(head[end:])
        return None

    def _begun(self, rest: bytes) -> "Large":
        try:
            self.feed(rest)
        except RecordTooLarge:
            self.close()
            raise
        return self

    def feed(self, chunk: bytes) -> None:
        """The answer's next bytes. Raises RecordTooLarge."""
        self._rest += chunk
        if self._ends and len(self._rest) > MOST:
            raise RecordTooLarge  # what follows the list counts as one
        while len(self._rest) >= self._enough and not self._ends:
            self._take()

    def _take(self) -> None:
        comma = (_SPACE if self.is_lines else _BETWEEN).match(self._rest)
        if comma is None:
            self._ends = True  # the list is over: what follows belongs to the end
            return
        start = comma.end()
        del comma  # else the bytes could not be moved
        end, count = (_cut_lines if self.is_lines else _cut)(self._rest, start, start + self._enough)
        if not end:
            if self._enough >= MOST:
                raise RecordTooLarge
            self._enough *= 2
            return
        piece = bytes(self._rest[:end])
        del self._rest[:end]
        self._enough = PIECE
        self._digest.update(piece)
        self._file.write(len(piece).to_bytes(4, "little") + start.to_bytes(4, "little") + piece)
        self.count += count

    def finish(self) -> bytes:
        """The document without the records between, when all bytes have come."""
        body = b"".join([self.prefix, self._first, self._rest])
        self._first, self._rest = b"", bytearray()
        return body

    @property
    def digest(self) -> bytes:
        """Of the records between."""
        return self._digest.digest()

    def __iter__(self) -> Iterator[Sequence[bytes]]:
        """The records between, in their order, about PIECE bytes of them at a time, of which they are views."""
        for between, piece in self._pieces():
            yield _raws.decode(_list_of_lines(piece) if self.is_lines else b"[" + piece[between:] + b"]")

    def documents(self) -> Iterator[bytes]:
        """The same, each piece as an answer like the whole one, with nothing else in its list."""
        for between, piece in self._pieces():
            yield piece if self.is_lines else b"".join([self.prefix, piece[between:], b"]", self.closers])

    def restored(self, body: bytes) -> bytes:
        """The whole answer again, from the body that `finish` gave. Raises RecordTooLarge above MOST bytes."""
        if len(body) + self._file.seek(0, 2) > MOST:
            raise RecordTooLarge
        return b"".join([body[: self._gap], *(piece for _, piece in self._pieces()), body[self._gap :]])

    def _pieces(self) -> Iterator[tuple[int, bytes]]:
        self._file.seek(0)
        while sizes := self._file.read(8):
            yield int.from_bytes(sizes[4:], "little"), self._file.read(int.from_bytes(sizes[:4], "little"))

    def sample(self, record: bytes = b"{}") -> bytes:
        """A document like the answer, with nothing but this record in its list: to see which list it is."""
        return self.prefix + record + b"]" + self.closers

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


def _cut(text: bytes | bytearray, start: int, stop: int) -> tuple[int, int]:
    """Where the last whole record before `stop` ends in text that has records from `start` on, and how many there are.

    (0, 0) if none is found.
    """
    end = stop
    try:
        for _ in range(_TRIES if stop - start <= PIECE else 0):
            end = text.rfind(b"}", start, end)
            if end < 0:
                return 0, 0
            try:
                records = _raws.decode(b"[" + text[start : end + 1] + b"]")
            except msgspec.DecodeError:
                continue  # a `}` inside a record
            return (end + 1, len(records)) if set(map(itemgetter(0), map(bytes, records))) == {ord("{")} else (0, 0)
        return _cut_one_by_one(text, start, stop)
    except RecursionError:
        return 0, 0


def _cut_one_by_one(text: bytes | bytearray, start: int, stop: int) -> tuple[int, int]:
    """The same, by the parser's word for where each record ends: slow for small ones, but they may be of any shape."""
    end = count = 0
    with memoryview(text)[:stop] as view:
        while start < len(view) and view[start] == ord("{"):
            with view[start:] as rest:
                length = _length_of_first(rest)
            if not length:
                break
            end = text.rfind(b"}", start, start + length) + 1
            count += 1
            comma = _BETWEEN.match(text, end, stop)
            if comma is None:
                break
            start = comma.end()
            del comma
    return end, count


def _length_of_first(text: memoryview) -> int:
    """Where the first value of a text ends, perhaps with some of what follows; 0 if it does not end."""
    try:
        _raw.decode(text)
    except msgspec.DecodeError as error:
        found = _TRAILING.search(str(error))
        return int(found[1]) - 1 if found is not None else 0
    return len(text)


def _cut_lines(text: bytes | bytearray, start: int, stop: int) -> tuple[int, int]:
    """The same as `_cut` for lines of JSON, with the line break."""
    end = text.rfind(b"\n", start, stop) + 1
    try:
        return end, len(_raws.decode(_list_of_lines(bytes(text[start:end]))))
    except (msgspec.DecodeError, RecursionError):
        return 0, 0


def _list_of_lines(text: bytes) -> bytes:
    return b"[" + b",".join([line for line in text.split(b"\n") if line and not line.isspace()]) + b"]"


def _are_lines(head: bytes) -> bool:
    """Whether a text begins with two lines that are an object each."""
    lines = [line.strip() for line in head[:_LOOK_FOR_LIST].split(b"\n", 2)[:2]]
    try:
        return len(lines) == 2 and all(line[:1] == b"{" and _raw.decode(line) for line in lines)
    except (msgspec.DecodeError, RecursionError):
        return False
