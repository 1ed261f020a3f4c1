"""A labelled input of a form, with the words of what is wrong with it right below."""

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QComboBox, QFormLayout, QLineEdit, QSizePolicy, QVBoxLayout, QWidget

from trayapp.ui.widgets.plain import Label
from trayapp.ui.widgets.theme import status_colour


def sentence(message: str) -> str:
    """A message of the validation, which begins small and ends bare, as a sentence of its own."""
    return f"{message[:1].upper()}{message[1:]}{'' if message.endswith(('.', '?', '!')) else '.'}"


class ProblemLabel(Label):
    """Red text, hidden while empty."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("", parent)
        self.setWordWrap(True)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        self.hide()
        self._colour()

    def show_problem(self, text: str) -> None:
        """Show this text, or hide when there is none."""
        self.setText(text)
        self.setVisible(bool(text))

    def changeEvent(self, event: QEvent) -> None:
        """Follow a change between light and dark."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.ApplicationPaletteChange:
            self._colour()

    def _colour(self) -> None:
        palette = QPalette(self.palette())
        palette.setColor(QPalette.ColorRole.WindowText, status_colour("bad", palette))
        self.setPalette(palette)


class Field(QWidget):
    """An input with its label, an optional hint and its problem.

    `path` is where the value stands in settings.toml, relative to the endpoint ("request.timeout"). `focus` is the
    widget the label's mnemonic leads to when `editor` is made of several.
    """

    def __init__(self, path: str, label: str, editor: QWidget, hint: str = "", focus: QWidget | None = None) -> None:
        super().__init__()
        self.path = path
        self.editor = editor
        self._focus = focus or editor
        self.label = Label(label)
        self.label.setBuddy(self._focus)
        self.hint = Label(hint)
        self.hint.setWordWrap(True)
        self.hint.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self.hint.setVisible(bool(hint))
        self._problem = ProblemLabel()
        self._problem.setObjectName(f"{path.replace('.', '_')}_problem")
        if not self._focus.accessibleName():
            self._focus.setAccessibleName(_plain(label))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(editor)
        layout.addWidget(self._problem)
        layout.addWidget(self.hint)

    @property
    def problem(self) -> str:
        """What is wrong with the value, "" when nothing is."""
        return self._problem.text()

    def set_problem(self, text: str) -> None:
        """Show what is wrong below the input, and say it to screen readers."""
        if text != self._problem.text():
            self._problem.show_problem(text)
            self._focus.setAccessibleDescription(self.problem or self.hint.text())

    def set_label(self, text: str) -> None:
        """Replace the label, and the input's accessible name with it."""
        if text != self.label.text():
            self.label.setText(text)
            self._focus.setAccessibleName(_plain(text))

    def set_hint(self, text: str) -> None:
        """Replace the explanation below the input."""
        self.hint.setText(text)
        self.hint.setVisible(bool(text))
        if not self.problem:
            self._focus.setAccessibleDescription(self.hint.text())

    def take_focus(self) -> None:
        """Give the keyboard to the input."""
        self._focus.setFocus(Qt.FocusReason.OtherFocusReason)

    def add_to(self, form: QFormLayout) -> "Field":
        """Append to the form layout as a row; returns itself."""
        form.addRow(self.label, self)
        return self


def line(name: str, example: str = "", accessible: str = "") -> QLineEdit:
    """An input for one line of text. `accessible` is for those that no Field gives its label to."""
    edit = QLineEdit()
    edit.setObjectName(name)
    edit.setPlaceholderText(example)
    edit.setAccessibleName(accessible)
    return edit


def choice(name: str, *choices: tuple[str, str]) -> QComboBox:
    """A choice among values, each given with its text."""
    box = QComboBox()
    box.setObjectName(name)
    for value, text in choices:
        box.addItem(text, value)
    return box


def _plain(label: str) -> str:
    return label.replace("&", "").rstrip(":")
