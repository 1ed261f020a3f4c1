"""Durations, sizes, rates and times of day as people write them in settings."""

import re
from dataclasses import dataclass
from datetime import time
from typing import Self

_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400, "w": 604800}
_BYTES = {"": 1, "B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}


@dataclass(frozen=True, order=True)
class Duration:
    """A length of time in seconds, written like "90s", "15m", "1h30m", "1d"."""

    seconds: float

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read "1h", "1h30m", "2d" …; ValueError says what is allowed."""
        parts = re.findall(r"(\d+(?:\.\d+)?)\s*(min|[smhdw])", text)
        if not parts or re.sub(r"(\d+(?:\.\d+)?)\s*(min|[smhdw])\s*", "", text.strip()):
            raise ValueError(f"{text!r} is not a duration; write a number and s, m, h, d or w, like 30s, 15m, 1h or 1d")
        return cls(sum(float(number) * _SECONDS[unit] for number, unit in parts))

    def __str__(self) -> str:
        left, text = self.seconds, ""
        for unit in ("d", "h", "m"):
            count, left = divmod(left, _SECONDS[unit])
            text += f"{count:.0f}{unit}" if count else ""
        return text + (f"{left:g}s" if left or not text else "")


@dataclass(frozen=True, order=True)
class Size:
    """A number of bytes, written like "500MB" or "2GiB"."""

    bytes: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read "2GiB", "500MB", "4096" …; ValueError says what is allowed."""
        found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(B|kB|MB|GB|KiB|MiB|GiB|)\s*", text)
        if not found:
            raise ValueError(f"{text!r} is not a size; write a number and kB, MB, GB, KiB, MiB or GiB, like 500MB or 2GiB")
        return cls(int(float(found[1]) * _BYTES[found[2]]))

    def __str__(self) -> str:
        for unit in ("GiB", "GB", "MiB", "MB", "KiB", "kB"):
            if self.bytes and self.bytes % _BYTES[unit] == 0:
                return f"{self.bytes // _BYTES[unit]}{unit}"
        return f"{self.bytes}B"


@dataclass(frozen=True)
class Rate:
    """At most `count` requests in `seconds`, written like "5/s" or "100/m"."""

    count: float
    unit: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read "5/s", "100/m", "1000/h"; ValueError says what is allowed."""
        found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*/\s*([smhd])\s*", text)
        if not found or float(found[1]) <= 0:
            raise ValueError(f"{text!r} is not a rate; write a number, a slash and s, m, h or d, like 5/s")
        return cls(float(found[1]), found[2])

    @property
    def gap(self) -> float:
        """Seconds between two requests."""
        return _SECONDS[self.unit] / self.count

    def __str__(self) -> str:
        return f"{self.count:g}/{self.unit}"


@dataclass(frozen=True, order=True)
class TimeOfDay:
    """A local time of day, written like "08:00"."""

    hour: int
    minute: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read "08:00"; ValueError says what is allowed."""
        found = re.fullmatch(r"\s*(\d{1,2}):(\d{2})\s*", text)
        if not found or int(found[1]) > 23 or int(found[2]) > 59:
            raise ValueError(f"{text!r} is not a time of day; write hours and minutes like 08:00")
        return cls(int(found[1]), int(found[2]))

    @property
    def time(self) -> time:
        """The same as a datetime.time without zone."""
        return time(self.hour, self.minute)

    def __str__(self) -> str:
        return f"{self.hour:02d}:{self.minute:02d}"
