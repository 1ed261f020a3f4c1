"""Silence is the worst failure: which endpoints had no success for too long. Pure functions."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, tzinfo

import msgspec

from trayapp.endpoints.calendar import Once
from trayapp.endpoints.model import Endpoint, Settings
from trayapp.endpoints.schedule import schedule_of
from trayapp.messages import Message, say_count
from trayapp.schedule.engine.snapshot import EndpointStatus
from trayapp.schedule.times.due import next_due

DEFAULT = timedelta(days=2)
"""How late a success may be, counted from the regular time, for endpoints without `notify.stale_after`."""


class Watch(msgspec.Struct, frozen=True):
    """Since when an endpoint waits for a success: the last one, or when it was first seen; and whether that was told.

    suspected: the last look found it stale, and this was the first time.
    """

    since: datetime
    told: bool = False
    suspected: bool = False


class Stale(msgspec.Struct, frozen=True):
    """An endpoint without success for too long, and how long that is by now."""

    status: EndpointStatus
    length: timedelta


def stale_at(endpoint: Endpoint, since: datetime, zone: tzinfo) -> datetime | None:
    """When a success is missed so badly that the user should know; None: never, as nothing is expected."""
    if endpoint.notify.stale_after is not None:
        return since + timedelta(seconds=endpoint.notify.stale_after.seconds)
    if isinstance(schedule_of(endpoint), Once):
        return None
    expected = next_due(endpoint, since, since, zone)
    return None if expected is None else expected + DEFAULT


def look(
    watches: Mapping[str, Watch], statuses: Iterable[EndpointStatus], settings: Settings, now: datetime, zone: tzinfo
) -> tuple[list[Stale], dict[str, Watch]]:
    """Which endpoints are to be told of now, and what to remember until the next look, a few minutes later.

    Each silence is told once. It must be found at two looks: after a holiday everything is stale for the moment that
    the catching up takes.
    """
    endpoints = {endpoint.id: endpoint for endpoint in settings.endpoint if endpoint.enabled}
    stale: list[Stale] = []
    after: dict[str, Watch] = {}
    for status in statuses:
        endpoint = endpoints.get(status.id)
        if endpoint is None:
            continue
        before = watches.get(status.id, Watch(now))
        since = status.last_success or before.since
        watch = before if since == before.since else Watch(since)
        limit = stale_at(endpoint, min(since, now), zone)
        late = limit is not None and now >= limit
        if late and watch.suspected and not watch.told:
            stale.append(Stale(status, now - since))
            watch = Watch(since, told=True)
        after[status.id] = msgspec.structs.replace(watch, suspected=late)
    return stale, after


def length_in_words(length: timedelta) -> Message:
    """Roughly how long: "2 days", "5 hours"."""
    hours = max(1, int(length.total_seconds() // 3600))
    if hours < 48:
        return say_count("{count} hour", "{count} hours", hours)
    return say_count("{count} day", "{count} days", hours // 24)
