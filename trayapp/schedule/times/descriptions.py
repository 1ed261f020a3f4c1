"""Schedules in words. Pure functions."""

from datetime import timedelta
from pathlib import PurePath
from typing import Final, assert_never

from trayapp.endpoints.calendar import ORDINALS, WEEKDAYS, Days, Once
from trayapp.endpoints.model import Endpoint
from trayapp.endpoints.schedule import Cron, EventsOnly, Every, Manual, Schedule, TimesOfDay, schedule_of
from trayapp.messages import NOTHING, Argument, Message, either, foreign, listing, say, say_count
from trayapp.schedule.times.due import parents

_DAY: Final = (
    say("Monday"),
    say("Tuesday"),
    say("Wednesday"),
    say("Thursday"),
    say("Friday"),
    say("Saturday"),
    say("Sunday"),
)
_DAYS: Final = (
    say("Mondays"),
    say("Tuesdays"),
    say("Wednesdays"),
    say("Thursdays"),
    say("Fridays"),
    say("Saturdays"),
    say("Sundays"),
)
_MONTH: Final = (
    say("January"),
    say("February"),
    say("March"),
    say("April"),
    say("May"),
    say("June"),
    say("July"),
    say("August"),
    say("September"),
    say("October"),
    say("November"),
    say("December"),
)
_WHICH: Final = {
    1: say("first"),
    2: say("second"),
    3: say("third"),
    4: say("fourth"),
    5: say("fifth"),
    -1: say("last"),
}
assert _WHICH.keys() == set(ORDINALS.values())


def describe(endpoint: Endpoint) -> Message:
    """The schedule in words: "every hour", "at 08:00 and 13:00", "only by hand", "after stock"."""
    return _all([words for words in (_times(schedule_of(endpoint)), *events(endpoint)) if words])


def events(endpoint: Endpoint) -> list[Message]:
    """What makes the endpoint run beside its schedule: "at the program's start", "when list.csv changes", "after a"."""
    if isinstance(schedule_of(endpoint), Manual):
        return []
    found = []
    if before := parents(endpoint):
        need_all = endpoint.after is not None and endpoint.after.need == "all"
        found.append(say("after {endpoints}", endpoints=(listing if need_all else either)(tuple(before))))
    if endpoint.at_start:
        found.append(say("at the program's start"))
    if endpoint.watch:
        found.append(say("when {file} changes", file=PurePath(endpoint.watch).name or endpoint.watch))
    return found


def _all(parts: list[Message]) -> Message:
    return parts[0] if len(parts) == 1 else say("{parts}", parts=listing(tuple(parts)))


def _times(schedule: Schedule) -> Message:
    match schedule:
        case Manual():
            return say("only by hand")
        case EventsOnly():
            return NOTHING
        case Once():
            return _once(schedule)
        case Cron(expression):
            return _cron_words(expression)
        case TimesOfDay(on=days):
            times = listing(tuple(map(str, schedule.times)))
            return _calendar(days, times) if days else say("at {times}", times=times)
        case Every():
            every = _every(schedule.period)
            if schedule.window is None:
                return every
            return say("{every}, in the last {window} of it", every=every, window=_count(schedule.window))
        case _:
            assert_never(schedule)


def _once(once: Once) -> Message:
    if once.delay is not None:
        return say("once, {length} after it was set", length=_count(timedelta(seconds=once.delay.seconds)))
    day, _, time = str(once).partition("T")
    return say("once, on {day} at {time}", day=day, time=time)


def _calendar(days: tuple[Days, ...], times: Argument) -> Message:
    """ "on Mondays at 08:00", "on the 1st and the last day of the month at 00:00", "on 24 December at 12:00"."""
    weekly = tuple(_weekly(each) for each in days if not each.month and each.weekdays and not each.ordinal)
    monthly = tuple(_monthly(each) for each in days if not each.month and not (each.weekdays and not each.ordinal))
    yearly = tuple(_yearly(each) for each in days if each.month)
    groups = [
        *([say("on {days}", days=listing(weekly))] if weekly else []),
        *([say("on {days} of the month", days=listing(monthly))] if monthly else []),
        *([say("on {days}", days=listing(yearly))] if yearly else []),
    ]
    on, lacking = _all(groups), [each for each in days if each.may_lack]
    if any(not each.month for each in lacking):
        return say("{days} at {times} (skipped in months without that day)", days=on, times=times)
    if lacking:
        return say("{days} at {times} (skipped in years without that day)", days=on, times=times)
    return say("{days} at {times}", days=on, times=times)


def _weekly(days: Days) -> Message:
    if days.weekdays == (0, 1, 2, 3, 4):
        return say("weekdays")
    if days.weekdays == (5, 6):
        return say("weekends")
    if len(days.weekdays) == 1:
        return _DAYS[days.weekdays[0]]
    return say("{first} to {last}", first=_DAY[days.weekdays[0]], last=_DAY[days.weekdays[-1]])


def _monthly(days: Days) -> Message:
    if days.number:
        return _numbered(days.number)
    which = _WHICH[days.ordinal]
    if not days.weekdays:
        return say("the {which} day", which=which)
    if len(days.weekdays) == 1:
        return say("the {which} {weekday}", which=which, weekday=_DAY[days.weekdays[0]])
    return say("the {which} of {weekdays}", which=which, weekdays=_weekly(days))


def _yearly(days: Days) -> Message:
    month = _MONTH[days.month - 1]
    if days.number:
        return say("{number} {month}", number=days.number, month=month)
    return say("{days} of {month}", days=_monthly(days) if days.ordinal else _weekly(days), month=month)


def _numbered(number: int) -> Message:
    match number:
        case 1 | 21 | 31:
            return say("the {number}st", number=number)
        case 2 | 22:
            return say("the {number}nd", number=number)
        case 3 | 23:
            return say("the {number}rd", number=number)
        case _:
            return say("the {number}th", number=number)


_SHORT = tuple(day[:3].upper() for day in (WEEKDAYS[-1], *WEEKDAYS[:-1]))
"""As cron counts them, from Sunday."""
_NUMBERS = tuple("01234567")


def _cron_words(expression: str) -> Message:
    """Words for the simple and common expressions, the expression itself for all others."""
    fields = expression.upper().split()
    if len(fields) != 5 or fields[3] != "*":
        return foreign(expression)
    minute, hour, day, _, weekday = fields
    if (hour, day, weekday) == ("*", "*", "*"):
        return _within_hour(minute) or foreign(expression)
    if not (_is_number(minute) and all(_is_number(each) for each in hour.split(","))):
        return foreign(expression)
    times = listing(tuple(f"{each:02d}:{int(minute):02d}" for each in sorted(map(int, hour.split(",")))))
    if day == "*":
        days = _weekdays(weekday)
        return say("{days} at {times}", days=days, times=times) if days else foreign(expression)
    if _is_number(day) and weekday == "*":
        return say("on day {day} of every month at {times}", day=int(day), times=times)
    return foreign(expression)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 2


def _within_hour(minute: str) -> Message:
    if minute in {"*", "*/1"}:
        return say("every minute")
    if minute == "0":
        return say("every hour")
    if _is_number(minute):
        return say_count("every hour at {count} minute past", "every hour at {count} minutes past", int(minute))
    step = minute.removeprefix("*/")
    if step != minute and _is_number(step) and 60 % max(1, int(step)) == 0:
        return _every(timedelta(minutes=int(step)))
    return NOTHING


def _weekdays(field: str) -> Message:
    if field == "*":
        return say("every day")
    if field in {"1-5", "MON-FRI"}:
        return say("on {days}", days=say("weekdays"))
    named = field.split(",")
    if not all(day in _SHORT or day in _NUMBERS for day in named):
        return NOTHING
    numbers = {_SHORT.index(day) if day in _SHORT else int(day) % 7 for day in named}
    if numbers == {0, 6}:
        return say("on {days}", days=say("weekends"))
    days = tuple(_DAYS[(number - 1) % 7] for number in sorted(numbers, key=lambda number: number or 7))
    return say("on {days}", days=listing(days))


_UNITS = (604800, 86400, 3600, 60, 1)


def _parts(length: timedelta) -> list[tuple[float, int]]:
    """A length of time as counts of units of so many seconds; weeks only where nothing is left."""
    left, parts = length.total_seconds(), []
    for unit in _UNITS:
        if unit == 604800 and left % unit:
            continue
        count, left = divmod(left, unit)
        if unit == 1:
            count += left
        if count:
            parts.append((count, unit))
    return parts


def _every(length: timedelta) -> Message:
    """ "every hour", "every 15 minutes", "every 1 hour and 30 minutes"."""
    match _parts(length):
        case [(count, unit)] if count == int(count):
            number = int(count)
            match unit:
                case 604800:
                    return say_count("every week", "every {count} weeks", number)
                case 86400:
                    return say_count("every day", "every {count} days", number)
                case 3600:
                    return say_count("every hour", "every {count} hours", number)
                case 60:
                    return say_count("every minute", "every {count} minutes", number)
                case _:
                    return say_count("every second", "every {count} seconds", number)
        case _:
            return say("every {length}", length=_count(length))


def _count(length: timedelta) -> Message:
    """A length of time: "1 hour", "15 minutes", "1 hour and 30 minutes"."""
    return _all([_counted(count, unit) for count, unit in _parts(length)])


def _counted(count: float, unit: int) -> Message:
    number = int(count)
    match unit:
        case 604800:
            return say_count("{count} week", "{count} weeks", number)
        case 86400:
            return say_count("{count} day", "{count} days", number)
        case 3600:
            return say_count("{count} hour", "{count} hours", number)
        case 60:
            return say_count("{count} minute", "{count} minutes", number)
        case _ if count != number:
            return say("{seconds} seconds", seconds=count)
        case _:
            return say_count("{count} second", "{count} seconds", number)
