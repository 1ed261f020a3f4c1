"""Secrets in a real gnome-keyring: there, locked, missing, and one that hangs."""

import gc
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest

from tests.desktop.bus import Bus
from tests.desktop.session import Desktop
from trayapp.desktop.secrets.entries import Kept
from trayapp.desktop.secrets.errors import NoSecretStore, SecretsError, SecretsLocked, SecretsTimeout
from trayapp.desktop.secrets.store import Secrets

MakeDesktop = Callable[..., AbstractContextManager[Desktop]]
InDesktop = Callable[[Desktop], None]
TO = frozenset({"https://api.example.com"})

# keyring's Secret Service backend leaves the connection of a failed call to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")


@pytest.fixture
def in_desktop(monkeypatch: pytest.MonkeyPatch) -> Iterator[InDesktop]:
    """Makes this process one of the desktop's."""

    def enter(desktop: Desktop) -> None:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", desktop.bus_address)
        monkeypatch.delenv("PYTHON_KEYRING_BACKEND", raising=False)

    yield enter
    gc.collect()


def stored(bus: Bus) -> dict[str, str]:
    """User name and service of our items, asked of the store itself."""
    found = bus.call(
        "org.freedesktop.secrets",
        "/org/freedesktop/secrets",
        "org.freedesktop.Secret.Service",
        "SearchItems",
        "a{ss}",
        {"service": "TraySync"},
    )
    items = [item for group in found for item in group]
    attributes = [
        bus.get("org.freedesktop.secrets", item, "org.freedesktop.Secret.Item", "Attributes") for item in items
    ]
    return {one["username"]: one["service"] for one in attributes}


def of_secrets(bus: Bus) -> set[str]:
    """User names of our items, without those that say where a secret may go."""
    return {name for name in stored(bus) if "/for" not in name}


def value(kept: Kept | None) -> str | None:
    return None if kept is None else kept.value


def test_a_secret_is_stored_read_replaced_and_deleted(desktop: Desktop, bus: Bus, in_desktop: InDesktop) -> None:
    in_desktop(desktop)
    secrets = Secrets()
    assert value(secrets.get("issues")) is None
    secrets.set("issues", "gr\u00fcn\nund blau", TO)
    assert stored(bus) == {"issues/secret": "TraySync", "issues/secret/for": "TraySync"}
    kept = Secrets().get("issues")
    assert kept is not None
    assert kept.to == TO
    assert value(Secrets().get("issues")) == "gr\u00fcn\nund blau"
    secrets.set("issues", "second", TO)
    secrets.set("issues", "other", TO, field="refresh_token")
    assert value(Secrets().get("issues")) == "second"
    assert secrets.delete("issues")
    assert value(secrets.get("issues")) is None
    assert value(secrets.get("issues", "refresh_token")) == "other"
    assert secrets.delete("issues", "refresh_token")
    assert not secrets.delete("issues")
    assert stored(bus) == {}


def test_a_long_secret_is_kept_in_parts(desktop: Desktop, bus: Bus, in_desktop: InDesktop) -> None:
    in_desktop(desktop)
    secrets = Secrets(part_limit=10)
    secrets.set("a", "0123456789" * 3 + "end", TO)
    assert len(of_secrets(bus)) == 5
    assert value(Secrets().get("a")) == "0123456789" * 3 + "end"
    secrets.set("a", "0123456789abc", TO)
    assert value(Secrets().get("a")) == "0123456789abc"
    assert len(of_secrets(bus)) == 3
    secrets.set("a", "short", TO)
    assert of_secrets(bus) == {"a/secret"}
    secrets.set("a", "\x1etraysync-parts:7", TO)
    assert value(Secrets().get("a")) == "\x1etraysync-parts:7"
    assert secrets.delete("a")
    assert stored(bus) == {}


def test_what_was_read_is_remembered_until_it_is_refused(desktop: Desktop, in_desktop: InDesktop) -> None:
    in_desktop(desktop)
    seen: list[str] = []
    ours, theirs = Secrets(seen.append), Secrets()
    theirs.set("a", "one", TO)
    assert value(ours.get("a")) == "one"
    theirs.set("a", "two", TO)
    assert value(ours.get("a")) == "one"
    ours.forget("a")
    assert value(ours.get("a")) == "two"
    assert seen == ["one", "two"]
    assert theirs.delete("a")


def test_a_locked_keyring_is_a_state_that_ends(make_desktop: MakeDesktop, in_desktop: InDesktop) -> None:
    with make_desktop(tray=False, notifications=False, keyring="locked") as desktop:
        in_desktop(desktop)
        secrets = Secrets()
        for attempt in (lambda: secrets.get("a"), lambda: secrets.set("a", "x", TO), lambda: secrets.delete("a")):
            with pytest.raises(SecretsLocked, match="locked"):
                attempt()
        desktop.unlock_keyring()
        secrets.set("a", "x", TO)
        assert value(secrets.get("a")) == "x"


def test_without_a_keyring_nothing_is_kept_anywhere(make_desktop: MakeDesktop, in_desktop: InDesktop) -> None:
    with make_desktop(tray=False, notifications=False, keyring="none") as desktop:
        in_desktop(desktop)
        with pytest.raises(NoSecretStore) as caught:
            Secrets().set("a", "hunter2", TO)
        assert "hunter2" not in str(caught.value)
        assert "secret_env" in caught.value.next


@pytest.mark.parametrize("address", [None, "unix:path=/nonexistent/bus", "nonsense"])
def test_without_a_bus_there_is_no_keyring(
    desktop: Desktop, in_desktop: InDesktop, monkeypatch: pytest.MonkeyPatch, address: str | None
) -> None:
    in_desktop(desktop)
    if address is None:
        monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS")
    else:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
    with pytest.raises(NoSecretStore):
        Secrets().get("a")


def test_a_keyring_that_hangs_is_not_waited_for(make_desktop: MakeDesktop, in_desktop: InDesktop) -> None:
    with make_desktop(tray=False, notifications=False) as desktop:
        in_desktop(desktop)
        secrets = Secrets(timeout=0.3, interactive_timeout=0.6)
        secrets.set("a", "x", TO)
        keyring = desktop.parts["keyring"].pid
        os.kill(keyring, signal.SIGSTOP)
        started = time.monotonic()
        with pytest.raises(SecretsTimeout) as caught:
            secrets.get("b")
        assert caught.value.problem.code == "keyring_silent"
        assert time.monotonic() - started < 0.6
        with pytest.raises(SecretsTimeout):
            secrets.set("b", "never stored", TO, interactive=True)
        assert value(secrets.get("a")) == "x", "what is known needs no store"
        os.kill(keyring, signal.SIGCONT)
        patient = Secrets()
        assert value(patient.get("a")) == "x"
        assert value(secrets.get("b", interactive=True)) is None, "what was given up is not done later"


def test_a_keyring_that_dies_is_an_error_not_a_crash(make_desktop: MakeDesktop, in_desktop: InDesktop) -> None:
    with make_desktop(tray=False, notifications=False) as desktop:
        in_desktop(desktop)
        secrets = Secrets()
        secrets.set("a", "x", TO)
        desktop.parts["keyring"].kill()
        desktop.parts["keyring"].wait()
        with pytest.raises(SecretsError):
            secrets.get("b")


@pytest.mark.parametrize("backend", ["keyring.backends.null.Keyring", "keyring.backends.fail.Keyring"])
def test_a_backend_that_keeps_nothing_is_no_keyring(monkeypatch: pytest.MonkeyPatch, backend: str) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", backend)
    with pytest.raises(NoSecretStore, match="configured"):
        Secrets().set("a", "x", TO)
