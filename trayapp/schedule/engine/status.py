"""How an endpoint is shown: its status from its row and what the planner knows of it. Pure functions."""

from collections.abc import Sequence
from datetime import datetime

from trayapp.endpoints.calendar import Once
from trayapp.endpoints.model import Endpoint
from trayapp.endpoints.schedule import EventsOnly, schedule_of
from trayapp.messages import NOTHING, Message, either, listing, say
from trayapp.schedule.engine import work
from trayapp.schedule.engine.snapshot import EndpointState, EndpointStatus
from trayapp.schedule.times.descriptions import describe
from trayapp.schedule.times.due import only_after
from trayapp.store.bookkeeping.endpoint_states import EndpointRow
from trayapp.sync.report import Progress


def status(
    endpoint: Endpoint,
    row: EndpointRow,
    before: Sequence[Endpoint],
    *,
    running: bool = False,
    held_back: datetime | None = None,
    progress: Progress | None = None,
    recent: tuple[str, ...] = (),
) -> EndpointStatus:
    """The endpoint's status. before: those it runs after; held_back: it does not start sooner; progress: of its run."""
    due = work.due_at(row)
    if due is not None and held_back is not None:
        due = max(due, held_back)
    awaited = _awaited(endpoint, row, before)
    schedule = schedule_of(endpoint)
    return EndpointStatus(
        id=endpoint.id,
        name=endpoint.name or endpoint.id,
        table=endpoint.table.name,
        tags=endpoint.tags,
        state="running" if running else _state(endpoint, row, awaited),
        enabled=endpoint.enabled,
        blocked_by=row.blocked_by or awaited,
        last_attempt=row.last_attempt,
        last_success=row.last_success,
        next_due=due if endpoint.enabled else None,
        attempts=row.attempts,
        generation=row.generation,
        rows=row.rows,
        held=row.held,
        evidence=row.evidence,
        sentence=row.sentence,
        problem=row.problem,
        progress=progress if running else None,
        recent=recent,
        once=isinstance(schedule, Once),
        event=describe(endpoint) if isinstance(schedule, EventsOnly) else NOTHING,
    )


def _state(endpoint: Endpoint, row: EndpointRow, awaited: Message) -> EndpointState:
    if not endpoint.enabled:
        return "disabled"
    if row.blocked_by:
        return "blocked"
    if row.problem:
        return "failing"
    if row.held:
        return "held"
    return "blocked" if awaited else "enqueued"


def _awaited(endpoint: Endpoint, row: EndpointRow, before: Sequence[Endpoint]) -> Message:
    """The success of another endpoint that must come first, in words; NOTHING if there is none to wait for."""
    if not endpoint.enabled or row.status == "running" or not only_after(endpoint) or work.due_at(row) is not None:
        return NOTHING
    known = {each.id: each.name for each in before}
    names = tuple(known.get(id) or id for id in work.awaited(row, endpoint))
    needs_all = endpoint.after is not None and endpoint.after.need == "all"
    return say("waiting for {endpoints}", endpoints=(listing if needs_all else either)(names)) if names else NOTHING
