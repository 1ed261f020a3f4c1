"""What a cell looks like to a person: a number, a time, a text, or nothing. Pure."""

import re
from collections import Counter
from collections.abc import Iterable
from typing import Literal

Kind = Literal["", "number", "time", "text"]

_MONEY = "€$£¥₹"
_CURRENCY = f"(?:[%{_MONEY}]|EUR|USD|GBP|CHF)"
_NUMBER = re.compile(
    rf"[+-]?\s?[{_MONEY}]?\s?[+-]?(?:\d[\d.,'’\u00a0\u202f ]*|\.\d+)(?:[eE][+-]?\d+)?\s?{_CURRENCY}?-?"
)
_DATE = (
    r"\d{4}[-/.]\d{1,2}(?:[-/.]\d{1,2}\.?)?|\d{1,2}[-/.]\d{1,2}[-/.](?:\d{4}|\d\d)"
    r"|\d{1,2}[- .][A-Za-z]{3,9}\.?[- ]\d{2,4}|[A-Za-z]{3,9}\.? \d{1,2}, \d{4}"
)
_TIME = re.compile(rf"(?:{_DATE})(?:[T ,]+\d{{1,2}}:\d\d.*)?|\d{{1,2}}:\d\d(?::\d\d(?:[.,]\d+)?)?(?: ?[AaPp][Mm])?")
_NOTHING = frozenset({"", "na", "n/a", "nan", "null", "none", "nil", "-", "--", "?", ".", "#n/a"})
_MOST = 0.8
"""So large a share of a column's cells is of the column's kind."""


def kind_of(cell: str) -> Kind:
    """What the cell looks like; words for a missing value are nothing."""
    text = cell.strip()
    if text.lower() in _NOTHING:
        return ""
    if len(text) > 60 or not any(map(str.isdigit, text)):
        return "text"
    if _TIME.fullmatch(text):
        return "time"
    return "number" if _NUMBER.fullmatch(text) else "text"


def column_kind(cells: Iterable[str]) -> Kind:
    """The kind of nearly all of the cells that are something; "text" where they differ."""
    kinds = Counter(kind for cell in cells if (kind := kind_of(cell)))
    if not kinds:
        return ""
    kind, count = kinds.most_common(1)[0]
    return kind if count >= _MOST * kinds.total() else "text"


def is_year(cell: str) -> bool:
    """Whether this may be a year of our time."""
    text = cell.strip()
    return len(text) == 4 and text.isdecimal() and 1800 <= int(text) <= 2200
