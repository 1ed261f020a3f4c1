"""Fields of an endpoint set from text."""

import tomllib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from trayapp.endpoints.model import Endpoint
from trayapp.endpoints.settings import (
    SettingsError,
    decode_endpoint,
    parse_endpoint,
    to_builtins,
)

if TYPE_CHECKING:
    pass


def edited(endpoint: Endpoint, changes: Mapping[str, str]) -> Endpoint:
    """The endpoint with fields set from text; checked. SettingsError names a field that can't be set so."""
    data = to_builtins(endpoint)
    for path, text in changes.items():
        *sections, name = path.split(".")
        place = data
        for section in sections:
            place = place.setdefault(section, {})
            if not isinstance(place, dict):
                raise SettingsError(f"There is no field {path}", f"{section} has no fields below it.", field=path)
        if not text:
            place.pop(name, None)
            continue
        try:
            place[name] = tomllib.loads(f"x = {text}")["x"]
            decode_endpoint(data)
        except (tomllib.TOMLDecodeError, SettingsError):
            place[name] = text
    return parse_endpoint(data)


def unnamed(endpoint: Endpoint, data: Mapping[str, Any]) -> Endpoint:
    """The endpoint without the id, and the table's name, that were made up because `data` has none."""
    name = data.get("table", {}).get("name", "")
    return msgspec.structs.replace(endpoint, id="", table=msgspec.structs.replace(endpoint.table, name=name))
