"""What a run did, and how that is said to people."""

from datetime import datetime
from typing import Literal

import msgspec

from trayapp.errors import Problem
from trayapp.messages import NOTHING, Message, paragraph, say, say_count
from trayapp.sync.evidence import Evidence

RunStatus = Literal["succeeded", "incomplete", "failed", "stopped", "held"]
"""incomplete: records came and are kept, but not all that there are. held: deletions need the user's confirmation."""
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
    reason: Message = NOTHING
    added: int = 0
    changed: int = 0
    deleted: int = 0
    unchanged: int = 0
    held: int = 0
    suspects: int = 0
    """Records that seem deleted; the next run tells."""
    rows: int | None = None
    """What the table holds now; None when the run did not get that far."""
    evidence: Evidence | None = None
    """Why the listing is believed to be complete; None when the run did not get that far."""
    requests: int = 0
    bytes: int = 0
    warnings: tuple[Message, ...] = ()
    sentence: Message = NOTHING
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


def sentence_of(report: Report) -> Message:
    """What a run that was not stopped did, without the endpoint's name: "3 new, 1 changed.", "No changes."."""
    trouble = NOTHING
    if report.problem is not None:
        title, cause = report.problem.title, report.problem.cause
        trouble = say("{title}: {cause}", title=title, cause=cause) if cause else say("{title}.", title=title)
        if report.status != "incomplete":
            return trouble
    changes = (
        say_count("{count} new", "{count} new", report.added),
        say_count("{count} changed", "{count} changed", report.changed),
        say_count("{count} deleted", "{count} deleted", report.deleted),
    )
    counted = tuple(each for each in changes if each.args["count"])
    return paragraph(
        say("{changes}.", changes=counted) if counted else say("No changes."),
        held_sentence(report.held) if report.held else NOTHING,
        say_count(
            "{count} record seems deleted; the next run will confirm this.",
            "{count} records seem deleted; the next run will confirm this.",
            report.suspects,
        )
        if report.suspects
        else NOTHING,
        trouble,
    )


def held_sentence(count: int) -> Message:
    """Deletions that the brake holds back."""
    return say_count("{count} deletion needs your confirmation.", "{count} deletions need your confirmation.", count)
