"""CSV and its kin: rows turned into records."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import compress, repeat, zip_longest
from typing import NamedTuple

import msgspec
import xxhash

from trayapp.endpoints.model import Header
from trayapp.messages import Message, say, say_count
from trayapp.store.records.cells import Block, packed
from trayapp.store.records.digests import Digests
from trayapp.store.records.pages import CellPage
from trayapp.sync.formats.delimited import footing, heading
from trayapp.sync.formats.delimited.cell_kinds import kind_of
from trayapp.sync.formats.delimited.columns import Value, column, column_of_numbers, column_with_thousands
from trayapp.sync.formats.delimited.dialect import DECLARED, sample
from trayapp.sync.formats.delimited.kept_blocks import kept
from trayapp.sync.formats.delimited.numbers import Style, evidence, has_only_grouped, style_of
from trayapp.sync.formats.delimited.rows import RowFormat, Rows, read_rows, row_format, unused
from trayapp.sync.formats.values import field_names
from trayapp.sync.http.intake import Text

_BOM = "\ufeff".encode()
_LINE_END = re.compile(rb"\r\n|\n|\r")
_SAMPLE_ROWS = 200


class NothingThere(ValueError):
    """By the settings the header, or the first record, is on a line that is empty or not there; its number."""

    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


class Layout(msgspec.Struct, frozen=True):
    """What the settings say of a table: `response.header`, `response.skip` and `table.types`."""

    header: Header = "auto"
    skip: int = 0
    types: Mapping[str, str] = {}


_AUTO = Layout()


class Table(NamedTuple):
    """A text's records, and how later texts of the same kind are to be read."""

    page: CellPage
    header: Header


def read(body: Text, tell: Callable[[Message], None], delimiter: str, layout: Layout = _AUTO) -> Table:
    """A record for each row of a text in UTF-8, on the names in its header.

    Numbers are those that are written just as a number is (`values.typed`); an empty cell is null unless it is quoted
    (`""`), which is an empty text. A column that `types` make one of numbers is read as numbers are written in it,
    with decimal commas and thousands. Rows with too few cells lack the last fields; cells beyond the header go to
    fields named by their position; both are told, as are rows that are wholly empty, lines above the header and of
    units or sums, which are left out. Raises rows.BrokenOff, rows.TooLong and NothingThere.
    """
    begin = 0
    while body[begin : begin + len(_BOM)] == _BOM:
        begin += len(_BOM)
    above = layout.header - 1 if isinstance(layout.header, int) else layout.skip
    if above:
        begin = _below(body, begin, above)
    elif declares := DECLARED.match(sample(body, begin)):
        begin += len(declares[0].encode())
    form = row_format(body, delimiter, tell, begin)
    empty = unused(body)
    rows = _first(read_rows(body, form, empty, tell, begin), empty)
    head = _head(rows, layout, above, tell)
    if head is None:
        return Table(CellPage([]), layout.header)
    end = _end(body, form, rows[head.start :], tell) if layout.header == "auto" else len(body)

    def parts() -> Iterator[Rows]:
        start = head.start
        for some, texts in read_rows(body, form, empty, tell, begin, end):
            left = max(0, start - len(some))
            if start < len(some):
                yield _without_blank((some[start:], texts[start:]) if start else (some, texts))
            start = left

    wanted = [place for place, name in enumerate(field_names(head.names)) if layout.types.get(name) in _NUMBERS]
    table = _Table(head.names, empty, form)
    if wanted:
        numbers = _styles(parts(), wanted, delimiter)
        names = field_names(head.names)
        table = _Table(head.names, empty, form, {at: (style, layout.types[names[at]]) for at, style in numbers.items()})
    blocks = table.blocks(parts())
    if table.doubtful:
        numbers = _styles(parts(), table.doubtful, delimiter)
        grouped = frozenset(at for at, style in numbers.items() if style != "point")
        if grouped:
            table = _Table(head.names, empty, form, table.numbers, grouped)
            blocks = table.blocks(parts())
    table.tell(tell)
    return Table(CellPage(blocks), head.header)


_NUMBERS = ("integer", "real")


def _below(body: Text, begin: int, lines: int) -> int:
    """Where what stands below so many lines begins."""
    for number, found in enumerate(_LINE_END.finditer(body, begin), 1):
        if number == lines and found.end() < len(body):
            return found.end()
    raise NothingThere(lines + 1)


def _first(parts: Iterator[Rows], empty: str) -> list[list[str]]:
    """The first rows, blank ones among them."""
    rows: list[list[str]] = []
    for some, _ in parts:
        rows += [["" if cell == empty else cell for cell in row] for row in some[:_SAMPLE_ROWS]]
        if len(rows) >= _SAMPLE_ROWS:
            break
    return rows


class _Head(NamedTuple):
    """The columns' names, "" where they have none, and how many rows stand above the first record."""

    names: list[str]
    start: int
    header: Header


def _head(rows: Sequence[list[str]], layout: Layout, above: int, tell: Callable[[Message], None]) -> _Head | None:
    """None where there is nothing but blank rows. Raises NothingThere."""
    filled = [place for place, row in enumerate(rows) if any(map(str.strip, row))]
    if isinstance(layout.header, int):
        if not filled or filled[0] > 0:
            raise NothingThere(above + 1)
        return _Head(rows[0], 1, layout.header)
    if not filled:
        return None
    if layout.header == "none":
        return _Head([""] * max(len(rows[place]) for place in filled), filled[0], "none")
    found = heading.find(rows)
    left_out = sum(place < found.above for place in filled)
    if left_out:
        tell(
            say_count(
                "A line above the header was left out.", "{count} lines above the header were left out.", left_out
            )
        )
    if found.other is not None:
        tell(
            say(
                "There is a blank line, and below it what looks like a header. If the table begins there, set"
                " response.header to {line}.",
                line=above + found.other + 1,
            )
        )
    names = rows[found.above]
    if found.verdict == "record":
        tell(
            say(
                "The first row looks like a record, not like names, so the columns are numbered. If it is the header,"
                " set response.header to the number of its line."
            )
        )
        return _Head([""] * len(names), found.above, "auto" if left_out else "none")
    if found.verdict == "doubt":
        tell(
            say(
                "The first row was read as the header, but it may be a record. Set response.header to “none” if it is"
                " one, else to the number of its line."
            )
        )
    elif not any(kind_of(cell) == "text" for cell in names):
        tell(
            say(
                "The first row was read as the header, though it holds only numbers. If it is a record, set"
                " response.header to “none”."
            )
        )
    start = found.above + 1
    if found.units:
        units = next(place for place in filled if place > found.above)
        start = units + 1
        tell(
            say(
                "The line under the header holds units ({units}), so it was left out.",
                units=", ".join(filter(None, map(str.strip, rows[units]))),
            )
        )
    plain = not (left_out or above or found.units or found.above)
    return _Head(names, start, 1 if found.verdict == "doubt" and plain else "auto")


def _end(body: Text, form: RowFormat, rows: Sequence[list[str]], tell: Callable[[Message], None]) -> int:
    """Where the records end."""
    last = footing.last_line(body, form.delimiter)
    others = [row for row in rows[:-1] if any(row)]
    if last is None or not footing.is_sum(last, others):
        return len(body)
    tell(say("The last line holds sums ({line}), so it was left out.", line=", ".join(filter(None, last.cells))))
    return last.start


def _without_blank(part: Rows) -> Rows:
    rows, texts = part
    return part if all(rows) else (list(filter(None, rows)), list(compress(texts, rows)))


def _styles(parts: Iterator[Rows], wanted: Iterable[int], delimiter: str) -> dict[int, Style]:
    """How the numbers of the wanted columns are written, by the evidence in all rows."""
    found: list[set[Style]] = []
    for rows, _ in parts:
        for place, cells in enumerate(zip_longest(*rows, fillvalue="")):
            if place == len(found):
                found.append(set())
            if len(found[place]) < 2:
                found[place] |= evidence(cells)
    everywhere: set[Style] = set().union(*found)
    return {place: style_of(found[place], everywhere, delimiter) for place in wanted if place < len(found)}


class _Table:
    """Makes blocks of rows, and counts those that are not as the header says.

    numbers: columns read as numbers that are written so, and of which type. grouped: columns in which a point parts
    thousands, or may. `doubtful` are columns in which it is not known what a point means.
    """

    def __init__(
        self,
        header: list[str],
        empty: str,
        form: RowFormat,
        numbers: Mapping[int, tuple[Style, str]] = {},
        grouped: frozenset[int] = frozenset(),
    ) -> None:
        self.numbers = numbers
        self._header = header
        self._empty = empty
        self._grouped = grouped
        terms = [header, form, sorted(numbers.items()), sorted(grouped)]  # what else than its line a row depends on
        self._seed = xxhash.xxh3_64_intdigest(msgspec.json.encode(terms))
        self._short = self._long = self._blank = 0
        self._pointed: dict[int, bool] = {}
        """Of columns that had a point in their numbers: whether all of them may part thousands."""

    @property
    def doubtful(self) -> list[int]:
        return [place for place, is_doubtful in self._pointed.items() if is_doubtful]

    def blocks(self, parts: Iterator[Rows]) -> Sequence[Block]:
        """Those of all rows that have a value."""
        return kept(
            block
            for some in parts
            for rows, texts in self._of_like_width(*some)
            if rows and (block := self._block(rows, texts))
        )

    def _of_like_width(self, rows: list[list[str]], texts: list[bytes]) -> Iterator[Rows]:
        """Rows that are much longer than the header apart from the others, which would be filled up to their width."""
        most = 2 * len(self._header)
        longer = [len(row) > most for row in rows]
        if not any(longer):
            yield rows, texts
            return
        for wanted in (False, True):
            chosen = [is_longer is wanted for is_longer in longer]
            yield list(compress(rows, chosen)), list(compress(texts, chosen))

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

    def _block(self, rows: list[list[str]], texts: list[bytes]) -> Block | None:
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
            [self._column(place, columns[place]) for place in compress(range(len(columns)), shown)],
            Digests.chained(map(xxhash.xxh3_128_digest, texts, repeat(self._seed))),
        )

    def _column(self, place: int, cells: Sequence[str]) -> Sequence[Value]:
        if place in self.numbers:
            style, kind = self.numbers[place]
            return column_of_numbers(cells, self._empty, style, kind == "integer")
        if place in self._grouped:
            return column_with_thousands(cells, self._empty)
        values = column(cells, self._empty)
        if self._pointed.get(place, True) and values is not cells and float in set(map(type, values)):
            self._pointed[place] = has_only_grouped(
                cell for cell, value in zip(cells, values, strict=True) if type(value) is float
            )
        return values

    def _widened(self, rows: list[list[str]]) -> list[str]:
        """Fill up short rows, and the header for long ones."""
        width = len(self._header)
        widest = max(width, *map(len, rows))
        for row in rows:
            self._short += len(row) < width
            self._long += len(row) > width and any(row[width:])
            row += [""] * (widest - len(row))
        return self._header + [""] * (widest - width)
