"""What the command line asks of a running tray program: policies for runs, stopping, starting anew."""

import threading

import pytest

from tests.app.test_backend import RECORDS, endpoint, locked, started
from tests.patience import SECONDS
from tests.server import ApiServer, Listing
from trayapp.app.remote import Remote
from trayapp.desktop.paths import Home
from trayapp.endpoints.model import Settings
from trayapp.operations.workspace import Workspace
from trayapp.store.errors import StoreLocked


class Asked:
    """A request as the server hands it over, and its answer."""

    def __init__(self, op, **args):
        self.op, self.args = op, args
        self.result = self.error = None

    def reply(self, result):
        assert self.result is None
        assert self.error is None
        self.result = result

    def fail(self, error):
        self.error = error

    def progress(self, progress):
        pass


class Gate:
    """A listing that answers when it is let, and counts who asks."""

    def __init__(self):
        self.open = threading.Event()
        self.asked = 0
        self.listing = Listing(RECORDS)

    def __call__(self, request):
        self.asked += 1
        assert self.open.wait(SECONDS)
        return self.listing(request)


@pytest.fixture
def gate():
    gate = Gate()
    yield gate
    gate.open.set()


@pytest.fixture
def url(gate):
    with ApiServer() as api:
        yield api.route("/items", gate)
        gate.open.set()


@pytest.fixture
def backend(qtbot, tmp_path, url, gate):
    workspace = Workspace(Home(tmp_path / "h", tmp_path / "h", tmp_path / "h"))
    workspace.home.create()
    workspace.settings_file.edit(lambda _: Settings(endpoint=(endpoint(url, manual=True, every=None),)))
    with started(qtbot, workspace) as backend:
        yield backend
        gate.open.set()


@pytest.fixture
def ask(qtbot, backend, gate):
    remote = Remote(backend, lambda: None)

    def ask(op, **args):
        request = Asked(op, **args)
        remote.answer(request)
        return request

    qtbot.waitUntil(lambda: bool(backend.snapshot().endpoints))
    ask.first = ask("sync", ids=["items"])
    qtbot.waitUntil(lambda: gate.asked == 1)
    return ask


def finished(qtbot, gate, *requests):
    gate.open.set()
    qtbot.waitUntil(lambda: all(each.result is not None for each in requests))
    return [each.result["runs"][0] for each in requests]


def history(backend):
    with backend.workspace.store.reading() as db:
        return db.execute("SELECT status, reason FROM _sync_runs ORDER BY run").fetchall()


def test_keep_answers_with_the_present_run(qtbot, backend, gate, ask):
    second = ask("sync", ids=["items"])
    one, two = finished(qtbot, gate, ask.first, second)
    assert (one["added"], one) == (23, two)
    assert len(history(backend)) == 1


@pytest.mark.parametrize("args", [{"if_running": "append"}, {"full": True}])
def test_append_and_full_answer_with_a_run_after_the_present_one(qtbot, backend, gate, ask, args):
    second = ask("sync", ids=["items"], **args)
    one, two = finished(qtbot, gate, ask.first, second)
    assert (one["added"], two["added"], two["unchanged"]) == (23, 0, 23)
    assert history(backend) == [("succeeded", ""), ("succeeded", "")]


def test_held_deletions_are_applied_by_a_run_after_the_present_one(qtbot, backend, gate, ask):
    finished(qtbot, gate, ask.first)
    gate.open.clear()
    gate.listing.records = []
    before = gate.asked
    holding = ask("sync", ids=["items"])
    qtbot.waitUntil(lambda: gate.asked > before)
    applying = ask("sync", ids=["items"], apply_held=True)
    held, applied = finished(qtbot, gate, holding, applying)
    assert (held["status"], held["held"], held["deleted"]) == ("held", 23, 0)
    assert (applied["status"], applied["deleted"]) == ("succeeded", 23)


def test_replace_answers_with_the_new_run_and_the_old_one_is_stopped(qtbot, backend, gate, ask):
    second = ask("sync", ids=["items"], if_running="replace")
    qtbot.waitUntil(lambda: gate.asked == 2)
    one, two = finished(qtbot, gate, ask.first, second)
    assert (one["status"], one["reason"]) == ("stopped", "replaced by a new run")
    assert (two["status"], two["added"]) == ("succeeded", 23)


def test_stop_names_what_it_stopped_and_answers_whoever_waits(qtbot, backend, gate, ask):
    appended = ask("sync", ids=["items"], if_running="append")
    stop = ask("stop", ids=["items"])
    one, two = finished(qtbot, gate, ask.first, appended)
    assert stop.result == {"stopped": ["items"]}
    assert (one["status"], one["reason"]) == ("stopped", "stopped by the user")
    assert two["sentence"] == "Not started: stopped by the user."
    qtbot.waitUntil(lambda: history(backend) == [("stopped", "stopped by the user")])
    again = ask("stop", ids=["items"])
    qtbot.waitUntil(lambda: again.result is not None)
    assert again.result == {"stopped": []}


@pytest.mark.parametrize("args", [{}, {"drop_table": True}], ids=str)
def test_who_waits_for_a_removed_endpoint_is_answered(qtbot, gate, ask, args):
    appended = ask("sync", ids=["items"], if_running="append")
    removed = ask("remove", id="items", **args)
    qtbot.waitUntil(lambda: removed.result is not None)
    qtbot.waitUntil(lambda: None not in (ask.first.result, appended.result))
    (one,), (two,) = ask.first.result["runs"], appended.result["runs"]
    assert (one["status"], two["status"]) == ("stopped", "stopped")
    assert "removed" in one["reason"]
    assert two["sentence"].startswith("Not started: ")
    late = ask("sync", ids=["items"])
    assert late.error.title == "There is no endpoint 'items'"


def test_a_removal_while_another_program_has_the_database_is_refused(qtbot, backend, gate, ask, monkeypatch):
    monkeypatch.setattr("trayapp.store.store.LOCK_PATIENCE", 0.2)
    finished(qtbot, gate, ask.first)
    with locked(backend.workspace.home.database):
        removed = ask("remove", id="items", drop_table=True)
        qtbot.waitUntil(lambda: removed.error is not None)
    assert isinstance(removed.error, StoreLocked)
    assert [each.id for each in backend.workspace.settings().endpoint] == ["items"]


def test_an_edit_with_restart_runs_on_the_new_settings(qtbot, backend, gate, ask, url):
    edit = ask("edit", id="items", set={"url": f"{url}?new=1"})
    qtbot.waitUntil(lambda: edit.result is not None)
    with qtbot.waitSignal(backend.run_finished):
        assert ask("restart", id="items").result == {}
    (one,) = finished(qtbot, gate, ask.first)
    assert (one["status"], one["reason"]) == ("stopped", "the settings changed")
    qtbot.waitUntil(lambda: history(backend)[1:] == [("succeeded", "")])


@pytest.mark.parametrize(
    ("op", "args"),
    [("stop", {"ids": ["nobody"]}), ("restart", {"id": "nobody"}), ("sync", {"ids": ["items"], "if_running": "?"})],
)
def test_what_makes_no_sense_is_an_error(ask, op, args):
    assert ask(op, **args).error is not None
