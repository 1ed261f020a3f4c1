"""When an endpoint runs: exactly one schedule, read here from the flat fields of its settings and written back to them.

On top of any schedule but `Manual` come events: another endpoint's success (`after`), the program's start (`at_start`),
a change of a file (`watch`). `trayapp.schedule.times.due` has the rules by which the times follow from a schedule.
"""

from datetime import timedelta
from typing import Any, TypeAlias, assert_never

import msgspec

from trayapp.endpoints.calendar import Days, Once
from trayapp.endpoints.model import Endpoint
from trayapp.endpoints.units import Duration, TimeOfDay

SHORTEST = Duration(10)
"""The shortest time between two scheduled runs; shorter would be a strain on servers, not a schedule."""


class Manual(msgspec.Struct, frozen=True):
    """Only by hand."""


class Every(msgspec.Struct, frozen=True):
    """Every so often; with `flex`, once at some moment in the last part, that long, of each such period."""

    interval: Duration = Duration(3600)
    flex: Duration | None = None

    @property
    def period(self) -> timedelta:
        """The time between two runs, at least SHORTEST."""
        return timedelta(seconds=max(SHORTEST, self.interval).seconds)

    @property
    def window(self) -> timedelta | None:
        """The part of each period in which the run falls, at most all of it; None: right when the period is over."""
        return None if self.flex is None else min(self.period, timedelta(seconds=self.flex.seconds))


class Cron(msgspec.Struct, frozen=True):
    """By a cron expression."""

    expression: str


class TimesOfDay(msgspec.Struct, frozen=True):
    """At local times of day; `on` some days only, every day without it."""

    at: tuple[TimeOfDay, ...] = ()
    on: tuple[Days, ...] = ()

    @property
    def times(self) -> tuple[TimeOfDay, ...]:
        """The times in order, each once; 00:00 if none is named."""
        return tuple(sorted(set(self.at or (TimeOfDay(0, 0),))))


class EventsOnly(msgspec.Struct, frozen=True):
    """At no time of its own, only at its events."""


Schedule: TypeAlias = Manual | Every | Cron | TimesOfDay | Once | EventsOnly

FIELDS = ("every", "flex", "cron", "at", "on", "once", "manual")
"""The fields of an endpoint that a schedule is written in."""


def written(endpoint: Endpoint) -> dict[str, Schedule]:
    """The schedules that the settings name, each by its field. Of several, which are refused, the last one counts."""
    found: dict[str, Schedule] = {}
    if endpoint.every is not None:
        found["every"] = Every(endpoint.every, endpoint.flex)
    if endpoint.cron is not None:
        found["cron"] = Cron(endpoint.cron)
    if endpoint.at or endpoint.on:
        found["on" if endpoint.on else "at"] = TimesOfDay(endpoint.at, endpoint.on)
    if endpoint.once is not None:
        found["once"] = endpoint.once
    if endpoint.manual:
        found["manual"] = Manual()
    return found


def schedule_of(endpoint: Endpoint) -> Schedule:
    """The endpoint's schedule. One that names none runs at its events only, or hourly if it has none."""
    if found := written(endpoint):
        return found.popitem()[1]
    after = endpoint.after is not None and bool(endpoint.after.ids)
    return EventsOnly() if after or endpoint.at_start or endpoint.watch else Every()


def with_schedule(endpoint: Endpoint, schedule: Schedule) -> Endpoint:
    """The endpoint with this schedule instead of its own; itself if that is its own, so what is unwritten stays so.

    An endpoint without any event can't have EventsOnly: it becomes hourly.
    """
    if schedule_of(endpoint) == schedule:
        return endpoint
    nothing, fields = Endpoint(url=""), dict[str, Any]()
    match schedule:
        case Manual():
            fields = {"manual": True}
        case Every(interval, flex):
            fields = {"every": interval, "flex": flex}
        case Cron(expression):
            fields = {"cron": expression}
        case TimesOfDay(at, on):
            fields = {"at": at, "on": on}
        case Once():
            fields = {"once": schedule}
        case EventsOnly():
            pass
        case _:
            assert_never(schedule)
    return msgspec.structs.replace(endpoint, **{name: getattr(nothing, name) for name in FIELDS} | fields)
