"""Notifications on a real service (dunst), and without one."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from tests.desktop.notifications import Notifications
from tests.desktop.session import Desktop
from trayapp.desktop.session.notifications import Action, Notification, Notifier

MakeDesktop = Callable[..., AbstractContextManager[Desktop]]
pytestmark = pytest.mark.usefixtures("qapp")


@contextmanager
def notifier_in(desktop: Desktop, monkeypatch: pytest.MonkeyPatch, icon: str = "") -> Iterator[Notifier]:
    """The fallback appends to `notifier.fallen_back`."""
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", desktop.bus_address)
    fallen_back: list[Notification] = []
    notifier = Notifier(fallen_back.append, icon)
    notifier.fallen_back = fallen_back
    yield notifier
    notifier.close()


@pytest.fixture
def notifier(desktop: Desktop, monkeypatch: pytest.MonkeyPatch) -> Iterator[Notifier]:
    with notifier_in(desktop, monkeypatch, icon="dialog-information") as notifier:
        yield notifier


ISSUES = Notification(
    key="issues",
    title="GitHub <issues>",
    body="3 new & 1 < changed",
    actions=(Action("default", "Open"), Action("again", "Sync again")),
)


def test_it_is_on_the_screen_with_its_buttons(notifier: Notifier, notifications: Notifications) -> None:
    notifier.show(ISSUES)
    shown = notifications.wait()
    assert shown.title == "GitHub ‹issues›", "some services read markup in titles, too"
    assert shown.body == "3 new &amp; 1 &lt; changed", "dunst reads markup"
    assert shown.actions == {"default": "Open", "again": "Sync again"}
    assert (shown.urgency, shown.icon) == (1, "dialog-information")
    assert notifications.displayed() == 1
    notifications.close_all()
    assert notifications.history()[0]["summary"] == "GitHub ‹issues›"
    assert notifier.fallen_back == []


def test_a_real_click_comes_back_with_the_key(
    notifier: Notifier, notifications: Notifications, desktop: Desktop, qtbot: QtBot
) -> None:
    notifier.show(ISSUES)
    notifications.wait()
    threads: list[threading.Thread] = []
    notifier.activated.connect(lambda *_: threads.append(threading.current_thread()))
    with qtbot.waitSignal(notifier.activated) as activated:
        desktop.click_notification()
    assert activated.args == ["issues", "default"]
    assert threads == [threading.main_thread()]


def test_a_button_comes_back_with_its_name(notifier: Notifier, notifications: Notifications, qtbot: QtBot) -> None:
    notifier.show(ISSUES)
    shown = notifications.wait()
    with qtbot.waitSignal(notifier.activated) as activated:
        notifications.choose(shown, "again")
    assert activated.args == ["issues", "again"]


def test_another_programs_click_is_not_ours(notifier: Notifier, notifications: Notifications, qtbot: QtBot) -> None:
    notifier.show(ISSUES)
    shown = notifications.wait()
    with qtbot.assertNotEmitted(notifier.activated, wait=100):
        notifications.choose(replace(shown, number=shown.number + 1), "again")


def test_the_same_endpoint_replaces_its_older_toast(notifier: Notifier, notifications: Notifications) -> None:
    notifier.show(ISSUES)
    first = notifications.wait()
    notifier.show(Notification(key="other", title="Other"))
    notifier.show(Notification(key="issues", title="Newer", urgency="critical"))
    newer = notifications.wait(lambda shown: shown.title == "Newer")
    assert (newer.replaces, newer.number, newer.urgency) == (first.number, first.number, 2)
    assert notifications.displayed() == 2


def test_one_that_was_closed_is_shown_anew(notifier: Notifier, notifications: Notifications, qtbot: QtBot) -> None:
    notifier.show(ISSUES)
    notifications.wait()
    notifications.close_all()
    qtbot.wait(100)
    notifier.show(ISSUES)
    assert notifications.wait(lambda _: len(notifications.seen) == 2).replaces == 0


def test_without_a_service_the_fallback_shows_it(
    make_desktop: MakeDesktop, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    with (
        make_desktop(tray=False, notifications=False, keyring="none") as desktop,
        notifier_in(desktop, monkeypatch) as notifier,
    ):
        notifier.show(ISSUES)
        qtbot.waitUntil(lambda: notifier.fallen_back == [ISSUES])


@pytest.mark.parametrize("address", ["unix:path=/nonexistent/bus", "nonsense"])
def test_without_a_bus_the_fallback_shows_it(
    desktop: Desktop, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot, address: str
) -> None:
    with notifier_in(desktop, monkeypatch) as notifier:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
        notifier.show(ISSUES)
        qtbot.waitUntil(lambda: notifier.fallen_back == [ISSUES])


def test_a_service_that_hangs_holds_up_nobody_and_is_used_again(
    make_desktop: MakeDesktop, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    monkeypatch.setattr("trayapp.desktop.session.notifications._TIMEOUT", 0.3)
    with (
        make_desktop(tray=False, keyring="none") as desktop,
        notifier_in(desktop, monkeypatch) as notifier,
    ):
        os.kill(desktop.parts["dunst"].pid, signal.SIGSTOP)
        started = time.monotonic()
        notifier.show(ISSUES)
        assert time.monotonic() - started < 0.1
        qtbot.waitUntil(lambda: notifier.fallen_back == [ISSUES])
        os.kill(desktop.parts["dunst"].pid, signal.SIGCONT)
        notifications = Notifications(desktop.bus_address)
        notifier.show(Notification(key="b", title="Later"))
        notifications.wait(lambda shown: shown.title == "Later")
        notifications.close()


def test_a_screenshot_shows_the_toast(
    notifier: Notifier, notifications: Notifications, desktop: Desktop, tmp_path: Path
) -> None:
    before = desktop.screenshot(tmp_path / "before.png").read_bytes()
    notifier.show(ISSUES)
    notifications.wait()
    time.sleep(0.3)
    assert desktop.screenshot(tmp_path / "after.png").read_bytes() != before
