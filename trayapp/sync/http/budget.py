"""What we may ask of each server: few requests at a time, and no more than its rate limit lets through."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from time import monotonic

from trayapp.endpoints.model import MOST_CONNECTIONS
from trayapp.endpoints.units import Rate
from trayapp.messages import say
from trayapp.sync.cancel import CancelToken
from trayapp.sync.errors import TransientError
from trayapp.sync.http import retry
from trayapp.sync.http.failures import later
from trayapp.sync.http.links import Origin, origin

TRUST = 20
"""Answers without complaint after which a server that asked to slow down gets one more request at a time."""

LONGEST_GAP = 2.0
"""Seconds; where few requests are left, they are spread, but the work is not stretched more than this."""

ROUNDING = 0.05
"""Seconds that a server's reset may be later than it says."""

MOST_ACCOUNTS = 100
"""Accounts at one server whose rate limits are remembered."""


class RateState:
    """What is known of one rate limit. Pure: times come in as arguments, aware UTC."""

    def __init__(self) -> None:
        self._left: int | None = None
        self._limit: int | None = None
        self._reset: datetime | None = None
        self._shut: datetime | None = None

    def learn(self, status: int, headers: Mapping[str, str], now: datetime) -> None:
        """Take an answer into account."""
        limit = retry.rate_limit(headers, now)
        if limit is not None:
            self._left, self._limit = limit.remaining, limit.limit
            self._reset = now + timedelta(seconds=limit.seconds + ROUNDING)
        wait = retry.rate_limit_wait(status, headers, now) if status in retry.SLOWING else None
        if wait:
            self._shut = now + timedelta(seconds=wait)

    def wait(self, now: datetime) -> float:
        """Seconds to wait before the next request; 0 when it may go at once."""
        if self._shut is not None and self._shut > now:
            return (self._shut - now).total_seconds()
        self._shut = None
        if self._left is None or self._reset is None or self._reset <= now:
            self._left = self._reset = None
            return 0.0
        return 0.0 if self._left > 0 else (self._reset - now).total_seconds()

    def gap(self, now: datetime) -> float:
        """Seconds between requests: more than 0 when few are left, so that they last until there are more."""
        if self._left is None or self._reset is None or self._reset <= now:
            return 0.0
        few = max(2, (self._limit or 0) // 20)
        return 0.0 if self._left > few else min(LONGEST_GAP, (self._reset - now).total_seconds() / (self._left + 1))

    def take(self) -> None:
        """A request is made: until its answer says better, one less is left."""
        if self._left:
            self._left -= 1


class HostBudget:
    """One server's budget, shared by all runs. Thread-safe."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._condition = threading.Condition()
        self._busy = 0
        self._most = MOST_CONNECTIONS
        self._good = 0
        self._rates: dict[object, RateState] = {}

    @contextmanager
    def place(self, cancel: CancelToken, most: int, left: Callable[[], float]) -> Iterator[None]:
        """A place at the server, waited for until fewer than `most` are taken; `left` is how many seconds there are.

        Once the server has asked to slow down, there is one place; each TRUST good answers make one more.

        Raises Cancelled. When the time is over, there is no more waiting: whoever makes the request notices.
        """
        wake = self._wake
        cancel.on_cancel(wake)
        try:
            with self._condition:
                while self._busy >= min(most, self._most) and not cancel.cancelled and (seconds := left()) > 0:
                    self._condition.wait(seconds)
                cancel.check()
                self._busy += 1
        finally:
            cancel.forget(wake)
        try:
            yield
        finally:
            with self._condition:
                self._busy -= 1
                self._condition.notify_all()  # they wait for different numbers of places

    def _wake(self) -> None:
        with self._condition:
            self._condition.notify_all()

    def ask(self, who: object, now: datetime) -> float:
        """Take one request of what the server allows `who` and return 0, or the seconds to wait before asking again.

        TransientError when that is too long to wait for within a run.
        """
        with self._condition:
            state = self._rates.get(who)
            if state is None:
                return 0.0
            wait = state.wait(now)
            if not wait:
                state.take()
        if wait > retry.LONGEST_WAIT:
            raise TransientError(
                say("The server asks for fewer requests"),
                say("{server} allows no more requests for now.", server=self._name),
                later(),
                retry_after=wait,
                code="rate_limit",
            )
        return wait

    def gap(self, who: object, now: datetime) -> float:
        """Seconds to let pass before a request that is allowed."""
        with self._condition:
            state = self._rates.get(who)
            return 0.0 if state is None else state.gap(now)

    def learn(self, who: object, status: int, headers: Mapping[str, str], now: datetime) -> None:
        """Take an answer to `who` into account: rate limits are counted for each account."""
        with self._condition:
            self._rates.setdefault(who, RateState()).learn(status, headers, now)
            self._judge(retry.slows_down(status, headers, now))
            while len(self._rates) > MOST_ACCOUNTS:
                del self._rates[next(iter(self._rates))]  # the oldest: tokens come and go

    def _judge(self, slower: bool) -> None:
        self._good = 0 if slower else self._good + 1
        if slower:
            self._most = 1
        elif self._good == TRUST:
            self._most, self._good = min(MOST_CONNECTIONS, self._most + 1), 0


class Budgets:
    """The budgets of all servers, for the whole program: servers don't care which run asks. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._hosts: dict[Origin, HostBudget] = {}

    def of(self, url: str) -> HostBudget:
        """The budget of the URL's server."""
        place = origin(url)
        with self._lock:
            return self._hosts.setdefault(place, HostBudget(place[1]))


class Pace:
    """The user's own rate for one endpoint, kept by all who read it together. Thread-safe."""

    def __init__(self, rate: Rate | None) -> None:
        self._gap = rate.gap if rate is not None else 0.0
        self._lock = threading.Lock()
        self._next = 0.0

    def reserve(self) -> float:
        """Take the next place in time and return the seconds until then."""
        if not self._gap:
            return 0.0
        with self._lock:
            now = monotonic()
            start = max(now, self._next)
            self._next = start + self._gap
        return start - now
