"""Tokens of endpoints in the keyring, exchanged by one process at a time; no Qt."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from trayapp.desktop.secrets import Secrets
from trayapp.errors import UserError

_PATIENCE = 90.0
"""Seconds; whoever has the turn asks a server, which is given 30 s unless the settings say otherwise."""


class TokenStore:
    """A `sync.auth.SecretStore` over the keyring; `folder` is for its lock files, and is made when needed."""

    def __init__(self, secrets: Secrets, folder: Path, heard: Callable[[str], None]) -> None:
        self._secrets = secrets
        self._folder = folder
        self.heard = heard

    def get(self, id: str, field: str, *, fresh: bool = False) -> str | None:
        """The secret; `fresh` asks the keyring again, as another process may have changed it."""
        if fresh:
            self._secrets.forget(id)
        return self._secrets.get(id, field)

    def set(self, id: str, field: str, value: str) -> None:
        """Keep the secret. SecretsError when the keyring can't."""
        self._secrets.set(id, value, field, interactive=False)

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
                "Another TraySync renews the sign-in", "It takes very long.", "It is tried again by itself."
            ) from None
        try:
            yield
        finally:
            lock.release()

    def lock_file(self, id: str) -> Path:
        """What `turn` locks; it stays for the next time."""
        return self._folder / f"{id}.lock"

    def forget(self, id: str) -> None:
        """Remove the tokens of an endpoint that is no more."""
        for field in ("refresh_token", "access_token"):
            self._secrets.delete(id, field)
        self.lock_file(id).unlink(missing_ok=True)
