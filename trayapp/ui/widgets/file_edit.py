"""The path of a file, typed or chosen."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLineEdit, QPushButton, QWidget

from trayapp.messages import tr


class FileEdit(QWidget):
    """A line for a path with a button that opens the system's dialog."""

    def __init__(self, name: str, title: str, filter: str, parent: QWidget | None = None) -> None:
        """filter: which files the dialog offers, like "Certificates (*.pem)"."""
        super().__init__(parent)
        self._title = title
        self._filter = filter
        self.line = QLineEdit()
        self.line.setObjectName(name)
        self.button = QPushButton(tr("Choose…"))
        self.button.setObjectName(f"{name}Choose")
        self.button.setAccessibleName(f"{self.button.text()} {title}")
        self.button.setAutoDefault(False)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.line, 1)
        layout.addWidget(self.button)
        self.button.clicked.connect(self._choose)

    def path(self) -> str | None:
        """The path, None when there is none."""
        return self.line.text().strip() or None

    def set_path(self, path: str | None) -> None:
        """Show this path."""
        self.line.setText(path or "")

    def _choose(self) -> None:
        dialog = QFileDialog(self, self._title, self.line.text().strip(), self._filter)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.line.setText)
        dialog.open()
