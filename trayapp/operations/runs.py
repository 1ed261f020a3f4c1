"""Running endpoints without a tray program: these, all, or what is due."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from trayapp.desktop.machine.file_stamps import stamps
from trayapp.endpoints.model import Endpoint
from trayapp.messages import Message, say
from trayapp.operations.care import take_care
from trayapp.operations.conditions import Machine
from trayapp.operations.workspace import Workspace
from trayapp.schedule.driver.headless import HeadlessScheduler
from trayapp.schedule.driver.persistence import StoredStates
from trayapp.schedule.engine.chains import depths
from trayapp.store.bookkeeping import history
from trayapp.sync.report import Progress, Report


def sync(
    workspace: Workspace,
    ids: Sequence[str] = (),
    *,
    due: bool = False,
    full: bool = False,
    apply_held: bool = False,
    progress: Callable[[Progress], None] = lambda _: None,
) -> list[Report]:
    """Run endpoints now, several at a time: these, or all enabled ones, or with `due` what is due and allowed.

    For the main thread of a process that holds the engine's lock. The reports, of each endpoint that of its last run,
    are in the order of the ids or the settings, but each after those it runs after. KeyboardInterrupt when the user
    broke it off; what ran is stopped by then. UserError.
    """
    settings = workspace.settings()
    take_care(workspace)
    named = {endpoint.id: endpoint for endpoint in map(workspace.endpoint, ids)}
    chosen = named or {each.id: each for each in settings.endpoint if each.enabled}
    machine = Machine(workspace, wished=not due)
    scheduler = HeadlessScheduler(
        lambda start, token, tell: workspace.execute(start.endpoint, full, token, tell, apply_held),
        StoredStates(workspace.store),
        workspace.clock,
        machine,
        progress,
        frozenset(chosen) if due else frozenset(),
    )
    try:
        if due:
            watched = {each.watch for each in chosen.values() if each.watch and each.enabled}
            scheduler.run(settings, files=stamps(tuple(watched)))
        else:
            scheduler.run(settings, tuple(chosen), full, apply_held)
    finally:
        machine.close()
    if scheduler.interrupted:
        raise KeyboardInterrupt
    prune_history(workspace)
    now = workspace.clock.now()
    refused = {id: not_started(chosen[id], reason, now) for id, reason in scheduler.refused.items()}
    reports = refused | scheduler.reports
    before = depths(settings)
    return [reports[id] for id in sorted(chosen, key=lambda id: before.get(id, 0)) if id in reports]


def prune_history(workspace: Workspace) -> int:
    """Forget runs and changes as general.keep_history and keep_runs say; how many runs went. Raises UserError."""
    general = workspace.settings().general
    kept = timedelta(seconds=general.keep_history.seconds)
    with workspace.store.writing() as db:
        return history.prune(db, workspace.clock.now() - kept, general.keep_runs)


def keep_held(workspace: Workspace, id: str) -> None:
    """Keep the rows whose deletion is held."""
    from trayapp.store.mirror import deletions

    with workspace.store.writing() as db:
        deletions.keep_held(db, workspace.endpoint(id).id)


def not_started(endpoint: Endpoint, reason: Message, now: datetime) -> Report:
    """The report of a run that was asked for but can't be made now."""
    return Report(
        endpoint=endpoint.id,
        name=endpoint.name or endpoint.id,
        table=endpoint.table.name,
        status="stopped",
        started=now,
        finished=now,
        reason=reason,
        sentence=say("Not started: {reason}.", reason=reason),
    )
