"""A small table of names and values: headers and parameters of a request."""

from collections.abc import Mapping

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from trayapp.messages import tr
from trayapp.ui.widgets.plain import TextDelegate

Value = str | int | float | bool

_VISIBLE_ROWS = 3


def value_text(value: Value) -> str:
    """How a value of settings.toml is shown in a table cell."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def typed_values(texts: Mapping[str, str], before: Mapping[str, Value]) -> dict[str, Value]:
    """The texts, but values nobody touched keep the type they have in the settings file."""
    return {
        name: before[name] if name in before and value_text(before[name]) == text else text
        for name, text in texts.items()
    }


class KeyValueEditor(QWidget):
    """Rows of name and value, edited in place; Insert adds a row, Delete removes the current one."""

    changed = Signal()

    def __init__(self, name: str, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._before: Mapping[str, Value] = {}
        self.table = QTableWidget(0, 2)
        self.table.setObjectName(name)
        self.table.setAccessibleName(title)
        self.table.setHorizontalHeaderLabels([tr("Name"), tr("Value")])
        self.table.setItemDelegate(TextDelegate(self.table))
        self.table.verticalHeader().hide()
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setTabKeyNavigation(False)
        row = self.table.verticalHeader().defaultSectionSize()
        self.table.setFixedHeight(self.table.horizontalHeader().sizeHint().height() + _VISIBLE_ROWS * row + 4)
        self.add_button = QPushButton(tr("Add"))
        self.remove_button = QPushButton(tr("Remove"))
        buttons = QHBoxLayout()
        for button, verb in ((self.add_button, "Add"), (self.remove_button, "Remove")):
            button.setObjectName(f"{name}{verb}")
            button.setAccessibleName(f"{button.text()}: {title}")
            button.setAutoDefault(False)
            buttons.addWidget(button)
        buttons.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.table)
        layout.addLayout(buttons)
        self.add_button.clicked.connect(self._add)
        self.remove_button.clicked.connect(self._remove)
        self.table.itemChanged.connect(lambda _item: self.changed.emit())
        self.table.itemSelectionChanged.connect(self._show_buttons)
        self.table.installEventFilter(self)
        self._show_buttons()

    def set_values(self, values: Mapping[str, Value]) -> None:
        """Replace all rows."""
        self._before = dict(values)
        self.table.blockSignals(True)
        self.table.setRowCount(0)
        for name, value in values.items():
            self._append(name, value_text(value))
        self.table.blockSignals(False)
        self._show_buttons()

    def values(self) -> dict[str, Value]:
        """The rows that have a name."""
        return typed_values({name: value for name, value in self._rows() if name}, self._before)

    def problem(self) -> str:
        """What is wrong with the rows, "" when nothing is."""
        names = [name for name, _ in self._rows()]
        if any(value and not name for name, value in self._rows()):
            return tr("A value has no name; give it one, or remove the row.")
        twice = next((name for name in names if name and names.count(name) > 1), None)
        return tr("“{name}” is listed twice; keep one of them.", name=twice) if twice else ""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Insert adds and Delete removes a row."""
        if watched is self.table and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            if event.key() == Qt.Key.Key_Delete:
                self._remove()
                return True
            if event.key() == Qt.Key.Key_Insert:
                self._add()
                return True
        return super().eventFilter(watched, event)

    def _rows(self) -> list[tuple[str, str]]:
        return [(self._text(row, 0).strip(), self._text(row, 1)) for row in range(self.table.rowCount())]

    def _text(self, row: int, column: int) -> str:
        item = self.table.item(row, column)
        return item.text() if item is not None else ""

    def _append(self, name: str, value: str) -> int:
        row = self.table.rowCount()
        self.table.insertRow(row)
        self.table.setItem(row, 0, QTableWidgetItem(name))
        self.table.setItem(row, 1, QTableWidgetItem(value))
        return row

    def _add(self) -> None:
        row = self._append("", "")
        self.table.setCurrentCell(row, 0)
        self.table.setFocus(Qt.FocusReason.OtherFocusReason)
        item = self.table.item(row, 0)
        assert item is not None
        self.table.editItem(item)

    def _remove(self) -> None:
        if self.table.currentRow() >= 0:
            self.table.removeRow(self.table.currentRow())
            self._show_buttons()
            self.changed.emit()

    def _show_buttons(self) -> None:
        self.remove_button.setEnabled(self.table.currentRow() >= 0)
