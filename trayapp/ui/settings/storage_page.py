"""The settings page that says where the data is."""

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFormLayout, QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from trayapp.messages import tr
from trayapp.ui.widgets.plain import Label


class StoragePage(QWidget):
    """The database's path to copy, and a button that opens its folder."""

    open_folder_wanted = Signal()

    def __init__(self, data_file: Path | None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.path = QLineEdit(str(data_file or ""))
        self.path.setObjectName("dataFile")
        self.path.setReadOnly(True)
        label = Label(tr("&Database:"))
        label.setBuddy(self.path)
        self.path.setAccessibleName(tr("Database"))
        self.open_button = QPushButton(tr("Open &folder"))
        self.open_button.setObjectName("openDataFolder")
        self.open_button.setAutoDefault(False)
        self.open_button.clicked.connect(self.open_folder_wanted)
        hint = Label(tr("An ordinary SQLite file: any SQLite program can open it, also while TraySync runs."))
        hint.setWordWrap(True)
        hint.setForegroundRole(self.palette().ColorRole.PlaceholderText)
        form = QFormLayout()
        row = QHBoxLayout()
        row.addWidget(self.path, 1)
        row.addWidget(self.open_button)
        form.addRow(label, row)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(form)
        layout.addWidget(hint)
        layout.addStretch(1)
        label.setVisible(data_file is not None)
        self.path.setVisible(data_file is not None)
