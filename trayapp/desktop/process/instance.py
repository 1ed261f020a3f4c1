"""One engine per home: whoever runs syncs, the tray program or `traysync sync`, holds this lock. No Qt."""

import os
import sys

from trayapp.desktop.process.paths import Home
from trayapp.errors import EnvironmentProblem
from trayapp.messages import say


class Lock:
    """The held lock. The kernel frees it when the process ends in whatever way, so it can never be stale.

    Not by the library filelock, as elsewhere: every start would import asyncio and ssl with it. BlockingIOError when
    another process holds it, other OSErrors where files can't be locked.
    """

    def __init__(self, home: Home) -> None:
        self._file: int | None = os.open(home.lock_file, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(self._file)
        except OSError:
            self.release()
            raise

    def release(self) -> None:
        """Let another process have it. Does nothing the second time."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def __enter__(self) -> "Lock":
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def _lock(file: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except PermissionError as error:
            raise BlockingIOError(error.errno, error.strerror) from error
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def acquire_engine_lock(home: Home) -> Lock | None:
    """The lock of an existing home, or None when another process holds it.

    EnvironmentProblem where files can't be locked.
    """
    try:
        return Lock(home)
    except BlockingIOError:
        return None
    except OSError as error:
        raise EnvironmentProblem(
            say("{lock_file} can't be locked", lock_file=home.lock_file),
            say(
                "TraySync locks it so that no two copies run at once. The system says: {what}.",
                what=error.strerror or error,
            ),
            say("Make the file writable, or choose a folder on a local disk with --home DIR."),
            code="lock_refused",
        ) from error
