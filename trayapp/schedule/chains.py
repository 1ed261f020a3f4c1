"""Who runs after whom, and who is skipped when a run ends without success. Pure functions."""

from collections.abc import Iterator, Mapping, Sequence

from trayapp.endpoints.model import Endpoint, Settings
from trayapp.schedule.due import only_after, parent

OUTCOMES = {"failed": "failed", "stopped": "was stopped", "held": "holds deletions back"}
"""How a run ended without success, in words that follow the endpoint's name."""


def children_of(settings: Settings) -> dict[str, list[str]]:
    """The ids of the endpoints that run after each one, by its id."""
    children: dict[str, list[str]] = {}
    for endpoint in settings.endpoint:
        if before := parent(endpoint):
            children.setdefault(before, []).append(endpoint.id)
    return children


def skipped(
    endpoint: Endpoint, how: str, endpoints: Mapping[str, Endpoint], children: Mapping[str, Sequence[str]]
) -> Iterator[tuple[Endpoint, str]]:
    """Who does not run since a run of `endpoint` ended like that and no retry follows, each with the reason.

    Those that only run after it, and those after them. Every endpoint has one parent and circles are refused in the
    settings, so nobody is met twice.
    """
    waiting = [(endpoint, how)]
    while waiting:
        before, what = waiting.pop()
        for id in children.get(before.id, ()):
            child = endpoints[id]
            if child.enabled and only_after(child):
                yield child, f"{before.name or before.id} {what}"
                waiting.append((child, "was skipped"))
