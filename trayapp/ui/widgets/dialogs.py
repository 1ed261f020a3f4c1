"""Questions that need an answer before work goes on."""

from collections.abc import Callable, Mapping

from PySide6.QtCore import Qt
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QDialogButtonBox, QMessageBox, QWidget

from trayapp.ui.widgets.plain import message_box

Answer = QMessageBox.StandardButton


def ask(
    parent: QWidget,
    name: str,
    question: str,
    detail: str,
    answers: Mapping[Answer, Callable[[], object]],
    default: Answer = QMessageBox.StandardButton.Cancel,
) -> QMessageBox:
    """Open a question over `parent` and return at once; Cancel is always among the answers and does nothing."""
    buttons = QMessageBox.StandardButton.Cancel
    for answer in answers:
        buttons |= answer
    box = message_box(QMessageBox.Icon.Question, parent.window().windowTitle(), question, detail, buttons, parent)
    box.setObjectName(name)
    box.setDefaultButton(default)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    for answer, act in answers.items():
        # A bound method, not a lambda around it: PySide holds its object weakly. A strong reference would be let go
        # in the box's destructor, and the last one would take the box's parent with it.
        box.button(answer).clicked.connect(act)
    for button in box.buttons():
        button.setIcon(QIcon())
    box.open()
    return box


def without_icons(buttons: QDialogButtonBox) -> QDialogButtonBox:
    """Take the style's dated pictures off a dialog's buttons; returns the same box."""
    for button in buttons.buttons():
        button.setIcon(QIcon())
    return buttons
