"""The rows of a delimited text, many at once, each beside the bytes it was read from."""

import csv
import io
import re
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, nullcontext
from typing import Literal

import msgspec

from trayapp.messages import Message, say
from trayapp.sync.http.intake import Text, contains, count, let_go

_PIECE = 2**16
_LET_GO = 2**22
_SAMPLE = 2**16
_END = re.compile(rb"\r\n|\r|\n")
_QUOTED = re.compile(rb'"[^"]*"')
_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")

MOST_CELLS = 100_000
"""Of a row. A table can't have a fiftieth of them."""

MOST_OF_ROW = 8 * 2**20
"""Bytes of a row. Of a cell the module has four for each character, and makes room for twice as many."""

_LONG = 2**20
_turn = threading.Lock()
"""Of those who read rows of more than _LONG bytes, as each takes many times as much memory."""

csv.field_size_limit(MOST_OF_ROW)

Rows = tuple[list[list[str]], list[bytes]]
"""Rows, and the lines that each was read from."""


class BrokenOff(ValueError):
    """The text ends inside a quoted field."""


class TooLong(ValueError):
    """A cell or a row has no end where it should."""


class RowFormat(msgspec.Struct, frozen=True):
    """How rows are written. quoted: quotation marks enclose cells; spaced: there are blanks before some of these.

    padded: there are blanks behind every delimiter, which thus belong to it. All others are part of their cells
    (RFC 4180 section 2.4).
    """

    delimiter: str
    quoted: bool
    spaced: bool = False
    padded: bool = False


def row_format(body: Text, delimiter: str, tell: Callable[[Message], None], start: int = 0) -> RowFormat:
    """How the rows of a text in UTF-8 are written from `start` on."""
    sample = body[start : start + _SAMPLE].decode(errors="replace")
    if len(body) > start + _SAMPLE:
        sample = sample[: sample.rfind("\n") + 1] or sample
    if not contains(body, b'"'):
        return RowFormat(delimiter, quoted=False, padded=_is_padded(sample, delimiter))
    quoted = _quoted_cell(delimiter)
    spaced = any(found[1] for found in quoted.finditer(sample))
    padded = _is_padded(quoted.sub(lambda found: f"{found[1]}x", sample), delimiter)
    found = RowFormat(delimiter, quoted=True, spaced=spaced, padded=padded)
    if delimiter in "\t|":
        # Many such files are written without any quoting: then a quotation mark is a character like others.
        try:
            deque(_Reader(body, found, None, tell, start, len(body)).rows(), 0)
        except (csv.Error, BrokenOff, TooLong):
            tell(say("Quotation marks don't enclose cells in this file, so they were kept."))
            return RowFormat(delimiter, quoted=False)
    return found


def _quoted_cell(delimiter: str) -> re.Pattern[str]:
    """Quoted cells as a whole, so that what looks like one inside another is no match; first the blanks before it."""
    blanks = "" if delimiter == " " else " *"
    return re.compile(rf'(?:^|(?<=[{re.escape(delimiter)}\n\r]))({blanks})"((?:[^"]|"")*)"')


def _is_padded(sample: str, delimiter: str) -> bool:
    """Whether a blank stands behind every delimiter of a text without quoted cells."""
    if f"{delimiter} " not in sample:
        return False
    behind = [cell for line in sample.splitlines() for cell in line.split(delimiter)[1:]]
    return all(cell.startswith(" ") or not cell for cell in behind)


def read_rows(
    body: Text, form: RowFormat, empty: str, tell: Callable[[Message], None], start: int = 0, stop: int | None = None
) -> Iterator[Rows]:
    """The rows of a part of a text in UTF-8, in their order; `empty` stands for cells that are `""`.

    Raises BrokenOff and TooLong.
    """
    return _Reader(body, form, empty, tell, start, len(body) if stop is None else stop).rows()


def unused(body: Text) -> str:
    """A character that does not occur in the text."""
    return next(chr(code) for code in range(0xFDD0, 0x110000) if not contains(body, chr(code).encode()))


class _Reader:
    """Reads one text. Without `empty` it only proves that quotation marks enclose cells, else raises csv.Error."""

    def __init__(
        self, body: Text, form: RowFormat, empty: str | None, tell: Callable[[Message], None], start: int, stop: int
    ) -> None:
        self._body = body
        self._start = start
        self._stop = stop
        self._delimiter = form.delimiter
        self._has_blanks = form.spaced or form.padded
        self._quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if form.quoted else csv.QUOTE_NONE
        self._empty = empty if form.quoted else None
        self._checks = form.quoted and empty is None
        self._tell = tell
        self._strict = True
        edge = re.escape(form.delimiter)
        self._bare = (*(f'{before}""' for before in (form.delimiter, "\n", "\r")),)
        self._alone = re.compile(rf'(?:^|[{edge}\n\r])""(?=[{edge}\n\r]|$)')
        self._field = _quoted_cell(form.delimiter)
        blanks = "" if form.delimiter == " " else " *"
        cell = rf'(?:^|(?<=[{edge}\n\r])){blanks}("(?:[^"]|"")*")' if form.quoted else r"(?!)()"
        self._blanks = re.compile(rf"{cell}|(?<=[{edge}]) +" if form.padded else cell)

    def rows(self) -> Iterator[Rows]:
        body = self._body
        usual_ends = not contains(body, b"\r") or count(body, b"\r") == count(body, b"\r\n")
        start = self._start
        while start < self._stop:
            behind = start + _PIECE
            end = body.rfind(b"\n", start, min(behind, self._stop)) + 1 or self._end_of_line(behind, usual_ends)
            if end - start > _PIECE:
                self._check_length(start, end)
            with _turn if end - start > _LONG else nullcontext():
                found = self._at_once(body[start:end]) if usual_ends and self._strict else None
            if found is None:
                found, end = self._one_by_one(start, end)
            yield found
            if start // _LET_GO != end // _LET_GO:
                let_go(body, start)
            start = end

    def _end_of_line(self, start: int, usual_ends: bool) -> int:
        """The end of the first line that ends behind `start`."""
        most = min(self._stop, start + MOST_OF_ROW + 1)
        if usual_ends:
            return self._body.find(b"\n", start, most) + 1 or most
        found = _END.search(self._body, start, most)
        return found.end() if found else most

    def _check_length(self, start: int, end: int) -> None:
        """Raise TooLong for a line, or several, that the reader would need far too much memory for."""
        if end - start > MOST_OF_ROW:
            raise TooLong
        line = self._body[start:end]
        outside = _QUOTED.sub(b"", line) if self._quoting == csv.QUOTE_MINIMAL else line
        if outside.count(self._delimiter.encode()) > MOST_CELLS:
            raise TooLong

    def _at_once(self, piece: bytes) -> Rows | None:
        """The rows of whole lines; None where that is not so simple.

        Cut at once: letting the reader ask a file for line after line costs as much as all it does with them.
        """
        texts = piece.removesuffix(b"\n").split(b"\n")
        text = piece.decode()
        try:
            if self._has_blanks:
                lines = text.removesuffix("\n").split("\n")
                if len(lines) != sum(1 for _ in self._reader(lines, blanks=False)):
                    return None
                text = self._blanks.sub(_without_blanks, text)
            rows = list(self._reader(self._marked(text).removesuffix("\n").split("\n")))
        except csv.Error:
            return None
        return (rows, texts) if len(rows) == len(texts) else None  # else a cell has a line break

    def _one_by_one(self, start: int, end: int) -> tuple[Rows, int]:
        """The rows from `start` to `end` or a little later, and where they end."""
        with ExitStack() as turn:
            return self._read_one_by_one(start, end, turn)

    def _read_one_by_one(self, start: int, end: int, turn: ExitStack) -> tuple[Rows, int]:
        taken: list[bytes] = []
        stop = min(self._stop, end + MOST_OF_ROW)

        def lines() -> Iterator[str]:
            has_turn = False
            for found in _LINE.finditer(self._body, start, stop):
                if found.end() == stop < self._stop:
                    raise TooLong
                if not has_turn and found.end() > end + _LONG:
                    has_turn = True
                    turn.enter_context(_turn)
                taken.append(found[0])
                yield found[0].decode()

        rows: list[list[str]] = []
        texts: list[bytes] = []
        done = start
        try:
            for row in self._reader(lines(), blanks=not self._has_blanks):
                text = b"".join(taken)
                taken.clear()
                done += len(text)
                plain = text.decode()
                tidy = self._blanks.sub(_without_blanks, plain) if self._has_blanks else plain
                marked = self._marked(tidy)
                is_read = not row or (marked == plain and not self._has_blanks)
                rows.append(row if is_read else next(self._reader(io.StringIO(marked, newline=""))))
                texts.append(text.removesuffix(b"\n"))
                if done >= end:
                    break
        except csv.Error as error:
            if "field limit" in str(error):
                raise TooLong from None
            if self._checks or not self._strict:
                raise
            if "unexpected end" in str(error):
                raise BrokenOff from None
            self._tell(say("Some quotation marks inside quoted cells were left out."))
            self._strict = False
        return (rows, texts), done

    def _reader(self, lines: "Iterator[str] | list[str] | io.StringIO", blanks: bool = True) -> Iterator[list[str]]:
        """blanks: those at the beginning of cells are part of them."""
        return csv.reader(
            lines,
            delimiter=self._delimiter,
            skipinitialspace=not blanks,
            strict=self._strict,
            quoting=self._quoting,
        )

    def _marked(self, text: str) -> str:
        """With `empty` in every field that is `""`: the reader would not tell it from one with nothing at all."""
        if self._empty is None or '"' not in text:
            return text
        if not any(map(text.__contains__, self._bare)) and not text.startswith('""'):
            return text
        if not self._alone.search(text):
            return text
        return self._field.sub(lambda found: found[0] if found[2] else f'"{self._empty}"', text)


def _without_blanks(found: re.Match[str]) -> str:
    return found[1] or ""
