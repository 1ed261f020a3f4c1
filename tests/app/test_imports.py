"""What the tray program imports, in processes of their own: Python keeps what was imported once."""

import subprocess
import sys

_QUICK = """
import linecache
from trayapp.desktop.process.qt_imports import keep_imports_quick
keep_imports_quick()
from PySide6.QtWidgets import QApplication
import sched
print(len(linecache.cache), QApplication([]).style().name() != "")
"""
_AT_REST = """
import sys
from trayapp.app import program
late = {"requests", "keyring", "http", "trayapp.sync.run.runner", "trayapp.ui.window.main_window"}
print(*sorted(late & {*sys.modules}))
"""

_AT_THE_ICON = """
import os, sys
import PySide6.QtCore
from PySide6.QtWidgets import QApplication, QSystemTrayIcon
QSystemTrayIcon.isSystemTrayAvailable = lambda: True
def reached(*_):
    found = {"logging.handlers", "socket", "dataclasses", "msgspec", "apsw"} & {*sys.modules}
    print(*sorted(found), *{"Qt"} & {*vars(PySide6.QtCore)}, "icon", flush=True)
    os._exit(0)
QApplication.exec = reached
from trayapp.cli import main
main(["--home", sys.argv[1], "--background"])
"""


def output_of(program: str, *arguments: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", program, *arguments], check=True, capture_output=True, text=True
    ).stdout.strip()


def test_pyside_reads_no_sources_of_what_is_imported_after_it():
    assert output_of(_QUICK) == "0 True"


def test_the_program_at_rest_has_nothing_imported_that_only_runs_need():
    assert output_of(_AT_REST) == ""


def test_the_icon_waits_for_nothing_that_can_come_after_it(tmp_path):
    # Also not for `Qt`, whose enumerations take longer than all the drawing.
    assert output_of(_AT_THE_ICON, str(tmp_path)) == "icon"
