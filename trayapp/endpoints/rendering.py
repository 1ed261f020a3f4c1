"""Settings as the text of settings.toml."""

import tomllib
from collections.abc import Mapping
from typing import Any

from trayapp.endpoints.model import Settings
from trayapp.endpoints.settings import parse_settings, to_builtins


def render(previous: str, settings: Settings) -> str:
    """Settings as TOML text, keeping the comments and layout of the previous text where they still apply."""
    import tomlkit

    wanted = to_builtins(settings)
    document = tomlkit.parse(previous)
    _merge(document, {key: value for key, value in wanted.items() if key != "endpoint"}, keep=("endpoint",))
    old = document.get("endpoint", [])
    old_ids = [endpoint.id for endpoint in parse_settings(previous).endpoint] if previous else []
    by_id = dict(zip(old_ids, old, strict=True))
    tables = tomlkit.aot()
    for data in wanted.get("endpoint", ()):
        table = by_id.get(data["id"])
        if table is None:
            table = tomlkit.table()
        _merge(table, data)
        tables.append(table)
    document.pop("endpoint", None)
    if len(tables):
        document.append("endpoint", tables)
    text = tomlkit.dumps(document)
    # tomlkit has lost tables when arrays of tables were rearranged (its issues 261, 381): never trust, compare.
    if tomllib.loads(text) != wanted:
        text = tomlkit.dumps(wanted)
    return text


def _merge(table: Any, wanted: Mapping[str, Any], keep: tuple[str, ...] = ()) -> None:
    for key in [key for key in table if key not in wanted and key not in keep]:
        del table[key]
    for key, value in wanted.items():
        if key in table and isinstance(value, Mapping) and isinstance(table[key], Mapping):
            _merge(table[key], value)
        elif key not in table or table[key] != value:
            table[key] = value
