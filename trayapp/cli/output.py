"""What commands print: one JSON document, or text for people."""

import sys
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from trayapp.endpoints.settings import to_builtins
from trayapp.errors import UserError
from trayapp.sync.preview import Preview


def print_json(document: Any) -> None:
    """One JSON document on stdout."""
    text = msgspec.json.format(msgspec.json.encode(document, enc_hook=str), indent=2).decode()
    sys.stdout.write(text + "\n")


def print_error(error: UserError, as_json: bool) -> None:
    """An error: JSON on stdout, or a few lines on stderr."""
    if as_json:
        print_json({"error": error.problem.as_dict()})
        return
    lines = [f"traysync: {error.title}", *(f"  {part}" for part in (error.cause, error.next) if part)]
    print("\n".join(lines), file=sys.stderr)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], limit: int = 60) -> None:
    """Aligned columns, long cells cut to `limit` characters' width."""
    cells = [[_cell(value, limit) for value in row] for row in rows]
    widths = [max(map(_width, column), default=0) for column in zip(columns, *cells, strict=True)]
    for row in (list(columns), ["-" * width for width in widths], *cells):
        padded = (cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True))
        print("  ".join(padded).rstrip())


def _cell(value: Any, limit: int) -> str:
    if value is None:
        return ""
    text = " ".join(str(value).split()) if isinstance(value, str) else str(value)
    if _width(text) <= limit:
        return text
    while _width(text) >= limit:
        text = text[:-1]
    return f"{text}…"


def _width(text: str) -> int:
    """Columns in a terminal (Unicode Standard Annex 11): wide characters take two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


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
        "pages": {"kind": preview.pages.kind, **pages, "proven": preview.proven, "proof": preview.proof},
        "key": preview.key,
        "columns": preview.columns,
        "cursors": preview.cursors,
        "rows": preview.rows,
        "requests": preview.requests,
        "warnings": preview.warnings,
    }


def print_preview(preview: Preview) -> None:
    """A preview for people."""
    for request in preview.requests:
        print(f"{request.method} {request.url}  {request.status}  {request.seconds:.2f} s  {request.bytes:,} bytes")
    place = preview.records_path or "the answer itself"
    print(f"\nFormat:  {preview.how_read}")
    print(f"Records: {preview.count:,} on the first page, at {place}")
    print(f"Pages:   {preview.pages.kind}. {preview.proof}")
    print(f"Key:     {', '.join(preview.key) or 'none'}")
    print(f"Table:   {preview.endpoint.table.name}\n")
    columns = preview.columns[:6]
    if preview.rows:
        print_table([column.name for column in columns], [row[: len(columns)] for row in preview.rows[:5]], 24)
    if len(preview.columns) > len(columns):
        print(f"… and {len(preview.columns) - len(columns)} more columns")
    for warning in preview.warnings:
        print(f"Warning: {warning}")
