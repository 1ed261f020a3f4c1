"""What texts of formats without types (CSV, XML) stand for."""

import re
from collections.abc import Collection

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?")


def typed(text: str) -> str | int | float:
    """A number where the text is just how that number is written; else the text as it is.

    `7`, `-3` and `1.5` are numbers; `007`, `1.50`, `+5`, ` 5`, `-0` and `1e5` would come back otherwise than they
    were, so they stay text. A column that holds both is text as a whole, with every number as it was sent.
    """
    found = _NUMBER.fullmatch(text)
    if found is None or len(text) > 40:
        return text
    number = float(text) if found[1] else int(text)
    return number if repr(number) == text else text


def field_names(header: Collection[str]) -> list[str]:
    """Names for the fields of rows: trimmed, `column_3` for an empty one, `name_2` for a repeated one."""
    names: dict[str, None] = {}
    last: dict[str, int] = {}
    for position, given in enumerate(header, 1):
        name = given.strip() or f"column_{position}"
        candidate, number = name, last.get(name, 1)
        while candidate in names:
            number += 1
            candidate = f"{name}_{number}"
        if candidate != name:
            last[name] = number
        names[candidate] = None
    return list(names)
