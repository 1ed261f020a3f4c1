"""Many endpoints and many rows: the planner, the window, the menu, and scrolling. `python -m tests.bench.scale N`.

Prints one JSON object of milliseconds for each of N turns. In a process of its own, as it needs a QApplication, on Qt's
offscreen platform; rows and endpoints come from memory, so that only the program's own widgets are measured.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from tests.bench import startup
from tests.bench.figures import Row
from tests.bench.serve import ROOT

ENDPOINTS = 10_000
MILLION = 1_000_000
FRAMES = 400
WAKES = 1000
MENU_MOST = 40
"""Entries of one menu that can be looked through: what is more must be told in one entry."""


class _Table:
    """A million rows, made when asked for."""

    def __len__(self) -> int:
        return MILLION

    def __getitem__(self, stretch: slice) -> list[tuple[object, ...]]:
        rows = range(*stretch.indices(MILLION))
        return [
            (number, f"Title of {number}", "open", number % 60, f'{{"login":"u{number}"}}', None) for number in rows
        ]


def _clocked(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def scroll() -> float:
    """The frame that only one in a hundred exceeds, while the data view is scrolled through a million rows."""
    from PySide6.QtCore import QCoreApplication

    from tests.ui.fake_backend import FakeBackend
    from tests.ui.samples import clock, endpoint, shown
    from trayapp.ui.data.view import DataView
    from trayapp.ui.endpoints.model import EndpointsModel

    backend = FakeBackend()
    backend.tables["big"] = (("id", "title", "state", "comments", "user", "closed"), _Table())
    endpoints = EndpointsModel(clock)
    endpoints.set_snapshot(shown(endpoint("big")))
    view = DataView(backend, endpoints)
    view.resize(1000, 700)
    view.show()
    while view.model.rowCount() != MILLION:
        QCoreApplication.processEvents()
    bar = view.table.verticalScrollBar()
    frames = []

    def frame() -> None:
        QCoreApplication.processEvents()
        view.table.viewport().repaint()

    for number in range(FRAMES):
        # Half of it row by row, half in leaps to rows that are not there yet.
        bar.setValue(bar.value() + 3 if number < FRAMES // 2 else number * 2000)
        frames.append(_clocked(frame))
    view.deleteLater()
    return statistics.quantiles(frames, n=100)[98]


def open_window(folder: Path) -> float:
    """The main window with ten thousand endpoints, from nothing to painted."""
    from PySide6.QtCore import QCoreApplication

    from tests.ui.fake_backend import FakeBackend
    from tests.ui.samples import clock, endpoint, shown
    from trayapp.ui.window.main_window import MainWindow

    backend = FakeBackend()
    backend.show(shown(*(endpoint(f"e{number}") for number in range(ENDPOINTS))))

    def work() -> None:
        window = MainWindow(backend, folder / "window.ini", tray_available=lambda: True, clock=clock)
        window.show()
        QCoreApplication.processEvents()
        window.endpoints.table.viewport().repaint()
        window.deleteLater()

    return _clocked(work)


def menu() -> float:
    """The most entries that any of the tray's menus has."""
    from PySide6.QtWidgets import QMenu

    from tests.ui.fake_backend import FakeBackend
    from tests.ui.samples import clock, endpoint, shown
    from trayapp.ui.tray.tray import TrayMenu

    backend = FakeBackend()
    made = TrayMenu(backend, clock)
    made.show_snapshot(shown(*(endpoint(f"e{number}") for number in range(ENDPOINTS))))
    return float(max(len(each.actions()) for each in [made, *made.findChildren(QMenu)]))


def wake() -> float:
    """One wake-up of the planner with nothing due."""
    from trayapp.endpoints.model import Endpoint, Settings
    from trayapp.endpoints.units import Duration
    from trayapp.schedule.engine.planner import Planner

    now = datetime.now(UTC)
    several = tuple(
        Endpoint(id=f"e{number}", url="http://localhost/", every=Duration(86_400)) for number in range(ENDPOINTS)
    )
    planner = Planner({}, None, {}, UTC)
    planner.apply_settings(Settings(endpoint=several), now)
    planner.take(now)

    def work() -> None:
        for _ in range(WAKES):
            planner.wake((), now)
            planner.take(now)

    return _clocked(work) / WAKES


def measure(repetitions: int) -> list[Row]:
    """The rows of all this."""
    command = [sys.executable, "-m", "tests.bench.scale", str(repetitions)]
    environment = {"QT_QPA_PLATFORM": "offscreen", **os.environ}
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, check=True)
    found: list[dict[str, float]] = json.loads(done.stdout.splitlines()[-1])
    many = f"{ENDPOINTS:,} endpoints"
    return [
        Row(
            name="scrolling a million rows, the 99th of 100 frames",
            unit="ms",
            ours=[turn["scroll"] for turn in found],
            goal=16,
        ),
        Row(name=f"{many}: from the command to the event loop", unit="ms", ours=_starts(repetitions), goal=2000),
        Row(name=f"{many}: the window opens", unit="ms", ours=[turn["window"] for turn in found], goal=300),
        Row(name=f"{many}: a wake-up with none due", unit="ms", ours=[turn["wake"] for turn in found], goal=1),
        Row(
            name=f"{many}: the longest menu",
            unit="entries",
            ours=[turn["menu"] for turn in found],
            goal=MENU_MOST,
        ),
    ]


def _starts(repetitions: int) -> list[float]:
    with tempfile.TemporaryDirectory(prefix="traysync-bench-") as folder:
        home = startup.home_with(Path(folder), "http://localhost:9/", ENDPOINTS, "manual = true")
        startup.to_the_loop(home)
        return [startup.to_the_loop(home) for _ in range(repetitions)]


def main() -> None:
    from PySide6.QtWidgets import QApplication

    application = QApplication([])
    application.setQuitOnLastWindowClosed(False)
    with tempfile.TemporaryDirectory(prefix="traysync-bench-") as folder:
        turns = [
            {"scroll": scroll(), "window": open_window(Path(folder)), "wake": wake(), "menu": menu()}
            for _ in range(int(sys.argv[1]))
        ]
    print(json.dumps(turns))


if __name__ == "__main__":
    main()
