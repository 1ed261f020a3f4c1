"""CPU seconds of whole runs against what the same work costs at least, measured in turns in the same process."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from tests.bench import limits
from tests.bench.serve import BenchServer, serving
from trayapp.endpoints.model import Endpoint, Pages, Table
from trayapp.store.store import Store
from trayapp.sync.cancel import CancelToken
from trayapp.sync.report import Report
from trayapp.sync.runner import Surroundings, run

T = TypeVar("T")

SCENARIOS = ("first load", "nothing changed", "1 % changed")


def measure(records: int, repetitions: int) -> list[dict[str, dict[str, float]]]:
    """For every repetition and scenario: CPU seconds of ours ("run") and of the least work ("limit"), and its parts."""
    with serving(100) as small:
        _once(small, 100)  # imports, and code that is only slow the first time
    with serving(records) as server:
        return [_once(server, records) for _ in range(repetitions)]


def _once(server: BenchServer, records: int) -> dict[str, dict[str, float]]:
    with tempfile.TemporaryDirectory(prefix="traysync-bench-") as folder:
        server.show("base")
        downloaded, bodies = _timed(lambda: limits.download(server.url))
        split, _ = _timed(lambda: limits.split(bodies))
        parsed, rows = _timed(lambda: limits.parse(bodies))
        inserted, _ = _timed(lambda: limits.insert(rows, Path(folder, "limit.db")))
        edited = [row for row in rows if row[0] % 100 == 7]
        updated, _ = _timed(lambda: limits.update(edited, Path(folder, "limit.db")))
        ours = _ours(server, Path(folder), records)
    least = (downloaded + parsed + inserted, downloaded + split, downloaded + split + updated)
    parts = {"download": downloaded, "split": split, "parse": parsed, "insert": inserted, "update 1 %": updated}
    return {
        name: {"run": seconds, "limit": limit, **parts}
        for name, seconds, limit in zip(SCENARIOS, ours, least, strict=True)
    }


def _ours(server: BenchServer, folder: Path, records: int) -> list[float]:
    store = Store(folder / "traysync.db")
    try:
        around = Surroundings(store=store, staging=folder)
        endpoint = bench_endpoint(server.url)

        def sync() -> Report:
            return run(endpoint, around, CancelToken())

        first, report = _timed(sync)
        _require(report, added=records)
        same, report = _timed(sync)
        _require(report, unchanged=records)
        server.show("changed")
        edited = sum(1 for number in range(1, records + 1) if number % 100 == 7)
        changed, report = _timed(sync)
        _require(report, changed=edited, unchanged=records - edited)
        return [first, same, changed]
    finally:
        store.close()


def bench_endpoint(url: str) -> Endpoint:
    """An endpoint with nothing left to guess."""
    table, pages = Table(name="items", key=("id",)), Pages(kind="link")
    return Endpoint(id="bench", name="Bench", url=url, manual=True, table=table, pages=pages)


def _require(report: Report, **counts: int) -> None:
    expected = {"added": 0, "changed": 0, "deleted": 0, "unchanged": 0, **counts}
    found = {name: getattr(report, name) for name in expected}
    if found != expected:
        raise RuntimeError(f"not what was to be measured: {found} instead of {expected}; {report.sentence}")


def _timed(work: Callable[[], T]) -> tuple[float, T]:
    start = time.process_time()
    result: Any = work()
    return time.process_time() - start, result
