"""Watched files on a real disk: replaced, made later, folders; and through `sync --due`."""

import os

import pytest

from trayapp.app import watching
from trayapp.app.background import Background
from trayapp.app.watching import FileWatch
from trayapp.desktop.machine.file_stamps import stamp
from trayapp.desktop.process.paths import Home
from trayapp.endpoints.model import Endpoint, Settings
from trayapp.operations.runs import sync
from trayapp.operations.workspace import Workspace


@pytest.fixture
def watch(qtbot, monkeypatch):
    monkeypatch.setattr(watching, "SETTLED_MS", 20)
    background, seen = Background(), []
    watch = FileWatch(background, seen.append)
    watch.seen = seen
    yield watch
    watch.apply(Settings())
    qtbot.waitUntil(lambda: not watch._looking)


def watching_for(path):
    return Settings(endpoint=(Endpoint(url="https://a.test/", id="a", watch=str(path)),))


def test_a_file_is_told_at_first_and_at_every_change_however_it_is_made(watch, qtbot, tmp_path):
    path = tmp_path / "new" / "list.csv"
    watch.apply(watching_for(path))
    qtbot.waitUntil(lambda: watch.seen == [{str(path): ""}])
    path.parent.mkdir()
    qtbot.wait(100)
    path.write_text("one")
    qtbot.waitUntil(lambda: len(watch.seen) >= 2)
    assert watch.seen[-1] == {str(path): stamp(str(path))}
    for text in ("two words", "and a third time"):
        count = len(watch.seen)
        other = tmp_path / "new" / "other"
        other.write_text(text)
        os.replace(other, path)
        qtbot.waitUntil(lambda count=count: len(watch.seen) > count and watch.seen[-1][str(path)] == stamp(str(path)))


def test_a_folder_changes_with_what_lies_in_it(tmp_path):
    before = stamp(str(tmp_path))
    (tmp_path / "a").write_text("1")
    with_one = stamp(str(tmp_path))
    (tmp_path / "a").write_text("22")
    assert len({before, with_one, stamp(str(tmp_path))}) == 3
    assert stamp(str(tmp_path)) == stamp(str(tmp_path))


def test_without_the_tray_program_a_changed_file_makes_due(tmp_path):
    workspace = Workspace(Home(tmp_path, tmp_path, tmp_path))
    workspace.home.create()
    path = tmp_path / "list.csv"
    workspace.settings_file.edit(
        lambda _: Settings(endpoint=(Endpoint(url="http://127.0.0.1:9/", id="a", watch=str(path)),))
    )
    assert sync(workspace, due=True) == []
    path.write_text("x")
    assert [report.endpoint for report in sync(workspace, due=True)] == ["a"]
    workspace.close()
