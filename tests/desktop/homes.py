"""A home's files: settings to write, and what the program has written."""

from contextlib import closing
from pathlib import Path
from typing import Any

import apsw


def rows(home: Path, query: str) -> list[Any]:
    """What the program's file answers; nothing as long as there is no such table."""
    if not (home / "traysync.db").exists():
        return []
    with closing(apsw.Connection(str(home / "traysync.db"), flags=apsw.SQLITE_OPEN_READONLY)) as database:
        database.set_busy_timeout(5000)
        try:
            return database.execute(query).fetchall()
        except apsw.SQLError:
            return []


def runs(home: Path) -> list[tuple[str, str]]:
    """(status, reason) of all runs, oldest first."""
    return rows(home, "SELECT status, reason FROM _sync_runs ORDER BY run")


def settings(home: Path, url: str, more: str = "", every: str = "10s") -> None:
    (home / "settings.toml").write_text(f'[[endpoint]]\nid = "stock"\nurl = "{url}"\nevery = "{every}"\n{more}\n')
