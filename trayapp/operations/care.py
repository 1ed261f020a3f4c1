"""What is done for the database once a day: it is looked through for damage, and backed up."""

import logging

from trayapp.endpoints.model import General
from trayapp.endpoints.settings import SettingsError
from trayapp.errors import UserError
from trayapp.operations.workspace import Workspace
from trayapp.store.file import backups

log = logging.getLogger(__name__)


def take_care(workspace: Workspace) -> None:
    """Look for damage, mend it, and back the database up, unless that was done within a day.

    For who holds the engine's lock; takes as long as to read the database twice. What goes wrong is logged, and tried
    again the next day.
    """
    path, now = workspace.home.database, workspace.clock.now()
    try:
        if not path.exists() or not backups.is_due(path, now):
            return
        backups.noted(path, now)
        workspace.store.look()
        if keep := _wanted(workspace):
            workspace.store.keep_backup(keep, now)
    except UserError as error:
        log.warning("the database was not looked after: %s", error)
    except OSError as error:
        log.warning("the backups can't be written: %s", error)


def _wanted(workspace: Workspace) -> int:
    try:
        return workspace.settings().general.backups
    except SettingsError:
        return General().backups  # the settings' file is being mended, perhaps: this is no time to go without
