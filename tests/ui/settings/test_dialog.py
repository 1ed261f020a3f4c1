"""The settings dialog, worked by keys and mouse."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QAbstractButton, QCheckBox, QComboBox, QLabel, QLineEdit, QMessageBox
from pytestqt.qtbot import QtBot

from tests.problems import problem
from tests.ui.fake_backend import FakeBackend
from trayapp.endpoints.model import After, Auth, Endpoint, General, Settings
from trayapp.endpoints.schedule import Every, schedule_of
from trayapp.endpoints.settings import complete
from trayapp.endpoints.units import Duration, TimeOfDay
from trayapp.schedule.engine.snapshot import EndpointStatus, Snapshot
from trayapp.ui.editor.edits import with_endpoint
from trayapp.ui.settings.dialog import SettingsDialog
from trayapp.ui.settings.endpoints_page import FrequencyDialog
from trayapp.ui.widgets.unsaved import ConflictQuestion

LEFT = Qt.MouseButton.LeftButton
A, B = Endpoint(url="https://api.test/a", auth=Auth(kind="bearer")), Endpoint(url="https://api.test/b")
SETTINGS = complete(Settings(endpoint=(A, B)))


@pytest.fixture
def backend(qtbot: QtBot) -> FakeBackend:
    assert qtbot
    statuses = (
        EndpointStatus(id="a", name="a", table="a", state="enqueued"),
        EndpointStatus(id="b", name="b", table="b", state="failing"),
    )
    return FakeBackend(SETTINGS, Snapshot(endpoints=statuses))


@pytest.fixture
def dialog(qtbot: QtBot, backend: FakeBackend) -> Iterator[SettingsDialog]:
    dialog = SettingsDialog(backend)
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.waitExposed(dialog)
    yield dialog
    dialog.endpoints.set_settings(backend.settings())  # so that the end of the test does not ask


def click(qtbot: QtBot, button: QAbstractButton) -> None:
    assert button.isEnabled()
    qtbot.mouseClick(button, LEFT)


def question(qtbot: QtBot, dialog: SettingsDialog, name: str) -> QMessageBox:
    qtbot.waitUntil(lambda: any(not box.isHidden() for box in dialog.findChildren(QMessageBox, name)))
    return next(box for box in dialog.findChildren(QMessageBox, name) if not box.isHidden())


def names(dialog: SettingsDialog) -> list[str]:
    return [dialog.endpoints.list.topLevelItem(row).text(0) for row in range(dialog.endpoints.list.topLevelItemCount())]


def row(dialog: SettingsDialog, at: int) -> list[str]:
    return [dialog.endpoints.list.topLevelItem(at).text(column) for column in range(4)]


def apply(qtbot: QtBot, dialog: SettingsDialog) -> None:
    with qtbot.waitSignal(dialog._backend.saved):
        click(qtbot, dialog.apply_button)


def test_the_list_shows_state_frequency_and_table(dialog: SettingsDialog) -> None:
    assert row(dialog, 0) == ["a", "waiting", "every hour", "a"]
    assert row(dialog, 1) == ["b", "failing", "every hour", "b"]


def test_the_list_follows_the_snapshot(dialog: SettingsDialog, backend: FakeBackend) -> None:
    backend.show_endpoint(EndpointStatus(id="a", name="a", table="a", state="running"))
    assert row(dialog, 0)[1] == "running"


def test_nothing_is_written_before_apply(qtbot: QtBot, dialog: SettingsDialog, backend: FakeBackend) -> None:
    assert not dialog.apply_button.isEnabled()
    click(qtbot, dialog.endpoints.enabled)
    assert backend.called("save") == []
    apply(qtbot, dialog)
    assert [each.enabled for each in backend.settings().endpoint] == [False, True]
    assert not dialog.apply_button.isEnabled()
    assert dialog.isVisible()


def test_the_check_mark_in_the_list_enables_too(qtbot: QtBot, dialog: SettingsDialog, backend: FakeBackend) -> None:
    box = dialog.endpoints.list.visualItemRect(dialog.endpoints.list.topLevelItem(1))
    qtbot.mouseClick(dialog.endpoints.list.viewport(), LEFT, pos=QPoint(box.left() + 10, box.center().y()))
    apply(qtbot, dialog)
    assert [each.enabled for each in backend.settings().endpoint] == [True, False]


def test_the_frequency_is_changed_by_keys(qtbot: QtBot, dialog: SettingsDialog, backend: FakeBackend) -> None:
    box = dialog.endpoints.frequency
    assert box.currentText() == "every hour"
    box.setFocus()
    qtbot.keyClick(box, Qt.Key.Key_Home)
    assert row(dialog, 0)[2] == "every 5 minutes"
    with qtbot.waitSignal(backend.saved):
        click(qtbot, dialog.ok_button)
    assert backend.settings().endpoint[0].every == Duration(300)
    assert dialog.isHidden()


@pytest.mark.parametrize(
    ("fields", "shown", "after"),
    [
        ({}, "every hour", "every 5 minutes"),
        ({"every": Duration(7200)}, "every 2 hours", "every 5 minutes"),
        (
            {"every": Duration(3600), "flex": Duration(900)},
            "every hour, in the last 15 minutes of it",
            "every 5 minutes",
        ),
        (
            {"every": Duration(3600), "at_start": True},
            "every hour and at the program's start",
            "every 5 minutes and at the program's start",
        ),
        (
            {"cron": "0 9 * * 1-5", "watch": "~/in"},
            "on weekdays at 09:00 and when in changes",
            "every 5 minutes and when in changes",
        ),
        ({"after": After(endpoint="b")}, "after b", "every 5 minutes and after b"),
        ({"manual": True}, "manually", "every 5 minutes"),
    ],
    ids=str,
)
def test_a_quick_choice_changes_the_times_and_keeps_the_events(
    qtbot: QtBot, dialog: SettingsDialog, fields: dict[str, Any], shown: str, after: str
) -> None:
    page = dialog.endpoints
    before = msgspec.structs.replace(page.settings.endpoint[0], **fields)
    page.set_settings(with_endpoint(page.settings, before), frozenset())
    assert (page.frequency.currentText(), row(dialog, 0)[2]) == (shown, shown)
    page.frequency.setFocus()
    qtbot.keyClick(page.frequency, Qt.Key.Key_Home)
    assert (page.frequency.currentText(), row(dialog, 0)[2]) == (after, after)
    found = page.settings.endpoint[0]
    assert schedule_of(found) == Every(Duration(300))
    assert (found.at_start, found.watch, found.after) == (before.at_start, before.watch, before.after)


def test_any_frequency_can_be_typed(qtbot: QtBot, dialog: SettingsDialog, backend: FakeBackend) -> None:
    box = dialog.endpoints.frequency
    box.setFocus()
    qtbot.keyClick(box, Qt.Key.Key_End)
    asking = dialog.findChild(FrequencyDialog)
    assert asking is not None
    asking.editor.kind.setFocus()
    qtbot.keyClicks(asking.editor.kind, "At")
    ok = asking.buttons.button(asking.buttons.StandardButton.Ok)
    assert not ok.isEnabled()
    qtbot.keyClicks(asking.editor.at, "08:00, 13:30")
    click(qtbot, ok)
    assert row(dialog, 0)[2] == "at 08:00, 13:30"
    assert box.currentText() == "at 08:00, 13:30"
    apply(qtbot, dialog)
    saved = backend.settings().endpoint[0]
    assert (saved.at, saved.every) == ((TimeOfDay(8, 0), TimeOfDay(13, 30)), None)


def test_endpoints_are_reordered(qtbot: QtBot, dialog: SettingsDialog, backend: FakeBackend) -> None:
    assert not dialog.endpoints.up_button.isEnabled()
    click(qtbot, dialog.endpoints.down_button)
    assert names(dialog) == ["b", "a"]
    assert dialog.endpoints.selected_id() == "a"
    assert not dialog.endpoints.down_button.isEnabled()
    apply(qtbot, dialog)
    assert [each.id for each in backend.settings().endpoint] == ["b", "a"]


@pytest.mark.parametrize("drop", [False, True])
def test_an_endpoint_is_deleted_and_its_table_only_if_asked_for(
    qtbot: QtBot, dialog: SettingsDialog, backend: FakeBackend, drop: bool
) -> None:
    dialog.endpoints.list.setFocus()
    qtbot.keyClick(dialog.endpoints.list, Qt.Key.Key_Delete)
    box = question(qtbot, dialog, "askDelete")
    check = box.findChild(QCheckBox, "dropTable")
    assert not check.isChecked()
    if drop:
        qtbot.keyClick(check, Qt.Key.Key_Space)
    click(qtbot, box.button(QMessageBox.StandardButton.Yes))
    assert names(dialog) == ["b"]
    assert backend.called("save") == []
    apply(qtbot, dialog)
    settings, secrets, drop_tables = backend.called("save")[0]
    assert [each.id for each in settings.endpoint] == ["b"]
    assert (secrets, drop_tables) == ({}, ("a",) if drop else ())


def test_deleting_can_be_called_off(qtbot: QtBot, dialog: SettingsDialog) -> None:
    click(qtbot, dialog.endpoints.delete_button)
    box = question(qtbot, dialog, "askDelete")
    assert box.defaultButton() is box.button(QMessageBox.StandardButton.Cancel)
    qtbot.keyClick(box, Qt.Key.Key_Return)
    assert names(dialog) == ["a", "b"]
    assert not dialog.is_changed()


def test_an_endpoint_is_added_through_its_dialog(qtbot: QtBot, dialog: SettingsDialog, backend: FakeBackend) -> None:
    click(qtbot, dialog.endpoints.add_button)
    editor = dialog.editor
    assert editor is not None
    qtbot.keyClicks(editor.findChild(QLineEdit, "url"), "https://api.test/c")
    click(qtbot, editor.test_button)
    qtbot.waitUntil(lambda: editor.save_button.isEnabled())
    click(qtbot, editor.save_button)
    qtbot.waitUntil(lambda: names(dialog) == ["a", "b", "c"])
    assert dialog.endpoints.selected_id() == "c"
    assert dialog.editor is None
    assert not dialog.is_changed()
    assert [each.id for each in backend.settings().endpoint] == ["a", "b", "c"]


def test_the_endpoint_dialog_saves_beside_unsaved_edits(
    qtbot: QtBot, dialog: SettingsDialog, backend: FakeBackend
) -> None:
    click(qtbot, dialog.endpoints.enabled)
    dialog.edit_endpoint("b")
    editor = dialog.editor
    assert editor is not None
    name = editor.findChild(QLineEdit, "name")
    name.selectAll()
    qtbot.keyClicks(name, "Renamed")
    click(qtbot, editor.save_button)
    qtbot.waitUntil(lambda: names(dialog) == ["a", "Renamed"])
    assert [each.enabled for each in backend.settings().endpoint] == [True, True]
    assert dialog.banner.title == ""
    assert dialog.is_changed()
    apply(qtbot, dialog)
    assert [(each.name, each.enabled) for each in backend.settings().endpoint] == [("a", False), ("Renamed", True)]


def test_return_in_the_list_edits(qtbot: QtBot, dialog: SettingsDialog) -> None:
    dialog.endpoints.list.setFocus()
    qtbot.keyClick(dialog.endpoints.list, Qt.Key.Key_Down)
    qtbot.keyClick(dialog.endpoints.list, Qt.Key.Key_Return)
    assert dialog.editor is not None
    assert dialog.editor.findChild(QLineEdit, "url").text() == B.url


def test_a_duplicate_is_new_and_its_secret_is_typed_again(qtbot: QtBot, dialog: SettingsDialog) -> None:
    click(qtbot, dialog.endpoints.duplicate_button)
    editor = dialog.editor
    assert editor is not None
    assert editor.windowTitle() == "Add endpoint"
    assert editor.findChild(QLineEdit, "name").text() == "a (copy)"
    assert editor.findChild(QLineEdit, "authSecret").placeholderText() == ""
    assert not editor.save_button.isEnabled()


@pytest.mark.parametrize("field", ["table.name", "limits.run"])
def test_the_editor_opens_with_the_problem_that_names_a_setting(
    dialog: SettingsDialog, backend: FakeBackend, field: str
) -> None:
    told = problem("It failed", "That is why.", "Mend it.", field)
    backend.show_endpoint(EndpointStatus(id="b", name="b", table="b", state="failing", problem=told))
    dialog.edit_endpoint("b")
    assert dialog.editor is not None
    shown = [label.text() for label in dialog.editor.findChildren(QLabel)]
    assert any("That is why." in text for text in shown)


def test_an_unknown_endpoint_is_not_edited(dialog: SettingsDialog) -> None:
    dialog.edit_endpoint("zzz")
    assert dialog.editor is None


def test_general_choices_are_saved(qtbot: QtBot, dialog: SettingsDialog, backend: FakeBackend) -> None:
    dialog.show_page("general")
    page = dialog.general
    qtbot.keyClick(page.login, Qt.Key.Key_Space)
    qtbot.keyClick(page.background, Qt.Key.Key_Space)
    qtbot.keyClick(page.notifications, Qt.Key.Key_End)
    qtbot.keyClick(page.theme, Qt.Key.Key_End)
    page.history.selectAll()
    qtbot.keyClicks(page.history, "7")
    page.runs.selectAll()
    qtbot.keyClicks(page.runs, "500")
    apply(qtbot, dialog)
    assert backend.settings().general == General(
        start_at_login=False,
        background=True,
        notifications="none",
        theme="dark",
        keep_history=Duration(7 * 86400),
        keep_runs=500,
    )


def test_sync_now_can_be_made_to_ask_again(qtbot: QtBot, dialog: SettingsDialog, backend: FakeBackend) -> None:
    dialog.show_page("general")
    page = dialog.general
    assert not page.ask_again.isEnabled()
    backend.change_settings(Settings(general=General(sync_anyway=("metered", "hours"), keep_runs=3)))
    assert "metered networks, times of day" in page.asking.hint.text()
    click(qtbot, page.ask_again)
    assert "Asks before" in page.asking.hint.text()
    apply(qtbot, dialog)
    assert backend.settings().general == General(keep_runs=3)


def test_storage_says_where_the_data_is(qtbot: QtBot, backend: FakeBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend, "data_file", lambda: Path("/data/traysync.db"))
    dialog = SettingsDialog(backend)
    qtbot.addWidget(dialog)
    dialog.show_page("storage")
    assert dialog.findChild(QLineEdit, "dataFile").text() == "/data/traysync.db"
    click(qtbot, dialog.storage.open_button)
    assert backend.called("open_data_folder") == [()]


def test_pages_are_chosen_by_keys(qtbot: QtBot, dialog: SettingsDialog) -> None:
    dialog.pages.setFocus()
    for page in (dialog.general, dialog.storage):
        qtbot.keyClick(dialog.pages, Qt.Key.Key_Down)
        assert page.isVisible()
    qtbot.keyClick(dialog.pages, Qt.Key.Key_Down)
    assert dialog.findChild(QLabel, "version").isVisible()


def test_cancel_takes_the_edits_back(qtbot: QtBot, dialog: SettingsDialog, backend: FakeBackend) -> None:
    click(qtbot, dialog.endpoints.enabled)
    click(qtbot, dialog.cancel_button)
    assert dialog.isHidden()
    assert not dialog.is_changed()
    assert backend.called("save") == []
    dialog.show()
    assert dialog.endpoints.enabled.isChecked()


def test_escape_asks_before_edits_are_lost(qtbot: QtBot, dialog: SettingsDialog, backend: FakeBackend) -> None:
    click(qtbot, dialog.endpoints.enabled)
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert dialog.isVisible()
    with qtbot.waitSignal(backend.saved):
        click(qtbot, question(qtbot, dialog, "askSave").button(QMessageBox.StandardButton.Save))
    assert dialog.isHidden()
    assert not backend.settings().endpoint[0].enabled


def test_escape_closes_when_there_is_nothing_to_save(qtbot: QtBot, dialog: SettingsDialog) -> None:
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert dialog.isHidden()


def test_a_failure_to_save_loses_nothing(qtbot: QtBot, dialog: SettingsDialog, backend: FakeBackend) -> None:
    backend.save_answer = problem("The disk is full", "Nothing was written.", "Make room.")
    click(qtbot, dialog.endpoints.enabled)
    with qtbot.waitSignal(backend.saved):
        click(qtbot, dialog.ok_button)
    assert dialog.isVisible()
    assert dialog.banner.title == "The disk is full"
    assert "Make room." in dialog.banner.accessibleName()
    assert dialog.is_changed()
    backend.save_answer = None
    with qtbot.waitSignal(backend.saved):
        click(qtbot, dialog.ok_button)
    assert dialog.isHidden()


def test_a_failure_that_names_a_field_is_shown_there(
    qtbot: QtBot, dialog: SettingsDialog, backend: FakeBackend
) -> None:
    backend.save_answer = problem("It can't be used", "Not now.", "Choose another.", "general.theme")
    click(qtbot, dialog.endpoints.enabled)
    apply(qtbot, dialog)
    assert dialog.general.isVisible()
    assert "Not now" in dialog.general.theme.accessibleDescription()
    assert dialog.banner.title == ""


def test_a_change_elsewhere_is_shown_at_once_when_nothing_was_edited(
    dialog: SettingsDialog, backend: FakeBackend
) -> None:
    backend.change_settings(complete(Settings(general=General(theme="dark"), endpoint=(B,))))
    assert names(dialog) == ["b"]
    assert dialog.general.theme.currentData() == "dark"
    assert not dialog.is_changed()


def elsewhere(backend: FakeBackend, settings: Settings, noticed: bool = True) -> None:
    """Another program changes the settings; unless `noticed`, nobody tells the window."""
    backend.blockSignals(not noticed)
    backend.change_settings(settings)
    backend.blockSignals(False)


def asked(qtbot: QtBot, dialog: SettingsDialog) -> ConflictQuestion:
    qtbot.waitUntil(lambda: any(each.isVisible() for each in dialog.findChildren(ConflictQuestion)))
    return next(each for each in dialog.findChildren(ConflictQuestion) if each.isVisible())


def test_other_changes_elsewhere_join_the_edits(qtbot: QtBot, dialog: SettingsDialog, backend: FakeBackend) -> None:
    click(qtbot, dialog.endpoints.enabled)
    renamed = msgspec.structs.replace(SETTINGS.endpoint[0], name="Theirs")
    more = Endpoint(url="https://api.test/c")
    elsewhere(
        backend, complete(Settings(general=General(theme="dark"), endpoint=(renamed, SETTINGS.endpoint[1], more)))
    )
    assert names(dialog) == ["Theirs", "b", "c"]
    assert dialog.general.theme.currentData() == "dark"
    assert not dialog.endpoints.enabled.isChecked()
    assert dialog.banner.title == "The settings were changed elsewhere"
    assert dialog.is_changed()
    apply(qtbot, dialog)
    assert dialog.banner.title == ""
    assert [(each.name, each.enabled) for each in backend.settings().endpoint] == [
        ("Theirs", False),
        ("b", True),
        ("c", True),
    ]
    assert backend.settings().general.theme == "dark"


def test_a_pending_removal_takes_the_table_along_after_a_change_elsewhere(
    qtbot: QtBot, dialog: SettingsDialog, backend: FakeBackend
) -> None:
    dialog.endpoints._delete("a", drop_table=True)
    elsewhere(backend, complete(msgspec.structs.replace(SETTINGS, general=General(theme="dark"))))
    assert names(dialog) == ["b"]
    apply(qtbot, dialog)
    assert backend.called("save")[0][2] == ("a",)


@pytest.mark.parametrize("noticed", [False, True])
@pytest.mark.parametrize("mine", [False, True])
def test_a_conflict_is_asked_about_on_saving(
    qtbot: QtBot, dialog: SettingsDialog, backend: FakeBackend, mine: bool, noticed: bool
) -> None:
    click(qtbot, dialog.endpoints.enabled)
    elsewhere(backend, complete(Settings(endpoint=(B,))), noticed)
    assert names(dialog) == ["a", "b"]
    assert (dialog.banner.title == "The settings were changed elsewhere") is noticed
    click(qtbot, dialog.ok_button)
    question = asked(qtbot, dialog)
    assert [each.id for each in backend.settings().endpoint] == ["b"], "nothing is saved yet"
    assert dialog.isVisible()
    item = question.values.topLevelItem(0)
    assert [item.text(column) for column in range(4)] == ["a", "Whole endpoint", "changed", "removed"]
    with qtbot.waitSignal(backend.saved):
        click(qtbot, question.keep_button if mine else question.other_button)
    assert [each.id for each in backend.settings().endpoint] == (["a", "b"] if mine else ["b"])
    assert dialog.isHidden()
    assert not dialog.is_changed()


def test_a_conflict_shows_both_values_and_can_be_put_off(
    qtbot: QtBot, dialog: SettingsDialog, backend: FakeBackend
) -> None:
    dialog.general.theme.setCurrentIndex(2)
    elsewhere(backend, msgspec.structs.replace(SETTINGS, general=General(theme="light", notifications="none")))
    click(qtbot, dialog.apply_button)
    question = asked(qtbot, dialog)
    item = question.values.topLevelItem(0)
    assert [item.text(column) for column in range(4)] == ["", "general.theme", "dark", "light"]
    assert question.values.topLevelItemCount() == 1
    qtbot.keyClick(question, Qt.Key.Key_Escape)
    assert dialog.is_changed()
    assert backend.settings().general.theme == "light"
    click(qtbot, dialog.apply_button)
    with qtbot.waitSignal(backend.saved):
        click(qtbot, asked(qtbot, dialog).keep_button)
    assert backend.settings().general == General(theme="dark", notifications="none")
    assert dialog.isVisible()


def test_nothing_closes_it_while_it_saves(qtbot: QtBot, dialog: SettingsDialog, backend: FakeBackend) -> None:
    click(qtbot, dialog.endpoints.enabled)
    dialog.apply()
    assert not dialog.ok_button.isEnabled()
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    dialog.apply()
    assert dialog.isVisible()
    qtbot.waitUntil(lambda: dialog.ok_button.isEnabled())
    assert len(backend.called("save")) == 1
    assert dialog.findChildren(QMessageBox) == []


def test_the_same_change_made_elsewhere_is_no_conflict(
    qtbot: QtBot, dialog: SettingsDialog, backend: FakeBackend
) -> None:
    click(qtbot, dialog.endpoints.enabled)
    backend.change_settings(dialog.edited())
    assert not dialog.is_changed()
    assert not dialog.apply_button.isEnabled()
    assert dialog.banner.title == ""


def test_a_combo_box_of_an_empty_list_is_off(qtbot: QtBot) -> None:
    dialog = SettingsDialog(FakeBackend())
    qtbot.addWidget(dialog)
    dialog.show()
    assert not dialog.findChild(QComboBox, "endpointFrequency").isEnabled()
    assert not dialog.endpoints.edit_button.isEnabled()
    assert dialog.endpoints.empty.isVisible()
