"""The row of every endpoint in `_sync_endpoints`: its work, its table, and where its next run can go on.

No other module knows the columns.
"""

import logging
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Literal, TypeVar, get_args

import apsw
import msgspec

from trayapp.errors import Problem
from trayapp.messages import NOTHING, Message, foreign, from_plain, to_plain
from trayapp.store.times import to_text

log = logging.getLogger(__name__)

Status = Literal["enqueued", "running"]


class EndpointRow(msgspec.Struct, frozen=True, kw_only=True):
    """One endpoint's work state; all times are aware UTC.

    attempts: starts since the last success or give-up, 0 when the regular schedule is followed. generation: how often
    the endpoint's settings changed. next_due: when it runs next by back-off or schedule, None when never by itself;
    next_override: a time that is taken once instead of it. stop_reason, stop_code: why the last run was stopped, in
    words and as its kind; empty when it was not. held: deletions that need the user's confirmation. evidence: why the
    last listing that was read is believed to be complete, as in `sync.evidence`; "" when there is none.

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
    blocked_by: Message = NOTHING
    stop_reason: Message = NOTHING
    stop_code: str = ""
    problem: Problem | None = None
    sentence: Message = NOTHING
    held: int = 0
    rows: int | None = None
    evidence: str = ""
    anchor: datetime | None = None
    anchored: str = ""
    watched: str = ""
    arrived: str = ""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint's number, and its table: its name, what it was made with, how many rows it has. None: there is none.

    The number stands for the endpoint in the other tables.
    """

    number: int
    id: str
    table_name: str | None = None
    mapping: str | None = None
    rows: int = 0


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


Row = TypeVar("Row", Entry, Marks)

Doubt = Literal[0, 1, 2]
"""Whether an endpoint's table may differ from what is known of it."""
BELIEVED: Doubt = 0
COUNT: Doubt = 1
"""Another program wrote to the file: the rows must be as many as they were."""
COMPARE: Doubt = 2
"""Rows may be lost, or wrong: the table must be compared with all that the server lists."""

_SENTENCES = ("blocked_by", "stop_reason", "sentence")
_ENGLISH = ("problem_title", "problem_cause", "problem_next", *_SENTENCES)
"""Columns that hold English for whoever reads the file."""
_SIMPLE = tuple(name for name in EndpointRow.__struct_fields__ if name not in (*_SENTENCES, "stop_code", "problem"))
_TIMES = frozenset(("last_enqueued", "last_attempt", "last_success", "next_due", "next_override", "anchor"))


def _read(db: apsw.Connection, kind: type[Row], where: str = "", *values: str | int) -> Iterator[Row]:
    """The rows for which that is true, each as far as it is of this kind. What was never set is the kind's default."""
    names = kind.__struct_fields__
    for row in db.execute(f"SELECT {', '.join(names)} FROM _sync_endpoints {where}", values):
        given = {name: value for name, value in zip(names, row, strict=True) if value is not None}
        try:
            yield msgspec.convert(given, kind)
        except msgspec.ValidationError as error:
            log.warning("what is noted of an endpoint can't be read, and begins anew: %s", error)
            known = {name: given[name] for name in ("number", "id") if name in names}
            yield msgspec.convert(known, kind)


def _update(db: apsw.Connection, where: str, value: str | int, changes: Mapping[str, Any]) -> None:
    """Write these columns of a row; nothing is written when they are so."""
    names, holes = ", ".join(changes), ", ".join("?" * len(changes))
    values = [to_text(value) if isinstance(value, datetime) else value for value in changes.values()]
    db.execute(
        f"UPDATE _sync_endpoints SET ({names}) = ({holes}) WHERE {where} = ? AND ({names}) IS NOT ({holes})",
        (*values, value, *values),
    )


def _read_states(db: apsw.Connection, where: str = "", *values: str) -> Iterator[EndpointRow]:
    names = (*_SIMPLE, *_ENGLISH, "messages")
    for row in db.execute(f"SELECT {', '.join(names)} FROM _sync_endpoints {where}", values):
        given = {name: value for name, value in zip(names, row, strict=True) if value is not None}
        try:
            yield _state(given)
        except (LookupError, TypeError, ValueError, msgspec.MsgspecError) as error:
            log.warning("the state of %s can't be read, and begins anew: %s", row[0], error)
            yield EndpointRow(id=str(row[0]))


def _state(given: dict[str, Any]) -> EndpointRow:
    """The state that these columns hold. LookupError, TypeError, ValueError or MsgspecError when they hold none."""
    said = msgspec.json.decode(given.pop("messages", "null"))
    title, cause, next, *others = (foreign(given.pop(name)) for name in _ENGLISH)
    for name in given.keys() & _TIMES:
        given[name] = datetime.fromisoformat(given[name])
    if said is None:  # an older version wrote it: English is all there is
        given |= dict(zip(_SENTENCES, others, strict=True))
        given["problem"] = Problem(title, cause, next) if title else None
    else:
        given |= {name: from_plain(said[name]) for name in _SENTENCES}
        given["stop_code"] = said["stop_code"]
        given["problem"] = Problem.from_plain(said["problem"]) if said["problem"] else None
    row = EndpointRow(**given)
    if row.status not in get_args(Status) or type(row.attempts) is not int or type(row.generation) is not int:
        raise ValueError(row.status)
    return row


def _stored(row: EndpointRow) -> dict[str, Any]:
    """What is written of a state: its messages in English and, beside it, as ids and arguments."""
    problem = row.problem or Problem(NOTHING)
    said: dict[str, Any] = {name: to_plain(getattr(row, name)) for name in _SENTENCES}
    said |= {"stop_code": row.stop_code, "problem": row.problem.to_plain() if row.problem else None}
    english = (problem.title, problem.cause, problem.next, *(getattr(row, name) for name in _SENTENCES))
    return {
        **{name: getattr(row, name) for name in _SIMPLE if name not in ("id", "rows", "held", "evidence")},
        **dict(zip(_ENGLISH, (each.english() for each in english), strict=True)),
        "messages": msgspec.json.encode(said).decode(),
    }


def load_states(db: apsw.Connection) -> dict[str, EndpointRow]:
    """The state of every endpoint that was ever known, by id."""
    return {row.id: row for row in _read_states(db)}


def load_state(db: apsw.Connection, id: str) -> EndpointRow:
    """The state of one endpoint; a fresh one when it was never known."""
    return next(_read_states(db, "WHERE id = ?", id), EndpointRow(id=id))


def save_state(db: apsw.Connection, row: EndpointRow) -> None:
    """Write one endpoint's state. `rows`, `held` and `evidence` belong to publishing and are left as they are.

    Nothing is written when nothing changed.
    """
    enter(db, row.id)
    _update(db, "id", row.id, _stored(row))


def find_entry(db: apsw.Connection, id: str) -> Entry | None:
    """The endpoint's entry; None when it was never known."""
    return next(_read(db, Entry, "WHERE id = ?", id), None)


def find_owner(db: apsw.Connection, table: str, besides: int = 0) -> Entry | None:
    """The entry of an endpoint whose table is called so, and that has another number than `besides`."""
    return next(_read(db, Entry, "WHERE table_name = ? COLLATE NOCASE AND number <> ?", table, besides), None)


def enter(db: apsw.Connection, id: str) -> Entry:
    """The endpoint's entry, made if it was never known."""
    db.execute("INSERT INTO _sync_endpoints (id) VALUES (?) ON CONFLICT DO NOTHING", (id,))
    entry = find_entry(db, id)
    assert entry is not None
    return entry


def name_table(db: apsw.Connection, number: int, table: str) -> None:
    """The endpoint's table is called so now."""
    _update(db, "number", number, {"table_name": table})


def save_table(db: apsw.Connection, number: int, table: str | None, mapping: str, rows: int, held: int) -> None:
    """What a publish made of the endpoint's table."""
    _update(db, "number", number, {"table_name": table, "mapping": mapping, "rows": rows, "held": held})


def save_evidence(db: apsw.Connection, id: str, evidence: str) -> None:
    """Why the listing that was published is believed to be complete."""
    _update(db, "id", id, {"evidence": evidence})


def save_none_held(db: apsw.Connection, number: int) -> None:
    """No deletion waits for the user's confirmation any more."""
    _update(db, "number", number, {"held": 0})


def doubt(db: apsw.Connection, number: int, doubt: Doubt) -> None:
    """Have the next run see to it that the endpoint's table is what is known of it, or need not any more."""
    _update(db, "number", number, {"doubted": doubt})


def read_doubt(db: apsw.Connection, id: str) -> Doubt:
    """What the next run must see to."""
    found = db.execute("SELECT doubted FROM _sync_endpoints WHERE id = ?", (id,)).get
    return COUNT if found == COUNT else COMPARE if found else BELIEVED


def forget(db: apsw.Connection, id: str) -> None:
    """Forget an endpoint's state; its table stays unless `table.drop` was called before."""
    entry = find_entry(db, id)
    if entry is not None:
        for table in ("_sync_columns", "_sync_held", "_sync_suspects"):
            db.execute(f"DELETE FROM {table} WHERE endpoint = ?", (entry.number,))
        db.execute(f"DROP TABLE IF EXISTS _sync_rows_{entry.number}")
        db.execute(f"DROP TABLE IF EXISTS _sync_parents_{entry.number}")
        db.execute("DELETE FROM _sync_endpoints WHERE number = ?", (entry.number,))


def read_marks(db: apsw.Connection, id: str) -> Marks:
    """The endpoint's marks; empty ones when it never ran."""
    return next(_read(db, Marks, "WHERE id = ?", id), Marks())


def write_marks(db: apsw.Connection, id: str, marks: Marks) -> None:
    """Leave these marks; in the transaction that publishes what they stand for."""
    _update(db, "id", id, msgspec.structs.asdict(marks))


def read_found(db: apsw.Connection, id: str) -> str | None:
    """What detection found out about an endpoint at its last run, as it was given to `write_found`."""
    text: str | None = db.execute("SELECT found FROM _sync_endpoints WHERE id = ?", (id,)).get
    return text


def write_found(db: apsw.Connection, id: str, found: str) -> None:
    """Remember what detection found out about an endpoint."""
    _update(db, "id", id, {"found": found})


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
