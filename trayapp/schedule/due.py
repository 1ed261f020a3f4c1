"""Due times: when an endpoint runs next by its schedule, and how that is said in words. Pure functions.

Which schedule holds: `manual`, else `cron`, else `at`, else `every`, else after another endpoint's success
(`after.endpoint`, which may also come on top of a schedule), else every hour. All answers are aware UTC.

- `every` counts from the last attempt. A first run comes at once, moved by `spread`, so that a hundred endpoints
  imported together do not start together; later runs keep the phase of the first one, so nothing accumulates.
- `cron` means what Debian's cron means: 0 and 7 are Sunday; a job at a fixed hour that falls into the spring gap runs
  at the end of the gap, and in autumn runs once, in the first of the two hours; jobs with `*` in the hour or minute
  follow real time.
- `at` are local times of day with the same rules for gap and repeated hour.

A time that was missed is answered as it is, in the past: it is due once, however many slots passed by since.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo

import xxhash
from cronsim import CronSim, CronSimError

from trayapp.endpoints.model import Endpoint
from trayapp.endpoints.units import TimeOfDay
from trayapp.errors import UserError

MINIMUM = timedelta(seconds=10)
"""No schedule runs more often."""
DEFAULT = timedelta(hours=1)
"""The interval of an endpoint without any schedule."""
SPREAD = timedelta(seconds=30)
"""Over how long first and overdue runs are spread."""
REPEATED = timedelta(hours=3)
"""A wall clock set back by at most this does not make times of day count again; the limit is Debian cron's."""


def spread(id: str, over: timedelta = SPREAD) -> timedelta:
    """A delay from 0 up to `over`, always the same for the same endpoint id."""
    return over * (xxhash.xxh3_64_intdigest(id.encode()) / 2**64)


def interval(endpoint: Endpoint) -> timedelta:
    """The time between two runs of an endpoint that has an interval, at least MINIMUM."""
    return DEFAULT if endpoint.every is None else max(MINIMUM, timedelta(seconds=endpoint.every.seconds))


def by_interval(endpoint: Endpoint) -> bool:
    """Whether the endpoint runs every so often, as opposed to at times of the wall clock or by hand."""
    return not endpoint.manual and endpoint.cron is None and not endpoint.at and not only_after(endpoint)


def parent(endpoint: Endpoint) -> str:
    """The id of the endpoint after whose success this one runs; "" if there is none."""
    return "" if endpoint.after is None or endpoint.manual else endpoint.after.endpoint


def only_after(endpoint: Endpoint) -> bool:
    """Whether the endpoint has no time of its own: it runs when its parent has succeeded."""
    return bool(parent(endpoint)) and endpoint.every is None and endpoint.cron is None and not endpoint.at


def next_due(endpoint: Endpoint, last: datetime | None, now: datetime, zone: tzinfo) -> datetime | None:
    """When the endpoint runs next if it last ran at `last` (None: never); None if only by hand, or only
    after another one.

    The answer is in the past when it was missed, and never farther away than one interval or slot from `now`: a
    `last` in the future, left by a wall clock that was set back, does not hold it up.
    Raises UserError for a cron expression that cannot be read.
    """
    if endpoint.manual or only_after(endpoint):
        return None
    if by_interval(endpoint):
        if last is None:
            return now + spread(endpoint.id, min(SPREAD, interval(endpoint) / 10))
        return min(last, now) + interval(endpoint)
    base = now if last is None or last - now > REPEATED else last
    return _cron_after(endpoint.cron, base, zone) if endpoint.cron is not None else _at_after(endpoint.at, base, zone)


def upcoming(endpoint: Endpoint, now: datetime, zone: tzinfo, count: int = 5) -> tuple[datetime, ...]:
    """The next `count` times if the endpoint ran right now; fewer if the schedule has no more, none if by hand.

    Raises UserError for a cron expression that cannot be read.
    """
    times: list[datetime] = []
    last: datetime | None = now
    while last is not None and len(times) < count:
        last = next_due(endpoint, last, last, zone)
        if last is not None:
            times.append(last)
    return tuple(times)


def describe(endpoint: Endpoint) -> str:
    """The schedule in words: "every hour", "at 08:00 and 13:00", "only by hand", "after stock"."""
    if endpoint.manual:
        return "only by hand"
    if only_after(endpoint):
        return f"after {parent(endpoint)}"
    return f"{_times(endpoint)} and after {parent(endpoint)}" if parent(endpoint) else _times(endpoint)


def _times(endpoint: Endpoint) -> str:
    if endpoint.cron is not None:
        return _cron_words(endpoint.cron)
    if endpoint.at:
        return "at " + _listed([str(each) for each in sorted(set(endpoint.at))])
    return "every " + _length(interval(endpoint))


def _cron_after(expression: str, base: datetime, zone: tzinfo) -> datetime | None:
    if len(expression.split()) == 6:  # with seconds: the only form that can go below the minimum
        base += MINIMUM - timedelta(microseconds=1)
    try:
        slots = CronSim(expression, base.astimezone(zone))
    except CronSimError as error:
        raise UserError(
            f"The schedule {expression!r} is not a cron expression",
            f"{error}.",
            "Write five fields: minute, hour, day of month, month, day of week, like 0 9 * * mon-fri.",
        ) from error
    for slot in slots:
        # Within the repeated hour of autumn, the library's first answers lie in the first of the two hours.
        if slot.astimezone(UTC) > base:
            return slot.astimezone(UTC)
    return None


def _at_after(times: tuple[TimeOfDay, ...], base: datetime, zone: tzinfo) -> datetime:
    today = base.astimezone(zone).date()
    return next(slot for slot in _slots(today - timedelta(days=1), times, zone) if slot > base)


def _slots(first: date, times: tuple[TimeOfDay, ...], zone: tzinfo) -> Iterator[datetime]:
    day = first
    while True:
        for each in sorted(times):
            yield resolve(day, each.time, zone)
        day += timedelta(days=1)


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


_DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_SHORT = tuple(day[:3].upper() for day in _DAYS)
_NUMBERS = tuple("01234567")


def _cron_words(expression: str) -> str:
    """Words for the simple and common expressions, the expression itself for all others."""
    fields = expression.upper().split()
    if len(fields) != 5 or fields[3] != "*":
        return expression
    minute, hour, day, _, weekday = fields
    if (hour, day, weekday) == ("*", "*", "*"):
        return _within_hour(minute) or expression
    if not (minute.isdigit() and all(each.isdigit() for each in hour.split(","))):
        return expression
    at = "at " + _listed([f"{each:02d}:{int(minute):02d}" for each in sorted(map(int, hour.split(",")))])
    if day == "*":
        days = _weekdays(weekday)
        return f"{days} {at}" if days else expression
    if day.isdigit() and weekday == "*":
        return f"on day {int(day)} of every month {at}"
    return expression


def _within_hour(minute: str) -> str:
    if minute in {"*", "*/1"}:
        return "every minute"
    if minute == "0":
        return "every hour"
    if minute.isdigit():
        return f"every hour at {int(minute)} minutes past"
    step = minute.removeprefix("*/")
    if step != minute and step.isdigit() and 60 % max(1, int(step)) == 0:
        return f"every {int(step)} minutes"
    return ""


def _weekdays(field: str) -> str:
    if field == "*":
        return "every day"
    if field in {"1-5", "MON-FRI"}:
        return "on weekdays"
    named = field.split(",")
    if not all(day in _SHORT or day in _NUMBERS for day in named):
        return ""
    numbers = {_SHORT.index(day) if day in _SHORT else int(day) % 7 for day in named}
    if numbers == {0, 6}:
        return "on weekends"
    return "on " + _listed([f"{_DAYS[number]}s" for number in sorted(numbers, key=lambda number: number or 7)])


def _listed(words: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _length(length: timedelta) -> str:
    """A length of time as one says it after "every": "hour", "15 minutes", "1 hour 30 minutes"."""
    left, parts = length.total_seconds(), []
    for unit, seconds in (("week", 604800), ("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1)):
        if unit == "week" and left % seconds:
            continue
        count, left = divmod(left, seconds)
        if unit == "second":
            count += left
        if count:
            parts.append((count, unit))
    if len(parts) == 1 and parts[0][0] == 1:
        return parts[0][1]
    return " ".join(f"{count:g} {unit}{'' if count == 1 else 's'}" for count, unit in parts)
