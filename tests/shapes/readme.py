"""Writes the table of shapes into README.md: python -m tests.shapes.readme"""

from pathlib import Path

from tests.shapes.table import as_markdown

README = Path(__file__).parents[2] / "README.md"
START, END = "<!-- shapes: written by python -m tests.shapes.readme -->", "<!-- end of shapes -->"


def table_in(text: str) -> str:
    """What stands between the markers."""
    return text.partition(START)[2].partition(END)[0].strip()


def main() -> None:
    text = README.read_text("utf-8")
    before, after = text.partition(START)[0], text.partition(END)[2]
    README.write_text(f"{before}{START}\n\n{as_markdown()}\n\n{END}{after}", "utf-8")


if __name__ == "__main__":
    main()
