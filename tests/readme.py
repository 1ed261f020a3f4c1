"""Tables of the README that commands write, each between two markers."""

from pathlib import Path

README = Path(__file__).parents[1] / "README.md"


def _markers(name: str) -> tuple[str, str]:
    return f"<!-- {name}: written by ", f"<!-- end of {name} -->"


def table_in(text: str, name: str) -> str:
    """The table between the markers of that name. ValueError when they are not there."""
    return _parts(text, name)[1].strip()


def with_table(text: str, name: str, table: str) -> str:
    """The text with that table between the markers. ValueError when they are not there."""
    before, _, after = _parts(text, name)
    return f"{before}\n\n{table}\n\n{after}"


def write_table(name: str, table: str) -> None:
    """Put the table into the README."""
    README.write_text(with_table(README.read_text("utf-8"), name, table), "utf-8")


def _parts(text: str, name: str) -> tuple[str, str, str]:
    begin, end = _markers(name)
    start = text.find("-->", text.find(begin)) + len("-->")
    stop = text.find(end, start)
    if begin not in text or stop < 0:
        raise ValueError(f"{begin}… {end} is missing")
    return text[:start], text[start:stop], text[stop:]
