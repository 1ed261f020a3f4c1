"""How often an endpoint runs, in words."""

from collections.abc import Sequence
from datetime import datetime, tzinfo
from itertools import pairwise
from typing import assert_never

from PySide6.QtCore import QLocale

from trayapp.endpoints.calendar import Once
from trayapp.endpoints.model import Endpoint
from trayapp.endpoints.schedule import Cron, EventsOnly, Every, Manual, TimesOfDay, schedule_of
from trayapp.endpoints.units import Duration
from trayapp.messages import tr, tr_count
from trayapp.schedule.times.descriptions import describe, events

QUICK_CHOICES = tuple(Every(Duration(seconds)) for seconds in (300, 900, 1800, 3600, 6 * 3600, 86400))

UNITS: tuple[tuple[str, int], ...] = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))


def count_and_unit(duration: Duration) -> tuple[int, str]:
    """The duration in the largest unit that divides it: 5400 s is (90, "m"). Parts of a second are dropped."""
    seconds = max(1, int(duration.seconds))
    return next((seconds // size, unit) for unit, size in UNITS if seconds % size == 0)


def frequency_words(endpoint: Endpoint) -> str:
    """ "every 15 minutes", "at 08:00, 13:00", "on weekdays at 09:00 and after stock", "manually"."""
    schedule = schedule_of(endpoint)
    match schedule:
        case Manual():
            return tr("manually")
        case TimesOfDay(at, ()) if not events(endpoint):
            return tr("at {times}", times=", ".join(map(str, at)))
        case Every(interval, None) if not events(endpoint):
            return interval_words(interval)
        case Every() | Cron() | TimesOfDay() | Once() | EventsOnly():
            return str(describe(endpoint))
        case _:
            assert_never(schedule)


def interval_words(duration: Duration) -> str:
    """ "every hour", "every 15 minutes"."""
    count, unit = count_and_unit(duration)
    match unit:
        case "d":
            return tr_count("every day", "every {count} days", count)
        case "h":
            return tr_count("every hour", "every {count} hours", count)
        case "m":
            return tr_count("every minute", "every {count} minutes", count)
        case _:
            return tr_count("every second", "every {count} seconds", count)


def times_words(times: Sequence[datetime], now: datetime, zone: tzinfo) -> str:
    """Aware times in the user's zone, days named once: "today 14:05, 15:05; tomorrow 09:00"."""
    locale, days = QLocale(), dict[str, list[str]]()
    today = now.astimezone(zone).date()
    close = any((later - earlier).total_seconds() < 60 for earlier, later in pairwise(times))
    for time in (time.astimezone(zone) for time in times):
        ahead = (time.date() - today).days
        if ahead == 0:
            day = tr("today")
        elif ahead == 1:
            day = tr("tomorrow")
        elif ahead < 7:
            day = locale.dayName(time.isoweekday(), QLocale.FormatType.ShortFormat)
        else:
            day = time.date().isoformat()
        days.setdefault(day, []).append(time.strftime("%H:%M:%S" if close else "%H:%M"))
    return "; ".join(f"{day} {', '.join(clock)}" for day, clock in days.items())
