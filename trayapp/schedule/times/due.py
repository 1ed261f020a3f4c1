"""Due times: when an endpoint runs next by its schedule. Pure functions.

Which schedule an endpoint has is told by `trayapp.endpoints.schedule`. All answers are aware UTC.

- `every` counts from the last attempt. A first run comes at once, moved by `spread`, so that a hundred endpoints
  imported together do not start together; later runs keep the phase of the first one, so nothing accumulates.
- `every` with `flex`: periods of that length count from `anchor`, when the schedule was set. One run falls into the
  last `flex` of each, always at the same moment of it, moved by `spread`. So the first comes after `every - flex` at
  the earliest, as WorkManager has it.
- `cron` means what Debian's cron means: 0 and 7 are Sunday; a job at a fixed hour that falls into the spring gap runs
  at the end of the gap, and in autumn runs once, in the first of the two hours; jobs with `*` in the hour or minute
  follow real time.
- `at` are local times of day with the same rules for gap and repeated hour; `on` are the days they count on (all days
  without it), at 00:00 without `at`. A day that a month lacks, like the 31st of June, is skipped, as cron does it.
- `once` is a moment, or a delay from `anchor`, when it was set.

A time that was missed is answered as it is, in the past: it is due once, however many slots passed by since.
"""

from calendar import monthrange
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import assert_never

import xxhash
from cronsim import CronSim, CronSimError

from trayapp.endpoints.calendar import Once
from trayapp.endpoints.model import Endpoint
from trayapp.endpoints.schedule import SHORTEST, Cron, EventsOnly, Every, Manual, Schedule, TimesOfDay, schedule_of
from trayapp.errors import UserError
from trayapp.messages import foreign, say

MINIMUM = timedelta(seconds=SHORTEST.seconds)
"""No schedule runs more often."""
SPREAD = timedelta(seconds=30)
"""Over how long first and overdue runs are spread."""
_RAREST = 12 * 41
"""Months within which every day there is comes: a fifth Friday of February may take 40 years."""
REPEATED = timedelta(hours=3)
"""A wall clock set back by at most this does not make times of day count again; the limit is Debian cron's."""


def spread(id: str, over: timedelta = SPREAD) -> timedelta:
    """A delay from 0 up to `over`, always the same for the same endpoint id."""
    return over * (xxhash.xxh3_64_intdigest(id.encode()) / 2**64)


def parents(endpoint: Endpoint) -> tuple[str, ...]:
    """The ids of the endpoints after whose success this one runs, each once."""
    if endpoint.after is None or isinstance(schedule_of(endpoint), Manual):
        return ()
    return endpoint.after.ids


def only_after(endpoint: Endpoint) -> bool:
    """Whether the endpoint has no time of its own, but others whose success it runs after."""
    return isinstance(schedule_of(endpoint), EventsOnly) and bool(parents(endpoint))


def by_interval(schedule: Schedule) -> bool:
    """Whether it comes every so often, counted from the last run."""
    return isinstance(schedule, Every) and schedule.flex is None


def counted(schedule: Schedule) -> bool:
    """Whether its times are counted from some moment, as opposed to read off the wall clock."""
    return isinstance(schedule, Every) or (isinstance(schedule, Once) and schedule.delay is not None)


def anchoring(schedule: Schedule) -> str:
    """What its times count from the setting of, in a form that tells this from others; "" if from no such moment."""
    if isinstance(schedule, Once):
        return f"once {schedule}"
    return "flex" if isinstance(schedule, Every) and schedule.flex is not None else ""


def next_due(
    endpoint: Endpoint, last: datetime | None, now: datetime, zone: tzinfo, anchor: datetime | None = None
) -> datetime | None:
    """When the endpoint runs next if it last ran at `last` (None: never); None if not by itself, or only after events.

    anchor: since when the schedule counts, for `flex` and a delay; None: now. The answer is in the past when it was
    missed, and never farther away than one interval or slot from `now`: a `last` in the future, left by a wall clock
    that was set back, does not hold it up. Raises UserError for a cron expression that cannot be read.
    """
    schedule = schedule_of(endpoint)
    anchor = now if anchor is None else anchor
    base = now if last is None or last - now > REPEATED else last
    match schedule:
        case Manual() | EventsOnly():
            return None
        case Every(flex=None):
            if last is None:
                return now + spread(endpoint.id, min(SPREAD, schedule.period / 10))
            return min(last, now) + schedule.period
        case Every():
            return _flex_after(schedule, endpoint.id, anchor if last is None else max(anchor, base), anchor)
        case Once():
            moment = once_at(schedule, anchor, zone)
            return moment if moment > base else None
        case Cron(expression):
            return _cron_after(expression, base, zone)
        case TimesOfDay():
            return _day_after(schedule, base, zone)
        case _:
            assert_never(schedule)


def upcoming(endpoint: Endpoint, now: datetime, zone: tzinfo, count: int = 5) -> tuple[datetime, ...]:
    """The next `count` times if the endpoint was set up and ran right now; fewer if the schedule has no more.

    Raises UserError for a cron expression that cannot be read.
    """
    times: list[datetime] = []
    last: datetime | None = now
    while last is not None and len(times) < count:
        last = next_due(endpoint, last, last, zone, now)
        if last is not None:
            times.append(last)
    return tuple(times)


def once_at(once: Once, anchor: datetime, zone: tzinfo) -> datetime:
    """The moment that is meant, for a delay from `anchor`. A local time that the clocks skip: the end of the gap."""
    if once.delay is not None:
        return anchor + timedelta(seconds=once.delay.seconds)
    moment = once.moment
    assert moment is not None
    return resolve(moment.date(), moment.time(), zone) if moment.tzinfo is None else moment.astimezone(UTC)


def _flex_after(schedule: Every, id: str, base: datetime, anchor: datetime) -> datetime:
    assert schedule.window is not None
    first = anchor - schedule.window + spread(id, schedule.window)
    return first + ((base - first) // schedule.period + 1) * schedule.period


def _cron_after(expression: str, base: datetime, zone: tzinfo) -> datetime | None:
    if len(expression.split()) == 6:  # with seconds: the only form that can go below the minimum
        base += MINIMUM - timedelta(microseconds=1)
    try:
        slots = CronSim(expression, base.astimezone(zone))
    except CronSimError as error:
        raise UserError(
            say("The schedule “{expression}” is not a cron expression", expression=expression),
            foreign(f"{error}."),
            say("Write five fields: minute, hour, day of month, month, day of week, like 0 9 * * mon-fri."),
            code="bad_cron",
            field="cron",
            action="edit_field",
        ) from error
    for slot in slots:
        # Within the repeated hour of autumn, the library's first answers lie in the first of the two hours.
        if slot.astimezone(UTC) > base:
            return slot.astimezone(UTC)
    return None


def _day_after(schedule: TimesOfDay, base: datetime, zone: tzinfo) -> datetime | None:
    yesterday = base.astimezone(zone).date() - timedelta(days=1)
    return next((slot for slot in _slots(yesterday, schedule, zone) if slot > base), None)


def _slots(first: date, schedule: TimesOfDay, zone: tzinfo) -> Iterator[datetime]:
    """The times on the days from that one on; none after _RAREST."""
    for month in range(first.month - 1, first.month + _RAREST):
        year, number = first.year + month // 12, month % 12 + 1
        for each in _days_of(schedule, year, number):
            day = date(year, number, each)
            if day >= first:
                for time in schedule.times:
                    yield resolve(day, time.time, zone)


def _days_of(schedule: TimesOfDay, year: int, month: int) -> list[int]:
    if not schedule.on:
        return list(range(1, monthrange(year, month)[1] + 1))
    return sorted({day for each in schedule.on for day in each.of(year, month)})


def resolve(day: date, at: time, zone: tzinfo) -> datetime:
    """The moment at which local clocks first show `at` on that day; the end of the gap if they skip it."""
    local = datetime.combine(day, at, zone)
    late = local.astimezone(UTC)
    if late.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
        return late
    # The zone's two readings of a skipped time (PEP 495) lie on either side of the moment the clocks were moved.
    early = local.replace(fold=1).astimezone(UTC)
    offset = early.astimezone(zone).utcoffset()
    while late - early > timedelta(seconds=1):
        middle = early + timedelta(seconds=(late - early) // timedelta(seconds=2))
        if middle.astimezone(zone).utcoffset() == offset:
            early = middle
        else:
            late = middle
    return late
