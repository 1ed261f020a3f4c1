"""The settings page that says what this program is."""

import platform

from PySide6.QtCore import Qt, qVersion
from PySide6.QtWidgets import QVBoxLayout, QWidget

import trayapp
from trayapp.messages import tr
from trayapp.ui.widgets.plain import Label


class AboutPage(QWidget):
    """Name, version, what it does, licence."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        name = Label("TraySync")
        font = name.font()
        font.setPointSizeF(font.pointSizeF() * 1.6)
        font.setBold(True)
        name.setFont(font)
        self.version = _text(
            tr(
                "Version {version} · Qt {qt} · Python {python}",
                version=trayapp.__version__,
                qt=qVersion(),
                python=platform.python_version(),
            )
        )
        self.version.setObjectName("version")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(name)
        layout.addWidget(self.version)
        layout.addSpacing(12)
        layout.addWidget(_text(tr("Keeps local SQLite copies of web APIs up to date, from the system tray.")))
        layout.addWidget(_text(tr("Free software under the MIT licence.")))
        layout.addStretch(1)


def _text(text: str) -> Label:
    label = Label(text)
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label
