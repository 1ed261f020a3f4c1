"""All shapes by name, in the groups of the table of results."""

from tests.shapes.formats import FORMATS
from tests.shapes.paging import PAGING
from tests.shapes.quirks import QUIRKS
from tests.shapes.records import RECORDS
from tests.shapes.services import SERVICES
from tests.shapes.shape import Shape

SHAPES: dict[str, dict[str, Shape]] = {
    "How listings go on": {name: Shape(serve, **options) for name, (serve, options) in PAGING.items()},
    "How well-known services' listings go on": SERVICES,
    "Where records are": RECORDS,
    "What answers are written in": FORMATS,
    "Logins, and servers that say wrong things": QUIRKS,
}


def as_markdown() -> str:
    """The table of results as it stands in the README."""
    lines = []
    for group, shapes in SHAPES.items():
        lines += [f"| {group} | result |", "|---|---|"]
        lines += [f"| {_cell(name)} | {_cell(shape.outcome)} |" for name, shape in shapes.items()]
        lines.append("")
    return "\n".join(lines).strip()


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("[", "\\[").replace("$", "\\$").replace("_", "\\_")
