"""The endpoint editor, worked by keys and mouse."""

from pathlib import Path

import msgspec
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QComboBox,
    QFileDialog,
    QLabel,
    QLineEdit,
    QMessageBox,
    QWidget,
)
from pytestqt.qtbot import QtBot

from tests.problems import problem
from tests.ui.fake_backend import FakeBackend, good_preview
from trayapp.endpoints.model import Auth, Endpoint, Limits, Request, Settings, Table
from trayapp.endpoints.settings import complete
from trayapp.endpoints.units import Duration
from trayapp.store.mirror.schema import HASH_KEY
from trayapp.ui.editor.editor import EndpointEditor
from trayapp.ui.editor.key_value_editor import KeyValueEditor
from trayapp.ui.widgets.unsaved import ConflictQuestion

SECRET = "hunter2-and-more"
URL = "https://api.example.test/v1/items"
LEFT = Qt.MouseButton.LeftButton


def open_editor(qtbot: QtBot, backend: FakeBackend, id: str = "") -> EndpointEditor:
    endpoint = backend.settings().find(id) if id else None
    editor = EndpointEditor(backend, endpoint)
    qtbot.addWidget(editor)
    editor.open()
    qtbot.waitExposed(editor)
    return editor


def field(editor: QWidget, name: str) -> QLineEdit:
    found = editor.findChild(QLineEdit, name)
    assert found is not None
    return found


def write(qtbot: QtBot, edit: QLineEdit, text: str) -> None:
    edit.setFocus()
    edit.selectAll()
    qtbot.keyClicks(edit, text)


def choose(qtbot: QtBot, editor: QWidget, name: str, text: str) -> None:
    """Pick a combo box's entry by its keys."""
    box = editor.findChild(QComboBox, name)
    assert box is not None
    box.setFocus()
    qtbot.keyClick(box, Qt.Key.Key_Home)
    while box.currentText() != text:
        before = box.currentIndex()
        qtbot.keyClick(box, Qt.Key.Key_Down)
        assert box.currentIndex() != before, f"no {text!r} in {name}"


def write_pair(qtbot: QtBot, editor: KeyValueEditor, name: str, value: str) -> None:
    """Add a row to a table of names and values."""
    click(qtbot, editor.add_button)
    cell = editor.table.findChild(QLineEdit)
    assert cell is not None
    qtbot.keyClicks(cell, name)
    qtbot.keyClick(cell, Qt.Key.Key_Return)
    item = editor.table.item(editor.table.rowCount() - 1, 1)
    assert item is not None
    item.setText(value)
    QApplication.sendPostedEvents()


def click(qtbot: QtBot, button: QAbstractButton) -> None:
    qtbot.mouseClick(button, LEFT)


def problem_of(editor: QWidget, path: str) -> str:
    label = editor.findChild(QLabel, f"{path.replace('.', '_')}_problem")
    assert label is not None
    return "" if label.isHidden() else label.text()


def question(qtbot: QtBot, editor: QWidget, name: str) -> QMessageBox:
    qtbot.waitUntil(lambda: any(not box.isHidden() for box in editor.findChildren(QMessageBox, name)))
    return next(box for box in editor.findChildren(QMessageBox, name) if not box.isHidden())


def run_test(qtbot: QtBot, editor: EndpointEditor) -> None:
    click(qtbot, editor.test_button)
    qtbot.waitUntil(lambda: not editor.is_testing)


def stored(*endpoints: Endpoint) -> FakeBackend:
    return FakeBackend(complete(Settings(endpoint=endpoints)))


def test_an_endpoint_is_added_after_its_test(qtbot: QtBot, backend: FakeBackend) -> None:
    editor = open_editor(qtbot, backend)
    assert not editor.save_button.isEnabled()
    write(qtbot, field(editor, "url"), URL)
    assert field(editor, "name").placeholderText() == "items"
    assert field(editor, "tableName").placeholderText() == "items"
    run_test(qtbot, editor)
    assert editor.save_button.isEnabled()
    assert editor.save_button.isDefault()
    with qtbot.waitSignal(editor.endpoint_saved):
        click(qtbot, editor.save_button)
    (saved,) = backend.settings().endpoint
    assert (saved.url, saved.id, saved.name, saved.table.name) == (URL, "items", "items", "items")
    assert (saved.response.records, saved.pages.kind, saved.table.key) == ("items", "link", ("id",))
    assert editor.isHidden()


def test_return_in_the_address_starts_the_test(qtbot: QtBot, backend: FakeBackend) -> None:
    editor = open_editor(qtbot, backend)
    write(qtbot, field(editor, "url"), URL)
    qtbot.keyClick(field(editor, "url"), Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: editor.save_button.isEnabled())


def test_the_test_shows_evidence_rows_and_requests(qtbot: QtBot, backend: FakeBackend) -> None:
    editor = open_editor(qtbot, backend)
    write(qtbot, field(editor, "url"), URL)
    run_test(qtbot, editor)
    summary = editor.preview.summary.text()
    assert "2 records at “items”" in summary
    assert "by the Link header" in summary
    assert "The second page holds other records than the first." in summary
    assert "Key: id" in summary
    rows = editor.preview.rows.model()
    assert [rows.headerData(column, Qt.Orientation.Horizontal) for column in range(3)] == ["id", "title", "updated_at"]
    assert rows.index(1, 1).data() == "Second"
    requests = editor.preview.requests.model()
    assert [requests.index(0, column).data() for column in range(5)] == ["200", "0.12", "512", "GET", URL]


def test_warnings_are_shown(qtbot: QtBot, backend: FakeBackend) -> None:
    backend.preview_answer = msgspec.structs.replace(
        good_preview(Endpoint(url=URL)),
        key=(HASH_KEY,),
        evidence="unproven",
        warnings=("No field tells records apart.",),
    )
    editor = open_editor(qtbot, backend)
    write(qtbot, field(editor, "url"), URL)
    run_test(qtbot, editor)
    assert "No field tells records apart." in editor.preview.warnings.text()
    assert "(not proven)" in editor.preview.summary.text()
    assert "Key: the whole record" in editor.preview.summary.text()


def test_an_edit_after_the_test_needs_another_test(qtbot: QtBot, backend: FakeBackend) -> None:
    editor = open_editor(qtbot, backend)
    write(qtbot, field(editor, "url"), URL)
    run_test(qtbot, editor)
    write(qtbot, field(editor, "url"), URL + "2")
    assert not editor.save_button.isEnabled()
    assert "changed since this test" in editor.test_state.text()
    write(qtbot, field(editor, "url"), URL)
    assert editor.save_button.isEnabled()


def test_name_and_schedule_may_change_after_the_test(qtbot: QtBot, backend: FakeBackend) -> None:
    editor = open_editor(qtbot, backend)
    write(qtbot, field(editor, "url"), URL)
    run_test(qtbot, editor)
    write(qtbot, field(editor, "name"), "My items")
    choose(qtbot, editor, "scheduleUnit", "minutes")
    assert editor.save_button.isEnabled()
    with qtbot.waitSignal(editor.endpoint_saved):
        click(qtbot, editor.save_button)
    (saved,) = backend.settings().endpoint
    assert (saved.name, saved.id, saved.table.name, saved.every) == ("My items", "my_items", "my_items", Duration(60))
    assert saved.table.key == ("id",)


def test_what_the_user_says_wins_over_what_was_found(qtbot: QtBot, backend: FakeBackend) -> None:
    editor = open_editor(qtbot, backend)
    write(qtbot, field(editor, "url"), URL)
    run_test(qtbot, editor)
    model = editor.preview.columns.model()
    for row, checked in ((0, Qt.CheckState.Unchecked), (1, Qt.CheckState.Checked)):
        assert model.setData(model.index(row, 1), checked, Qt.ItemDataRole.CheckStateRole)
    model.setData(model.index(2, 0), Qt.CheckState.Unchecked, Qt.ItemDataRole.CheckStateRole)
    model.setData(model.index(1, 2), "heading")
    model.setData(model.index(0, 3), "text")
    assert not editor.save_button.isEnabled()
    assert field(editor, "tableKey").text() == "title"
    run_test(qtbot, editor)
    asked = backend.called("preview")[-1][0]
    assert isinstance(asked, Endpoint)
    table = asked.table
    assert (table.key, table.ignore) == (("title",), ("updated_at",))
    assert (table.rename, table.types) == ({"title": "heading"}, {"id": "text"})


def test_the_key_column_is_ticked_by_mouse(qtbot: QtBot, backend: FakeBackend) -> None:
    editor = open_editor(qtbot, backend)
    write(qtbot, field(editor, "url"), URL)
    run_test(qtbot, editor)
    editor.preview.tabs.setCurrentWidget(editor.preview.columns)
    columns = editor.preview.columns
    box = columns.visualRect(columns.model().index(1, 1))
    qtbot.mouseClick(columns.viewport(), LEFT, pos=QPoint(box.left() + 10, box.center().y()))
    assert field(editor, "tableKey").text() == "id, title"


def test_a_failed_test_is_explained_and_saves_nothing(qtbot: QtBot, backend: FakeBackend) -> None:
    backend.preview_answer = problem("The server refused the password", "It answered 401.", "Check the token.")
    editor = open_editor(qtbot, backend)
    write(qtbot, field(editor, "url"), URL)
    run_test(qtbot, editor)
    assert editor.preview.banner.title == "The server refused the password"
    assert not editor.save_button.isEnabled()
    assert backend.called("save") == []


def test_a_running_test_can_be_stopped(qtbot: QtBot, backend: FakeBackend) -> None:
    backend.hold_previews = True
    editor = open_editor(qtbot, backend)
    write(qtbot, field(editor, "url"), URL)
    click(qtbot, editor.test_button)
    assert editor.is_testing
    assert not editor.test_button.isEnabled()
    click(qtbot, editor.preview.stop_button)
    assert not editor.is_testing
    assert len(backend.called("cancel_preview")) == 1
    backend.answer_preview(1)
    assert not editor.save_button.isEnabled()


def test_the_answer_of_an_older_test_says_nothing(qtbot: QtBot, backend: FakeBackend) -> None:
    backend.hold_previews = True
    editor = open_editor(qtbot, backend)
    write(qtbot, field(editor, "url"), URL)
    click(qtbot, editor.test_button)
    backend.preview_ready.emit(99, good_preview(Endpoint(url=URL)))
    assert editor.is_testing
    assert not editor.save_button.isEnabled()


def test_closing_ends_the_test(qtbot: QtBot, backend: FakeBackend) -> None:
    backend.hold_previews = True
    editor = open_editor(qtbot, backend)
    write(qtbot, field(editor, "url"), URL)
    click(qtbot, editor.test_button)
    click(qtbot, editor.cancel_button)
    click(qtbot, question(qtbot, editor, "askDiscard").button(QMessageBox.StandardButton.Discard))
    assert len(backend.called("cancel_preview")) == 1


def test_saving_untested_asks(qtbot: QtBot, backend: FakeBackend) -> None:
    editor = open_editor(qtbot, backend)
    write(qtbot, field(editor, "url"), URL)
    click(qtbot, editor.untested_button)
    box = question(qtbot, editor, "askUntested")
    assert box.defaultButton() is box.button(QMessageBox.StandardButton.Cancel)
    qtbot.keyClick(box, Qt.Key.Key_Escape)
    assert backend.called("save") == []
    click(qtbot, editor.untested_button)
    with qtbot.waitSignal(editor.endpoint_saved):
        click(qtbot, question(qtbot, editor, "askUntested").button(QMessageBox.StandardButton.Save))
    (saved,) = backend.settings().endpoint
    assert saved.table.key == ()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("api.example.test/x", "did you mean https://api.example.test/x?"),
        ("ftp://a.test/", "must begin with https:// or http://"),
        ("https://", "names no server"),
        ("https://a:b@c.test/", "use the authentication fields"),
        ("curl https://a.test/", "Press Return to take the cURL command over"),
    ],
)
def test_a_bad_address_is_said_while_typing(qtbot: QtBot, backend: FakeBackend, url: str, said: str) -> None:
    editor = open_editor(qtbot, backend)
    assert problem_of(editor, "url") == ""
    write(qtbot, field(editor, "url"), url)
    assert said in problem_of(editor, "url")
    assert said in field(editor, "url").accessibleDescription()
    write(qtbot, field(editor, "url"), URL)
    assert problem_of(editor, "url") == ""
    assert field(editor, "url").accessibleDescription() == ""


CURL = """curl 'https://api.example.test/items?a=1' \\
  -X POST -H 'Authorization: Bearer s3cret' \\
  -H 'X-Team: blue' --data-raw '{"q": 1}'"""


def test_a_pasted_curl_command_fills_the_form(qtbot: QtBot, backend: FakeBackend) -> None:
    editor = open_editor(qtbot, backend)
    QApplication.clipboard().setText(CURL)
    field(editor, "url").setFocus()
    qtbot.keyClick(field(editor, "url"), Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    assert problem_of(editor, "url") == ""
    endpoint = editor.form.endpoint()
    assert endpoint is not None
    assert endpoint.url == "https://api.example.test/items?a=1"
    assert (endpoint.request.method, endpoint.request.json) == ("POST", {"q": 1})
    assert endpoint.request.headers == {"X-Team": "blue"}
    assert (endpoint.auth.kind, editor.form.secret()) == ("bearer", "s3cret")
    assert editor.form.is_changed()
    assert "s3cret" not in repr(endpoint)


def test_a_typed_curl_command_is_taken_over_by_return(qtbot: QtBot, backend: FakeBackend) -> None:
    editor = open_editor(qtbot, backend)
    write(qtbot, field(editor, "url"), "curl -k https://a.test/")
    qtbot.keyClick(field(editor, "url"), Qt.Key.Key_Return)
    assert "check of the server's certificate" in problem_of(editor, "url")
    write(qtbot, field(editor, "url"), "curl -u me:pw https://a.test/")
    qtbot.keyClick(field(editor, "url"), Qt.Key.Key_Return)
    assert field(editor, "url").text() == "https://a.test/"
    assert editor.form.secret() == "pw"


def test_an_empty_form_is_not_scolded_before_it_is_used(qtbot: QtBot, backend: FakeBackend) -> None:
    editor = open_editor(qtbot, backend)
    assert problem_of(editor, "url") == ""
    click(qtbot, editor.test_button)
    assert "an address is needed".lower() in problem_of(editor, "url").lower()
    assert editor.focusWidget() is field(editor, "url")
    assert backend.called("preview") == []


def test_what_is_wrong_in_a_closed_part_opens_it(qtbot: QtBot, backend: FakeBackend) -> None:
    editor = open_editor(qtbot, backend)
    write(qtbot, field(editor, "url"), URL)
    timeout = field(editor, "requestTimeout")
    assert not timeout.isVisible()
    timeout.setText("soon")
    click(qtbot, editor.test_button)
    assert timeout.isVisible()
    assert editor.focusWidget() is timeout
    assert "is not a duration" in problem_of(editor, "request.timeout")


@pytest.mark.parametrize(
    ("body", "said"),
    [("{", "not valid JSON"), ('{"a": null}', "can't hold null"), ('{"a": [1, 2]}', "")],
)
def test_the_body_must_be_json(qtbot: QtBot, backend: FakeBackend, body: str, said: str) -> None:
    editor = open_editor(qtbot, backend)
    write(qtbot, field(editor, "url"), URL)
    click(qtbot, editor.findChild(QAbstractButton, "requestPart"))
    choose(qtbot, editor, "requestMethod", "POST")
    editor.form.json.setFocus()
    qtbot.keyClicks(editor.form.json, body)
    assert said in problem_of(editor, "request.json")
    endpoint = editor.form.endpoint()
    assert (endpoint.request if endpoint else None) == (None if said else Request(method="POST", json={"a": [1, 2]}))


def test_a_table_that_belongs_to_another_endpoint_is_refused(qtbot: QtBot) -> None:
    editor = open_editor(qtbot, stored(Endpoint(url=URL)))
    write(qtbot, field(editor, "url"), "https://api.example.test/others")
    click(qtbot, editor.findChild(QAbstractButton, "tablePart"))
    write(qtbot, field(editor, "tableName"), "ITEMS")
    assert "already belongs to the endpoint “items”" in problem_of(editor, "table.name")


def test_every_mode_is_explained(qtbot: QtBot, backend: FakeBackend) -> None:
    editor = open_editor(qtbot, backend)
    click(qtbot, editor.findChild(QAbstractButton, "tablePart"))
    box = editor.form.mode
    hints = set()
    for row in range(box.count()):
        choose(qtbot, editor, "tableMode", box.itemText(row))
        hints.add(box.accessibleDescription())
    assert len(hints) == 5
    assert all(hint.endswith(".") for hint in hints)


# Secrets


def test_a_secret_goes_to_the_backend_alone(qtbot: QtBot, backend: FakeBackend) -> None:
    editor = open_editor(qtbot, backend)
    write(qtbot, field(editor, "url"), URL)
    choose(qtbot, editor, "authKind", "Bearer token")
    write(qtbot, field(editor, "authSecret"), SECRET)
    assert field(editor, "authSecret").echoMode() == QLineEdit.EchoMode.Password
    run_test(qtbot, editor)
    assert backend.called("preview")[0][1] == SECRET
    with qtbot.waitSignal(editor.endpoint_saved):
        click(qtbot, editor.save_button)
    assert backend.secrets == {"items": SECRET}
    assert SECRET not in repr(backend.settings())
    assert SECRET not in repr(backend.called("preview")[0][0])
    assert backend.settings().endpoint[0].auth == Auth(kind="bearer")
    assert field(editor, "authSecret").text() == ""
    shown = [label.text() + label.accessibleName() for label in editor.findChildren(QLabel)]
    assert SECRET not in "".join(shown)


def test_a_missing_secret_is_asked_for(qtbot: QtBot, backend: FakeBackend) -> None:
    editor = open_editor(qtbot, backend)
    write(qtbot, field(editor, "url"), URL)
    choose(qtbot, editor, "authKind", "User and password (Basic)")
    click(qtbot, editor.test_button)
    assert problem_of(editor, "auth.user")
    assert problem_of(editor, "auth.secret")
    assert backend.called("preview") == []


def test_a_stored_secret_stays_unless_replaced(qtbot: QtBot) -> None:
    backend = stored(Endpoint(url=URL, auth=Auth(kind="header", name="X-Key")))
    editor = open_editor(qtbot, backend, "items")
    secret = field(editor, "authSecret")
    assert secret.text() == ""
    assert "stored in the keyring" in secret.placeholderText()
    run_test(qtbot, editor)
    assert backend.called("preview")[0][1] is None
    with qtbot.waitSignal(editor.endpoint_saved):
        click(qtbot, editor.save_button)
    assert backend.secrets == {}


def test_a_new_secret_needs_a_test(qtbot: QtBot) -> None:
    editor = open_editor(qtbot, stored(Endpoint(url=URL, auth=Auth(kind="bearer"))), "items")
    assert editor.save_button.isEnabled()
    write(qtbot, field(editor, "authSecret"), SECRET)
    assert not editor.save_button.isEnabled()


def test_a_stored_secret_is_not_sent_to_another_server(qtbot: QtBot) -> None:
    backend = stored(Endpoint(url=URL, auth=Auth(kind="bearer")))
    editor = open_editor(qtbot, backend, "items")
    write(qtbot, field(editor, "url"), "https://elsewhere.test/items")
    assert field(editor, "authSecret").placeholderText() == ""
    click(qtbot, editor.test_button)
    assert problem_of(editor, "auth.secret")
    assert backend.called("preview") == []


def test_a_secret_from_the_environment(qtbot: QtBot, backend: FakeBackend) -> None:
    editor = open_editor(qtbot, backend)
    write(qtbot, field(editor, "url"), URL)
    choose(qtbot, editor, "authKind", "Secret in a URL parameter")
    write(qtbot, field(editor, "authName"), "api_key")
    write(qtbot, field(editor, "authSecret"), SECRET)
    choose(qtbot, editor, "authSource", "An environment variable")
    assert not field(editor, "authSecret").isVisible()
    write(qtbot, field(editor, "authSecretEnv"), "MY_KEY")
    run_test(qtbot, editor)
    with qtbot.waitSignal(editor.endpoint_saved):
        click(qtbot, editor.save_button)
    assert backend.named
    assert backend.settings().endpoint[0].auth == Auth(kind="query", name="api_key", secret_env="MY_KEY")
    assert backend.secrets == {}
    assert backend.named_by_saving == ("items",)


@pytest.mark.parametrize(
    ("name", "text", "named"),
    [
        ("name", "Others", False),
        ("url", f"{URL}/others", False),
        ("authSecretEnv", "OTHER_KEY", True),
        ("url", "https://elsewhere.test/items", True),
        ("requestProxy", "http://proxy.test", True),
    ],
)
def test_a_variable_is_named_by_typing_it_or_where_it_goes(qtbot: QtBot, name: str, text: str, named: bool) -> None:
    auth = Auth(kind="bearer", secret_env="AWS_SECRET_ACCESS_KEY")
    backend = stored(Endpoint(url=URL, auth=auth))
    editor = open_editor(qtbot, backend, "items")
    field(editor, name).setText(text)
    run_test(qtbot, editor)
    assert backend.named is named
    with qtbot.waitSignal(editor.endpoint_saved):
        click(qtbot, editor.save_button)
    assert backend.named_by_saving == (("items",) if named else ())


@pytest.mark.parametrize(
    ("name", "text"),
    [("requestProxy", "http://proxy.test"), ("requestCaFile", "/etc/ssl/certs/ca-certificates.crt")],
)
def test_a_stored_secret_does_not_take_another_way(qtbot: QtBot, name: str, text: str) -> None:
    backend = stored(Endpoint(url=URL, auth=Auth(kind="bearer")))
    editor = open_editor(qtbot, backend, "items")
    field(editor, name).setText(text)
    assert field(editor, "authSecret").placeholderText() == ""
    click(qtbot, editor.test_button)
    assert problem_of(editor, "auth.secret")
    field(editor, name).setText("")
    assert "stored in the keyring" in field(editor, "authSecret").placeholderText()


def test_oauth_of_the_settings_file_is_kept(qtbot: QtBot) -> None:
    auth = Auth(kind="oauth2_client", token_url="https://a.test/token", client_id="me", scopes=("a", "b"))
    backend = stored(Endpoint(url=URL, auth=auth))
    editor = open_editor(qtbot, backend, "items")
    assert not editor.form.is_changed()
    write(qtbot, field(editor, "name"), "New name")
    with qtbot.waitSignal(editor.endpoint_saved):
        click(qtbot, editor.save_button)
    assert backend.settings().endpoint[0].auth == auth


def test_a_program_signs_in_with_its_own_credentials(qtbot: QtBot, backend: FakeBackend) -> None:
    editor = open_editor(qtbot, backend)
    write(qtbot, field(editor, "url"), URL)
    choose(qtbot, editor, "authKind", "OAuth 2, as a program")
    assert not field(editor, "authUrl").isVisible()
    click(qtbot, editor.test_button)
    assert problem_of(editor, "auth.token_url")
    assert problem_of(editor, "auth.client_id")
    assert problem_of(editor, "auth.secret")
    write(qtbot, field(editor, "authClientId"), "me")
    write(qtbot, field(editor, "authTokenUrl"), "https://a.test/token")
    write(qtbot, field(editor, "authScopes"), "read  write")
    write(qtbot, field(editor, "authSecret"), SECRET)
    run_test(qtbot, editor)
    with qtbot.waitSignal(editor.endpoint_saved):
        click(qtbot, editor.save_button)
    (saved,) = backend.settings().endpoint
    assert saved.auth == Auth(
        kind="oauth2_client", client_id="me", token_url="https://a.test/token", scopes=("read", "write")
    )
    assert backend.secrets == {"items": SECRET}


def test_a_person_signs_in_during_the_test(qtbot: QtBot, backend: FakeBackend) -> None:
    editor = open_editor(qtbot, backend)
    write(qtbot, field(editor, "url"), URL)
    choose(qtbot, editor, "authKind", "OAuth 2, you sign in")
    write(qtbot, field(editor, "authClientId"), "me")
    write(qtbot, field(editor, "authTokenUrl"), "https://a.test/token")
    click(qtbot, editor.test_button)
    assert problem_of(editor, "auth.auth_url")
    assert not problem_of(editor, "auth.secret")
    write(qtbot, field(editor, "authUrl"), "https://a.test/authorize?access_type=offline")
    backend.hold_previews = True
    click(qtbot, editor.test_button)
    ticket = editor._preview_ticket
    backend.sign_in_asked.emit(ticket + 1, "WRONG", "https://other.test")
    assert editor.test_state.text() == "Testing…"
    backend.sign_in_asked.emit(ticket, "WDJB-MJHT", "https://a.test/device")
    backend.sign_in_asked.emit(ticket, "", "https://a.test/device")
    assert "WDJB-MJHT at https://a.test/device" in editor.test_state.text()
    editor.stop_test()
    assert editor.test_state.text() == ""
    click(qtbot, editor.test_button)
    backend.sign_in_asked.emit(editor._preview_ticket, "", "https://a.test/authorize")
    assert "in your browser" in editor.test_state.text()
    backend.answer_preview(editor._preview_ticket)
    with qtbot.waitSignal(editor.endpoint_saved):
        click(qtbot, editor.save_button)
    assert backend.settings().endpoint[0].auth.auth_url == "https://a.test/authorize?access_type=offline"
    assert backend.secrets == {}


def test_a_service_s_own_parameters_are_edited(qtbot: QtBot) -> None:
    auth = Auth(kind="oauth2_code", client_id="me", token_url="https://a.test/token", auth_url="https://a.test/auth")
    backend = stored(Endpoint(url=URL, auth=msgspec.structs.replace(auth, token_params={"resource": "urn:a"})))
    editor = open_editor(qtbot, backend, "items")
    assert not editor.form.is_changed()
    write_pair(qtbot, editor.form.auth.token_params, "audience", "urn:b")
    assert editor.form.is_changed()
    write_pair(qtbot, editor.form.auth.auth_params, "prompt", "consent")
    write(qtbot, field(editor, "authRedirectPort"), "99999")
    assert "65535" in problem_of(editor, "auth.redirect_port")
    write(qtbot, field(editor, "authRedirectPort"), "8400")
    assert problem_of(editor, "auth.redirect_port") == ""
    run_test(qtbot, editor)
    with qtbot.waitSignal(editor.endpoint_saved):
        click(qtbot, editor.save_button)
    assert backend.settings().endpoint[0].auth == msgspec.structs.replace(
        auth,
        token_params={"resource": "urn:a", "audience": "urn:b"},
        auth_params={"prompt": "consent"},
        redirect_port=8400,
    )


def test_a_secret_among_the_parameters_is_refused_at_once(qtbot: QtBot, backend: FakeBackend) -> None:
    editor = open_editor(qtbot, backend)
    choose(qtbot, editor, "authKind", "OAuth 2, as a program")
    assert not editor.form.auth.auth_params.isVisible()
    assert not field(editor, "authRedirectPort").isVisible()
    write_pair(qtbot, editor.form.auth.token_params, "client_secret", SECRET)
    assert "would be stored as plain text" in problem_of(editor, "auth.token_params")
    assert editor.form.endpoint() is None


def test_a_stored_client_secret_is_not_sent_to_another_token_address(qtbot: QtBot) -> None:
    auth = Auth(kind="oauth2_client", token_url="https://a.test/token", client_id="me")
    editor = open_editor(qtbot, stored(Endpoint(url=URL, auth=auth)), "items")
    assert "stored in the keyring" in field(editor, "authSecret").placeholderText()
    write(qtbot, field(editor, "authTokenUrl"), "https://elsewhere.test/token")
    assert field(editor, "authSecret").placeholderText() == ""
    click(qtbot, editor.test_button)
    assert problem_of(editor, "auth.secret")


@pytest.mark.parametrize(
    ("text", "url", "auth"),
    [
        (f"{URL}?x=1&api_key={SECRET}", f"{URL}?x=1", Auth(kind="query", name="api_key")),
        (URL.replace("://", f"://me:{SECRET}@"), URL, Auth(kind="basic", user="me")),
    ],
)
def test_a_secret_in_a_pasted_address_becomes_the_authentication(
    qtbot: QtBot, backend: FakeBackend, text: str, url: str, auth: Auth
) -> None:
    editor = open_editor(qtbot, backend)
    field(editor, "url").setText(text)
    assert field(editor, "url").text() == url
    assert field(editor, "authSecret").text() == SECRET
    run_test(qtbot, editor)
    with qtbot.waitSignal(editor.endpoint_saved):
        click(qtbot, editor.save_button)
    assert backend.settings().endpoint[0].auth == auth
    assert backend.secrets == {"items": SECRET}
    assert SECRET not in repr(backend.settings())


def test_a_secret_in_a_typed_address_becomes_the_authentication_when_it_is_complete(
    qtbot: QtBot, backend: FakeBackend
) -> None:
    editor = open_editor(qtbot, backend)
    write(qtbot, field(editor, "url"), f"{URL}?token={SECRET}")
    assert "is a secret" in problem_of(editor, "url")
    qtbot.keyClick(field(editor, "url"), Qt.Key.Key_Return)
    assert field(editor, "url").text() == URL
    assert field(editor, "authSecret").text() == SECRET
    assert problem_of(editor, "url") == ""


def test_a_secret_that_would_be_stored_readably_is_refused_beside_its_field(qtbot: QtBot) -> None:
    request = Request(headers={"X-Api-Key": "there-already"})
    backend = stored(Endpoint(url=URL, request=request, auth=Auth(kind="bearer")))
    editor = open_editor(qtbot, backend, "items")
    write(qtbot, field(editor, "name"), "Others")
    assert not editor.form.reveal_problems(), "what was there is left"
    editor.form.headers.set_values({"X-Api-Key": SECRET})
    editor.form.headers.changed.emit()
    assert "X-Api-Key is a secret" in problem_of(editor, "request.headers")
    field(editor, "url").setText(f"{URL}?api_key={SECRET}")
    assert "api_key is a secret" in problem_of(editor, "url")
    click(qtbot, editor.untested_button)
    assert backend.called("save") == []


# Certificates and proxy


def open_connection(qtbot: QtBot, editor: EndpointEditor) -> None:
    click(qtbot, editor.findChild(QAbstractButton, "connectionPart"))
    qtbot.waitUntil(lambda: field(editor, "requestProxy").isVisible())


def choose_file(qtbot: QtBot, editor: EndpointEditor, name: str, path: Path) -> None:
    """Pick a file in the dialog that the button opens."""
    button = editor.findChild(QAbstractButton, f"{name}Choose")
    assert button is not None
    click(qtbot, button)
    qtbot.waitUntil(lambda: bool(editor.findChildren(QFileDialog)))
    (dialog,) = editor.findChildren(QFileDialog)
    with qtbot.waitSignal(dialog.destroyed):
        dialog.selectFile(str(path))
        dialog.accept()


def test_certificates_are_chosen_as_files(qtbot: QtBot, tmp_path: Path) -> None:
    backend = stored(Endpoint(url=URL))
    editor = open_editor(qtbot, backend, "items")
    open_connection(qtbot, editor)
    for name in ("ca.pem", "me.pem", "me.key"):
        (tmp_path / name).write_text("PEM")
    assert not editor.form.is_changed()
    choose_file(qtbot, editor, "requestClientKey", tmp_path / "me.key")
    assert editor.form.is_changed()
    assert "client_cert, which is missing" in problem_of(editor, "request.client_key")
    choose_file(qtbot, editor, "requestClientCert", tmp_path / "me.pem")
    assert problem_of(editor, "request.client_key") == ""
    choose_file(qtbot, editor, "requestCaFile", tmp_path / "ca.pem")
    run_test(qtbot, editor)
    with qtbot.waitSignal(editor.endpoint_saved):
        click(qtbot, editor.save_button)
    assert backend.settings().endpoint[0].request == Request(
        ca_file=str(tmp_path / "ca.pem"),
        client_cert=str(tmp_path / "me.pem"),
        client_key=str(tmp_path / "me.key"),
    )


def test_a_proxy_s_password_goes_to_the_keyring(qtbot: QtBot, backend: FakeBackend) -> None:
    editor = open_editor(qtbot, backend)
    write(qtbot, field(editor, "url"), URL)
    open_connection(qtbot, editor)
    assert not field(editor, "requestProxyPassword").isEnabled()
    write(qtbot, field(editor, "requestProxy"), "http://me:secret@proxy.test:3128")
    assert "stored as plain text" in problem_of(editor, "request.proxy")
    write(qtbot, field(editor, "requestProxy"), "http://proxy.test:3128")
    write(qtbot, field(editor, "requestProxyUser"), "me")
    click(qtbot, editor.test_button)
    assert "keyring" in problem_of(editor, "request.proxy_password")
    write(qtbot, field(editor, "requestProxyPassword"), SECRET)
    assert field(editor, "requestProxyPassword").echoMode() == QLineEdit.EchoMode.Password
    run_test(qtbot, editor)
    assert backend.called("preview")[-1][2] == SECRET
    with qtbot.waitSignal(editor.endpoint_saved):
        click(qtbot, editor.save_button)
    (saved,) = backend.settings().endpoint
    assert saved.request == Request(proxy="http://proxy.test:3128", proxy_user="me")
    assert backend.proxy_passwords == {"items": SECRET}
    assert backend.secrets == {}
    assert SECRET not in repr(saved)
    assert field(editor, "requestProxyPassword").text() == ""


def test_a_stored_proxy_password_is_not_sent_to_another_proxy(qtbot: QtBot) -> None:
    request = Request(proxy="http://proxy.test:3128", proxy_user="me")
    backend = stored(Endpoint(url=URL, request=request))
    editor = open_editor(qtbot, backend, "items")
    open_connection(qtbot, editor)
    password = field(editor, "requestProxyPassword")
    assert "stored in the keyring" in password.placeholderText()
    assert not editor.form.is_changed()
    write(qtbot, password, "new")
    assert editor.form.is_changed()
    password.clear()
    write(qtbot, field(editor, "requestProxy"), "http://elsewhere.test:3128")
    assert password.placeholderText() == ""
    click(qtbot, editor.test_button)
    assert problem_of(editor, "request.proxy_password")
    write(qtbot, field(editor, "requestProxy"), "http://proxy.test:3128")
    assert problem_of(editor, "request.proxy_password") == ""
    assert not editor.form.is_changed()


# Editing, saving, closing


def test_what_has_no_field_is_kept(qtbot: QtBot) -> None:
    before = Endpoint(
        url=URL, request=Request(params={"per_page": 100, "all": True}, ca_file="/ca.pem"), table=Table(ignore=("x",))
    )
    backend = stored(before)
    editor = open_editor(qtbot, backend, "items")
    assert not editor.form.is_changed()
    write(qtbot, field(editor, "name"), "Things")
    with qtbot.waitSignal(editor.endpoint_saved):
        click(qtbot, editor.save_button)
    (saved,) = backend.settings().endpoint
    assert saved.request == before.request
    assert saved.table == Table(name="items", ignore=("x",))
    assert (saved.id, saved.name, saved.every) == ("items", "Things", None)


def test_a_failure_to_save_loses_nothing(qtbot: QtBot, backend: FakeBackend) -> None:
    editor = open_editor(qtbot, backend)
    write(qtbot, field(editor, "url"), URL)
    run_test(qtbot, editor)
    backend.save_answer = problem("The keyring is locked", "It needs your password.", "Unlock it and save again.")
    click(qtbot, editor.save_button)
    qtbot.waitUntil(lambda: editor.banner.title == "The keyring is locked")
    assert editor.isVisible()
    assert field(editor, "url").text() == URL
    backend.save_answer = None
    with qtbot.waitSignal(editor.endpoint_saved):
        click(qtbot, editor.save_button)


def test_a_failure_that_names_a_field_is_shown_there(qtbot: QtBot, backend: FakeBackend) -> None:
    editor = open_editor(qtbot, backend)
    write(qtbot, field(editor, "url"), URL)
    run_test(qtbot, editor)
    backend.save_answer = problem("It can't be used", "Sorry, it is taken.", "Correct it.", "table.name")
    click(qtbot, editor.save_button)
    qtbot.waitUntil(lambda: "it is taken" in problem_of(editor, "table.name"))
    assert field(editor, "tableName").isVisible()
    assert editor.banner.title == ""


def test_escape_asks_before_edits_are_lost(qtbot: QtBot, backend: FakeBackend) -> None:
    editor = open_editor(qtbot, backend)
    write(qtbot, field(editor, "url"), URL)
    qtbot.keyClick(editor, Qt.Key.Key_Escape)
    assert editor.isVisible()
    click(qtbot, question(qtbot, editor, "askDiscard").button(QMessageBox.StandardButton.Discard))
    assert editor.isHidden()
    assert backend.called("save") == []


def test_escape_closes_an_untouched_editor(qtbot: QtBot) -> None:
    editor = open_editor(qtbot, stored(Endpoint(url=URL)), "items")
    qtbot.keyClick(editor, Qt.Key.Key_Escape)
    assert editor.isHidden()


def test_a_change_elsewhere_is_loaded_when_nothing_was_edited(qtbot: QtBot) -> None:
    backend = stored(Endpoint(url=URL))
    editor = open_editor(qtbot, backend, "items")
    backend.change_settings(complete(Settings(endpoint=(Endpoint(url=URL, name="Renamed", id="items"),))))
    assert field(editor, "name").text() == "Renamed"


def test_a_change_elsewhere_does_not_overwrite_edits(qtbot: QtBot) -> None:
    backend = stored(Endpoint(url=URL))
    editor = open_editor(qtbot, backend, "items")
    write(qtbot, field(editor, "name"), "Mine")
    backend.change_settings(complete(Settings(endpoint=(Endpoint(url=URL, name="Theirs", id="items"),))))
    assert field(editor, "name").text() == "Mine"
    assert editor.banner.title == "This endpoint was changed elsewhere"
    click(qtbot, editor.save_button)
    question = asked(qtbot, editor)
    item = question.values.topLevelItem(0)
    assert [item.text(column) for column in range(4)] == ["items", "name", "Mine", "Theirs"]
    with qtbot.waitSignal(editor.endpoint_saved):
        click(qtbot, question.keep_button)
    assert backend.settings().endpoint[0].name == "Mine"
    assert editor.isHidden()


def asked(qtbot: QtBot, editor: EndpointEditor) -> ConflictQuestion:
    qtbot.waitUntil(lambda: any(each.isVisible() for each in editor.findChildren(ConflictQuestion)))
    return next(each for each in editor.findChildren(ConflictQuestion) if each.isVisible())


def test_another_change_elsewhere_joins_the_edits_and_typed_secrets_stay(qtbot: QtBot) -> None:
    auth = Auth(kind="bearer")
    backend = stored(Endpoint(url=URL, auth=auth))
    editor = open_editor(qtbot, backend, "items")
    write(qtbot, field(editor, "name"), "Mine")
    write(qtbot, field(editor, "authSecret"), "s3cret")
    theirs = Endpoint(url=URL, id="items", auth=auth, enabled=False, tags=("x",), limits=Limits(pages=7))
    backend.change_settings(complete(Settings(endpoint=(theirs, Endpoint(url="https://api.test/other")))))
    assert (field(editor, "name").text(), field(editor, "tags").text()) == ("Mine", "x")
    assert editor.banner.title == "This endpoint was changed elsewhere"
    run_test(qtbot, editor)
    with qtbot.waitSignal(editor.endpoint_saved):
        click(qtbot, editor.save_button)
    saved = backend.settings().endpoint
    assert (saved[0].name, saved[0].tags, saved[0].enabled, saved[0].limits) == ("Mine", ("x",), False, Limits(pages=7))
    assert len(saved) == 2
    assert backend.secrets == {"items": "s3cret"}


def test_an_endpoint_removed_elsewhere_is_added_again_by_saving(qtbot: QtBot) -> None:
    backend = stored(Endpoint(url=URL))
    editor = open_editor(qtbot, backend, "items")
    backend.change_settings(Settings())
    assert editor.banner.title == "This endpoint was removed elsewhere"
    with qtbot.waitSignal(editor.endpoint_saved):
        click(qtbot, editor.save_button)
    assert [each.id for each in backend.settings().endpoint] == ["items"]


def test_closing_offers_to_save_what_is_tested(qtbot: QtBot) -> None:
    backend = stored(Endpoint(url=URL))
    editor = open_editor(qtbot, backend, "items")
    write(qtbot, field(editor, "name"), "Mine")
    qtbot.keyClick(editor, Qt.Key.Key_Escape)
    with qtbot.waitSignal(editor.endpoint_saved):
        click(qtbot, question(qtbot, editor, "askSave").button(QMessageBox.StandardButton.Save))
    assert backend.settings().endpoint[0].name == "Mine"
    assert editor.isHidden()


def test_other_endpoints_saved_meanwhile_stay(qtbot: QtBot, backend: FakeBackend) -> None:
    editor = open_editor(qtbot, backend)
    write(qtbot, field(editor, "url"), URL)
    run_test(qtbot, editor)
    backend.change_settings(complete(Settings(endpoint=(Endpoint(url="https://b.test/items"),))))
    with qtbot.waitSignal(editor.endpoint_saved):
        click(qtbot, editor.save_button)
    assert [each.id for each in backend.settings().endpoint] == ["items", "items_2"]


# Schedule


def test_the_next_runs_are_said_in_words(qtbot: QtBot, backend: FakeBackend) -> None:
    editor = open_editor(qtbot, backend)
    choose(qtbot, editor, "scheduleKind", "At times of day")
    write(qtbot, field(editor, "scheduleAt"), "08:00, 13:00")
    text = editor.form.schedule.next_runs.text()
    assert text.startswith("Next runs: ")
    assert text.count("08:00") + text.count("13:00") == 5


@pytest.mark.parametrize(
    ("kind", "name", "text", "said"),
    [
        ("At times of day", "scheduleAt", "8 o'clock", "is not a time of day"),
        ("Cron expression", "scheduleCron", "every day", "is not a cron expression"),
    ],
)
def test_a_bad_schedule_is_said(qtbot: QtBot, backend: FakeBackend, kind: str, name: str, text: str, said: str) -> None:
    editor = open_editor(qtbot, backend)
    write(qtbot, field(editor, "url"), URL)
    choose(qtbot, editor, "scheduleKind", kind)
    write(qtbot, field(editor, name), text)
    assert said in problem_of(editor, "every")
    assert editor.form.schedule.next_runs.isHidden()
    assert editor.form.endpoint() is None


def test_everything_has_a_name_for_screen_readers(qtbot: QtBot, backend: FakeBackend) -> None:
    editor = open_editor(qtbot, backend)
    for part in ("tablePart", "requestPart"):
        click(qtbot, editor.findChild(QAbstractButton, part))
    inputs = [
        widget
        for kind in (QLineEdit, QComboBox, QAbstractButton)
        for widget in editor.findChildren(kind)
        if widget.focusPolicy() != Qt.FocusPolicy.NoFocus
        and not widget.objectName().startswith("qt_")
        and not isinstance(widget.parent(), QComboBox)
    ]
    assert len(inputs) > 20
    for widget in inputs:
        text = widget.text() if isinstance(widget, QAbstractButton) else ""
        assert widget.accessibleName() or text, widget
        assert widget.objectName(), (widget, text)


def test_the_tab_key_goes_from_the_address_to_save(qtbot: QtBot, backend: FakeBackend) -> None:
    editor = open_editor(qtbot, backend)
    write(qtbot, field(editor, "url"), URL)
    run_test(qtbot, editor)
    field(editor, "url").setFocus()
    seen = []
    for _ in range(40):
        widget = editor.focusWidget()
        seen.append(widget.objectName())
        if widget is editor.save_button:
            break
        qtbot.keyClick(widget, Qt.Key.Key_Tab)
    assert seen[:3] == ["url", "name", "tags"]
    assert seen[-1] == "saveEndpoint"
    assert {"testEndpoint", "tablePart", "requestPart"} <= set(seen)


@pytest.mark.parametrize(
    "kind",
    [
        "None",
        "User and password (Basic)",
        "Secret in a header",
        "Secret in a URL parameter",
        "OAuth 2, as a program",
        "OAuth 2, you sign in",
    ],
)
def test_no_two_mnemonics_collide(qtbot: QtBot, backend: FakeBackend, kind: str) -> None:
    editor = open_editor(qtbot, backend)
    editor.banner.warn("x", "", (("a", "&Load the other version", int), ("b", "Keep m&y version", int)))
    for part in ("tablePart", "requestPart"):
        click(qtbot, editor.findChild(QAbstractButton, part))
    choose(qtbot, editor, "authKind", kind)
    texts = [label.text() for label in editor.findChildren(QLabel) if label.buddy() and label.isVisible()]
    texts += [button.text() for button in editor.findChildren(QAbstractButton) if button.isVisible()]
    keys = [QKeySequence.mnemonic(text).toString() for text in texts if not QKeySequence.mnemonic(text).isEmpty()]
    assert len(keys) > 12
    assert sorted(keys) == sorted(set(keys))
