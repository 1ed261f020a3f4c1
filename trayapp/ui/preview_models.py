"""The tables of a preview: its rows, its columns and its requests."""

from collections.abc import Sequence

from PySide6.QtCore import QAbstractTableModel, QCoreApplication, QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QGuiApplication, QPalette

from trayapp.sync.preview import Preview, PreviewColumn, RequestMade

_Index = QModelIndex | QPersistentModelIndex
_Cell = str | int | float | None
_NO_INDEX = QModelIndex()
_LONGEST_CELL = 200


class CellsModel(QAbstractTableModel):
    """Read-only cells under headings; numbers stand right, NULL is grey."""

    def __init__(self, headings: Sequence[str] = (), rows: Sequence[Sequence[_Cell]] = ()) -> None:
        super().__init__()
        self._headings = tuple(headings)
        self._rows = tuple(rows)

    def rowCount(self, parent: _Index = _NO_INDEX) -> int:
        """Qt's model interface."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: _Index = _NO_INDEX) -> int:
        """Qt's model interface."""
        return 0 if parent.isValid() else len(self._headings)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Qt's model interface."""
        if role == Qt.ItemDataRole.DisplayRole:
            return self._headings[section] if orientation == Qt.Orientation.Horizontal else section + 1
        return None

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Qt's model interface."""
        value = self._rows[index.row()][index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return "NULL" if value is None else str(value)[:_LONGEST_CELL]
        if role == Qt.ItemDataRole.TextAlignmentRole and isinstance(value, int | float):
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if role == Qt.ItemDataRole.ForegroundRole and value is None:
            return QGuiApplication.palette().color(QPalette.ColorRole.PlaceholderText)
        return None


class ColumnsModel(QAbstractTableModel):
    """The columns a table would get; the check marks say which of them identify a record."""

    key_changed = Signal(tuple)

    def __init__(self, columns: Sequence[PreviewColumn] = (), key: Sequence[str] = ()) -> None:
        super().__init__()
        self._columns = tuple(columns)
        self._key = tuple(key)
        self._headings = (_tr("Key"), _tr("Column"), _tr("Type"), _tr("Field"))

    def rowCount(self, parent: _Index = _NO_INDEX) -> int:
        """Qt's model interface."""
        return 0 if parent.isValid() else len(self._columns)

    def columnCount(self, parent: _Index = _NO_INDEX) -> int:
        """Qt's model interface."""
        return 0 if parent.isValid() else len(self._headings)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Qt's model interface."""
        if role == Qt.ItemDataRole.DisplayRole and orientation == Qt.Orientation.Horizontal:
            return self._headings[section]
        return None

    def flags(self, index: _Index) -> Qt.ItemFlag:
        """Qt's model interface."""
        checkable = Qt.ItemFlag.ItemIsUserCheckable if index.column() == 0 else Qt.ItemFlag.NoItemFlags
        return super().flags(index) | checkable

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Qt's model interface."""
        column = self._columns[index.row()]
        if index.column() == 0:
            if role == Qt.ItemDataRole.CheckStateRole:
                return Qt.CheckState.Checked if column.path in self._key else Qt.CheckState.Unchecked
            if role == Qt.ItemDataRole.AccessibleTextRole:
                return _tr("{column} is part of the key").format(column=column.name)
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return ("", column.name, column.type, column.path)[index.column()]
        return None

    def setData(self, index: _Index, value: object, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """A check mark puts the field into the key or takes it out."""
        if role != Qt.ItemDataRole.CheckStateRole or index.column() != 0:
            return False
        path = self._columns[index.row()].path
        if Qt.CheckState(value) == Qt.CheckState.Checked:
            self._key = (*self._key, path)
        else:
            self._key = tuple(part for part in self._key if part != path)
        self.dataChanged.emit(index, index, [role])
        self.key_changed.emit(self._key)
        return True


def rows_model(preview: Preview) -> CellsModel:
    """The first rows, as they would be in the table."""
    return CellsModel([column.name for column in preview.columns], preview.rows)


def requests_model(requests: Sequence[RequestMade]) -> CellsModel:
    """Each request with how long it took and how it ended."""
    headings = (_tr("Status"), _tr("Seconds"), _tr("Bytes"), _tr("Method"), _tr("Address"))
    none = _tr("no answer")
    rows = [(made.status or none, f"{made.seconds:.2f}", made.bytes, made.method, made.url) for made in requests]
    return CellsModel(headings, rows)


def _tr(text: str) -> str:
    return QCoreApplication.translate("Preview", text)
