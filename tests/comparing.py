"""Comparing a mirrored table with what a server has."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import apsw


def rows(database: Path, table: str) -> list[dict[str, Any]]:
    """The rows of a table of the mirror's file, without columns of ours; none where there is no such table."""
    db = apsw.Connection(str(database), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        names = [row[1] for row in db.execute(f'PRAGMA table_info("{table}")')]
        if not names:
            return []
        found = db.execute(f'SELECT * FROM "{table}"').fetchall()
    finally:
        db.close()
    pairs = [zip(names, row, strict=True) for row in found]
    return [{name: value for name, value in row if not name.startswith("_sync_")} for row in pairs]


def canonical(records: Iterable[Mapping[str, Any]]) -> list[str]:
    """One text a record, in no order.

    A missing member is the same as null and true the same as 1, as in a table; text that is JSON is that value.
    """
    plain = [{name: _plain(value) for name, value in record.items() if value is not None} for record in records]
    return sorted(json.dumps(record, sort_keys=True, ensure_ascii=False) for record in plain)


def canonical_hash(records: Iterable[Mapping[str, Any]]) -> str:
    """One digest of all records: equal when `canonical` is."""
    return hashlib.sha256("\n".join(canonical(records)).encode("utf-8", "surrogatepass")).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value
