"""The system's own entry that runs what is due while the tray program does not run."""

from typing import TYPE_CHECKING

import msgspec

from trayapp.desktop import background
from trayapp.desktop.background import BackgroundState
from trayapp.operations.workspace import Workspace
from trayapp.store import state

if TYPE_CHECKING:
    pass

_BACKGROUND = "background"


def set_background(workspace: Workspace, on: bool) -> BackgroundState:
    """Have the system run what is due while the tray program does not run, or not. UserError when it refuses."""
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
        applied = state.read_meta(db, _BACKGROUND) or str(False)
    if applied != str(wanted) or (wanted and background.state(workspace.home).state == "elsewhere"):
        _apply(workspace, wanted)


def _apply(workspace: Workspace, on: bool) -> BackgroundState:
    found = background.enable(workspace.home) if on else background.disable(workspace.home)
    with workspace.store.writing() as db:
        state.write_meta(db, _BACKGROUND, str(on))
    return found
