"""Tokens in the keyring, and that two processes never exchange the same one at once."""

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.patience import SECONDS
from trayapp.desktop.secrets import Secrets
from trayapp.desktop.token_store import TokenStore

OTHER = """
import sys
from pathlib import Path
from trayapp.desktop.secrets import Secrets
from trayapp.desktop.token_store import TokenStore
with TokenStore(Secrets(), Path(sys.argv[1]), print).turn("items"):
    print("in", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def keyring(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "tests.sync.oidc.keyring_file.FileKeyring")
    monkeypatch.setenv("TEST_KEYRING", str(tmp_path / "keyring.json"))
    return tmp_path / "keyring.json"


@pytest.fixture
def store(keyring, tmp_path):
    return TokenStore(Secrets(), tmp_path / "turns", lambda _: None)


def test_a_fresh_look_sees_what_another_process_wrote(store, keyring):
    store.set("items", "refresh_token", "r1")
    keyring.write_text(json.dumps({"TraySync items/refresh_token": "r2"}))
    assert store.get("items", "refresh_token") == "r1"
    assert store.get("items", "refresh_token", fresh=True) == "r2"


def test_the_tokens_of_an_endpoint_are_removed_together(store, keyring):
    for field in ("refresh_token", "access_token", "secret"):
        store.set("items", field, "x")
    with store.turn("items"):
        pass
    store.forget("items")
    assert json.loads(keyring.read_text()) == {"TraySync items/secret": "x"}
    assert list(store.lock_file("items").parent.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="modes of POSIX")
def test_the_lock_is_private(store):
    with store.turn("items"):
        assert store.lock_file("items").stat().st_mode & 0o077 == 0
        assert store.lock_file("items").parent.stat().st_mode & 0o077 == 0


def test_another_process_is_waited_for(store, tmp_path):
    command = [sys.executable, "-c", OTHER, str(tmp_path / "turns")]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
    ) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        assert other.stdout.readline() == b"in\n"
        entered = threading.Event()

        def enter() -> None:
            with store.turn("items"):
                entered.set()

        thread = threading.Thread(target=enter)
        thread.start()
        with store.turn("another"):
            assert not entered.wait(0.2)
        other.stdin.close()
        thread.join(SECONDS)
        assert entered.is_set()
