"""The system's own entry that runs what is due while the tray program does not run."""

from typing import TYPE_CHECKING

import msgspec

from trayapp.desktop.session import scheduled_task
from trayapp.desktop.session.scheduled_task import BackgroundState
from trayapp.operations.workspace import Workspace
from trayapp.store.bookkeeping import endpoint_states

if TYPE_CHECKING:
    pass

_BACKGROUND = "background"


def set_background(workspace: Workspace, on: bool) -> BackgroundState:
    """Have the system run what is due while the tray program does not run, or not. UserError when it refuses."""
    workspace.settings()  # what of the environment is secret must be known before the system's tools are called
    found = _apply(workspace, on)
    workspace.settings_file.edit(
        lambda old: msgspec.structs.replace(old, general=msgspec.structs.replace(old.general, background=on))
    )
    return found


def keep_background(workspace: Workspace, wanted: bool) -> None:
    """Make the system's entry fit the setting when that changed, and repair one that names a moved program.

    UserError when the system refuses.
    """
    with workspace.store.reading() as db:
        applied = endpoint_states.read_meta(db, _BACKGROUND) or str(False)
    if applied != str(wanted) or (wanted and scheduled_task.state(workspace.home).state == "elsewhere"):
        _apply(workspace, wanted)


def _apply(workspace: Workspace, on: bool) -> BackgroundState:
    found = scheduled_task.enable(workspace.home) if on else scheduled_task.disable(workspace.home)
    with workspace.store.writing() as db:
        endpoint_states.write_meta(db, _BACKGROUND, str(on))
    return found
