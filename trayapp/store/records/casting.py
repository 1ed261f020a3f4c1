"""Values made of the types that the settings want for their fields (`table.types`). Pure."""

import re
from collections.abc import Mapping, Sequence

from trayapp.messages import say
from trayapp.store.errors import StoreError
from trayapp.store.records.cells import Cell
from trayapp.store.records.fields import Fields
from trayapp.store.records.values import EXACT, Kind, SqlValue, classify

_NUMBER = re.compile(r"\+?(-?)0*+((?:(?<=0)|\d)\d*+(?:\.\d+)?(?:[eE][+-]?\d+)?)")
_BOOLEANS = {
    **dict.fromkeys(("true", "t", "yes", "y", "on", "1"), 1),
    **dict.fromkeys(("false", "f", "no", "n", "off", "0"), 0),
}


def cast_records(records: list[Fields], types: Mapping[str, str]) -> list[Fields]:
    """The records with each field that `types` names as a value of that type, where it is not null.

    Texts are read as the numbers and truth values that they are; blank ones are null. StoreError, which names the
    field, for a value that is none of that type, or would lose digits.
    """
    if not types:
        return records
    return [
        {
            name: _cast(name, kind, value, types[name]) if name in types else (kind, value)
            for name, (kind, value) in record.items()
        }
        for record in records
    ]


def cast_cells(name: str, cells: Sequence[Cell], type: str) -> Sequence[Cell]:
    """The cells of a column likewise."""
    return cells if type in ("text", "json") else [_cast(name, *_known(cell), type)[1] for cell in cells]


def _known(cell: Cell) -> tuple[Kind, SqlValue]:
    if cell is None or isinstance(cell, str):
        return "null" if cell is None else "text", cell
    if isinstance(cell, float):
        return "real", cell
    return classify(str(cell).encode())


def _cast(field: str, kind: Kind, value: SqlValue, type: str) -> tuple[Kind, SqlValue]:
    if kind in ("null", type) or type in ("text", "json") or (type == "integer" and kind == "long"):
        return kind, value
    number: tuple[Kind, SqlValue] = (kind, value)
    if kind == "text":
        text = str(value).strip()
        if not text:
            return "null", None
        if type == "boolean" and text.lower() in _BOOLEANS:
            return "boolean", _BOOLEANS[text.lower()]
        found = _NUMBER.fullmatch(text)
        if found:
            digits = found[2] if found[2][:1].isdigit() else f"0{found[2]}"
            number = classify(f"{found[1]}{digits}".encode())
    made = _made(*number, type)
    if made is None:
        raise _unfit(field, value, type)
    return made


def _made(kind: Kind, value: SqlValue, type: str) -> tuple[Kind, SqlValue] | None:
    """A number of another type, if it is the same there."""
    if value is None or isinstance(value, str):
        return None
    if type == "real":
        real = float(value)
        return ("real", real) if real == value else None
    if value != int(value) or (isinstance(value, float) and abs(value) > EXACT):
        return None
    whole = int(value)
    if type == "boolean":
        return ("boolean", whole) if whole in (0, 1) else None
    return ("long" if kind == "long" else "integer"), whole


def _unfit(field: str, value: SqlValue, type: str) -> StoreError:
    return StoreError(
        say("The field “{field}” is not of the type in the settings", field=field),
        say("A record has “{value}” there, which can't be stored as {type}.", value=str(value)[:100], type=type),
        say("Correct or remove {setting}.", setting=f"table.types.{field}"),
        code="type",
        field=f"table.types.{field}",
    )
