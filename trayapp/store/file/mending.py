"""A damaged file: what can be read of it goes into a new one in its place, what can't comes from the back-ups."""

import contextlib
import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import apsw

from trayapp.durable import put_in_place
from trayapp.messages import Message, listing, say, say_count
from trayapp.store.errors import StoreCorrupt, translated
from trayapp.store.file.backups import DERIVED, FETCHED_AGAIN, Backup, backups_of
from trayapp.store.file.bookkeeping_tables import doubt_all, drop_garbled_rows
from trayapp.store.file.connection import migrate
from trayapp.store.file.copying import back_up
from trayapp.store.file.damage import damage, is_sound
from trayapp.store.file.salvage import Loss, fill, missing_tables, salvage, tables_of
from trayapp.store.file.transactions import all_or_nothing

log = logging.getLogger(__name__)

_SIDE_FILES = ("-wal", "-shm", "-journal")


class _Restored(NamedTuple):
    """Rows that came from a back-up, and of when that is."""

    table: str
    rows: int
    of: datetime


class _Fate(NamedTuple):
    """What became of what could not be read. `told`: what was wrong with the bookkeeping besides."""

    restored: tuple[_Restored, ...]
    lost: tuple[str, ...]
    fetched: tuple[str, ...]
    has_lost_tables: bool
    is_unclear: bool
    told: list[Message]


def mend(path: Path, now: datetime | None = None) -> list[Message]:
    """Put a file without damage in the place of a damaged one, and say what was done; nothing when it is sound.

    Nobody in this process may have it open. The damaged file is kept beside it. StoreErrors, and then nothing was
    changed, when the disk does not let it be looked at, or has no room.
    """
    with translated(path), _alone(path):
        is_emptied = _is_emptied(path)
        wrong = "it is empty" if is_emptied else damage(path)
        if not wrong:
            return []
        log.warning("%s is damaged: %s", path, wrong)
        _fold_log(path)
        new = path.with_name(f"{path.name}.mended")
        _remove(new)
        try:
            losses = [Loss("sqlite_schema")]
            if not is_emptied:
                with contextlib.suppress(StoreCorrupt):  # then nothing can be read
                    losses = salvage(path, new, lambda name: name.startswith(DERIVED))
            fate = _completed(path, new, losses, is_unclear="never used" in wrong or "2nd reference" in wrong)
            aside = replace(path, new, f"damaged-{now or datetime.now(UTC):%Y%m%dT%H%M%S}")
        finally:
            _remove(new)
    return _told(aside, fate)


def restore(path: Path, backup: Path, now: datetime) -> Path | None:
    """Put a copy of a checked backup in the place of the file; where that is now, None when there was none.

    Nobody in this process may have it open. StoreErrors, and then nothing was changed.
    """
    new = path.with_name(f"{path.name}.mended")
    with translated(path), _alone(path):
        _remove(new)
        try:
            with translated(backup):
                copy = apsw.Connection(str(backup), flags=apsw.SQLITE_OPEN_READONLY)
            try:
                back_up(copy, new)
            finally:
                copy.close()
            db = apsw.Connection(str(new))
            try:
                migrate(db, path)
                with all_or_nothing(db):
                    doubt_all(db)
            finally:
                db.close()
            if path.exists():
                _fold_log(path)
                return replace(path, new, f"replaced-{now:%Y%m%dT%H%M%S}")
            put_in_place(new, path)
            return None
        finally:
            _remove(new)


@contextlib.contextmanager
def _alone(path: Path, patience: float = -1) -> Iterator[None]:
    """Keep other processes from mending or restoring the file meanwhile. Timeout when one does it for that long."""
    from filelock import FileLock  # only now: to import it takes as long as a short command

    with FileLock(path.with_name(f"{path.name}.mending"), timeout=patience, mode=0o600):
        yield


def clean(path: Path) -> list[Path]:
    """Remove what killed processes have left of their mending, unless one is at it; what was removed. OSError."""
    removed = []
    if left := [*path.parent.glob(f"{path.name}.mended*")]:
        with contextlib.suppress(TimeoutError), _alone(path, patience=0):
            for each in left:
                each.unlink(missing_ok=True)
                removed.append(each)
    return removed


def replace(path: Path, new: Path, word: str) -> Path:
    """Put `new`, which is beside it, in the place of the file; where that is now, `word` in its name. OSError."""
    aside = path.with_name(f"{path.name}.{word}")
    for suffix in _SIDE_FILES:
        side = path.with_name(path.name + suffix)
        if suffix == "-shm" or (side.exists() and not side.stat().st_size):
            side.unlink(missing_ok=True)  # there is nothing in it that is not made anew
        elif side.exists():
            os.replace(side, aside.with_name(aside.name + suffix))
    try:
        os.link(path, aside)  # so that nobody finds no file there, and makes one
    except OSError:
        os.replace(path, aside)
    put_in_place(new, path)
    return aside


def _remove(file: Path) -> None:
    for suffix in ("", *_SIDE_FILES):
        file.with_name(file.name + suffix).unlink(missing_ok=True)


def _is_emptied(path: Path) -> bool:
    """Whether the file has nothing in it, but had: there are back-ups."""
    return path.exists() and path.stat().st_size == 0 and bool(backups_of(path))


def _completed(path: Path, new: Path, losses: Sequence[Loss], is_unclear: bool) -> _Fate:
    """Take what was lost from the back-ups, and bring the bookkeeping in order.

    is_unclear: something is lost even if it is not known of which table.
    """
    backups = [each for each in backups_of(path) if is_sound(each.path)]
    has_lost_tables = any(each.table == "sqlite_schema" for each in losses)
    losses = [each for each in losses if each.table != "sqlite_schema"]
    restored: list[_Restored] = []
    lost: list[str] = []
    with translated(new):
        db = apsw.Connection(str(new))
        try:
            if is_unclear and not losses and backups:
                losses = [Loss(name, doubtful=True) for name in missing_tables(db, backups[0].path)]
            with all_or_nothing(db):
                if has_lost_tables or is_unclear:
                    there = {*_tables(db), *(each.table for each in losses)}
                    known = {name for each in backups for name in tables_of(each.path)}
                    losses += [Loss(name) for name in sorted(known - there) if not name.startswith(DERIVED)]
                for loss in losses:
                    found = _from_backups(db, loss, backups)
                    restored += [found] if found is not None else []
                    lost += [loss.table] if found is None else []
            told = migrate(db, path)
            with all_or_nothing(db):
                drop_garbled_rows(db)
                doubt_all(db)
            fetched = {str(name) for (name,) in db.execute(FETCHED_AGAIN)}
        finally:
            db.close()
    return _Fate(
        tuple(each for each in restored if each.table not in fetched),
        tuple(each for each in lost if each not in fetched),
        tuple(each.table for each in losses if each.table in fetched),
        has_lost_tables,
        is_unclear and not losses,
        told,
    )


def _from_backups(db: apsw.Connection, loss: Loss, backups: Sequence[Backup]) -> _Restored | None:
    for each in backups:
        if loss.table in tables_of(each.path):
            return _Restored(loss.table, fill(db, each.path, loss), each.of)
    return None


def _tables(db: apsw.Connection) -> Iterator[str]:
    for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'"):
        yield str(name)


def _fold_log(path: Path) -> None:
    """Move the WAL into the file, so that its pages can be read without it."""
    with contextlib.suppress(apsw.Error):
        db = apsw.Connection(str(path))
        try:
            db.execute("PRAGMA writable_schema = ON")
            db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        finally:
            db.close()


def _told(aside: Path, fate: _Fate) -> list[Message]:
    told = [say("The database was damaged. The damaged file is kept as {aside}.", aside=aside)]
    if fate.fetched:
        told.append(
            say_count(
                "What is missing in the table {tables} is fetched at its next run.",
                "What is missing in the tables {tables} is fetched at their next runs.",
                len(fate.fetched),
                tables=listing(fate.fetched),
            )
        )
    for of in sorted({each.of for each in fate.restored}):
        tables = tuple(_spoken(each.table for each in fate.restored if each.of == of))
        told.append(
            say(
                "What could not be read of {tables} was restored from the backup of {time}.",
                tables=listing(tables),
                time=f"{of.astimezone():%Y-%m-%d %H:%M}",
            )
        )
    if fate.lost:
        told.append(
            say(
                "Some rows of {tables} could not be read, and no backup has them.",
                tables=listing(tuple(_spoken(fate.lost))),
            )
        )
    if fate.has_lost_tables and not fate.restored:
        told.append(say("The list of tables could not be read in full. What endpoints mirror is fetched again."))
    if fate.is_unclear:
        told.append(say("Whether rows are missing is not known: something in the file belonged to no table any more."))
    elif not (fate.fetched or fate.restored or fate.lost or fate.has_lost_tables):
        told.append(say("All rows could be read, so nothing is lost."))
    return [*told, *fate.told]


def _spoken(tables: Iterable[str]) -> list[str | Message]:
    """The tables' names; instead of the names of ours, what is in them, once."""
    names = list(tables)
    spoken: list[str | Message] = [name for name in names if not name.startswith("_sync_")]
    if any(name in ("_sync_runs", "_sync_changes") for name in names):
        spoken.append(say("the history"))
    if any(name.startswith("_sync_") and name not in ("_sync_runs", "_sync_changes") for name in names):
        spoken.append(say("the endpoints' states"))
    return spoken
