"""Choosing a preset in the endpoint editor, worked by keys and mouse."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QDialogButtonBox, QLabel, QLineEdit
from pytestqt.qtbot import QtBot

from tests.ui.fake_backend import FakeBackend
from trayapp.endpoints.presets import load_presets
from trayapp.endpoints.units import Duration
from trayapp.ui.editor.editor import EndpointEditor
from trayapp.ui.editor.preset_dialog import PresetDialog

LEFT = Qt.MouseButton.LeftButton


def open_editor(qtbot: QtBot, backend: FakeBackend) -> EndpointEditor:
    editor = EndpointEditor(backend)
    qtbot.addWidget(editor)
    editor.open()
    qtbot.waitExposed(editor)
    return editor


def open_presets(qtbot: QtBot, editor: EndpointEditor) -> PresetDialog:
    qtbot.mouseClick(editor.preset_button, LEFT)
    dialog = editor.findChild(PresetDialog)
    assert dialog is not None
    qtbot.waitExposed(dialog)
    return dialog


def choose(qtbot: QtBot, dialog: PresetDialog, title: str) -> None:
    box = dialog.findChild(QComboBox, "presetChoice")
    assert box is not None
    box.setFocus()
    qtbot.keyClick(box, Qt.Key.Key_Home)
    while box.currentText() != title:
        before = box.currentIndex()
        qtbot.keyClick(box, Qt.Key.Key_Down)
        assert box.currentIndex() != before


def write(qtbot: QtBot, dialog: PresetDialog, name: str, text: str) -> None:
    edit = dialog.findChild(QLineEdit, f"preset_{name}")
    assert edit is not None
    edit.setFocus()
    edit.selectAll()
    qtbot.keyClicks(edit, text)


def accept(qtbot: QtBot, dialog: PresetDialog) -> None:
    qtbot.mouseClick(dialog.buttons.button(QDialogButtonBox.StandardButton.Ok), LEFT)


def test_a_preset_becomes_an_endpoint(qtbot: QtBot, backend: FakeBackend) -> None:
    editor = open_editor(qtbot, backend)
    dialog = open_presets(qtbot, editor)
    choose(qtbot, dialog, "GitHub issues")
    write(qtbot, dialog, "owner", "acme")
    write(qtbot, dialog, "repo", "anvil works")
    accept(qtbot, dialog)
    assert editor.form.url.text().startswith("https://api.github.com/repos/acme/anvil%20works/issues?")
    assert editor.form.name.text() == "anvil works issues"
    assert editor.form.is_changed()
    qtbot.mouseClick(editor.test_button, LEFT)
    qtbot.waitUntil(lambda: editor.save_button.isEnabled())
    with qtbot.waitSignal(editor.endpoint_saved):
        qtbot.mouseClick(editor.save_button, LEFT)
    (saved,) = backend.settings().endpoint
    assert (saved.id, saved.pages.kind, saved.table.key) == ("anvil_works_issues", "link", ("id",))
    assert saved.request.headers["X-GitHub-Api-Version"] == "2022-11-28"
    assert saved.incremental is not None, "what the form has no field for must not be lost"
    assert saved.incremental.param == "since"


def test_the_schedule_stays_as_it_was_chosen(qtbot: QtBot, backend: FakeBackend) -> None:
    editor = open_editor(qtbot, backend)
    unit = editor.form.findChild(QComboBox, "scheduleUnit")
    assert unit is not None
    unit.setFocus()
    qtbot.keyClick(unit, Qt.Key.Key_End)
    dialog = open_presets(qtbot, editor)
    choose(qtbot, dialog, "Open-Meteo forecast")
    write(qtbot, dialog, "latitude", "50.1")
    write(qtbot, dialog, "longitude", "8.7")
    accept(qtbot, dialog)
    endpoint = editor.form.endpoint()
    assert endpoint is not None
    assert endpoint.every == Duration(86400)
    assert endpoint.table.mode == "upsert"


def test_what_is_missing_or_wrong_is_told_and_the_dialog_stays(qtbot: QtBot, backend: FakeBackend) -> None:
    editor = open_editor(qtbot, backend)
    dialog = open_presets(qtbot, editor)
    choose(qtbot, dialog, "Shopify")
    problem = dialog.findChild(QLabel, "presetProblem")
    assert problem is not None
    accept(qtbot, dialog)
    assert dialog.isVisible()
    assert "The shop's name" in problem.text()
    assert dialog.focusWidget().objectName() == "preset_shop"
    write(qtbot, dialog, "shop", "evil.example/")
    accept(qtbot, dialog)
    assert dialog.isVisible()
    assert "can't be part of a server's name" in problem.text()


def test_every_preset_shows_what_it_asks_for(qtbot: QtBot, backend: FakeBackend) -> None:
    editor = open_editor(qtbot, backend)
    dialog = open_presets(qtbot, editor)
    for preset in load_presets():
        choose(qtbot, dialog, preset.title)
        description = dialog.findChild(QLabel, "presetDescription")
        assert description is not None
        assert preset.description in description.text()
        assert preset.secret in description.text()
        for placeholder in preset.placeholders:
            edits = [each for each in dialog.findChildren(QLineEdit, f"preset_{placeholder.name}") if each.isVisible()]
            assert [edit.text() for edit in edits] == [placeholder.default]
            assert edits[0].placeholderText() == placeholder.example
            assert edits[0].accessibleName()


def test_an_endpoint_that_exists_has_no_preset_button(qtbot: QtBot, backend: FakeBackend) -> None:
    from trayapp.endpoints.model import Endpoint
    from trayapp.endpoints.naming import completed

    editor = EndpointEditor(backend, completed(Endpoint(url="https://api.example.test/items")))
    qtbot.addWidget(editor)
    editor.open()
    qtbot.waitExposed(editor)
    assert not editor.preset_button.isVisible()
