"""Commands that reach the running tray program, a process of its own: what they stop, replace, append and pause."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.cli.guarding import SECRET, VARIABLE
from tests.patience import SECONDS, until
from tests.server import ApiServer, json_reply, late
from trayapp.desktop.process.paths import find_home
from trayapp.desktop.socket.client import ask
from trayapp.errors import UserError
from trayapp.operations import commands
from trayapp.operations.vault import Allowance

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="DISPLAY is X11's and Wayland's"),
]
RECORDS = [{"id": number} for number in range(1, 6)]


@pytest.fixture
def address(home):
    """Where the tray program of the test's home listens; it runs until the test ends."""
    address = find_home(home).socket_address
    environment = {**os.environ, "DISPLAY": ":0", "QT_QPA_PLATFORM": "offscreen"}
    program = subprocess.Popen(
        [sys.executable, "-m", "trayapp", "--background"], cwd=Path(__file__).parents[2], env=environment
    )
    try:
        ask(address, commands.Status(), commands.StatusDocument, connect_within=SECONDS)
        yield address
    finally:
        program.terminate()
        assert program.wait(SECONDS) == 0


@pytest.fixture
def slow(cli, api):
    """Two endpoints with the tag x, by hand, whose server takes a while to answer."""
    for id in ("a", "b"):
        cli("add", api.route(f"/{id}", json_reply(RECORDS)), "--id", id, "--set", "manual=true", "--set", "every=",
            "--set", 'tags=["x"]', "--set", f"table.name={id}", "--yes")  # fmt: skip
    for id in ("a", "b"):
        api.route(f"/{id}", late(json_reply(RECORDS), 2))


def test_runs_of_the_running_program_are_replaced_appended_and_stopped_by_commands(cli, api, slow, address):
    def shown(field, value, *ids):
        """Wait until these endpoints show that; snapshots come a moment later."""
        until(
            lambda: all(each[field] == value for each in cli.json("status", *ids)["endpoints"]),
            f"{ids} never had {field} {value}",
        )

    def begun(*ids):
        """Runs of these under way, and what whoever asked for them is going to hear."""
        asked = pool.submit(ask, address, commands.Sync(ids=ids), commands.Runs)
        shown("state", "running", *ids)
        return asked

    def heard(asked):
        return sorted((run["endpoint"], run["status"], run["reason"]) for run in asked.result(30).runs)

    with ThreadPoolExecutor() as pool:
        first = begun("a")
        (new,) = cli.json("sync", "a", "--if-running", "replace")["runs"]
        assert heard(first) == [("a", "stopped", "replaced by a new run")]
        assert (new["status"], new["added"]) == ("succeeded", 5)

        first = begun("a")
        (next_,) = cli.json("sync", "a", "--full")["runs"]
        assert first.done()
        assert (next_["status"], next_["unchanged"]) == ("succeeded", 5)

        both = begun("a", "b")
        assert cli.json("stop", "--tag", "x") == {"stopped": ["a", "b"]}
        assert heard(both) == [(id, "stopped", "stopped by the user") for id in ("a", "b")]

        first = begun("a")
        cli("edit", "a", "--set", "limits.pages=7", "--restart")
        assert heard(first) == [("a", "stopped", "the settings changed")]
        shown("generation", 1, "a")

    cli("pause", "b")
    shown("state", "disabled", "b")
    assert "It is switched off." in cli("why", "b").out


@pytest.fixture
def keyring(tmp_path, monkeypatch):
    """A keyring that this process and the tray program share, and a variable that both have."""
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "tests.sync.oidc.keyring_file.FileKeyring")
    monkeypatch.setenv("TEST_KEYRING", str(tmp_path / "keyring.json"))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    monkeypatch.setenv(VARIABLE, SECRET)
    return tmp_path / "keyring.json"


def test_the_running_program_sends_secrets_only_where_a_person_gave_them_for(cli, api, keyring, address):
    def asked(command):
        return ask(address, command, command.result_type())

    def refused(id):
        (run,) = cli.json("sync", id, code=1)["runs"]
        assert "is not sent" in run["problem"]["title"]

    by_hand = ["--set", "manual=true", "--set", "every=", "--yes"]
    url = api.route("/items", json_reply(RECORDS))
    with ApiServer() as evil:
        theirs = evil.route("/items", json_reply(RECORDS))
        cli("add", url, "--id", "items", "--auth", "bearer", "--secret-stdin", *by_hand, stdin=SECRET)
        assert cli.json("sync", "items")["runs"][0]["status"] == "succeeded"
        assert api.requests[-1].headers["Authorization"] == f"Bearer {SECRET}"
        assert "is not sent" in cli("edit", "items", "--set", f"url={theirs}").out
        refused("items")

        text = f'[[endpoint]]\nid = "items"\nurl = "{url}"\nmanual = true\nrequest = {{ proxy = "{evil.base}" }}\n'
        with pytest.raises(UserError, match="needs your confirmation"):
            asked(commands.Import(text=text))
        variable = {"id": "other", "url": theirs, "manual": True, "table": {"name": "other"}}
        variable["auth"] = {"kind": "bearer", "secret_env": VARIABLE}
        asked(commands.Save(endpoint=variable))
        refused("other")
        with pytest.raises(UserError, match="changed in the meantime"):
            asked(commands.Allow(id="other", what=(Allowance("secret", VARIABLE, (api.base,)),)))
        refused("other")
        with pytest.raises(UserError, match="no secret called “secret/for”"):
            asked(commands.SetSecret(id="items", field="secret/for", value="{}"))
        assert evil.requests == []

        cli("edit", "items", "--set", f"url={url}")
        assert cli.json("sync", "items")["runs"][0]["status"] == "succeeded"
        cli("secret", "allow", "other", "--yes")
        assert cli.json("sync", "other")["runs"][0]["status"] == "succeeded"
        assert evil.requests[-1].headers["Authorization"] == f"Bearer {SECRET}"
        cli("remove", "items")
        cli("remove", "other")
        assert keyring.read_text() == "{}"


def test_the_running_program_restores_a_backup_and_goes_on_with_it(cli, api, slow, address, home, tmp_path):
    for id in ("a", "b"):
        api.route(f"/{id}", json_reply(RECORDS))
    cli("sync")
    copy = tmp_path / "copy.db"
    cli("backup", copy)
    api.route("/a", json_reply(RECORDS[2:]))
    cli("sync")
    assert cli.json("restore", copy, "--yes")["replaced"]
    assert len(cli.json("query", "SELECT * FROM a")["rows"]) == 5
    cli("sync")
    assert [row for (row,) in cli.json("query", "SELECT id FROM a")["rows"]] == [3, 4, 5]
    assert len(cli.json("runs")["runs"]) == 4
    assert cli.json("doctor", "--repair") == {"repaired": []}
