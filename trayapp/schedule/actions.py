"""What the planner decides, and what may be asked of it."""

from typing import Literal

import msgspec

from trayapp.endpoints.model import Endpoint
from trayapp.schedule.queue import Wish
from trayapp.store.runs import RunRow
from trayapp.store.state import EndpointRow

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
    cancel: tuple[tuple[str, str], ...] = ()
    save: tuple[EndpointRow, ...] = ()
    skipped: tuple[RunRow, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()
    """Runs the user asked for that do not start now: (id, reason). Those that something holds back start later."""
