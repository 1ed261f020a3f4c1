"""The local socket: the real server in this process, real clients in others and in threads."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from tests.patience import SECONDS, until
from trayapp.desktop.process.paths import find_home
from trayapp.desktop.socket import protocol, server
from trayapp.desktop.socket.client import NotRunning, ask
from trayapp.desktop.socket.server import LocalServer, Request
from trayapp.errors import EnvironmentProblem, UserError
from trayapp.store.errors import StoreLocked

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="Unix sockets"),
    pytest.mark.usefixtures("qapp"),
]
SERVED = pytest.mark.usefixtures("local")


PYTHON_FOR_ALL = "/usr/bin/python3"
ASKING = """
import json, sys
from trayapp.desktop.socket.client import ask
print(json.dumps(ask(sys.argv[1], {"op": "echo", "ü": [1]}, dict)))
"""
NOBODY = 65534
STRANGERS_REQUEST = """
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
try:
    s.sendall(b'{"op": "x"}\\n')
    turned_away = s.recv(9) == b""
except ConnectionError:
    turned_away = True
print("turned away" if turned_away else "heard")
"""
STRANGERS_SERVER = """
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen()
print(flush=True)
print(s.accept()[0].recv(99))
"""


@pytest.fixture
def address(tmp_path: Path) -> str:
    home = find_home(tmp_path)
    home.create()
    return home.socket_address


@pytest.fixture
def local(address: str) -> Iterator[LocalServer]:
    local = listening(address)
    yield local
    local.close()


def listening(address: str) -> LocalServer:
    local = LocalServer(address)
    local.request.connect(answer)
    local.listen()
    return local


def answer(request: Request) -> None:
    asked = json.loads(request.line)
    match asked["op"]:
        case "echo":
            request.reply(asked)
        case "count":
            threading.Thread(target=count, args=(request,)).start()
        case "fail":
            request.fail(UserError("No", "Because.", "Do that.").problem)
        case "locked":
            request.fail(StoreLocked("In use", "Another has it.", "Wait.").problem)
        case "huge":
            request.reply({"text": "x" * (protocol.MAX_ANSWER + 1)})


def count(request: Request) -> None:
    for number in range(3):
        request.progress({"number": number})
    request.reply({"thread": threading.current_thread().name})


@pytest.fixture
def asking(qtbot: QtBot) -> Iterator[Callable[..., dict[str, Any]]]:
    """`ask` in a thread, while this one runs the event loop."""
    with ThreadPoolExecutor(1) as pool:

        def run(address: str, op: str, **options: Any) -> dict[str, Any]:
            future: Future[dict[str, Any]] = pool.submit(ask, address, {"op": op}, dict[str, Any], **options)
            qtbot.waitUntil(future.done)
            return future.result()

        yield run


def raw_connection(address: str) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(SECONDS)
    connection.connect(address)
    return connection


@SERVED
def test_a_second_process_gets_its_answer(address: str, qtbot: QtBot) -> None:
    with subprocess.Popen([sys.executable, "-c", ASKING, address], stdout=subprocess.PIPE) as process:
        qtbot.waitUntil(lambda: process.poll() is not None)
        assert process.stdout
        assert json.loads(process.stdout.read()) == {"op": "echo", "ü": [1]}


@SERVED
def test_progress_comes_in_order_and_from_any_thread(address: str, asking: Callable[..., dict[str, Any]]) -> None:
    seen: list[dict[str, Any]] = []
    result = asking(address, "count", on_progress=seen.append)
    assert seen == [{"number": 0}, {"number": 1}, {"number": 2}]
    assert result["thread"] != threading.main_thread().name


@SERVED
def test_an_error_arrives_whole(address: str, asking: Callable[..., dict[str, Any]]) -> None:
    with pytest.raises(UserError) as caught:
        asking(address, "fail")
    assert caught.value.problem.as_dict() == {"title": "No", "cause": "Because.", "next": "Do that."}


@SERVED
def test_a_locked_database_is_told_from_other_errors(address: str, asking: Callable[..., dict[str, Any]]) -> None:
    with pytest.raises(StoreLocked) as caught:
        asking(address, "locked")
    assert (caught.value.title, caught.value.cause, caught.value.next) == ("In use", "Another has it.", "Wait.")
    with pytest.raises(UserError) as caught_other:
        asking(address, "fail")
    assert not isinstance(caught_other.value, StoreLocked)


@SERVED
def test_an_answer_beyond_the_limit_is_an_error(address: str, asking: Callable[..., dict[str, Any]]) -> None:
    with pytest.raises(UserError, match="too long"):
        asking(address, "huge")


@pytest.mark.parametrize(
    "line",
    [
        b"x" * (protocol.MAX_REQUEST + 1),
        b"x" * (protocol.MAX_REQUEST + 1) + b"\n",
    ],
    ids=["endless", "a long line"],
)
@SERVED
def test_a_request_beyond_the_limit_gets_an_error_and_harms_nobody(
    address: str, line: bytes, qtbot: QtBot, asking: Callable[..., dict[str, Any]]
) -> None:
    with ThreadPoolExecutor(1) as pool, raw_connection(address) as connection:
        pool.submit(connection.sendall, line)
        received = pool.submit(connection.recv, 65536)
        qtbot.waitUntil(received.done)
        assert json.loads(received.result())["error"]["title"]
    assert asking(address, "echo") == {"op": "echo"}


@SERVED
def test_silent_half_and_vanishing_clients_do_not_hold_up_others(
    address: str, asking: Callable[..., dict[str, Any]]
) -> None:
    silent, half, gone = (raw_connection(address) for _ in range(3))
    half.sendall(b'{"op": "ec')
    gone.sendall(b'{"op": "count"}\n')
    gone.close()
    assert asking(address, "echo") == {"op": "echo"}
    silent.close()
    half.close()


@SERVED
def test_a_client_that_says_nothing_is_dropped(address: str, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_PATIENCE_MS", 50)
    with ThreadPoolExecutor(1) as pool, raw_connection(address) as connection:
        received = pool.submit(connection.recv, 1)
        qtbot.waitUntil(received.done)
        assert received.result() == b""


def test_a_client_that_does_not_read_gets_no_more_progress(address: str, qtbot: QtBot) -> None:
    local = LocalServer(address)
    requests: list[Request] = []
    local.request.connect(requests.append)
    local.listen()
    with raw_connection(address) as connection:
        connection.sendall(b'{"op": "x"}\n')
        qtbot.waitUntil(lambda: bool(requests))
        for _ in range(300):
            requests[0].progress({"text": "x" * 20_000})
        requests[0].reply({"done": True})
        with ThreadPoolExecutor(1) as pool:
            read = pool.submit(lambda: b"".join(iter(lambda: connection.recv(65536), b"")))
            qtbot.waitUntil(read.done)
        assert len(read.result()) < 3_000_000
        assert read.result().endswith(b'{"result":{"done":true}}\n')
    local.close()


@SERVED
def test_too_many_clients_are_turned_away(address: str, qtbot: QtBot, asking: Callable[..., dict[str, Any]]) -> None:
    crowd = []
    for _ in range(70):
        crowd.append(raw_connection(address))
        qtbot.wait(1)
    with ThreadPoolExecutor(1) as pool:
        turned_away = pool.submit(crowd[-1].recv, 1)
        qtbot.waitUntil(turned_away.done)
        assert turned_away.result() == b""
    for connection in crowd:
        connection.close()

    def is_served() -> bool:  # once those that went are noticed
        try:
            return asking(address, "echo") == {"op": "echo"}
        except UserError:
            return False

    until(is_served)


def test_an_answer_after_the_end_is_no_error(address: str, qtbot: QtBot) -> None:
    local = LocalServer(address)
    request = Request(local, 99, b"")
    request.reply({})
    local.deleteLater()
    qtbot.wait(10)
    request.reply({})


def test_a_left_over_socket_is_replaced(address: str, asking: Callable[..., dict[str, Any]]) -> None:
    with socket.socket(socket.AF_UNIX) as left_over:
        left_over.bind(address)
    with pytest.raises(NotRunning):
        ask(address, {"op": "echo"}, dict, connect_within=0)
    local = listening(address)
    assert asking(address, "echo") == {"op": "echo"}
    local.close()
    assert not Path(address).exists()


@SERVED
def test_the_socket_is_private(address: str) -> None:
    assert os.stat(address).st_mode & 0o077 == 0


def test_a_far_home_is_reached_too(tmp_path: Path, asking: Callable[..., dict[str, Any]]) -> None:
    address = find_home(tmp_path / ("x" * 150)).socket_address
    local = listening(address)
    assert asking(address, "echo") == {"op": "echo"}
    assert Path(address).parent.stat().st_mode & 0o777 == 0o700
    local.close()
    Path(address).parent.rmdir()


@pytest.mark.parametrize("length", range(96, 102))
def test_a_home_near_the_limit_of_a_sockets_path(
    length: int, open_folder: Path, asking: Callable[..., dict[str, Any]]
) -> None:
    home = find_home(open_folder / ("x" * (length - len(f"{open_folder}//traysync.sock"))))
    assert len(str(home.data / "traysync.sock")) == length
    home.create()
    local = listening(home.socket_address)
    assert asking(home.socket_address, "echo") == {"op": "echo"}
    local.close()
    folder = Path(home.socket_address).parent
    if folder != home.data:
        folder.rmdir()


def test_a_client_waits_for_a_starting_server(address: str, qtbot: QtBot) -> None:
    with ThreadPoolExecutor(1) as pool:
        early = pool.submit(ask, address, {"op": "echo"}, dict[str, Any])
        time.sleep(0.1)
        local = listening(address)
        qtbot.waitUntil(early.done)
        assert early.result() == {"op": "echo"}
    local.close()


def test_nobody_there(address: str) -> None:
    with pytest.raises(NotRunning, match="is not running"):
        ask(address, {"op": "echo"}, dict, connect_within=0)


def test_a_server_that_hangs_is_given_up(address: str) -> None:
    with socket.socket(socket.AF_UNIX) as hanging:
        hanging.bind(address)
        hanging.listen()
        with pytest.raises(UserError) as caught:
            ask(address, {"op": "echo"}, dict, timeout=0.1)
    assert caught.value.problem.code == "no_response"


def test_a_server_that_dies_is_told_from_none(address: str) -> None:
    with socket.socket(socket.AF_UNIX) as dying, ThreadPoolExecutor(1) as pool:
        dying.bind(address)
        dying.listen()
        asked = pool.submit(ask, address, {"op": "echo"}, dict[str, Any])
        dying.accept()[0].close()
        with pytest.raises(UserError) as caught:
            asked.result(SECONDS)
    assert caught.value.problem.code == "connection_broken"
    assert not isinstance(caught.value, NotRunning)


as_root = pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can become another user")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user can look into."""
    folder = Path(tempfile.mkdtemp(prefix="traysync-test-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def as_stranger(code: str, address: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([PYTHON_FOR_ALL, "-c", code, address], user=NOBODY, cwd="/", stdout=subprocess.PIPE)


@as_root
def test_another_user_is_not_heard(qtbot: QtBot, open_folder: Path) -> None:
    address = str(open_folder / "s")
    heard: list[Request] = []
    local = LocalServer(address)
    local.request.connect(heard.append)
    local.listen()
    os.chmod(address, 0o777)
    with as_stranger(STRANGERS_REQUEST, address) as process:
        qtbot.waitUntil(lambda: process.poll() is not None)
        assert process.stdout
        assert process.stdout.read() == b"turned away\n"
    assert heard == []
    local.close()


@as_root
def test_another_users_server_is_not_trusted(open_folder: Path) -> None:
    os.chown(open_folder, NOBODY, NOBODY)
    address = str(open_folder / "s")
    with as_stranger(STRANGERS_SERVER, address) as process:
        assert process.stdout
        process.stdout.readline()
        with pytest.raises(EnvironmentProblem) as caught:
            ask(address, {"value": "hunter2"}, dict)
        assert caught.value.problem.code == "foreign_listener"
        assert process.stdout.read() == b"b''\n"
    os.unlink(address)
    with pytest.raises(EnvironmentProblem) as refused:
        LocalServer(address).listen()
    assert refused.value.problem.code == "foreign_folder"
