"""Putting a backup in the database's place, and mending what nothing mends by itself."""

from datetime import UTC, datetime
from pathlib import Path

from trayapp.endpoints.settings import SettingsError
from trayapp.errors import UserError
from trayapp.messages import Message, foreign, say
from trayapp.operations import commands
from trayapp.operations.workspace import Workspace
from trayapp.store.errors import StoreTooNew
from trayapp.store.file import backups, connection
from trayapp.store.file.mending import clean
from trayapp.store.times import to_text


def find_backup(workspace: Workspace, name: str) -> Path:
    """The file of that path, or of that name among the daily backups. UserError when there is none."""
    path = Path(name).expanduser()
    for each in (path, backups.folder_of(workspace.home.database) / name):
        if each.is_file():
            return each.absolute()
    raise UserError(
        say("There is no backup {name}", name=name),
        say("No file has that name, here or among the daily backups."),
        say("See the daily backups with: traysync restore"),
    )


def restore(workspace: Workspace, file: Path) -> commands.Restored:
    """Put the backup in the place of the database, which is kept beside it. UserError, and then nothing was changed.

    For who holds the engine's lock. The next run of each endpoint compares its table with all that the server lists.
    """
    of = datetime.fromtimestamp(file.stat().st_mtime, UTC) if file.is_file() else None
    connection.check_restorable(file)
    replaced = workspace.restore(file)
    return commands.Restored(str(file), to_text(of) or "", str(replaced) if replaced is not None else "")


def repair(workspace: Workspace) -> list[Message]:
    """Look for damage in the database and its bookkeeping, and mend it; what was found, nothing when all was right.

    For who holds the engine's lock. UserError when it can't be mended.
    """
    path, told = workspace.home.database, list[Message]()
    if not path.exists():
        return told
    left = clean(path)
    try:
        store = workspace.store
    except StoreTooNew:
        if not connection.correct_version(path):
            raise
        told.append(say("The database had the version number of a newer TraySync, though its tables are of this one."))
        store = workspace.store
    store.look()
    told += workspace.take_notices()
    try:
        told += workspace.adopt_all()
    except SettingsError as error:
        told.append(foreign(str(error)))
    for leftover in left:
        told.append(say("A file that a broken-off repair had left was removed: {path}.", path=leftover))
    return told
