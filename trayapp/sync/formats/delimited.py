"""CSV and its kin: the dialect found, rows turned into JSON objects."""

import csv
import functools
import io
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import chain, islice
from operator import itemgetter
from typing import Any, Literal

import msgspec

from trayapp.sync.formats.values import field_names, typed

_DELIMITERS = ",;\t|"
_SAMPLE = 2**16
_SAMPLE_ROWS = 100
_BATCH = 1000
_DIGITS = frozenset("0123456789")
_FIRST_OF_NUMBER = _DIGITS | {"-"}
_FIRST, _LAST = itemgetter(0), itemgetter(-1)
_DECLARED = re.compile(r"sep=(.)\r?\n")
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_LONG_NUMBER = 40
"""What `typed` takes for a number is no longer."""
_number_list = msgspec.json.Decoder(list[int | float])

# A field may be as long as an answer; the module's own limit of 128 KiB is meant for untrusted streams.
csv.field_size_limit(2**31 - 1)


class Dialect(msgspec.Struct, frozen=True):
    """How rows are written. `share` is how many of the rows have the usual `width`, from 0 to 1."""

    delimiter: str
    width: int
    share: float


class BrokenOff(ValueError):
    """The text ends inside a quoted field."""


def dialect(text: str) -> Dialect:
    """The delimiter by which the first rows have the same number of fields."""
    sample = text[:_SAMPLE]
    if len(text) > _SAMPLE:
        sample = sample[: sample.rfind("\n") + 1] or sample
    best = Dialect(",", 1, 1.0)
    for delimiter in _DELIMITERS:
        if delimiter not in sample:
            continue
        rows = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter)
        widths = Counter(len(row) for row in islice(rows, _SAMPLE_ROWS) if row)
        if not widths:
            continue
        width, count = widths.most_common(1)[0]
        found = Dialect(delimiter, width, count / widths.total())
        if width > 1 and (best.width == 1 or (found.share, found.width) > (best.share, best.width)):
            best = found
    return best


def declared(text: str) -> str:
    """The delimiter that the first line declares, as Excel has it (`sep=;`); "" when it does not."""
    found = _DECLARED.match(text.removeprefix("\ufeff"))
    return found[1] if found else ""


def to_json(text: str, tell: Callable[[str], None], delimiter: str) -> bytes:
    """A JSON list of one object per row, on the names in the first one.

    Numbers are those that are written just as a number is (`values.typed`); an empty cell is null unless it is quoted
    (`""`), which is an empty text. Rows with too few cells lack the last fields; cells beyond the header go to fields
    named by their position; both are told, as are rows that are wholly empty, and titles above the header, which are
    left out. Raises BrokenOff.
    """
    text = text.lstrip("\ufeff")
    if declares := _DECLARED.match(text):
        text = text[declares.end() :]
    empty = _unused(text)
    text = _mark_quoted_empties(text, delimiter, empty)
    rows: Iterator[list[str]] = filter(None, _rows(text, delimiter, tell))
    header = next(rows, None)
    if header is None:
        return b"[]"
    above, usual = 0, dialect(text) if len(header) == 1 else None
    while usual and usual.delimiter == delimiter and usual.share > 0.5 and len(header) == 1 < usual.width:
        following = next(rows, None)
        if following is None:
            break
        header, above = following, above + 1
    if above:
        tell(f"{above:,} lines above the header were left out.")
    if len(header) > 1 and all(cell.startswith(" ") for cell in header[1:]):
        rows = ([cell.lstrip(" ") for cell in row] for row in rows)  # a space behind every delimiter
    header = ["" if cell == empty else cell for cell in header]
    if all(isinstance(typed(cell), int | float) for cell in header):
        tell("The first row holds only numbers: it was taken as a record, and the columns are numbered.")
        rows, header = chain([header], rows), [""] * len(header)
    parts: list[bytes] = []
    odd = _Odd()
    while batch := list(islice(rows, _BATCH)):
        parts += _batch(batch, header, empty, odd)
    odd.tell(tell)
    return b"[" + b",\n".join(parts) + b"]"


class _Odd:
    """How many rows were not as the header says."""

    def __init__(self) -> None:
        self.short = self.long = self.blank = 0

    def tell(self, tell: Callable[[str], None]) -> None:
        if self.short:
            tell(f"{self.short:,} rows have fewer cells than the header; the missing ones are empty.")
        if self.long:
            tell(f"{self.long:,} rows have more cells than the header; they are in columns named by their position.")
        if self.blank:
            tell(f"{self.blank:,} rows without any value were left out.")


def _rows(text: str, delimiter: str, tell: Callable[[str], None]) -> Iterator[list[str]]:
    if '"' not in text:
        lines = _lines(text) or io.StringIO(text, newline="")
        return csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE)
    return chain.from_iterable(_quoted_rows(text, delimiter, tell))


def _lines(text: str) -> list[str]:
    """The lines, without their ends; none where some end otherwise than usual.

    Cut at once: letting the reader ask a file for line after line costs as much as all it does with them.
    """
    return text.split("\n") if text.count("\r") == text.count("\r\n") else []


def _quoted_rows(text: str, delimiter: str, tell: Callable[[str], None]) -> Iterator[Iterable[list[str]]]:
    """The rows, several at a time."""
    spaced = bool(re.search(rf"{re.escape(delimiter)} +\"", text[:_SAMPLE]))

    def reader(strict: bool, quoting: Literal[0, 3] = csv.QUOTE_MINIMAL) -> Iterator[list[str]]:
        lines = io.StringIO(text, newline="")
        return csv.reader(lines, delimiter=delimiter, skipinitialspace=spaced, strict=strict, quoting=quoting)

    if delimiter in "\t|":
        # Many such files are written without any quoting: then a quotation mark is a character like others.
        try:
            rows = list(reader(strict=True))
        except csv.Error:
            tell("Quotation marks don't enclose cells here; they were kept as they are.")
            rows = list(reader(strict=False, quoting=csv.QUOTE_NONE))
        yield rows
        return
    lines, done = _lines(text), 0
    while done < len(lines):
        several = lines[done : done + _BATCH]
        try:
            rows = list(csv.reader(several, delimiter=delimiter, skipinitialspace=spaced, strict=True))
        except csv.Error:
            break
        if len(rows) != len(several):
            break  # a cell with a line break
        yield rows
        done += len(rows)
    if lines and done == len(lines):
        return
    del lines
    left = islice(reader(strict=True), done, None)
    try:
        for row in left:
            yield [row]
            done += 1
    except csv.Error as error:
        if "unexpected end" in str(error):
            raise BrokenOff("the last quoted cell has no end") from None
        tell("Some quotation marks stand inside quoted cells; they were left out.")
        yield islice(reader(strict=False), done, None)


def _unused(text: str) -> str:
    """A character that does not occur in the text."""
    return next(chr(code) for code in range(0xFDD0, 0x110000) if chr(code) not in text)


def _mark_quoted_empties(text: str, delimiter: str, mark: str) -> str:
    """Put `mark` into every field that is `""`: the reader would not tell it from one with nothing at all."""
    if not any(f'{before}""' in text for before in (delimiter, "\n", "\r")) and not text.startswith('""'):
        return text
    edge = re.escape(delimiter)
    if not re.search(rf'(?:^|[{edge}\n\r])""(?=[{edge}\n\r]|$)', text):
        return text
    # Every quoted field is stepped over as a whole, so that what looks like one inside another is no match.
    field = re.compile(rf'((?:^|(?<=[{edge}\n\r])))"((?:[^"]|"")*)"')
    return field.sub(lambda found: found[0] if found[2] else f'"{mark}"', text)


def _batch(rows: list[list[str]], header: list[str], empty: str, odd: _Odd) -> list[bytes]:
    width = len(header)
    if {*map(len, rows)} != {width}:
        widest = max(width, *map(len, rows))
        for row in rows:
            odd.short += len(row) < width
            odd.long += len(row) > width
            row += [""] * (widest - len(row))
        header = header + [""] * (widest - width)
    if not all(map(any, rows)):
        filled = [row for row in rows if any(row)]
        odd.blank += len(rows) - len(filled)
        rows = filled
        if not rows:
            return []
    columns = list(zip(*rows, strict=True))
    names = field_names(header)
    unnamed = {name for name, given in zip(names, header, strict=True) if not given.strip()}
    shown = [name not in unnamed or any(column) for name, column in zip(names, columns, strict=True)]
    names = [name for name, show in zip(names, shown, strict=True) if show]
    values = [_column(column, empty) for column, show in zip(columns, shown, strict=True) if show]
    return _encoded(names, values, unnamed.intersection(names))


def _column(cells: Sequence[str], empty: str) -> Sequence[str | int | float | None]:
    """The cells' values, decided for each cell by itself: a record's bytes must not depend on the other rows.

    That is only worked out cell by cell where a column holds numbers and texts; most are of one kind as a whole.
    """
    filled = [cell for cell in cells if cell] if "" in cells else list(cells)
    numbers = _numbers(filled)
    if numbers is not None:
        if len(filled) == len(cells):
            return numbers
        after = iter(numbers)
        return [next(after) if cell else None for cell in cells]
    may_be_numbers = not _DIGITS.isdisjoint(map(_LAST, filled)) and not _FIRST_OF_NUMBER.isdisjoint(map(_FIRST, filled))
    if may_be_numbers and any(map(_NUMBER.fullmatch, filled)):
        return [_cell(cell, empty) for cell in cells]
    if len(filled) == len(cells) and empty not in cells:
        return cells
    return ["" if cell == empty else cell or None for cell in cells]


def _numbers(cells: list[str]) -> list[int | float] | None:
    """All cells as numbers, where `typed` would find each of them so; None where not, or where that is hard to tell.

    Numbers that are encoded just as they were written are those, but for the few that Python writes otherwise.
    """
    if cells and cells[0][0] not in _FIRST_OF_NUMBER:
        return None
    text = f"[{','.join(cells)}]"
    if "e" in text or "0.0000" in text or max(map(len, cells), default=0) > _LONG_NUMBER:
        return None
    try:
        numbers = _number_list.decode(text)
    except msgspec.DecodeError:
        return None
    is_same = len(numbers) == len(cells) and msgspec.json.encode(numbers) == text.encode()
    return numbers if is_same else None


def _cell(cell: str, empty: str) -> str | int | float | None:
    if not cell:
        return None
    if cell == empty:
        return ""
    return typed(cell) if cell[0] in _FIRST_OF_NUMBER else cell


def _encoded(names: list[str], columns: list[Sequence[Any]], optional: Collection[str]) -> list[bytes]:
    """Each row as JSON; the fields in `optional` only where they have a value."""
    encode = msgspec.json.Encoder().encode
    if optional or any(re.search(r'["\\\x00-\x1f]', name) for name in names):
        return [
            encode({n: v for n, v in zip(names, row, strict=True) if v is not None or n not in optional})
            for row in zip(*columns, strict=True)
        ]
    return list(map(encode, map(_row_type(tuple(names)), *columns)))


@functools.lru_cache(8)
def _row_type(names: tuple[str, ...]) -> Callable[..., msgspec.Struct]:
    """Its names are encoded once, and the garbage collector does not track it: several times as fast as dicts."""
    fields = [(f"f{number}", Any) for number in range(len(names))]
    rename = {f"f{number}": name for number, name in enumerate(names)}
    return msgspec.defstruct("Row", fields, rename=rename, gc=False)
