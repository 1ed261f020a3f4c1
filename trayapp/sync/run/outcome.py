"""How a run ended, in words for people and as a line of the history."""

from datetime import datetime

import msgspec

from trayapp.endpoints.model import Endpoint
from trayapp.errors import EnvironmentProblem, UserError, problem_of
from trayapp.messages import NOTHING
from trayapp.store.bookkeeping.history import RunRow
from trayapp.store.mirror.publish import Outcome
from trayapp.sync.cancel import StopReason, stopped_sentence
from trayapp.sync.errors import SyncError, failure_of
from trayapp.sync.evidence import Evidence
from trayapp.sync.report import Report, RunStatus, sentence_of


def report_of(
    endpoint: Endpoint,
    times: tuple[datetime, datetime],
    status: RunStatus,
    outcome: Outcome,
    stopped: StopReason | None,
    error: UserError | None,
    evidence: Evidence | None = None,
) -> Report:
    """The report of a run between those times, but for what it cost and what else people should know."""
    report = Report(
        endpoint=endpoint.id,
        name=endpoint.name,
        table=endpoint.table.name,
        status=status,
        started=times[0],
        finished=times[1],
        reason=stopped.words if stopped else error.problem.title if error else NOTHING,
        added=outcome.added,
        changed=outcome.changed,
        deleted=outcome.deleted,
        unchanged=outcome.unchanged,
        held=outcome.held,
        suspects=outcome.suspects,
        rows=outcome.rows if status in ("succeeded", "incomplete", "held") else None,
        evidence=evidence,
        problem=error.problem if error else None,
        failure=failure_of(error) if error else "",
        retry_after=error.retry_after if isinstance(error, SyncError) else None,
    )
    return msgspec.structs.replace(report, sentence=stopped_sentence(stopped) if stopped else sentence_of(report))


def row_of(report: Report) -> RunRow:
    """The report as a line of the history."""
    names = [name for name in RunRow.__struct_fields__ if name != "run"]
    return RunRow(**{name: getattr(report, name) for name in names})


def unexpected(error: Exception) -> UserError:
    """The words for what no layer expected: the machine's state, or a bug, whose details are for the log."""
    return EnvironmentProblem.of(problem_of(error))
