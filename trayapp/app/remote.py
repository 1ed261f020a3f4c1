"""What other processes of the user ask of the running tray program: the command line, a second launch."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
from PySide6.QtCore import QObject

from trayapp.app.backend import LiveBackend
from trayapp.desktop.server import Request
from trayapp.errors import UserError
from trayapp.operations.perform import perform
from trayapp.operations.questions import why_waiting, would_overrule
from trayapp.operations.runs import not_started
from trayapp.schedule.documents import report_document, status_document
from trayapp.schedule.snapshot import Snapshot
from trayapp.store.times import to_text
from trayapp.sync.report import Problem, Report


class _SyncRequest(msgspec.Struct):
    """A `sync` that waits for its endpoints' runs to end."""

    request: Request
    pending: set[str]
    reports: list[Report] = []


class Remote(QObject):
    """Answers requests in the GUI thread; what is slow goes to the background."""

    def __init__(self, backend: LiveBackend, raise_window: Callable[[], None], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._backend = backend
        self._raise_window = raise_window
        self._syncs: list[_SyncRequest] = []
        backend.run_finished.connect(self._finished)
        backend.scheduler.refused.connect(self._refused)
        backend.snapshot_changed.connect(self._progressed)

    def answer(self, request: Request) -> None:
        """Take a request up; it is answered when it is done."""
        try:
            self._take(request)
        except UserError as error:
            request.fail(error)
        except (KeyError, TypeError, ValueError):
            request.fail(UserError("TraySync does not understand the request", f"{request.op} lacks something."))

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
            backend.change(lambda: perform(backend.workspace, op, args), lambda result: self._answered(request, result))

    def _in_background(self, request: Request, work: Callable[[], dict[str, Any]]) -> None:
        self._backend.background.run(work, lambda result: self._answered(request, result))

    def _answered(self, request: Request, result: dict[str, Any] | Problem) -> None:
        if isinstance(result, Problem):
            request.fail(UserError(result.title, result.cause, result.next))
        else:
            request.reply(result)

    def _sync(self, request: Request) -> None:
        if request.args.get("due"):
            request.reply({"runs": []})  # what is due runs by itself here
            return
        settings = self._backend.settings()
        ids = request.args["ids"] or [each.id for each in settings.endpoint if each.enabled]
        for id in ids:
            if settings.find(id) is None:
                raise UserError(f"There is no endpoint {id!r}", "", "See `traysync endpoints`.")
        if not ids:
            request.reply({"runs": []})
            return
        self._syncs.append(_SyncRequest(request, set(ids), []))
        if request.args.get("apply_held"):
            self._backend.apply_held(tuple(ids))
        # The command line has asked the person already.
        self._backend.scheduler.sync_now(tuple(ids), bool(request.args.get("full")))

    def _finished(self, report: Report) -> None:
        for sync in tuple(self._syncs):
            if report.endpoint in sync.pending:
                sync.pending.discard(report.endpoint)
                sync.reports.append(report)
                if not sync.pending:
                    self._syncs.remove(sync)
                    sync.request.reply({"runs": [report_document(each) for each in sync.reports]})

    def _refused(self, id: str, reason: str) -> None:
        endpoint = self._backend.settings().find(id)
        if endpoint is not None:
            self._finished(not_started(endpoint, reason, self._backend.workspace.clock.now()))

    def _progressed(self, snapshot: Snapshot) -> None:
        for status in snapshot.endpoints if self._syncs else ():
            if status.progress is None:
                continue
            for sync in self._syncs:
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
