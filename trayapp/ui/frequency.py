"""How often an endpoint runs: the choice as one value, and in words."""

from collections.abc import Sequence
from datetime import datetime, tzinfo
from itertools import pairwise

import msgspec
from PySide6.QtCore import QCoreApplication, QLocale

from trayapp.endpoints.calendar import Days, Once
from trayapp.endpoints.model import Endpoint
from trayapp.endpoints.units import Duration, TimeOfDay
from trayapp.schedule.due import DEFAULT, parents
from trayapp.schedule.wording import describe

DEFAULT_EVERY = Duration(DEFAULT.total_seconds())
"""What an endpoint that names no time runs at."""

QUICK_CHOICES = tuple(Duration(seconds) for seconds in (300, 900, 1800, 3600, 6 * 3600, 86400))

UNITS: tuple[tuple[str, int], ...] = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))


class Frequency(msgspec.Struct, frozen=True):
    """When an endpoint runs, as far as it is chosen here; all empty means the default interval.

    other: it also runs after other endpoints, which is not chosen here.
    """

    every: Duration | None = None
    cron: str | None = None
    at: tuple[TimeOfDay, ...] = ()
    manual: bool = False
    flex: Duration | None = None
    on: tuple[Days, ...] = ()
    once: Once | None = None
    at_start: bool = False
    watch: str = ""
    other: bool = False

    @classmethod
    def of(cls, endpoint: Endpoint) -> "Frequency":
        """The endpoint's own."""
        chosen = {name: getattr(endpoint, name) for name in _CHOSEN}
        return cls(**chosen, other=bool(parents(endpoint)))

    def put_into(self, endpoint: Endpoint) -> Endpoint:
        """The endpoint with this frequency instead of its own."""
        return msgspec.structs.replace(endpoint, **{name: getattr(self, name) for name in _CHOSEN})

    @property
    def by_event(self) -> bool:
        """Whether it has no times, only events."""
        timed = self.every or self.cron is not None or self.at or self.on or self.once
        return not self.manual and not timed and (self.at_start or bool(self.watch) or self.other)

    @property
    def interval(self) -> Duration | None:
        """Seconds between runs, None when it is not an interval."""
        if self.manual or self.cron is not None or self.at or self.on or self.once or self.by_event:
            return None
        return self.every or DEFAULT_EVERY


_CHOSEN = tuple(name for name in Frequency.__struct_fields__ if name != "other")


def count_and_unit(duration: Duration) -> tuple[int, str]:
    """The duration in the largest unit that divides it: 5400 s is (90, "m"). Parts of a second are dropped."""
    seconds = max(1, int(duration.seconds))
    return next((seconds // size, unit) for unit, size in UNITS if seconds % size == 0)


def frequency_words(frequency: Frequency) -> str:
    """ "every 15 minutes", "at 08:00, 13:00", "on weekdays at 09:00", "manually"."""
    if frequency.manual:
        return _tr("manually")
    if frequency.cron is not None:
        return describe(Endpoint(url="", cron=frequency.cron))
    if frequency.on or frequency.once or frequency.flex or frequency.at_start or frequency.watch or frequency.by_event:
        return (
            describe(frequency.put_into(Endpoint(url="")))
            if not frequency.by_event or not frequency.other
            else _tr("after other endpoints")
        )
    if frequency.at:
        return _tr("at {times}").format(times=", ".join(str(time) for time in frequency.at))
    return interval_words(frequency.every or DEFAULT_EVERY)


def interval_words(duration: Duration) -> str:
    """ "every hour", "every 15 minutes"."""
    count, unit = count_and_unit(duration)
    if count == 1:
        one = {
            "d": _tr("every day"),
            "h": _tr("every hour"),
            "m": _tr("every minute"),
            "s": _tr("every second"),
        }
        return one[unit]
    many = {
        "d": _tr("every {count} days"),
        "h": _tr("every {count} hours"),
        "m": _tr("every {count} minutes"),
        "s": _tr("every {count} seconds"),
    }
    return many[unit].format(count=count)


def times_words(times: Sequence[datetime], now: datetime, zone: tzinfo) -> str:
    """Aware times in the user's zone, days named once: "today 14:05, 15:05; tomorrow 09:00"."""
    locale, days = QLocale(), dict[str, list[str]]()
    today = now.astimezone(zone).date()
    close = any((later - earlier).total_seconds() < 60 for earlier, later in pairwise(times))
    for time in (time.astimezone(zone) for time in times):
        ahead = (time.date() - today).days
        if ahead == 0:
            day = _tr("today")
        elif ahead == 1:
            day = _tr("tomorrow")
        elif ahead < 7:
            day = locale.dayName(time.isoweekday(), QLocale.FormatType.ShortFormat)
        else:
            day = time.date().isoformat()
        days.setdefault(day, []).append(time.strftime("%H:%M:%S" if close else "%H:%M"))
    return "; ".join(f"{day} {', '.join(clock)}" for day, clock in days.items())


def _tr(text: str) -> str:
    return QCoreApplication.translate("Frequency", text)
