"""Schedules in words. Pure functions."""

from datetime import timedelta
from pathlib import PurePath
from typing import assert_never

from trayapp.endpoints.calendar import MONTHS, ORDINALS, WEEKDAYS, Days, Once
from trayapp.endpoints.model import Endpoint
from trayapp.endpoints.schedule import Cron, EventsOnly, Every, Manual, Schedule, TimesOfDay, schedule_of
from trayapp.schedule.times.due import parents


def describe(endpoint: Endpoint) -> str:
    """The schedule in words: "every hour", "at 08:00 and 13:00", "only by hand", "after stock"."""
    return listed([words for words in (_times(schedule_of(endpoint)), *events(endpoint)) if words])


def events(endpoint: Endpoint) -> list[str]:
    """What makes the endpoint run beside its schedule: "at the program's start", "when list.csv changes", "after a"."""
    if isinstance(schedule_of(endpoint), Manual):
        return []
    found = []
    if before := parents(endpoint):
        need_all = endpoint.after is not None and endpoint.after.need == "all"
        found.append("after " + listed(list(before), "and" if need_all else "or"))
    if endpoint.at_start:
        found.append("at the program's start")
    if endpoint.watch:
        found.append(f"when {PurePath(endpoint.watch).name or endpoint.watch} changes")
    return found


def _times(schedule: Schedule) -> str:
    match schedule:
        case Manual():
            return "only by hand"
        case EventsOnly():
            return ""
        case Once():
            return _once(schedule)
        case Cron(expression):
            return _cron_words(expression)
        case TimesOfDay(on=days):
            at = "at " + listed([str(each) for each in schedule.times])
            return _calendar(days, at) if days else at
        case Every():
            length = _length(schedule.period)
            if schedule.window is None:
                return f"every {length}"
            return f"once in every {length}, in its last {_length(schedule.window)}"
        case _:
            assert_never(schedule)


def _once(once: Once) -> str:
    if once.delay is not None:
        return f"once, {_count(timedelta(seconds=once.delay.seconds))} after it was set"
    day, _, time = str(once).partition("T")
    return f"once, on {day} at {time}"


def _calendar(days: tuple[Days, ...], at: str) -> str:
    """ "on Mondays at 08:00", "on the 1st and the last day of the month at 00:00", "on 24 December at 12:00"."""
    weekly = [_weekly(each) for each in days if not each.month and each.weekdays and not each.ordinal]
    monthly = [_monthly(each) for each in days if not each.month and not (each.weekdays and not each.ordinal)]
    yearly = [_yearly(each) for each in days if each.month]
    groups = [
        *(["on " + listed(weekly)] if weekly else []),
        *([f"on {listed(monthly)} of the month"] if monthly else []),
        *(["on " + listed(yearly)] if yearly else []),
    ]
    lacking = [each for each in days if each.may_lack]
    note = ""
    if lacking:
        note = f" (skipped in {'months' if any(not each.month for each in lacking) else 'years'} without that day)"
    return f"{listed(groups)} {at}{note}"


def _weekly(days: Days) -> str:
    if days.weekdays == (0, 1, 2, 3, 4):
        return "weekdays"
    if days.weekdays == (5, 6):
        return "weekends"
    if len(days.weekdays) == 1:
        return f"{WEEKDAYS[days.weekdays[0]]}s"
    return f"{WEEKDAYS[days.weekdays[0]]} to {WEEKDAYS[days.weekdays[-1]]}"


def _monthly(days: Days) -> str:
    if days.number:
        return f"the {_ordinal(days.number)}"
    name = next(name for name, number in ORDINALS.items() if number == days.ordinal)
    if not days.weekdays:
        return f"the {name} day"
    if len(days.weekdays) == 1:
        return f"the {name} {WEEKDAYS[days.weekdays[0]]}"
    return f"the {name} of {_weekly(days)}"


def _yearly(days: Days) -> str:
    month = MONTHS[days.month - 1]
    if days.number:
        return f"{days.number} {month}"
    return f"{_monthly(days) if days.ordinal else _weekly(days)} of {month}"


def _ordinal(number: int) -> str:
    ending = "th" if number in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


_DAYS = (WEEKDAYS[-1], *WEEKDAYS[:-1])
"""As cron counts them, from Sunday."""
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
    at = "at " + listed([f"{each:02d}:{int(minute):02d}" for each in sorted(map(int, hour.split(",")))])
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
    return "on " + listed([f"{_DAYS[number]}s" for number in sorted(numbers, key=lambda number: number or 7)])


def listed(words: list[str], last: str = "and") -> str:
    """ "a", "a and b", "a, b and c"; "" for none."""
    return f" {last} ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def _length(length: timedelta) -> str:
    """A length of time as one says it after "every": "hour", "15 minutes", "1 hour 30 minutes"."""
    words = _count(length)
    return words.removeprefix("1 ") if words.count(" ") == 1 else words


def _count(length: timedelta) -> str:
    """A length of time: "1 hour", "15 minutes", "1 hour 30 minutes"."""
    left, parts = length.total_seconds(), []
    for unit, seconds in (("week", 604800), ("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1)):
        if unit == "week" and left % seconds:
            continue
        count, left = divmod(left, seconds)
        if unit == "second":
            count += left
        if count:
            parts.append((count, unit))
    return " ".join(f"{count:g} {unit}{'' if count == 1 else 's'}" for count, unit in parts)
