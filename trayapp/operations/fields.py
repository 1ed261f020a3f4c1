"""Fields of the settings set from text."""

import tomllib
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from trayapp.endpoints.model import Endpoint, General
from trayapp.endpoints.readable import Lifted, lifted
from trayapp.endpoints.settings import SettingsError, convert, decode_endpoint, parse_endpoint, to_builtins
from trayapp.messages import say


def edited(endpoint: Endpoint, changes: Mapping[str, str], before: Endpoint | None) -> Lifted:
    """The endpoint with fields set from text; checked. SettingsError names a field that can't be set so.

    A secret that it has readably is taken out of it, unless the saved one, `before`, has it as well.
    """
    data = to_builtins(endpoint)
    _set(data, changes, decode_endpoint)
    found = lifted(decode_endpoint(data), before)
    return msgspec.structs.replace(found, endpoint=parse_endpoint(to_builtins(found.endpoint)))


def edited_general(general: General, changes: Mapping[str, str]) -> General:
    """The program's settings with fields set from text. SettingsError names a field that can't be set so."""
    data = to_builtins(general)
    _set(data, changes, _decode_general)
    return _decode_general(data)


def general_fields(general: General) -> dict[str, Any]:
    """The program's settings as plain values by name, those left as they were too."""
    fields = {name: getattr(general, name) for name in General.__struct_fields__}
    plain: dict[str, Any] = msgspec.to_builtins(fields, enc_hook=str)
    return plain


def _decode_general(data: Mapping[str, Any]) -> General:
    return convert({"general": data}, lambda _: None, "settings").general


def _set(data: dict[str, Any], changes: Mapping[str, str], decode: Callable[[dict[str, Any]], object]) -> None:
    """Set fields by dotted paths, each to the TOML value that its text is if `decode` takes it, else to the text.

    Where neither will do, but a list of that one text, it is that.
    """
    for path, text in changes.items():
        *sections, name = path.split(".")
        place = data
        for section in sections:
            place = place.setdefault(section, {})
            if not isinstance(place, dict):
                raise SettingsError(
                    say("There is no field {path}", path=path),
                    say("{section} has no fields below it.", section=section),
                    field=path,
                )
        if not text:
            place.pop(name, None)
            continue
        for value in _meanings(text):
            place[name] = value
            try:
                decode(data)
                break
            except SettingsError:
                place[name] = text


def _meanings(text: str) -> list[Any]:
    try:
        value = tomllib.loads(f"x = {text}")["x"]
    except tomllib.TOMLDecodeError:
        return [text, [text]]
    return [value, text, [value]]


def unnamed(endpoint: Endpoint, data: Mapping[str, Any]) -> Endpoint:
    """The endpoint without the id, and the table's name, that were made up because `data` has none."""
    name = data.get("table", {}).get("name", "")
    return msgspec.structs.replace(endpoint, id="", table=msgspec.structs.replace(endpoint.table, name=name))
