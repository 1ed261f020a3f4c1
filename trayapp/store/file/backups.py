"""The daily back-ups beside the file: made, verified, counted, found again.

One is as old as its modification time says, which is that of what it was made of.
"""

import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import apsw

from trayapp.durable import put_in_place
from trayapp.messages import say
from trayapp.store.errors import StoreCorrupt, StoreError, StoreFull, translated
from trayapp.store.file.copying import back_up
from trayapp.store.file.damage import damage
from trayapp.store.file.salvage import salvage
from trayapp.store.names import quote

EVERY = timedelta(days=1)

WHOLE_BYTES = 256 * 2**20
"""A larger file is backed up without the tables whose rows a run fetches again."""

ALL_BYTES = 2 * 2**30
"""All back-ups together take so much; the newest one is kept in any case."""

FETCHED_AGAIN = (
    "SELECT table_name FROM _sync_endpoints WHERE table_name IS NOT NULL"
    " AND iif(json_valid(mapping), mapping ->> 1, '') NOT IN ('append', 'upsert')"
)
"""The mirrored tables that have nothing but what the server still lists."""

DERIVED = ("_sync_rows_", "_sync_parents_")
"""How the names of tables begin that the next run makes anew."""


class Backup(NamedTuple):
    """A back-up, and of when its content is (aware UTC)."""

    path: Path
    of: datetime


def folder_of(path: Path) -> Path:
    """Where the back-ups of the file at `path` are."""
    return path.with_name("backups")


def backups_of(path: Path) -> list[Backup]:
    """All back-ups of the file, the newest first; those that were made before a migration, too. Not verified."""
    found = [*folder_of(path).glob(f"{path.stem}-*{path.suffix}"), *path.parent.glob(f"{path.name}.before-*")]
    dated = [Backup(each, datetime.fromtimestamp(each.stat().st_mtime, UTC)) for each in found]
    return sorted((each for each in dated if ".partial" not in each.path.name), key=lambda each: each.of, reverse=True)


def set_aside(path: Path) -> list[Path]:
    """The damaged files that are kept beside the file, the newest last."""
    return sorted(each for each in path.parent.glob(f"{path.name}.damaged-*") if not each.name.endswith("-wal"))


def is_due(path: Path, now: datetime) -> bool:
    """Whether a day has passed since `noted` was called; also when the clock was set back since then."""
    try:
        last = datetime.fromtimestamp(_note(path).stat().st_mtime, UTC)
    except FileNotFoundError:
        return True
    return not timedelta(0) <= now - last < EVERY


def noted(path: Path, now: datetime) -> None:
    """The file was looked at, and backed up if that was needed."""
    folder_of(path).mkdir(mode=0o700, exist_ok=True)
    _note(path).touch()
    os.utime(_note(path), (now.timestamp(), now.timestamp()))


def make_backup(path: Path, db: apsw.Connection, keep: int, now: datetime) -> Path | None:
    """Back up the file, which `db` reads in a transaction, unless the newest back-up is of its present state.

    `keep` (at least 1): how many there are then at most. The back-up, checked and its rows counted; None when none was
    needed. StoreErrors: StoreCorrupt when the file is damaged, StoreFull when there is too little room for it.
    """
    changed = _changed(path)
    if any(each.path.stat().st_mtime_ns == changed for each in backups_of(path)):
        return None
    folder = folder_of(path)
    folder.mkdir(mode=0o700, exist_ok=True)
    is_whole = path.stat().st_size <= WHOLE_BYTES
    target = folder / f"{path.stem}-{now.astimezone(UTC):%Y-%m-%dT%H%M%SZ}{path.suffix}"
    partial = target.with_name(f"{target.name}.partial")
    _remove_partial(folder)
    left_out = set() if is_whole else {str(name) for (name,) in db.execute(FETCHED_AGAIN)}
    _check_room(path, folder)
    try:
        if is_whole:
            with translated(folder):
                back_up(db, partial)
        elif salvage(path, partial, lambda name: name in left_out or name.startswith(DERIVED), is_damaged=False):
            raise _damaged(path)
        if wrong := damage(partial):
            raise _damaged(path) if damage(path) else _unusable(target, wrong)
        if is_whole:
            _compare(db, partial, target)
        os.utime(partial, ns=(changed, changed))
        put_in_place(partial, target)
    finally:
        _remove_partial(folder)
    _thin_out(path, keep)
    return target


def _remove_partial(folder: Path) -> None:
    """Remove what this back-up, or one before that was killed, has left."""
    for each in folder.glob("*.partial*"):
        each.unlink(missing_ok=True)


def _note(path: Path) -> Path:
    return folder_of(path) / "last-look"


def _changed(path: Path) -> int:
    """When the file was changed, its log included, in nanoseconds."""
    stats = [path.stat()]
    log = path.with_name(f"{path.name}-wal")
    if log.exists() and log.stat().st_size:
        stats.append(log.stat())
    return max(each.st_mtime_ns for each in stats)


def _check_room(path: Path, folder: Path) -> None:
    if shutil.disk_usage(folder).free < 2 * path.stat().st_size:
        raise StoreFull(
            say("There is too little room for a backup"),
            say("A backup in {folder} would take half of what is free on the disk, or more.", folder=folder),
            say("Free some space, or set general.backups to 0."),
        )


def _compare(db: apsw.Connection, partial: Path, target: Path) -> None:
    """Compare how many rows the tables have with what they have in the copy. StoreError when that differs."""
    with translated(partial):
        copy = apsw.Connection(str(partial), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            if _counts(db) != _counts(copy):
                raise _unusable(target, "row counts")
        finally:
            copy.close()


def _counts(db: apsw.Connection) -> dict[str, object]:
    names = [str(name) for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage")]
    return {name: db.execute(f"SELECT count(*) FROM {quote(name)}").get for name in names}


def _thin_out(path: Path, keep: int) -> None:
    total = 0
    ours = [each.path for each in backups_of(path) if each.path.parent == folder_of(path)]
    for number, each in enumerate(ours):
        total += each.stat().st_size
        if number >= keep or (number and total > ALL_BYTES):
            each.unlink()


def _damaged(path: Path) -> StoreCorrupt:
    return StoreCorrupt(
        say("The database is damaged"),
        say("{path} can't be read in full.", path=path),
        say("TraySync saves what can be read when it is used next."),
    )


def _unusable(target: Path, why: str) -> StoreError:
    return StoreError(
        say("The backup can't be used"),
        say("{target} is not what was to be backed up ({why}).", target=target, why=why),
        say("Check the disk. TraySync will try again."),
    )
