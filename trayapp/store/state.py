"""The persisted state of every endpoint: what the scheduler must still know after a restart."""

from datetime import datetime
from typing import Any, Literal

import apsw
import msgspec

from trayapp.store.times import from_text, to_text

Status = Literal["enqueued", "running", "cancelled"]


class EndpointRow(msgspec.Struct, frozen=True, kw_only=True):
    """One endpoint's work state; all times are aware UTC.

    attempts: starts since the last success or give-up, 0 when the regular schedule is followed. generation: how often
    the endpoint's settings changed. next_due: when it runs next by back-off or schedule, None when never by itself;
    next_override: a time that is taken once instead of it. stop_reason: why the last run was stopped, "" when it was
    not. held: deletes that await the user's word.

    anchor: since when the schedule counts that `anchored` names, for those that count from when they were set.
    watched: what the watched file was like when it was last looked at. arrived: ids of the endpoints it runs after that
    have succeeded since its last start, a line each.
    """

    id: str
    status: Status = "enqueued"
    attempts: int = 0
    generation: int = 0
    last_enqueued: datetime | None = None
    last_attempt: datetime | None = None
    last_success: datetime | None = None
    next_due: datetime | None = None
    next_override: datetime | None = None
    blocked_by: str = ""
    stop_reason: str = ""
    problem_title: str = ""
    problem_cause: str = ""
    problem_next: str = ""
    sentence: str = ""
    held: int = 0
    rows: int | None = None
    anchor: datetime | None = None
    anchored: str = ""
    watched: str = ""
    arrived: str = ""


_FIELDS = EndpointRow.__struct_fields__
_TIMES = {"last_enqueued", "last_attempt", "last_success", "next_due", "next_override", "anchor"}


def load_states(db: apsw.Connection) -> dict[str, EndpointRow]:
    """The state of every endpoint that was ever known, by id."""
    rows = db.execute(f"SELECT {', '.join(_FIELDS)} FROM _sync_endpoints")
    return {row[0]: _from_sql(row) for row in rows}


def _from_sql(row: tuple[object, ...]) -> EndpointRow:
    values = dict(zip(_FIELDS, row, strict=True))
    for field in _TIMES:
        values[field] = from_text(values[field])  # type: ignore[arg-type]
    return msgspec.convert(values, EndpointRow)


def load_state(db: apsw.Connection, id: str) -> EndpointRow:
    """The state of one endpoint; a fresh one when it was never known."""
    row = db.execute(f"SELECT {', '.join(_FIELDS)} FROM _sync_endpoints WHERE id = ?", (id,)).fetchone()
    return _from_sql(row) if row else EndpointRow(id=id)


def save_state(db: apsw.Connection, row: EndpointRow) -> None:
    """Write one endpoint's state. `rows` and `held` belong to publishing and are left as they are.

    Nothing is written when nothing changed.
    """
    fields = [name for name in _FIELDS if name not in ("rows", "held")]
    values = [_to_sql(getattr(row, name)) for name in fields]
    rest = fields[1:]
    db.execute(
        f"INSERT INTO _sync_endpoints ({', '.join(fields)}) VALUES ({', '.join('?' * len(fields))})"
        f" ON CONFLICT (id) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in rest)}"
        f" WHERE ({', '.join(rest)}) IS NOT ({', '.join(f'excluded.{name}' for name in rest)})",
        values,
    )


def _to_sql(value: object) -> Any:
    return to_text(value) if isinstance(value, datetime) else value


def forget(db: apsw.Connection, id: str) -> None:
    """Forget an endpoint's state; its table stays unless `table.drop` was called before."""
    number = db.execute("SELECT number FROM _sync_endpoints WHERE id = ?", (id,)).get
    if number is not None:
        db.execute("DELETE FROM _sync_columns WHERE endpoint = ?", (number,))
        db.execute("DELETE FROM _sync_held WHERE endpoint = ?", (number,))
        db.execute("DELETE FROM _sync_suspects WHERE endpoint = ?", (number,))
        db.execute(f"DROP TABLE IF EXISTS _sync_rows_{number}")
        db.execute(f"DROP TABLE IF EXISTS _sync_parents_{number}")
        db.execute("DELETE FROM _sync_endpoints WHERE number = ?", (number,))


def read_found(db: apsw.Connection, id: str) -> str | None:
    """What detection found out about an endpoint at its last run, as it was given to `write_found`."""
    text: str | None = db.execute("SELECT found FROM _sync_endpoints WHERE id = ?", (id,)).get
    return text


def write_found(db: apsw.Connection, id: str, found: str) -> None:
    """Remember what detection found out about an endpoint."""
    db.execute("UPDATE _sync_endpoints SET found = ?1 WHERE id = ?2 AND found IS NOT ?1", (found, id))


def read_meta(db: apsw.Connection, name: str) -> str | None:
    """A value of the program as a whole, like the pause; None when it was never set."""
    value: str | None = db.execute("SELECT value FROM _sync_meta WHERE name = ?", (name,)).get
    return value


def write_meta(db: apsw.Connection, name: str, value: str | None) -> None:
    """Set such a value; None removes it."""
    if value is None:
        db.execute("DELETE FROM _sync_meta WHERE name = ?", (name,))
    else:
        db.execute("INSERT OR REPLACE INTO _sync_meta VALUES (?, ?)", (name, value))
