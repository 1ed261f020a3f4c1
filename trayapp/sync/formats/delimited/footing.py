"""A line below a table that adds its rows up, which is no record. Pure."""

import csv
import re
from collections.abc import Sequence
from typing import NamedTuple

from trayapp.sync.formats.delimited.cell_kinds import column_kind, kind_of
from trayapp.sync.http.intake import Text

_SUM = re.compile(
    r"(?:grand |sub)?totals?|sums?|summe|gesamt(?:summe|betrag)?|insgesamt|zwischensumme|total(?:e|es|en)?|somme|suma"
    r"|razem|celkem|spolu|összesen|summa|yhteensä|итого|всего|合計|合计|总计|소계|합계|toplam|Σ",
    re.IGNORECASE,
)
_LONGEST = 4096


class LastLine(NamedTuple):
    """Where it begins, its cells, and whether a blank line stands before it."""

    start: int
    cells: Sequence[str]
    apart: bool


def last_line(body: Text, delimiter: str) -> LastLine | None:
    """The last line of a text in UTF-8 where it begins like a sum; else None."""
    end = len(body)
    while end and not (kept := len(body[max(0, end - _LONGEST) : end].rstrip())):
        end = max(0, end - _LONGEST)
    end = max(0, end - _LONGEST) + kept if end else 0
    tail = body[max(0, end - _LONGEST) : end]
    cut = max(tail.rfind(b"\n"), tail.rfind(b"\r")) + 1
    line = tail[cut:].decode(errors="replace")
    if cut == 0 or line.count('"') % 2:
        return None
    cells = next(csv.reader([line], delimiter=delimiter), [])
    if not _SUM.fullmatch(next((cell.strip().rstrip(":") for cell in cells if cell.strip()), "")):
        return None
    above = tail[:cut]
    apart = re.search(rb"(\r\n|\n|\r)[ \t,;|\"]*\1$", above) is not None
    return LastLine(end - len(tail) + cut, cells, apart)


def is_sum(line: LastLine, rows: Sequence[Sequence[str]]) -> bool:
    """Whether the line adds up a table with these rows: it stands apart, or where they have a number or a time."""
    place = next(place for place, cell in enumerate(line.cells) if cell.strip())
    others = [cell for cell in line.cells[place + 1 :] if cell.strip()]
    if len(rows) < 2 or not others or any(kind_of(cell) not in ("number", "") for cell in others):
        return False
    return line.apart or column_kind(row[place] for row in rows if place < len(row)) in ("number", "time")
