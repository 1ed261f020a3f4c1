"""Which failures are worth another try, and how long to wait first."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import msgspec

TRANSIENT_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})
SLOWING = frozenset({403, 429, 503})
"""What a server may answer to those that ask too much."""
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


class RateLimit(msgspec.Struct, frozen=True):
    """What a server says of its rate limit: so many more requests in so many seconds; `limit` in all, if it says so."""

    remaining: int
    seconds: float
    limit: int | None = None


def rate_limit(headers: Mapping[str, str], now: datetime) -> RateLimit | None:
    """The rate limit told by RateLimit-* or X-RateLimit-* headers, or by one RateLimit header; None if there is none.

    RateLimit as in draft-ietf-httpapi-ratelimit-headers: "limit=100, remaining=50, reset=5", later "default";r=50;t=5.
    A reset is seconds from now below 1e8, epoch seconds below 1e11, else epoch milliseconds (measured usage).
    """
    named: dict[str, str] = {}
    for name, value in headers.items():
        named[name.lower().replace("-rate-limit", "-ratelimit")] = value.strip()

    def field(*names: str) -> str:
        return next((named[full] for name in names for full in (name, f"x-{name}") if named.get(full)), "")

    remaining, reset = field("ratelimit-remaining"), field("ratelimit-reset-after", "ratelimit-reset")
    limit = field("ratelimit-limit")
    if not remaining:
        parts: dict[str, str] = dict(re.findall(r"(\w+)=(\d+)", named.get("ratelimit", "")))
        remaining, reset = parts.get("remaining", parts.get("r", "")), parts.get("reset", parts.get("t", ""))
        limit = parts.get("limit", "")
    if not remaining.isdigit() or not reset.replace(".", "", 1).isdigit():
        return None
    seconds = float(reset)
    if seconds >= 1e8:
        seconds = max(0.0, (seconds if seconds < 1e11 else seconds / 1000) - now.timestamp())
    most = re.match(r"\d+", limit)
    return RateLimit(int(remaining), seconds, int(most[0]) if most else None)


def rate_limit_wait(status: int, headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds until an exhausted rate limit is open again, or None where there is none."""
    wait = retry_after(headers, now)
    if wait is not None:
        return wait
    limit = rate_limit(headers, now)
    return limit.seconds if limit is not None and limit.remaining == 0 and status in (403, 429) else None


def slows_down(status: int, headers: Mapping[str, str], now: datetime) -> bool:
    """Whether the answer means that too much was asked: 429 (RFC 6585 section 4), or a rate limit that is used up."""
    return status == 429 or (status in SLOWING and bool(rate_limit_wait(status, headers, now)))


def pause_before(attempt: int, asked: float | None, jitter: float) -> float:
    """Seconds before try `attempt` (1 is the first repeat): at least what the server asked, else 0.5 s doubling.

    jitter is a random number from 0 to 1: the pause is between half and the whole of it.
    """
    backoff = min(30.0, 0.5 * 2.0 ** (attempt - 1)) * (0.5 + jitter / 2)
    return backoff if asked is None else max(asked, min(backoff, 1.0))
