"""Two processes never exchange the same token at once."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from trayapp.desktop.secrets.turns import Turns

OTHER = """
import sys
from pathlib import Path
from trayapp.desktop.secrets.turns import Turns
with Turns(Path(sys.argv[1])).turn("items"):
    print("in", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def turns(tmp_path):
    return Turns(tmp_path / "turns")


def test_the_lock_file_goes_with_its_endpoint(turns):
    with turns.turn("items"):
        pass
    turns.forget("items")
    turns.forget("never there")
    assert list(turns.lock_file("items").parent.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="modes of POSIX")
def test_the_lock_is_private(turns):
    with turns.turn("items"):
        assert turns.lock_file("items").stat().st_mode & 0o077 == 0
        assert turns.lock_file("items").parent.stat().st_mode & 0o077 == 0


def test_another_process_is_waited_for(turns, tmp_path):
    command = [sys.executable, "-c", OTHER, str(tmp_path / "turns")]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parents[3]
    ) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        assert other.stdout.readline() == b"in\n"
        entered = threading.Event()

        def enter() -> None:
            with turns.turn("items"):
                entered.set()

        thread = threading.Thread(target=enter)
        thread.start()
        with turns.turn("another"):
            assert not entered.wait(0.2)
        other.stdin.close()
        thread.join(10)
        assert entered.is_set()
