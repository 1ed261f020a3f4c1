"""The same client with and without a running tray program."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.app.test_backend import started
from tests.server import ApiServer, json_reply
from trayapp.app.remote import Remote
from trayapp.cli import launch
from trayapp.desktop.process.paths import Home
from trayapp.desktop.socket import client as socket_client
from trayapp.desktop.socket.protocol import encode
from trayapp.desktop.socket.server import LocalServer
from trayapp.errors import UserError
from trayapp.operations import commands
from trayapp.operations.client import Client
from trayapp.operations.commands import decode_command
from trayapp.operations.workspace import Workspace

RECORDS = [{"id": number} for number in range(1, 6)]
TIMES = ("seconds", "next_due", "bytes")


@pytest.fixture
def url():
    with ApiServer() as api:
        yield api.route("/items", json_reply(RECORDS))


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / "h", tmp_path / "h", tmp_path / "h")


def everything(home, url):
    """What each of many commands comes to, in plain data; whether the tray program says that it runs."""
    client = Client(home, lambda _: None)
    seen = []

    def do(command):
        result = json.loads(encode(client.do(command, seen.append)))
        for run in result.get("runs", ()):
            results.append({name: value for name, value in run.items() if name not in TIMES})
        if "runs" not in result:
            results.append(result)

    results = []
    try:
        running = client.do(commands.Status()).running
        assert client.is_running() is running
        do(commands.Save(endpoint={"url": url, "id": "items", "enabled": False, "table": {"name": "items"}}))
        do(
            commands.Save(
                endpoint={"url": url, "id": "late", "enabled": False, "when": {"between": ["00:00", "00:01"]}}
            )
        )
        do(commands.Edit(id="items", changes={"limits.pages": "7"}))
        do(commands.EditGeneral(changes={"notifications": "problems"}))
        do(commands.Sync(ids=("items",)))
        do(commands.Stop(ids=("items",)))
        do(commands.Keep(id="items"))
        do(commands.Why(id="items"))
        do(commands.WouldOverrule(ids=("items",)))
        do(commands.Restart(id="items"))
        do(commands.Pause())
        do(commands.Resume())
        do(
            commands.Import(
                text=f'[[endpoint]]\nid = "more"\nurl = "{url}"\nmanual = true\nenabled = false\ntable.name = "more"\n'
            )
        )
        do(commands.Remove(id="late"))
        for command in (commands.Edit(id="items", changes={"every": "x"}), commands.Why(id="nobody")):
            with pytest.raises(UserError) as caught:
                do(command)
            results.append(caught.value.problem.to_plain())
        assert all(each.endpoint == "items" for each in seen)
        return results, running
    finally:
        client.close()


def test_a_command_comes_to_the_same_whether_the_program_runs_or_not(qtbot, home, tmp_path, url):
    far = Home(tmp_path / "f", tmp_path / "f", tmp_path / "f")
    workspace = Workspace(far)
    far.create()
    alone, nobody = everything(home, url)
    with started(qtbot, workspace) as backend, ThreadPoolExecutor(1) as pool:
        server, remote = LocalServer(far.socket_address), Remote(backend, lambda: None)
        server.request.connect(remote.answer)
        server.listen()
        asked = pool.submit(everything, far, url)
        qtbot.waitUntil(asked.done)
        server.close()
        running, somebody = asked.result()
    assert running == alone
    assert (nobody, somebody) == (False, True)


@pytest.mark.parametrize(("quiet", "command"), [(False, commands.Raise()), (True, commands.Status())])
def test_a_second_launch_asks_the_running_program(home, monkeypatch, quiet, command):
    sent = []
    monkeypatch.setattr(launch, "acquire_engine_lock", lambda _: None)
    monkeypatch.setattr(socket_client, "ask", lambda address, request, *_, **__: sent.append((address, request)))
    assert launch._lock_or_raise(home, quiet) is None
    ((address, request),) = sent
    assert (address, decode_command(encode(request))) == (home.socket_address, command)
