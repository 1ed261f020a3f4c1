"""What the planner decides, and what may be asked of it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec

from trayapp.endpoints.model import Endpoint
from trayapp.messages import Message
from trayapp.schedule.engine.queue import Wish
from trayapp.store.bookkeeping.endpoint_states import EndpointRow
from trayapp.store.bookkeeping.history import RunRow
from trayapp.sync.cancel import StopReason

IfRunning = Literal["keep", "replace", "append"]
"""What becomes of a run that is asked for while the endpoint runs: "keep", the present run is the one that was asked
for; "replace", the present run is stopped and a new one takes its place; "append", a new one follows the present one.
A run that waits in the queue serves whoever asks for one.
"""


class Start(msgspec.Struct, frozen=True):
    """A run to start, as the wish says that the user had."""

    endpoint: Endpoint
    wish: Wish = Wish()


class Actions(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done: start these runs, cancel those (id, reason), save rows, record skipped runs."""

    start: tuple[Start, ...] = ()
    cancel: tuple[tuple[str, StopReason], ...] = ()
    save: tuple[EndpointRow, ...] = ()
    skipped: tuple[RunRow, ...] = ()
    refused: tuple[tuple[str, Message], ...] = ()
    """Runs the user asked for that do not start now: (id, reason). Those that something holds back start later."""


class Outbox:
    """What was decided since it was last handed out."""

    def __init__(self) -> None:
        self.rows: dict[str, EndpointRow] = {}
        """Rows to save, by id."""
        self.cancels: dict[str, StopReason] = {}
        """Reasons why runs are to be stopped, by id."""
        self._skipped: list[RunRow] = []
        self._refused: list[tuple[str, Message]] = []

    def skip(self, endpoint: Endpoint, reason: Message, now: datetime) -> None:
        """Have a skipped run recorded."""
        self._skipped.append(
            RunRow(
                endpoint=endpoint.id,
                name=endpoint.name or endpoint.id,
                table=endpoint.table.name,
                started=now,
                finished=now,
                status="skipped",
                reason=reason,
            )
        )

    def refuse(self, id: str, reason: Message) -> None:
        """Have it told that the run that was asked for does not start now."""
        self._refused.append((id, reason))

    def take(self, start: Sequence[Start]) -> Actions:
        """All of it, and these runs to start; nothing is left."""
        actions = Actions(
            start=tuple(start),
            cancel=tuple(self.cancels.items()),
            save=tuple(self.rows.values()),
            skipped=tuple(self._skipped),
            refused=tuple(self._refused),
        )
        self.rows, self.cancels, self._skipped, self._refused = {}, {}, [], []
        return actions
