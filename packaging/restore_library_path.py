"""Runs first in the frozen program: gives the programs it starts (browser, file manager) their own libraries.

PyInstaller's start program puts its folder into LD_LIBRARY_PATH and keeps the former value in LD_LIBRARY_PATH_ORIG:
https://pyinstaller.org/en/stable/common-issues-and-pitfalls.html#launching-external-programs-from-the-frozen-application
The running process has read the variable already; only its children see this change.
"""

import os
import sys


def restore() -> None:
    folder = getattr(sys, "_MEIPASS", "")
    if folder not in os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep):
        return
    original = os.environ.pop("LD_LIBRARY_PATH_ORIG", "")
    if original:
        os.environ["LD_LIBRARY_PATH"] = original
    else:
        del os.environ["LD_LIBRARY_PATH"]


restore()
