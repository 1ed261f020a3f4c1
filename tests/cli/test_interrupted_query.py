"""Ctrl-C ends a query, whatever it is doing, with the exit code of an interrupted command."""

import signal
import subprocess
import sys
import time
from contextlib import closing

import apsw
import pytest

from tests.patience import best_of
from trayapp.cli import main

NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"


def _hears() -> None:
    """A program that was started in the background of a shell would not hear of Ctrl-C."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def interrupted(folder, sql, *options):
    """Seconds from Ctrl-C to the end of a query that was begun half a second before."""
    command = [sys.executable, "-m", "trayapp", "--home", str(folder), "query", *options, sql]
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, preexec_fn=_hears
    ) as process:
        try:
            until_it_works(process)
            began = time.monotonic()
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=60)
            took = time.monotonic() - began
        finally:
            process.kill()
    assert process.returncode == 130, said
    assert said.startswith("traysync: Interrupted\n")
    return took


def until_it_works(process):
    """Until its imports are over: it has used some time, and now either computes on or waits."""
    import psutil

    seen, end = psutil.Process(process.pid), time.monotonic() + 60
    while not any(thread.id != process.pid for thread in seen.threads()) and time.monotonic() < end:
        assert process.poll() is None
        time.sleep(0.01)
    time.sleep(0.3)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
@pytest.mark.parametrize(
    ("sql", "options"),
    [
        (f"{NUMBERS} SELECT count(*) FROM n", ()),
        (f"{NUMBERS} SELECT i FROM n", ("--csv",)),
        ("SELECT replace(hex(zeroblob(8000000)), hex(zeroblob(40000)) || '1', '')", ()),
    ],
    ids=["no row and no end", "rows without end", "one long function"],
)
def test_ctrl_c_ends_a_query_within_a_second(tmp_path, sql, options):
    assert main(["--home", str(tmp_path), "query", "SELECT 1"]) == 0
    assert best_of(lambda: interrupted(tmp_path, sql, *options), 1) < 1


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
def test_ctrl_c_ends_the_waiting_for_a_lock(tmp_path, monkeypatch):
    assert main(["--home", str(tmp_path), "query", "SELECT 1"]) == 0
    with closing(apsw.Connection(str(tmp_path / "traysync.db"))) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; CREATE TABLE mine (a)").fetchall()
        script = (
            "import sys, trayapp.store.file.connection as c; c.PATIENCE = 60; from trayapp.cli import main;"
            "print('up', flush=True); sys.exit(main(sys.argv[1:]))"
        )

        def ended():
            command = [sys.executable, "-c", script, "--home", str(tmp_path), "query", "SELECT 1"]
            with subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=_hears
            ) as process:
                try:
                    assert process.stdout is not None
                    assert process.stdout.readline() == "up\n"
                    time.sleep(1)
                    assert process.poll() is None
                    began = time.monotonic()
                    process.send_signal(signal.SIGINT)
                    process.communicate(timeout=60)
                    took = time.monotonic() - began
                finally:
                    process.kill()
            assert process.returncode == 130
            return took

        assert best_of(ended, 1) < 1
