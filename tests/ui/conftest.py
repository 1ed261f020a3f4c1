"""Fixtures of the widget tests."""

import pytest
from pytestqt.qtbot import QtBot

from tests.ui.fake_backend import FakeBackend


@pytest.fixture
def backend(qtbot: QtBot) -> FakeBackend:
    """An empty Backend in memory; `qtbot` makes the QApplication first."""
    assert qtbot
    return FakeBackend()
