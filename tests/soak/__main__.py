"""`python -m tests.soak [--days 14] [--seed 1]`: prints a line for every six virtual hours, then the verdict."""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.soak.soak import Sample, growth, soak


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.soak", description=__doc__)
    parser.add_argument("--days", type=float, default=14)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print(*(f"{name:>10}" for name in Sample._fields[1:]), flush=True)

    def tell(sample: Sample) -> None:
        print(*(f"{value:>10,}" for value in sample[1:]), f"  {sample.at:%a %d %b %H:%M}", flush=True)

    with tempfile.TemporaryDirectory() as folder:
        outcome = soak(Path(folder), options.days, options.seed, tell)
    for how, often in outcome.ended.most_common():
        print(f"{often:>7,}  {how}")
    grown = {what: growth(outcome.samples, what) for what in ("rss", "anonymous", "handles", "threads", "most_wal")}
    print("growth:", ", ".join(f"{what} {100 * part:+.2f} %" for what, part in grown.items()))
    for problem in (*outcome.wrong, *outcome.differing):
        print(f"WRONG {problem}")
    too_much = [what for what in ("rss", "anonymous") if grown[what] > 0.02]
    print(f"{outcome.seconds:.0f} s; {len(outcome.wrong)} wrong, {len(outcome.differing)} differing, grown: {too_much}")
    return int(bool(outcome.wrong or outcome.differing or too_much))


if __name__ == "__main__":
    sys.exit(main())
