"""Reports and states in the documented JSON form: what `sync --json` and `status --json` print."""

from typing import Any

import msgspec

from trayapp.schedule.engine.snapshot import EndpointStatus
from trayapp.store.bookkeeping.history import RunRow
from trayapp.store.times import to_text
from trayapp.sync.report import Report


def report_document(report: Report) -> dict[str, Any]:
    """A report in the documented JSON form; `problem` is there for runs that failed."""
    document: dict[str, Any] = {
        "endpoint": report.endpoint,
        "table": report.table,
        "status": report.status,
        "reason": str(report.reason),
        "added": report.added,
        "changed": report.changed,
        "deleted": report.deleted,
        "unchanged": report.unchanged,
        "held": report.held,
        "evidence": report.evidence,
        "requests": report.requests,
        "bytes": report.bytes,
        "seconds": round(report.seconds, 3),
        "warnings": [*map(str, report.warnings)],
        "sentence": str(report.sentence),
        "next_due": to_text(report.next_due),
    }
    if report.problem is not None:
        document["problem"] = report.problem.document()
    return document


def run_document(run: RunRow) -> dict[str, Any]:
    """A line of the history in the documented JSON form."""
    said = {"reason": str(run.reason), "warnings": [*map(str, run.warnings)], "sentence": str(run.sentence)}
    return msgspec.structs.asdict(run) | said


def status_document(status: EndpointStatus) -> dict[str, Any]:
    """An endpoint's status in the documented JSON form."""
    return {
        "id": status.id,
        "name": status.name,
        "tags": status.tags,
        "state": status.state,
        "blocked_by": str(status.blocked_by),
        "last_attempt": to_text(status.last_attempt),
        "last_success": to_text(status.last_success),
        "next_due": to_text(status.next_due),
        "attempts": status.attempts,
        "generation": status.generation,
        "rows": status.rows,
        "evidence": status.evidence or None,
        "problem": status.problem.document() if status.problem is not None else None,
    }
