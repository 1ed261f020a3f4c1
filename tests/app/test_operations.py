"""What the workspace does by itself over time: history is pruned, silence is noticed; with the real database."""

import time
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from tests.server import ApiServer, Listing, late, problem
from trayapp.desktop.process.paths import Home
from trayapp.endpoints.model import After, Endpoint, General, Settings, Table, When
from trayapp.endpoints.settings import SettingsError
from trayapp.endpoints.units import Duration, Size
from trayapp.operations import conditions
from trayapp.operations.explanations import newly_stale, why_waiting
from trayapp.operations.runs import prune_history, sync
from trayapp.operations.workspace import Workspace
from trayapp.schedule.driver import headless
from trayapp.schedule.engine.snapshot import EndpointStatus
from trayapp.store.bookkeeping.history import RunRow, list_runs, record_changes, record_run
from trayapp.sync.report import Report

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
    yield workspace
    workspace.close()


@pytest.fixture
def api():
    with ApiServer() as api:
        yield api


def add_runs(workspace, *ages):
    with workspace.store.writing() as db:
        for age in ages:
            ended = NOW - age
            number = record_run(
                db, RunRow(endpoint="a", name="A", started=ended, finished=ended, status="succeeded", added=1)
            )
            record_changes(db, number, "a", [(1, "added", None, "{}")])


def test_history_is_kept_as_long_as_the_settings_say(workspace):
    workspace.settings_file.edit(lambda _: Settings(general=General(keep_history=Duration(7 * 86400))))
    add_runs(workspace, 9 * DAY, 8 * DAY, 6 * DAY, DAY)
    assert prune_history(workspace) == 2
    with workspace.store.reading() as db:
        assert [NOW - row.finished for row in list_runs(db)] == [DAY, 6 * DAY]
        assert db.execute("SELECT count(*) FROM _sync_changes").get == 2
    assert prune_history(workspace) == 0


def test_of_each_endpoint_so_many_runs_are_kept_and_those_with_changes_for_their_time(workspace):
    workspace.settings_file.edit(lambda _: Settings(general=General(keep_runs=2)))
    add_runs(workspace, 5 * DAY)
    with workspace.store.writing() as db:
        for day in (4, 3, 2, 1):
            for id in ("a", "b") if day < 4 else ("a",):
                at = NOW - day * DAY
                record_run(db, RunRow(endpoint=id, name=id, started=at, finished=at, status="skipped"))
    assert prune_history(workspace) == 3
    with workspace.store.reading() as db:
        kept = {id: [(NOW - row.finished).days for row in list_runs(db, id)] for id in ("a", "b")}
        assert kept == {"a": [1, 2, 5], "b": [1, 2]}
        assert db.execute("SELECT count(*) FROM _sync_changes").get == 1
    assert prune_history(workspace) == 0


def test_at_least_one_run_is_kept(workspace):
    workspace.settings_file.path.write_text("[general]\nkeep_runs = 0\n")
    with pytest.raises(SettingsError, match=r"line 2, field general\.keep_runs"):
        workspace.settings()


def test_a_sync_without_the_tray_program_prunes_too(workspace):
    workspace.settings()
    add_runs(workspace, 40 * DAY)
    assert sync(workspace, due=True) == []
    with workspace.store.reading() as db:
        assert list_runs(db) == ()


def test_endpoints_that_exchange_their_tables_names_go_on_at_once(workspace, api):
    specs = [
        Endpoint(url=api.route(f"/{id}", Listing([{"id": 1, "of": id}])), id=id, name=id, table=Table(name=id))
        for id in "ab"
    ]
    workspace.settings_file.edit(lambda _: Settings(endpoint=tuple(specs)))
    assert [report.added for report in sync(workspace)] == [1, 1]
    swapped = tuple(
        msgspec.structs.replace(spec, table=Table(name=name)) for spec, name in zip(specs, "ba", strict=True)
    )
    workspace.settings_file.edit(lambda _: Settings(endpoint=swapped))
    assert [(report.status, report.unchanged) for report in sync(workspace)] == [("succeeded", 1)] * 2
    with workspace.store.reading() as db:
        assert [db.execute(f"SELECT of FROM {name}").get for name in "ab"] == ["b", "a"]


def test_a_silence_is_told_once_also_across_restarts(workspace, tmp_path):
    spec = Endpoint(url="http://127.0.0.1/", id="a", name="A", every=Duration(3600))
    workspace.settings_file.edit(lambda _: Settings(endpoint=(spec,)))
    silent = [EndpointStatus(id="a", name="A", table="a", state="failing", last_success=NOW - 3 * DAY)]
    assert newly_stale(workspace, silent) == []
    assert [each.length for each in newly_stale(workspace, silent)] == [3 * DAY]
    workspace.close()
    again = Workspace(Home(tmp_path, tmp_path, tmp_path))
    again.clock = Clock()
    assert newly_stale(again, silent) == []
    assert newly_stale(again, silent) == []
    again.close()


@pytest.mark.parametrize("due", [False, True])
def test_a_sync_without_the_tray_program_follows_chains(workspace, api, due):
    parent = Endpoint(url=api.route("/a", Listing([{"id": 1}])), id="a", every=Duration(3600))
    child = Endpoint(url=api.route("/b", Listing([{"id": 2}])), id="b", after=After(endpoint="a"))
    workspace.settings_file.edit(lambda _: Settings(endpoint=(child, parent)))
    assert [(each.endpoint, each.status) for each in sync(workspace, due=due)] == [
        ("a", "succeeded"),
        ("b", "succeeded"),
    ]
    assert sync(workspace, due=True) == []
    assert why_waiting(workspace, "b")[0] == "It runs after a."


@pytest.mark.parametrize("due", [False, True])
@pytest.mark.parametrize("wish", [{}, {"full": True}, {"apply_held": True}], ids=str)
def test_a_run_is_made_as_it_is_asked_for(workspace, monkeypatch, due, wish):
    made = []

    def execute(endpoint, full, cancel, progress, apply_held):
        made.append((endpoint.id, full, apply_held))
        return Report(endpoint="a", name="A", table="a", status="succeeded", started=NOW, finished=NOW)

    monkeypatch.setattr(workspace, "execute", execute)
    workspace.settings_file.edit(lambda _: Settings(endpoint=(Endpoint(url="http://127.0.0.1/", id="a"),)))
    sync(workspace, due=due, **wish)
    assert made == [("a", wish.get("full", False), wish.get("apply_held", False))]


def test_a_chain_breaks_at_a_failure(workspace, api):
    parent = Endpoint(url=api.route("/a", lambda _: problem(404, "Not found")), id="a", every=Duration(3600))
    child = Endpoint(url=api.route("/b", Listing([{"id": 2}])), id="b", after=After(endpoint="a"))
    workspace.settings_file.edit(lambda _: Settings(endpoint=(child, parent)))
    assert [(each.endpoint, each.status) for each in sync(workspace, due=True)] == [("a", "failed")]
    assert "The last run failed" in why_waiting(workspace, "b")[1]


def test_a_sync_on_a_full_disk_is_refused_in_words(workspace, api, monkeypatch):
    spec = Endpoint(url=api.route("/a", Listing([{"id": 1}])), id="a", when=When(disk_free=Size(2**30)))
    workspace.settings_file.edit(lambda _: Settings(endpoint=(spec,)))
    monkeypatch.setattr(conditions, "disk_free", lambda _: 2**20)
    assert [(each.status, str(each.sentence)) for each in sync(workspace, ["a"])] == [
        ("stopped", "Not started: only 1 MiB free.")
    ]


def test_a_due_run_that_loses_what_it_wants_stops_and_goes_on_where_it_was(workspace, api, monkeypatch):
    records = [{"id": n} for n in range(1, 101)]
    listing = Listing(records, "cursor", size=5)
    free = [10 * 2**30]
    monkeypatch.setattr(headless, "LOOK_EVERY", 0.05)
    monkeypatch.setattr(conditions, "disk_free", lambda _: free[0])

    def page(seen):
        if api.count("/long") == 14:
            free[0] = 1
        return late(listing(seen), 0.05)

    when = When(disk_free=Size.parse("1GiB"))
    endpoint = Endpoint(url=api.route("/long", page), id="long", table=Table(name="long"), when=when)
    workspace.settings_file.edit(lambda _: Settings(endpoint=(endpoint,)))
    (report,) = sync(workspace, due=True)
    assert (report.status, str(report.reason)) == ("stopped", "only 0 MiB free")
    assert sync(workspace, due=True) == []  # it is due, but must not run
    asked = api.count("/long")
    free[0] = 10 * 2**30
    assert [each.status for each in sync(workspace, due=True)] == ["succeeded"]
    assert api.count("/long") - asked < 10
    with workspace.store.reading() as db:
        assert db.execute("SELECT count(*) FROM long").fetchone() == (100,)
