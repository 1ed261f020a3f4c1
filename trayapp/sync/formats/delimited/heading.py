"""Where the names of the columns are: what stands above them, and whether the first row holds names at all. Pure."""

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal, NamedTuple

from trayapp.sync.formats.delimited.cell_kinds import column_kind, is_year, kind_of

Row = Sequence[str]
Verdict = Literal["names", "record", "doubt"]

_LOOKED_AT = 100
"""So many rows below are looked at."""

_IDENTIFIER = re.compile(r"[a-z][a-z0-9]*(?:[_.-][a-z0-9]+)*|[a-z]+(?:[A-Z][a-z0-9]+)+")
_USUAL_NAMES = frozenset("""
    id uuid key code name title type status state date time datetime timestamp created updated country city region
    address street zip email phone url link value amount price quantity count total currency unit category description
    text comment note author language version year month day user word first_name last_name firstname lastname
    datum ort stadt land strasse straße plz betrag wert anzahl preis menge titel beschreibung kategorie bezeichnung
    nummer nr jahr monat tag nom prénom prenom ville pays adresse montant prix valeur nombre ciudad país fecha precio
    valor cantidad título tipo nome cognome città paese data prezzo valore
""".split())  # fmt: skip  # noqa: SIM905
_UNIT = re.compile(
    r"\(?\[?(?:%|‰|°|°?[CFK]|deg[CFK]?|degrees?[_ ]?\w*|celsius|kelvin|utc|gmt|iso8601"
    r"|[yYmMdDhHsS]{2,4}[-/.:][yYmMdDhHsS:/. -]+"
    r"|[kMGmµuμcdhn]?(?:m|g|l|L|s|A|V|W|Wh|Hz|Pa|J|N|bar|mol|b|B|cd|Ohm|Ω)(?:[²³23]|\^-?\d)?|min|h|hr|hours?|days?|d|a|years?"
    r"|ft|in|mi|lb|oz|psi|knots?|kn|mph|km/h|ppm|ppb|psu|dB|rpm|cfs|EUR|USD|GBP|CHF|€|\$|£|pcs|Stk|Stück|count"
    r"|[kMmµucdhn]?\w{1,3}/[kMmµucdhn]?\w{1,4}(?:[²³23])?|\d{1,3}[snd])\)?\]?"
)
_FORM = re.compile(r"\d{1,3}[snd]")
"""The width and kind of a column, as the USGS has them under its headers."""


class Heading(NamedTuple):
    """`above` rows are left out, then come the names, which may be a record by the `verdict`; `units` under them."""

    above: int
    verdict: Verdict
    units: bool = False
    other: int | None = None
    """The row below a blank line that might be the header as well."""


def find(rows: Sequence[Row]) -> Heading:
    """The heading of a table that begins with these rows, blank ones among them."""
    filled = [place for place, row in enumerate(rows) if any(map(str.strip, row))]
    if not filled:
        return Heading(0, "names")
    above = _above(rows, filled)
    below = [rows[place] for place in filled if place > above]
    verdict = judge(rows[above], below)
    other = _below_blank(rows, filled) if above == filled[0] else None
    return Heading(above, verdict, verdict != "record" and are_units(below), other)


def _below_blank(rows: Sequence[Row], filled: Sequence[int]) -> int | None:
    """The first row behind a blank one that looks like names, where few rows stand above it and more below."""
    for count, (before, place) in enumerate(pairwise(filled), 1):
        if place > before + 1:
            below = [rows[later] for later in filled[count + 1 :]]
            is_header = len(below) > count and len(rows[place]) > 1 and judge(rows[place], below) == "names"
            return place if is_header else None
    return None


def _above(rows: Sequence[Row], filled: Sequence[int]) -> int:
    """How many rows stand above the header, or the first record."""
    first = filled[0]
    tail = [rows[place] for place in filled[len(filled) // 2 :]]
    usual = max(Counter(map(len, tail)).items(), key=lambda item: (item[1], item[0]))[0]
    if usual == 1:
        return first
    same = [row for row in tail if len(row) == usual]
    least = usual - 1 if usual > 2 and all(not row[-1].strip() for row in same) else usual
    comments = 0
    while comments < len(filled) - 1 and rows[filled[comments]][0].lstrip().startswith("#"):
        comments += 1
    if comments:
        return _under_comments(rows, filled, comments, least)
    if len(rows[first]) < least:
        return _under_narrow(rows, filled, least)
    return _under_padded(rows, filled, same)


def _under_comments(rows: Sequence[Row], filled: Sequence[int], comments: int, least: int) -> int:
    """The header is the first row that is no comment, or else the last comment."""
    at = filled[comments]
    last = filled[comments - 1]
    below = [rows[place] for place in filled[comments + 1 :]]
    is_header = judge(rows[at], below) == "names"
    return at if is_header or len(rows[last]) < least else last


def _under_narrow(rows: Sequence[Row], filled: Sequence[int], least: int) -> int:
    """The header is the first row as wide as those below, where those above can't be a header with too few names."""
    first = filled[0]
    count = next((count for count, place in enumerate(filled) if len(rows[place]) >= least), 0)
    rest = [rows[place] for place in filled[count:]]
    if sum(len(row) >= least for row in rest) <= len(rest) / 2:
        return first
    header = filled[count]
    is_apart = filled[count - 1] + 1 < header or count > 1
    titles = all(len(rows[place]) == 1 for place in filled[:count])
    return header if titles or is_apart or judge(rest[0], rest[1:]) == "names" else first


def _under_padded(rows: Sequence[Row], filled: Sequence[int], same: Sequence[Row]) -> int:
    """As spreadsheets write them: facts above the header are filled up with empty cells to its width."""
    first = filled[0]
    used = sum(any(row[column].strip() for row in same) for column in range(len(same[0])))

    def named(place: int) -> int:
        return sum(bool(cell.strip()) for cell in rows[place])

    if used < 3 or named(first) > used // 2:
        return first
    for count, place in enumerate(filled[:_LOOKED_AT]):
        if named(place) >= used - 1 and len(rows[place]) >= len(same[0]) - 1:
            below = [rows[later] for later in filled[count + 1 :]]
            return place if below and judge(rows[place], below) == "names" else first
    return first


def judge(row: Row, below: Sequence[Row]) -> Verdict:
    """Whether a row holds names, by how its cells differ in kind from those below, or a record like those.

    "doubt": it is taken for names, as nothing tells the opposite.
    """
    below = below[:_LOOKED_AT]
    cells = [(place, cell) for place, cell in enumerate(row) if kind_of(cell)]
    columns = {place: [other[place] for other in below if place < len(other)] for place, _ in cells}
    as_names, as_data, is_like_below = 0, 0, False
    numbered = _are_numbered(row, below)
    for place, cell in cells:
        kind, others = kind_of(cell), column_kind(columns[place])
        if kind == "text":
            as_names += others in ("number", "time")
            is_like_below = is_like_below or (others == "text" and _recurs(cell, columns[place]))
        elif not others:
            as_data += not is_year(cell)
        elif kind != others:
            as_names += others != "text"
        elif numbered or (is_year(cell) and not _are_years(columns[place])):
            as_names += 1
        else:
            as_data += 1
    if as_data:
        return "record" if as_data >= as_names else "doubt"
    if as_names or not below or not cells:
        return "names"
    if is_like_below or len({cell.strip().casefold() for _, cell in cells}) < len(cells):
        return "record"
    return "names" if _look_like_names([cell.strip() for _, cell in cells], below) else "doubt"


def _are_years(cells: Sequence[str]) -> bool:
    known = [cell for cell in cells if kind_of(cell)]
    return sum(map(is_year, known)) >= len(known) / 2


def _are_numbered(row: Row, below: Sequence[Row]) -> bool:
    """Whether the numbers of a row count its columns, 0, 1, 2…, which those of no row below do."""

    def counts(cells: Row) -> bool:
        numbers = [int(cell.strip()) for cell in cells if cell.strip().isdecimal() and len(cell) < 5]
        return len(numbers) > 2 and numbers == list(range(numbers[0], numbers[0] + len(numbers))) and numbers[0] < 2

    return counts(row) and len(below) > 1 and not any(map(counts, below))


def _recurs(cell: str, below: Sequence[str]) -> bool:
    """Whether the cell is one of those below, or differs from most of them in its digits only."""
    if cell in below:
        return True
    digits = re.sub(r"\d+", "0", cell)
    return digits != cell and sum(re.sub(r"\d+", "0", other) == digits for other in below) > len(below) / 2


def _look_like_names(cells: Sequence[str], below: Sequence[Row]) -> bool:
    if any(cell.casefold() in _USUAL_NAMES for cell in cells):
        return True
    others = [cell.strip() for row in below for cell in row if cell.strip()]
    like = sum(_IDENTIFIER.fullmatch(cell) is not None for cell in others)
    return all(map(_IDENTIFIER.fullmatch, cells)) and like < len(others) / 2


def are_units(below: Sequence[Row]) -> bool:
    """Whether the first of the rows below the names holds units, over columns of numbers and times."""
    if len(below) < 3:
        return False
    units, others = below[0], below[1 : _LOOKED_AT + 1]
    known = 0
    for place, cell in enumerate(units):
        text = cell.strip()
        if kind_of(cell) == "" or _FORM.fullmatch(text):
            known += bool(text) and _FORM.fullmatch(text) is not None
            continue
        if kind_of(cell) != "text" or len(text) > 20:
            return False
        if column_kind(row[place] for row in others if place < len(row)) not in ("number", "time"):
            return False
        known += _UNIT.fullmatch(text) is not None
    return known > 1 or (known == 1 and sum(bool(cell.strip()) for cell in units) == 1)
