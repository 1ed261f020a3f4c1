"""Who runs after whom, and who is skipped when a run ends without success. Pure functions."""

from collections.abc import Iterator, Mapping

from trayapp.endpoints.model import Endpoint, Settings
from trayapp.schedule.engine.entry import Entry
from trayapp.schedule.engine.work import ended_badly
from trayapp.schedule.times.due import only_after, parents

OUTCOMES = {"failed": "failed", "stopped": "was stopped", "held": "holds deletions back"}
"""How a run ended without success, in words that follow the endpoint's name."""


def children_of(settings: Settings) -> dict[str, list[str]]:
    """The ids of the endpoints that run after each one, by its id."""
    children: dict[str, list[str]] = {}
    for endpoint in settings.endpoint:
        for before in parents(endpoint):
            children.setdefault(before, []).append(endpoint.id)
    return children


def depth(endpoint: Endpoint, settings: Settings, met: frozenset[str] = frozenset()) -> int:
    """How many of the settings' endpoints come one after the other before this one; circles are cut."""
    before = [settings.find(id) for id in parents(endpoint) if id not in met]
    found = [each for each in before if each is not None]
    return max((1 + depth(each, settings, met | {endpoint.id}) for each in found), default=0)


def skipped(endpoint: Endpoint, how: str, entries: Mapping[str, Entry]) -> Iterator[tuple[Endpoint, str]]:
    """Who does not run since a run of `endpoint` ended like that and no retry follows, each with the reason.

    Those that only run after it, and those after them. Of those that need any one of several, only whose others have
    ended without success too. Circles are refused in the settings.
    """
    waiting, met = [(endpoint, how)], {endpoint.id}
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
            yield child, f"{before.name or before.id} {what}"
            waiting.append((child, "was skipped"))
