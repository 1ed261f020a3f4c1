"""Measures the program's speed and prints a table of it.

    python -m tests.bench.run             100,000 records
    python -m tests.bench.run --quick     20,000 records, less of everything: under three minutes
    python -m tests.bench.run --full      and a million records, a document of 300 MB, five minutes at rest
    python -m tests.bench.run --peers     and other programs, installed into a cache folder
    python -m tests.bench.run --only engine,csv
    --json FILE, --markdown FILE          the figures, and the table, into files as well

Judge the ratios of one run; seconds don't carry over from one machine, or one hour, to another.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import apsw
import msgspec

from tests.bench import alone, engine, peers, scale, startup
from tests.bench.figures import Row, markdown
from tests.bench.serve import ROOT, serving


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """How much is measured."""

    records: int
    repetitions: int
    document: int
    """Records in the large document."""
    rest: float
    """Seconds of looking at the program at rest."""
    growth: bool = False


QUICK = Size(records=20_000, repetitions=5, document=60_000, rest=20)
USUAL = Size(records=100_000, repetitions=5, document=100_000, rest=60)
FULL = Size(records=100_000, repetitions=7, document=447_000, rest=300, growth=True)


def _parts(size: Size) -> dict[str, Callable[[], list[Row]]]:
    few = max(2, size.repetitions // 2)
    parts: dict[str, Callable[[], list[Row]]] = {
        "engine": lambda: engine.measure(size.records, size.repetitions),
        "document": lambda: alone.measure_document(size.document, few),
        "csv": lambda: [engine.measure_csv(size.records, few)],
        "slow": lambda: [engine.measure_slow(few)],
        "writes": lambda: alone.measure_writes(size.records),
        "start": lambda: startup.measure(size.repetitions),
        "gui": lambda: gui_gap(size.records, few),
        "scale": lambda: scale.measure(few),
        "rest": lambda: startup.measure_rest(size.rest),
    }
    if size.growth:
        parts["growth"] = lambda: alone.measure_growth(size.records, 2)
    return parts


def main() -> int:
    """The command: measure, print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_const", const=QUICK, dest="size", default=USUAL, help="less of it")
    size.add_argument("--full", action="store_const", const=FULL, dest="size", help="more of it")
    parser.add_argument("--peers", action="store_true", help="other programs, too")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table there")
    parser.add_argument("--only", default="", metavar="PART,…", help=f"of {', '.join(_parts(FULL))}")
    options = parser.parse_args()
    wanted = options.only.split(",") if options.only else list(_parts(options.size))
    rows = measure(options.size, wanted)
    title = about(options.size)
    if options.peers:
        title += ". " + add_peers(rows, options.size)
    text = markdown(f"{title}. Medians, in brackets the smallest and the largest.", rows)
    print(text)
    if options.json:
        found = {"about": title, "rows": msgspec.to_builtins(rows)}
        options.json.write_text(json.dumps(found, indent=1, ensure_ascii=False), encoding="utf-8")
    if options.markdown:
        options.markdown.write_text(text + "\n", encoding="utf-8")
    return 0


def measure(size: Size, wanted: list[str]) -> list[Row]:
    """The rows of these parts."""
    rows = []
    for name in wanted:
        print(f"measuring: {name}", file=sys.stderr, flush=True)
        rows += _parts(size)[name]()
    return rows


def about(size: Size) -> str:
    """What is measured, and on what."""
    libraries = ", ".join(f"{name} {version(name)}" for name in ("msgspec", "requests", "PySide6-Essentials"))
    return (
        f"{size.records:,} records of about 670 bytes in pages of 1,000, {size.repetitions} turns, from a server on the"
        f" same machine: {_cpu()}, {os.cpu_count()} CPUs, {platform.system()} {platform.release()}, Python"
        f" {platform.python_version()}, SQLite {apsw.sqlite_lib_version()}, {libraries}"
    )


def _cpu() -> str:
    found = Path("/proc/cpuinfo")
    lines = found.read_text().splitlines() if found.exists() else []
    return next((line.split(": ")[1] for line in lines if line.startswith("model name")), platform.machine())


def add_peers(rows: list[Row], size: Size) -> str:
    """Measure the other programs, enter their figures into the rows, and say which they are."""
    names = {"first load": "first load", "nothing changed": "nothing changed", "1 % changed": "1 % changed"}
    names |= {"incremental": "incremental", "one JSON document": "document", "CSV": "CSV"}
    with serving(size.records) as server, serving(size.document, large=True) as large:
        table = f"{large.base}/table.csv"
        with serving(size.records, large=True) as sheets:
            table = f"{sheets.base}/table.csv"
            for peer, turns in peers.PEERS.items():
                print(f"measuring: {peer}", file=sys.stderr, flush=True)
                found = [peers.measure(peer, server.url, f"{large.base}/document", table) for _ in range(turns)]
                for row in rows:
                    keys = [key for start, key in names.items() if _is_of(row, start) and key in found[0]]
                    if keys and row.unit == "CPU s":
                        row.peers[peer] = [turn[keys[0]] for turn in found]
    return "Other programs: " + ", ".join(peers.PACKAGES[:2])


def _is_of(row: Row, start: str) -> bool:
    return row.name.startswith(start) and "1,000,000" not in row.name and "memory" not in row.name


def gui_gap(records: int, repetitions: int) -> list[Row]:
    """The figures of gui_gap.measure, from a process of its own: a QApplication there is one of, and for good."""
    command = [sys.executable, "-m", "tests.bench.gui_gap", str(records), str(repetitions)]
    environment = {"QT_QPA_PLATFORM": "offscreen", **os.environ}
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, check=True)
    found: list[dict[str, float]] = json.loads(done.stdout)
    return [
        Row(
            name=f"longest gap of the GUI thread beyond the idle program's: {name}",
            unit="ms",
            ours=[turn[name] - turn["idle"] for turn in found],
            goal=16,
        )
        for name in engine.SCENARIOS
    ]


if __name__ == "__main__":
    sys.exit(main())
