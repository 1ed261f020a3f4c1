"""Which format an answer has: as its Content-Type says, else as it looks."""

import re
from collections.abc import Mapping
from typing import Literal
from urllib.parse import urlsplit

from trayapp.sync.formats import lines, script
from trayapp.sync.formats.delimited.dialect import dialect, first_rows

Format = Literal["json", "ndjson", "csv", "feed", "xml"]

_CSV_TYPES = ("text/csv", "application/csv", "text/x-csv", "text/comma-separated-values", "text/tab-separated-values")
_LINE_TYPES = (
    "application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonl", "application/jsonlines",
    "application/x-jsonlines", "application/json-lines", "application/json-seq", "application/geo+json-seq",
    "application/stream+json", "application/x-json-stream", "text/x-ndjson", "text/jsonl",
)  # fmt: skip
_CSV_NAMES = re.compile(r"\.(csv|tsv|tab)(\.gz|\.zip)?\"?$", re.IGNORECASE)


def media_type(headers: Mapping[str, str]) -> str:
    """The Content-Type without its parameters, lower case; "" when there is none."""
    return headers.get("Content-Type", "").partition(";")[0].strip().lower()


def is_lines_type(headers: Mapping[str, str]) -> bool:
    """Whether the Content-Type promises one JSON value per line."""
    return media_type(headers) in _LINE_TYPES


def is_markup(start: bytes) -> bool:
    """Whether a body that begins so, space trimmed, is HTML rather than XML."""
    start = start[:2000]
    while start.startswith(b"<!--"):
        start = start.partition(b"-->")[2].lstrip()
    return bool(re.match(rb"<(!doctype\s+html|html|head|body)[\s>]", start, re.IGNORECASE))


def sniffed(body: bytes, headers: Mapping[str, str], url: str) -> Format:
    """The format of a body in UTF-8 with surrounding space trimmed. What is nothing else counts as JSON."""
    kind = media_type(headers)
    if body.startswith(b"<"):
        return "feed" if _is_feed(body[:4000]) else "xml"
    if is_lines_type(headers):
        return "ndjson"
    if kind in _CSV_TYPES and not _is_json(body):
        return "csv"
    if is_json_feed(body, headers):
        return "feed"
    if body[:1] in (b"{", b"[", b"\x1e"):
        is_one = body[:1] == b"[" or not lines.is_several(body)
        return "ndjson" if body[:1] == b"\x1e" or lines.is_lines(body) or not is_one else "json"
    if kind.endswith("json") or script.data(body) is not None:
        return "json"
    file_name = f"{headers.get('Content-Disposition', '')}\n{urlsplit(url).path}"
    if any(_CSV_NAMES.search(name) for name in file_name.split("\n")) or _looks_like_csv(body):
        return "csv"
    return "json"


def is_json_feed(body: bytes, headers: Mapping[str, str]) -> bool:
    """Whether this is a JSON Feed (https://www.jsonfeed.org/version/1.1/): by its type or its version."""
    if not body.startswith(b"{"):
        return False
    return media_type(headers) == "application/feed+json" or _JSON_FEED.search(body[:4000]) is not None


_JSON_FEED = re.compile(rb'"version"\s*:\s*"https?:(?:\\?/){2}(?:www\.)?jsonfeed\.org(?:\\?/)')


def _is_feed(start: bytes) -> bool:
    root = re.search(rb"<(?:[\w-]+:)?([A-Za-z][\w.-]*)(?=[\s>/])", start)
    return root is not None and root[1] in (b"rss", b"feed", b"RDF")


def _is_json(body: bytes) -> bool:
    return body[:1] in (b"{", b"[") and re.match(rb"[\[{]\s*([\"{\[\]}]|$)", body) is not None


def _looks_like_csv(body: bytes) -> bool:
    """Whether nearly all rows have the same number of cells, more than one, under a header of short names."""
    head = re.sub(r"\A(?:#[^\n]*\n)+(?=[^#])", "", body[: 2**16].decode("utf-8", "replace"))  # without comments
    found = dialect(head)
    rows = first_rows(head, found.delimiter)
    names = [name.strip() for name in rows[0]] if rows else []
    return len(rows) > 1 and found.width > 1 and found.share >= 0.9 and all(0 < len(name) <= 60 for name in names)
