"""A mirrored table as a model that fetches only the stretches of rows somebody looks at."""

from collections import OrderedDict
from typing import Any

import msgspec
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, Qt, QTimer, Signal

from trayapp.errors import Problem
from trayapp.store.reading.arrangement import ALL, Arrangement
from trayapp.store.reading.reader import RowsPage
from trayapp.ui.backend import Backend
from trayapp.ui.widgets.keyed_model import Index
from trayapp.ui.widgets.plain import LONGEST_CELL, tool_tip
from trayapp.ui.widgets.words import number
from trayapp.visible import elided

Role = Qt.ItemDataRole
Row = tuple[str | int | float | bytes | None, ...]

_STRETCH = 200
_KEPT = 100
"""Stretches kept: 20,000 rows."""
_AT_ONCE = 2
_LONGEST_HEADING = 100
_ROOT = QModelIndex()


class DataModel(QAbstractTableModel):
    """Rows that are not there yet are blank; `failed` tells that they cannot be had."""

    failed = Signal(object)
    """Problem: there is nothing to show, and why."""
    loaded = Signal()
    """Rows came; columns and total are known."""
    asked = Signal()
    """Rows are asked for; `loaded`, `failed` or `stopped` tells when none are any more."""
    stopped = Signal()
    """Nothing is asked for any more, by the user's wish; `arrangement` is that of the rows there are."""
    unsorted = Signal()
    """The order that was asked for can't be had any more; the rows come in the table's own."""

    def __init__(self, backend: Backend, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._backend = backend
        self._endpoint = ""
        self._columns: tuple[str, ...] = ()
        self._total = 0
        self._in_table = 0
        self._wanted_rows = ALL
        self._shown_rows = ALL
        self._rearranged = False
        """The stretches are those of the arrangement before."""
        self._stretches: OrderedDict[int, tuple[Row, ...]] = OrderedDict()
        self._stale: set[int] = set()
        self._wanted: list[int] = []
        self._asked: dict[int, int] = {}
        # Wishes of one paint are collected: the last ones, where the user stopped scrolling, are asked for first.
        self._ask_soon = QTimer(self)
        self._ask_soon.setSingleShot(True)
        self._ask_soon.setInterval(0)
        self._ask_soon.timeout.connect(self._ask)
        backend.rows_ready.connect(self._on_rows)

    @property
    def endpoint(self) -> str:
        """Id of the endpoint whose table this is, "" for none."""
        return self._endpoint

    @property
    def total(self) -> int:
        """How many rows are shown."""
        return self._total

    @property
    def in_table(self) -> int:
        """How many rows the table has."""
        return self._in_table

    @property
    def arrangement(self) -> Arrangement:
        """Which rows are wanted, and in what order."""
        return self._wanted_rows

    @property
    def is_asking(self) -> bool:
        """Whether an answer is waited for."""
        return bool(self._asked)

    def column_of(self, name: str) -> int:
        """The position of a column, -1 when there is none of that name."""
        return self._columns.index(name) if name in self._columns else -1

    def stop(self) -> None:
        """Wait for no rows any more: those of the arrangement before stay, if other ones were to come."""
        self._ask_no_more()
        self._wanted_rows, self._rearranged = self._shown_rows, False
        self.stopped.emit()

    def _ask_no_more(self) -> None:
        for ticket in self._asked:
            self._backend.stop_rows(ticket)
        self._asked.clear()
        self._wanted.clear()

    def show_endpoint(self, id: str) -> None:
        """Show this endpoint's table from its beginning, all of it in its own order."""
        self.beginResetModel()
        self._endpoint, self._columns, self._total, self._in_table = id, (), 0, 0
        self._wanted_rows = self._shown_rows = ALL
        self._forget()
        self.endResetModel()
        if id:
            self._want(0)

    def find(self, text: str) -> None:
        """Show only rows that have the text in some column; "" for all."""
        self._arrange(msgspec.structs.replace(self._wanted_rows, text=text))

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column, by none when it is -1. What was there stays until the new rows come."""
        name = self._columns[column] if 0 <= column < len(self._columns) else ""
        descending = bool(name) and order == Qt.SortOrder.DescendingOrder
        self._arrange(msgspec.structs.replace(self._wanted_rows, column=name, descending=descending))

    def _arrange(self, wanted: Arrangement) -> None:
        if wanted == self._wanted_rows:
            return
        self._wanted_rows = wanted
        self._rearranged = True
        self._ask_no_more()
        if self._endpoint:
            self._want(0)

    def _forget(self) -> None:
        self._stretches.clear()
        self._stale.clear()
        self._ask_no_more()
        self._rearranged = False

    def refresh(self) -> None:
        """The table has changed: fetch again what is looked at. What was there stays until the new rows come."""
        if not self._endpoint:
            return
        self._stale = set(self._stretches)
        self._ask_no_more()
        self._want(next(reversed(self._stretches), 0))
        if self._total:
            # Views paint again what they show, which asks for it.
            self.dataChanged.emit(self.index(0, 0), self.index(self._total - 1, len(self._columns) - 1))

    def rowCount(self, parent: Index = _ROOT) -> int:
        """The whole table's."""
        return 0 if parent.isValid() else self._total

    def columnCount(self, parent: Index = _ROOT) -> int:
        """The table's columns."""
        return 0 if parent.isValid() else len(self._columns)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Role.DisplayRole) -> Any:
        """Column names; row numbers from 1."""
        if role == Role.DisplayRole:
            if orientation == Qt.Orientation.Horizontal:
                return elided(self._columns[section], _LONGEST_HEADING) if section < len(self._columns) else None
            return number(section + 1)
        if role == Role.TextAlignmentRole and orientation == Qt.Orientation.Horizontal:
            return Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        return None

    def data(self, index: Index, role: int = Role.DisplayRole) -> Any:
        """A cell's text, its value (as EditRole); None while the row is on its way."""
        if not index.isValid() or role not in _ROLES:
            return None
        row = self.row(index.row())
        if row is None:
            return None
        value = row[index.column()]
        if role == Role.DisplayRole:
            return shown(value)
        if role == Role.EditRole:
            return value
        if role == Role.ToolTipRole:
            return tool_tip(value) if isinstance(value, str) and len(value) > 40 else None
        return None

    def row(self, number: int) -> Row | None:
        """The values of a row, None if they are not here yet; they are asked for then."""
        start = number - number % _STRETCH
        rows = self._stretches.get(start)
        if rows is None or start in self._stale:
            self._want(start)
        else:
            self._stretches.move_to_end(start)
        if rows is None or number - start >= len(rows):
            return None
        return rows[number - start]

    def record(self, number: int) -> dict[str, object] | None:
        """A row by column names, nested values as they were at the server; None if it is not here yet."""
        row = self.row(number)
        return None if row is None else {name: _nested(value) for name, value in zip(self._columns, row, strict=True)}

    def _want(self, start: int) -> None:
        if start in self._asked.values():
            return
        if start in self._wanted:
            self._wanted.remove(start)
        self._wanted.append(start)
        if not self._ask_soon.isActive():
            self._ask_soon.start()

    def _ask(self) -> None:
        # What was wished for and scrolled past is forgotten: it is wished for again when it comes back into sight.
        del self._wanted[:-_AT_ONCE]
        while self._wanted and len(self._asked) < _AT_ONCE:
            start = self._wanted.pop()
            ticket = self._backend.request_rows(self._endpoint, start, _STRETCH, self._wanted_rows)
            self._asked[ticket] = start
        self.asked.emit()

    def _on_rows(self, ticket: int, answer: RowsPage | Problem) -> None:
        start = self._asked.pop(ticket, None)
        if start is None:
            return
        if isinstance(answer, Problem):
            if self._wanted_rows.column:
                self.unsorted.emit()
                self.sort(-1)
            else:
                self.failed.emit(answer)
            return
        all_new, self._rearranged = self._rearranged, False
        self._shown_rows = self._wanted_rows
        if all_new:
            self._stretches.clear()
            self._stale.clear()
        self._fit(answer)
        self._stretches[start] = answer.rows
        self._stretches.move_to_end(start)
        self._stale.discard(start)
        while len(self._stretches) > _KEPT:
            self._stale.discard(self._stretches.popitem(last=False)[0])
        if answer.rows:
            last = self._total - 1 if all_new else min(start + len(answer.rows), self._total) - 1
            self.dataChanged.emit(self.index(start, 0), self.index(last, len(self._columns) - 1))
        self.loaded.emit()
        if self._wanted:
            self._ask_soon.start()

    def _fit(self, page: RowsPage) -> None:
        self._in_table = page.in_table
        if page.columns != self._columns:
            self.beginResetModel()
            self._columns, self._total = page.columns, page.total
            self._stretches.clear()
            self.endResetModel()
        elif page.total > self._total:
            self.beginInsertRows(_ROOT, self._total, page.total - 1)
            self._total = page.total
            self.endInsertRows()
        elif page.total < self._total:
            self.beginRemoveRows(_ROOT, page.total, self._total - 1)
            self._total = page.total
            self.endRemoveRows()


_ROLES = frozenset((Role.DisplayRole, Role.EditRole, Role.ToolTipRole))


def shown(value: str | int | float | bytes | None) -> str:
    """The text of a cell."""
    if value is None:
        return "NULL"
    if isinstance(value, bytes):
        return f"<{number(len(value))} bytes>"
    return elided(value, LONGEST_CELL) if isinstance(value, str) else str(value)


def _nested(value: str | int | float | bytes | None) -> object:
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return msgspec.json.decode(value, type=msgspec.Raw)
        except (msgspec.DecodeError, RecursionError):
            return value  # text that only begins like JSON
    return value
