"""`traysync doctor`: is everything here that the program needs?"""

import platform
import sys
from collections.abc import Callable, Iterator
from importlib import metadata
from importlib.util import find_spec

import msgspec

from trayapp import __version__
from trayapp.cli.output import local
from trayapp.endpoints.readable import places
from trayapp.errors import UserError
from trayapp.messages import say, tr
from trayapp.operations.client import Client
from trayapp.store.file.backups import backups_of, set_aside
from trayapp.store.file.connection import library_version
from trayapp.store.file.damage import damage


class Finding(msgspec.Struct, frozen=True):
    """One thing that was looked at."""

    what: str
    ok: bool
    detail: str


def examine(client: Client) -> list[Finding]:
    """Look at everything; nothing is changed but a folder that is missing."""
    return list(_findings(client))


def _findings(client: Client) -> Iterator[Finding]:
    yield Finding("TraySync", True, f"{__version__} on Python {platform.python_version()}, {platform.platform()}")
    yield Finding("SQLite", True, library_version())
    yield Finding("Qt", find_spec("PySide6") is not None, _qt_version())
    yield _tried("Folders", lambda: _folders(client))
    yield _tried("Settings", lambda: _settings(client))
    yield _tried("Readable secrets", lambda: _readable_secrets(client))
    yield _tried("Database", lambda: _database(client))
    yield _tried("Backups", lambda: _backups(client))
    yield _tried("Keyring", lambda: _keyring(client))
    yield Finding("Tray program", True, "running" if client.is_running() else "not running")


def _qt_version() -> str:
    if getattr(sys, "frozen", False):
        return "built in"
    try:
        return f"PySide6 {metadata.version('PySide6-Essentials')}"
    except metadata.PackageNotFoundError:
        return "PySide6 is not installed"


def _tried(what: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(what, True, look())
    except UserError as error:
        return Finding(what, False, str(error))


def _folders(client: Client) -> str:
    client.home.create()
    return str(client.home.data)


def _settings(client: Client) -> str:
    count = len(client.workspace.settings().endpoint)
    return f"{client.home.settings_file}, {count} endpoint{'' if count == 1 else 's'}"


def _readable_secrets(client: Client) -> str:
    settings = client.workspace.settings()
    if not (found := places(settings)):
        return "none in the settings"
    ids = " ".join(dict.fromkeys(place.partition(":")[0] for place in found))
    raise UserError(
        say("The settings contain secrets as plain text"),
        say("{found}.", found=", ".join(found)),
        say(
            "Name the header or parameter in auth.kind and auth.name instead, and store the secret with:"
            " traysync secret set {ids}",
            ids=ids,
        ),
    )


def _database(client: Client) -> str:
    path = client.home.database
    if not path.exists():
        return "not made yet"
    if wrong := damage(path):
        raise UserError(
            say("The database is damaged"),
            say("{path}: {what}.", path=path, what=wrong),
            say("Have what can be read saved: traysync doctor --repair"),
        )
    return f"{path}, {path.stat().st_size:,} bytes, sound"


def _backups(client: Client) -> str:
    wanted = client.workspace.settings().general.backups
    found, aside = backups_of(client.home.database), set_aside(client.home.database)
    kept = tr("damaged databases are kept: {names}", names=", ".join(each.name for each in aside)) if aside else ""
    if not wanted:
        return "; ".join(filter(None, (tr("none are wanted (general.backups is 0)"), kept)))
    newest = (
        tr("none yet") if not found else tr("{count}, the newest of {time}", count=len(found), time=local(found[0].of))
    )
    return "; ".join(filter(None, (newest, kept)))


def _keyring(client: Client) -> str:
    needed = [each.id for each in client.workspace.settings().endpoint if each.auth.kind != "none"]
    try:
        client.workspace.secrets.get("doctor")
    except UserError:
        if not needed:
            return "not available; no endpoint needs it"
        raise
    return "answers"
