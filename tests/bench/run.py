"""Measures the program: CPU time and memory against their limits, and how long the GUI thread stands still.

    python -m tests.bench.run             100,000 records, 5 repetitions: some minutes
    python -m tests.bench.run --quick     20,000 records, 3 repetitions: under 3 minutes
    python -m tests.bench.run --full      the large document, a million records and 500,000 CSV rows as well
    python -m tests.bench.run --json F    the figures into a file as well

Prints Markdown tables. Judge the ratios and the gaps of one run; seconds don't carry over from one machine, or one
hour, to another.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import msgspec

from tests.bench import alone, engine
from tests.bench.figures import Row, markdown
from tests.bench.serve import ROOT

GAP_MS = 16
"""How much longer than at rest the GUI thread may stand still: one frame of a screen at 60 Hz."""


def main() -> int:
    """The command: measure, print tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="20,000 records, 3 repetitions")
    size.add_argument("--full", action="store_true", help="a million records, a document of 300 MB, 500,000 CSV rows")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument("--only", choices=["engine", "gui"], help="leave the other out")
    options = parser.parse_args()
    machine = f"{platform.platform()}, {os.cpu_count()} CPUs, Python {platform.python_version()}"
    records, repetitions = (20_000, 3) if options.quick else (100_000, 5)
    rows: list[Row] = []
    if options.only != "gui":
        rows += engine.measure(records, repetitions)
        rows.append(engine.measure_csv(500_000 if options.full else 5 * records // 2, repetitions))
        rows.append(engine.measure_slow(3))
        rows += alone.measure_writes(records)
        rows += alone.measure_document(447_000 if options.full else records, 3)
        if options.full:
            rows += alone.measure_growth(100_000, 3)
    if options.only != "engine":
        rows += measure_gui(records, 3)
    print(markdown(f"{records:,} records unless said, {repetitions} repetitions; {machine}", rows))
    if options.json:
        options.json.write_bytes(msgspec.json.format(msgspec.json.encode({"machine": machine, "rows": rows})))
    return 0


def measure_gui(records: int, repetitions: int) -> list[Row]:
    """The longest gaps of the GUI thread, from a process of its own: a QApplication there is one of, and for good."""
    command = [sys.executable, "-m", "tests.bench.gui_gap", str(records), str(repetitions)]
    environment = {"QT_QPA_PLATFORM": "offscreen", **os.environ}
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, check=True)
    found: list[dict[str, float]] = json.loads(done.stdout)
    # An idle program's own gap belongs to the machine, and is not held against the load.
    return [
        Row(
            name=f"longest gap of the GUI thread over the idle program's: {name}",
            unit="ms",
            ours=[max(0.0, turn[name] - turn["idle"]) for turn in found],
            goal=GAP_MS,
        )
        for name in engine.SCENARIOS
    ]


if __name__ == "__main__":
    sys.exit(main())
