import pytest
from PySide6.QtGui import QGuiApplication, QPalette
from PySide6.QtWidgets import QLabel

from tests.ui.widgets.test_icons import contrast
from trayapp.ui.widgets.theme import Theme, is_dark, palette, status_colour

Role = QPalette.ColorRole


@pytest.fixture
def theme(qapp):
    before, style = qapp.palette(), qapp.style().name()
    made = Theme(qapp)
    yield made
    made.choose("system")
    made.deleteLater()
    qapp.setStyle(style)
    qapp.setPalette(before)


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize(
    ("text", "ground"),
    [
        (Role.Text, Role.Base),
        (Role.Text, Role.AlternateBase),
        (Role.Text, Role.Highlight),
        (Role.HighlightedText, Role.Highlight),
        (Role.WindowText, Role.Window),
        (Role.ButtonText, Role.Button),
        (Role.PlaceholderText, Role.Base),
        (Role.PlaceholderText, Role.Window),
        (Role.PlaceholderText, Role.Highlight),
        (Role.ToolTipText, Role.ToolTipBase),
        (Role.Link, Role.Base),
    ],
)
def test_texts_are_readable(dark, text, ground):
    colours = palette(dark)
    assert contrast(colours.color(text), colours.color(ground)) >= 4.5


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("name", ["good", "busy", "warn", "bad", "quiet"])
@pytest.mark.parametrize("ground", [Role.Base, Role.AlternateBase, Role.Highlight])
def test_state_colours_are_readable(dark, name, ground):
    colours = palette(dark)
    assert contrast(status_colour(name, colours), colours.color(ground)) >= 4.5


def test_the_choice_is_applied_at_once(theme, qapp):
    theme.choose("dark")
    assert theme.dark
    assert is_dark(qapp.palette())
    theme.choose("light")
    assert not theme.dark
    assert not is_dark(qapp.palette())


def test_the_system_is_followed(theme, qapp, qtbot):
    theme.choose("system")
    QGuiApplication.styleHints().colorSchemeChanged.emit(QGuiApplication.styleHints().colorScheme())
    qtbot.waitUntil(lambda: is_dark(qapp.palette()) == theme.dark)


def test_open_widgets_change_with_it(theme, qtbot):
    label = QLabel("text")
    qtbot.addWidget(label)
    label.show()
    theme.choose("dark")
    qtbot.waitUntil(lambda: label.palette().color(Role.WindowText) == palette(dark=True).color(Role.WindowText))
