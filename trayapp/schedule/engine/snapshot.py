"""What the scheduler shows the outside: frozen pictures of every endpoint's state, safe to hand across threads."""

from datetime import datetime
from typing import Literal

import msgspec

from trayapp.errors import Problem
from trayapp.messages import NOTHING, Message
from trayapp.store.bookkeeping.history import RunRow as RunRow
from trayapp.store.reading.arrangement import ALL as ALL
from trayapp.store.reading.arrangement import Arrangement as Arrangement
from trayapp.store.reading.reader import RowsPage as RowsPage
from trayapp.sync.report import Progress

EndpointState = Literal["enqueued", "running", "blocked", "held", "failing", "disabled"]
TrayState = Literal["idle", "syncing", "paused", "offline", "attention", "error"]


class EndpointStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One endpoint as `status --json` and the window show it; times are aware UTC, None when there is none."""

    id: str
    name: str
    table: str
    tags: tuple[str, ...] = ()
    state: EndpointState
    enabled: bool = True
    blocked_by: Message = NOTHING
    last_attempt: datetime | None = None
    last_success: datetime | None = None
    next_due: datetime | None = None
    attempts: int = 0
    generation: int = 0
    """How often the settings changed; a run goes on with those it began with."""
    rows: int | None = None
    held: int = 0
    evidence: str = ""
    """Why the listing is believed to be complete, as in `sync.evidence`."""
    sentence: Message = NOTHING
    problem: Problem | None = None
    progress: Progress | None = None
    recent: tuple[str, ...] = ()
    """Statuses of the last runs, oldest first, at most 12: for the sparkline."""
    once: bool = False
    """Whether it runs a single time; without next_due that is over."""
    event: Message = NOTHING
    """What it runs after, in words, if it has no times."""


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the tray and the window need at one moment."""

    endpoints: tuple[EndpointStatus, ...] = ()
    paused: bool = False
    paused_until: datetime | None = None
    """None while paused means: until the user resumes."""
    online: bool = True
    settings_problem: Problem | None = None

    @property
    def state(self) -> TrayState:
        """The one state the tray icon shows, the most urgent first."""
        states = {endpoint.state for endpoint in self.endpoints}
        if "running" in states:
            return "syncing"
        if self.paused:
            return "paused"
        if "failing" in states or self.settings_problem:
            return "error"
        if not self.online:
            return "offline"
        return "attention" if "held" in states else "idle"
