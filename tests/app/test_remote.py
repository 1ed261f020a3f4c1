"""What the command line asks of a running tray program: policies for runs, stopping, starting anew."""

import json
import threading
from datetime import datetime, timedelta, timezone

import pytest

from tests.app.test_backend import RECORDS, endpoint, locked, started
from tests.patience import SECONDS
from tests.server import ApiServer, Listing
from trayapp.app.remote import Remote
from trayapp.desktop.process.paths import Home
from trayapp.desktop.socket.protocol import encode
from trayapp.endpoints.model import Settings
from trayapp.operations.commands import Edit, Pause, Remove, Restart, Resume, Status, Stop, Sync, Why
from trayapp.operations.workspace import Workspace
from trayapp.store.errors import StoreLocked


class Asked:
    """A request as the server hands it over, and its answer."""

    def __init__(self, line):
        self.line = line
        self.result = self.error = None

    def reply(self, result):
        assert self.result is None
        assert self.error is None
        self.result = json.loads(encode(result))

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

    def ask(command):
        request = Asked(command if isinstance(command, bytes) else encode(command))
        remote.answer(request)
        return request

    qtbot.waitUntil(lambda: bool(backend.snapshot().endpoints))
    ask.first = ask(Sync(ids=("items",)))
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
    second = ask(Sync(ids=("items",)))
    one, two = finished(qtbot, gate, ask.first, second)
    assert (one["added"], one) == (23, two)
    assert len(history(backend)) == 1


@pytest.mark.parametrize("args", [{"if_running": "append"}, {"full": True}])
def test_append_and_full_answer_with_a_run_after_the_present_one(qtbot, backend, gate, ask, args):
    second = ask(Sync(ids=("items",), **args))
    one, two = finished(qtbot, gate, ask.first, second)
    assert (one["added"], two["added"], two["unchanged"]) == (23, 0, 23)
    assert history(backend) == [("succeeded", ""), ("succeeded", "")]


def test_held_deletions_are_applied_by_a_run_after_the_present_one(qtbot, backend, gate, ask):
    finished(qtbot, gate, ask.first)
    gate.open.clear()
    gate.listing.records = []
    before = gate.asked
    holding = ask(Sync(ids=("items",)))
    qtbot.waitUntil(lambda: gate.asked > before)
    applying = ask(Sync(ids=("items",), apply_held=True))
    held, applied = finished(qtbot, gate, holding, applying)
    assert (held["status"], held["held"], held["deleted"]) == ("held", 23, 0)
    assert (applied["status"], applied["deleted"]) == ("succeeded", 23)


def test_replace_answers_with_the_new_run_and_the_old_one_is_stopped(qtbot, backend, gate, ask):
    second = ask(Sync(ids=("items",), if_running="replace"))
    qtbot.waitUntil(lambda: gate.asked == 2)
    one, two = finished(qtbot, gate, ask.first, second)
    assert (one["status"], one["reason"]) == ("stopped", "replaced by a new run")
    assert (two["status"], two["added"]) == ("succeeded", 23)


def test_stop_names_what_it_stopped_and_answers_whoever_waits(qtbot, backend, gate, ask):
    appended = ask(Sync(ids=("items",), if_running="append"))
    stop = ask(Stop(ids=("items",)))
    one, two = finished(qtbot, gate, ask.first, appended)
    assert stop.result == {"stopped": ["items"]}
    assert (one["status"], one["reason"]) == ("stopped", "stopped by the user")
    assert two["sentence"] == "Not started: stopped by the user."
    qtbot.waitUntil(lambda: history(backend) == [("stopped", "stopped by the user")])
    again = ask(Stop(ids=("items",)))
    qtbot.waitUntil(lambda: again.result is not None)
    assert again.result == {"stopped": []}


@pytest.mark.parametrize("args", [{}, {"drop_table": True}], ids=str)
def test_who_waits_for_a_removed_endpoint_is_answered(qtbot, gate, ask, args):
    appended = ask(Sync(ids=("items",), if_running="append"))
    removed = ask(Remove(id="items", **args))
    qtbot.waitUntil(lambda: removed.result is not None)
    qtbot.waitUntil(lambda: None not in (ask.first.result, appended.result))
    (one,), (two,) = ask.first.result["runs"], appended.result["runs"]
    assert (one["status"], two["status"]) == ("stopped", "stopped")
    assert "removed" in one["reason"]
    assert two["sentence"].startswith("Not started: ")
    late = ask(Sync(ids=("items",)))
    assert str(late.error.title) == "There is no endpoint “items”"


def test_a_removal_while_another_program_has_the_database_is_refused(qtbot, backend, gate, ask, monkeypatch):
    monkeypatch.setattr("trayapp.store.file.database.LOCK_PATIENCE", 0.2)
    finished(qtbot, gate, ask.first)
    with locked(backend.workspace.home.database):
        removed = ask(Remove(id="items", drop_table=True))
        qtbot.waitUntil(lambda: removed.error is not None)
    assert removed.error.code == StoreLocked.code
    assert [each.id for each in backend.workspace.settings().endpoint] == ["items"]


def test_an_edit_with_restart_runs_on_the_new_settings(qtbot, backend, gate, ask, url):
    edit = ask(Edit(id="items", changes={"url": f"{url}?new=1"}))
    qtbot.waitUntil(lambda: edit.result is not None)
    with qtbot.waitSignal(backend.run_finished):
        assert ask(Restart(id="items")).result == {}
    (one,) = finished(qtbot, gate, ask.first)
    assert (one["status"], one["reason"]) == ("stopped", "the settings changed")
    qtbot.waitUntil(lambda: history(backend)[1:] == [("succeeded", "")])


@pytest.mark.parametrize(
    "command", [Stop(ids=("nobody",)), Restart(id="nobody"), Sync(ids=("nobody",)), Remove(id="nobody")], ids=repr
)
def test_an_unknown_endpoint_is_refused(qtbot, ask, command):
    refused = ask(command)
    qtbot.waitUntil(lambda: refused.error is not None)
    assert "nobody" in str(refused.error.title)


@pytest.mark.parametrize(
    "line",
    [
        b"hello",
        b"\xff\xfe",
        b"{}",
        b'{"op": "status", "args": {}}',
        b'{"command": "Dance"}',
        b'{"command": "Status", "more": 1}',
        b'{"command": "Stop"}',
        b'{"command": "Stop", "ids": "items"}',
        b'{"command": "Sync", "ids": ["items"], "if_running": "?"}',
        b'{"command": "Pause", "until": "2026-11-24T18:00:00"}',
        b'{"command": "Save", "endpoint": {"a": ' + b"[" * 50_000 + b"]" * 50_000 + b"}}",
    ],
    ids=lambda line: line[:60].decode(errors="replace"),
)
def test_a_message_of_another_version_is_refused_in_words(backend, ask, line):
    problem = ask(line).error
    assert problem.code == "version_mismatch"
    assert "start it again" in str(problem)
    assert ask(Status()).result["paused"] is False


def test_a_pause_and_its_end_are_seen_in_the_status(qtbot, backend, ask):
    until = datetime(2099, 1, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    assert ask(Pause(until=until)).result == {}
    qtbot.waitUntil(lambda: ask(Status()).result["paused_until"] == "2099-01-01T10:00:00.000Z")
    assert ask(Resume()).result == {}
    qtbot.waitUntil(lambda: ask(Status()).result["paused"] is False)


def test_why_knows_what_runs_and_who_is_waited_for(qtbot, backend, gate, url, ask):
    qtbot.waitUntil(lambda: backend.snapshot().state == "syncing")
    reasons = ask(Why(id="items"))
    qtbot.waitUntil(lambda: reasons.result is not None)
    assert reasons.result["lines"][0].startswith("It has been running since ")
    assert not any("stopped" in line for line in reasons.result["lines"])
    others = tuple(endpoint(url, id=id, name=id, manual=True, every=None) for id in ("second", "third"))
    backend.change(lambda: [backend.workspace.save(each) for each in others], lambda _: None)
    qtbot.waitUntil(lambda: len(backend.snapshot().endpoints) == 3)
    requests = [ask.first, ask(Sync(ids=("second",))), ask(Sync(ids=("third",)))]
    qtbot.waitUntil(lambda: gate.asked == 2)

    def said():
        asked = ask(Why(id="third"))
        qtbot.waitUntil(lambda: asked.result is not None)
        return asked.result["lines"]

    told = "It waits for its server: items and second are running there, and at most 2 do at a time."
    qtbot.waitUntil(lambda: told in said())
    finished(qtbot, gate, *requests)
