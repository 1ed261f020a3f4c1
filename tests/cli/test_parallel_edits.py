"""Several programs edit the settings at once: each edit is made of what is on disk then, and none is lost."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from trayapp.desktop.process.paths import find_home
from trayapp.endpoints.settings import to_builtins
from trayapp.endpoints.settings_file import SettingsFile
from trayapp.operations.workspace import Workspace

ONE_EACH = {
    "name": "Renamed",
    "every": "2h",
    "flex": "10m",
    "enabled": False,
    "request.timeout": "7s",
    "request.follow_redirects": False,
    "request.headers.Accept": "text/csv",
    "request.params.page": 3,
    "auth.kind": "bearer",
    "auth.prefix": "Token",
    "response.encoding": "latin-1",
    "response.format": "csv",
    "limits.connections": 2,
    "when.network": "unmetered",
    "table.mode": "upsert",
    "table.rename.a": "b",
    "when.power": "ac",
    "retry.attempts": 9,
    "limits.pages": 17,
    "notify.stale_after": "3d",
}


@pytest.fixture
def workspace():
    workspace = Workspace(find_home())
    workspace.home.create()
    workspace.settings_file.path.write_text('[[endpoint]]\nurl = "http://127.0.0.1:9/items"\nevery = "1h"\n')
    yield workspace
    workspace.close()


def other_first(monkeypatch, change):
    """Another program changes the settings after they were read for a change here, and before they are locked."""
    edit, changes = SettingsFile.edit, [change]

    def late(file, wanted):
        if changes:
            changes.pop()()
        return edit(file, wanted)

    monkeypatch.setattr(SettingsFile, "edit", late)


@pytest.mark.parametrize(
    ("path", "text"), [("name", "Mine"), ("auth.prefix", "Token"), ("request.params.a", "1"), ("flex", "10m")]
)
def test_an_edit_keeps_what_was_written_since_it_read_the_settings(workspace, monkeypatch, path, text):
    def other():
        changes = {"auth.kind": "bearer", "request.params.b": "2", "every": "2h", "tags": '["x"]'}
        Workspace(workspace.home).edit("items", changes)
        Workspace(workspace.home).edit_general({"theme": "dark"})

    other_first(monkeypatch, other)
    saved = workspace.edit("items", {path: text}).endpoint
    found = to_builtins(saved)
    assert saved == workspace.endpoint("items")
    assert (found["auth"]["kind"], found["request"]["params"]["b"], found["every"]) == ("bearer", 2, "2h")
    *sections, name = path.split(".")
    for section in sections:
        found = found[section]
    assert str(found[name]) == text
    assert workspace.settings().general.theme == "dark"


def test_an_endpoint_is_switched_off_as_it_is_then(workspace, monkeypatch):
    other_first(monkeypatch, lambda: Workspace(workspace.home).edit("items", {"name": "Theirs"}))
    (found,) = workspace.set_enabled(["items"], False)
    assert (found.name, found.enabled) == ("Theirs", False)


@pytest.mark.slow
def test_parallel_edits_of_one_endpoint_are_all_kept(workspace):
    def run(item):
        path, value = item
        text = str(value).lower() if isinstance(value, bool) else value
        command = [sys.executable, "-m", "trayapp", "edit", "items", "--set", f"{path}={text}"]
        while (done := subprocess.run(command, capture_output=True, text=True, check=False)).returncode:
            assert "settings are in use" in done.stderr  # a slow machine: the others are still at it

    with ThreadPoolExecutor(len(ONE_EACH)) as pool:
        list(pool.map(run, ONE_EACH.items()))
    found = to_builtins(workspace.endpoint("items"))
    for path, value in ONE_EACH.items():
        here = found
        for part in path.split("."):
            here = here[part]
        assert here == value, path
