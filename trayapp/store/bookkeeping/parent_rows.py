"""What a chain remembers of the rows it made requests for: how each row was then, and which records came of it.

One table `_sync_parents_N` for each endpoint that asks only for changed rows.
"""

from collections.abc import Mapping

import apsw
import msgspec

from trayapp.store.bookkeeping.endpoint_states import find_entry
from trayapp.store.records.digests import Digests


class Parent(msgspec.Struct, frozen=True, gc=False):
    """A row that was listed to its end. `seen`: a digest of the row then; `digests`: those of its records."""

    seen: bytes
    digests: Digests


def load_parents(db: apsw.Connection, id: str) -> dict[bytes, Parent]:
    """All rows remembered for an endpoint; none when it never remembered any."""
    name = _table(db, id)
    there = db.execute("SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = ?)", (name,)).get
    if not there:
        return {}
    rows = db.execute(f"SELECT row, seen, digests FROM {name}")
    return {row: Parent(seen, Digests(digests)) for row, seen, digests in rows}


def save_parents(
    db: apsw.Connection, id: str, before: Mapping[bytes, Parent], after: Mapping[bytes, Parent] | None
) -> None:
    """Remember these rows instead of those before; None: nothing is to be remembered. Only what differs is written.

    In the transaction that publishes the records.
    """
    name = _table(db, id)
    if after is None:
        db.execute(f"DROP TABLE IF EXISTS {name}")
        return
    new = [(row, parent.seen, parent.digests.joined) for row, parent in after.items() if before.get(row) != parent]
    gone = [(row,) for row in before if row not in after]
    if not new and not gone:
        return
    db.execute(
        f"CREATE TABLE IF NOT EXISTS {name}"
        " (row BLOB PRIMARY KEY, seen BLOB NOT NULL, digests BLOB NOT NULL) WITHOUT ROWID"
    )
    db.executemany(f"DELETE FROM {name} WHERE row = ?", gone)
    db.executemany(f"INSERT OR REPLACE INTO {name} VALUES (?, ?, ?)", new)


def _table(db: apsw.Connection, id: str) -> str:
    entry = find_entry(db, id)
    return f"_sync_parents_{entry.number if entry is not None else 0}"
