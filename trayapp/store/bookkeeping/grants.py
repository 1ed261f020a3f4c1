"""What a person has allowed: which environment variable, or older secret, of an endpoint may be sent where."""

from collections.abc import Iterable

import apsw
import msgspec

from trayapp.store.bookkeeping.endpoint_states import read_meta, write_meta

_OWED = "grants owed"
"""Set by the migration of a file that is older than grants, until `settle`."""


def granted(db: apsw.Connection, endpoint: str, what: str) -> frozenset[str] | None:
    """The destinations that were allowed for it; None when nobody was ever asked."""
    text = db.execute("SELECT destinations FROM _sync_grants WHERE endpoint = ? AND what = ?", (endpoint, what)).get
    return None if text is None else frozenset(msgspec.json.decode(text, type=list[str]))


def grant(db: apsw.Connection, endpoint: str, what: str, destinations: Iterable[str]) -> None:
    """Allow these destinations, and no others any more."""
    text = msgspec.json.encode(sorted(destinations)).decode()
    db.execute("INSERT OR REPLACE INTO _sync_grants VALUES (?, ?, ?)", (endpoint, what, text))


def withdraw(db: apsw.Connection, endpoint: str, what: str | None = None) -> None:
    """Allow it no more; None: nothing of that endpoint."""
    db.execute("DELETE FROM _sync_grants WHERE endpoint = ?1 AND (?2 IS NULL OR what = ?2)", (endpoint, what))


def is_owed(db: apsw.Connection) -> bool:
    """Whether the file is from before there were grants, and what was in use then was not taken as allowed yet."""
    return read_meta(db, _OWED) is not None


def settle(db: apsw.Connection) -> None:
    """From now on only what a person allows counts."""
    write_meta(db, _OWED, None)
