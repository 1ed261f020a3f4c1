"""Whether the file is damaged: only what SQLite finds with a connection of its own is believed."""

import re
from pathlib import Path

import apsw

from trayapp.store.errors import StoreCorrupt, translated
from trayapp.store.names import quote

THOROUGH_BYTES = 256 * 2**20
"""Up to this size indexes are compared with their tables, too; that took 1.5 s per GiB where all was in memory."""

_MOST = 100
"""So many findings of a check are looked at."""

_VALUES = re.compile(r"(?:NULL|NUMERIC|TEXT|non-\w+) value in (?!_sync_)|CHECK constraint failed in ")
"""What a check says of values that a table was not declared for. Those of a table of the person's are his affair."""


def damage(path: Path) -> str:
    """What is wrong with the file, in SQLite's words; "" when nothing is, or there is no file.

    Looked at anew, by a connection that has nothing of the file in memory: an error of a read may be over by then, and
    what was read wrong once is not damage. Raises the other StoreErrors, as when the disk reports an error again.
    """
    if not path.exists():
        return ""
    try:
        with translated(path):
            db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
            try:
                db.set_busy_timeout(5000)
                return _checked(db, path.stat().st_size <= THOROUGH_BYTES)
            finally:
                db.close()
    except StoreCorrupt as error:
        return str(error.__cause__)


def _checked(db: apsw.Connection, thorough: bool) -> str:
    # A check that breaks off at a page that can't be read raises nothing: it says so.
    check = "integrity_check" if thorough else "quick_check"
    found = [str(line) for (line,) in db.execute(f"PRAGMA {check}({_MOST})")]
    wrong = [line for line in found if line != "ok" and not _VALUES.match(line)]
    return "; ".join(wrong[:3])


def complaints(db: apsw.Connection, table: str) -> bool:
    """Whether a table, or an index of it, of the file that `db` reads is damaged."""
    try:
        found = [str(line) for (line,) in db.execute(f"PRAGMA integrity_check({quote(table)})")]
    except (apsw.CorruptError, apsw.SQLError):
        return True
    return any(line != "ok" and not _VALUES.match(line) for line in found)


def is_sound(path: Path) -> bool:
    """Whether the file is there, and is a database without damage."""
    return path.exists() and not damage(path)
