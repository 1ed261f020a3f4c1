"""How fast an answer has to come in."""

import io
from collections.abc import Callable
from time import monotonic
from typing import Any

LEAST = 100
"""Bytes a second, averaged over a window. The slowest mobile networks carry ten times that; Kestrel wants 240 of its
clients (MinResponseDataRate)."""
WINDOW = 60.0
"""Seconds of waiting for bytes that are averaged over."""
LARGEST_HEAD = 2**20
"""Bytes of a status line with its headers, and of all interim answers before it."""


class TooSlow(Exception):
    """An answer comes in more slowly than LEAST. `seconds`: for how long."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class HeadTooLarge(Exception):
    """An answer's headers do not end."""


class HeadCutOff(Exception):
    """An answer ends within its headers: the line that ends them never came (RFC 9112 section 8)."""


class TwoLengths(Exception):
    """An answer's headers say two lengths of its body (RFC 9112 section 6.3)."""


class Throughput:
    """Judges one window after the other. Pure: times come in as lengths, in seconds.

    window: WINDOW, or twice as long as the server may be silent, if that is longer: one silence that is allowed, as
    that of a server which computes, or has nothing new to tell yet, does not make a slow answer.
    """

    def __init__(self, silence: float | None) -> None:
        self.window = max(WINDOW, 2 * (silence or 0.0))
        self._waited = 0.0
        self._bytes = 0

    def is_enough(self, waited: float, count: int) -> bool:
        """Whether the answer is fast enough still, with so many bytes more that came after waiting for so long."""
        self._waited += waited
        self._bytes += count
        if self._waited < self.window:
            return True
        enough = self._bytes >= LEAST * self._waited
        self._waited, self._bytes = 0.0, 0
        return enough


class Incoming(io.RawIOBase):
    """The bytes of one answer as they come in over the connection below. Raises TooSlow and HeadTooLarge.

    The wait for the first byte does not count, nor does what we do between two reads: only waiting. `check` is called
    after each read, to raise what it will: an end of the stream may be none of the server's making.
    """

    def __init__(self, below: Any, silence: float | None, check: Callable[[], None] = lambda: None) -> None:
        super().__init__()
        self._check = check
        self._below = below
        self._throughput = Throughput(silence)
        self._head: int | None = 0
        self._has_begun = False
        self._is_over = False

    def head_is_over(self) -> None:
        """Whatever comes from now on is the body. Raises HeadCutOff where more of the head was waited for in vain."""
        if self._is_over:
            raise HeadCutOff
        self._head = None

    def readable(self) -> bool:
        """It is for nothing else."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """As of the connection below."""
        began = monotonic()
        count: int | None = self._below.readinto(buffer)
        self._check()
        waited = monotonic() - began if self._has_begun else 0.0
        self._has_begun = True
        if not self._throughput.is_enough(waited, count or 0) and count:
            raise TooSlow(self._throughput.window)
        if self._head is not None:
            self._is_over = count == 0
            self._head += count or 0
            if self._head > LARGEST_HEAD:
                raise HeadTooLarge
        return count

    def close(self) -> None:
        """With the connection below."""
        try:
            self._below.close()
        finally:
            super().close()
