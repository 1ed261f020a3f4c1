"""Running endpoints without a tray program: these, all, or what is due."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import datetime, timedelta

import msgspec

from trayapp.desktop.watched import stamp
from trayapp.endpoints.model import Endpoint, Settings
from trayapp.operations.conditions import answered, conditions_now
from trayapp.operations.workspace import Workspace
from trayapp.schedule import work
from trayapp.schedule.chains import children_of
from trayapp.schedule.constraints import blocked_by, lost
from trayapp.schedule.due import parents
from trayapp.schedule.questions import due_now
from trayapp.schedule.rows import prepared
from trayapp.store import missing, runs, state
from trayapp.store.pause import Pause, load_pause
from trayapp.sync.cancel import CancelToken
from trayapp.sync.report import Progress, Report

WORKERS = 4
LOOK_EVERY = 5.0
"""Seconds between two looks at what the endpoints want that run because they were due."""


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

    For the main thread of a process that holds the engine's lock. States are kept as the scheduler keeps them. An
    endpoint that runs after another one waits for it, and what falls due by a success runs too. With `due`, a run that
    loses what its endpoint wants is stopped, and stays due.
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
            going = [_Going(each, token) for each in ready]
            asked = [pool.submit(_work, workspace, each, settings, rows, full, apply_held, progress) for each in going]
            try:
                while wait(asked, LOOK_EVERY if due else None).not_done:
                    _stop_lost(workspace, pause, [each for each in going if not each.ended])
            except KeyboardInterrupt:
                token.cancel("interrupted")
                raise
            reports += [each.result() for each in asked]
            may_run -= {each.id for each in ready}
            chosen = [each for each in chosen if each.id in may_run]
            if due:
                allowed = due_now(rows, settings, conditions, workspace.clock.now(), zone)
                chosen = [each for each in allowed if each.id in may_run and (each in chosen or parents(each))]
    prune_history(workspace)
    return reports


class _Going:
    """A run in progress. stop: what it was told by us, None if nothing."""

    def __init__(self, endpoint: Endpoint, all: CancelToken) -> None:
        self.endpoint = endpoint
        self.token = CancelToken()
        self.stop: work.Stop | None = None
        self.ended = False
        all.on_cancel(lambda: self.token.cancel(all.reason))


def _stop_lost(workspace: Workspace, pause: Pause | None, going: Sequence[_Going]) -> None:
    """Stop the runs whose endpoints no longer have what they want."""
    endpoints = [each.endpoint for each in going]
    conditions = answered(conditions_now(workspace, pause, endpoints), endpoints)
    for each in going:
        if reason := lost(each.endpoint, conditions, workspace.clock.now(), workspace.clock.zone()):
            each.stop = work.Stop(reason, "again")
            each.token.cancel(reason)


def _work(
    workspace: Workspace,
    going: _Going,
    settings: Settings,
    rows: dict[str, state.EndpointRow],
    full: bool,
    apply_held: bool,
    progress: Callable[[Progress], None],
) -> Report:
    import random

    endpoint = going.endpoint
    if going.token.cancelled:
        return not_started(endpoint, going.token.reason, workspace.clock.now())
    row = work.start(rows[endpoint.id], workspace.clock.now())
    with workspace.store.writing(going.token) as db:
        state.save_state(db, row)
    report = workspace.execute(endpoint, full, going.token, progress, apply_held)
    going.ended = True
    now = workspace.clock.now()
    row = work.after_run(row, endpoint, report, now, workspace.clock.zone(), random.random, going.stop)
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
