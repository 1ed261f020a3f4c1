"""The engine's lock between real processes."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from trayapp.desktop.process.instance import acquire_engine_lock
from trayapp.desktop.process.paths import Home, find_home
from trayapp.errors import EnvironmentProblem

HOLDER = """
import sys
from trayapp.desktop.process.instance import acquire_engine_lock
from trayapp.desktop.process.paths import find_home
lock = acquire_engine_lock(find_home(sys.argv[1]))
print("held" if lock else "busy", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = find_home(tmp_path)
    home.create()
    return home


def start_holder(home: Home) -> tuple[subprocess.Popen[str], str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(home.data)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    return process, process.stdout.readline().strip()


def test_one_process_at_a_time(home: Home) -> None:
    process, said = start_holder(home)
    with process:
        assert said == "held"
        assert acquire_engine_lock(home) is None
        process.communicate()
    lock = acquire_engine_lock(home)
    assert lock is not None
    with lock:
        process, said = start_holder(home)
        with process:
            assert said == "busy"
            process.communicate()


def test_a_killed_process_leaves_no_lock(home: Home) -> None:
    process, said = start_holder(home)
    with process:
        assert said == "held"
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    lock = acquire_engine_lock(home)
    assert lock is not None
    lock.release()


def test_another_thread_may_release(home: Home) -> None:
    lock = acquire_engine_lock(home)
    assert lock is not None
    thread = threading.Thread(target=lock.release)
    thread.start()
    thread.join()
    again = acquire_engine_lock(home)
    assert again is not None
    again.release()


def test_homes_do_not_hinder_each_other(home: Home, tmp_path: Path) -> None:
    other = find_home(tmp_path / "other")
    other.create()
    one, two = acquire_engine_lock(home), acquire_engine_lock(other)
    assert one
    assert two
    one.release()
    two.release()


def test_the_lock_file_is_private(home: Home) -> None:
    lock = acquire_engine_lock(home)
    assert lock
    lock.release()
    assert home.lock_file.stat().st_mode & 0o777 == 0o600


def test_a_lock_that_cannot_be_made_is_explained(home: Home) -> None:
    home.lock_file.mkdir()
    with pytest.raises(EnvironmentProblem) as caught:
        acquire_engine_lock(home)
    assert caught.value.problem.code == "lock_refused"
    assert str(home.lock_file) in caught.value.title
