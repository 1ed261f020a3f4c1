"""How an endpoint is shown: its status from its row and what the planner knows of it. Pure functions."""

from collections.abc import Sequence
from datetime import datetime

from trayapp.endpoints.calendar import Once
from trayapp.endpoints.model import Endpoint
from trayapp.endpoints.schedule import EventsOnly, schedule_of
from trayapp.errors import Problem
from trayapp.messages import foreign
from trayapp.schedule.engine import work
from trayapp.schedule.engine.snapshot import EndpointState, EndpointStatus
from trayapp.schedule.times.descriptions import events, listed
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
        sentence=row.sentence,
        problem=_problem(row),
        progress=progress if running else None,
        recent=recent,
        once=isinstance(schedule, Once),
        event=listed(events(endpoint)) if isinstance(schedule, EventsOnly) else "",
    )


def _problem(row: EndpointRow) -> Problem | None:
    if not row.problem_title:
        return None
    return Problem(foreign(row.problem_title), foreign(row.problem_cause), foreign(row.problem_next))


def _state(endpoint: Endpoint, row: EndpointRow, awaited: str) -> EndpointState:
    if not endpoint.enabled:
        return "disabled"
    if row.blocked_by:
        return "blocked"
    if row.problem_title:
        return "failing"
    if row.held:
        return "held"
    return "blocked" if awaited else "enqueued"


def _awaited(endpoint: Endpoint, row: EndpointRow, before: Sequence[Endpoint]) -> str:
    """The success of another endpoint that must come first, in words; "" if there is none to wait for."""
    if not endpoint.enabled or row.status == "running" or not only_after(endpoint) or work.due_at(row) is not None:
        return ""
    known = {each.id: each.name for each in before}
    names = [known.get(id) or id for id in work.awaited(row, endpoint)]
    needs_all = endpoint.after is not None and endpoint.after.need == "all"
    return f"waits for {listed(names, 'and' if needs_all else 'or')}" if names else ""
