"""Who runs after whom, and who is skipped when a run ends without success. Pure functions."""

from collections.abc import Iterator, Mapping
from typing import Literal

from trayapp.endpoints.model import Endpoint, Settings
from trayapp.messages import Message, say
from trayapp.schedule.engine.entry import Entry
from trayapp.schedule.engine.work import ended_badly
from trayapp.schedule.times.due import only_after, parents

Ending = Literal["incomplete", "failed", "stopped", "held", "skipped"]
"""How a run ended without success."""


def children_of(settings: Settings) -> dict[str, list[str]]:
    """The ids of the endpoints that run after each one, by its id."""
    children: dict[str, list[str]] = {}
    for endpoint in settings.endpoint:
        for before in parents(endpoint):
            children.setdefault(before, []).append(endpoint.id)
    return children


def depths(settings: Settings) -> dict[str, int]:
    """How many endpoints come one after the other before each one, by its id.

    In topological order (Kahn's algorithm), so in time linear to what the settings say. Circles are refused there.
    """
    children = children_of(settings)
    found = {endpoint.id: 0 for endpoint in settings.endpoint}
    waits = {each.id: sum(parent in found for parent in parents(each)) for each in settings.endpoint}
    ready = [id for id, count in waits.items() if not count]
    for id in ready:
        for child in children.get(id, ()):
            found[child] = max(found[child], found[id] + 1)
            waits[child] -= 1
            if not waits[child]:
                ready.append(child)
    return found


def skipped(endpoint: Endpoint, how: Ending, entries: Mapping[str, Entry]) -> Iterator[tuple[Endpoint, Message]]:
    """Who does not run since a run of `endpoint` ended like that and no retry follows, each with the reason.

    Those that only run after it, and those after them. Of those that need any one of several, only whose others have
    ended without success too. Circles are refused in the settings.
    """
    waiting: list[tuple[Endpoint, Ending]] = [(endpoint, how)]
    met = {endpoint.id}
    while waiting:
        before, what = waiting.pop()
        for id in entries[before.id].children:
            child = entries[id].endpoint
            if id in met or not child.enabled or not only_after(child):
                continue
            others = [other for other in parents(child) if other in entries and other not in met]
            if (
                child.after is not None
                and child.after.need == "any"
                and not all(ended_badly(entries[other].row) for other in others)
            ):
                continue
            met.add(id)
            yield child, _reason(before.name or before.id, what)
            waiting.append((child, "skipped"))


def _reason(name: str, how: Ending) -> Message:
    match how:
        case "incomplete":
            return say("the list of {endpoint} is incomplete", endpoint=name)
        case "failed":
            return say("{endpoint} failed", endpoint=name)
        case "stopped":
            return say("{endpoint} was stopped", endpoint=name)
        case "held":
            return say("{endpoint} needs your confirmation", endpoint=name)
        case "skipped":
            return say("{endpoint} was skipped", endpoint=name)
