"""What the tray program imports, in processes of their own: Python keeps what was imported once."""

import subprocess
import sys

_QUICK = """
import linecache
from trayapp.desktop.qt_imports import keep_imports_quick
keep_imports_quick()
from PySide6.QtWidgets import QApplication
import sched
print(len(linecache.cache), QApplication([]).style().name() != "")
"""
_AT_REST = """
import sys
from trayapp.app import program
print(*sorted({"requests", "keyring", "http", "trayapp.sync.runner", "trayapp.ui.main_window"} & {*sys.modules}))
"""


def output_of(program: str) -> str:
    return subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.strip()


def test_pyside_reads_no_sources_of_what_is_imported_after_it():
    assert output_of(_QUICK) == "0 True"


def test_the_program_at_rest_has_nothing_imported_that_only_runs_need():
    assert output_of(_AT_REST) == ""
