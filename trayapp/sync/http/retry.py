"""Which failures are worth another try, and how long to wait first."""

import re
from collections.abc import Mapping
from datetime import datetime

import msgspec

from trayapp.sync.http import header_values
from trayapp.sync.http.header_values import decimal_number, http_date, whole_number

TRANSIENT_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})
SLOWING = frozenset({403, 429, 503})
"""What a server may answer to those that ask too much."""
TRIES = 4
"""Tries of one request within a run; after that the run fails and the endpoint's own back-off takes over."""
LONGEST_WAIT = 60.0
"""A longer wait is not slept in a worker but becomes the next attempt's time."""


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds the server asks to wait, from Retry-After (seconds or date, RFC 9110 section 10.2.3), or None.

    Never more than header_values.LONGEST_WAIT.
    """
    value = headers.get("Retry-After", "").strip()
    if not value:
        return None
    seconds = decimal_number(value)
    if seconds is None:
        date = http_date(value)
        if date is None:
            return None
        seconds = max(0.0, (date - now).total_seconds())
    return min(seconds, header_values.LONGEST_WAIT)


class RateLimit(msgspec.Struct, frozen=True):
    """What a server says of its rate limit: so many more requests in so many seconds; `limit` in all, if it says so."""

    remaining: int
    seconds: float
    limit: int | None = None


def rate_limit(headers: Mapping[str, str], now: datetime) -> RateLimit | None:
    """The rate limit told by RateLimit-* or X-RateLimit-* headers, or by one RateLimit header; None if there is none.

    RateLimit as in draft-ietf-httpapi-ratelimit-headers: "limit=100, remaining=50, reset=5", later "default";r=50;t=5.
    A reset is seconds from now below 1e8, epoch seconds below 1e11, epoch milliseconds below 1e14, else epoch
    microseconds (measured usage); never more than header_values.LONGEST_WAIT.
    """
    named: dict[str, str] = {}
    for name, value in headers.items():
        named[name.lower().replace("-rate-limit", "-ratelimit")] = value.strip()

    def field(*names: str) -> str:
        return next((named[full] for name in names for full in (name, f"x-{name}") if named.get(full)), "")

    remaining, reset = field("ratelimit-remaining"), field("ratelimit-reset-after", "ratelimit-reset")
    limit = field("ratelimit-limit")
    if not remaining:
        parts: dict[str, str] = dict(re.findall(r"\b(\w+)=([0-9]+)", named.get("ratelimit", "")))
        remaining, reset = parts.get("remaining", parts.get("r", "")), parts.get("reset", parts.get("t", ""))
        limit = parts.get("limit", "")
    left, seconds = whole_number(remaining), decimal_number(reset)
    if left is None or seconds is None:
        return None
    if seconds >= 1e8:
        unit = 1.0 if seconds < 1e11 else 1e3 if seconds < 1e14 else 1e6
        seconds = max(0.0, seconds / unit - now.timestamp())
    most = re.match(r"[0-9]+", limit)
    return RateLimit(left, min(seconds, header_values.LONGEST_WAIT), whole_number(most[0]) if most else None)


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
