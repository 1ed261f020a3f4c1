"""Once a day the database is looked through and backed up, as the settings say."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from tests.store.file.test_database import note, put
from trayapp.desktop.process.paths import Home
from trayapp.endpoints.model import General, Settings
from trayapp.operations.care import take_care
from trayapp.operations.workspace import Workspace
from trayapp.store.file.backups import backups_of

NOW = datetime(2026, 11, 24, tzinfo=UTC)
DAY = timedelta(days=1)


class Clock:
    wall = NOW

    def now(self):
        return self.wall

    def monotonic(self):
        return time.monotonic()

    def zone(self):
        return UTC


@pytest.fixture
def workspace(tmp_path):
    workspace = Workspace(Home(tmp_path, tmp_path, tmp_path))
    workspace.home.create()
    workspace.clock = Clock()
    put(workspace.store, "there")
    yield workspace
    workspace.close()


def count(workspace):
    return len(backups_of(workspace.home.database))


def wants(workspace, number):
    workspace.settings_file.edit(lambda _: Settings(general=General(backups=number)))


def test_a_backup_is_made_once_a_day_and_as_many_as_wanted_are_kept(workspace):
    wants(workspace, 2)
    for day in range(4):
        workspace.clock.wall = NOW + day * DAY
        put(workspace.store, str(day))
        take_care(workspace)
        assert count(workspace) == min(day + 1, 2)
        put(workspace.store, f"later on day {day}")
        take_care(workspace)
        assert count(workspace) == min(day + 1, 2)


def test_without_backups_damage_is_found_all_the_same(workspace):
    wants(workspace, 0)
    take_care(workspace)
    assert count(workspace) == 0
    with workspace.store.writing() as db:
        db.execute("CREATE TABLE big (x)")
        db.executemany("INSERT INTO big VALUES (?)", [("y" * 500,) for _ in range(200)])
        page = db.execute("SELECT max(pageno) FROM dbstat WHERE name = 'big' AND pagetype = 'leaf'").get
    workspace.close()
    with workspace.home.database.open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\0" * 4096)
    take_care(workspace)
    assert workspace.take_notices() == []
    workspace.clock.wall += DAY
    take_care(workspace)
    assert "Some rows of big" in " ".join(map(str, workspace.take_notices()))
    assert note(workspace.store) == "there"


def test_settings_that_can_not_be_read_cost_no_backup(workspace):
    workspace.settings_file.path.write_text("nonsense")
    take_care(workspace)
    assert count(workspace) == 1


def test_what_goes_wrong_is_logged_and_nothing_else(workspace, caplog):
    (workspace.home.data / "backups").write_text("in the way")
    take_care(workspace)
    assert "the backups can't be written" in caplog.text
    assert note(workspace.store) == "there"
