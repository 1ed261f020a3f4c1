"""Which failures are worth another try, and how long to wait first."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

TRANSIENT_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})
TRIES = 4
"""Tries of one request within a run; after that the run fails and the endpoint's own back-off takes over."""
LONGEST_WAIT = 60.0
"""A longer wait is not slept in a worker but becomes the next attempt's time."""


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds the server asks to wait, from Retry-After (seconds or date, RFC 9110 section 10.2.3), or None."""
    value = headers.get("Retry-After", "").strip()
    if not value:
        return None
    if value.replace(".", "", 1).isdigit():
        return float(value)
    try:
        date = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, (date.replace(tzinfo=date.tzinfo or UTC) - now).total_seconds())


def rate_limit_wait(status: int, headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds until an exhausted rate limit is open again, or None where there is none.

    X-RateLimit-Reset is seconds from now below 1e8, epoch seconds below 1e11, else epoch milliseconds (measured usage).
    """
    wait = retry_after(headers, now)
    if wait is not None:
        return wait
    remaining = headers.get("X-RateLimit-Remaining", headers.get("RateLimit-Remaining", ""))
    reset = headers.get("X-RateLimit-Reset", headers.get("RateLimit-Reset", ""))
    if remaining.strip() != "0" or not reset.strip().replace(".", "", 1).isdigit() or status not in (403, 429):
        return None
    value = float(reset)
    if value < 1e8:
        return value
    return max(0.0, (value if value < 1e11 else value / 1000) - now.timestamp())


def pause_before(attempt: int, asked: float | None, jitter: float) -> float:
    """Seconds before try `attempt` (1 is the first repeat): at least what the server asked, else 0.5 s doubling.

    jitter is a random number from 0 to 1: the pause is between half and the whole of it.
    """
    backoff = min(30.0, 0.5 * 2.0 ** (attempt - 1)) * (0.5 + jitter / 2)
    return backoff if asked is None else max(asked, min(backoff, 1.0))
