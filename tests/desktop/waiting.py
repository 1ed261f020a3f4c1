"""Waiting for what another process does."""

import time
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")


def wait_for(look: Callable[[], _T], what: str, seconds: float = 60.0) -> _T:
    """The first true thing `look` returns; AssertionError naming `what` when there is none in time."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:g} s in vain for {what}")
        time.sleep(0.02)
    return found
