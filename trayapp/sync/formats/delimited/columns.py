"""What the cells of a column stand for: numbers, texts, or nothing."""

from collections.abc import Sequence
from operator import itemgetter

import msgspec

from trayapp.store.records.values import is_exact
from trayapp.sync.formats.delimited.numbers import Style, is_grouped, number_of
from trayapp.sync.formats.values import typed

Value = str | int | float | None

_DIGITS = frozenset("0123456789")
_FIRST_OF_NUMBER = _DIGITS | {"-"}
_FIRST, _LAST = itemgetter(0), itemgetter(-1)
_number_list = msgspec.json.Decoder(list[int | float])


def column(cells: Sequence[str], empty: str) -> Sequence[Value]:
    """The cells' values; `empty` stands for a quoted empty text.

    They are decided for each cell by itself, as a record must not depend on the other rows. That is only worked out
    cell by cell where a column holds numbers and texts; most are of one kind as a whole.
    """
    filled = [cell for cell in cells if cell] if "" in cells else cells
    numbers = _numbers(filled)
    if numbers is not None:
        if len(filled) == len(cells):
            return numbers
        after = iter(numbers)
        return [next(after) if cell else None for cell in cells]
    may_be_numbers = not _DIGITS.isdisjoint(map(_LAST, filled)) and not _FIRST_OF_NUMBER.isdisjoint(map(_FIRST, filled))
    if may_be_numbers:
        return [_cell(cell, empty) for cell in cells]
    if len(filled) == len(cells) and empty not in cells:
        return cells
    return ["" if cell == empty else cell or None for cell in cells]


def column_with_thousands(cells: Sequence[str], empty: str) -> Sequence[Value]:
    """As `column`, but what is a number only if a point does not part thousands stays text."""
    return [cell if is_grouped(cell) else _cell(cell, empty) for cell in cells]


def column_of_numbers(cells: Sequence[str], empty: str, style: Style, whole: bool) -> Sequence[Value]:
    """The numbers that the cells are if they are written so (`numbers.number_of`); the others as they are."""

    def value(cell: str) -> Value:
        if not cell.strip() or cell == empty:
            return None
        number = number_of(cell, style, whole)
        if number is None:
            return cell
        if any(sign in number for sign in ".eE"):
            real = float(number)
            return real if is_exact(number, real) else cell
        return int(number) if len(number) <= 40 else cell

    return list(map(value, cells))


def _numbers(cells: Sequence[str]) -> Sequence[int | float] | None:
    """All cells as numbers, where `typed` would find each of them so; None where not, or where that is hard to tell.

    Numbers that are encoded just as they were written are those, but for the few that Python writes otherwise.
    """
    if cells and cells[0][0] not in _FIRST_OF_NUMBER:
        return None
    text = f"[{','.join(cells)}]"
    if "e" in text or "0.0000" in text:
        return None
    try:
        numbers = _number_list.decode(text)
    except msgspec.DecodeError:
        return None
    if len(numbers) != len(cells) or msgspec.json.encode(numbers) != text.encode():
        return None
    try:
        msgspec.msgpack.encode(numbers)
    except OverflowError:
        return None  # beyond 64 bits some are so long that `typed` takes them for text
    return numbers


def _cell(cell: str, empty: str) -> str | int | float | None:
    if not cell:
        return None
    if cell == empty:
        return ""
    return typed(cell) if cell[0] in _FIRST_OF_NUMBER else cell
