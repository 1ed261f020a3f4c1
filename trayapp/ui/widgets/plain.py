"""The one way in which windows show text that may come from elsewhere: as it is, and nothing in it obeyed.

Qt takes what looks like HTML for HTML wherever it is not told otherwise: it draws the headings, and loads the pictures
from any file or host they name. Nothing outside this module makes labels, message boxes, tool tips or window titles.
"""

from PySide6.QtCore import QLocale, Qt
from PySide6.QtWidgets import QLabel, QMessageBox, QStyledItemDelegate, QWidget

from trayapp.visible import breakable, elided, shortened

LONGEST_CELL = 300
"""Characters of a cell of a table that are shown in it."""
_LONGEST_TITLE = 100


class Label(QLabel):
    """Plain text in lines that fit a window."""

    def __init__(self, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setText(text)

    def setText(self, text: str) -> None:
        """Show this text, or the beginning of a long one."""
        super().setText(breakable(shortened(text)))


class TextDelegate(QStyledItemDelegate):
    """Shows cells that are edited in place, and so hold their text as it came."""

    def displayText(self, value: object, locale: QLocale | QLocale.Language) -> str:  # noqa: ARG002
        """Qt's delegate interface."""
        return elided(str(value), LONGEST_CELL)


def message_box(
    icon: QMessageBox.Icon,
    title: str,
    text: str,
    detail: str,
    buttons: QMessageBox.StandardButton = QMessageBox.StandardButton.NoButton,
    parent: QWidget | None = None,
) -> QMessageBox:
    """A box, not shown yet, that says `text` large and `detail` below it."""
    box = QMessageBox(icon, window_title(title), "", buttons, parent)
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setText(breakable(shortened(text)))
    box.setInformativeText(breakable(shortened(detail)))
    return box


def tool_tip(text: str) -> str:
    """A tool tip of plain text: HTML, since Qt breaks only its lines."""
    from html import escape  # it loads 2,000 names of characters, and the program rests without windows

    return f'<div style="white-space: pre-wrap">{escape(breakable(shortened(text)))}</div>' if text else ""


def window_title(text: str) -> str:
    """A window's title: Qt would take "[*]" for the place of a sign that the window has edits."""
    return elided(text, _LONGEST_TITLE).replace("[*]", "[*][*]")
