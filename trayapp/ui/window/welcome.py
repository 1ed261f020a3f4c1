"""The first page of a program that has nothing to do yet."""

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from trayapp.messages import tr
from trayapp.ui.widgets.icons import app_icon, line_icon
from trayapp.ui.widgets.plain import Label

_ICON = 96
_TEXT_WIDTH = 480


class WelcomePage(QWidget):
    """Says what the program is for, and offers the two ways to begin."""

    add_requested = Signal()
    demo_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("welcome")
        picture = Label()
        picture.setPixmap(app_icon().pixmap(_ICON))
        title = Label(tr("Welcome to TraySync"))
        font = title.font()
        font.setPointSizeF(font.pointSizeF() * 1.7)
        font.setBold(True)
        title.setFont(font)
        text = Label(
            tr(
                "TraySync keeps a plain SQLite table equal to what a web API lists, on a schedule, and tells you what "
                "changed. Name the address of an API to begin, or look at it with an example first."
            )
        )
        text.setWordWrap(True)
        text.setFixedSize(_TEXT_WIDTH, text.heightForWidth(_TEXT_WIDTH))
        text.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        text.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self.add = QPushButton(tr("&Add an endpoint"))
        self.add.setObjectName("welcomeAdd")
        self.add.setDefault(True)
        self.demo = QPushButton(tr("&Try the demo"))
        self.demo.setObjectName("welcomeDemo")
        self.demo.setToolTip(tr("Starts a small API on this computer and an endpoint that follows it"))
        buttons = QHBoxLayout()
        buttons.setSpacing(12)
        buttons.addStretch(1)
        for button in (self.add, self.demo):
            button.setMinimumSize(170, 38)
            button.setAutoDefault(True)
            buttons.addWidget(button)
        buttons.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setSpacing(16)
        layout.addStretch(2)
        for widget in (picture, title, text):
            layout.addWidget(widget, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addSpacing(8)
        layout.addLayout(buttons)
        layout.addStretch(3)
        self.add.clicked.connect(self.add_requested)
        self.demo.clicked.connect(self.demo_requested)
        self._dress()

    def changeEvent(self, event: QEvent) -> None:
        """Follow a change between light and dark."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._dress()

    def _dress(self) -> None:
        self.add.setIcon(line_icon("add", self.palette()))
        self.demo.setIcon(line_icon("demo", self.palette()))
