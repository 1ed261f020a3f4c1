"""A table as a file for other programs: CSV, Excel, JSON, NDJSON."""

import csv
import os
import tempfile
from collections.abc import Callable, Iterable, Sequence
from io import FileIO
from pathlib import Path

import msgspec

from trayapp.durable import put_in_place, sync
from trayapp.messages import listing, say
from trayapp.store.errors import StoreError
from trayapp.store.reading.reader import SqlRow

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet run a cell (https://owasp.org/www-community/attacks/CSV_Injection)."""

_EXCEL_ROWS = 1_048_576
_INFINITE = (float("inf"), float("-inf"))
_EXACT = 10**15
"""Excel keeps 15 digits of a number; larger integers go as text."""


def safe_cell(value: object) -> object:
    """The value for a spreadsheet: text that would run as a formula gets an apostrophe in front, bytes are in hex."""
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return f"'{value}"
    return value.hex() if isinstance(value, bytes) else value


def write_csv(columns: Sequence[str], rows: Iterable[SqlRow], path: Path) -> int:
    """RFC 4180 with a header line, UTF-8 with byte order mark (Excel needs it); NULL is empty. Returns the rows."""
    count = 0
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([safe_cell(column) for column in columns])
        for row in rows:
            writer.writerow([safe_cell(value) for value in row])
            count += 1
    return count


def write_ndjson(columns: Sequence[str], rows: Iterable[SqlRow], path: Path) -> int:
    """One JSON object a line. Returns the rows."""
    count = 0
    with path.open("wb") as file:
        for row in rows:
            file.write(msgspec.json.encode(dict(zip(columns, row, strict=True))) + b"\n")
            count += 1
    return count


def write_json(columns: Sequence[str], rows: Iterable[SqlRow], path: Path) -> int:
    """A JSON array of objects. Returns the rows."""
    count = 0
    with path.open("wb") as file:
        file.write(b"[")
        for row in rows:
            file.write(b",\n" if count else b"\n")
            file.write(msgspec.json.encode(dict(zip(columns, row, strict=True))))
            count += 1
        file.write(b"\n]\n")
    return count


def write_xlsx(columns: Sequence[str], rows: Iterable[SqlRow], path: Path) -> int:
    """One sheet with a header row; nothing is taken for a formula or a link. Returns the rows."""
    from xlsxwriter.exceptions import FileCreateError

    with tempfile.TemporaryDirectory() as parts, path.open("wb", buffering=0) as file:
        target = _Target(file)
        try:
            count = _write_sheet(columns, rows, target, parts)
        except FileCreateError as error:
            raise error.args[0] from error
        if target.error is not None:
            raise target.error
    return count


class _Target:
    """A file that keeps the first error and takes all that follows: zipfile meets it again when it gives up, and then
    it would be printed, with a traceback."""

    def __init__(self, file: FileIO) -> None:
        self.error: OSError | None = None
        self._file = file
        self.tell = file.tell
        self.seek = file.seek
        self.flush = file.flush

    def write(self, data: bytes) -> int:
        """Write all of it."""
        left = memoryview(data)
        while left and self.error is None:
            try:
                left = left[self._file.write(left) :]
            except OSError as error:
                self.error = error
        return len(data)


def _write_sheet(columns: Sequence[str], rows: Iterable[SqlRow], target: _Target, parts: str) -> int:
    import xlsxwriter

    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "tmpdir": parts}
    book = xlsxwriter.Workbook(target, options)
    sheet = book.add_worksheet()
    count = 0
    try:
        sheet.write_row(0, 0, columns)
        for count, row in enumerate(rows, 1):
            if count >= _EXCEL_ROWS:
                raise StoreError(
                    say("The table is too long for Excel"), say("A sheet has 1,048,576 rows."), say("Save it as CSV.")
                )
            for index, value in enumerate(row):
                if isinstance(value, bytes):
                    value = value.hex()
                elif (isinstance(value, int) and abs(value) >= _EXACT) or value in _INFINITE:
                    value = str(value)
                if isinstance(value, str):
                    sheet.write_string(count, index, value[:32767])
                elif value is not None:
                    sheet.write(count, index, value)
        sheet.freeze_panes(1, 0)
    finally:
        book.close()
    return count


WRITERS: dict[str, Callable[[Sequence[str], Iterable[SqlRow], Path], int]] = {
    ".csv": write_csv,
    ".xlsx": write_xlsx,
    ".json": write_json,
    ".ndjson": write_ndjson,
}


def save_rows(columns: Sequence[str], rows: Iterable[SqlRow], path: Path) -> int:
    """Write the rows in the format of the file's ending; the file appears only when it is complete.

    Returns how many rows. Raises StoreError for an unknown ending or a place that can't be written.
    """
    writer = WRITERS.get(path.suffix.lower())
    if writer is None:
        raise StoreError(
            say("The file's format is unknown"),
            say("{name} doesn't end in {endings}.", name=path.name, endings=listing(tuple(WRITERS), "or")),
            say("Use one of these endings."),
        )
    try:
        handle, name = tempfile.mkstemp(prefix=path.name, suffix=path.suffix, dir=path.parent)
        os.close(handle)
        partial = Path(name)
        try:
            count = writer(columns, rows, partial)
            sync(partial)
            put_in_place(partial, path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(
            say("The file can't be written"),
            say("{path}: {strerror}.", path=path, strerror=error.strerror),
            say("Choose another place."),
        ) from error
    return count
