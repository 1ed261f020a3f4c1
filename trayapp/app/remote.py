"""What other processes of the user ask of the running tray program: the command line, a second launch."""

import itertools
from collections.abc import Callable, Sequence

import msgspec
from PySide6.QtCore import QObject

from trayapp.app.backend import LiveBackend
from trayapp.desktop.socket.server import Request
from trayapp.endpoints.model import Endpoint
from trayapp.errors import Problem, UserError
from trayapp.messages import Message, say
from trayapp.operations import commands
from trayapp.operations.commands import AnyCommand, decode_command
from trayapp.operations.handler import handle
from trayapp.operations.runs import not_started
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
            self._take(request, decode_command(request.line))
        except UserError as error:
            request.fail(error.problem)

    def _take(self, request: Request, command: AnyCommand) -> None:
        backend = self._backend
        match command:
            case commands.Raise():
                self._raise_window()
                request.reply(commands.Done())
            case commands.Status():
                request.reply(_status(backend.snapshot()))
            case commands.Pause():
                backend.pause(command.until)
                request.reply(commands.Done())
            case commands.Resume():
                backend.resume()
                request.reply(commands.Done())
            case commands.Sync():
                self._sync(request, command)
            case commands.Stop():
                ticket = next(self._tickets)
                self._stops[ticket] = request
                backend.scheduler.stop(self._known(command.ids), ticket=ticket)
            case commands.Restart():
                (id,) = self._known([command.id])
                backend.scheduler.restart(id)
                request.reply(commands.Done())
            case commands.Why() | commands.WouldOverrule():
                known = backend.scheduler.conditions()
                running = [each.id for each in backend.snapshot().endpoints if each.state == "running"]
                backend.background.run(
                    lambda: handle(backend.workspace, command, known, running), lambda result: _answer(request, result)
                )
            case _:
                backend.change(lambda: handle(backend.workspace, command), lambda result: _answer(request, result))

    def _known(self, ids: Sequence[str]) -> dict[str, Endpoint]:
        """The endpoints by id. UserError when there is none of an id."""
        found = {id: self._backend.settings().find(id) for id in ids}
        for id, endpoint in found.items():
            if endpoint is None:
                raise UserError(say("There is no endpoint “{id}”", id=id), "", say("See `traysync endpoints`."))
        return {id: endpoint for id, endpoint in found.items() if endpoint is not None}

    def _sync(self, request: Request, command: commands.Sync) -> None:
        enabled = [each.id for each in self._backend.settings().endpoint if each.enabled]
        wanted = self._known(command.ids or enabled)
        if command.due or not wanted:  # what is due runs by itself here
            request.reply(commands.Runs())
            return
        ticket = next(self._tickets)
        self._syncs[ticket] = _SyncRequest(request, wanted)
        # The command line has asked the person already.
        self._backend.scheduler.sync_now(wanted, command.full, command.if_running, command.apply_held, ticket)

    def _scheduled(self, ticket: int, ids: frozenset[str]) -> None:
        if ticket in self._syncs:
            self._syncs[ticket].again = set(ids)
        elif ticket in self._stops:
            self._stops.pop(ticket).reply(commands.Stopped(tuple(sorted(ids))))

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
            sync.request.reply(commands.Runs(tuple(map(report_document, sync.reports))))

    def _progressed(self, snapshot: Snapshot) -> None:
        for status in snapshot.endpoints if self._syncs else ():
            if status.progress is None:
                continue
            for sync in self._syncs.values():
                if status.id in sync.pending:
                    sync.request.progress(status.progress)


def _answer(request: Request, result: msgspec.Struct | Problem) -> None:
    if isinstance(result, Problem):
        request.fail(result)
    else:
        request.reply(result)


def _status(snapshot: Snapshot) -> commands.StatusDocument:
    until, statuses = to_text(snapshot.paused_until), tuple(map(status_document, snapshot.endpoints))
    return commands.StatusDocument(snapshot.paused, until, True, statuses)
