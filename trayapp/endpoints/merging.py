"""Two edits of the same settings brought together: the window's, and what another program wrote meanwhile. Pure."""

from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec

from trayapp.endpoints.model import Endpoint, Settings
from trayapp.endpoints.settings import convert, to_builtins

Side = Literal["mine", "theirs"]


class Conflict(msgspec.Struct, frozen=True):
    """One field that both sides changed, each to another value; None stands for a field that is not set.

    `path` is dotted, below the endpoint with the id `endpoint`, or below the settings where that is "". The path is ""
    where one side removed the endpoint that the other changed.
    """

    endpoint: str
    path: str
    mine: Any
    theirs: Any


class Merged(msgspec.Struct, frozen=True):
    """The settings with both edits in them; where they conflict, the preferred side's value."""

    settings: Settings
    conflicts: tuple[Conflict, ...] = ()


def merged(base: Settings, mine: Settings, theirs: Settings, prefer: Side = "mine") -> Merged:
    """What `mine` and `theirs`, both made from `base`, are together: fields one by one, endpoints by their ids.

    Endpoints keep the order of `mine`; those that only `theirs` has come after the one they followed there.
    """
    if theirs == base or mine == theirs:
        return Merged(mine)
    conflicts: list[Conflict] = []

    def both(endpoint: str, path: str, base: Any, mine: Any, theirs: Any) -> Any:
        if mine == theirs or theirs == base:
            return mine
        if mine == base:
            return theirs
        if isinstance(mine, Mapping) and isinstance(theirs, Mapping) and path not in _WHOLE:
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
        conflicts.append(Conflict(endpoint, path, _shown(mine), _shown(theirs)))
        return mine if prefer == "mine" else theirs

    bases, ours, others = ({each.id: each for each in side.endpoint} for side in (base, mine, theirs))
    endpoints = [
        both(id, "", _plain(bases.get(id)), _plain(ours.get(id)), _plain(others.get(id)))
        for id in _in_order(list(ours), list(others), set(bases))
    ]
    general = both("", "general", *(to_builtins(side.general) for side in (base, mine, theirs)))
    data = {"general": general, "endpoint": [_endpoint(each) for each in endpoints if each is not _UNSET]}
    return Merged(convert(data, lambda _: None, "settings"), tuple(conflicts))


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


def _shown(value: Any) -> Any:
    return None if value is _UNSET else value


def _in_order(mine: list[str], theirs: list[str], base: set[str]) -> list[str]:
    """All ids: mine in my order, and each that only they have behind the one before it there."""
    order = list(mine)
    for index, id in enumerate(theirs):
        if id in order:
            continue
        before = next((each for each in reversed(theirs[:index]) if each in order), None)
        order.insert(order.index(before) + 1 if before is not None else len(order) if id not in base else 0, id)
    return order
