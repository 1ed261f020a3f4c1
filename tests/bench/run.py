"""Measures the program: CPU time against its limits, and how long the GUI thread stands still.

    python -m tests.bench.run             100,000 records, 3 repetitions: about a minute
    python -m tests.bench.run --quick     20,000 records, 2 repetitions
    python -m tests.bench.run --full      100,000 records, 7 repetitions
    python -m tests.bench.run --json F    the figures into a file as well

Judge the ratios and the gaps of one run; seconds don't carry over from one machine, or one hour, to another.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.bench import cpu
from tests.bench.serve import ROOT


def main() -> int:
    """The command: measure, print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="20,000 records, 2 repetitions")
    size.add_argument("--full", action="store_true", help="7 repetitions")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument("--only", choices=["cpu", "gui"], help="leave the other out")
    options = parser.parse_args()
    records, repetitions = (20_000, 2) if options.quick else (100_000, 7 if options.full else 3)
    figures = measure(records, repetitions, options.only)
    print(table(figures))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")
    return 0


def measure(records: int, repetitions: int, only: str | None = None) -> dict[str, Any]:
    """All raw figures with what they were measured on."""
    figures: dict[str, Any] = {
        "records": records,
        "repetitions": repetitions,
        "machine": f"{platform.platform()}, {os.cpu_count()} CPUs, Python {platform.python_version()}",
    }
    if only != "gui":
        figures["cpu"] = cpu.measure(records, repetitions)
    if only != "cpu":
        figures["gui"] = gui_gap(records, repetitions)
    return figures


def gui_gap(records: int, repetitions: int) -> list[dict[str, float]]:
    """The figures of gui_gap.measure, from a process of its own: a QApplication there is one of, and for good."""
    command = [sys.executable, "-m", "tests.bench.gui_gap", str(records), str(repetitions)]
    environment = {"QT_QPA_PLATFORM": "offscreen", **os.environ}
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, check=True)
    found: list[dict[str, float]] = json.loads(done.stdout)
    return found


def table(figures: dict[str, Any]) -> str:
    """The figures for people: medians, with the smallest and largest in brackets."""
    lines = [f"{figures['records']:,} records, {figures['repetitions']} repetitions, {figures['machine']}"]
    if "cpu" in figures:
        lines += ["", f"{'CPU seconds':<18}{'run':>22}{'limit':>22}{'run / limit':>20}"]
        for name in cpu.SCENARIOS:
            rows = [repetition[name] for repetition in figures["cpu"]]
            ratios = [row["run"] / row["limit"] for row in rows]
            cells = [_spread([row[column] for row in rows], ".3f") for column in ("run", "limit")]
            lines.append(f"{name:<18}{cells[0]:>22}{cells[1]:>22}{_spread(ratios, '.2f'):>20}")
        rows = [repetition["first load"] for repetition in figures["cpu"]]
        parts = [part for part in rows[0] if part not in ("run", "limit")]
        medians = (f"{part} {statistics.median(row[part] for row in rows):.3f}" for part in parts)
        lines.append(f"the limits' parts: {', '.join(medians)}")
    if "gui" in figures:
        lines += ["", f"{'longest gap of the GUI thread, ms':<40}"]
        for name in figures["gui"][0]:
            lines.append(f"{name:<18}{_spread([repetition[name] for repetition in figures['gui']], '.1f'):>22}")
    return "\n".join(lines)


def _spread(values: list[float], form: str) -> str:
    return f"{statistics.median(values):{form}} ({min(values):{form}}-{max(values):{form}})"


if __name__ == "__main__":
    sys.exit(main())
