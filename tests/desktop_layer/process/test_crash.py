"""What a crash leaves behind."""

import subprocess
import sys
from pathlib import Path

from trayapp.desktop.process.crash import CrashWatch

START = """
import logging, sys, threading
from pathlib import Path
from trayapp.desktop.process.crash import CrashWatch
from trayapp.desktop.process.logs import start_logging
folder = Path(sys.argv[1])
start_logging(folder / "log").register("hunter2")
watch = CrashWatch(folder / "crash")
print(repr(watch.previous))
"""


def run(folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", START + code, str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_dying_interpreter_leaves_its_stacks_for_the_next_start(tmp_path: Path) -> None:
    died = run(tmp_path, "import faulthandler\ndef here(): faulthandler._sigsegv()\nhere()")
    assert died.returncode < 0
    assert (tmp_path / "crash").stat().st_mode & 0o777 == 0o600
    again = run(tmp_path, "watch.close()")
    assert "Segmentation fault" in again.stdout
    assert "in here" in again.stdout
    assert not (tmp_path / "crash").exists()
    assert run(tmp_path, "watch.close()").stdout == "''\n"


def test_a_program_that_was_killed_did_not_crash(tmp_path: Path) -> None:
    run(tmp_path, "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    assert run(tmp_path, "watch.close()").stdout == "''\n"


def test_uncaught_exceptions_of_all_threads_are_logged_without_secrets(tmp_path: Path) -> None:
    code = """
def fail(): raise ValueError("in a thread, with hunter2")
class Fails:
    def __del__(self): raise KeyError("in a destructor")
thread = threading.Thread(target=fail); thread.start(); thread.join()
Fails()
raise TypeError("at last")
"""
    done = run(tmp_path, code)
    log = (tmp_path / "log").read_text()
    assert "ValueError: in a thread, with ***" in log
    assert "KeyError: 'in a destructor'" in log
    assert "TypeError: at last" in log
    assert "hunter2" not in log + done.stderr
    assert done.returncode == 1


def test_an_exception_in_a_slot_is_logged(tmp_path: Path) -> None:
    code = """
from PySide6.QtCore import QCoreApplication, QTimer
app = QCoreApplication([])
def slot(): raise ValueError("in a slot")
QTimer.singleShot(0, slot); QTimer.singleShot(20, app.quit)
app.exec()
"""
    run(tmp_path, code)
    assert "ValueError: in a slot" in (tmp_path / "log").read_text()


def test_everything_is_as_before_after_closing(tmp_path: Path) -> None:
    hooks = (sys.excepthook, sys.unraisablehook)
    watch = CrashWatch(tmp_path / "crash")
    assert sys.excepthook != hooks[0]
    watch.close()
    assert sys.excepthook == sys.__excepthook__
    sys.excepthook, sys.unraisablehook = hooks
