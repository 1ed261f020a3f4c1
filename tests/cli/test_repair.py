"""`restore` and `doctor --repair`: what is put back, what is refused, and that nothing is deleted."""

import json

import apsw
import pytest

from tests.server import json_reply
from trayapp.desktop.process.instance import acquire_engine_lock
from trayapp.desktop.process.paths import find_home
from trayapp.operations import client as client_module
from trayapp.store.file.damage import is_sound
from trayapp.store.file.migrations import MIGRATIONS

RECORDS = [{"id": number, "name": f"n{number}"} for number in range(1, 13)]


@pytest.fixture
def stocked(cli, api, home, tmp_path):
    """A home with a table of the person's own, and a backup of before that table was emptied."""
    url = api.route("/items", json_reply(RECORDS))
    cli("add", url, "--id", "items", "--yes")
    cli("sync")
    execute(home, "CREATE TABLE mine (x); INSERT INTO mine VALUES ('kept')")
    copy = tmp_path / "copy.db"
    cli("backup", copy)
    execute(home, "DELETE FROM mine")
    return copy


def execute(home, sql):
    db = apsw.Connection(str(find_home(home).database))
    rows = db.execute(sql).fetchall()
    db.close()
    return rows


def damage(home):
    path = find_home(home).database
    data = bytearray(path.read_bytes())
    data[4096:8192] = b"\xaa" * 4096
    path.write_bytes(data)
    return bytes(data)


def rows(cli, table):
    return cli.json("query", f"SELECT * FROM {table}")["rows"]


@pytest.mark.parametrize("state", ["sound", "damaged", "newer", "none"])
def test_a_backup_takes_the_place_of_the_database_whatever_that_is_like(cli, home, stocked, state):
    database = find_home(home).database
    if state == "damaged":
        damage(home)
    elif state == "newer":
        execute(home, "PRAGMA user_version = 99")
    elif state == "none":
        database.unlink()
    before = database.read_bytes() if state != "none" else None
    said = cli("restore", stocked, "--yes").out
    assert "is the database now" in said
    kept = list(database.parent.glob("traysync.db.replaced-*"))
    assert [each.read_bytes() for each in kept] == ([before] if before else [])
    assert rows(cli, "mine") == [["kept"]]
    cli("sync")
    assert rows(cli, "items") == [[record["id"], record["name"]] for record in RECORDS]
    assert is_sound(stocked)


def test_a_run_after_a_restore_compares_all(cli, api, home, stocked):
    api.route("/items", json_reply(RECORDS[1:]))
    cli("sync")
    cli("restore", stocked, "--yes")
    assert len(rows(cli, "items")) == 12
    cli("sync")
    assert len(rows(cli, "items")) == 11


def test_the_daily_backups_are_listed_and_restored_by_name(cli, stocked):
    assert cli.json("restore") == {"backups": []}
    cli("sync")
    (daily,) = cli.json("restore")["backups"]
    name = daily["file"].rpartition("/")[2]
    assert name in cli("restore").out
    done = cli.json("restore", name, "--yes")
    assert (done["file"], done["of"][:4]) == (daily["file"], daily["of"][:4])
    assert done["replaced"]


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("missing", "There is no backup"),
        ("damaged", "The backup is damaged"),
        ("no database", "The backup is damaged"),
        ("of others", "This is no backup of TraySync"),
        ("newer", "The backup is newer than this program"),
    ],
)
def test_what_is_no_good_backup_changes_nothing(cli, home, stocked, tmp_path, what, words):
    other = tmp_path / "other.db"
    if what == "of others":
        apsw.Connection(str(other)).execute("CREATE TABLE t (x)")
    elif what != "missing":
        other.write_bytes(stocked.read_bytes())
    if what == "damaged":
        other.write_bytes(other.read_bytes()[:8192] + b"\xff" * 4096 + other.read_bytes()[12288:])
    elif what == "no database":
        other.write_bytes(b"no database " * 1000)
    elif what == "newer":
        apsw.Connection(str(other)).pragma("user_version", len(MIGRATIONS) + 1)
    before = find_home(home).database.read_bytes()
    said = cli("restore", other, "--yes", code=2).err
    assert words in said
    assert find_home(home).database.read_bytes() == before
    assert list(find_home(home).data.glob("traysync.db.*ed*")) == []


def test_nobody_restores_without_being_asked_or_while_another_process_syncs(cli, home, stocked, monkeypatch):
    said = cli("restore", stocked, code=2).err
    assert "--yes" in said
    monkeypatch.setattr(client_module, "_PATIENCE", 0.1)
    with acquire_engine_lock(find_home(home)):
        cli("restore", stocked, "--yes", code=3)
        cli("doctor", "--repair", code=3)
    assert rows(cli, "mine") == []


def test_a_command_that_finds_damage_says_what_became_of_it(cli, home, stocked):
    damaged = damage(home)
    ended = cli("sync")
    assert "The database was damaged. The damaged file is kept as" in ended.err
    (aside,) = find_home(home).data.glob("traysync.db.damaged-*")
    assert aside.read_bytes() == damaged
    assert aside.name in cli("doctor", code=None).out
    assert cli("sync").err == ""


def test_repair_mends_and_tells_each_thing(cli, home, stocked):
    assert cli.json("doctor", "--repair") == {"repaired": []}
    assert "Nothing had to be repaired." in cli("doctor", "--repair").out
    damage(home)
    assert "PROBLEM  Database" in cli("doctor", code=1).out
    said = cli("doctor", "--repair").out
    assert "The damaged file is kept as" in said
    assert "PROBLEM  Database" not in cli("doctor", code=None).out
    leftover = find_home(home).database.with_name("traysync.db.mended")
    leftover.touch()
    assert str(leftover) in cli("doctor", "--repair").out
    assert not leftover.exists()


def test_repair_takes_a_version_for_wrong_only_where_the_tables_are_of_this_one(cli, home, stocked):
    execute(home, f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    assert "doctor --repair" in cli("status", code=2).err
    assert "newer TraySync" in cli("doctor", "--repair").out
    assert len(rows(cli, "items")) == 12
    execute(home, f"PRAGMA user_version = {len(MIGRATIONS) + 1}; ALTER TABLE _sync_runs ADD COLUMN new")
    assert "newer" in cli("doctor", "--repair", code=2).err


def test_repair_finds_tables_that_nobody_owns(cli, home, stocked):
    execute(home, "UPDATE _sync_endpoints SET table_name = NULL, mapping = NULL")
    (line,) = cli.json("doctor", "--repair")["repaired"]
    assert "items" in line
    cli("sync")
    assert json.loads(cli("status", "--json").out)["endpoints"][0]["rows"] == 12
