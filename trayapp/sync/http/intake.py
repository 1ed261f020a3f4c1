"""An answer's bytes on their way in: cut in pieces, or kept in a file, and no more of them than there may be."""

import mmap
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from trayapp.sync.http.large import LARGE, MOST, Large

MOST_PACKED = 100
"""Bytes that one byte of a compressed answer may stand for, above LARGE: tables of text are packed to a tenth or a
fiftieth, texts of one letter to a thousandth (https://www.zlib.net/zlib_tech.html) or much less."""

OF_ERRORS = 2**20
"""Bytes that are read of an answer that tells of an error."""

_WINDOW = 8 * 2**20
_SPACE = b" \t\r\n\f\v"


class TooLarge(Exception):
    """An answer is longer than the limit."""


class TooPacked(Exception):
    """An answer is compressed as no data are, but only what is meant to exhaust who reads it."""


class Indivisible(Exception):
    """An answer of more than MOST bytes has no records after which it could be cut."""


def is_too_packed(size: int, packed: int) -> bool:
    """Whether so many bytes should not come out of so many that are compressed."""
    return size > LARGE and size > MOST_PACKED * packed


Text = bytes | mmap.mmap
"""Bytes in memory, or in a file."""


def windows(text: Text, overlap: int = 0) -> Iterator[bytes]:
    """All of a text in parts, each of which begins so many bytes before the end of the one before it."""
    if isinstance(text, bytes):
        yield text
        return
    for start in range(0, len(text), _WINDOW):
        yield text[max(0, start - overlap) : start + _WINDOW]
        let_go(text, start)


def let_go(text: Text, end: int) -> None:
    """Keep no memory for what stands before `end`, as it can be read from the file again."""
    if isinstance(text, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        text.madvise(mmap.MADV_DONTNEED, 0, end - end % mmap.PAGESIZE)


def contains(text: Text, part: bytes) -> bool:
    """Whether it is somewhere in the text."""
    return any(part in window for window in windows(text, len(part) - 1))


def count(text: Text, part: bytes) -> int:
    """How often it is in the text. No part of it may be like its beginning."""
    return sum(window.count(part) for window in windows(text, len(part) - 1))


class Kept:
    """Bytes in a file, which can be looked at as if they were in memory. `close` when they are not wanted after all."""

    def __init__(self, folder: Path | None) -> None:
        self.size = 0
        self._file: IO[bytes] = tempfile.TemporaryFile(dir=folder, prefix="answer-")  # noqa: SIM115

    def write(self, part: bytes) -> None:
        """Add to them."""
        self._file.write(part)
        self.size += len(part)

    def bytes(self) -> bytes:
        """All of them, in memory. The file is gone then."""
        self._file.seek(0)
        found = self._file.read()
        self.close()
        return found

    def view(self) -> mmap.mmap:
        """All of them, still in the file, which is gone with what is returned."""
        self._file.flush()
        view = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
        self.close()
        return view

    def close(self) -> None:
        """Throw them away."""
        self._file.close()


class Intake:
    """Takes in one answer. `large` is how it is cut in pieces, if it is.

    folder: where it may be cut in pieces; None if it may not. Long ones are kept in a file in any case.
    """

    def __init__(self, folder: Path | None, divisible: bool, limit: int) -> None:
        self.size = 0
        self.large: Large | None = None
        self._folder = folder
        self._divisible = divisible and folder is not None
        self._limit = limit
        self._pieces: list[bytes] = []
        self._kept: Kept | None = None
        self._is_text = False

    def take(self, chunk: bytes, packed: int | None) -> None:
        """The next bytes. packed: how many have come so far of what they were unpacked from; None if they were not.

        Raises TooLarge, TooPacked, Indivisible and large.RecordTooLarge.
        """
        self.size += len(chunk)
        if self.size > self._limit:
            raise TooLarge
        if packed is not None and is_too_packed(self.size, packed):
            raise TooPacked
        if self.large is not None:
            self.large.feed(chunk)
        elif self._kept is not None:
            if self._is_text and self.size > MOST:
                raise Indivisible
            self._kept.write(chunk)
        else:
            self._pieces.append(chunk)
            if self.size > LARGE:
                self._be_large()

    def _be_large(self) -> None:
        head = b"".join(self._pieces)
        self._pieces = []
        if self._divisible and self._folder is not None:
            self.large = Large.begin(head, self._folder)
        if self.large is None:
            # What is neither JSON nor XML may be rows, or a packed file: these are read from where they are kept.
            self._is_text = head.lstrip(_SPACE)[:1] in (b"", b"{", b"[", b"<")
            self._kept = Kept(self._folder)
            self._kept.write(head)

    def finish(self) -> tuple[bytes, mmap.mmap | None]:
        """The answer's body, or its beginning with all of it, kept."""
        if self.large is not None:
            return self.large.finish(), None
        if self._kept is None:
            return b"".join(self._pieces), None
        kept, self._kept = self._kept, None
        if self._is_text:
            return kept.bytes(), None
        view = kept.view()
        return view[:LARGE], view

    def close(self) -> None:
        """Throw away what is kept and was not finished."""
        if self._kept is not None:
            self._kept.close()
