"""Rarer garbage collection while runs decode records."""

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_RARELY = (50_000, 20, 100)
"""Python's own is (700, 10, 10) up to 3.11: a thousand records are collected over many times."""

_lock = threading.Lock()
_inside = 0
_before = gc.get_threshold()


@contextmanager
def rare_collections() -> Iterator[None]:
    """Let Python look for garbage less often, in all threads, as long as any such block lasts.

    Decoded records are very many containers without a cycle: looking for garbage among them finds nothing, but stops
    every thread, the GUI's too, for tens of milliseconds (measured by tests/bench).
    """
    global _inside, _before
    with _lock:
        if _inside == 0:
            _before = gc.get_threshold()
            gc.set_threshold(*_RARELY)
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0:
                gc.set_threshold(*_before)
