"""How a run ended, in words for people and as a line of the history."""

from datetime import datetime

import msgspec

from trayapp.endpoints.model import Endpoint
from trayapp.errors import UserError
from trayapp.store.bookkeeping.history import RunRow
from trayapp.store.errors import StoreFull
from trayapp.store.mirror.publish import Outcome
from trayapp.sync.errors import SyncError, failure_of
from trayapp.sync.report import Report, RunStatus, sentence_of


def report_of(
    endpoint: Endpoint,
    times: tuple[datetime, datetime],
    status: RunStatus,
    outcome: Outcome,
    reason: str,
    error: UserError | None,
) -> Report:
    """The report of a run between those times, but for what it cost and what else people should know."""
    report = Report(
        endpoint=endpoint.id,
        name=endpoint.name,
        table=endpoint.table.name,
        status=status,
        started=times[0],
        finished=times[1],
        reason=reason or (error.title if error else ""),
        added=outcome.added,
        changed=outcome.changed,
        deleted=outcome.deleted,
        unchanged=outcome.unchanged,
        held=outcome.held,
        suspects=outcome.suspects,
        rows=outcome.rows if status in ("succeeded", "held") else None,
        problem=error.problem if error else None,
        failure=failure_of(error) if error else "",
        retry_after=error.retry_after if isinstance(error, SyncError) else None,
    )
    return msgspec.structs.replace(report, sentence=sentence_of(report))


def row_of(report: Report) -> RunRow:
    """The report as a line of the history."""
    names = [name for name in RunRow.__struct_fields__ if name != "run"]
    return RunRow(**{name: getattr(report, name) for name in names})


def disk_full() -> UserError:
    """The words for a disk without room."""
    return StoreFull("The disk is full", "There is no room for the listing.", "Make room; the table is as it was.")


def unexpected(error: Exception) -> UserError:
    """The words for what nobody thought of; its details are for the log."""
    return UserError(
        "The run ended with an error in the program",
        f"{type(error).__name__}: details are in the log.",
        "The table is as it was. Please report this if it happens again.",
    )
