"""The persisted state of every endpoint: what the scheduler must still know after a restart."""

from datetime import datetime
from typing import Literal

import msgspec

Status = Literal["enqueued", "running", "cancelled"]


class EndpointRow(msgspec.Struct, frozen=True, kw_only=True):
    """One endpoint's work state; all times are aware UTC.

    attempts: starts since the last success or give-up, 0 when the regular schedule is followed. generation: how often
    the endpoint's settings changed. next_due: when it runs next by back-off or schedule, None when never by itself;
    next_override: a time that is taken once instead of it. stop_reason: why the last run was stopped, "" when it was
    not. held: deletes that await the user's word.
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
