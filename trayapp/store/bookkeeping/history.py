"""The history: runs, what each changed, and how long it is kept."""

import logging
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Literal

import apsw
import msgspec

from trayapp.messages import NOTHING, Message, foreign, from_plain, to_plain
from trayapp.store.records.values import SqlValue
from trayapp.store.times import to_text

log = logging.getLogger(__name__)


class RunRow(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the history: a run, or a skipped run (status "skipped") with its reason. Times are aware UTC.

    evidence: as in `sync.evidence`; None where the run did not get that far.

    The table holds the messages in English, and in `messages` as JSON, so that they are read in today's language.
    """

    run: int = 0
    endpoint: str
    name: str
    table: str = ""
    started: datetime
    finished: datetime
    status: str = ""
    reason: Message = NOTHING
    added: int = 0
    changed: int = 0
    deleted: int = 0
    unchanged: int = 0
    held: int = 0
    requests: int = 0
    bytes: int = 0
    evidence: Literal["counted", "ended", "asked", "declared", "unproven"] | None = None
    warnings: tuple[Message, ...] = ()
    sentence: Message = NOTHING


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What a run did to one record; before and after hold the changed fields, all of them for a whole record."""

    run: int
    table: str
    key: SqlValue
    kind: str
    at: datetime
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None


_FIELDS = RunRow.__struct_fields__
_COLUMNS = ", ".join(f'"{name}"' for name in _FIELDS)


def next_number(db: apsw.Connection) -> int:
    """The number the next recorded run will have; inside a writing transaction it is kept free."""
    # A run whose line is lost may have left changes.
    newest = [_newest(db, table) for table in ("_sync_runs", "_sync_changes")]
    return max(newest) + 1


def _newest(db: apsw.Connection, table: str) -> int:
    number = db.execute(f"SELECT max(run) FROM {table}").get
    if not isinstance(number, int | None):  # another program wrote that
        number = db.execute(f"SELECT max(run) FROM {table} WHERE typeof(run) = 'integer'").get
    return number if isinstance(number, int) else 0


def record_run(db: apsw.Connection, row: RunRow, number: int | None = None) -> int:
    """Write a run's line under `number`, or the next free one (the row's own is ignored), and return the number."""
    number = next_number(db) if number is None else number
    values = msgspec.structs.asdict(row) | {
        "run": number,
        "started": to_text(row.started),
        "finished": to_text(row.finished),
        "reason": row.reason.english(),
        "warnings": msgspec.json.encode([each.english() for each in row.warnings]).decode(),
        "sentence": row.sentence.english(),
        "messages": msgspec.json.encode(
            {
                "reason": to_plain(row.reason),
                "warnings": [*map(to_plain, row.warnings)],
                "sentence": to_plain(row.sentence),
            }
        ).decode(),
    }
    names = ", ".join(f'"{name}"' for name in values)
    db.execute(f"INSERT INTO _sync_runs ({names}) VALUES ({', '.join('?' * len(values))})", [*values.values()])
    return number


def list_runs(db: apsw.Connection, endpoint: str | None = None, limit: int = 500) -> tuple[RunRow, ...]:
    """The newest runs first; of one endpoint, or of all."""
    where, values = ("WHERE endpoint = ?", (endpoint,)) if endpoint is not None else ("", ())
    rows = db.execute(
        f"SELECT {_COLUMNS}, messages FROM _sync_runs {where} ORDER BY run DESC LIMIT ?", (*values, limit)
    )
    return tuple(filter(None, map(_readable, rows)))


def _readable(row: tuple[Any, ...]) -> RunRow | None:
    try:
        return _from_sql(row)
    except (LookupError, TypeError, ValueError, msgspec.MsgspecError) as error:
        log.warning("run %s of the history can't be read: %s", row[0], error)
        return None


def _from_sql(row: tuple[Any, ...]) -> RunRow:
    *row_values, messages = row
    values = dict(zip(_FIELDS, row_values, strict=True))
    values["started"], values["finished"] = map(datetime.fromisoformat, (values["started"], values["finished"]))
    if messages is None:  # an older version wrote it: English is all there is
        values["reason"], values["sentence"] = foreign(values["reason"]), foreign(values["sentence"])
        values["warnings"] = tuple(map(foreign, msgspec.json.decode(values["warnings"])))
    else:
        said = msgspec.json.decode(messages)
        values["reason"], values["sentence"] = from_plain(said["reason"]), from_plain(said["sentence"])
        values["warnings"] = tuple(map(from_plain, said["warnings"]))
    return RunRow(**values)


def last_publish(db: apsw.Connection, id: str) -> int:
    """The number of the last run that changed or confirmed the endpoint's table; 0 when there is none."""
    number = db.execute(
        "SELECT coalesce(max(run), 0) FROM _sync_runs WHERE endpoint = ? AND status IN ('succeeded', 'held')", (id,)
    ).get
    assert isinstance(number, int)
    return number


def recent_statuses(db: apsw.Connection, endpoint: str, count: int = 12) -> tuple[str, ...]:
    """The statuses of an endpoint's last runs, oldest first."""
    rows = db.execute(
        "SELECT status FROM _sync_runs WHERE endpoint = ? AND status <> 'skipped' ORDER BY run DESC LIMIT ?",
        (endpoint, count),
    )
    return tuple(reversed([status for (status,) in rows]))


def record_changes(
    db: apsw.Connection, run: int, table: str, changes: Iterable[tuple[SqlValue, str, str | None, str | None]]
) -> None:
    """Write (key, kind, before, after) lines; before and after are JSON text."""
    db.executemany(
        "INSERT INTO _sync_changes VALUES (?, ?, ?, ?, ?, ?)",
        ((run, table, key, kind, before, after) for key, kind, before, after in changes),
    )


def list_changes(
    db: apsw.Connection, endpoint: str | None = None, since: datetime | None = None, limit: int = 10_000
) -> Iterator[Change]:
    """The newest changes first."""
    rows = db.execute(
        'SELECT c.run, c."table", c.key, c.kind, r.started, c.before, c.after FROM _sync_changes AS c'
        " JOIN _sync_runs AS r USING (run)"
        " WHERE (?1 IS NULL OR r.endpoint = ?1) AND (?2 IS NULL OR r.started >= ?2) ORDER BY c.rowid DESC LIMIT ?3",
        (endpoint, to_text(since), limit),
    )
    for run, table, key, kind, at, before, after in rows:
        yield Change(
            run=run,
            table=table,
            key=key,
            kind=kind,
            at=datetime.fromisoformat(at),
            before=msgspec.json.decode(before) if before else None,
            after=msgspec.json.decode(after) if after else None,
        )


def prune(db: apsw.Connection, before: datetime, keep: int) -> int:
    """Delete runs that ended before that time, with their changes; how many runs went.

    Of each endpoint at most `keep` runs stay, the newest ones, and beyond those the ones that changed records: every
    change has its time.
    """
    limit, gone = to_text(before), 0
    if db.execute("SELECT EXISTS (SELECT 1 FROM _sync_runs WHERE finished < ?)", (limit,)).get:
        db.execute("DELETE FROM _sync_changes WHERE run IN (SELECT run FROM _sync_runs WHERE finished < ?)", (limit,))
        db.execute("DELETE FROM _sync_runs WHERE finished < ?", (limit,))
        gone = db.changes()
    full = db.execute("SELECT endpoint FROM _sync_runs GROUP BY endpoint HAVING count(*) > ?", (keep,)).fetchall()
    for (endpoint,) in full:
        db.execute(
            "DELETE FROM _sync_runs WHERE endpoint = ?1 AND added = 0 AND changed = 0 AND deleted = 0 AND run <="
            " (SELECT run FROM _sync_runs WHERE endpoint = ?1 ORDER BY run DESC LIMIT 1 OFFSET ?2)",
            (endpoint, keep),
        )
        gone += db.changes()
    return gone
