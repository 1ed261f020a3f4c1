"""What stands between the cells, judged by the cells that come out."""

import csv
import io
import re
from collections import Counter
from itertools import islice

import msgspec

from trayapp.sync.http.intake import Text

_DELIMITERS = ",;\t|"
_SAMPLE = 2**16
_SAMPLE_ROWS = 100
DECLARED = re.compile(r"sep=(.)\r?\n")
"""A first line that names the delimiter, as Excel has it."""


class Dialect(msgspec.Struct, frozen=True):
    """How rows are written. `share` is how many of the rows have the usual `width`, from 0 to 1."""

    delimiter: str
    width: int
    share: float


def dialect(text: str) -> Dialect:
    """The delimiter by which the first rows have the same number of cells."""
    best = Dialect(",", 1, 1.0)
    for delimiter in _DELIMITERS:
        if delimiter not in text[:_SAMPLE]:
            continue
        widths = Counter(len(row) for row in first_rows(text, delimiter) if row)
        if not widths:
            continue
        width, count = widths.most_common(1)[0]
        found = Dialect(delimiter, width, count / widths.total())
        if width > 1 and (best.width == 1 or (found.share, found.width) > (best.share, best.width)):
            best = found
    return best


def first_rows(text: str, delimiter: str) -> list[list[str]]:
    """The cells of the first hundred rows, without the blanks before them."""
    sample = text[:_SAMPLE]
    if len(text) > _SAMPLE:
        sample = sample[: sample.rfind("\n") + 1] or sample
    # Blanks before a quotation mark would else make it part of a cell, and what it quotes several cells.
    rows = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter, skipinitialspace=True)
    return list(islice(rows, _SAMPLE_ROWS))


def declared(text: str) -> str:
    """The delimiter that the first line declares (`sep=;`); "" when it does not."""
    found = DECLARED.match(text.removeprefix("\ufeff"))
    return found[1] if found else ""


def sample(body: Text, start: int = 0) -> str:
    """The beginning of a text in UTF-8, or what is behind `start`, long enough for `declared` and `dialect`."""
    return body[start : start + 4 * _SAMPLE].decode(errors="ignore")
