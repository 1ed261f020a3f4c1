"""The question before *Sync now* overrules what endpoints wait for."""

import pytest
from PySide6.QtWidgets import QMessageBox
from pytestqt.qtbot import QtBot

from tests.ui.fake_backend import FakeBackend
from trayapp.endpoints.model import Endpoint, Settings
from trayapp.ui.backend import SyncQuestion
from trayapp.ui.window.sync_question import SyncQuestions

QUESTION = SyncQuestion(("a", "b"), True, ("metered",), ("This network is metered",))


@pytest.fixture
def asking(qtbot: QtBot) -> tuple[FakeBackend, SyncQuestions]:
    backend = FakeBackend(Settings(endpoint=(Endpoint(url="https://a.example/", id="a", name="Stock"),)))
    return backend, SyncQuestions(backend, backend)


@pytest.mark.parametrize("again", [True, False])
def test_yes_runs_them(asking: tuple[FakeBackend, SyncQuestions], again: bool) -> None:
    backend, questions = asking
    backend.sync_question.emit(QUESTION)
    box = questions.box
    assert box is not None
    assert box.text() == "This network is metered. Sync anyway?"
    assert "Stock, b" in box.informativeText()
    box.checkBox().setChecked(not again)
    box.button(QMessageBox.StandardButton.Yes).click()
    assert backend.called("sync_anyway") == [(QUESTION, again)]
    assert questions.box is None


def test_cancel_does_nothing(asking: tuple[FakeBackend, SyncQuestions]) -> None:
    backend, questions = asking
    backend.sync_question.emit(QUESTION)
    assert questions.box is not None
    assert questions.box.defaultButton() is questions.box.button(QMessageBox.StandardButton.Cancel)
    questions.box.checkBox().setChecked(True)
    questions.box.button(QMessageBox.StandardButton.Cancel).click()
    assert backend.called("sync_anyway") == []


def test_only_the_newest_question_stays(asking: tuple[FakeBackend, SyncQuestions]) -> None:
    backend, questions = asking
    backend.sync_question.emit(QUESTION)
    first = questions.box
    assert first is not None
    backend.sync_question.emit(SyncQuestion(("c",), False, ("hours",), ("The time is outside 22:00-06:00",)))
    assert questions.box is not first
    assert not first.isVisible()
    assert questions.box is not None
    assert questions.box.isVisible()
    questions.box.close()
