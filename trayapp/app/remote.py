"""What other processes of the user ask of the running tray program: the command line, a second launch."""

import itertools
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from PySide6.QtCore import QObject

from trayapp.app.backend import LiveBackend
from trayapp.desktop.socket.server import Request
from trayapp.endpoints.model import Endpoint
from trayapp.errors import Problem, UserError
from trayapp.messages import Message, say
from trayapp.operations.explanations import why_waiting, would_overrule
from trayapp.operations.perform import perform
from trayapp.operations.runs import not_started
from trayapp.schedule.engine.actions import IfRunning
from trayapp.schedule.engine.documents import report_document, status_document
from trayapp.schedule.engine.snapshot import Snapshot
from trayapp.store.times import to_text
from trayapp.sync.report import Report


class _SyncRequest(msgspec.Struct):
    """A `sync` that waits for its endpoints' runs to end.

    again: those whose present run ends before the one that was asked for; None until the scheduler took the request up:
    what ends before that was not asked for by it.
    """

    request: Request
    pending: dict[str, Endpoint]
    reports: list[Report] = []
    again: set[str] | None = None


class Remote(QObject):
    """Answers requests in the GUI thread; what is slow goes to the background."""

    def __init__(self, backend: LiveBackend, raise_window: Callable[[], None], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._backend = backend
        self._raise_window = raise_window
        self._syncs: dict[int, _SyncRequest] = {}
        self._stops: dict[int, Request] = {}
        self._tickets = itertools.count(1)
        backend.run_finished.connect(self._finished)
        backend.scheduler.answered.connect(self._scheduled)
        backend.scheduler.refused.connect(self._refused)
        backend.snapshot_changed.connect(self._progressed)

    def answer(self, request: Request) -> None:
        """Take a request up; it is answered when it is done."""
        try:
            self._take(request)
        except UserError as error:
            request.fail(error.problem)
        except (KeyError, TypeError, ValueError):
            what = say("{request} lacks something.", request=request.op)
            request.fail(Problem(say("TraySync does not understand the request"), what))

    def _take(self, request: Request) -> None:
        op, args, backend = request.op, request.args, self._backend
        if op == "raise":
            self._raise_window()
            request.reply({})
        elif op == "status":
            request.reply(_status(backend.snapshot()))
        elif op == "pause":
            backend.pause(_moment(args["until"]) if args.get("until") else None)
            request.reply({})
        elif op == "resume":
            backend.resume()
            request.reply({})
        elif op == "sync":
            self._sync(request)
        elif op == "stop":
            ticket = next(self._tickets)
            self._stops[ticket] = request
            backend.scheduler.stop(self._known(args["ids"]), ticket=ticket)
        elif op == "restart":
            (id,) = self._known([args["id"]])
            backend.scheduler.restart(id)
            request.reply({})
        elif op == "overruled":
            known = backend.scheduler.conditions()
            self._in_background(
                request,
                lambda: {"endpoints": msgspec.to_builtins(would_overrule(backend.workspace, args["ids"], known))},
            )
        elif op == "why":
            self._in_background(
                request, lambda: {"lines": why_waiting(backend.workspace, args["id"], backend.scheduler.conditions())}
            )
        else:
            backend.change(
                lambda: perform(backend.workspace, op, args),
                lambda result: self._answered(request, result),
            )

    def _in_background(self, request: Request, work: Callable[[], dict[str, Any]]) -> None:
        self._backend.background.run(work, lambda result: self._answered(request, result))

    def _answered(self, request: Request, result: dict[str, Any] | Problem) -> None:
        if isinstance(result, Problem):
            request.fail(result)
        else:
            request.reply(result)

    def _known(self, ids: Sequence[str]) -> dict[str, Endpoint]:
        """The endpoints by id. UserError when there is none of an id."""
        found = {id: self._backend.settings().find(id) for id in ids}
        for id, endpoint in found.items():
            if endpoint is None:
                raise UserError(f"There is no endpoint {id!r}", "", "See `traysync endpoints`.")
        return {id: endpoint for id, endpoint in found.items() if endpoint is not None}

    def _sync(self, request: Request) -> None:
        if request.args.get("due"):
            request.reply({"runs": []})  # what is due runs by itself here
            return
        policy = msgspec.convert(request.args.get("if_running", "keep"), IfRunning)
        enabled = [each.id for each in self._backend.settings().endpoint if each.enabled]
        wanted = self._known(request.args["ids"] or enabled)
        if not wanted:
            request.reply({"runs": []})
            return
        ticket = next(self._tickets)
        self._syncs[ticket] = _SyncRequest(request, wanted)
        # The command line has asked the person already.
        full, apply_held = bool(request.args.get("full")), bool(request.args.get("apply_held"))
        self._backend.scheduler.sync_now(wanted, full, policy, apply_held, ticket)

    def _scheduled(self, ticket: int, ids: frozenset[str]) -> None:
        if ticket in self._syncs:
            self._syncs[ticket].again = set(ids)
        elif ticket in self._stops:
            self._stops.pop(ticket).reply({"stopped": sorted(ids)})

    def _finished(self, report: Report) -> None:
        for ticket, sync in tuple(self._syncs.items()):
            if sync.again is None or report.endpoint not in sync.pending:
                continue
            if report.endpoint in sync.again:
                sync.again.discard(report.endpoint)
                continue
            self._ended(ticket, report)

    def _refused(self, id: str, reason: Message) -> None:
        for ticket, sync in tuple(self._syncs.items()):
            if sync.again is not None and id in sync.pending:
                self._ended(ticket, not_started(sync.pending[id], reason, self._backend.workspace.clock.now()))

    def _ended(self, ticket: int, report: Report) -> None:
        sync = self._syncs[ticket]
        del sync.pending[report.endpoint]
        sync.reports.append(report)
        if not sync.pending:
            del self._syncs[ticket]
            sync.request.reply({"runs": [report_document(each) for each in sync.reports]})

    def _progressed(self, snapshot: Snapshot) -> None:
        for status in snapshot.endpoints if self._syncs else ():
            if status.progress is None:
                continue
            for sync in self._syncs.values():
                if status.id in sync.pending:
                    sync.request.progress(
                        {
                            "endpoint": status.id,
                            "records": status.progress.records,
                            "total": status.progress.total,
                        }
                    )


def _moment(text: str) -> datetime:
    """ValueError when it is no time, or one that does not say which zone's: such compares with no other."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(text)
    return moment


def _status(snapshot: Snapshot) -> dict[str, Any]:
    return {
        "paused": snapshot.paused,
        "paused_until": to_text(snapshot.paused_until),
        "endpoints": [status_document(status) for status in snapshot.endpoints],
    }
