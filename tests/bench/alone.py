"""Work in a process of its own: its memory, and what it writes. `python -m tests.bench.alone WHAT URL RECORDS`.

Prints a JSON object of figures. Memory is the peak of the resident set above what the imported program had at its
start, in MiB (Linux' VmHWM, else getrusage).
"""

import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import apsw

from tests.bench import limits, listing
from tests.bench.engine import Program, bench_endpoint, timed
from tests.bench.figures import Row
from tests.bench.serve import ROOT, serving
from trayapp.endpoints.model import Pages


class CountingVFS(apsw.VFS):
    """SQLite's own, which counts how often files are flushed to the disk."""

    def __init__(self) -> None:
        self.flushed = 0
        self.base = apsw.vfs_names()[0]
        super().__init__("counting", self.base, makedefault=True)

    def xOpen(self, name: Any, flags: list[int]) -> "_CountingFile":
        return _CountingFile(self, name, flags)


class _CountingFile(apsw.VFSFile):
    def __init__(self, vfs: CountingVFS, name: Any, flags: list[int]) -> None:
        super().__init__(vfs.base, name, flags)
        self._vfs = vfs

    def xSync(self, flags: int) -> None:
        self._vfs.flushed += 1
        super().xSync(flags)


def peak() -> float:
    """The most memory this process had resident so far, in MiB."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().split("VmHWM:")[1].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 1024)


def listing_runs(url: str, records: int) -> dict[str, float]:
    """First load, the same again, some changed: CPU seconds and memory."""
    warm_up()
    start = peak()
    with tempfile.TemporaryDirectory(prefix="traysync-bench-") as folder:
        with Program(Path(folder, "a"), bench_endpoint(url)) as program:
            found = {"first load": program.timed({"added": records})}
            found["first load, MiB"] = peak() - start
            found["nothing changed"] = program.timed({"unchanged": records})
            show(url, "changed")
            found["1 % changed"] = program.timed(listing.counts(records))
            show(url, "base")
    return found | {"MiB": peak() - start}


def document(url: str, records: int) -> dict[str, float]:
    """One large JSON document."""
    warm_up()
    start = peak()
    with tempfile.TemporaryDirectory(prefix="traysync-bench-") as folder:
        with Program(Path(folder, "a"), bench_endpoint(url, pages=Pages(kind="none"))) as program:
            return {"run": program.timed({"added": records}), "MiB": peak() - start}


def document_limit(url: str, _records: int) -> dict[str, float]:
    """What that document costs at least."""
    with tempfile.TemporaryDirectory(prefix="traysync-bench-") as folder:
        download, rest = limits.split_in_pieces(url, Path(folder, "limit.db"))
    return {"download": download, "rest": rest, "MiB": peak()}


def writes(url: str, records: int) -> dict[str, float]:
    """How often a first load flushes, and what a run without changes writes into the user's file."""
    vfs = CountingVFS()
    with tempfile.TemporaryDirectory(prefix="traysync-bench-") as folder:
        with Program(Path(folder, "a"), bench_endpoint(url)) as program:
            before = vfs.flushed
            program.timed({"added": records})
            flushed = vfs.flushed - before
            pages = _pages(program.store.path)
            program.timed({"unchanged": records})
            after = _pages(program.store.path)
            differing = sum(one != other for one, other in zip(pages, after, strict=False)) + len(after) - len(pages)
            log = program.store.path.with_name("traysync.db-wal").stat().st_size
    return {"flushes": flushed, "pages": differing, "WAL bytes": log}


def _pages(path: Path) -> list[bytes]:
    content = path.read_bytes()
    return [content[start : start + 4096] for start in range(0, len(content), 4096)]


def warm_up() -> None:
    """Import and run everything once, so that only the work itself is counted."""
    with serving(100) as small, tempfile.TemporaryDirectory(prefix="traysync-bench-") as folder:
        with Program(Path(folder, "a"), bench_endpoint(small.url)) as program:
            timed(program.sync)


def show(url: str, state: listing.State) -> None:
    """Let the server of that URL show another state."""
    from urllib.request import Request, urlopen

    with urlopen(Request(f"{url}?state={state}", method="PUT"), timeout=60):
        pass


def in_a_process(what: str, url: str, records: int) -> dict[str, float]:
    """The figures of one of the functions above."""
    command = [sys.executable, "-m", "tests.bench.alone", what, url, str(records)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def measure_document(records: int, repetitions: int) -> list[Row]:
    """One document of about 670 bytes times `records`."""
    with serving(records, large=True) as server:
        url = f"{server.base}/document"
        turns = [
            (in_a_process("document_limit", url, records), in_a_process("document", url, records))
            for _ in range(repetitions)
        ]
    name = f"one JSON document of {records * 670 / 1e6:.0f} MB"
    return [
        Row(
            name=name,
            unit="CPU s",
            ours=[ours["run"] for _, ours in turns],
            limit=[limit["download"] + limit["rest"] for limit, _ in turns],
            limit_is="download + split in pieces + parse + insert",
            goal=1.2,
            peer_goals={"sqlite-utils": 3.5},
        ),
        Row(name=f"{name}: peak memory over start", unit="MiB", ours=[ours["MiB"] for _, ours in turns], goal=64),
    ]


def measure_writes(records: int) -> list[Row]:
    """Flushes and writes."""
    with serving(records) as server:
        found = in_a_process("writes", server.url, records)
    return [
        Row(name="flushes to the disk in a first load", unit="fsyncs", ours=[found["flushes"]], goal=12),
        Row(
            name="pages written by a run without changes",
            unit="4 KiB pages",
            ours=[found["pages"]],
            goal=3,
            note="its line in the history: one page, its index and the file's header",
        ),
        Row(name="left in the WAL after a run", unit="bytes", ours=[found["WAL bytes"]], goal=0),
    ]


def measure_growth(records: int, repetitions: int) -> list[Row]:
    """CPU for each record with ten times as many records, and the memory that takes."""
    turns = []
    with serving(records) as few, serving(10 * records) as many:
        for _ in range(repetitions):
            few_runs = in_a_process("listing_runs", few.url, records)
            turns.append((few_runs, in_a_process("listing_runs", many.url, 10 * records)))
    rows = [
        Row(
            name=f"{name}: {10 * records:,} records",
            unit="CPU s",
            ours=[more[name] for _, more in turns],
            limit=[10 * less[name] for less, _ in turns],
            limit_is=f"10 × {records:,} records",
            goal=1.15,
        )
        for name in ("first load", "nothing changed", "1 % changed")
    ]
    memory = [more["MiB"] for _, more in turns]
    return [*rows, Row(name=f"peak memory at {10 * records:,} records", unit="MiB", ours=memory, goal=160)]


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]](sys.argv[2], int(sys.argv[3]))))
