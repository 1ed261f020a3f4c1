"""Several programs edit the settings at once: each edit is made of what is on disk then, and none is lost."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from msgspec.structs import replace

from tests.file_keyring import VARIABLE
from trayapp.desktop.process.paths import find_home
from trayapp.endpoints.settings import to_builtins
from trayapp.endpoints.settings_file import SettingsFile
from trayapp.errors import UserError
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


def new_endpoint(folder, id):
    file = folder / f"{id}.toml"
    file.write_text(f'[[endpoint]]\nid = "{id}"\nurl = "http://127.0.0.1:9/{id}"\n')
    return str(file)


@pytest.mark.slow
def test_parallel_commands_of_all_kinds_are_all_kept(workspace, tmp_path):
    """Edits of one endpoint and of others, switches, removals, imports, the program's settings, and a window's save."""
    workspace.settings_file.path.write_text(
        "".join(
            f'[[endpoint]]\nid = "{id}"\nurl = "http://127.0.0.1:9/{id}"\nenabled = {str(id != "c").lower()}\n'
            for id in "abcdefw"
        )
    )
    window = workspace.settings()
    commands = [
        ["edit", "a", "--set", "name=Anna"],
        ["edit", "a", "--set", "every=2h"],
        ["edit", "a", "--set", "request.headers.Accept=text/csv"],
        ["edit", "b", "--set", "name=Berta"],
        ["disable", "b"],
        ["enable", "c"],
        ["pause", "e"],
        ["remove", "d"],
        ["remove", "f", "--drop-table"],
        ["import", new_endpoint(tmp_path, "g"), "--yes"],
        ["import", new_endpoint(tmp_path, "h"), "--yes"],
        ["settings", "--set", "theme=dark"],
        ["settings", "--set", "notifications=none"],
        ["settings", "--set", "keep_runs=77"],
    ]

    def run(arguments):
        command = [sys.executable, "-m", "trayapp", *arguments]
        while (done := subprocess.run(command, capture_output=True, text=True, check=False)).returncode:
            assert "settings are in use" in done.stderr, (arguments, done.stderr)

    def save():
        renamed = [replace(each, name="Window") if each.id == "w" else each for each in window.endpoint]
        until_free(lambda: workspace.save_all(replace(window, endpoint=tuple(renamed)), {}, base=window))

    with ThreadPoolExecutor(len(commands) + 1) as pool:
        for done in [pool.submit(run, each) for each in commands] + [pool.submit(save)]:
            done.result()
    found = workspace.settings()
    assert {each.id for each in found.endpoint} == set("abceghw")
    a, b, c, e, w = (to_builtins(found.find(id)) for id in "abcew")
    assert (a["name"], a["every"], a["request"]) == ("Anna", "2h", {"headers": {"Accept": "text/csv"}})
    assert (b["name"], b["enabled"], c.get("enabled", True), e["enabled"]) == ("Berta", False, True, False)
    assert w["name"] == "Window"
    assert to_builtins(found.general) == {"theme": "dark", "notifications": "none", "keep_runs": 77}


def until_free(work):
    while True:
        try:
            return work()
        except UserError as error:
            if "settings are in use" not in str(error):
                raise


@pytest.mark.slow
def test_of_parallel_edits_of_one_field_one_counts_whole(workspace):
    names = [f"Name {number} {'x' * number}" for number in range(8)]

    def run(name):
        command = [sys.executable, "-m", "trayapp", "edit", "items", "--set", f"name={name}"]
        while (done := subprocess.run(command, capture_output=True, text=True, check=False)).returncode:
            assert "settings are in use" in done.stderr

    with ThreadPoolExecutor(len(names)) as pool:
        list(pool.map(run, names))
    (endpoint,) = workspace.settings().endpoint
    assert endpoint.name in names


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="the keyring in a file is locked by POSIX calls")
def test_secrets_that_are_set_at_once_are_all_kept(workspace, tmp_path):
    """Beside edits of the same endpoints, and the removal of another one with its secret."""
    ids = "abcd"
    workspace.settings_file.path.write_text(
        "".join(f'[[endpoint]]\nid = "{id}"\nurl = "http://127.0.0.1:9/{id}"\nauth.kind = "bearer"\n' for id in ids)
    )
    keyring = tmp_path / "keyring.json"
    environment = {**os.environ, VARIABLE: str(keyring), "PYTHON_KEYRING_BACKEND": "tests.file_keyring.FileKeyring"}

    def run(arguments, stdin=""):
        command = [sys.executable, "-m", "trayapp", *arguments]
        options = {"env": environment, "input": stdin, "capture_output": True, "text": True, "check": False}
        while (done := subprocess.run(command, **options)).returncode:
            assert "settings are in use" in done.stderr, (arguments, done.stderr)

    run(["secret", "set", "d"], "secret-of-d")
    with ThreadPoolExecutor(7) as pool:
        works = [pool.submit(run, ["secret", "set", id], f"secret-of-{id}") for id in "abc"]
        works += [pool.submit(run, ["edit", id, "--set", f"name=Name {id}"]) for id in "abc"]
        works.append(pool.submit(run, ["remove", "d"]))
        for work in works:
            work.result()
    kept = set(json.loads(keyring.read_text()).values())
    assert {f"secret-of-{id}" for id in ids} & kept == {f"secret-of-{id}" for id in "abc"}
    assert {each.id: each.name for each in workspace.settings().endpoint} == {id: f"Name {id}" for id in "abc"}
