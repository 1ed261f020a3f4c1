"""Settings as the text of settings.toml.

Only the text of what differs is written anew, and comments and layout stay there, too, where they still apply: to take
apart and put together the text of thousands of endpoints for one field of one of them takes seconds.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

from trayapp.endpoints.model import Endpoint, Settings
from trayapp.endpoints.settings import SettingsError, convert, parse_settings, to_builtins


def render(previous: str, settings: Settings) -> str:
    """Settings as TOML text, made of the previous text, which can be read. `settings` are complete."""
    for made in (_by_parts, _by_tree):
        text = made(previous, settings)
        # Neither is trusted: what has the look of a table's head may stand in a text, and tomlkit has lost tables when
        # arrays of tables were rearranged (its issues 261, 381).
        if text is not None and _holds(text, settings):
            return text
    import tomlkit

    return tomlkit.dumps(to_builtins(settings))


def _holds(text: str, settings: Settings) -> bool:
    try:
        return convert(tomllib.loads(text), lambda _: None, "settings") == settings
    except (ValueError, SettingsError):
        return False


class _Parts(NamedTuple):
    """A text cut before the heads of its tables: what is before the first endpoint, each endpoint, what is behind."""

    before: str
    endpoints: list[str]
    behind: str


_HEAD = re.compile(r"[ \t]*(\[\[?)([^\[\]]+)\]")
"""The head of a table, in its line."""


def _cut(text: str) -> _Parts:
    """Cut before heads, and before the comments right above them; those above the first are of the whole file."""
    before: list[str] = []
    behind: list[str] = []
    endpoints: list[list[str]] = []
    into, comments, has_heads = before, list[str](), False
    for line in text.splitlines(keepends=True):
        if head := _HEAD.match(line):
            if not has_heads:
                into += comments
                comments, has_heads = [], True
            name = head[2].strip(" \t")
            if (head[1], name) == ("[[", "endpoint"):
                endpoints.append([])
                into = endpoints[-1]
            elif endpoints:
                into = endpoints[-1] if re.match(r"endpoint[ \t]*\.", name) else behind
        elif line.lstrip().startswith("#"):
            comments.append(line)
            continue
        into += [*comments, line]
        comments = []
    into += comments
    return _Parts("".join(before), ["".join(lines) for lines in endpoints], "".join(behind))


def _by_parts(previous: str, settings: Settings) -> str | None:
    """The text made of the previous one's parts; None where it has other ones than are expected."""
    parts = _cut(previous)
    were = convert(tomllib.loads(previous), lambda _: None, "settings")
    if len(parts.endpoints) != len(were.endpoint):
        return None
    has_ids = all(each.id for each in were.endpoint)
    ids = [each.id for each in (were if has_ids else parse_settings(previous)).endpoint]
    old = dict(zip(ids, zip(parts.endpoints, were.endpoint, strict=True), strict=True))
    before, behind = parts.before, parts.behind
    if were.general != settings.general:
        general = {"general": to_builtins(settings.general)}
        if "general" in behind:
            behind = _changed(behind, general)
        else:
            before = _changed(before, general if general["general"] else {})
    texts = [_endpoint(each, *old.get(each.id, ("", None))) for each in settings.endpoint]
    return "".join(_ended([before, *texts, behind]))


def _endpoint(endpoint: Endpoint, text: str, was: Endpoint | None) -> str:
    if was == endpoint:
        return text
    import tomlkit

    data = to_builtins(endpoint)
    if was is None:
        return "\n" + tomlkit.dumps({"endpoint": [data]})
    document = tomlkit.parse(text)
    _merge(cast(Any, document["endpoint"])[0], data)
    return tomlkit.dumps(document)


def _changed(text: str, wanted: Mapping[str, Any]) -> str:
    """The text of some tables with other values."""
    import tomlkit

    document = tomlkit.parse(text)
    _merge(document, wanted)
    return tomlkit.dumps(document)


def _ended(texts: Sequence[str]) -> list[str]:
    """The texts, each ending with a line's end."""
    return [f"{text}\n" if text and not text.endswith("\n") else text for text in texts]


def _by_tree(previous: str, settings: Settings) -> str:
    """The text made by taking the whole of the previous one apart."""
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
    return tomlkit.dumps(document)


def _merge(table: Any, wanted: Mapping[str, Any], keep: tuple[str, ...] = ()) -> None:
    for key in [key for key in table if key not in wanted and key not in keep]:
        del table[key]
    for key, value in wanted.items():
        if key in table and isinstance(value, Mapping) and isinstance(table[key], Mapping):
            _merge(table[key], value)
        elif key not in table or table[key] != value:
            table[key] = value
