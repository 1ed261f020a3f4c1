"""A strip across a dialog that says something the user should know, with buttons to act on it."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QSizePolicy, QStyle, QVBoxLayout, QWidget

from trayapp.errors import Problem
from trayapp.ui.widgets.plain import Label
from trayapp.visible import shortened

_ICON_SIZE = 24


class Banner(QFrame):
    """Hidden until something is said; a new message replaces the old one."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self.setAutoFillBackground(True)
        self.setBackgroundRole(self.palette().ColorRole.AlternateBase)
        self._icon = Label()
        self._said = ""
        self._title = Label()
        self._title.setObjectName(f"{name}Title")
        font = self._title.font()
        font.setBold(True)
        self._title.setFont(font)
        self._text = Label()
        self._text.setObjectName(f"{name}Text")
        for label in (self._title, self._text):
            label.setWordWrap(True)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            label.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(self._title)
        words.addWidget(self._text)
        self._buttons = QHBoxLayout()
        self._buttons.setSpacing(8)
        self._buttons.setContentsMargins(0, 4, 0, 0)
        words.addLayout(self._buttons)
        row = QHBoxLayout(self)
        row.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(words, 1)
        self.hide()

    @property
    def title(self) -> str:
        """The bold line, "" while hidden."""
        return "" if self.isHidden() else self._said

    def say(self, title: str, text: str = "", actions: tuple[tuple[str, str, Callable[[], object]], ...] = ()) -> None:
        """Show a message; each action is (object name, label, what it does)."""
        self._show(QStyle.StandardPixmap.SP_MessageBoxInformation, title, text, actions)

    def warn(self, title: str, text: str = "", actions: tuple[tuple[str, str, Callable[[], object]], ...] = ()) -> None:
        """The same as `say`, for what needs a decision."""
        self._show(QStyle.StandardPixmap.SP_MessageBoxWarning, title, text, actions)

    def fail(self, problem: Problem, actions: tuple[tuple[str, str, Callable[[], object]], ...] = ()) -> None:
        """Show a failure: what happened, why, what to do next, and buttons that do it."""
        text = "\n".join(str(part) for part in (problem.cause, problem.next) if part)
        self._show(QStyle.StandardPixmap.SP_MessageBoxCritical, str(problem.title), text, actions)

    def clear(self) -> None:
        """Take the message away."""
        self.hide()

    def _show(
        self,
        icon: QStyle.StandardPixmap,
        title: str,
        text: str,
        actions: tuple[tuple[str, str, Callable[[], object]], ...],
    ) -> None:
        self._icon.setPixmap(self.style().standardIcon(icon).pixmap(_ICON_SIZE, _ICON_SIZE))
        self._said = title
        self._title.setText(title)
        self._text.setText(text)
        self._text.setVisible(bool(text))
        self.setAccessibleName(shortened(f"{title}. {text}"))
        while (item := self._buttons.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.hide()
                old.deleteLater()
        for name, label, act in actions:
            button = QPushButton(label)
            button.setObjectName(name)
            button.setAutoDefault(False)
            button.clicked.connect(lambda _checked=False, act=act: act())
            self._buttons.addWidget(button)
        self._buttons.addStretch(1)
        self.show()
