"""settings.toml's text: read with errors that name line and field."""

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, time
from typing import Any

import msgspec

from trayapp.endpoints.calendar import Days, Once
from trayapp.endpoints.model import Endpoint, Settings
from trayapp.endpoints.naming import Tried, completed
from trayapp.endpoints.units import Duration, HostPort, Rate, Size, TimeOfDay
from trayapp.endpoints.validate import check_settings
from trayapp.errors import UserError
from trayapp.messages import Message, foreign, say

_Path = tuple[str | int, ...]


class SettingsError(UserError):
    """The settings can't be used; its problem says at which line and in which field."""

    code = "settings"
    action = "edit_settings_file"


def decode_hook(type_: type, value: Any) -> Any:
    """Turn settings text into units; for `msgspec.convert`. ValueError says what is allowed."""
    if type_ is TimeOfDay and isinstance(value, time):
        return TimeOfDay(value.hour, value.minute)
    if type_ is Once and isinstance(value, datetime):
        return Once.parse(value.isoformat())
    if issubclass(type_, Duration | Size | Rate | TimeOfDay | HostPort | Days | Once):
        if not isinstance(value, str):
            raise ValueError(f"Expected text like {_EXAMPLES[type_]}, got {value!r}")
        return type_.parse(value)
    raise NotImplementedError(type_)


_EXAMPLES: Mapping[type, str] = {
    Duration: '"1h"',
    Size: '"2GiB"',
    Rate: '"5/s"',
    TimeOfDay: '"08:00"',
    HostPort: '"nas.local:445"',
    Days: '"mon", "15" or "last fri"',
    Once: '"2026-12-01T08:00" or "in 10m"',
}


def to_builtins(value: msgspec.Struct) -> Any:
    """The struct as plain dicts, lists and scalars in the form of the settings file, defaults left out."""
    return _plain(msgspec.to_builtins(_with_default_objects(value), enc_hook=str))


def _with_default_objects(value: Any) -> Any:
    """The same value; msgspec leaves a default out only where it is the very object, not where it merely equals it."""
    if isinstance(value, tuple):
        return tuple(_with_default_objects(item) for item in value)
    if not isinstance(value, msgspec.Struct):
        return value
    now = {field.name: (getattr(value, field.name), field.default) for field in msgspec.structs.fields(value)}
    return msgspec.structs.replace(
        value,
        **{name: default if item == default else _with_default_objects(item) for name, (item, default) in now.items()},
    )


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        plain = {key: _plain(item) for key, item in value.items() if item is not None}
        return {key: item for key, item in plain.items() if item != {} or key == "json"}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def parse_settings(
    text: str,
    source: str = "settings.toml",
    alone: bool = False,
    change: Callable[[Settings], Settings] = lambda settings: settings,
) -> Settings:
    """Settings from TOML text, complete and checked. SettingsError names `source`, the line and the field.

    alone: these are some endpoints of several. change: what is done to them before they are checked.
    """
    data = _loaded(text, source)
    settings = convert(data, lambda path: _line_of(text, path), source)
    return complete(change(settings), lambda path: _line_of(text, path), source, alone)


_LONG_KEY = re.compile(r"""(?<![\w"'-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){100}""")
"""A key of more parts than any; the library takes time quadratic to their number."""


def _loaded(text: str, source: str) -> dict[str, Any]:
    """The text as TOML; SettingsError with its line, if that is known."""
    line: int | None = None
    try:
        if (key := _LONG_KEY.search(text)) is not None:
            line = text.count("\n", 0, key.start()) + 1
            raise ValueError(say("A key has too many parts"))
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"at line (\d+)", str(error))
        line = int(found[1]) if found else max(len(text.splitlines()), 1)
        raise _unreadable(source, line, "", foreign(str(error).partition("(at ")[0].rstrip())) from error
    except RecursionError as error:
        raise _unreadable(
            source, *_worst(text, r"[\[{]"), say("Its arrays and tables are nested too deeply")
        ) from error
    except ValueError as error:
        if isinstance(error.args[0], Message):
            raise _unreadable(source, line, "", error.args[0]) from error
        raise _unreadable(source, *_worst(text, r"[0-9_]"), say("A number has too many digits")) from error


def _worst(text: str, sign: str) -> tuple[int | None, str]:
    """The number of the line that has most of these signs, and the field that it sets: the library tells neither."""
    lines = text.splitlines()
    line = max(range(len(lines)), key=lambda index: len(re.findall(sign, lines[index])), default=None)
    if line is None:
        return None, ""
    key = re.match(r"[ \t]*([\w\"'-]{1,80})[ \t]*=", lines[line])
    return line + 1, key[1] if key else ""


def _unreadable(source: str, line: int | None, field: str, what: Message) -> SettingsError:
    return SettingsError(
        say("The settings file can't be read"),
        say("{source}: {what}.", source=_place(source, line), what=what),
        say("Correct that line, or restore the previous copy beside the file."),
        line=line,
        field=field,
    )


def convert(data: Any, line_of: Callable[[_Path], int | None], source: str) -> Settings:
    """Typed settings from plain data; SettingsError as in `parse_settings`."""
    try:
        return msgspec.convert(data, Settings, dec_hook=decode_hook)
    except msgspec.ValidationError as error:
        raise _explained(str(error), line_of, source) from error


def complete(
    settings: Settings,
    line_of: Callable[[_Path], int | None] = lambda _: None,
    source: str = "settings",
    alone: bool = False,
) -> Settings:
    """The settings with names filled in, or SettingsError for the first thing that makes no sense.

    alone: these are some endpoints of several.
    """
    settings = with_names(settings)
    for index, problem in check_settings(settings, alone):
        path: _Path = ("endpoint", index, *problem.path.split(".", 2))
        line = line_of(path)
        where = _place(source, line)
        raise SettingsError(
            say("The endpoint “{id}” can't be used", id=settings.endpoint[index].id),
            say("{where}, field {path}: {message}", where=where, path=problem.path, message=problem.message),
            say("Correct the field."),
            line=line,
            field=problem.path,
        )
    return settings


def with_names(settings: Settings) -> Settings:
    """The settings with ids, names and table names filled in, not checked."""
    ids = {endpoint.id for endpoint in settings.endpoint if endpoint.id}
    tables = {endpoint.table.name.lower() for endpoint in settings.endpoint if endpoint.table.name}
    tried: Tried = {}
    endpoints = []
    for endpoint in settings.endpoint:
        filled = completed(endpoint, ids, tables, tried)
        ids.add(filled.id)
        tables.add(filled.table.name.lower())
        endpoints.append(filled)
    return msgspec.structs.replace(settings, endpoint=tuple(endpoints))


def _place(source: str, line: int | None) -> str:
    return f"{source}, line {line}" if line else source


def _explained(message: str, line_of: Callable[[_Path], int | None], source: str) -> SettingsError:
    what, _, at = message.partition(" - at `$")
    path: list[str | int] = [
        int(index) if index else name for name, index in re.findall(r"\.([^.\[\]`]+)|\[(\d+)\]", at.rstrip("`"))
    ]
    next_step = "Correct that line."
    if unknown := re.search(r"unknown field `(.*)`", what):
        import difflib

        section = _section_at(path)
        close = difflib.get_close_matches(unknown[1], section, 1, 0.5)
        path.append(unknown[1])
        what = f"the key {unknown[1]!r} is not known here"
        next_step = f"Did you mean {close[0]!r}?" if close else f"Allowed here: {', '.join(section)}."
    elif missing := re.search(r"missing required field `(.*)`", what):
        what = f"{missing[1]!r} is missing"
    elif what.startswith("Invalid enum value"):
        what = what.replace("Invalid enum value", "the value is not") + f"; allowed are {', '.join(_choices_at(path))}"
    elif kinds := re.fullmatch(r"Expected `([^`]*)`, got `([^`]*)`", what):
        what = f"{_in_words(kinds[1])} is expected here, not {_in_words(kinds[2])}"
    line = line_of(tuple(path))
    field = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")
    cause = f"{_place(source, line)}, field {field}: {what[:1].lower()}{what[1:]}."
    below = field.partition("].")[2] if field.startswith("endpoint[") else field
    return SettingsError(say("The settings can't be used"), cause, next_step, line=line, field=below)


_WORDS = {
    "str": "text",
    "int": "a number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
}


def _in_words(kinds: str) -> str:
    return " or ".join(_WORDS.get(kind, kind) for kind in kinds.split(" | ") if kind != "null")


def _type_at(path: Sequence[str | int]) -> Any:
    """The struct, or the field's type, that the settings have at that path."""
    found: Any = Settings
    for part in path:
        if isinstance(part, str):
            found = next((field.type for field in msgspec.structs.fields(found) if field.encode_name == part), None)
            for inner in getattr(found, "__args__", ()):
                if isinstance(inner, type) and issubclass(inner, msgspec.Struct):
                    found = inner
    return found


def _section_at(path: Sequence[str | int]) -> list[str]:
    return list(_type_at(path).__struct_encode_fields__)


def _choices_at(path: Sequence[str | int]) -> list[str]:
    choices: list[str] = []
    left = [_type_at(path)]
    while left:
        found = left.pop()
        choices += [repr(found)] if isinstance(found, str) else []
        left += reversed(getattr(found, "__args__", ()))
    return choices


def _line_of(text: str, path: _Path) -> int | None:
    """The line where that field, or the nearest table around it, stands. Knows the usual layout, not all of TOML."""
    lines: dict[_Path, int] = {}
    table: _Path = ()
    counts: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[\[?([^\[\]]+)\]", line):
            names = [part.strip().strip("\"'") for part in header[1].split(".")]
            if line.lstrip().startswith("[["):
                counts[names[0]] = counts.get(names[0], -1) + 1
            table = tuple(names) if names[0] not in counts else (names[0], counts[names[0]], *names[1:])
            lines.setdefault(table, number)
        elif key := re.match(r"\s*([A-Za-z0-9_.\"'-]+)\s*=", line):
            lines.setdefault((*table, *(part.strip("\"'") for part in key[1].split("."))), number)
    while path:
        if path in lines:
            return lines[path]
        path = path[:-1]
    return None


def decode_endpoint(data: Mapping[str, Any]) -> Endpoint:
    """One endpoint from plain data, as it is: what it leaves out is not made up. SettingsError for wrong fields."""
    return convert({"endpoint": [dict(data)]}, lambda _: None, "endpoint").endpoint[0]


def parse_endpoint(data: Mapping[str, Any]) -> Endpoint:
    """One endpoint from plain data, named and checked; SettingsError as in `parse_settings`."""
    return complete(Settings(endpoint=(decode_endpoint(data),)), source="endpoint", alone=True).endpoint[0]
