"""Starting at login as the settings say, without overruling what the user told the system."""

from trayapp.desktop.session import autostart
from trayapp.operations.workspace import Workspace
from trayapp.store.bookkeeping.endpoint_states import read_meta, write_meta

_APPLIED = "start_at_login"


def keep_autostart(workspace: Workspace, wanted: bool) -> None:
    """Make the system's entry fit the setting when that changed, and repair one that names a moved program.

    An entry that the user switched off in the system's own settings stays off. Raises UserError.
    """
    with workspace.store.reading() as db:
        applied = read_meta(db, _APPLIED)
    if applied != str(wanted):
        if wanted:
            autostart.enable(workspace.home)
        else:
            autostart.disable(workspace.home)
        with workspace.store.writing() as db:
            write_meta(db, _APPLIED, str(wanted))
    elif wanted and autostart.state(workspace.home) == "elsewhere":
        autostart.enable(workspace.home)
