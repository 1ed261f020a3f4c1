"""Everything that windows show, filled with text that Qt, a panel or a notification service might obey."""

import ast
import os
import subprocess
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import msgspec
import pytest
from PySide6.QtCore import QAbstractItemModel, QAbstractListModel, QModelIndex, QPoint, Qt
from PySide6.QtGui import Qt as Text
from PySide6.QtGui import QTextDocument
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QApplication,
    QComboBox,
    QHeaderView,
    QLabel,
    QLineEdit,
    QMessageBox,
    QStyledItemDelegate,
    QSystemTrayIcon,
    QTabWidget,
    QToolTip,
    QWidget,
)

import trayapp
from tests.hostile import ESCAPES, acting
from tests.ui.fake_backend import FakeBackend, good_preview
from tests.ui.samples import clock, endpoint, report, run, shown
from trayapp.endpoints.model import Endpoint, Request, Response, Settings, Table
from trayapp.endpoints.presets import Placeholder, Preset
from trayapp.errors import Problem
from trayapp.sync.detection.preview import PreviewColumn
from trayapp.sync.http.request import RequestMade
from trayapp.sync.report import Progress
from trayapp.ui.backend import SyncQuestion
from trayapp.ui.editor.editor import EndpointEditor
from trayapp.ui.editor.preset_dialog import PresetDialog
from trayapp.ui.endpoints.model import SECOND_LINE
from trayapp.ui.settings.dialog import SettingsDialog
from trayapp.ui.tray.tray import Tray
from trayapp.ui.widgets.plain import Label, message_box, tool_tip, window_title
from trayapp.ui.window.main_window import MainWindow
from trayapp.ui.window.sync_question import SyncQuestions

Role = Qt.ItemDataRole
DRAWN = (Role.DisplayRole, SECOND_LINE, Role.AccessibleTextRole, Role.AccessibleDescriptionRole)
RICH = (Role.ToolTipRole, Role.StatusTipRole, Role.WhatsThisRole)


@pytest.fixture
def trap(tmp_path: Path) -> Iterator[Path]:
    """A pipe that looks like a picture; whoever opens it to read is let go, and noticed.

    Another process waits at its other end: Qt holds Python's lock while it loads pictures.
    """
    pipe, noticed = tmp_path / "picture.png", tmp_path / "noticed"
    os.mkfifo(pipe)
    wait = 'while : >"$0"; do echo opened >>"$1"; done'
    with subprocess.Popen(["sh", "-c", wait, pipe, noticed]) as waiting:
        yield pipe
        waiting.kill()
    assert not noticed.exists()


@pytest.fixture(params=["markup", "escapes", "endless", "ampersands"])
def evil(request: pytest.FixtureRequest, trap: Path) -> str:
    markup = f"<h1>big</h1><img src='file://{trap}'>"
    return {
        "markup": markup,
        "escapes": f"a{ESCAPES}{markup}{ESCAPES}",
        "endless": f"{markup}{'x' * 20_000}",
        "ampersands": "&lt;&b &&c[*]_d <!doctype html>",
    }[request.param]


@pytest.fixture
def backend(qtbot, evil: str) -> FakeBackend:
    problem = Problem(evil, evil, evil)
    common = {"name": evil, "table": evil, "tags": (evil,), "sentence": evil}
    settings = Settings(
        endpoint=tuple(
            Endpoint(
                id=id,
                url=f"http://a.test/{evil}",
                name=evil,
                watch=evil,
                table=Table(name=f"{evil}{id}", key=(evil,)),
                request=Request(headers={evil: evil}, params={evil: evil}),
                response=Response(records=evil),
            )
            for id in "abcde"
        )
    )
    snapshot = shown(
        endpoint("a", **common, state="failing", problem=problem, attempts=3),
        endpoint("b", **common, state="blocked", blocked_by=evil),
        endpoint("c", **common, state="running", progress=Progress(endpoint="c", doing=evil)),
        endpoint("d", **common, state="held", held=2, next_due=None, event=evil),
        endpoint("e", **common),
        settings_problem=problem,
        online=False,
    )
    backend = FakeBackend(settings, snapshot)
    backend.runs = (
        run(1, "a", name=evil, sentence=evil, warnings=(evil, evil), added=1),
        run(2, "b", name=evil, status="skipped", reason=evil),
        run(3, "c", name=evil, status=evil, reason=evil, sentence="", deleted=1),
    )
    backend.tables["a"] = ((evil, "b"), [(evil, evil * 2), (f"{{\n\t{evil}\n}}", None), (b"<img>", 1.5)])
    backend.preview_answer = msgspec.structs.replace(
        good_preview(settings.endpoint[0]),
        records_path=evil,
        format=evil,
        encoding=evil,
        delimiter=evil,
        proof=evil,
        key=(evil,),
        columns=(PreviewColumn(name=evil, type=evil, path=evil),),
        cursors=(evil,),
        rows=((evil,),),
        requests=(RequestMade(method=evil, url=evil, status=200, seconds=1.0, bytes=1),),
        warnings=(evil, evil),
    )
    return backend


def texts_of(model: QAbstractItemModel) -> Iterator[tuple[int, str]]:
    columns = 1 if isinstance(model, QAbstractListModel) else model.columnCount()
    for section in range(columns):
        for role in (*DRAWN, *RICH):
            yield role, model.headerData(section, Qt.Orientation.Horizontal, role)
    for row in range(model.rowCount()):
        for column in range(columns):
            for role in (*DRAWN, *RICH):
                yield role, model.index(row, column, QModelIndex()).data(role)


def texts_in(top: QWidget) -> tuple[list[str], list[str]]:
    """All texts in a window that are drawn as they are, and all that Qt takes for HTML if they look like it."""
    drawn, rich = [top.windowTitle()], []
    for widget in (top, *top.findChildren(QWidget)):
        if widget.objectName() == "qtooltip_label":
            continue
        drawn += [widget.accessibleName(), widget.accessibleDescription()]
        rich += [widget.toolTip(), widget.statusTip(), widget.whatsThis()]
        for action in widget.actions():
            drawn.append(action.text())
            rich += [action.toolTip(), action.statusTip(), action.whatsThis()]
        if isinstance(widget, QLabel):
            (drawn if widget.textFormat() == Qt.TextFormat.PlainText else rich).append(widget.text())
            assert widget.textFormat() == Qt.TextFormat.PlainText or not widget.text()
        elif isinstance(widget, QAbstractButton):
            drawn.append(widget.text())
        elif isinstance(widget, QLineEdit):
            drawn.append(widget.placeholderText())
        elif isinstance(widget, QTabWidget):
            drawn += [widget.tabText(place) for place in range(widget.count())]
        elif isinstance(widget, QComboBox):
            drawn += [widget.itemText(place) for place in range(widget.count())]
            rich += [widget.itemData(place, role) or "" for place in range(widget.count()) for role in RICH]
        elif isinstance(widget, QHeaderView):
            continue  # the table that it belongs to has its texts
        elif isinstance(widget, QAbstractItemView) and widget.model() is not None:
            for role, value in texts_of(widget.model()):
                if not isinstance(value, str):
                    continue
                if role == Role.DisplayRole and isinstance(widget.itemDelegate(), QStyledItemDelegate):
                    value = widget.itemDelegate().displayText(value, widget.locale())
                (rich if role in RICH else drawn).append(value)
    return drawn, rich


def read(tip: str) -> str:
    """What somebody sees of a text that Qt may take for HTML."""
    if not Text.mightBeRichText(tip):
        return tip
    document = QTextDocument()
    document.setHtml(tip)
    return document.toPlainText()


def check(*tops: QWidget) -> None:
    """Nothing in these windows is obeyed; at least something of what is meant to be shown is."""
    seen = ""
    for top in tops:
        top.grab()
        drawn, rich = texts_in(top)
        for text in drawn:
            assert acting(text) == set(), text[:100]
            assert len(text) <= 2100
        for tip in rich:
            words = read(tip)
            assert acting(words) == set(), words[:100]
            assert "\ufffc" not in words, "a picture"
            assert len(words) <= 1100
        for tip in {*rich}:
            QToolTip.showText(QPoint(0, 0), tip, top)
        seen += "".join((*drawn, *map(read, rich)))
        assert top.minimumSizeHint().width() < 1500
        assert top.minimumSizeHint().height() < 1500
    QToolTip.hideText()
    QApplication.processEvents()
    assert "<h1>big</h1>" in seen or "[*]" in seen


def test_the_main_window(qtbot, backend, tmp_path, evil):
    window = MainWindow(backend, tmp_path / "window.ini", tray_available=lambda: True, clock=clock)
    qtbot.addWidget(window)
    window.show()
    for id in "abcde":
        window.show_endpoint(id)
        check(window)
    window.tabs.setCurrentWidget(window.activity)
    qtbot.waitUntil(lambda: window.activity.model.rowCount() == 3)
    check(window)
    window.show_data("a")
    qtbot.waitUntil(lambda: window.data.model.rowCount() == 3)
    window.data.model.row(0)
    qtbot.waitUntil(lambda: window.data.model.row(2) is not None)
    tips = [window.data.model.index(row, column).data(Role.ToolTipRole) for row in range(3) for column in range(2)]
    assert any(tips)
    check(window)
    backend.tables.clear()
    backend.finish(report("a", added=1))
    check(window)


def test_a_tool_tip_keeps_its_lines(qtbot):
    assert read(tool_tip("{\n  <b>: 1\n\n}")) == "{\n  <b>: 1\n\n}"
    assert tool_tip("") == ""


def test_the_settings(qtbot, backend, evil):
    dialog = SettingsDialog(backend)
    qtbot.addWidget(dialog)
    dialog.show()
    dialog.banner.fail(Problem(evil, evil, evil))
    check(dialog)
    dialog.endpoints.delete_button.click()
    box = dialog.findChild(QMessageBox, "askDelete")
    check(box)
    box.close()
    dialog.endpoints.frequency.activated.emit(dialog.endpoints.frequency.count() - 1)
    check(dialog.findChild(QWidget, "frequencyDialog"))


@pytest.mark.parametrize("fails", [True, False])
def test_the_editor(qtbot, backend, evil, fails):
    if fails:
        backend.preview_answer = Problem(evil, evil, evil)
    editor = EndpointEditor(backend, backend.settings().endpoint[0])
    qtbot.addWidget(editor)
    editor.open()
    backend.sign_in_asked.emit(0, evil, evil)
    editor.preview.show_busy()
    check(editor)
    answer = backend.preview_answer
    editor._preview_ticket = 7
    backend.sign_in_asked.emit(7, evil, evil)
    check(editor)
    editor._on_preview(7, answer)
    editor.banner.warn(evil, evil)
    editor.form.reveal_problems()
    check(editor)


def test_a_preset(qtbot, evil):
    words = Placeholder(name="site", help=evil, example=evil)
    texts = dict.fromkeys(("name", "title", "description", "docs", "secret"), evil)
    preset = Preset(**texts, placeholders=(words,), endpoint=Endpoint(url=""))
    dialog = PresetDialog((preset,))
    qtbot.addWidget(dialog)
    dialog.show()
    assert all(label.textFormat() == Qt.TextFormat.PlainText for label in dialog.findChildren(QLabel))


def test_questions(qtbot, backend, evil):
    questions = SyncQuestions(backend)
    backend.sync_question.emit(SyncQuestion(("a", evil), False, ("metered",), (evil, evil)))
    qtbot.addWidget(questions.box)
    check(questions.box)
    box = message_box(QMessageBox.Icon.Critical, evil, evil, evil)
    qtbot.addWidget(box)
    box.show()
    check(box)
    assert [each.textFormat() for each in box.findChildren(QLabel) if each.text()] == [Qt.TextFormat.PlainText] * 2


@pytest.mark.qt_log_ignore("systemTrayWindowChanged", extend=True)
def test_the_tray(qtbot, backend, evil):
    icon = QSystemTrayIcon()
    tray = Tray(backend, icon=icon, available=lambda: True, clock=clock)
    qtbot.waitUntil(lambda: len(tray.menu.recent.actions()) > 2)
    for state in ((), (backend.snapshot().endpoints[0],), (backend.snapshot().endpoints[2],)):
        backend.show(shown(*state))
        assert "<" not in icon.toolTip()  # a panel may take it for markup
        assert acting(icon.toolTip(), "") == set()
        assert len(icon.toolTip()) <= 200
    backend.show(shown(*backend.snapshot().endpoints, endpoint("a", name=evil, state="failing")))
    menus = (tray.menu, tray.menu.sync_now, tray.menu.problems, tray.menu.recent)
    assert not any(menu.toolTipsVisible() for menu in menus)  # Qt makes them of the texts
    for action in chain.from_iterable(menu.actions() for menu in menus):
        assert acting(action.text(), "") == set()
        assert len(action.text()) <= 160


@pytest.mark.parametrize("title", ["a[*]b", "[*]", "[*][*]", "a[**]b"])
def test_a_title_is_shown_as_it_is(qtbot, title):
    widget = QWidget()
    qtbot.addWidget(widget)
    widget.setWindowTitle(window_title(title))
    widget.show()
    assert widget.windowHandle().title() == title


def test_a_label_is_plain_from_the_first(qtbot, trap):
    label = Label(f"<img src='file://{trap}'>")
    qtbot.addWidget(label)
    label.show()
    label.grab()
    assert label.text().startswith("<img")


_ONLY_HERE = {"QLabel", "QMessageBox", "QErrorMessage", "QToolTip", "QTextBrowser", "QTextEdit", "QTextDocument"}
_INTERPRETING = {"setToolTip", "setStatusTip", "setWhatsThis", "setHtml", "insertHtml", "setWindowTitle", "showText"}


def sources() -> Iterator[tuple[str, ast.AST]]:
    root = Path(trayapp.__file__).parent
    for file in sorted((root / "ui").glob("*.py")) + sorted((root / "app").glob("*.py")):
        if file.name != "plain.py":
            yield file.name, ast.parse(file.read_text("utf-8"))


def is_own(text: ast.expr) -> bool:
    """Written here, translated here, or gone through the one way."""
    if isinstance(text, ast.IfExp):
        return is_own(text.body) and is_own(text.orelse)
    if isinstance(text, ast.Constant):
        return True
    if not isinstance(text, ast.Call):
        return False
    name = getattr(text.func, "attr", getattr(text.func, "id", ""))
    return name in ("tool_tip", "window_title", "unmarked") or (
        name == "tr" and all(isinstance(each, ast.Constant) for each in text.args)
    )


def test_only_one_module_makes_what_interprets_text():
    found = []
    for file, tree in sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                if name in _ONLY_HERE or (name in _INTERPRETING and not all(map(is_own, node.args[-1:]))):
                    found.append(f"{file}:{node.lineno} {name}")
            elif isinstance(node, ast.ClassDef):
                found += [f"{file}:{node.lineno}" for base in node.bases if getattr(base, "id", "") in _ONLY_HERE]
    # The shortcut of an action, whose text is a constant, too.
    assert [each for each in found if not each.startswith("main_window.py") or "setToolTip" not in each] == []
