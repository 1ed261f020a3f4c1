"""How long the GUI thread stands still while a large listing is mirrored.

A real QApplication with a 5 ms tick; the program's own scheduler thread runs the endpoint in its worker thread and
tells the GUI by its signals, the database is on disk, the server is another process. The gap is the longest time
between two ticks, less the time our threads stood in the system's queue for a CPU: what is left is our own doing. The
idle program is measured the same way just before each load.
"""

import json
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QEventLoop, QObject, Qt, QTimer, Slot
from PySide6.QtWidgets import QApplication, QLabel

from tests.bench import listing
from tests.bench.engine import bench_endpoint
from tests.bench.serve import BenchServer, serving
from trayapp.desktop.process.paths import find_home
from trayapp.endpoints.model import Settings
from trayapp.operations.workspace import Workspace
from trayapp.schedule.driver.persistence import StoredStates
from trayapp.schedule.driver.thread import SchedulerThread
from trayapp.schedule.engine.actions import Start
from trayapp.schedule.engine.snapshot import Snapshot
from trayapp.sync.cancel import CancelToken
from trayapp.sync.report import Progress, Report

TICK_MS = 5
IDLE_SECONDS = 1.5


class Queue:
    """How long this process' threads stand ready to run in the system's queue for a CPU; known on Linux only.

    The second figure of schedstat: https://docs.kernel.org/scheduler/sched-stats.html
    """

    def __init__(self) -> None:
        self._own = threading.get_native_id()
        self._before: dict[int, int] = {}

    def since_last(self) -> float:
        """Seconds in it since the last call: the own thread's, and the longest of another one's.

        A thread that holds the interpreter's lock while it has no CPU keeps all others waiting.
        """
        now = {int(task.name): _in_queue(task) for task in Path("/proc/self/task").glob("*")}
        waited = {task: total - self._before.get(task, total) for task, total in now.items()}
        self._before = now
        own = waited.pop(self._own, 0)
        return (own + max(waited.values(), default=0)) / 1e9


def _in_queue(task: Path) -> int:
    try:
        return int((task / "schedstat").read_text().split()[1])
    except OSError:
        return 0  # the thread has ended


class Gap:
    """Watches the event loop of the thread it is made in."""

    def __init__(self) -> None:
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)
        self._queue = Queue()
        self._last = self._longest = 0.0

    def start(self) -> None:
        self._longest = 0.0
        self._queue.since_last()
        self._last = time.perf_counter()
        self._timer.start(TICK_MS)

    def stop(self) -> float:
        """The longest gap in milliseconds."""
        self._timer.stop()
        return self._longest * 1000

    def _tick(self) -> None:
        now = time.perf_counter()
        self._longest = max(self._longest, now - self._last - self._queue.since_last())
        self._last = now


class Program(QObject):
    """The tray program's working parts, with a window that shows their snapshots.

    A QObject, for a signal on its way from another thread to a method of anything else that is gone by then crashes
    PySide 6.11.
    """

    def __init__(self, home: Path, url: str) -> None:
        super().__init__()
        self.workspace = Workspace(find_home(home))
        self.scheduler = SchedulerThread(self._execute, StoredStates(self.workspace.store))
        self.window = QLabel()
        self.window.show()
        self.reports: list[Report] = []
        self.scheduler.snapshot_changed.connect(self._show)
        self.scheduler.run_finished.connect(self._finished)
        self.scheduler.apply_settings(Settings(endpoint=(bench_endpoint(url),)))
        self.scheduler.start()

    def _execute(self, start: Start, token: CancelToken, progress: Callable[[Progress], None]) -> Report:
        return self.workspace.execute(start.endpoint, start.wish.full, token, progress)

    def close(self) -> None:
        self.scheduler.shutdown()
        self.scheduler.wait()
        self.workspace.close()

    def sync(self) -> Report:
        """One run, the event loop turning all the while."""
        loop = QEventLoop()
        self.scheduler.run_finished.connect(loop.quit)
        self.scheduler.sync_now(("bench",))
        loop.exec()
        return self.reports[-1]

    @Slot(object)
    def _show(self, snapshot: Snapshot) -> None:
        progress = snapshot.endpoints[0].progress if snapshot.endpoints else None
        self.window.setText(f"{snapshot.state}: {progress.records if progress else 0:,} records")

    @Slot(object)
    def _finished(self, report: Report) -> None:
        self.reports.append(report)


def measure(records: int, repetitions: int) -> list[dict[str, float]]:
    """Milliseconds of the longest gap per repetition: idle, first load, nothing changed, 1 % changed."""
    app = QApplication.instance() or QApplication([])
    assert app is not None
    with serving(200) as small:
        _once(small, 200)
    with serving(records) as server:
        return [_once(server, records) for _ in range(repetitions)]


def _once(server: BenchServer, records: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="traysync-bench-") as folder:
        server.show("base")
        program = Program(Path(folder), server.url)
        gap = Gap()
        found: dict[str, float] = {}
        try:
            gap.start()
            loop = QEventLoop()
            QTimer.singleShot(int(IDLE_SECONDS * 1000), loop.quit)
            loop.exec()
            found["idle"] = gap.stop()
            for name, state in (("first load", "base"), ("nothing changed", "base"), ("1 % changed", "changed")):
                server.show(state)
                gap.start()
                report = program.sync()
                found[name] = gap.stop()
                if report.status != "succeeded":
                    raise RuntimeError(report.sentence)
            if report.changed != listing.counts(records)["changed"]:
                raise RuntimeError(f"not what was to be measured: {report.sentence}")
        finally:
            program.close()
        return found


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]), int(sys.argv[2]))))
