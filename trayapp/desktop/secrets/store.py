"""Secrets of endpoints in the system's secret store, through keyring; no Qt.

A store may ask its user, be locked, be missing or not answer at all, so every call runs in a thread of its own and is
waited for with a timeout. Nothing is ever kept anywhere else: where there is no store, there is an error.

A secret is the entry ID/FIELD, as it is, for people and other tools. Beside it ID/FIELD/for says where it may be sent:
a JSON object from the secret's SHA-256 to destinations. What it says is for that very secret: one that another tool put
there, or that a crash left, has no word of anybody.
"""

import hashlib
import os
import queue
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, wait
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from trayapp.errors import UserError
from trayapp.messages import say

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

SERVICE = "TraySync"
TIMEOUT = 10.0
"""Seconds a store may take that asks nobody."""
INTERACTIVE_TIMEOUT = 60.0
"""Seconds a person gets to answer the store's own question."""

_WINDOWS_PART = 600
"""Characters: the Credential Manager refuses more than 2560 bytes of UTF-16 (github.com/jaraco/keyring/issues/355)."""
_PARTS_MARK = "\x1etraysync-parts:"
"""Begins the entry of a secret in parts: their number follows, and a b where they have the second kind of names."""

_T = TypeVar("_T")


class SecretsError(UserError):
    """The secret store could not do what it was asked."""


class SecretsLocked(SecretsError):
    """The store is there but locked: a state to try again later, not a failure."""


class SecretsTimeout(SecretsError):
    """The store did not answer in time; it may be asking its user."""


class NoSecretStore(SecretsError):
    """This session has no secret store."""


class Kept(msgspec.Struct, frozen=True):
    """A stored secret, and the destinations that a person gave it for; None where nothing at all is said of them."""

    value: str
    to: frozenset[str] | None

    def __repr__(self) -> str:
        return f"Kept(…, {self.to!r})"


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
        kept = self._call(lambda store: _read_kept(store, f"{endpoint_id}/{field}"), interactive)
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
        self._call(lambda store: _write_kept(store, f"{endpoint_id}/{field}", kept, self._part_limit), interactive)
        self._known[endpoint_id, field] = kept

    def delete(self, endpoint_id: str, field: str = "secret", *, interactive: bool = True) -> bool:
        """Remove the secret, and what is said of it; False when there was none. Errors as `get`."""
        self._known.pop((endpoint_id, field), None)

        def both(store: "KeyringBackend") -> bool:
            name = f"{endpoint_id}/{field}"
            was_there = _delete(store, name)
            _delete(store, _for(name))
            return was_there

        return self._call(both, interactive)

    def forget(self, endpoint_id: str) -> None:
        """Ask the store again next time: a server refused what we remember, so it may have been changed elsewhere."""
        for known in [known for known in self._known if known[0] == endpoint_id]:
            self._known.pop(known, None)

    def _call(self, action: "Callable[[KeyringBackend], _T]", interactive: bool) -> _T:
        timeout = self._interactive_timeout if interactive else self._timeout
        future = self._worker.submit(lambda: action(_store()))
        if not wait([future], timeout).done:
            future.cancel()
            raise _timeout(timeout)
        try:
            return future.result()
        except UserError:
            raise
        except Exception as error:
            raise _described(error) from error


def from_environment(variable: str, environ: Mapping[str, str] = os.environ) -> str:
    """The secret in the environment variable `variable` (with or without a leading $). UserError if unset or empty."""
    name = variable.removeprefix("$")
    value = environ.get(name)
    if value:
        return value
    raise UserError(
        say("The environment variable {name} is not set", name=name)
        if value is None
        else say("The environment variable {name} is empty", name=name),
        say("The settings say that a secret is in it."),
        say("Set {name} where TraySync is started, or store the secret with: traysync secret set", name=name),
    )


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


def _store() -> "KeyringBackend":
    """The backend the user chose for keyring, else the one and only of this system.

    keyring's own choice is not used: it takes a plain text file when it finds nothing better, and finds nothing at
    all in a frozen program, where backends have no entry points.
    """
    from keyring import core
    from keyring.backends import fail, null

    store = core.load_env() or core.load_config() or _system_store()
    if isinstance(store, (fail.Keyring, null.Keyring)):
        raise _no_store("keyring is configured to use none")
    return store


def _system_store() -> "KeyringBackend":
    if sys.platform == "win32":
        from keyring.backends import Windows

        return Windows.WinVaultKeyring()
    if sys.platform == "darwin":
        from keyring.backends import macOS

        return macOS.Keyring()
    from keyring.backends import SecretService

    _find_session_bus()
    return SecretService.Keyring()  # type: ignore[no-untyped-call]


def _find_session_bus() -> None:
    """Started by cron or over ssh, the variable that jeepney wants is not set, while the user's bus is where systemd
    puts it, and where other D-Bus libraries look for themselves."""
    bus = Path(f"/run/user/{os.getuid()}/bus")
    if "DBUS_SESSION_BUS_ADDRESS" not in os.environ and bus.is_socket():
        os.environ["DBUS_SESSION_BUS_ADDRESS"] = f"unix:path={bus}"


def _for(username: str) -> str:
    return f"{username}/for"


def _of(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()


def _read_kept(store: "KeyringBackend", username: str) -> Kept | None:
    value = _read(store, username)
    if value is None:
        return None
    given = _given(store, username)
    return Kept(value, None if given is None else frozenset(given.get(_of(value), ())))


def _given(store: "KeyringBackend", username: str) -> dict[str, list[str]] | None:
    """What is said of secrets of that name; nothing where it can't be read."""
    text = _read(store, _for(username))
    try:
        return None if text is None else msgspec.json.decode(text, type=dict[str, list[str]])
    except msgspec.DecodeError:
        return {}


def _write_kept(store: "KeyringBackend", username: str, kept: Kept, limit: int | None) -> None:
    """What is said comes first, with what was said of the secret that is still there: each keeps its own destinations
    whichever of the two a crash leaves."""
    old = _read(store, username)
    given = _given(store, username) or {}
    still = {} if old is None or _of(old) not in given else {_of(old): given[_of(old)]}
    said = msgspec.json.encode({**still, _of(kept.value): sorted(kept.to or ())}).decode()
    _write(store, _for(username), said, limit)
    _write(store, username, kept.value, limit)


def _read(store: "KeyringBackend", username: str) -> str | None:
    first = store.get_password(SERVICE, username)
    if first is None or not first.startswith(_PARTS_MARK):
        return first
    parts = [store.get_password(SERVICE, name) for name in _part_names(username, first)]
    return None if None in parts else "".join(part for part in parts if part)


def _write(store: "KeyringBackend", username: str, value: str, limit: int | None) -> None:
    old = store.get_password(SERVICE, username) or ""
    parts = _split(value, limit)
    if len(parts) == 1 and not value.startswith(_PARTS_MARK):
        store.set_password(SERVICE, username, value)
        kept = []
    else:
        # Not over the old secret's parts: were this to break off, there would be a mixture of both.
        mark = f"{_PARTS_MARK}{len(parts)}{'' if old.endswith('b') else 'b'}"
        kept = _part_names(username, mark)
        for name, part in zip(kept, parts, strict=True):
            store.set_password(SERVICE, name, part)
        store.set_password(SERVICE, username, mark)
    for name in set(_part_names(username, old)) - set(kept):
        store.delete_password(SERVICE, name)


def _delete(store: "KeyringBackend", username: str) -> bool:
    old = store.get_password(SERVICE, username)
    if old is None:
        return False
    store.delete_password(SERVICE, username)
    for name in _part_names(username, old):
        if store.get_password(SERVICE, name) is not None:
            store.delete_password(SERVICE, name)
    return True


def _split(value: str, limit: int | None) -> list[str]:
    if limit is None or len(value) <= limit:
        return [value]
    return [value[start : start + limit] for start in range(0, len(value), limit)]


def _part_names(username: str, first: str) -> list[str]:
    """The entries that hold the parts of a long secret, by what its first entry says."""
    if not first.startswith(_PARTS_MARK):
        return []
    count = int(first.removeprefix(_PARTS_MARK).removesuffix("b"))
    return [f"{username}/part{number}{'b' * first.endswith('b')}" for number in range(1, count + 1)]


def _described(error: Exception) -> SecretsError:
    """What went wrong in words. The libraries below raise a dozen types, of which only some are keyring's own."""
    from keyring.errors import KeyringLocked, NoKeyringError

    names = {base.__name__ for one in (error, error.__cause__) for base in type(one).__mro__}
    if isinstance(error, KeyringLocked) or names & {"LockedException", "PromptDismissedException"}:
        return SecretsLocked(
            say("The keyring is locked"),
            say("It holds the secrets of your endpoints."),
            say("Unlock it, usually by logging in or in your password manager. TraySync then continues."),
        )
    missing = (NoKeyringError, FileNotFoundError, ConnectionError, ImportError)
    if isinstance(error, missing) or "SecretServiceNotAvailableException" in names:
        return _no_store(_first_line(error))
    return SecretsError(
        say("The keyring reported an error"),
        say("The system's secret store says: {error}.", error=_first_line(error)),
        say("Try again. If that doesn't help, log out and in again."),
    )


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _no_store(cause: str) -> NoSecretStore:
    return NoSecretStore(
        say("There is no keyring"),
        say(
            "TraySync keeps secrets only in the system's secret store, and this session has none: {what}.",
            what=cause.rstrip("."),
        ),
        say(
            "Install gnome-keyring, KWallet or KeePassXC, or put the secret into an environment variable (secret_env)."
        ),
    )


def _timeout(seconds: float) -> SecretsTimeout:
    return SecretsTimeout(
        say("The keyring doesn't respond"),
        say("The system's secret store didn't respond for {seconds} seconds.", seconds=f"{seconds:g}"),
        say("It may be asking for your password in a window of its own. TraySync will try again."),
    )
