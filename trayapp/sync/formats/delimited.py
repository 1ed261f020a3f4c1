"""CSV and its kin: the dialect found, rows turned into records."""

import csv
import io
import re
from collections import Counter
from collections.abc import Callable
from itertools import chain, compress, islice, repeat

import msgspec
import xxhash

from trayapp.messages import Message, say, say_count
from trayapp.store.records.cells import Block, packed
from trayapp.store.records.digests import Digests
from trayapp.store.records.pages import CellPage
from trayapp.sync.formats.columns import column
from trayapp.sync.formats.rows import Rows, read_rows, row_format, unused
from trayapp.sync.formats.values import field_names, typed

_DELIMITERS = ",;\t|"
_SAMPLE = 2**16
_SAMPLE_ROWS = 100
_DECLARED = re.compile(r"sep=(.)\r?\n")
_BOM = "\ufeff".encode()


class Dialect(msgspec.Struct, frozen=True):
    """How rows are written. `share` is how many of the rows have the usual `width`, from 0 to 1."""

    delimiter: str
    width: int
    share: float


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


def sample(body: bytes) -> str:
    """The beginning of a text in UTF-8, long enough for `declared` and `dialect`."""
    return body[: 4 * _SAMPLE].decode(errors="ignore")


def read(body: bytes, tell: Callable[[Message], None], delimiter: str) -> CellPage:
    """A record for each row of a text in UTF-8, on the names in the first one.

    Numbers are those that are written just as a number is (`values.typed`); an empty cell is null unless it is quoted
    (`""`), which is an empty text. Rows with too few cells lack the last fields; cells beyond the header go to fields
    named by their position; both are told, as are rows that are wholly empty, and titles above the header, which are
    left out. Raises rows.BrokenOff.
    """
    while body.startswith(_BOM):
        body = body.removeprefix(_BOM)
    if declares := _DECLARED.match(sample(body)):
        body = body[len(declares[0].encode()) :]
    form = row_format(body, delimiter, tell)
    empty = unused(body)
    parts = (part for part in map(_without_blank, read_rows(body, form, empty, tell)) if part[0])
    rows, texts = next(parts, ([], []))
    if not rows:
        return CellPage([])
    above = _titles(rows, body, delimiter) if len(rows[0]) == 1 else 0
    if above:
        tell(say_count("A line above the header was left out.", "{count} lines above the header were left out.", above))
    header = rows[above]
    spaced = len(header) > 1 and all(cell.startswith(" ") for cell in header[1:])  # a space behind every delimiter
    header = ["" if cell == empty else cell.lstrip(" ") if spaced else cell for cell in header]
    is_record = all(isinstance(typed(cell), int | float) for cell in header)
    if is_record:
        tell(say("The first row holds only numbers, so it was read as a record, and the columns are numbered."))
        header = [""] * len(header)
    start = above + (not is_record)
    table = _Table(header, empty, msgspec.json.encode([header, form, spaced]))
    blocks = [
        block
        for rows, texts in chain([(rows[start:], texts[start:])], parts)
        if rows
        and (block := table.block([[cell.lstrip(" ") for cell in row] for row in rows] if spaced else rows, texts))
    ]
    table.tell(tell)
    return CellPage(blocks)


def _without_blank(part: Rows) -> Rows:
    rows, texts = part
    return part if all(rows) else (list(filter(None, rows)), list(compress(texts, rows)))


def _titles(rows: list[list[str]], body: bytes, delimiter: str) -> int:
    """How many lines stand above the header."""
    usual = dialect(sample(body))
    if usual.delimiter != delimiter or usual.share <= 0.5 or usual.width == 1:
        return 0
    above = 0
    while above < len(rows) - 1 and len(rows[above]) == 1:
        above += 1
    return above


class _Table:
    """Makes blocks of rows, and counts those that are not as the header says.

    terms: what else than its line a row's meaning depends on.
    """

    def __init__(self, header: list[str], empty: str, terms: bytes) -> None:
        self._header = header
        self._empty = empty
        self._seed = xxhash.xxh3_64_intdigest(terms)
        self._short = self._long = self._blank = 0

    def tell(self, tell: Callable[[Message], None]) -> None:
        """Say what was odd."""
        if self._short:
            tell(
                say_count(
                    "A row has fewer cells than the header. The missing ones are left empty.",
                    "{count} rows have fewer cells than the header. The missing ones are left empty.",
                    self._short,
                )
            )
        if self._long:
            tell(
                say_count(
                    "A row has more cells than the header. The extra ones are in columns named by their position.",
                    "{count} rows have more cells than the header. The extra ones are in columns named by their"
                    " position.",
                    self._long,
                )
            )
        if self._blank:
            tell(
                say_count(
                    "A row without any values was left out.",
                    "{count} rows without any values were left out.",
                    self._blank,
                )
            )

    def block(self, rows: list[list[str]], texts: list[bytes]) -> Block | None:
        """The rows that have a value, each read from the text beside it."""
        header = self._header
        if {*map(len, rows)} != {len(header)}:
            header = self._widened(rows)
        columns = list(zip(*rows, strict=True))
        if all("" in cells for cells in columns):  # else no row is without any value
            filled = list(map(any, rows))
            self._blank += filled.count(False)
            rows, texts = list(compress(rows, filled)), list(compress(texts, filled))
            columns = list(zip(*rows, strict=True))
            if not rows:
                return None
        names = field_names(header)
        unnamed = {name for name, given in zip(names, header, strict=True) if not given.strip()}
        shown = [name not in unnamed or any(cells) for name, cells in zip(names, columns, strict=True)]
        names = list(compress(names, shown))
        return packed(
            names,
            [name for name in names if name in unnamed],
            [column(cells, self._empty) for cells in compress(columns, shown)],
            Digests.chained(map(xxhash.xxh3_128_digest, texts, repeat(self._seed))),
        )

    def _widened(self, rows: list[list[str]]) -> list[str]:
        """Fill up short rows, and the header for long ones."""
        width = len(self._header)
        widest = max(width, *map(len, rows))
        for row in rows:
            self._short += len(row) < width
            self._long += len(row) > width
            row += [""] * (widest - len(row))
        return self._header + [""] * (widest - width)
