"""Secrets of endpoints in the system's secret store, through keyring; no Qt.

A store may ask its user, be locked, be missing or not answer at all, so every call runs in a thread of its own and is
waited for with a timeout. Nothing is ever kept anywhere else: where there is no store, there is an error.
"""

import queue
import sys
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future, wait
from typing import TYPE_CHECKING, Any, TypeVar

from trayapp.desktop.secrets import entries, keyrings
from trayapp.desktop.secrets.entries import Kept
from trayapp.desktop.secrets.errors import described, timed_out
from trayapp.errors import UserError

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

TIMEOUT = 10.0
"""Seconds for a store that has no question for the user."""
INTERACTIVE_TIMEOUT = 60.0
"""Seconds for the user to answer the store's question."""

_WINDOWS_PART = 600
"""Characters: the Credential Manager refuses more than 2560 bytes of UTF-16 (github.com/jaraco/keyring/issues/355)."""

_T = TypeVar("_T")


class Secrets:
    """Secrets by endpoint id and field. Thread-safe; what was read once is remembered until the program ends.

    `seen` is called with every secret that is read or stored, so that logs can be kept free of it. `timeout` and
    `interactive_timeout` are seconds; `part_limit` is the longest text the store takes in one entry, in characters,
    None for no limit.
    """

    def __init__(
        self,
        seen: Callable[[str], None] = lambda _: None,
        *,
        timeout: float = TIMEOUT,
        interactive_timeout: float = INTERACTIVE_TIMEOUT,
        part_limit: int | None = _WINDOWS_PART if sys.platform == "win32" else None,
    ) -> None:
        self._seen = seen
        self._timeout = timeout
        self._interactive_timeout = interactive_timeout
        self._part_limit = part_limit
        self._known: dict[tuple[str, str], Kept] = {}
        self._worker = _Worker()

    def get(self, endpoint_id: str, field: str = "secret", *, interactive: bool = False) -> Kept | None:
        """The stored secret, or None when there is none.

        `interactive` says that a person waits for it and can answer a question of the store. SecretsLocked,
        SecretsTimeout, NoSecretStore, or another SecretsError when the store cannot say.
        """
        known = self._known.get((endpoint_id, field))
        if known is not None:
            return known
        kept = self._call(lambda keyring: entries.read(keyring, f"{endpoint_id}/{field}"), interactive)
        if kept is not None:
            self._seen(kept.value)
            self._known[endpoint_id, field] = kept
        return kept

    def set(
        self, endpoint_id: str, value: str, to: Iterable[str], field: str = "secret", *, interactive: bool = True
    ) -> None:
        """Store the secret, for these destinations and no others, replacing an older one. Errors as `get`."""
        self._known.pop((endpoint_id, field), None)
        self._seen(value)
        kept = Kept(value, frozenset(to))
        self._call(
            lambda keyring: entries.write(keyring, f"{endpoint_id}/{field}", kept, self._part_limit), interactive
        )
        self._known[endpoint_id, field] = kept

    def delete(self, endpoint_id: str, field: str = "secret", *, interactive: bool = True) -> bool:
        """Delete the secret with its destinations; False when there was none. Errors as `get`."""
        self._known.pop((endpoint_id, field), None)
        return self._call(lambda keyring: entries.delete(keyring, f"{endpoint_id}/{field}"), interactive)

    def forget(self, endpoint_id: str) -> None:
        """Ask the store again next time: a server refused what we remember, so it may have been changed elsewhere."""
        for known in [known for known in self._known if known[0] == endpoint_id]:
            self._known.pop(known, None)

    def _call(self, action: "Callable[[KeyringBackend], _T]", interactive: bool) -> _T:
        timeout = self._interactive_timeout if interactive else self._timeout
        future = self._worker.submit(lambda: action(keyrings.chosen_keyring()))
        if not wait([future], timeout).done:
            future.cancel()
            raise timed_out(timeout)
        try:
            return future.result()
        except UserError:
            raise
        except Exception as error:
            raise described(error) from error


class _Worker:
    """One daemon thread for all calls: a store that hangs holds up one thread, and never the program's end."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = queue.SimpleQueue()
        self._start = threading.Lock()
        self._thread: threading.Thread | None = None

    def submit(self, action: Callable[[], _T]) -> Future[_T]:
        future: Future[_T] = Future()
        self._jobs.put((future, action))
        with self._start:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="secrets", daemon=True)
                self._thread.start()
        return future

    def _work(self) -> None:
        while True:
            future, action = self._jobs.get()
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(action())
            except BaseException as error:  # noqa: BLE001 - raised again in the thread that asked
                future.set_exception(error)
            # While it waits for the next one, the thread holds on to no secret and no traceback.
            del future, action
