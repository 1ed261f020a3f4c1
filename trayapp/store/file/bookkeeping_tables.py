"""The `_sync_` tables as they must be at each version, and how they become so where another program changed them."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

import apsw

from trayapp.messages import Message, listing, say
from trayapp.store.file.backups import backups_of
from trayapp.store.file.damage import is_sound
from trayapp.store.file.migrations import MIGRATIONS
from trayapp.store.file.salvage import Loss, fill, tables_of
from trayapp.store.names import quote

DOUBT = "UPDATE _sync_endpoints SET doubted = 1 WHERE NOT doubted"
"""Has the next run of each endpoint count the rows of its table, at least."""

OWED = "adoption owed"
"""In `_sync_meta` while tables may be there whose endpoints' rows are lost: see `store.mirror.adoption`."""


class _Made(NamedTuple):
    sql: str
    columns: frozenset[str]
    indexes: Mapping[str, str]


@cache
def _tables_at(version: int) -> Mapping[str, _Made]:
    """The tables after so many migrations."""
    db = apsw.Connection(":memory:")
    for script in MIGRATIONS[:version]:
        db.execute(script)
    select = "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE sql IS NOT NULL"
    rows: list[tuple[str, ...]] = [tuple(map(str, row)) for row in db.execute(select)]
    made = {
        name: _Made(
            sql, _columns(db, name), {other: text for kind, other, of, text in rows if kind == "index" and of == name}
        )
        for kind, name, _, sql in rows
        if kind == "table"
    }
    db.close()
    return made


def version_of(db: apsw.Connection) -> int:
    """How many migrations the file's tables have seen, whatever it says itself: 0 when it has none of ours."""
    if not _ours(db):
        return 0
    for version in range(len(MIGRATIONS), 0, -1):
        made = _tables_at(version)
        if all(each.columns <= _columns(db, name) for name, each in made.items()):
            return version
    return len(MIGRATIONS)  # some are gone or garbled, and become as they are now


def fits(db: apsw.Connection) -> bool:
    """Whether the tables are those of this version of the program, whatever the file says its version is."""
    there = _ours(db)
    return all(there.get(name) == each.sql for name, each in _tables_at(len(MIGRATIONS)).items())


def mend_tables(db: apsw.Connection, version: int, path: Path) -> list[Message]:
    """Make tables that are gone, and those without the columns they must have, anew; what was done, for people.

    Inside the caller's transaction. What they still have stays, what is gone comes from the newest back-up that has it.
    """
    made, there = _tables_at(version), _ours(db)
    wrong = [name for name, each in made.items() if there.get(name) != each.sql]
    wrong = [name for name in wrong if not made[name].columns <= _columns(db, name)]
    for name in wrong:
        _make_anew(db, name, made[name], path)
    for each in made.values():
        for name, sql in each.indexes.items():
            if name not in there:
                db.execute("DROP INDEX IF EXISTS " + quote(name))
                db.execute(sql)
    if wrong or ("_sync_endpoints" in made and _has_orphans(db)):
        doubt_all(db)
    if not wrong:
        return []
    names = listing(tuple(wrong))
    return [
        say(
            "Tables that TraySync keeps its state in were missing or changed, and were made anew: {names}.", names=names
        )
    ]


def doubt_all(db: apsw.Connection) -> None:
    """Have tables looked for whose endpoints' rows are lost, and all tables be compared with what the servers list."""
    db.execute("INSERT OR REPLACE INTO _sync_meta VALUES (?, '')", (OWED,))
    if "doubted" in _columns(db, "_sync_endpoints"):
        db.execute("UPDATE _sync_endpoints SET doubted = 2")


def drop_garbled_rows(db: apsw.Connection) -> None:
    """Delete lines that hold what their columns can't: damage puts those of one table into another."""
    for name in _tables_at(len(MIGRATIONS)):
        wrong = [
            f"typeof({quote(str(row[1]))}) NOT IN ('null', '{str(row[2]).lower()}')"
            for row in db.execute(f"PRAGMA table_info({quote(name)})")
            if row[2] in ("INTEGER", "TEXT")
        ]
        db.execute(f"DELETE FROM {quote(name)} WHERE {' OR '.join(wrong)}")


def _make_anew(db: apsw.Connection, name: str, made: _Made, path: Path) -> None:
    there = _columns(db, name)
    old = f"_sync_old{name.removeprefix('_sync')}"
    if there:
        for (index,) in db.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL", (name,)
        ).fetchall():
            db.execute(f"DROP INDEX {quote(str(index))}")
        db.execute(f"DROP TABLE IF EXISTS {quote(old)}")
        db.execute(f"ALTER TABLE {quote(name)} RENAME TO {quote(old)}")
    else:
        db.execute(f"DROP VIEW IF EXISTS {quote(name)}")
    db.execute(made.sql)
    both = ", ".join(map(quote, sorted(made.columns & there)))
    if both:
        db.execute(f"INSERT OR IGNORE INTO {quote(name)} ({both}) SELECT {both} FROM {quote(old)}")
    else:
        for backup in backups_of(path):
            if is_sound(backup.path) and name in tables_of(backup.path):
                fill(db, backup.path, Loss(name))
                break


def _has_orphans(db: apsw.Connection) -> bool:
    """Whether digests are there of an endpoint that has no row any more: who removes one removes both."""
    return bool(
        db.execute(
            "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name GLOB '_sync_rows_[0-9]*'"
            " AND CAST(substr(name, 12) AS INTEGER) NOT IN (SELECT number FROM _sync_endpoints))"
        ).get
    )


def _ours(db: apsw.Connection) -> dict[str, str]:
    """What begins with _sync_ in the file, by name, and what it was made by."""
    rows = db.execute(
        "SELECT name, sql FROM sqlite_schema WHERE name LIKE '\\_sync\\_%' ESCAPE '\\' AND sql IS NOT NULL"
    )
    return {str(name): str(sql) for name, sql in rows}


def _columns(db: apsw.Connection, table: str) -> frozenset[str]:
    kind = db.execute("SELECT type FROM sqlite_schema WHERE name = ?", (table,)).get
    if kind != "table":
        return frozenset()
    return frozenset(str(row[1]) for row in db.execute(f"PRAGMA table_xinfo({quote(table)})"))
