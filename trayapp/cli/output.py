"""What commands print: one JSON document, or text for people."""

import sys
import time
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import chain
from types import TracebackType
from typing import Any

import msgspec

from trayapp.endpoints.settings import to_builtins
from trayapp.errors import UserError
from trayapp.sync.detection.preview import Preview
from trayapp.sync.report import Progress
from trayapp.visible import elided, escaped, visible

_LINE_END = "\r\n"
_SIGNS_A_COLUMN = 4
"""Characters that a cell may have for each column of its width."""


def say(*lines: str, flush: bool = False) -> None:
    """Lines for a person, on stdout. Each argument is one line, whatever is in it."""
    print("\n".join(map(_line, lines)), flush=flush)


def tell(*lines: str, end: str = "\n") -> None:
    """The same on stderr, at once."""
    print("\n".join(map(_line, lines)), end=end, file=sys.stderr, flush=True)


def print_json(document: Any) -> None:
    """One JSON document on stdout."""
    text = msgspec.json.format(msgspec.json.encode(document, enc_hook=str), indent=2).decode()
    sys.stdout.write(escaped(text) + "\n")


def print_toml(text: str) -> None:
    """TOML as tomlkit writes it, on stdout."""
    sys.stdout.write(escaped(text))


def print_csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """CSV on stdout: the cells as they are, but for what a spreadsheet, or the terminal, would obey."""
    import csv

    from trayapp.store.reading.export import safe_cell

    def cell(value: object) -> object:
        value = safe_cell(value)
        return visible(value) if looked_at and isinstance(value, str) else value

    class Lines:
        def write(self, row: str) -> int:
            return sys.stdout.write(f"{row.removesuffix(_LINE_END)}\n")

    looked_at = sys.stdout.isatty()
    # Before Python 3.13 it quotes a line's end of the other kind only where that is its own.
    writer = csv.writer(Lines(), lineterminator=_LINE_END)
    writer.writerow(map(cell, columns))
    writer.writerows(map(cell, row) for row in rows)


def print_error(error: UserError, as_json: bool) -> None:
    """An error: JSON on stdout, or a few lines on stderr; there, too, where stdout is what can't be written."""
    if as_json:
        try:
            print_json({"error": error.problem.as_dict()})
            return
        except BrokenPipeError:
            raise
        except OSError:
            pass
    tell(f"traysync: {error.title}", *(f"  {part}" for part in (error.cause, error.next) if part))


def print_traceback(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    """What Python prints of an exception that nobody expected; its message may be made of anything."""
    from traceback import format_exception

    sys.stderr.write(visible("".join(format_exception(kind, error, traceback))))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], limit: int = 60) -> None:
    """Aligned columns, long cells cut to `limit` characters' width."""
    cells = [[_cell(value, limit) for value in row] for row in chain((columns,), rows)]
    widths = [max(map(_width, column)) for column in zip(*cells, strict=True)]
    for row in (cells[0], ["-" * width for width in widths], *cells[1:]):
        padded = (cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True))
        say("  ".join(padded).rstrip())


def _line(text: str) -> str:
    return visible(text).replace("\n", " ")


def _cell(value: Any, limit: int) -> str:
    """One line that is not wider than that; combining characters, which take no room, are few."""
    if isinstance(value, bytes):
        return f"<{len(value):,} bytes>"
    if not isinstance(value, str):
        return "" if value is None else str(value)
    text = elided(value, _SIGNS_A_COLUMN * limit)
    if _width(text) <= limit:
        return text
    width, end = 1, 0
    while (width := width + _width(text[end])) <= limit:
        end += 1
    return f"{text[:end].rstrip()}…"


def _width(text: str) -> int:
    """Columns in a terminal (Unicode Standard Annex 11): wide characters take two, combining and unseen ones none."""
    if text.isascii():
        return len(text)
    drawn = (char for char in text if unicodedata.category(char) not in ("Mn", "Me", "Cf"))
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in drawn)


def local(moment: datetime | None) -> str:
    """A time for people: local, to the second; "" for none."""
    return "" if moment is None else f"{moment.astimezone():%Y-%m-%d %H:%M:%S}"


def preview_document(preview: Preview) -> dict[str, Any]:
    """A preview in the documented JSON form."""
    pages = {key: value for key, value in to_builtins(preview.pages).items() if key != "kind"}
    format = {"kind": preview.format, "encoding": preview.encoding}
    return {
        "format": {**format, "delimiter": preview.delimiter} if preview.delimiter else format,
        "records": {"path": preview.records_path, "count": preview.count, "total": preview.total},
        "pages": {
            "kind": preview.pages.kind,
            **pages,
            "proven": preview.proven,
            "evidence": preview.evidence,
            "proof": str(preview.proof),
        },
        "key": preview.key,
        "columns": preview.columns,
        "cursors": preview.cursors,
        "rows": preview.rows,
        "requests": preview.requests,
        "warnings": [str(warning) for warning in preview.warnings],
    }


def print_preview(preview: Preview) -> None:
    """A preview for people."""
    for request in preview.requests:
        say(f"{request.method} {request.url}  {request.status}  {request.seconds:.2f} s  {request.bytes:,} bytes")
    place = preview.records_path or "the answer itself"
    say("", f"Format:  {preview.how_read}")
    say(f"Records: {preview.count:,} on the first page, at {place}")
    say(f"Pages:   {preview.pages.kind}. {preview.proof}")
    say(f"Key:     {', '.join(preview.key) or 'none'}")
    say(f"Table:   {preview.endpoint.table.name}", "")
    columns = preview.columns[:6]
    if preview.rows:
        print_table([column.name for column in columns], [row[: len(columns)] for row in preview.rows[:5]], 24)
    if len(preview.columns) > len(columns):
        say(f"… and {len(preview.columns) - len(columns)} more columns")
    for warning in preview.warnings:
        say(f"Warning: {warning}")


class ProgressLine:
    """One line on stderr that is written over, only on a terminal."""

    def __init__(self) -> None:
        self._shown = 0.0
        self._on = sys.stderr.isatty()

    def show(self, progress: Progress) -> None:
        """Show a progress, at most ten times a second."""
        if not self._on or time.monotonic() - self._shown < 0.1:
            return
        self._shown = time.monotonic()
        total = progress.total
        of = f" of {total:,}" if total else ""
        bar = ""
        if total:
            filled = min(20, 20 * progress.records // total)
            bar = f" [{'#' * filled}{'.' * (20 - filled)}]"
        self._write(_line(f"{progress.endpoint}:{bar} {progress.records:,}{of} records"))

    def clear(self) -> None:
        """Take the line away."""
        if self._on and self._shown:
            self._write("")

    def _write(self, line: str) -> None:
        sys.stderr.write(f"\r\x1b[K{line}")
        sys.stderr.flush()
