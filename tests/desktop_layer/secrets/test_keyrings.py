"""Which keyring is taken, and where the session bus is looked for."""

import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from keyring.backends import SecretService

from tests import memory_keyring
from tests.memory_keyring import MemoryKeyring
from trayapp.desktop.secrets import keyrings

BUS = "DBUS_SESSION_BUS_ADDRESS"
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the session bus of Linux")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stands for /run/user/UID."""
    monkeypatch.chdir(tmp_path)  # a socket's path must be short
    monkeypatch.setattr(keyrings, "Path", lambda text: Path(Path(text).name))
    monkeypatch.setattr(SecretService, "Keyring", lambda: os.environ.get(BUS))
    monkeypatch.delenv("PYTHON_KEYRING_BACKEND")
    monkeypatch.setenv(BUS, "")
    monkeypatch.delenv(BUS)
    return tmp_path


@pytest.fixture
def bus(folder: Path) -> Iterator[Path]:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("bus")
        yield folder / "bus"


def test_the_keyring_of_the_users_configuration_is_taken(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = folder / "config" / "python_keyring"
    config.mkdir(parents=True)
    (config / "keyringrc.cfg").write_text(f"[backend]\ndefault-keyring={memory_keyring.NAME}\n")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(config.parent))
    assert isinstance(keyrings.chosen_keyring(), MemoryKeyring)


@pytest.mark.usefixtures("bus")
def test_a_process_without_a_session_finds_the_users_bus() -> None:
    assert keyrings.chosen_keyring() == "unix:path=bus"


@pytest.mark.usefixtures("bus")
def test_the_bus_of_the_session_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(BUS, "unix:path=/elsewhere")
    assert keyrings.chosen_keyring() == "unix:path=/elsewhere"


@pytest.mark.parametrize("is_there", [False, True])
def test_what_is_no_socket_is_no_bus(folder: Path, is_there: bool) -> None:
    if is_there:
        (folder / "bus").write_text("")
    assert keyrings.chosen_keyring() is None
