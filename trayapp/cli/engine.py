"""Who carries a change out: this process, or the tray program when it runs."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from trayapp.cli.output import ProgressLine
from trayapp.desktop.process.instance import acquire_engine_lock
from trayapp.desktop.process.paths import Home
from trayapp.desktop.socket.client import NotRunning, ask
from trayapp.errors import UserError
from trayapp.operations.explanations import would_overrule
from trayapp.operations.runs import sync
from trayapp.operations.workspace import Workspace
from trayapp.schedule.engine.actions import IfRunning

_PATIENCE = 10.0


class EngineHeld(UserError):
    """Another process holds the engine and is no tray program one could ask."""


class Engine:
    """Changes of one home. `ask` and `change` go to the tray program if it runs."""

    def __init__(self, home: Home, heard_secret: Callable[[str], None]) -> None:
        self.home = home
        self.workspace = Workspace(home, heard_secret)

    def close(self) -> None:
        """Let go of everything."""
        self.workspace.close()

    def ask(
        self, op: str, args: dict[str, Any], on_progress: Callable[[dict[str, Any]], None] | None = None
    ) -> dict[str, Any] | None:
        """The tray program's answer, or None when none runs."""
        try:
            return ask(self.home.socket_address, op, args, timeout=None, on_progress=on_progress, connect_within=0)
        except NotRunning:
            return None

    def change(self, op: str, **args: Any) -> dict[str, Any]:
        """Carry out a change, here or in the tray program. Raises UserError."""
        answer = self.ask(op, args)
        if answer is not None:
            return answer
        from trayapp.operations.perform import perform

        self.home.create()
        return perform(self.workspace, op, args)

    def overruled(self, ids: Sequence[str]) -> list[dict[str, Any]]:
        """The endpoints among these (all enabled ones) that a run now would start in spite of what they wait for."""
        answer = self.ask("overruled", {"ids": list(ids)})
        if answer is not None:
            return list(answer["endpoints"])
        return list(msgspec.to_builtins(would_overrule(self.workspace, ids)))

    def sync(
        self, ids: Sequence[str], *, due: bool, full: bool, apply_held: bool, if_running: IfRunning = "keep"
    ) -> list[dict[str, Any]]:
        """Run endpoints, here or in the tray program; the reports as documents.

        EngineHeld when another process that can't be asked syncs; with "append" it is waited for instead.
        """
        from trayapp.schedule.engine.documents import report_document

        progress = ProgressLine()
        args = {"ids": list(ids), "due": due, "full": full, "apply_held": apply_held, "if_running": if_running}
        self.home.create()
        until = time.monotonic() + _PATIENCE
        try:
            while True:
                answer = self.ask("sync", args, progress.show)
                if answer is not None:
                    return list(answer["runs"])
                if (lock := acquire_engine_lock(self.home)) is not None:
                    break
                if time.monotonic() > until and if_running != "append":
                    raise _busy("Try again when it is done, or have it waited for with --if-running append.")
                time.sleep(0.1)
            with lock:
                reports = sync(
                    self.workspace,
                    ids,
                    due=due,
                    full=full,
                    apply_held=apply_held,
                    progress=progress.show_struct,
                )
            return [report_document(report) for report in reports]
        finally:
            progress.clear()

    def stop(self, ids: Sequence[str]) -> list[str]:
        """Stop the endpoints' runs; the ids of those that ran or waited. EngineHeld when they run in a process that
        can't be asked."""
        answer = self.ask("stop", {"ids": list(ids)})
        if answer is not None:
            return list(answer["stopped"])
        self.home.create()
        lock = acquire_engine_lock(self.home)
        if lock is None:
            raise _busy("Stop it there: it takes Ctrl-C.")
        lock.release()
        return []

    def restart(self, id: str) -> None:
        """Have the endpoint run anew as soon as it may."""
        if self.ask("restart", {"id": id}) is None:
            self.workspace.restart(id)


def _busy(next: str) -> EngineHeld:
    return EngineHeld("TraySync is busy", "Another process syncs in this home.", next)
