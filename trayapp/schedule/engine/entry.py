"""All that the planner keeps of one endpoint."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from trayapp.endpoints.model import Endpoint
from trayapp.schedule.engine import work
from trayapp.schedule.engine.placement import Place
from trayapp.schedule.engine.queue import Wish
from trayapp.store.bookkeeping.endpoint_states import EndpointRow

_RECENT = 12


class Entry(msgspec.Struct, kw_only=True, eq=False):
    """An endpoint of the settings, its row as it is to be saved, and what is known while the process lives."""

    endpoint: Endpoint
    row: EndpointRow
    recent: tuple[str, ...] = ()
    """Statuses of its last runs, oldest first, at most 12."""
    children: Sequence[str] = ()
    """The endpoints that run after it."""
    place: Place | None = None
    """Where it was found to belong; None while it runs, and for one that this process leaves alone."""
    recorded: bool = False
    """Whether its skipped run is in the history already: one line from falling due to starting."""
    held_back: datetime | None = None
    """It does not start before, so that not all start at once."""
    wish: Wish | None = None
    """The run that the user asked for and that has not started."""
    awaited: bool = False
    """Whether that one was neither started nor refused: whoever asked waits for an answer."""
    unreached: bool = False
    """Whether its last run failed for want of a connection."""

    @property
    def id(self) -> str:
        """The endpoint's id."""
        return self.endpoint.id

    def is_due(self, now: datetime) -> bool:
        """Whether its time has come."""
        due = work.due_at(self.row)
        return due is not None and due <= now

    def ended(self, status: str, unreached: bool) -> None:
        """A run ended so."""
        self.recent = (*self.recent, status)[-_RECENT:]
        self.unreached = unreached
