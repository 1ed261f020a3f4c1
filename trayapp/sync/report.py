"""What a run did, and the one plain sentence of it for people."""

from datetime import datetime
from typing import Literal

import msgspec

from trayapp.errors import Problem

RunStatus = Literal["succeeded", "failed", "stopped", "held"]
Failure = Literal["", "network", "passing", "permanent"]
"""What a failure is due to: the connection, something that may pass, or something that stays until somebody acts."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of one run. Counts are records, `bytes` is after decompression, times are aware UTC.

    `rows` is how many the table has now, None when the run did not get to know it.
    """

    endpoint: str
    name: str
    table: str
    status: RunStatus
    started: datetime
    finished: datetime
    reason: str = ""
    added: int = 0
    changed: int = 0
    deleted: int = 0
    unchanged: int = 0
    held: int = 0
    suspects: int = 0
    """Records that seem deleted; the next run tells."""
    rows: int | None = None
    """What the table holds now; None when the run did not get that far."""
    requests: int = 0
    bytes: int = 0
    warnings: tuple[str, ...] = ()
    sentence: str = ""
    problem: Problem | None = None
    failure: Failure = ""
    retry_after: float | None = None
    next_due: datetime | None = None

    @property
    def seconds(self) -> float:
        """How long the run took."""
        return (self.finished - self.started).total_seconds()

    @property
    def has_changes(self) -> bool:
        """Whether the table differs from before the run."""
        return bool(self.added or self.changed or self.deleted)


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a running run is; `total` is what the server advertises, None when it says nothing."""

    endpoint: str
    pages: int = 0
    records: int = 0
    total: int | None = None
    doing: str = ""


def stopped_words(reason: str) -> str:
    """Why a run was stopped, to follow "Stopped" or "was stopped": " by the user", ": no network"."""
    return reason.removeprefix("stopped") if reason.startswith("stopped ") else f": {reason}"


def sentence_of(report: Report) -> str:
    """One plain sentence for people, without the endpoint's name: "3 new, 1 changed", "No changes", "Failed: …"."""
    if report.problem is not None:
        cause = str(report.problem.cause).rstrip(".")
        return f"{report.problem.title}: {cause}." if cause else f"{report.problem.title}."
    if report.status == "stopped":
        return f"Stopped{stopped_words(report.reason)}."
    parts = [
        f"{count:,} {word}"
        for count, word in ((report.added, "new"), (report.changed, "changed"), (report.deleted, "deleted"))
        if count
    ]
    sentence = ", ".join(parts) or "No changes"
    if report.held:
        sentence += f"; {report.held:,} {'deletion waits' if report.held == 1 else 'deletions wait'} for your word"
    if report.suspects:
        sentence += (
            f"; {report.suspects:,} {'seems' if report.suspects == 1 else 'seem'} deleted, the next run confirms"
        )
    return f"{sentence}."
