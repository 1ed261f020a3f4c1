"""Waiting and measuring on machines that may be busy with something else.

What has to happen is waited for, much longer than it takes anywhere: only a test that would fail anyway waits to the
end. What has to be quick is tried several times and judged by the best, as other work makes it slower, never faster.
"""

import threading
import time
from collections.abc import Callable

from pytestqt.qtbot import QtBot

SECONDS = 90.0
"""Longer than anything takes that a test waits for; less than a test may take (pyproject.toml)."""
TRIES = 8


def until(condition: Callable[[], object], why: str = "") -> None:
    """Wait for something that other threads or processes do."""
    end = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < end, why
        time.sleep(0.005)


def best_of(measured: Callable[[], float], enough: float) -> float:
    """The least that was measured in several tries; there are no more once it is less than `enough`."""
    best = float("inf")
    for _ in range(TRIES):
        best = min(best, measured())
        if best < enough:
            break
    return best


def quickest(work: Callable[[], object], enough: float, clock: Callable[[], float] = time.monotonic) -> float:
    """Seconds that the quickest of several tries takes; as `best_of`."""

    def measured() -> float:
        began = clock()
        work()
        return clock() - began

    return best_of(measured, enough)


def quickest_cpu(work: Callable[[], object], enough: float) -> float:
    """The same in seconds that this thread computes, which other processes and threads add little to."""
    return quickest(work, enough, time.thread_time)


class AtOnce:
    """Counts who is in at the same time (`most`), and keeps everybody in until so many as `expected` were.

    `with` is one who goes in. More than expected would come in the moment in which the last one stays.
    """

    def __init__(self, expected: int) -> None:
        self.most = 0
        self._expected = expected
        self._in = 0
        self._lock = threading.Lock()
        self._reached = threading.Event()

    def __enter__(self) -> None:
        with self._lock:
            self._in += 1
            self.most = max(self.most, self._in)
            if self.most >= self._expected:
                self._reached.set()
        assert self._reached.wait(SECONDS), f"there were never {self._expected} at once"
        time.sleep(0.03)

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._in -= 1


class PatientBot(QtBot):
    """A qtbot that waits longer than five seconds where a test does not say how long."""

    def waitUntil(self, callback, *, timeout=SECONDS * 1000):
        super().waitUntil(callback, timeout=int(timeout))

    def waitSignal(self, signal, *, timeout=SECONDS * 1000, **options):
        return super().waitSignal(signal, timeout=int(timeout), **options)

    def waitSignals(self, signals, *, timeout=SECONDS * 1000, **options):
        return super().waitSignals(signals, timeout=int(timeout), **options)
