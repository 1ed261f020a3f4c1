"""Whether a point or a comma begins the decimals of a table's numbers, which one cell alone can't always tell. Pure.

`1.234` is a thousand and more in one country and a little over one in another. What its column has besides tells which
(`0.5`, `12,50`, `1.234,56`), else what the other columns have.
"""

import re
from collections.abc import Iterable
from typing import Literal

Style = Literal["point", "comma", "unknown"]

_GROUPED = re.compile(r"[+-]?[1-9]\d{0,2}\.\d{3}")
"""A number that may be written with a point between thousands, or before three decimals."""
_GROUPED_BY_COMMA = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")
_BY_POINT = re.compile(r"[+-]?(?:\d*\.\d+|[1-9]\d{0,2}(?:,\d{3})+\.\d+|[1-9]\d{0,2}(?:,\d{3}){2,})")
_BY_COMMA = re.compile(r"[+-]?(?:\d*,\d+|[1-9]\d{0,2}(?:\.\d{3})+,\d+|[1-9]\d{0,2}(?:\.\d{3}){2,})")
_PLAIN = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")


def is_grouped(cell: str) -> bool:
    """Whether the cell is a number of the kind of `1.234`, which has two meanings."""
    return _GROUPED.fullmatch(cell) is not None


def has_only_grouped(cells: Iterable[str]) -> bool:
    """Whether these numbers have a point, and nothing that tells that it begins decimals."""
    found = False
    for cell in cells:
        if "." in cell:
            if not _GROUPED.fullmatch(cell):
                return False
            found = True
    return found


def evidence(cells: Iterable[str]) -> set[Style]:
    """What the cells of a column tell, each by itself."""
    found: set[Style] = set()
    for cell in cells:
        text = cell.strip()
        if _BY_POINT.fullmatch(text) and not _GROUPED.fullmatch(text):
            found.add("point")
        elif _BY_COMMA.fullmatch(text) and not _GROUPED_BY_COMMA.fullmatch(text):
            found.add("comma")
    return found


def style_of(own: set[Style], others: set[Style], delimiter: str) -> Style:
    """How a column's numbers are written, by the evidence in it, else by that in the whole table.

    Where there is none, a point begins decimals; but not where semicolons stand between the cells: that is how
    spreadsheets write tables where the decimals begin with a comma.
    """
    for found in (own, others):
        if found:
            return next(iter(found)) if len(found) == 1 else "unknown"
    return "unknown" if delimiter == ";" else "point"


def number_of(cell: str, style: Style, whole: bool) -> str | None:
    """The number in the plain form of JSON; None where the cell is none, or where it has two meanings.

    whole: the column is one of integers, so that a point or comma before three digits can only part thousands.
    """
    text = re.sub(r"(?<=\d)[ \u00a0\u202f'’](?=\d{3}(?:\D|$))", "", cell.strip())
    if whole and re.fullmatch(r"[+-]?[1-9]\d{0,2}(?:([.,])\d{3})(?:\1\d{3})*", text):
        return _canonical(text.replace(".", "").replace(",", ""))
    if style == "unknown" and (_GROUPED.fullmatch(text) or _GROUPED_BY_COMMA.fullmatch(text)):
        return None
    if _PLAIN.fullmatch(text) and (style != "comma" or "." not in text):
        return _canonical(text)
    if style != "point" and _BY_COMMA.fullmatch(text):
        return _canonical(text.replace(".", "").replace(",", "."))
    if style != "comma" and _BY_POINT.fullmatch(text):
        return _canonical(text.replace(",", ""))
    if style == "comma" and _GROUPED.fullmatch(text):
        return _canonical(text.replace(".", ""))
    if style == "point" and _GROUPED_BY_COMMA.fullmatch(text):
        return _canonical(text.replace(",", ""))
    return None


def _canonical(text: str) -> str:
    """Without a plus sign and leading zeros, with a digit on both sides of the point."""
    found = re.fullmatch(r"([+-]?)(\d*)(?:\.(\d*))?([eE][+-]?\d+)?", text)
    if found is None:
        return text
    sign, whole, decimals, exponent = found.groups()
    number = f"{'-' if sign == '-' else ''}{whole.lstrip('0') or '0'}"
    return f"{number}{f'.{decimals}' if decimals else ''}{exponent or ''}"
