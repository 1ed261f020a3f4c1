"""Secrets in a keyring in memory: what is remembered, parts of long ones, and stores that fail, hang or are none."""

import threading
import weakref
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from keyring.errors import KeyringError, KeyringLocked, NoKeyringError

from tests import memory_keyring
from tests.memory_keyring import MemoryKeyring
from tests.patience import SECONDS, until
from trayapp.desktop.secrets import entries, parts, store
from trayapp.desktop.secrets.entries import Kept
from trayapp.desktop.secrets.errors import NoSecretStore, SecretsError, SecretsLocked, SecretsTimeout
from trayapp.desktop.secrets.parts import SERVICE
from trayapp.errors import EnvironmentProblem, UserError


def _kept(value: str | None) -> Kept | None:
    return None if value is None else Kept(value, frozenset())


class Secrets(store.Secrets):
    """Secrets by their words alone: where they may go is another matter."""

    def get(self, endpoint_id: str, field: str = "secret", *, interactive: bool = False) -> str | None:
        found = super().get(endpoint_id, field, interactive=interactive)
        return None if found is None else found.value

    def set(self, endpoint_id: str, value: str, field: str = "secret", *, interactive: bool = True) -> None:
        super().set(endpoint_id, value, ("https://a.example",), field, interactive=interactive)


MARK = "\x1etraysync-parts:"
SOON = 0.01


@pytest.fixture(autouse=True)
def keyring(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[MemoryKeyring]]:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", memory_keyring.NAME)
    # Where a secret may go is tested elsewhere; here it is the words alone.
    monkeypatch.setattr(entries, "write", lambda there, name, kept, limit: parts.write(there, name, kept.value, limit))
    monkeypatch.setattr(entries, "read", lambda there, name: _kept(parts.read(there, name)))
    MemoryKeyring.reset()
    yield MemoryKeyring
    MemoryKeyring.reset()


def kept() -> dict[str, str]:
    """By user name; all is the program's."""
    assert {service for service, _ in MemoryKeyring.kept} <= {SERVICE}
    return {username: value for (_, username), value in MemoryKeyring.kept.items() if not username.endswith("/for")}


def elsewhere(username: str, value: str) -> None:
    """Another process stores it."""
    MemoryKeyring.kept[SERVICE, username] = value


def failing(*whats: str, error: BaseException | None = None) -> Callable[[str, str], None]:
    """Fails at these: "set", or "set issues/secret"."""

    def trouble(what: str, username: str) -> None:
        if what in whats or f"{what} {username}" in whats:
            raise error or KeyringError("It is broken")

    return trouble


# --- stored, read, remembered


def test_a_secret_is_stored_read_replaced_and_deleted() -> None:
    secrets = Secrets()
    assert secrets.get("issues") is None
    secrets.set("issues", "grün\nund blau")
    assert kept() == {"issues/secret": "grün\nund blau"}
    assert Secrets().get("issues") == "grün\nund blau"
    secrets.set("issues", "second")
    secrets.set("issues", "other", field="refresh_token")
    secrets.set("others", "third")
    assert kept() == {"issues/secret": "second", "issues/refresh_token": "other", "others/secret": "third"}
    assert (secrets.get("issues"), secrets.get("issues", "refresh_token")) == ("second", "other")
    assert secrets.delete("issues")
    assert kept() == {"issues/refresh_token": "other", "others/secret": "third"}
    assert secrets.get("issues") is None
    assert not secrets.delete("issues")
    assert secrets.delete("issues", "refresh_token")
    assert kept() == {"others/secret": "third"}


def test_what_was_read_once_is_not_asked_for_again(keyring: type[MemoryKeyring]) -> None:
    elsewhere("issues/secret", "one")
    secrets = Secrets()
    for _ in range(3):
        assert secrets.get("issues") == "one"
    assert keyring.asked == ["get issues/secret"]
    secrets.set("others", "two")
    keyring.asked.clear()
    assert secrets.get("others") == "two"
    assert keyring.asked == []


def test_that_there_is_none_is_not_remembered() -> None:
    secrets = Secrets()
    assert secrets.get("issues") is None
    elsewhere("issues/secret", "one")
    assert secrets.get("issues") == "one"


def test_what_is_forgotten_is_read_again_all_of_one_endpoint_only(keyring: type[MemoryKeyring]) -> None:
    secrets = Secrets()
    for id in ("a", "b"):
        for field in ("secret", "access_token"):
            secrets.set(id, "old", field)
            elsewhere(f"{id}/{field}", "new")
    assert {secrets.get("a"), secrets.get("a", "access_token")} == {"old"}
    secrets.forget("a")
    assert {secrets.get("a"), secrets.get("a", "access_token")} == {"new"}
    assert {secrets.get("b"), secrets.get("b", "access_token")} == {"old"}
    secrets.forget("nobody")


def test_what_is_deleted_is_not_remembered() -> None:
    secrets = Secrets()
    secrets.set("issues", "one")
    secrets.delete("issues")
    assert secrets.get("issues") is None


@pytest.mark.parametrize(
    "action", [lambda s: s.set("issues", "new"), lambda s: s.delete("issues")], ids=["set", "delete"]
)
def test_after_a_change_that_failed_the_store_is_asked(keyring: type[MemoryKeyring], action: Callable) -> None:
    """Who knows how far it came."""
    secrets = Secrets()
    secrets.set("issues", "remembered")
    elsewhere("issues/secret", "there")
    keyring.fail(failing("set", "delete"))
    with pytest.raises(SecretsError, match="reported an error"):
        action(secrets)
    keyring.fail(failing())
    assert secrets.get("issues") == "there"


def test_every_secret_is_told_to_the_logs_before_it_can_fail(keyring: type[MemoryKeyring]) -> None:
    seen: list[str] = []
    elsewhere("issues/secret", "read")
    secrets = Secrets(seen.append)
    assert secrets.get("nothing") is None
    assert seen == []
    secrets.get("issues")
    assert seen == ["read"]
    keyring.fail(failing("set"))
    with pytest.raises(SecretsError):
        secrets.set("issues", "refused")
    assert seen == ["read", "refused"]


# --- long ones, in parts

LIMIT = 5
LONG = ("abcdefghijkl", "ABCDEFGHIJKLMN", "12345678901234567890")


def test_a_secret_within_the_limit_is_one_entry_a_longer_one_several() -> None:
    secrets = Secrets(part_limit=LIMIT)
    secrets.set("a", "12345")
    assert kept() == {"a/secret": "12345"}
    secrets.set("a", "123456")
    assert sorted(kept().values())[1:] == ["12345", "6"]
    assert Secrets().get("a") == "123456", "whoever reads needs no limit"
    Secrets().set("a", "x" * 100)
    assert kept() == {"a/secret": "x" * 100}, "without a limit there are no parts, and the others are gone"


def test_a_part_fits_into_the_credential_manager_whatever_its_characters() -> None:
    assert len(("\N{GRINNING FACE}" * store._WINDOWS_PART).encode("utf-16-le")) <= 2560


def test_the_names_of_parts_stay_those_that_keyrings_hold() -> None:
    """A newer program finds what an older one stored."""
    elsewhere("a/secret", MARK + "2")
    elsewhere("a/secret/part1", "12345")
    elsewhere("a/secret/part2", "67")
    secrets = Secrets(part_limit=LIMIT)
    assert secrets.get("a") == "1234567"
    secrets.set("a", "abcdefg")
    assert kept() == {"a/secret": MARK + "2b", "a/secret/part1b": "abcde", "a/secret/part2b": "fg"}
    secrets.set("a", "1234567")
    assert kept() == {"a/secret": MARK + "2", "a/secret/part1": "12345", "a/secret/part2": "67"}


LOOKALIKES = st.sampled_from(
    [MARK, MARK + "2", MARK + "0", MARK + "-1", MARK + "x", MARK + "99999999", MARK[:-1], "\x1e"]
)
secret_texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=23) | LOOKALIKES


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(st.tuples(secret_texts, st.none() | st.integers(1, 7)), min_size=1, max_size=4))
def test_any_secret_comes_back_as_it_was_and_leaves_nothing_behind(several: list[tuple[str, int | None]]) -> None:
    """Also one that looks as what stands for the parts of another, and whatever was there before."""
    MemoryKeyring.reset()
    elsewhere("a/other", "not touched")
    for value, limit in several:
        Secrets(part_limit=limit).set("a", value)
        assert Secrets(part_limit=limit).get("a") == value
        if limit is not None:
            assert all(len(part) <= limit for name, part in kept().items() if "/part" in name)
    used = len(kept())
    value, limit = several[-1]
    if limit is None or len(value) <= limit:
        assert used == (3 if value.startswith(MARK) else 2)
    assert Secrets().delete("a")
    assert kept() == {"a/other": "not touched"}


@pytest.mark.parametrize("lost", range(3))
def test_a_secret_that_lost_a_part_is_none_rather_than_another(lost: int) -> None:
    secrets = Secrets(part_limit=LIMIT)
    secrets.set("a", LONG[0])
    parts = sorted(name for name in kept() if name != "a/secret")
    assert len(parts) == 3
    del MemoryKeyring.kept[SERVICE, parts[lost]]
    assert Secrets().get("a") is None
    for new in ("short", LONG[1]):
        before = dict(MemoryKeyring.kept)
        Secrets(part_limit=LIMIT).set("a", new)
        assert Secrets().get("a") == new
        assert not set(parts) & set(kept()), "what was left of it is gone"
        MemoryKeyring.kept.clear()
        MemoryKeyring.kept.update(before)
    assert secrets.delete("a")
    assert kept() == {}


@pytest.mark.parametrize("new", ["short", *LONG])
@pytest.mark.parametrize("old", ["short", *LONG])
def test_a_change_that_breaks_off_anywhere_leaves_the_old_secret_or_the_new_one(
    keyring: type[MemoryKeyring], old: str, new: str
) -> None:
    """Never one made of both."""
    new = new[::-1]
    for works in range(20):
        keyring.reset()
        Secrets(part_limit=LIMIT).set("a", old)
        left = iter(range(works))

        def trouble(what: str, _username: str, left: Iterator[int] = left) -> None:
            if what != "get" and next(left, None) is None:
                raise KeyringError("No more")

        keyring.fail(trouble)
        secrets = Secrets(part_limit=LIMIT)
        try:
            secrets.set("a", new)
            done = True
        except SecretsError:
            done = False
        keyring.fail(failing())
        found = Secrets().get("a")
        assert found == new if done else found in (old, new)
        assert secrets.get("a") == found, "what failed is not remembered"
        if done:
            assert works > 0
            return
    pytest.fail("it never came to its end")


# --- stores that cannot


class LockedException(Exception):
    pass


class PromptDismissedException(Exception):
    pass


class SecretServiceNotAvailableException(Exception):
    pass


TITLES = {
    SecretsLocked: "The keyring is locked",
    NoSecretStore: "There is no keyring",
    SecretsError: "The keyring reported an error",
}


def because(cause: Exception) -> Exception:
    error = KeyringError("Something else")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "kind", "code", "says"),
    [
        (KeyringLocked("Failed to unlock"), SecretsLocked, "keyring_locked", "locked"),
        (LockedException("x"), SecretsLocked, "keyring_locked", "locked"),
        (PromptDismissedException("x"), SecretsLocked, "keyring_locked", "locked"),
        (because(PromptDismissedException()), SecretsLocked, "keyring_locked", "locked"),
        (NoKeyringError("No backend"), NoSecretStore, "no_keyring", "No backend"),
        (FileNotFoundError("no bus"), NoSecretStore, "no_keyring", "no bus"),
        (ConnectionRefusedError("no bus"), NoSecretStore, "no_keyring", "no bus"),
        (ImportError("no module"), NoSecretStore, "no_keyring", "no module"),
        (SecretServiceNotAvailableException("not here"), NoSecretStore, "no_keyring", "not here"),
        (KeyringError("first\nsecond"), SecretsError, "keyring_error", "says: first"),
        (RuntimeError(""), SecretsError, "keyring_error", "RuntimeError"),
        (PermissionError("forbidden"), SecretsError, "keyring_error", "forbidden"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
@pytest.mark.parametrize("what", ["get", "set", "delete"])
def test_what_is_wrong_is_said(
    keyring: type[MemoryKeyring], what: str, error: Exception, kind: type[SecretsError], code: str, says: str
) -> None:
    secrets = Secrets()
    keyring.fail(failing("get", "set", "delete", error=error))
    calls = {"get": secrets.get, "set": lambda id: secrets.set(id, "s3cret"), "delete": secrets.delete}
    with pytest.raises(SecretsError) as caught:
        calls[what]("issues")
    assert type(caught.value) is kind
    assert isinstance(caught.value, EnvironmentProblem)
    assert caught.value.problem.code == code
    assert caught.value.problem.action == ("unlock_keyring" if kind is SecretsLocked else "")
    assert says in f"{caught.value.title} {caught.value.cause}"
    assert "second" not in caught.value.cause
    assert "s3cret" not in str(caught.value)
    keyring.fail(failing())
    secrets.set("issues", "one")
    assert secrets.get("issues") == "one", "the next call is served"


def test_an_error_of_our_own_stays_as_it_is(keyring: type[MemoryKeyring]) -> None:
    keyring.fail(failing("get", error=UserError("Own", "words.")))
    with pytest.raises(UserError, match="Own") as caught:
        Secrets().get("issues")
    assert type(caught.value) is UserError


@pytest.mark.parametrize("backend", ["keyring.backends.null.Keyring", "keyring.backends.fail.Keyring"])
def test_a_keyring_that_is_none_is_no_store(monkeypatch: pytest.MonkeyPatch, backend: str) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", backend)
    with pytest.raises(NoSecretStore, match="keyring"):
        Secrets().set("issues", "s3cret")
    with pytest.raises(NoSecretStore):
        Secrets().get("issues")


# --- stores that hang


@pytest.fixture
def hanging(keyring: type[MemoryKeyring]) -> Iterator[threading.Event]:
    """The store hangs until this is set."""
    goes_on = threading.Event()

    def hang(_what: str, _username: str) -> None:
        assert goes_on.wait(SECONDS)

    keyring.fail(hang)
    yield goes_on
    goes_on.set()


@pytest.mark.parametrize(
    ("ask", "interactive"),
    [
        (lambda s: s.get("issues"), False),
        (lambda s: s.get("issues", interactive=True), True),
        (lambda s: s.set("issues", "s3cret"), True),
        (lambda s: s.set("issues", "s3cret", interactive=False), False),
        (lambda s: s.delete("issues"), True),
        (lambda s: s.delete("issues", interactive=False), False),
    ],
)
def test_a_store_that_hangs_is_waited_for_as_long_as_a_person_needs_or_less(
    hanging: threading.Event, ask: Callable[[Secrets], object], interactive: bool
) -> None:
    times = {"timeout": SECONDS, "interactive_timeout": SOON} if interactive else {"timeout": SOON}
    with pytest.raises(SecretsTimeout, match=r"for 0\.01 seconds") as caught:
        ask(Secrets(**times))
    assert caught.value.problem.code == "keyring_silent"


@pytest.mark.parametrize(
    ("ask", "interactive"),
    [
        (lambda s: s.get("issues"), False),
        (lambda s: s.set("issues", "s3cret", ()), True),
        (lambda s: s.delete("issues"), True),
    ],
)
def test_a_person_waits_for_what_is_stored_and_nobody_for_what_is_read(
    hanging: threading.Event, ask: Callable[[store.Secrets], object], interactive: bool
) -> None:
    times = {"timeout": SECONDS, "interactive_timeout": SOON} if interactive else {"timeout": SOON}
    with pytest.raises(SecretsTimeout):
        ask(store.Secrets(**times))


def test_who_waits_in_vain_behind_one_that_hangs_is_not_served_later(
    hanging: threading.Event, keyring: type[MemoryKeyring]
) -> None:
    """A secret that was told not to be stored is not stored after all."""
    secrets = Secrets(timeout=SOON, interactive_timeout=SOON)
    with pytest.raises(SecretsTimeout):
        secrets.get("issues")
    with pytest.raises(SecretsTimeout):
        secrets.set("issues", "s3cret")
    with pytest.raises(SecretsTimeout):
        secrets.delete("issues")
    hanging.set()
    secrets._timeout = SECONDS
    assert secrets.get("others") is None
    asked = [each for each in keyring.asked if not each.endswith("/for")]  # a call of the test before, let go only now
    assert asked == ["get issues/secret", "get others/secret"]
    assert kept() == {}
    assert secrets.get("issues") is None, "what was not stored is not remembered"


def test_a_store_that_hangs_holds_up_one_thread_that_ends_with_the_program(hanging: threading.Event) -> None:
    secrets = Secrets(timeout=SOON)
    before = set(threading.enumerate())
    for _ in range(3):
        with pytest.raises(SecretsTimeout):
            secrets.get("issues")
    (thread,) = set(threading.enumerate()) - before
    assert thread.daemon


def test_a_thread_that_waits_holds_on_to_nothing_that_it_was_given() -> None:
    class Action:
        def __call__(self) -> int:
            return 5

    worker, action = store._Worker(), Action()
    gone = weakref.ref(action)
    assert worker.submit(action).result(SECONDS) == 5
    del action
    until(lambda: gone() is None)
