"""A consistent copy of the whole file, page by page."""

import os
import tempfile
from pathlib import Path

import apsw

from trayapp.durable import put_in_place


def back_up(db: apsw.Connection, target: Path) -> None:
    """A consistent copy of the database by SQLite's backup API; an existing target is replaced at the end only."""
    # A name of its own: another process may make the same copy now.
    handle, name = tempfile.mkstemp(prefix=f"{target.name}.", suffix=".partial", dir=target.parent)
    os.close(handle)
    partial = Path(name)
    try:
        copy = apsw.Connection(str(partial))
        try:
            with copy.backup("main", db, "main") as backup:
                while not backup.done:
                    backup.step(1000)
            # A copy in WAL mode would need its side files beside it.
            copy.pragma("journal_mode", "delete")
        finally:
            copy.close()
        put_in_place(partial, target)
    finally:
        for suffix in ("-journal", "-wal", "-shm", ""):
            partial.with_name(partial.name + suffix).unlink(missing_ok=True)
