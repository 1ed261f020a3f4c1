from datetime import timedelta

import pytest
from PySide6.QtCore import QItemSelectionModel, Qt
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QLabel, QMenu, QPushButton

from tests.patience import TRIES, quickest_cpu
from tests.ui.samples import NOW, REFUSED, clock, endpoint, failing, held, running, shown
from trayapp.endpoints.model import Endpoint, Settings
from trayapp.ui.endpoints.model import SECOND_LINE, STATUS, Column, EndpointsModel
from trayapp.ui.endpoints.view import EndpointsView

MIXED = shown(endpoint("issues"), running("orders"), failing("weather"), held("people"))


@pytest.fixture
def view(backend, qtbot):
    backend.show(MIXED)
    made = EndpointsView(backend, clock)
    qtbot.addWidget(made)
    made.resize(900, 600)
    made.show()
    return made


def column(view: EndpointsView, number: Column) -> list[str]:
    return [view.sorted.index(row, number).data() for row in range(view.sorted.rowCount())]


def press(view: EndpointsView, name: str) -> None:
    button = view.findChild(QPushButton, name)
    assert button is not None
    assert button.isVisible()
    button.click()


def test_each_endpoint_says_how_it_is(view):
    assert column(view, Column.NAME) == ["Issues", "Orders", "Weather", "People"]
    assert column(view, Column.NEXT)[1] == "Running now"
    lines = [view.sorted.index(row, Column.NAME).data(SECOND_LINE) for row in range(4)]
    assert lines == [
        "Up to date",
        "Syncing…",
        "Failing: The server refused the password",
        "3 deletions need your confirmation",
    ]


def test_screen_readers_hear_both_lines(view):
    index = view.sorted.index(2, Column.NAME)
    spoken = index.data(Qt.ItemDataRole.AccessibleTextRole)
    assert spoken == "Weather, Failing: The server refused the password"
    recent = view.sorted.index(0, Column.RECENT).data(Qt.ItemDataRole.AccessibleTextRole)
    assert recent == "0 recent runs, 0 failed"


@pytest.mark.usefixtures("qapp")
def test_what_blocks_a_run_is_said_where_its_time_is():
    model = EndpointsModel(clock)
    blocked = endpoint("a", state="blocked", blocked_by="metered network", next_due=NOW)
    model.set_snapshot(shown(blocked))
    index = model.index(0, Column.NEXT)
    assert (index.data(), index.data(SECOND_LINE)) == ("Due now", "metered network")
    model.set_snapshot(shown(blocked, paused=True))
    assert index.data(SECOND_LINE) == "Paused until you resume"


def test_time_goes_on(qtbot):
    now = [NOW]
    model = EndpointsModel(lambda: now[0])
    model.set_snapshot(shown(endpoint("a", next_due=NOW + timedelta(minutes=5))))
    index = model.index(0, Column.NEXT)
    assert index.data(SECOND_LINE) == "in 5 min"
    now[0] += timedelta(minutes=2)
    with qtbot.waitSignal(model.dataChanged):
        model.tick()
    assert index.data(SECOND_LINE) == "in 3 min"


def test_the_first_endpoint_is_chosen_at_the_start(view):
    assert view.current().id == "issues"
    assert view.panel.isVisible()


def test_the_choice_outlives_new_snapshots(view, backend):
    view.choose("weather")
    backend.show(shown(failing("weather"), endpoint("issues"), endpoint("new")))
    assert view.current().id == "weather"
    backend.show(shown(endpoint("issues"), endpoint("new")))
    assert view.current().id in ("issues", "new")
    backend.show(shown())
    assert view.current() is None
    assert not view.panel.isVisible()


def test_sync_now_and_stop(view, backend):
    press(view, "panelSync")
    view.choose("orders")
    press(view, "panelStop")
    assert backend.called("sync_now") == [(("issues",), False)]
    assert backend.called("stop") == [("orders",)]


@pytest.mark.parametrize(
    ("id", "key", "modifier", "call"),
    [
        ("issues", Qt.Key.Key_F5, Qt.KeyboardModifier.NoModifier, ("sync_now", ("issues",), False)),
        ("issues", Qt.Key.Key_F5, Qt.KeyboardModifier.ShiftModifier, ("sync_now", ("issues",), True)),
        ("orders", Qt.Key.Key_Escape, Qt.KeyboardModifier.ShiftModifier, ("stop", "orders")),
    ],
)
def test_the_same_by_keyboard(view, backend, qtbot, id, key, modifier, call):
    view.choose(id)
    view.activateWindow()
    view.table.setFocus()
    qtbot.keyClick(view.table, key, modifier)
    assert call in backend.calls


def test_progress_is_shown_in_place(view, backend):
    view.choose("orders")
    assert view.panel.progress.isVisible()
    assert view.panel.progress.maximum() == 0
    backend.show_endpoint(running("orders", records=500, total=1000))
    assert view.panel.progress.value() * 2 == view.panel.progress.maximum()
    backend.show_endpoint(endpoint("orders"))
    assert not view.panel.progress.isVisible()


def test_a_problem_is_told_in_full(view):
    view.choose("weather")
    assert view.panel.banner.title == str(REFUSED.title)
    assert str(REFUSED.next) in view.panel.banner.accessibleName()
    view.choose("issues")
    assert view.panel.banner.title == ""


@pytest.mark.parametrize("action", ["enter_secret", "sign_in", "allow_secret", "edit_field"])
def test_what_the_editor_mends_opens_the_editor(view, backend, qtbot, action):
    backend.show_endpoint(endpoint("weather", state="failing", problem=REFUSED._replace(action=action)))
    view.choose("weather")
    with qtbot.waitSignal(view.edit_requested) as edited:
        press(view, "problemAction")
    assert edited.args == ["weather"]


@pytest.mark.parametrize(
    ("action", "call"),
    [
        ("retry", ("sync_now", ("weather",), False)),
        ("edit_settings_file", ("open_settings_file",)),
        ("open_data_folder", ("open_data_folder",)),
    ],
)
def test_other_problems_have_the_button_that_mends_them(view, backend, action, call):
    backend.show_endpoint(endpoint("weather", state="failing", problem=REFUSED._replace(action=action)))
    view.choose("weather")
    press(view, "problemAction")
    assert call in backend.calls


def test_a_problem_that_no_button_mends_has_none(view):
    view.choose("weather")
    assert view.findChild(QPushButton, "problemAction") is None


def test_a_retry_is_announced_with_its_time(view, backend):
    due = NOW + timedelta(minutes=34)
    backend.show_endpoint(endpoint("weather", state="failing", problem=REFUSED, attempts=1, next_due=due))
    view.choose("weather")
    facts = view.findChild(QLabel, "panelFacts").text()
    assert "retrying at" in facts
    assert due.astimezone().strftime("%H:%M") in facts


@pytest.mark.parametrize(("button", "apply"), [("heldApply", True), ("heldKeep", False)])
def test_held_deletions_are_decided_here(view, backend, button, apply):
    view.choose("people")
    assert view.panel.banner.title == "3 deletions need your confirmation"
    press(view, button)
    assert backend.called("resolve_held") == [("people", apply)]
    backend.show_endpoint(endpoint("people"))
    assert view.panel.banner.title == ""


def test_the_banner_is_not_rebuilt_by_each_snapshot(view, backend):
    """A button replaced between press and release would swallow the click."""
    view.choose("people")
    button = view.findChild(QPushButton, "heldApply")
    backend.show_endpoint(held("people"))
    backend.show_endpoint(endpoint("issues", rows=11))
    assert button.isVisible()


def test_edit_and_open_data(view, qtbot):
    view.choose("people")
    with qtbot.waitSignal(view.edit_requested) as edited:
        press(view, "panelEdit")
    with qtbot.waitSignal(view.data_requested) as opened:
        press(view, "panelData")
    assert (edited.args, opened.args) == (["people"], ["people"])


@pytest.mark.qt_log_ignore("grabbing the keyboard")
def test_the_context_menu(view):
    view.choose("orders")
    view.table.customContextMenuRequested.emit(view.table.visualRect(view.table.currentIndex()).center())
    menu = view.findChild(QMenu, "endpointMenu")
    entries = {action.text().replace("&", ""): action.isEnabled() for action in menu.actions() if action.text()}
    assert entries == {
        "Sync now": False,
        "Full sync": True,
        "Stop": True,
        "Open data": True,
        "Edit…": True,
        "Enabled": True,
    }
    menu.close()


def test_enabling_and_disabling_is_saved(view, backend):
    endpoints = (Endpoint(url="http://a", id="issues"), Endpoint(url="http://b", id="b"))
    backend.change_settings(Settings(endpoint=endpoints))
    view.choose("issues")
    view.enable_action.trigger()
    ((saved, secrets, dropped),) = backend.called("save")
    assert [endpoint.enabled for endpoint in saved.endpoint] == [False, True]
    assert (secrets, dropped) == ({}, ())


def test_filter_and_choose(view, qtbot):
    qtbot.keyClicks(view.filter, "peo")
    assert column(view, Column.NAME) == ["People"]
    view.choose("weather")
    assert view.filter.text() == ""
    assert view.current().id == "weather"


def test_tags_are_shown_and_found(view, backend):
    backend.show(shown(endpoint("issues", tags=("daily", "work")), endpoint("orders")))
    assert view.sorted.index(0, Column.NAME).data(SECOND_LINE) == "Up to date · daily · work"
    assert "tags: daily, work" in view.panel.findChild(QLabel, "panelFacts").text()
    view.filter.setText("work")
    assert column(view, Column.NAME) == ["Issues"]


def test_a_full_sync_can_be_asked_for_while_a_run_goes_on(view, backend):
    view.choose("orders")
    view.full_action.trigger()
    assert backend.called("sync_now") == [(("orders",), True)]


def test_sorting_keeps_to_the_settings_order_until_asked(view):
    view.table.sortByColumn(Column.NAME, Qt.SortOrder.AscendingOrder)
    assert column(view, Column.NAME) == ["Issues", "Orders", "People", "Weather"]
    view.table.sortByColumn(Column.RECENT, Qt.SortOrder.AscendingOrder)
    assert column(view, Column.NAME)[0] == "Weather"
    view.table.sortByColumn(-1, Qt.SortOrder.AscendingOrder)
    assert column(view, Column.NAME) == ["Issues", "Orders", "Weather", "People"]


def test_every_state_paints(view, backend):
    """Chosen or not, on light and dark, with and without recent runs."""
    states = [
        endpoint("blocked", state="blocked", blocked_by="offline"),
        endpoint("disabled", state="disabled", enabled=False),
        endpoint("never", last_attempt=None, last_success=None, rows=None),
        endpoint("runs", recent=("succeeded", "failed", "held", "stopped", "strange")),
    ]
    backend.show(shown(*MIXED.endpoints, *states))
    picture = view.table.viewport().grab().toImage()
    assert len({picture.pixelColor(x, y).name() for x in range(0, picture.width(), 3) for y in range(0, 250, 3)}) > 8


@pytest.mark.usefixtures("qapp")
def test_the_model_keeps_qts_rules():
    model = EndpointsModel(clock)
    tester = QAbstractItemModelTester(model)
    model.set_snapshot(MIXED)
    model.set_snapshot(shown(*reversed(MIXED.endpoints)))
    assert model.index(0, 0).data(STATUS).id == "people"
    assert tester


def test_ten_thousand_endpoints_open_quickly_and_update_cheaply(backend, qtbot):
    many = [endpoint(f"e{number}") for number in range(10_000)]
    backend.show(shown(*many))
    views = []

    def opened():
        view = EndpointsView(backend, clock)
        qtbot.addWidget(view)
        views.append(view)
        view.resize(900, 600)
        view.show()
        view.table.viewport().repaint()

    assert quickest_cpu(opened, 0.3) < 0.3
    view = views.pop()
    for other in views:
        other.close()
        other.deleteLater()
    resets = []
    view.model.modelReset.connect(lambda: resets.append(1))
    view.choose("e5000")
    snapshots = []
    for pages in range(TRIES):
        many[3] = running("e3", pages=pages)
        snapshots.append(shown(*many))
    left = iter(snapshots)
    assert quickest_cpu(lambda: backend.show(next(left)), 0.05) < 0.05
    assert view.current().id == "e5000"
    assert not resets


def test_rows_are_chosen_whole(view):
    rows = QItemSelectionModel.SelectionFlag.Rows
    assert rows
    assert len(view.table.selectionModel().selectedRows()) == 1
