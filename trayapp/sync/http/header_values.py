"""Numbers and dates in headers: servers may write anything there, of any length."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST_WAIT = 366 * 86_400.0
"""Seconds. Who asks for more means "never", or made a mistake; a moment so far from now still has a date."""

_MOST_DIGITS = 15


def whole_number(text: str) -> int | None:
    """The number that digits write (1*DIGIT, RFC 9110 section 5.6.1), below 10^15; None for anything else."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else None


def decimal_number(text: str) -> float | None:
    """The number that digits write, with a point among them or not; infinite where they are too many."""
    text = text.strip()
    return float(text) if text.isascii() and text.replace(".", "", 1).isdigit() else None


def http_date(text: str) -> datetime | None:
    """The moment that a date says, as RFC 9110 section 5.6.7 or RFC 5322 has it, in UTC; None where it says none."""
    try:
        date = parsedate_to_datetime(text)
        return date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)
    except (ValueError, OverflowError, TypeError, IndexError):
        return None  # the library has no error of its own: it uses what it finds as it is
