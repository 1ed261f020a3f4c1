"""What can be asked about endpoints without changing anything: where they stand, and why they wait."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import msgspec

from trayapp.endpoints.model import Settings
from trayapp.operations.conditions import answered, conditions_now
from trayapp.operations.selection import find
from trayapp.operations.workspace import Workspace
from trayapp.schedule.conditions.constraints import (
    Overruled,
    may_wait,
    overruled,
)
from trayapp.schedule.conditions.machine import Conditions
from trayapp.schedule.engine.explanations import why
from trayapp.schedule.engine.rows import prepared
from trayapp.schedule.times.due import parents
from trayapp.store.bookkeeping import endpoint_states, history
from trayapp.store.bookkeeping.pause import load_pause

if TYPE_CHECKING:
    from trayapp.schedule.engine.snapshot import EndpointStatus
    from trayapp.schedule.engine.staleness import Stale

_STALENESS = "staleness"


def statuses(workspace: Workspace) -> tuple[bool, str | None, "list[EndpointStatus]"]:
    """(paused, until when as text, every endpoint's status) as the database has them."""
    from trayapp.schedule.engine.planner import Planner

    settings = workspace.settings()
    now = workspace.clock.now()
    with workspace.store.reading() as db:
        states, pause = endpoint_states.load_states(db), load_pause(db)
        recent = {id: history.recent_statuses(db, id) for id in states}
    planner = Planner(states, pause, recent, workspace.clock.zone())
    planner.apply_settings(settings, now)
    until = pause.until.isoformat() if pause and pause.until else None
    return pause is not None, until, [planner.status(each.id, None) for each in settings.endpoint]


def why_waiting(
    workspace: Workspace, id: str, conditions: Conditions | None = None, running: Collection[str] = ()
) -> list[str]:
    """Why the endpoint does not run now, in sentences.

    conditions, running: what is known of the machine, and which endpoints run, when that is more than the file tells.
    """
    settings = workspace.settings()
    endpoint = find(settings, id)
    now, zone = workspace.clock.now(), workspace.clock.zone()
    with workspace.store.reading() as db:
        states, pause = endpoint_states.load_states(db), load_pause(db)
    found = {each: settings.find(each) for each in (*parents(endpoint), *running)}
    others = {id: each for id, each in found.items() if each is not None}
    rows = prepared(Settings(endpoint=tuple(({endpoint.id: endpoint} | others).values())), states, now, zone, running)
    known = {id: (each, rows[id]) for id, each in others.items()}
    lines = why(
        endpoint,
        rows[endpoint.id],
        answered(conditions or conditions_now(workspace, pause, (endpoint,)), (endpoint,)),
        now,
        zone,
        {id: known[id] for id in parents(endpoint) if id in known},
        {id: known[id] for id in running if id in known and known[id][1].status == "running"},
    )
    return [*map(str, lines)]


def would_overrule(
    workspace: Workspace, ids: Sequence[str] = (), conditions: Conditions | None = None
) -> list[Overruled]:
    """Which of these endpoints (all enabled ones) a run now would start in spite of what they wait for.

    What the user does not want to be asked about is left out. May take seconds.
    """
    settings = workspace.settings()
    chosen = [workspace.endpoint(id) for id in ids] or [each for each in settings.endpoint if each.enabled]
    chosen = [each for each in chosen if may_wait(each)]
    if not chosen:
        return []
    found = answered(conditions or conditions_now(workspace, None, chosen), chosen)
    now, zone = workspace.clock.now(), workspace.clock.zone()
    asked = []
    for each in chosen:
        checks = overruled(each, found, now, zone)
        told = [check for check in checks if check.kind not in settings.general.sync_anyway]
        if told:
            kinds = tuple(dict.fromkeys(check.kind for check in told))
            asked.append(Overruled(each.id, kinds, tuple(str(check.spoken) for check in told)))
    return asked


def newly_stale(workspace: Workspace, statuses: "Sequence[EndpointStatus]") -> "list[Stale]":
    """The endpoints without success for so long that the user must be told now, each once. Ask every few minutes.

    What was told is remembered in the database. UserError when that can't be used.
    """
    from trayapp.schedule.engine.staleness import Watch, look

    settings = workspace.settings()
    with workspace.store.reading() as db:
        text = endpoint_states.read_meta(db, _STALENESS)
    before = {} if text is None else msgspec.json.decode(text, type=dict[str, Watch])
    stale, after = look(before, statuses, settings, workspace.clock.now(), workspace.clock.zone())
    if after != before:
        with workspace.store.writing() as db:
            endpoint_states.write_meta(db, _STALENESS, msgspec.json.encode(after).decode())
    return stale
