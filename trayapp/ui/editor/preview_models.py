"""The tables of a preview: its rows, its columns and its requests."""

from collections.abc import Sequence

import msgspec
from PySide6.QtCore import (
    QAbstractItemModel,
    QAbstractTableModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    Signal,
)
from PySide6.QtGui import QGuiApplication, QPalette
from PySide6.QtWidgets import QComboBox, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from trayapp.endpoints.model import Table
from trayapp.messages import tr
from trayapp.sync.detection.preview import Preview, PreviewColumn
from trayapp.sync.http.request import RequestMade
from trayapp.ui.widgets.plain import LONGEST_CELL
from trayapp.visible import elided

_Index = QModelIndex | QPersistentModelIndex
_Cell = str | int | float | None
_NO_INDEX = QModelIndex()
_LONGEST_HEADING = 100
_KEEP, _KEY, _NAME, _TYPE, _FIELD = range(5)
_TYPES = ("integer", "real", "text", "boolean", "json")


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
            if orientation == Qt.Orientation.Vertical:
                return section + 1
            return elided(self._headings[section], _LONGEST_HEADING)
        return None

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Qt's model interface."""
        value = self._rows[index.row()][index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return "NULL" if value is None else elided(str(value), LONGEST_CELL)
        if role == Qt.ItemDataRole.TextAlignmentRole and isinstance(value, int | float):
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if role == Qt.ItemDataRole.ForegroundRole and value is None:
            return QGuiApplication.palette().color(QPalette.ColorRole.PlaceholderText)
        return None


class ColumnsModel(QAbstractTableModel):
    """The columns a table would get, to overrule: left out or kept, part of the key, name, type.

    The signals carry a Table in which only the overruled settings matter: `key_changed` its key, `columns_changed` its
    rename, ignore and types.
    """

    key_changed = Signal(object)
    columns_changed = Signal(object)

    def __init__(self, columns: Sequence[PreviewColumn], table: Table) -> None:
        super().__init__()
        left_out = tuple(PreviewColumn(name=path, type="", path=path) for path in table.ignore)
        self._columns = (*columns, *left_out)
        self._table = table
        self._headings = (tr("Keep"), tr("Key"), tr("Column"), tr("Type"), tr("Field"))

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
        more = {
            _KEEP: Qt.ItemFlag.ItemIsUserCheckable,
            _KEY: Qt.ItemFlag.ItemIsUserCheckable,
            _NAME: Qt.ItemFlag.ItemIsEditable,
            _TYPE: Qt.ItemFlag.ItemIsEditable,
        }
        return super().flags(index) | more.get(index.column(), Qt.ItemFlag.NoItemFlags)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Qt's model interface."""
        path, column = self._columns[index.row()].path, index.column()
        if column in (_KEEP, _KEY):
            if role == Qt.ItemDataRole.CheckStateRole:
                checked = path not in self._table.ignore if column == _KEEP else path in self._table.key
                return Qt.CheckState.Checked if checked else Qt.CheckState.Unchecked
            if role == Qt.ItemDataRole.AccessibleTextRole:
                field = elided(path, LONGEST_CELL)
                return (
                    tr("Keep {field}", field=field)
                    if column == _KEEP
                    else tr("{field} is part of the key", field=field)
                )
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return elided(self._text(self._columns[index.row()], column), LONGEST_CELL)
        if role == Qt.ItemDataRole.EditRole and column == _NAME:
            return self._text(self._columns[index.row()], column)
        if role == Qt.ItemDataRole.EditRole and column == _TYPE:
            return self._table.types.get(path, "")
        return None

    def setData(self, index: _Index, value: object, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Overrule what was found."""
        path, column = self._columns[index.row()].path, index.column()
        if role == Qt.ItemDataRole.CheckStateRole:
            checked = Qt.CheckState(value) == Qt.CheckState.Checked
            if column == _KEY:
                found = {each.path for each in self._columns}
                key = tuple(each for each in self._table.key if each != path and each in found)
                self._change(index, key=(*key, path) if checked else key)
                self.key_changed.emit(self._table)
            else:
                ignore = tuple(each for each in self._table.ignore if each != path)
                self._change(index, ignore=ignore if checked else (*ignore, path))
                self.columns_changed.emit(self._table)
            return True
        text = str(value).strip()
        if column == _NAME and text == self.data(index, role):
            return False
        before = self._table.rename if column == _NAME else self._table.types
        changed = {each: name for each, name in before.items() if each != path}
        if text and not (column == _NAME and text == path):
            changed[path] = text
        self._change(index, **{"rename" if column == _NAME else "types": changed})
        self.columns_changed.emit(self._table)
        return True

    def _text(self, found: PreviewColumn, column: int) -> str:
        if column == _NAME:
            return self._table.rename.get(found.path, found.name)
        return self._table.types.get(found.path, found.type.lower()) if column == _TYPE else found.path

    def _change(self, index: _Index, **settings: object) -> None:
        self._table = msgspec.structs.replace(self._table, **settings)
        self.dataChanged.emit(self.index(index.row(), 0), self.index(index.row(), _FIELD))


class TypeDelegate(QStyledItemDelegate):
    """Chooses a column's type from a list."""

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: _Index) -> QWidget:  # noqa: ARG002
        """Qt's delegate interface."""
        box = QComboBox(parent)
        box.setObjectName("columnType")
        box.setAccessibleName(tr("Type"))
        box.addItem(tr("as found"), "")
        for name in _TYPES:
            box.addItem(name, name)
        box.activated.connect(lambda _index: self.commitData.emit(box))
        return box

    def setEditorData(self, editor: QWidget, index: _Index) -> None:
        """Qt's delegate interface."""
        if isinstance(editor, QComboBox):
            editor.setCurrentIndex(max(0, editor.findData(index.data(Qt.ItemDataRole.EditRole))))

    def setModelData(self, editor: QWidget, model: QAbstractItemModel, index: _Index) -> None:
        """Qt's delegate interface."""
        if isinstance(editor, QComboBox):
            model.setData(index, editor.currentData())


def rows_model(preview: Preview) -> CellsModel:
    """The first rows, as they would be in the table."""
    return CellsModel([column.name for column in preview.columns], preview.rows)


def columns_model(preview: Preview) -> ColumnsModel:
    """The columns, with the key that was found."""
    return ColumnsModel(preview.columns, msgspec.structs.replace(preview.endpoint.table, key=preview.key))


def requests_model(requests: Sequence[RequestMade]) -> CellsModel:
    """Each request with how long it took and how it ended."""
    headings = (tr("Status"), tr("Seconds"), tr("Bytes"), tr("Method"), tr("Address"))
    none = tr("no response")
    rows = [(made.status or none, f"{made.seconds:.2f}", made.bytes, made.method, made.url) for made in requests]
    return CellsModel(headings, rows)


def type_column(parent: QObject) -> tuple[int, TypeDelegate]:
    """Which column of a ColumnsModel needs a delegate, and one for it."""
    return _TYPE, TypeDelegate(parent)
