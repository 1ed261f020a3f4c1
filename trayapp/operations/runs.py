"""Running endpoints without a tray program: these, all, or what is due."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import msgspec

from trayapp.desktop.watched import stamp
from trayapp.endpoints.model import Endpoint, Settings
from trayapp.operations.conditions import answered, conditions_now
from trayapp.operations.workspace import Workspace
from trayapp.schedule import work
from trayapp.schedule.chains import children_of
from trayapp.schedule.constraints import blocked_by
from trayapp.schedule.due import parents
from trayapp.schedule.questions import due_now
from trayapp.schedule.rows import prepared
from trayapp.store import missing, runs, state
from trayapp.store.pause import load_pause
from trayapp.sync.cancel import CancelToken
from trayapp.sync.report import Progress, Report

WORKERS = 4


def sync(
    workspace: Workspace,
    ids: Sequence[str] = (),
    *,
    due: bool = False,
    full: bool = False,
    apply_held: bool = False,
    cancel: CancelToken | None = None,
    progress: Callable[[Progress], None] = lambda _: None,
) -> list[Report]:
    """Run endpoints now, several at a time: these, or all enabled ones, or with `due` what is due and allowed.

    For a process that holds the engine's lock. States are kept as the scheduler keeps them. An endpoint that runs
    after another one waits for it, and what falls due by a success runs too.
    """
    settings = workspace.settings()
    named = {endpoint.id: endpoint for endpoint in map(workspace.endpoint, ids)}
    chosen = list(named.values()) or [each for each in settings.endpoint if each.enabled]
    now, zone = workspace.clock.now(), workspace.clock.zone()
    with workspace.store.reading() as db:
        states, pause = state.load_states(db), load_pause(db)
    rows = prepared(settings, states, now, zone)
    if due:
        for each in settings.endpoint:
            if each.watch and each.enabled:
                rows[each.id] = work.file_seen(rows[each.id], each.watch, stamp(each.watch), now)
    states = rows
    with workspace.store.writing(cancel) as db:
        for row in rows.values():
            state.save_state(db, row)
    conditions = conditions_now(workspace, pause, settings.endpoint if due else ())
    token = cancel or CancelToken()
    reports: list[Report] = []
    may_run = {each.id for each in chosen}
    if due:
        due_endpoints = due_now(states, settings, conditions, now, zone)
        conditions = answered(conditions, due_endpoints)
        chosen = [each for each in due_now(states, settings, conditions, now, zone) if each.id in may_run]
    else:
        conditions = answered(conditions, chosen, wished=True)
        for each in tuple(chosen):
            if reason := blocked_by(each, conditions, now, zone, wished=True):
                chosen.remove(each)
                reports.append(not_started(each, reason, now))
    with ThreadPoolExecutor(WORKERS, thread_name_prefix="sync") as pool:
        while chosen:
            waiting = {each.id for each in chosen}
            ready = [each for each in chosen if not waiting.intersection(parents(each))]
            reports += pool.map(
                lambda each: _work(workspace, each, settings, rows, full, apply_held, token, progress), ready
            )
            may_run -= {each.id for each in ready}
            chosen = [each for each in chosen if each.id in may_run]
            if due:
                allowed = due_now(rows, settings, conditions, workspace.clock.now(), zone)
                chosen = [each for each in allowed if each.id in may_run and (each in chosen or parents(each))]
    prune_history(workspace)
    return reports


def _work(
    workspace: Workspace,
    endpoint: Endpoint,
    settings: Settings,
    rows: dict[str, state.EndpointRow],
    full: bool,
    apply_held: bool,
    token: CancelToken,
    progress: Callable[[Progress], None],
) -> Report:
    import random

    row = work.start(rows[endpoint.id], workspace.clock.now())
    with workspace.store.writing(token) as db:
        state.save_state(db, row)
    report = workspace.execute(endpoint, full, token, progress, apply_held)
    now = workspace.clock.now()
    row = work.after_run(row, endpoint, report, now, workspace.clock.zone(), random.random)
    with workspace.store.writing() as db:
        rows[endpoint.id] = row
        changed = [row]
        if report.status == "succeeded":
            for id in children_of(settings).get(endpoint.id, ()):
                child = settings.find(id)
                assert child is not None
                rows[id] = work.parent_succeeded(rows[id], child, endpoint.id, now)
                changed.append(rows[id])
        for each in changed:
            state.save_state(db, each)
    return msgspec.structs.replace(report, next_due=work.due_at(row) if endpoint.enabled else None)


def prune_history(workspace: Workspace) -> int:
    """Forget runs and changes as general.keep_history and keep_runs say; how many runs went. Raises UserError."""
    general = workspace.settings().general
    kept = timedelta(seconds=general.keep_history.seconds)
    with workspace.store.writing() as db:
        return runs.prune(db, workspace.clock.now() - kept, general.keep_runs)


def keep_held(workspace: Workspace, id: str) -> None:
    """Keep the rows whose deletion is held."""
    with workspace.store.writing() as db:
        missing.keep_held(db, workspace.endpoint(id).id)


def not_started(endpoint: Endpoint, reason: str, now: datetime) -> Report:
    """The report of a run that was asked for but can't be made now."""
    return Report(
        endpoint=endpoint.id,
        name=endpoint.name or endpoint.id,
        table=endpoint.table.name,
        status="stopped",
        started=now,
        finished=now,
        reason=reason,
        sentence=f"Not started: {reason}.",
    )
