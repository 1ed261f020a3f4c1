"""Writes the table of a bench run into the README, between its markers: `python -m tests.bench.readme FILE.json`."""

import json
import sys
from pathlib import Path

import msgspec

from tests.bench.figures import Row, markdown
from tests.readme import write_table


def main() -> None:
    """The command."""
    found = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    title = f"{found['about']}. Medians, in brackets the smallest and the largest."
    write_table("figures", markdown(title, msgspec.convert(found["rows"], list[Row])))


if __name__ == "__main__":
    main()
