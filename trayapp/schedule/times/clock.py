"""The time, as one object that can be replaced in tests; and what happens to it while one waits."""

import logging
import os
import time
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

log = logging.getLogger(__name__)


class Clock(Protocol):
    """What the scheduler knows about time."""

    def now(self) -> datetime:
        """The wall clock as aware UTC; it may jump."""

    def monotonic(self) -> float:
        """Seconds since some moment; never goes back, and on Linux and macOS stands still while the machine sleeps."""

    def zone(self) -> tzinfo:
        """The zone that local times of day are meant in; it changes when the user travels."""


_ZONE_LIFETIME = 60.0
"""Seconds for which a zone is believed: finding it out reads several system files."""


class SystemClock:
    """The clock of the machine."""

    def __init__(self) -> None:
        self._zone: tzinfo | None = None
        self._zone_read = 0.0

    def now(self) -> datetime:
        """The wall clock as aware UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds of time.monotonic()."""
        return time.monotonic()

    def zone(self) -> tzinfo:
        """The system's zone, at most a minute old; the offset of this moment if the system contradicts itself."""
        if self._zone is None or time.monotonic() - self._zone_read > _ZONE_LIFETIME:
            try:
                self._zone = _linked_zone() or _found_zone()
            except ZoneInfoNotFoundError as error:
                zone = datetime.now().astimezone().tzinfo
                assert zone is not None
                if zone != self._zone:
                    log.warning("The time zone is not known, only its offset %s: %s", zone, error)
                self._zone = zone
            self._zone_read = time.monotonic()
        return self._zone


_LINK = "/etc/localtime"


def _linked_zone() -> tzinfo | None:
    """The zone that the system's link names, as Linux and macOS keep it: localtime(5). None where that is not so."""
    if os.environ.get("TZ"):
        return None
    try:
        _, _, name = os.readlink(_LINK).partition("/zoneinfo/")
        return ZoneInfo(name) if name else None
    except (OSError, ValueError, ZoneInfoNotFoundError):
        return None


def _found_zone() -> tzinfo:
    """The same on other systems, and where it is configured otherwise: that takes 20 ms. ZoneInfoNotFoundError."""
    import tzlocal

    zone: tzinfo = tzlocal.reload_localzone()
    return zone


JUMP = timedelta(seconds=15)
"""From here on, a difference between wall clock and monotonic clock is sleep or a set clock, not imprecision."""
NEAR = 600.0
"""Seconds within which an alarm counts as near."""
LONGEST_WAIT_NEAR = 30.0
LONGEST_WAIT = 300.0
"""Waits stand still while the machine sleeps, so none is longer than this many seconds. Little if an alarm is near,
long otherwise, so as not to wake the processor for nothing. The system's resume signal comes sooner anyway.
"""


def wait_for(alarm: datetime, now: datetime) -> float:
    """How many seconds to wait at a stretch for an alarm."""
    seconds = (alarm - now).total_seconds()
    return max(0.0, min(seconds, LONGEST_WAIT_NEAR if seconds <= NEAR else LONGEST_WAIT))


class ClockWatch:
    """Finds out whether the machine slept or its clock was set between two looks."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._wall, self._monotonic = clock.now(), clock.monotonic()
        self._wait_ends: float | None = None

    def before_waiting(self, seconds: float | None) -> None:
        """To be called just before a wait of so many seconds; None: until something happens."""
        self._wait_ends = None if seconds is None else self._clock.monotonic() + seconds

    def look(self) -> timedelta:
        """How far the wall clock was moved since the last look: ahead by sleep or by hand, or back; else zero."""
        wall, monotonic = self._clock.now(), self._clock.monotonic()
        ahead = wall - self._wall - timedelta(seconds=monotonic - self._monotonic)
        # Some systems' monotonic clock goes on in sleep, and all do while the process is stopped.
        overslept = timedelta(seconds=0.0 if self._wait_ends is None else monotonic - self._wait_ends)
        self._wall, self._monotonic, self._wait_ends = wall, monotonic, None
        if -ahead > JUMP:
            return ahead
        longest = max(ahead, overslept)
        return longest if longest > JUMP else timedelta(0)
