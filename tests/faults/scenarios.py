"""What is done to a home while its calls fail, what it is like before, and what must be true afterwards.

A home lies beside a folder `out`, which copies and exports go to; both are in the folder that is watched. The endpoint
`items` lists what the server has (`Listing`): before the scenario that was generation 0, from then on it is 1.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import apsw

from tests.server import json_reply
from trayapp.store.file import backups
from trayapp.store.file.damage import is_sound
from trayapp.store.file.migrations import MIGRATIONS

PAGES, PER_PAGE = 2, 30
OURS = "a row that somebody else wrote"
GARBAGE = bytes(range(256)) * 64


def state(generation):
    """What the server has, by id: from one generation to the next a few go, a few come, a third changes."""
    first = 1 + 3 * generation
    return {id: f"{(id + generation) // 3} {'x' * (id * 37 % 90)}" for id in range(first, first + PAGES * PER_PAGE)}


class Server:
    """Routes of an ApiServer for the listing; `/to?generation=N` makes it that of another generation."""

    def __init__(self, api):
        self._generation = 0
        self.url = api.route("/items", self._answer)
        self.control = api.route("/to", self._to)

    def _to(self, seen):
        self._generation = int(seen.param("generation"))
        return json_reply("ok")

    def _answer(self, seen):
        page = int(seen.param("page", "1"))
        records = [{"id": id, "value": value} for id, value in state(self._generation).items()]
        reply = json_reply(records[(page - 1) * PER_PAGE : page * PER_PAGE])
        return reply.with_headers(Link=f'</items?page={page + 1}>; rel="next"') if page < PAGES else reply


class Place:
    """One watched folder with a home and a folder for copies."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.home = self.folder / "home"
        self.out = self.folder / "out"
        self.database = self.home / "traysync.db"
        self.settings = self.home / "settings.toml"

    def make(self, url):
        self.home.mkdir(parents=True, mode=0o700)
        self.out.mkdir()
        table = '[endpoint.table]\nname = "items"\nkey = ["id"]\n'
        self.settings.write_text(f'# mine\n[[endpoint]]\nid = "items"\nurl = "{url}"\n{table}')

    def look_today(self):
        """The day's look at the database, and its backup, are not due."""
        backups.noted(self.database, datetime.now(UTC))

    def query(self, sql, path=None):
        """The rows; None where there is no such file or table."""
        path = path or self.database
        if not path.exists():
            return None
        db = apsw.Connection(str(path))
        try:
            return db.execute(sql).fetchall()
        except apsw.SQLError:
            return None
        finally:
            db.close()

    def rows(self, path=None):
        found = self.query("SELECT id, value FROM items", path)
        return None if found is None else dict(found)

    def runs(self):
        return (self.query("SELECT count(*) FROM _sync_runs") or [(0,)])[0][0]


class Scenario(NamedTuple):
    """`steps` make the home what it is before, from one that has only settings: commands, or functions of its Place.

    done: whether what the command was asked for is there, which must be so when it says so. kept: what must be there
    whatever happened. ends: what a fault-free `sync` afterwards has in the table; None where that has no endpoint.
    """

    command: tuple[str, ...]
    done: Callable[[Place], bool]
    steps: tuple[tuple[str, ...] | Callable[[Place], None], ...] = (("sync",),)
    kept: Callable[[Place], bool] = lambda place: place.rows() in (state(0), state(1))
    has_endpoint: bool = True


def _synced(place):
    return place.rows() == state(1)


def _older(place):
    """A database of the version before, with a table in it."""
    db = apsw.Connection(str(place.database))
    for script in MIGRATIONS[:-1]:
        db.execute(script)
    db.pragma("user_version", len(MIGRATIONS) - 1)
    db.execute("CREATE TABLE mine (value); INSERT INTO mine VALUES (?)", (OURS,))
    db.close()


def _has_ours(place):
    return place.query("SELECT value FROM mine") == [(OURS,)]


def _damage(place):
    place.database.write_bytes(GARBAGE)


def _garbage_is_kept(place):
    return any(path.read_bytes() == GARBAGE for path in place.home.glob("traysync.db*") if path.is_file())


def _in_settings(pattern):
    return lambda place: re.search(pattern, place.settings.read_text("utf-8"), re.MULTILINE) is not None


def _settings_are_whole(place):
    return _in_settings(r"\A# mine\n")(place) and _in_settings(r'^key = \["id"\]\n')(place)


def _everything(place):
    return place.rows() == state(0) and place.runs() == 1 and _settings_are_whole(place)


def _removed(place):
    return not _in_settings("items")(place) and place.rows() is None


def _out(name):
    return f"{{out}}/{name}"


def _exported(place):
    file = place.out / "items.csv"
    return file.exists() and len(file.read_text("utf-8-sig").splitlines()) == len(state(0)) + 1


def _no_half_file(place):
    return _everything(place) and (not (place.out / "items.csv").exists() or _exported(place))


def _backed_up(place):
    copy = place.out / "copy.db"
    return is_sound(copy) and place.rows(copy) == state(0)


def _no_half_copy(place):
    return _everything(place) and (not (place.out / "copy.db").exists() or _backed_up(place))


def _add_ours(place):
    db = apsw.Connection(str(place.database))
    db.execute("CREATE TABLE mine (value); INSERT INTO mine VALUES (?)", (OURS,))
    db.close()


_RESTORABLE = (("sync",), ("backup", _out("copy.db")), _add_ours)
"""The backup has no table of ours, the database has."""


def _restored(place):
    return place.rows() == state(0) and not _has_ours(place)


def _restored_or_not(place):
    """The one or the other is there; what was there is kept beside."""
    kept = [*place.home.glob("traysync.db.replaced-*"), place.database]
    ours = any(place.query("SELECT value FROM mine", path) == [(OURS,)] for path in kept)
    return place.rows() in (state(0), state(1)) and ours and _settings_are_whole(place)


def _has_started_anew(place):
    return is_sound(place.database) and place.query("SELECT count(*) FROM _sync_runs") == [(0,)]


def _nothing(place):
    return True


SCENARIOS = {
    "sync": Scenario(("sync",), _synced),
    "daily": Scenario(("sync",), _synced),
    "first": Scenario(("sync",), _synced, steps=(), kept=_settings_are_whole),
    "migration": Scenario(("sync",), _synced, steps=(_older,), kept=_has_ours),
    "damaged": Scenario(("sync",), _synced, steps=(_damage,), kept=_garbage_is_kept),
    "remove": Scenario(("remove", "items", "--drop-table"), _removed, kept=_nothing, has_endpoint=False),
    "edit": Scenario(
        ("edit", "items", "--set", "name=New"),
        _in_settings('^name = "New"$'),
        kept=_everything,
    ),
    "settings": Scenario(("settings", "--set", "theme=dark"), _in_settings('^theme = "dark"$'), kept=_everything),
    "disable": Scenario(("disable", "items"), _in_settings("^enabled = false$"), kept=_everything),
    "pause": Scenario(
        ("pause",),
        lambda place: bool(place.query("SELECT 1 FROM _sync_meta WHERE name = 'pause'")),
        kept=_everything,
    ),
    "backup": Scenario(("backup", _out("copy.db")), _backed_up, kept=_no_half_copy),
    "restore": Scenario(("restore", _out("copy.db"), "--yes"), _restored, steps=_RESTORABLE, kept=_restored_or_not),
    "repair": Scenario(("doctor", "--repair"), _has_started_anew, steps=(_damage,), kept=_garbage_is_kept),
    "export": Scenario(("save", "items", _out("items.csv")), _exported, kept=_no_half_file),
    "status": Scenario(("status",), _nothing, kept=_everything),
    "query": Scenario(("query", "SELECT count(*) FROM items"), _nothing, kept=_everything),
    "why": Scenario(("why", "items"), _nothing, kept=_everything),
    "runs": Scenario(("runs",), _nothing, kept=_everything),
}
"""The scenarios by name."""
