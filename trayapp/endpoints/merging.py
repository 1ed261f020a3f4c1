"""Two edits of the same settings brought together: the window's, and what another program wrote meanwhile. Pure."""

from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec

from trayapp.endpoints.model import Endpoint, Settings
from trayapp.endpoints.readable import readable
from trayapp.endpoints.settings import convert, to_builtins
from trayapp.errors import UserError
from trayapp.messages import say, say_count

Side = Literal["mine", "theirs"]


class Conflict(msgspec.Struct, frozen=True):
    """One field that both sides changed, each to another value; None stands for a field that is not set.

    `path` is dotted, below the endpoint with the id `endpoint`, or below the settings where that is "". The path is ""
    where one side removed the endpoint that the other changed, and where both added one with this id. Values that hold
    a secret readably are `HIDDEN`.
    """

    endpoint: str
    path: str
    mine: Any
    theirs: Any


class Decision(msgspec.Struct, frozen=True):
    """Which side a person prefers, after seeing these conflicts. It says nothing about any other conflict."""

    prefer: Side
    conflicts: tuple[Conflict, ...]


class SettingsConflict(UserError):
    """The settings were changed on both sides, and nobody has decided between these values yet."""

    code = "settings_conflict"

    def __init__(self, conflicts: tuple[Conflict, ...]) -> None:
        super().__init__(
            say("The settings were also changed elsewhere"),
            say_count(
                "{count} setting has one value here and another one there.",
                "{count} settings have one value here and another one there.",
                count=len(conflicts),
            ),
            say("Nothing was saved. Choose which version to keep."),
        )
        self.conflicts = conflicts


class Merged(msgspec.Struct, frozen=True):
    """The settings with both edits in them; where they conflict, the preferred side's value."""

    settings: Settings
    conflicts: tuple[Conflict, ...] = ()


def merged(base: Settings, mine: Settings, theirs: Settings, prefer: Side = "mine") -> Merged:
    """What `mine` and `theirs`, both made from `base`, are together: fields one by one, endpoints by their ids.

    Endpoints have the order of `mine` if that moved any, else of `theirs`; those that only the other side has come
    after the one they followed there.
    """
    if theirs == base or mine == theirs:
        return Merged(mine)
    if mine == base:
        return Merged(theirs)
    conflicts: list[Conflict] = []

    def both(endpoint: str, path: str, base: Any, mine: Any, theirs: Any) -> Any:
        if mine == theirs or theirs == base:
            return mine
        if mine == base:
            return theirs
        new = endpoint and not path and base is _UNSET
        if isinstance(mine, Mapping) and isinstance(theirs, Mapping) and path not in _WHOLE and not new:
            old = base if isinstance(base, Mapping) else {}
            found = {
                name: both(
                    endpoint,
                    f"{path}.{name}" if path else name,
                    old.get(name, _UNSET),
                    mine.get(name, _UNSET),
                    theirs.get(name, _UNSET),
                )
                for name in dict.fromkeys([*mine, *theirs])
            }
            return {name: value for name, value in found.items() if value is not _UNSET}
        shown = (_shown(value, path, side.get(endpoint)) for value, side in ((mine, ours), (theirs, others)))
        conflicts.append(Conflict(endpoint, path, *shown))
        return mine if prefer == "mine" else theirs

    bases, ours, others = ({each.id: each for each in side.endpoint} for side in (base, mine, theirs))
    endpoints = [
        both(id, "", _plain(bases.get(id)), _plain(ours.get(id)), _plain(others.get(id)))
        for id in _in_order(list(bases), list(ours), list(others))
    ]
    general = both("", "general", *(to_builtins(side.general) for side in (base, mine, theirs)))
    data = {"general": general, "endpoint": [_endpoint(each) for each in endpoints if each is not _UNSET]}
    return Merged(convert(data, lambda _: None, "settings"), tuple(conflicts))


def settled(base: Settings, mine: Settings, theirs: Settings, decision: Decision | None = None) -> Settings:
    """What `merged` gives. SettingsConflict when there are conflicts that the decision is not about."""
    found = merged(base, mine, theirs, decision.prefer if decision is not None else "mine")
    seen = decision.conflicts if decision is not None else ()
    if any(conflict not in seen for conflict in found.conflicts):
        raise SettingsConflict(found.conflicts)
    return found.settings


HIDDEN: Final = "•••"
"""Stands for a value that is a secret, or has one in it."""
_UNSET: Final = object()
_SCHEDULE: Final = ("every", "flex", "cron", "at", "on", "once", "manual")
_WHOLE: Final = frozenset({"schedule", "auth", "pages", "incremental", "after"})
"""Sections whose fields only make sense together: half of one edit and half of another would be neither."""


def _plain(endpoint: Endpoint | None) -> Any:
    """The endpoint as plain data, the fields of its schedule in a section of their own."""
    if endpoint is None:
        return _UNSET
    data = to_builtins(endpoint)
    schedule = {name: data.pop(name) for name in _SCHEDULE if name in data}
    return {**data, "schedule": schedule} if schedule else data


def _endpoint(data: dict[str, Any]) -> dict[str, Any]:
    schedule = data.get("schedule", {})
    return {**{name: value for name, value in data.items() if name != "schedule"}, **schedule}


def _shown(value: Any, path: str, endpoint: Endpoint | None) -> Any:
    if value is _UNSET:
        return None
    secret = [each.field for each in readable(endpoint)] if endpoint is not None else []
    inside = any(f"{field}.".startswith(f"{path}." if path else "") or path.startswith(f"{field}.") for field in secret)
    return HIDDEN if inside else value


def _in_order(base: list[str], mine: list[str], theirs: list[str]) -> list[str]:
    """All ids, in the order of the side that moved some, and each that only the other has behind the one before it."""
    moved = [id for id in mine if id in base] != [id for id in base if id in mine]
    first, second = (mine, theirs) if moved else (theirs, mine)
    order = list(first)
    for index, id in enumerate(second):
        if id in order:
            continue
        before = next((each for each in reversed(second[:index]) if each in order), None)
        order.insert(order.index(before) + 1 if before is not None else len(order) if id not in base else 0, id)
    return order
