import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QAbstractButton, QComboBox, QLineEdit, QMessageBox, QPushButton, QTableView

from tests.problems import problem
from tests.ui.samples import REFUSED, clock, endpoint, shown
from trayapp.endpoints.model import Endpoint, Settings
from trayapp.ui.widgets.theme import palette
from trayapp.ui.window.main_window import MainWindow

TWO = shown(endpoint("issues"), endpoint("orders"))


@pytest.fixture
def with_tray():
    return [True]


@pytest.fixture
def window(backend, tmp_path, qtbot, with_tray):
    backend.show(TWO)
    made = MainWindow(backend, tmp_path / "window.ini", tray_available=lambda: with_tray[0], clock=clock)
    qtbot.addWidget(made, before_close_func=lambda _window: with_tray.__setitem__(0, True))
    made.show()
    qtbot.waitActive(made).__enter__()
    return made


def button(window: MainWindow, name: str) -> QPushButton:
    found = window.findChild(QPushButton, name)
    assert found is not None
    return found


def test_without_endpoints_it_welcomes(backend, tmp_path, qtbot):
    window = MainWindow(backend, tmp_path / "window.ini", tray_available=lambda: True)
    qtbot.addWidget(window)
    window.show()
    assert window.welcome.isVisible()
    with qtbot.waitSignal(window.add_requested):
        button(window, "welcomeAdd").click()
    backend.show(TWO)
    assert not window.welcome.isVisible()
    assert window.endpoints.isVisible()


def test_the_demo_is_asked_for_once(backend, tmp_path, qtbot):
    window = MainWindow(backend, tmp_path / "window.ini", tray_available=lambda: True)
    qtbot.addWidget(window)
    window.show()
    backend.save_answer = problem("No port is free", "Everything is in use.", "Close something.")
    button(window, "welcomeDemo").click()
    button(window, "welcomeDemo").click()
    qtbot.waitUntil(lambda: window.demo_banner.title == "No port is free")
    assert len(backend.called("add_demo")) == 1
    assert button(window, "welcomeDemo").isEnabled()


def test_endpoints_in_the_settings_are_enough_to_begin(backend, tmp_path, qtbot):
    backend.change_settings(Settings(endpoint=(Endpoint(url="http://a", id="a"),)))
    window = MainWindow(backend, tmp_path / "window.ini", tray_available=lambda: True)
    qtbot.addWidget(window)
    window.show()
    assert not window.welcome.isVisible()


def test_the_pause_is_told_and_ended_here(window, backend, qtbot):
    backend.show(shown(*TWO.endpoints, paused=True))
    assert window.pause_banner.title == "Paused until you resume"
    button(window, "resumeButton").click()
    assert backend.called("resume") == [()]
    qtbot.waitUntil(lambda: window.pause_banner.title == "")


def test_offline_and_settings_problems_are_told(window, backend):
    backend.show(shown(*TWO.endpoints, online=False, settings_problem=REFUSED))
    assert window.offline_banner.title == "There is no network"
    assert window.settings_banner.title == str(REFUSED.title)
    backend.show(TWO)
    assert (window.offline_banner.title, window.settings_banner.title) == ("", "")


@pytest.mark.parametrize(
    ("key", "modifier", "signal"),
    [
        (Qt.Key.Key_N, Qt.KeyboardModifier.ControlModifier, "add_requested"),
        (Qt.Key.Key_Comma, Qt.KeyboardModifier.ControlModifier, "settings_requested"),
        (Qt.Key.Key_F2, Qt.KeyboardModifier.NoModifier, "edit_requested"),
    ],
)
def test_shortcuts_that_ask(window, qtbot, key, modifier, signal):
    window.endpoints.table.setFocus()
    with qtbot.waitSignal(getattr(window, signal)):
        qtbot.keyClick(window.endpoints.table, key, modifier)


def test_shortcuts_that_act(window, backend, qtbot):
    control = Qt.KeyboardModifier.ControlModifier
    qtbot.keyClick(window, Qt.Key.Key_R, control)
    assert backend.called("sync_now") == [((), False)]
    for key, page in ((Qt.Key.Key_2, window.activity), (Qt.Key.Key_3, window.data), (Qt.Key.Key_1, window.endpoints)):
        qtbot.keyClick(window, key, control)
        assert window.tabs.currentWidget() is page
    qtbot.keyClick(window, Qt.Key.Key_F, control)
    assert window.endpoints.filter.hasFocus()
    qtbot.keyClick(window, Qt.Key.Key_2, control)
    qtbot.keyClick(window, Qt.Key.Key_F, control)
    assert window.activity.filter.hasFocus()
    qtbot.keyClick(window, Qt.Key.Key_Q, control)
    assert backend.called("quit") == [()]


def test_no_shortcut_is_given_twice(window):
    keys = [
        action.shortcut().toString()
        for action in (*window.actions(), *window.endpoints.actions(), *window.data.table.actions())
        if not action.shortcut().isEmpty()
    ]
    assert len(keys) == len(set(keys))


def test_everything_one_can_use_has_a_name(window):
    kinds = (QAbstractButton, QLineEdit, QComboBox, QTableView)
    for kind in kinds:
        for widget in window.findChildren(kind):
            inside_of_qt = widget.objectName().startswith("qt_") or not widget.focusPolicy()
            named = widget.accessibleName() or (isinstance(widget, QAbstractButton) and widget.text())
            assert inside_of_qt or named, widget.objectName() or widget
            assert inside_of_qt or widget.objectName(), named


def test_everything_is_reached_by_tab(window, qtbot):
    seen = set()
    for _ in range(60):
        focused = window.focusWidget()
        seen.add(focused.objectName() if focused else "")
        qtbot.keyClick(focused or window, Qt.Key.Key_Tab)
    assert {"endpointFilter", "endpointTable", "panelSync", "panelEdit", "pauseButton", "addEndpointButton"} <= seen


def test_data_of_an_endpoint(window, backend, qtbot):
    backend.tables["orders"] = (("id",), [(1,), (2,)])
    window.endpoints.choose("orders")
    window.endpoints.data_action.trigger()
    assert window.tabs.currentWidget() is window.data
    qtbot.waitUntil(lambda: window.data.model.rowCount() == 2)


def test_show_endpoint_brings_it_into_sight(window):
    window.tabs.setCurrentWidget(window.activity)
    window.hide()
    window.show_endpoint("orders")
    assert window.isVisible()
    assert window.endpoints.current().id == "orders"
    window.tabs.setCurrentWidget(window.activity)
    window.show_endpoint("")
    assert window.tabs.currentWidget() is window.activity


def test_closing_hides_to_the_tray(window, backend):
    window.close()
    assert not window.isVisible()
    assert backend.called("quit") == []


@pytest.mark.parametrize(("answer", "calls"), [("confirmQuit", [()]), ("minimise", [])])
def test_without_a_tray_closing_asks(window, backend, with_tray, answer, calls):
    with_tray[0] = False
    window.close()
    assert window.isVisible()
    box = window.findChild(QMessageBox, "askQuit")
    box.findChild(QPushButton, answer).click()
    assert backend.called("quit") == calls


def test_toggle(window):
    window.toggle()
    assert not window.isVisible()
    window.toggle()
    assert window.isVisible()
    window.showMinimized()
    window.toggle()
    assert window.isVisible()
    assert not window.isMinimized()


def test_a_hidden_window_has_no_timer(window):
    assert window._tick.isActive()
    window.hide()
    assert not window._tick.isActive()


def test_size_and_columns_are_remembered(window, backend, tmp_path, qtbot):
    window.resize(777, 555)
    window.endpoints.table.setColumnWidth(0, 321)
    window.tabs.setCurrentIndex(1)
    window.close()
    again = MainWindow(backend, tmp_path / "window.ini", tray_available=lambda: True)
    qtbot.addWidget(again)
    assert (again.width(), again.height()) == (777, 555)
    assert again.endpoints.table.columnWidth(0) == 321
    assert again.tabs.currentIndex() == 1


def test_a_broken_state_file_does_not_matter(backend, tmp_path, qtbot):
    (tmp_path / "window.ini").write_text("[window]\ngeometry=nonsense\ntab=many\nendpoints=\x00\n")
    window = MainWindow(backend, tmp_path / "window.ini", tray_available=lambda: True)
    qtbot.addWidget(window)
    assert window.width() > 500


def test_light_and_dark_change_the_icons(window, qapp, qtbot):
    def ink():
        return window.add_action.icon().pixmap(16).toImage().pixelColor(8, 8)

    before = qapp.palette()
    try:
        for dark in (False, True, False):
            qapp.setPalette(palette(dark))
            text = palette(dark).color(QPalette.ColorRole.ButtonText)
            qtbot.waitUntil(lambda text=text: ink() == text)
    finally:
        qapp.setPalette(before)


def test_hundreds_of_snapshots_leave_nothing_behind(window, backend):
    """Widgets of the banners are reused or deleted, never piled up."""
    before = len(window.findChildren(QPushButton))
    for number in range(200):
        backend.show(shown(*TWO.endpoints, paused=number % 2 == 0))
    assert len([found for found in window.findChildren(QPushButton) if found.isVisibleTo(window)]) <= before + 2
