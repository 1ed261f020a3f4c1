"""Turns of processes that exchange an endpoint's tokens: one at a time; no Qt."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from trayapp.errors import UserError
from trayapp.messages import say

_PATIENCE = 90.0
"""Seconds; whoever has the turn asks a server, which is given 30 s unless the settings say otherwise."""


class Turns:
    """Lock files in `folder`, which is made when needed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def turn(self, id: str) -> Iterator[None]:
        """Exclude other processes. UserError when one holds on to its turn."""
        from filelock import FileLock, Timeout

        self._folder.mkdir(mode=0o700, exist_ok=True)
        lock = FileLock(self.lock_file(id), mode=0o600)
        try:
            lock.acquire(timeout=_PATIENCE)
        except Timeout:
            raise UserError(
                say("The sign-in is being renewed"),
                say("Another TraySync process is renewing it, and it takes unusually long."),
                say("TraySync will try again."),
            ) from None
        try:
            yield
        finally:
            lock.release()

    def lock_file(self, id: str) -> Path:
        """What `turn` locks; it stays for the next time."""
        return self._folder / f"{id}.lock"

    def forget(self, id: str) -> None:
        """Remove the lock file of an endpoint that is no more."""
        self.lock_file(id).unlink(missing_ok=True)
