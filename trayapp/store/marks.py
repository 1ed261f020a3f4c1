"""Where an endpoint's next run can go on: its cursor, and what its server's last answer can be told apart by."""

from datetime import datetime

import apsw
import msgspec

from trayapp.endpoints.model import Endpoint
from trayapp.store import table as tables
from trayapp.store.plan import stored_key
from trayapp.store.times import from_text, to_text


class Marks(msgspec.Struct, frozen=True, kw_only=True):
    """What the last publish left; all of it holds only for the request that is told apart by `asked`.

    cursor: where an incremental run resumes. etag, last_modified: the server's, as it wrote them; digest: of the whole
    answer; these three only where it was the whole listing. last_full: when a whole listing was last read, aware UTC.
    """

    asked: str = ""
    cursor: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    digest: str | None = None
    last_full: datetime | None = None


def read_marks(db: apsw.Connection, id: str) -> Marks:
    """The endpoint's marks; empty ones when it never ran."""
    row = db.execute(
        "SELECT coalesce(asked, ''), cursor, etag, last_modified, digest, last_full FROM _sync_endpoints WHERE id = ?",
        (id,),
    ).fetchone()
    if row is None:
        return Marks()
    *texts, last_full = row
    return Marks(**dict(zip(Marks.__struct_fields__, texts, strict=False)), last_full=from_text(last_full))


def write_marks(db: apsw.Connection, id: str, marks: Marks) -> None:
    """Leave these marks; in the transaction that publishes what they stand for. Nothing is written if they are so."""
    db.execute(
        "UPDATE _sync_endpoints SET asked = ?2, cursor = ?3, etag = ?4, last_modified = ?5, digest = ?6, last_full = ?7"
        " WHERE id = ?1 AND (asked, cursor, etag, last_modified, digest, last_full) IS NOT (?2, ?3, ?4, ?5, ?6, ?7)",
        (id, marks.asked, marks.cursor, marks.etag, marks.last_modified, marks.digest, to_text(marks.last_full)),
    )


def last_publish(db: apsw.Connection, id: str) -> int:
    """The number of the last run that changed or confirmed the endpoint's table; 0 when there is none."""
    number = db.execute(
        "SELECT coalesce(max(run), 0) FROM _sync_runs WHERE endpoint = ? AND status IN ('succeeded', 'held')", (id,)
    ).get
    assert isinstance(number, int)
    return number


def is_current(db: apsw.Connection, endpoint: Endpoint) -> bool:
    """Whether the endpoint's table is there under its name, made as the settings say now."""
    row = db.execute("SELECT table_name FROM _sync_endpoints WHERE id = ?", (endpoint.id,)).fetchone()
    if row is None or row[0] != endpoint.table.name or not tables.exists(db, endpoint.table.name):
        return False
    if endpoint.table.mode == "append":
        return True
    key = stored_key(db, endpoint)
    return bool(key) and endpoint.table.key in ((), key)
