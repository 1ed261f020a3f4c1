"""Durations, sizes, rates, times of day and servers as people write them in settings."""

import re
from datetime import time
from functools import total_ordering
from typing import Any, Self

_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400, "w": 604800}
_BYTES = {"": 1, "B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(min|[smhdw])\s*")
_LONGEST = 36_500 * 86_400.0
"""Seconds: a moment so far from any other still has a date."""
_MOST_BYTES = 10**16


def _written(number: float) -> str:
    """The number as people write it, to a millionth."""
    text = f"{number:g}"
    return f"{number:f}".rstrip("0").rstrip(".") if "e" in text else text


@total_ordering
class _Unit:
    """An immutable value. No dataclass: msgspec would read those from objects instead of asking our hook for text."""

    __slots__ = ("_value",)
    _value: tuple[Any, ...]

    def __init__(self, *value: Any) -> None:
        object.__setattr__(self, "_value", value)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{type(self).__name__} can't be changed")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, type(self)) and self._value == other._value

    def __lt__(self, other: Self) -> bool:
        return bool(self._value < other._value)

    def __hash__(self) -> int:
        return hash(self._value)

    def __repr__(self) -> str:
        return f"{type(self).__name__}.parse({str(self)!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self._value


class Duration(_Unit):
    """A length of time in seconds, written like "90s", "15m", "1h30m", "1d"."""

    __slots__ = ()

    def __init__(self, seconds: float) -> None:
        super().__init__(float(seconds))

    @property
    def seconds(self) -> float:
        """The length in seconds."""
        return float(self._value[0])

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read "1h", "1h30m", "2d" …; ValueError says what is allowed."""
        seconds, position, plain = 0.0, 0, text.strip()
        while position < len(plain) or not plain:
            found = _PART.match(plain, position)
            if found is None:
                raise ValueError(
                    f"{text!r} is not a duration; write a number and s, m, h, d or w, like 30s, 15m, 1h or 1d"
                )
            seconds += float(found[1]) * _SECONDS[found[2]]
            position = found.end()
        if seconds > _LONGEST:
            raise ValueError(f"{text!r} is too long; the longest is {cls(_LONGEST)}")
        return cls(seconds)

    def __str__(self) -> str:
        left, text = self.seconds, ""
        for unit in ("d", "h", "m"):
            count, left = divmod(left, _SECONDS[unit])
            text += f"{count:.0f}{unit}" if count else ""
        return text + (f"{_written(left)}s" if left or not text else "")


class Size(_Unit):
    """A number of bytes, written like "500MB" or "2GiB"."""

    __slots__ = ()

    def __init__(self, bytes: int) -> None:
        super().__init__(bytes)

    @property
    def bytes(self) -> int:
        """The size in bytes."""
        return int(self._value[0])

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read "2GiB", "500MB", "4096" …; ValueError says what is allowed."""
        found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(B|kB|MB|GB|KiB|MiB|GiB)?", text.strip())
        if not found:
            raise ValueError(
                f"{text!r} is not a size; write a number and kB, MB, GB, KiB, MiB or GiB, like 500MB or 2GiB"
            )
        count = float(found[1]) * _BYTES[found[2] or ""]
        if count > _MOST_BYTES:
            raise ValueError(f"{text!r} is too large; the largest is {cls(_MOST_BYTES)}")
        return cls(int(count))

    def __str__(self) -> str:
        for unit in ("GiB", "GB", "MiB", "MB", "KiB", "kB"):
            if self.bytes and self.bytes % _BYTES[unit] == 0:
                return f"{self.bytes // _BYTES[unit]}{unit}"
        return f"{self.bytes}B"


class Rate(_Unit):
    """At most so many requests in a unit of time, written like "5/s" or "100/m"."""

    __slots__ = ()

    def __init__(self, count: float, unit: str) -> None:
        super().__init__(count, unit)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read "5/s", "100/m", "1000/h"; ValueError says what is allowed."""
        found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*/\s*([smhd])\s*", text)
        if not found or float(found[1]) <= 0:
            raise ValueError(f"{text!r} is not a rate; write a number, a slash and s, m, h or d, like 5/s")
        if not 1e-6 <= float(found[1]) <= 1e6:
            raise ValueError(f"{text!r} is out of range; a rate's number is from 0.000001 to 1000000")
        return cls(float(found[1]), found[2])

    @property
    def gap(self) -> float:
        """Seconds between two requests."""
        count, unit = self._value
        return float(_SECONDS[unit] / count)

    def __str__(self) -> str:
        count, unit = self._value
        return f"{_written(count)}/{unit}"


class TimeOfDay(_Unit):
    """A local time of day, written like "08:00"."""

    __slots__ = ()

    def __init__(self, hour: int, minute: int) -> None:
        super().__init__(hour, minute)

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
        return time(*self._value)

    def __str__(self) -> str:
        return "{:02d}:{:02d}".format(*self._value)


class HostPort(_Unit):
    """A server's name or address, and a TCP port there, written like "nas.local:445" or "[2001:db8::1]:22"."""

    __slots__ = ()

    def __init__(self, host: str, port: int) -> None:
        super().__init__(host, port)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read "nas.local:445"; ValueError says what is allowed."""
        found = re.fullmatch(r"\s*(?:\[([0-9A-Fa-f:.%\w]+)\]|([^\s:/\[\]@]+)):(\d{1,5})\s*", text)
        if not found or not 0 < int(found[3]) < 65536:
            raise ValueError(f"{text!r} is not a server and a port; write both with a colon, like nas.local:445")
        return cls(found[1] or found[2], int(found[3]))

    @property
    def host(self) -> str:
        """The name or address, without brackets."""
        return str(self._value[0])

    @property
    def port(self) -> int:
        """The TCP port."""
        return int(self._value[1])

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
