"""Where an endpoint belongs at one moment: waiting, blocked, held back or queued; a run: going on or stopping.

Pure decisions over an endpoint's settings, its row and the machine's conditions; the planner carries them out.
"""

from datetime import datetime, timedelta, tzinfo

import msgspec

from trayapp.endpoints.model import Endpoint
from trayapp.messages import Message
from trayapp.schedule.conditions.constraints import blocked_until, lost, obstacle, questions, window_edge
from trayapp.schedule.conditions.machine import Conditions
from trayapp.schedule.engine import work
from trayapp.schedule.engine.queue import Item, Wish, host
from trayapp.schedule.engine.work import Stop
from trayapp.schedule.times.due import parents
from trayapp.store.bookkeeping.endpoint_states import EndpointRow
from trayapp.sync.cancel import StopReason, time_limit

ASKING = timedelta(seconds=60)
"""How long an answer of the machine is waited for; then the question counts as unknown, so that no run is lost."""


class Running(msgspec.Struct):
    """A run in progress, on the settings it began with. stop: what it was told, None if nothing.

    long_from: when it has lasted LONG.
    """

    item: Item
    endpoint: Endpoint
    deadline: datetime
    long_from: datetime
    stop: Stop | None = None


class Waiting(msgspec.Struct, frozen=True):
    """Nothing is due before `until`; None: not by itself."""

    until: datetime | None


class Blocked(msgspec.Struct, frozen=True):
    """It is due, but something holds it back. look_again: when time alone may have lifted that; None: it can't.

    asks: the machine must go on being asked, since nothing else is in the way.
    """

    reason: Message
    look_again: datetime | None
    asks: bool = False


class Asking(msgspec.Struct, frozen=True):
    """It may run as far as is known, but the machine has not answered yet; it is not waited for after `until`."""

    until: datetime


class HeldBack(msgspec.Struct, frozen=True):
    """It may run, but at `until`, so that not all start at once."""

    until: datetime


class Queued(msgspec.Struct, frozen=True):
    """It waits for a worker only. look_again: when it may no longer start, by the time alone; None: never."""

    item: Item
    look_again: datetime | None = None


Place = Waiting | Blocked | Asking | HeldBack | Queued


class Going(msgspec.Struct, frozen=True):
    """The run goes on; `look_again` is when its time is over, a constraint may be lost, or its worker is free."""

    look_again: datetime


class Stopping(msgspec.Struct, frozen=True):
    """The run must stop. wish: what the user asked for with it, and still wants."""

    stop: Stop
    wish: Wish | None = None


def place(
    endpoint: Endpoint,
    row: EndpointRow,
    wish: Wish | None,
    held_back: datetime | None,
    conditions: Conditions,
    now: datetime,
    zone: tzinfo,
    asked_since: datetime,
) -> Place:
    """Where an endpoint that is not running belongs.

    held_back: it shall not start before. asked_since: when the machine was first asked for it, or now. For what the
    user asked for, soft constraints do not count, nor does it matter whether the endpoint is on.
    """
    due = now if wish is not None else work.due_at(row) if endpoint.enabled else None
    if due is None or due > now:
        return Waiting(due)
    wished = wish is not None
    if check := obstacle(endpoint, conditions, now, zone, wished=wished):
        look_again = None if wished else blocked_until(endpoint, conditions, now, zone)
        return Blocked(check.reason, look_again, check.asked)
    answered = questions(endpoint, wished=wished) <= conditions.answers.keys()
    if not answered and now < asked_since + ASKING:
        return Asking(asked_since + ASKING)
    if held_back is not None and held_back > now:
        return HeldBack(held_back)
    return Queued(
        Item(
            id=endpoint.id,
            host=host(endpoint.url),
            due=due,
            wish=wish,
            after=parents(endpoint) if endpoint.after is None or endpoint.after.need == "all" else (),
        ),
        None if wished else window_edge(endpoint, now, zone),
    )


def run_place(running: Running, conditions: Conditions, now: datetime, zone: tzinfo) -> Going | Stopping:
    """Whether a run may go on."""
    endpoint, item = running.endpoint, running.item
    if now >= running.deadline:
        return Stopping(Stop(time_limit(endpoint.limits.run), "retry"))
    if reason := lost(endpoint, conditions, now, zone, wished=item.expedited):
        return Stopping(Stop(StopReason("condition", reason), "again"), item.wish)
    edge = None if item.expedited else window_edge(endpoint, now, zone)
    ahead = (running.deadline, running.long_from if now < running.long_from else None, edge)
    return Going(min(moment for moment in ahead if moment is not None))
