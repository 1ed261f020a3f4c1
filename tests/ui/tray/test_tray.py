from datetime import timedelta

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QMenu, QSystemTrayIcon

from tests.ui.samples import NOW, clock, endpoint, failing, held, run, running, shown
from trayapp.ui.tray.tray import Tray, TrayMenu
from trayapp.ui.widgets.icons import tray_icon

# The offscreen platform has no X11 tray, where Qt looks for one when an icon is made.
pytestmark = pytest.mark.qt_log_ignore("systemTrayWindowChanged")

IDLE = shown(endpoint("issues"), endpoint("orders"))


@pytest.fixture
def tray(backend):
    made = Tray(backend, available=lambda: True, clock=clock)
    yield made
    made.menu.deleteLater()
    made.deleteLater()


@pytest.fixture
def menu(tray):
    return tray.menu


def texts(menu: QMenu) -> list[str]:
    return [action.text() for action in menu.actions() if action.isVisible() and not action.isSeparator()]


def choose(menu: QMenu, text: str) -> None:
    next(action for action in menu.actions() if action.text() == text and action.isVisible()).trigger()


def icon_is(tray: Tray, state: str) -> bool:
    assert tray.icon is not None
    return tray.icon.icon().cacheKey() == tray_icon(state).cacheKey()


def test_a_menu_that_a_panel_draws_doubles_underscores(menu, backend, qtbot):
    backend.show(shown(endpoint("my_items"), failing("your_items")))
    assert "My_items" in texts(menu.sync_now)
    menu.export()
    assert "My__items" in texts(menu.sync_now)
    assert "&All endpoints" in texts(menu.sync_now)
    assert any("Your__items" in text for text in texts(menu.problems))
    backend.show(shown(endpoint("a_b")))
    assert "A__b" in texts(menu.sync_now)


@pytest.mark.parametrize(
    ("snapshot", "state"),
    [
        (IDLE, "idle"),
        (shown(endpoint("a"), paused=True), "paused"),
        (shown(endpoint("a"), online=False), "offline"),
        (shown(endpoint("a"), held("b")), "attention"),
        (shown(endpoint("a"), failing("b")), "error"),
    ],
)
def test_the_icon_shows_the_state_at_once(tray, backend, snapshot, state):
    backend.show(snapshot)
    assert tray.state == state
    assert icon_is(tray, state)


def test_syncing_shows_only_when_it_lasts(tray, backend, qtbot):
    backend.show(shown(running("issues")))
    assert tray.state == "idle"
    backend.show(IDLE)
    qtbot.wait(350)
    assert tray.state == "idle"
    backend.show(shown(running("issues")))
    qtbot.waitUntil(lambda: tray.state == "syncing")
    assert icon_is(tray, "syncing")
    backend.show(shown(running("issues", pages=2)))
    assert tray.state == "syncing"
    backend.show(IDLE)
    assert tray.state == "idle"


def test_progress_does_not_put_off_the_syncing_icon(tray, backend, qtbot):
    """A snapshot every 100 ms must not start the wait anew each time."""
    for pages in range(5):
        backend.show(shown(running("issues", pages=pages)))
        qtbot.wait(100)
    assert tray.state == "syncing"


def test_the_tooltip_follows(tray, backend):
    backend.show(IDLE)
    assert tray.tooltip.startswith("2 endpoints up to date")
    assert tray.icon.toolTip() == tray.tooltip


def test_the_menu_has_what_one_needs(menu, backend):
    backend.show(IDLE)
    assert texts(menu)[1:] == ["&Sync now", "Sync &enabled", "&Pause", "&Open TraySync", "Se&ttings…", "&Quit"]
    assert texts(menu)[0].startswith("Up to date · next")
    assert not menu.status.isEnabled()
    assert texts(menu.sync_now) == ["&All endpoints", "Issues", "Orders"]
    assert texts(menu.pause) == ["For &1 hour", "Until &tomorrow", "Until &I resume"]


def test_stop_is_there_while_something_runs(menu, backend):
    backend.show(shown(running("issues", pages=3, records=30), endpoint("orders"), running("people")))
    assert "S&top" in texts(menu)
    assert texts(menu)[0] == "Syncing 2 endpoints…"
    menu.stop.trigger()
    assert backend.called("stop") == [("issues",), ("people",)]


def test_sync_now(menu, backend):
    backend.show(IDLE)
    choose(menu.sync_now, "&All endpoints")
    choose(menu.sync_now, "Orders")
    assert backend.called("sync_now") == [((), False), (("orders",), False)]


def test_nothing_to_sync(menu, backend):
    backend.show(shown(endpoint("a", enabled=False, state="disabled")))
    assert not menu.sync_now.isEnabled()


def test_long_lists_end_in_the_window(menu, tray, backend, qtbot):
    backend.show(shown(*(endpoint(f"e{number}") for number in range(30))))
    assert len(texts(menu.sync_now)) == 22
    with qtbot.waitSignal(tray.open_requested) as opened:
        choose(menu.sync_now, "&More in the window…")
    assert opened.args == [""]
    backend.show(IDLE)
    assert texts(menu.sync_now) == ["&All endpoints", "Issues", "Orders"]


def test_the_toggle_pauses_and_resumes(menu, backend, qtbot):
    backend.show(IDLE)
    assert menu.enabled.isChecked()
    menu.enabled.trigger()
    assert backend.called("pause") == [(None,)]
    qtbot.waitUntil(lambda: texts(menu)[0] == "Paused until you resume")
    assert not menu.enabled.isChecked()
    menu.enabled.trigger()
    assert backend.called("resume") == [()]
    qtbot.waitUntil(menu.enabled.isChecked)


def test_the_toggle_says_what_is_true_not_what_was_clicked(menu, backend):
    backend.show(IDLE)
    menu.enabled.trigger()
    backend.show(IDLE)
    assert menu.enabled.isChecked()


def test_pauses_of_a_length(menu, backend, qtbot):
    backend.show(IDLE)
    choose(menu.pause, "For &1 hour")
    choose(menu.pause, "Until &tomorrow")
    (hour,), (tomorrow,) = backend.called("pause")
    assert hour == NOW + timedelta(hours=1)
    assert tomorrow.astimezone().time().isoformat() == "00:00:00"
    assert NOW < tomorrow <= NOW + timedelta(days=1)
    qtbot.waitUntil(lambda: "&Resume" in texts(menu.pause))
    choose(menu.pause, "&Resume")
    assert backend.called("resume") == [()]


def test_problems_are_there_only_when_there_are_any(menu, tray, backend, qtbot):
    backend.show(IDLE)
    assert not [text for text in texts(menu) if "roblems" in text]
    backend.show(shown(failing("weather"), endpoint("a"), held("people")))
    assert "Pro&blems (2)" in texts(menu)
    assert texts(menu.problems) == [
        "Weather: The server refused the password",
        "People: 3 deletions need your confirmation",
    ]
    with qtbot.waitSignal(tray.open_requested) as opened:
        choose(menu.problems, "People: 3 deletions need your confirmation")
    assert opened.args == ["people"]


def test_recent_changes_are_the_last_five_runs_that_changed_something(menu, tray, backend, qtbot):
    assert "&Recent changes" not in texts(menu)
    runs = [run(number, added=number % 2, sentence=f"{number} new.") for number in range(20)]
    backend.runs_changed.emit(tuple(runs))
    entries = texts(menu.recent)
    assert [entry.rpartition(" · ")[2] for entry in entries] == [f"Issues: {number} new." for number in (1, 3, 5, 7, 9)]
    with qtbot.waitSignal(tray.open_requested) as opened:
        choose(menu.recent, entries[0])
    assert opened.args == ["issues"]


def test_the_history_is_asked_for_at_the_start(tray, backend):
    assert tray
    assert backend.called("request_runs")


def test_names_with_ampersands_are_shown_as_they_are(menu, backend):
    backend.show(shown(endpoint("a", name="Shop & returns")))
    assert "Shop && returns" in texts(menu.sync_now)
    assert "Shop && returns" in texts(menu)[0]


def test_entries_are_changed_in_place(menu, backend):
    """A panel that draws the menu over D-Bus would close it when its entries are replaced."""
    backend.show(IDLE)
    before = {id(action): action.text() for action in menu.sync_now.actions()}
    changes = []
    for action in (*menu.actions(), *menu.sync_now.actions(), *menu.pause.actions()):
        action.changed.connect(lambda action=action: changes.append(action.text()))
    backend.show(shown(endpoint("issues", rows=11), endpoint("orders")))
    assert changes == []
    backend.show(shown(endpoint("issues", name="Bugs"), endpoint("orders")))
    assert {id(action) for action in menu.sync_now.actions()} == set(before)
    assert "Bugs" in texts(menu.sync_now)


def test_open_settings_and_quit(menu, tray, qtbot):
    for text, signal in (("Se&ttings…", tray.settings_requested), ("&Quit", tray.quit_requested)):
        with qtbot.waitSignal(signal):
            choose(menu, text)
    with qtbot.waitSignal(tray.open_requested) as opened:
        choose(menu, "&Open TraySync")
    assert opened.args == [""]


def test_a_click_toggles_the_window_and_a_double_click_does_it_once(tray):
    clicks = []
    tray.toggle_requested.connect(lambda: clicks.append(1))
    tray.icon.activated.emit(QSystemTrayIcon.ActivationReason.Trigger)
    tray.icon.activated.emit(QSystemTrayIcon.ActivationReason.Trigger)
    tray.icon.activated.emit(QSystemTrayIcon.ActivationReason.DoubleClick)
    tray.icon.activated.emit(QSystemTrayIcon.ActivationReason.Context)
    assert clicks == [1]


def test_a_tray_that_comes_later_gets_the_icon(backend, qtbot):
    there = []
    tray = Tray(backend, available=lambda: bool(there), clock=clock)
    assert tray.icon is None
    backend.show(shown(failing("a")))
    there.append(True)
    qtbot.waitUntil(lambda: tray.icon is not None)
    assert icon_is(tray, "error")
    assert tray.icon.toolTip() == tray.tooltip
    tray.menu.deleteLater()
    tray.deleteLater()


def test_a_tray_is_looked_for_less_and_less_often(backend):
    looks = []
    tray = Tray(backend, available=lambda: bool(looks.append(None)), clock=clock)
    (timer,) = (timer for timer in tray.findChildren(QTimer) if timer.isActive())
    waits = []
    for _ in range(12):
        waits.append(timer.interval())
        timer.timeout.emit()
    assert waits[:4] == [500, 1000, 2000, 4000]
    assert waits[-1] == 30_000, "two wake-ups a minute are not felt"
    assert len(looks) == 13
    tray.menu.deleteLater()
    tray.deleteLater()


def test_the_menu_alone_shows_the_present_when_it_opens(backend):
    backend.show(IDLE)
    times = [NOW]
    menu = TrayMenu(backend, lambda: times[0])
    times[0] = NOW + timedelta(days=1)
    menu.aboutToShow.emit()
    assert "next" not in menu.status.text()
    menu.deleteLater()
