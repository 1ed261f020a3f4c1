"""The time, as one object that can be replaced in tests."""

import time
from datetime import UTC, datetime, tzinfo
from typing import Protocol

import tzlocal


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
        """The system's zone, at most a minute old."""
        if self._zone is None or time.monotonic() - self._zone_read > _ZONE_LIFETIME:
            self._zone = tzlocal.reload_localzone()
            self._zone_read = time.monotonic()
        return self._zone
