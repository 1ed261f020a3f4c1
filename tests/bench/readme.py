"""Writes the table of a bench run into the README, between its markers: `python -m tests.bench.readme FILE.json`."""

import json
import sys
from pathlib import Path

import msgspec

from tests.bench.figures import Row, markdown
from tests.bench.serve import ROOT

BEGIN = "<!-- bench: begin -->"
END = "<!-- bench: end -->"


def written_into(text: str, table: str) -> str:
    """The text with the table between the markers. ValueError when they are not there."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{BEGIN} … {END} is missing")
    return f"{before}{BEGIN}\n{table}\n{END}{after}"


def main() -> None:
    """The command."""
    found = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    title = f"{found['about']}. Medians, in brackets the smallest and the largest."
    readme = ROOT / "README.md"
    table = markdown(title, msgspec.convert(found["rows"], list[Row]))
    readme.write_text(written_into(readme.read_text(encoding="utf-8"), table), encoding="utf-8")


if __name__ == "__main__":
    main()
