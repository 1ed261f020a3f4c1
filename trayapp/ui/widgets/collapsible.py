"""A part of a form that is folded away until wanted."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QSizePolicy, QToolButton, QVBoxLayout, QWidget

from trayapp.messages import tr


class Collapsible(QWidget):
    """A heading that opens and closes `content`; closed at first."""

    def __init__(self, name: str, title: str, content: QWidget) -> None:
        super().__init__()
        self._content = content
        self._open = False
        self.heading = QToolButton()
        self.heading.setObjectName(name)
        self.heading.setText(title)
        self.heading.setAccessibleName(title.replace("&", ""))
        self.heading.setAutoRaise(True)
        self.heading.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.heading.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.heading.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        font = self.heading.font()
        font.setBold(True)
        self.heading.setFont(font)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.heading)
        layout.addWidget(content)
        self.heading.clicked.connect(lambda: self.set_open(not self.is_open))
        self.set_open(False)

    def set_open(self, open: bool) -> None:
        """Show or hide the content."""
        self._open = open
        self.heading.setArrowType(Qt.ArrowType.DownArrow if open else Qt.ArrowType.RightArrow)
        self.heading.setAccessibleDescription(tr("open") if open else tr("closed"))
        self._content.setVisible(open)

    @property
    def is_open(self) -> bool:
        """Whether the content is shown."""
        return self._open
