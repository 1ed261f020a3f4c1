"""The harness itself: a tray item, its menu, a notification and a window of a small Qt program are really seen."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.desktop.accessibility import Accessibility
from tests.desktop.bus import Bus
from tests.desktop.session import ROOT, Desktop
from tests.desktop.tray import TrayItem
from tests.desktop.waiting import wait_for

PROGRAM = """
from PySide6.QtGui import QIcon, QPixmap
from PySide6.QtWidgets import QApplication, QLineEdit, QMenu, QSystemTrayIcon
app = QApplication([])
field = QLineEdit(windowTitle="Probe", accessibleName="Field")
field.show()
field.textChanged.connect(lambda text: print("typed", text, flush=True))
pixmap = QPixmap(22, 22)
pixmap.fill("red")
tray = QSystemTrayIcon(QIcon(pixmap), toolTip="All is well")
menu = QMenu()
menu.addAction("Say &hello", lambda: print("hello", flush=True))
more = menu.addMenu("More")
toggle = more.addAction("Toggle")
toggle.setCheckable(True)
toggle.toggled.connect(lambda on: print("toggled", on, flush=True))
tray.setContextMenu(menu)
tray.activated.connect(lambda: print("clicked", flush=True))
tray.show()
app.exec()
"""
HOLDING_A_DESKTOP = """
from tests.desktop.session import desktop
with desktop() as running:
    print(running.folder, flush=True)
    input()
"""


@pytest.fixture
def probe(desktop: Desktop, tmp_path: Path) -> Iterator[tuple[int, Path]]:
    output = tmp_path / "out"
    with open(output, "wb") as log:
        process = subprocess.Popen([sys.executable, "-c", PROGRAM], env=desktop.environment, stdout=log, stderr=log)
    yield process.pid, output
    process.kill()
    process.wait()


def said(output: Path, line: str) -> None:
    wait_for(lambda: line in output.read_text().splitlines(), line)


def test_the_tray_item_and_its_menu(bus: Bus, probe: tuple[int, Path]) -> None:
    pid, output = probe
    item = TrayItem.of(bus, pid)
    assert "All is well" in item.tooltip
    assert item.labels() == ["Say hello", "More"]
    item.choose("Say")
    said(output, "hello")
    assert item.entry("More", "Toggle").checked is False
    item.choose("More", "Toggle")
    said(output, "toggled True")
    assert item.entry("More", "Toggle").checked is True
    item.activate()
    said(output, "clicked")


def test_keys_reach_a_window_found_by_its_accessible_name(
    desktop: Desktop, accessibility: Accessibility, probe: tuple[int, Path], tmp_path: Path
) -> None:
    pid, output = probe
    desktop.window("^Probe$")
    field = accessibility.of(pid).find("text", "Field")
    field.enter("Hello, 2 worlds!")
    said(output, "typed Hello, 2 worlds!")
    assert field.text == "Hello, 2 worlds!"
    assert desktop.screenshot(tmp_path / "screen.png").stat().st_size > 1000


def test_nothing_survives_a_killed_test_process() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDING_A_DESKTOP], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        folder = process.stdout.readline().strip()
        assert folder
        os.kill(process.pid, signal.SIGKILL)

    def left() -> list[str]:
        found = []
        for environ in Path("/proc").glob("[0-9]*/environ"):
            try:
                if folder.encode() in environ.read_bytes():
                    found.append((environ.parent / "cmdline").read_text())
            except OSError:
                continue
        return found

    started = time.monotonic()
    while left() and time.monotonic() < started + 5:
        time.sleep(0.05)
    assert left() == []
    shutil.rmtree(folder)
