"""How soon a command is done, how soon the tray program's event loop runs, and what it costs at rest.

Milliseconds by the clock, of whole processes, in turns. The tray program runs on Qt's offscreen platform, which has no
tray: it is told that there is one, so that the icon is drawn.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.bench.figures import Row
from tests.bench.serve import ROOT, serving

_TO_THE_LOOP = """
import os, sys, time
began = float(sys.argv.pop(1))
from PySide6.QtWidgets import QApplication
def reached(*_):
    print((time.time() - began) * 1000, flush=True)
    os._exit(0)
QApplication.exec = reached
"""
_BARE = """
from PySide6.QtGui import QIcon, QPixmap
from PySide6.QtWidgets import QMenu, QSystemTrayIcon
application = QApplication([])
menu = QMenu()
menu.addAction("Quit")
icon = QSystemTrayIcon(QIcon(QPixmap(32, 32)))
icon.setContextMenu(menu)
icon.show()
application.exec()
"""
_OURS = """
from PySide6.QtWidgets import QSystemTrayIcon
QSystemTrayIcon.isSystemTrayAvailable = lambda: True
from trayapp.cli import main
main(["--home", sys.argv[1], "--background"])
"""
_ENDPOINT = """
[[endpoint]]
id = "e{number}"
name = "Endpoint {number}"
url = "{url}"
{when}
[endpoint.table]
name = "t{number}"
key = ["id"]
[endpoint.pages]
kind = "none"
"""

ENDPOINTS = 100
MODULE = [sys.executable, "-m", "trayapp"]


def measure(repetitions: int) -> list[Row]:
    """The rows of starting."""
    bare: list[float] = []
    version: list[float] = []
    sync: list[float] = []
    plain: list[float] = []
    tray: list[float] = []
    with serving(1000) as server, tempfile.TemporaryDirectory(prefix="traysync-bench-") as folder:
        home = home_with(Path(folder), f"{server.base}/one", 1, "manual = true")
        command = [*MODULE, "--home", str(home), "sync", "e1"]
        for start in (lambda: _clocked(command), lambda: _to_the_loop(_BARE, home), lambda: _to_the_loop(_OURS, home)):
            start()
        for _ in range(repetitions):
            bare.append(_clocked([sys.executable, "-c", "pass"]))
            version.append(_clocked([*MODULE, "--version"]))
            sync.append(_clocked(command))
            plain.append(_to_the_loop(_BARE, home))
            tray.append(_to_the_loop(_OURS, home))
    over = [ours - least for ours, least in zip(version, bare, strict=True)]
    return [
        Row(name="traysync --version, over bare Python", unit="ms", ours=over, goal=60),
        Row(name="traysync sync, one page, nothing changed", unit="ms", ours=sync, goal=250),
        Row(
            name="from the command to the tray icon",
            unit="ms",
            ours=tray,
            limit=plain,
            limit_is="a bare PySide6 tray program",
            goal=1.3,
        ),
    ]


def _clocked(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, cwd=ROOT, env=_environment(), stdout=subprocess.DEVNULL, check=True)
    return (time.perf_counter() - began) * 1000


def _to_the_loop(program: str, home: Path) -> float:
    command = [sys.executable, "-c", _TO_THE_LOOP + program, repr(time.time()), str(home)]
    done = subprocess.run(
        command, cwd=ROOT, env=_environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True
    )
    return float(done.stdout)


def _environment() -> dict[str, str]:
    """Compiled code is kept as for an installed program, whatever the surroundings say."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    added = {"QT_QPA_PLATFORM": "offscreen", "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}
    return {**kept, **added, "PYTHONPYCACHEPREFIX": str(Path(tempfile.gettempdir(), "traysync-bench-code"))}


def to_the_loop(home: Path) -> float:
    """Milliseconds from the command to the tray program's event loop, with the settings of that folder."""
    return _to_the_loop(_OURS, home)


def home_with(folder: Path, url: str, count: int, when: str) -> Path:
    """A folder of the program with so many endpoints; `when` is the line that says when they run."""
    home = folder / "home"
    home.mkdir()
    endpoints = (_ENDPOINT.format(number=number, url=url, when=when) for number in range(1, count + 1))
    (home / "settings.toml").write_text("".join(endpoints), encoding="utf-8")
    return home


def measure_rest(seconds: float) -> list[Row]:
    """The tray program with a hundred hourly endpoints: before their first run, and after one of each."""
    with serving(100) as server:
        url = f"{server.base}/one"
        # Due at a minute far from now, so that none runs while we look.
        minute = (time.localtime().tm_min + 30) % 60
        before, wakes, written = _at_rest(url, f'cron = "{minute} * * * *"', 5, seconds)
        after, *_ = _at_rest(url, 'every = "1h"', 45, 2)
    return [
        Row(name=f"wake-ups a second, {ENDPOINTS} hourly endpoints", unit="1/s", ours=[wakes], goal=0.1),
        Row(name=f"files written in {seconds:g} s at rest", unit="files", ours=[written], goal=0),
        *_memory_rows("before the first run", before, 60),
        *_memory_rows("after a run of each", after, 90),
    ]


def _memory_rows(when: str, memory: "_Memory", goal: float) -> list[Row]:
    return [
        Row(name=f"resident memory {when}", unit="MiB", ours=[memory.resident], goal=goal),
        Row(
            name=f"of it memory of its own (anonymous) {when}",
            unit="MiB",
            ours=[memory.own],
            note="the rest is code in the system's page cache",
        ),
    ]


class _Memory(NamedTuple):
    """In MiB; `own` is the part that no file holds as well."""

    resident: float
    own: float


def _at_rest(url: str, when: str, settle: float, seconds: float) -> tuple[_Memory, float, float]:
    """Memory, wake-ups a second, and how many files of the program's folder were written."""
    with tempfile.TemporaryDirectory(prefix="traysync-bench-") as folder, _tray(Path(folder), url, when) as process:
        time.sleep(settle)
        files, before = _files(Path(folder)), _wakes(process.pid)
        time.sleep(seconds)
        wakes = sum(count - before.get(thread, 0) for thread, count in _wakes(process.pid).items()) / seconds
        return _memory(process.pid), wakes, float(len(_files(Path(folder)) ^ files))


def _files(folder: Path) -> set[tuple[str, int, int]]:
    found = ((str(path), path.stat()) for path in folder.rglob("*") if path.is_file())
    return {(name, stat.st_mtime_ns, stat.st_size) for name, stat in found}


@contextmanager
def _tray(folder: Path, url: str, when: str) -> Iterator["subprocess.Popen[bytes]"]:
    home = home_with(folder, url, ENDPOINTS, when)
    command = [*MODULE, "--home", str(home), "--background"]
    with subprocess.Popen(command, cwd=ROOT, env=_environment(), stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.terminate()
            process.wait(timeout=30)


def _wakes(pid: int) -> dict[str, int]:
    """How often each of the process' threads was put back to work."""
    found = {}
    for status in Path(f"/proc/{pid}/task").glob("*/status"):
        found[status.parent.name] = int(status.read_text().split("\nvoluntary_ctxt_switches:")[1].split()[0])
    return found


def _memory(pid: int) -> _Memory:
    status = Path(f"/proc/{pid}/status").read_text()
    resident, own = (int(status.split(f"{name}:")[1].split()[0]) / 1024 for name in ("VmRSS", "RssAnon"))
    return _Memory(resident, own)
