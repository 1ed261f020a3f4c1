"""One client for all commands, whether the tray program runs or not."""

import time
from collections.abc import Callable
from typing import cast

import msgspec

from trayapp.desktop.process.instance import acquire_engine_lock
from trayapp.desktop.process.paths import Home
from trayapp.desktop.socket.client import NotRunning, ask
from trayapp.errors import UserError
from trayapp.messages import Message, say
from trayapp.operations import commands
from trayapp.operations.commands import Command, Result
from trayapp.operations.runs import sync
from trayapp.operations.workspace import Workspace
from trayapp.schedule.engine.documents import report_document
from trayapp.sync.report import Progress

_PATIENCE = 10.0
"""Seconds to wait for another process that syncs."""


class EngineHeld(UserError):
    """Another process holds the engine and is no tray program one could ask."""

    code = "engine_held"


class Client:
    """Carries out commands on one home: the tray program does it if it runs, else this process."""

    def __init__(self, home: Home, heard_secret: Callable[[str], None]) -> None:
        self.home = home
        self.workspace = Workspace(home, heard_secret)

    def close(self) -> None:
        """Let go of everything."""
        self.workspace.close()

    def is_running(self) -> bool:
        """Whether the tray program runs."""
        return self._asked(commands.Status()) is not None

    def do(self, command: Command[Result], on_progress: Callable[[Progress], None] = lambda _: None) -> Result:
        """Carry the command out and return its result. Raises UserError.

        Runs are made and stopped here only by who holds the engine's lock. EngineHeld when another process has it that
        can't be asked; a `Sync` waits for it a while, and with "append" until it is done.
        """
        until = time.monotonic() + _PATIENCE
        while (answer := self._asked(command, on_progress)) is None:
            if not isinstance(command, commands.Status | commands.Why | commands.WouldOverrule):
                self.home.create()
            if not isinstance(command, commands.Sync | commands.Stop | commands.Restore | commands.Repair):
                return cast(Result, _handled(self.workspace, command))
            if (lock := acquire_engine_lock(self.home)) is not None:
                with lock:
                    return cast(Result, self._holding(command, on_progress))
            if isinstance(command, commands.Stop):
                raise _busy(say("Stop it there with Ctrl-C."))
            if isinstance(command, commands.Restore | commands.Repair) and time.monotonic() > until:
                raise _busy(say("Try again when it is done."))
            if isinstance(command, commands.Sync) and time.monotonic() > until and command.if_running != "append":
                raise _busy(say("Try again when it is done, or wait for it with --if-running append."))
            time.sleep(0.1)
        return answer

    def _holding(
        self,
        command: commands.Sync | commands.Stop | commands.Restore | commands.Repair,
        on_progress: Callable[[Progress], None],
    ) -> msgspec.Struct:
        """Do it as the one who holds the engine: nothing of this home runs elsewhere."""
        if isinstance(command, commands.Stop):
            return commands.Stopped()
        if not isinstance(command, commands.Sync):
            return _handled(self.workspace, command)
        reports = sync(
            self.workspace,
            command.ids,
            due=command.due,
            full=command.full,
            apply_held=command.apply_held,
            progress=on_progress,
        )
        return commands.Runs(tuple(map(report_document, reports)))

    def _asked(
        self, command: Command[Result], on_progress: Callable[[Progress], None] = lambda _: None
    ) -> Result | None:
        """The tray program's answer, or None when none runs."""
        try:
            return ask(
                self.home.socket_address,
                command,
                command.result_type(),
                timeout=None,
                on_progress=lambda data: on_progress(msgspec.convert(data, Progress)),
                connect_within=0,
            )
        except NotRunning:
            return None


def _handled(workspace: Workspace, command: object) -> msgspec.Struct:
    from trayapp.operations.handler import handle

    return handle(workspace, cast(commands.Independent, command))


def _busy(next: Message) -> EngineHeld:
    return EngineHeld(say("TraySync is busy"), say("Another process is syncing in this home."), next)
