"""CPU seconds of whole runs against what the same work costs at least, measured in turns in the same process."""

import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import requests

from tests.bench import limits, listing
from tests.bench.figures import Row
from tests.bench.serve import SLOW_PAGES, BenchServer, serving
from trayapp.endpoints.model import Endpoint, Incremental, Pages, Response, Table
from trayapp.store.file.database import Store
from trayapp.sync.cancel import CancelToken
from trayapp.sync.report import Report
from trayapp.sync.run.context import RunContext
from trayapp.sync.run.runner import run

T = TypeVar("T")
Turn = dict[str, float]

SCENARIOS = ("first load", "nothing changed", "1 % changed")


def bench_endpoint(url: str, **more: Any) -> Endpoint:
    """An endpoint with nothing left to guess."""
    parts = {"table": Table(name="items", key=("id",)), "pages": Pages(kind="link")} | more
    return Endpoint(id="bench", name="Bench", url=url, manual=True, **parts)


def measure(records: int, repetitions: int) -> list[Row]:
    """The rows of loading and keeping up a listing."""
    with serving(1000) as small:
        _turn(small, 1000)  # imports, and code that is only slow the first time
    with serving(records) as server:
        turns = [_turn(server, records) for _ in range(repetitions)]
    figures: dict[str, list[float]] = defaultdict(list)
    for turn in turns:
        for name, value in turn.items():
            figures[name].append(value)
    parts = ("download", "split", "parse", "insert")
    note = "the limits' parts: " + ", ".join(f"{part} {statistics.median(figures[part]):.3f}" for part in parts)
    load, compare = "download + parse + insert", "download + split"
    return [
        _row("first load", figures, load, 1.5, {"dlt": 18, "sqlite-utils": 3.3}, note),
        _row("nothing changed", figures, compare, 1.7, {"dlt": 75, "sqlite-utils": 12}),
        _row("1 % changed", figures, compare, 2.2, {"dlt": 60, "sqlite-utils": 11}, "also 0.1 % new, 0.1 % deleted"),
        Row(
            name="incremental, 1.1 % of the listing",
            unit="CPU s",
            ours=figures["incremental"],
            peer_goals={"dlt": 15, "sqlite-utils": 1.2},
        ),
        _row("304, one page", figures, "bare GET", 2.0, {}),
        _row("everything compared again (--full)", figures, load, None, {}),
    ]


def _row(
    name: str,
    figures: Mapping[str, list[float]],
    limit: str,
    goal: float | None,
    peers: dict[str, float],
    note: str = "",
) -> Row:
    least = [sum(parts) for parts in zip(*(figures[part] for part in limit.split(" + ")), strict=True)]
    return Row(
        name=name,
        unit="CPU s",
        ours=figures[name],
        limit=least,
        limit_is=limit,
        goal=goal,
        peer_goals=peers,
        note=note,
    )


def _turn(server: BenchServer, records: int) -> Turn:
    with tempfile.TemporaryDirectory(prefix="traysync-bench-") as folder:
        server.show("base")
        turn = _limits(server, Path(folder, "limit.db"))
        turn |= _runs(server, Path(folder, "a"), records)
        turn |= _incremental(server, Path(folder, "b"), records)
        return turn | _conditional(server, Path(folder, "c"))


def _limits(server: BenchServer, database: Path) -> Turn:
    """In a function of its own, so that its bodies and rows are gone before the program is measured."""
    turn: Turn = {}
    turn["download"], bodies = timed(lambda: limits.download(server.url))
    turn["split"], _ = timed(lambda: limits.split(bodies))
    turn["parse"], rows = timed(lambda: limits.parse(bodies))
    turn["insert"], _ = timed(lambda: limits.insert(rows, database))
    return turn


class Program:
    """A store and its endpoint, ready to run."""

    def __init__(self, folder: Path, endpoint: Endpoint) -> None:
        folder.mkdir()
        self.store = Store(folder / "traysync.db")
        self._context = RunContext(store=self.store, staging=folder)
        self.endpoint = endpoint

    def __enter__(self) -> "Program":
        return self

    def __exit__(self, *_: object) -> None:
        self.store.close()

    def sync(self, **options: bool) -> Report:
        """One run."""
        return run(self.endpoint, self._context, CancelToken(), **options)

    def timed(self, expected: Mapping[str, int], **options: bool) -> float:
        """CPU seconds of a run, which must report these counts."""
        seconds, report = timed(lambda: self.sync(**options))
        _require(report, expected)
        return seconds


def _runs(server: BenchServer, folder: Path, records: int) -> Turn:
    with Program(folder, bench_endpoint(server.url)) as program:
        first = program.timed({"added": records})
        same = program.timed({"unchanged": records})
        full = program.timed({"unchanged": records}, full=True)
        server.show("changed")
        return {
            "first load": first,
            "nothing changed": same,
            "everything compared again (--full)": full,
            "1 % changed": program.timed(listing.counts(records)),
        }


def _incremental(server: BenchServer, folder: Path, records: int) -> Turn:
    server.show("base")
    with Program(folder, bench_endpoint(server.url, incremental=Incremental("updated_at", param="since"))) as program:
        program.timed({"added": records})
        server.show("changed")
        expected = listing.counts(records)
        return {"incremental": program.timed({"added": expected["added"], "changed": expected["changed"]})}


def _conditional(server: BenchServer, folder: Path) -> Turn:
    server.show("base")
    url = f"{server.base}/one"
    with Program(folder, bench_endpoint(url, pages=Pages(kind="none"))) as program:
        program.sync()
        headers = {"If-None-Match": '"one"'}
        ours, bare = [], []
        for _ in range(20):
            seconds, report = timed(program.sync)
            if report.status != "succeeded" or report.bytes:
                raise RuntimeError("the server was not asked whether anything is new")
            ours.append(seconds)
            # A connection of its own for each, as a run has.
            bare.append(timed(lambda: requests.get(url, headers=headers, timeout=30))[0])
    return {"304, one page": statistics.median(ours), "bare GET": statistics.median(bare)}


def measure_csv(records: int, repetitions: int) -> Row:
    """A CSV table of five rows for each record."""
    rows = 5 * records
    ours, least = [], []
    with serving(records, large=True) as server, tempfile.TemporaryDirectory(prefix="traysync-bench-") as folder:
        url = f"{server.base}/table.csv"
        body = requests.get(url, timeout=60).content
        endpoint = bench_endpoint(url, pages=Pages(kind="none"))
        for turn in range(repetitions):
            least.append(timed(lambda: limits.read_csv(body))[0])
            with Program(Path(folder, str(turn)), endpoint) as program:
                ours.append(program.timed({"added": rows}))
    return Row(
        name=f"CSV, {rows:,} rows",
        unit="CPU s",
        ours=ours,
        limit=least,
        limit_is="csv.reader alone",
        goal=2.2,
        peer_goals={"sqlite-utils": 2.3},
    )


def measure_slow(repetitions: int) -> Row:
    """Seconds by the clock with a server that takes 50 ms for each page and names the last."""
    ours, least = [], []
    with serving(1000) as server, tempfile.TemporaryDirectory(prefix="traysync-bench-") as folder:
        pages = Pages(kind="page", param="page", start=1)
        endpoint = bench_endpoint(f"{server.base}/slow", pages=pages, response=Response(records="data"))
        for turn in range(repetitions):
            began = time.perf_counter()
            with requests.Session() as session:
                for page in range(1, SLOW_PAGES + 1):
                    assert session.get(f"{server.base}/slow?page={page}", timeout=30).content
            least.append(time.perf_counter() - began)
            with Program(Path(folder, str(turn)), endpoint) as program:
                began = time.perf_counter()
                report = program.sync()
                ours.append(time.perf_counter() - began)
                _require(report, {"added": 50 * SLOW_PAGES})
    return Row(
        name=f"slow server, {SLOW_PAGES} pages, last one known",
        unit="s",
        ours=ours,
        limit=least,
        limit_is="one page after the other",
        goal=0.35,
        note=f"with the {endpoint.limits.connections} connections an endpoint is allowed unless its settings say less",
    )


def _require(report: Report, counts: Mapping[str, int]) -> None:
    expected = {"added": 0, "changed": 0, "deleted": 0, "unchanged": 0, **counts}
    found = {name: getattr(report, name) for name in expected}
    if found != expected:
        raise RuntimeError(f"not what was to be measured: {found} instead of {expected}; {report.sentence}")


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """CPU seconds of this process for some work, and what it gave."""
    start = time.process_time()
    result: Any = work()
    return time.process_time() - start, result
