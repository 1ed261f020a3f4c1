"""What another program does to the tables that begin with _sync_, and to the version: mended, or refused in words."""

import contextlib
import shutil

import apsw
import pytest

from tests.faults.stocked import Stocked
from tests.server import ApiServer
from trayapp.store.bookkeeping.history import list_runs
from trayapp.store.errors import StoreError, StoreTooNew
from trayapp.store.file.migrations import MIGRATIONS

TABLES = ("endpoints", "columns", "runs", "changes", "held", "meta", "suspects", "grants")
GARBLED = {
    "a mapping": "UPDATE _sync_endpoints SET mapping = 'x'",
    "another mapping": "UPDATE _sync_endpoints SET mapping = '[1, 2]'",
    "a state": "UPDATE _sync_endpoints SET status = 5, attempts = 'many', last_success = 'long ago'",
    "messages": "UPDATE _sync_endpoints SET messages = '{'; UPDATE _sync_runs SET messages = '[]'",
    "times": "UPDATE _sync_runs SET started = 'never'",
    "marks": "UPDATE _sync_endpoints SET cursor = x'00', etag = 5, last_full = 'x'",
    "numbers of runs": "UPDATE _sync_changes SET run = 'x'; DELETE FROM _sync_runs",
    "other columns": "UPDATE _sync_columns SET \"column\" = 'x' || rowid",
    "no columns of one": "DELETE FROM _sync_columns WHERE endpoint = 2",
    "digests": "UPDATE _sync_rows_1 SET keys = x'c1', digests = 'x'; UPDATE _sync_rows_2 SET keys = 'abc'",
    "no digests": "DROP TABLE _sync_rows_1; DELETE FROM _sync_rows_2",
    "a column less": "ALTER TABLE _sync_endpoints DROP COLUMN cursor",
    "a column more": "ALTER TABLE _sync_endpoints ADD COLUMN more",
    "another table": "DROP TABLE _sync_runs; CREATE TABLE _sync_runs (run, endpoint, words)",
    "a view": "DROP TABLE _sync_endpoints; CREATE VIEW _sync_endpoints AS SELECT 1 AS id",
    "an index": "DROP INDEX _sync_changes_run; DROP INDEX _sync_runs_endpoint",
    "all": "; ".join(f"DROP TABLE _sync_{name}" for name in TABLES),
    "all, and the version": "; ".join(f"DROP TABLE _sync_{name}" for name in TABLES) + "; PRAGMA user_version = 0",
    "version 0": "PRAGMA user_version = 0",
    "version -5": "PRAGMA user_version = -5",
    "an older version": "PRAGMA user_version = 2",
}
GARBLED |= {f"no {name}": f"DROP TABLE _sync_{name}" for name in TABLES}
GARBLED |= {f"nothing in {name}": f"DELETE FROM _sync_{name}" for name in TABLES}


@pytest.fixture(scope="module")
def stocked(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stocked")
    with ApiServer() as api:
        home = Stocked(folder / "data", api)
        home.make()
        shutil.copytree(folder / "data", folder / "kept", copy_function=shutil.copy2)
        yield home, folder / "kept"


@pytest.fixture
def home(stocked):
    home, kept = stocked
    shutil.rmtree(home.home.data)
    shutil.copytree(kept, home.home.data, copy_function=shutil.copy2)
    return home


def harm(home, sql):
    db = apsw.Connection(str(home.home.database))
    db.execute(sql)
    db.close()


CASES = [*((way, False) for way in GARBLED), *((f"no {name}", True) for name in TABLES)]


@pytest.mark.parametrize(("way", "has_backup"), CASES, ids=str)
def test_garbled_bookkeeping_is_mended(home, way, has_backup):
    if not has_backup:
        shutil.rmtree(home.home.data / "backups")
    before = home.runs()
    harm(home, GARBLED[way])
    told = ""
    for day in (2, 2):
        told += home.sync(day)
        assert home.is_mirrored()
        for table, (found, expected) in home.kept().items():
            assert found == expected, table
    assert home.sync(4) == ""
    if way.startswith("no ") and way.removeprefix("no ") in TABLES:
        assert f"_sync_{way.removeprefix('no ')}" in told
    if has_backup:
        assert before < home.runs()


SCHEMA = [way for way in GARBLED if way.startswith("no ") or way in ("a column less", "another table", "a view", "all")]


@pytest.mark.parametrize("way", SCHEMA)
def test_tables_that_vanish_under_the_running_program_are_mended(home, way):
    workspace = home.start(2)
    home.run_one_by_one(workspace)
    shutil.rmtree(home.home.data / "backups")
    harm(home, GARBLED[way])
    with contextlib.suppress(StoreError), workspace.store.reading() as db:
        list_runs(db)
    for _ in range(2):
        home.run_one_by_one(workspace)
        assert home.is_mirrored()
    workspace.close()
    for table, (found, expected) in home.kept().items():
        assert found == expected, table


def test_a_version_from_the_future_is_refused_in_words(home):
    harm(home, f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    for _ in range(2):
        with pytest.raises(StoreTooNew) as caught:
            home.sync(2)
        assert "doctor --repair" in caught.value.next
