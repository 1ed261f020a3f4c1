"""One engine per home: whoever runs syncs, the tray program or `traysync sync`, holds this lock. No Qt."""

from trayapp.desktop.paths import Home
from trayapp.errors import UserError


class Lock:
    """The held lock. The kernel frees it when the process ends in whatever way, so it can never be stale."""

    def __init__(self, home: Home) -> None:
        from filelock import FileLock

        # Not of one thread: the tray program may end in another thread than it started in.
        self._lock = FileLock(home.lock_file, mode=0o600, thread_local=False)
        self._lock.acquire(blocking=False)

    def release(self) -> None:
        """Let another process have it. Does nothing the second time."""
        self._lock.release()

    def __enter__(self) -> "Lock":
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def acquire_engine_lock(home: Home) -> Lock | None:
    """The lock of an existing home, or None when another process holds it. UserError where files cannot be locked."""
    from filelock import Timeout

    try:
        return Lock(home)
    except Timeout:
        return None
    except OSError as error:
        raise UserError(
            f"The file {home.lock_file} cannot be locked",
            f"It tells two TraySync programs apart, but: {error.strerror or error}.",
            "Make it writable for you, or choose a folder on a local disk with --home DIR.",
        ) from error
