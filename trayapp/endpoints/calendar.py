"""Days of the calendar and single moments as people write them in settings."""

import calendar
import re
from datetime import datetime
from typing import Self

from trayapp.endpoints.units import Duration, _Unit

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
ORDINALS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "last": -1}
_SHORT_ORDINALS = {"1st": 1, "2nd": 2, "3rd": 3, "4th": 4, "5th": 5}
_LONGEST = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_ALLOWED = 'write a day of the month like "15" or "last", a day of the week like "mon" or "mon-fri", or "last fri"'


class Days(_Unit):
    """Some days of the calendar, written like "15", "last", "mon", "mon-fri", "first mon", "last fri", "24 dec".

    number: the day of the month, 0 where days of the week count. weekdays: which of those, Monday is 0; of all in a
    month only the one that `ordinal` names (1 to 5, -1: the last one), 0: all of them. month: 0 means every month.
    Without number and weekdays the ordinal counts the days of the month. A day that a month lacks is left out there.
    """

    __slots__ = ()

    def __init__(self, number: int, weekdays: tuple[int, ...], ordinal: int, month: int) -> None:
        super().__init__(number, weekdays, ordinal, month)

    @property
    def number(self) -> int:
        """The day of the month, or 0."""
        return int(self._value[0])

    @property
    def weekdays(self) -> tuple[int, ...]:
        """Days of the week, Monday is 0."""
        return tuple(self._value[1])

    @property
    def ordinal(self) -> int:
        """Which of these days in a month; 0: all, -1: the last."""
        return int(self._value[2])

    @property
    def month(self) -> int:
        """The only month, or 0."""
        return int(self._value[3])

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read "15", "last", "mon-fri", "last fri nov" …; ValueError says what is allowed."""
        words = text.lower().split()
        month = _named(words[-1], MONTHS) + 1 if len(words) > 1 else 0
        if month:
            words.pop()
        ordinal = 0
        if words and words[0] in ORDINALS | _SHORT_ORDINALS and (len(words) > 1 or words[0] == "last"):
            ordinal = (ORDINALS | _SHORT_ORDINALS)[words.pop(0)]
        if ordinal == -1 and words in ([], ["day"]):
            return cls(0, (), -1, month)
        if len(words) != 1:
            raise ValueError(f"{text!r} is no day; {_ALLOWED}")
        numbered = re.fullmatch(r"([0-9]{1,2})(st|nd|rd|th)?", words[0])
        number = int(numbered[1]) if numbered else 0
        weekdays = _weekdays(words[0])
        if (number and ordinal) or not (1 <= number <= 31 or weekdays):
            raise ValueError(f"{text!r} is no day; {_ALLOWED}")
        if month and number > _LONGEST[month - 1]:
            raise ValueError(f"no {MONTHS[month - 1]} has {number} days")
        return cls(number, weekdays, ordinal, month)

    def of(self, year: int, month: int) -> list[int]:
        """These days of one month, in order."""
        if self.month not in (0, month):
            return []
        first, length = calendar.monthrange(year, month)
        if self.number:
            return [self.number] if self.number <= length else []
        days = [day for day in range(1, length + 1) if not self.weekdays or (first + day - 1) % 7 in self.weekdays]
        if not self.ordinal:
            return days
        if self.ordinal < 0:
            return days[-1:]
        return days[self.ordinal - 1 : self.ordinal]

    @property
    def may_lack(self) -> bool:
        """Whether some months, or that month in some years, do not have it."""
        return self.ordinal == 5 or self.number > (_LONGEST[self.month - 1] if self.month not in (0, 2) else 28)

    def __str__(self) -> str:
        parts = [name for name, number in ORDINALS.items() if number == self.ordinal]
        if self.number:
            parts.append(str(self.number))
        if self.weekdays:
            names = [WEEKDAYS[day][:3].lower() for day in self.weekdays]
            parts.append(names[0] if len(names) == 1 else f"{names[0]}-{names[-1]}")
        if self.month:
            parts.append(MONTHS[self.month - 1][:3].lower())
        return " ".join(parts)


def _named(word: str, names: tuple[str, ...]) -> int:
    """The position of a name of which at least three letters are given; -1 if it is none."""
    found = [index for index, name in enumerate(names) if len(word) >= 3 and name.lower().startswith(word)]
    return found[0] if found else -1


def _weekdays(word: str) -> tuple[int, ...]:
    if word in {"weekday", "weekdays"}:
        return (0, 1, 2, 3, 4)
    if word in {"weekend", "weekends"}:
        return (5, 6)
    names = re.fullmatch(r"([a-z]+)(?:-([a-z]+))?", word)
    first = _named(names[1], WEEKDAYS) if names else -1
    last = _named(names[2], WEEKDAYS) if names and names[2] else first
    if first < 0 or last < 0:
        return ()
    return tuple((first + step) % 7 for step in range((last - first) % 7 + 1))


YEARS = range(1900, 3000)
"""Of moments that people write: in any of them there is a date in every time zone, and some time later."""


class Once(_Unit):
    """A single moment, written like "2026-12-01T08:00" (local time unless it has an offset), or a delay, "in 10m"."""

    __slots__ = ()

    def __init__(self, when: datetime | Duration) -> None:
        super().__init__(when)

    @property
    def moment(self) -> datetime | None:
        """The moment, naive if local time is meant; None when it is a delay."""
        return None if self.delay is not None else self._value[0]

    @property
    def delay(self) -> Duration | None:
        """How long after it was set; None when it is a moment."""
        return self._value[0] if isinstance(self._value[0], Duration) else None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read "2026-12-01T08:00", "2026-12-01T08:00+01:00", "in 10m"; ValueError says what is allowed."""
        delay = re.fullmatch(r"\s*in\s+(.*)", text)
        if delay:
            return cls(Duration.parse(delay[1]))
        try:
            if not re.search(r"\d[T ]\d", text):
                raise ValueError(text)
            moment = datetime.fromisoformat(text.strip())
        except ValueError:
            raise ValueError(
                f"{text!r} is no moment; write date and time like 2026-12-01T08:00, or a delay like in 10m"
            ) from None
        if moment.year not in YEARS:
            raise ValueError(f"{text!r} is too far away; the year must be from {YEARS[0]} to {YEARS[-1]}")
        return cls(moment)

    def __str__(self) -> str:
        when = self._value[0]
        if isinstance(when, Duration):
            return f"in {when}"
        text: str = when.isoformat(timespec="minutes" if not when.second and not when.microsecond else "auto")
        return text
