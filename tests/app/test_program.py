"""The whole program in a process of its own, as far as it needs no desktop."""

import shutil
import subprocess
import sys

import pytest

from tests.patience import SECONDS, until

_PROGRAM = """
import os, sys, time
import PySide6.QtCore
from PySide6.QtCore import QEventLoop, QPoint, QTimer
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QApplication
application = QApplication([])
application.setQuitOnLastWindowClosed(False)
from trayapp.app import backend, program
from trayapp.desktop.process import memory
from trayapp.desktop.process.paths import find_home
from trayapp.operations.workspace import Workspace

given_back = []
memory.give_back = lambda: given_back.append(time.monotonic())
backend._REST_MS = 200
home = find_home(sys.argv[1])
home.create()
home.settings_file.write_text('[general]\\ntheme = "dark"\\n')
made = program.Program(application, Workspace(home), background=True)

def wait(until):
    end = time.monotonic() + 90
    while not until():
        assert time.monotonic() < end
        application.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 50)

wait(lambda: given_back)
assert "theme" not in vars(made)
def is_dark(widget):
    from trayapp.ui.widgets.theme import palette
    application.processEvents()
    role = QPalette.ColorRole.Window
    return widget.palette().color(role) == palette(True).color(role)
"""


@pytest.mark.parametrize(
    "seen",
    [
        "made.tray.menu.popup(QPoint()); assert is_dark(made.tray.menu)",
        "made.open(); assert is_dark(made.window)",
        "made.open_settings(); assert is_dark(made.settings_dialog)",
        "backend.SyncQuestion; made.backend.sync_question.emit(backend.SyncQuestion((), False, (), ()));"
        "assert is_dark(made.sync_questions.box)",
        # Once more when the window is closed, and only then.
        "made.open(); wait(lambda: made.window.isVisible()); assert len(given_back) == 1; made.window.hide();"
        "wait(lambda: len(given_back) == 2)",
    ],
    ids=["menu", "window", "settings", "question", "rest"],
)
def test_the_looks_come_with_what_is_first_to_be_seen_and_memory_is_given_back_at_rest(seen, tmp_path):
    program = f"{_PROGRAM}\n{seen}\nos._exit(0)"
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True, timeout=280)


_DAMAGE = """
shown = []
made.notifier.show = shown.append
made.workspace.store.checkpoint()
with open(home.database, "r+b") as file:
    file.seek(4096)
    file.write(b"\\xaa" * 4096)
made._care_timer.timeout.emit()
wait(lambda: shown)
assert "The damaged file is kept as" in shown[0].body, shown
made._care_timer.timeout.emit()
made.backend.sync_now()
application.processEvents()
assert len(shown) == 1
"""


def test_damage_that_the_days_look_finds_is_told_once(tmp_path):
    program = f"{_PROGRAM}\n{_DAMAGE}\nos._exit(0)"
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True, timeout=280)


@pytest.mark.slow
def test_a_home_that_is_removed_ends_the_program_and_comes_back_by_no_look_at_it(tmp_path):
    home = tmp_path / "removed"
    command = [sys.executable, "-m", "trayapp", "--home", str(home)]
    with subprocess.Popen([*command, "--background"], stderr=subprocess.PIPE, text=True) as tray:
        try:
            until(lambda: (home / "traysync.sock").exists())
            until(lambda: '"running": true' in subprocess.check_output([*command, "--json", "status"], text=True))
            shutil.rmtree(home)
            for look in (["status"], ["runs"], ["sync"], ["why", "--all"], ["endpoints"]):
                subprocess.run([*command, *look], capture_output=True, check=False)
                assert not home.exists(), look
            assert tray.wait(SECONDS) == 0
            assert "Traceback" not in tray.stderr.read()
        finally:
            tray.kill()
    assert not home.exists()
