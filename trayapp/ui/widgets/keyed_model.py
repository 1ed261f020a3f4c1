"""A table model over frozen items that have keys: a new list is shown by the smallest change, never a reset."""

from collections.abc import Callable, Hashable, Sequence
from itertools import pairwise
from typing import Generic, TypeVar

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex

Item = TypeVar("Item")
Index = QModelIndex | QPersistentModelIndex

_ROOT = QModelIndex()


class KeyedModel(QAbstractTableModel, Generic[Item]):
    """Subclasses say what the cells hold; selections, sort order and scroll position outlive `set_items`."""

    def __init__(self, key: Callable[[Item], Hashable], columns: int, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._key = key
        self._columns = columns
        self._items: list[Item] = []
        self._rows: dict[Hashable, int] = {}

    def rowCount(self, parent: Index = _ROOT) -> int:
        """One row for each item."""
        return 0 if parent.isValid() else len(self._items)

    def columnCount(self, parent: Index = _ROOT) -> int:
        """As many as the subclass has."""
        return 0 if parent.isValid() else self._columns

    def item(self, row: int) -> Item:
        """The item of that row."""
        return self._items[row]

    def row_of(self, key: Hashable) -> int:
        """The row of that key, -1 when there is none."""
        return self._rows.get(key, -1)

    def set_items(self, items: Sequence[Item]) -> None:
        """Show these items, in this order. Keys must be unique."""
        keys = [self._key(item) for item in items]
        if keys != [self._key(item) for item in self._items]:
            self._remove_all_but(set(keys))
            self._reorder(keys)
            self._insert_missing(items, keys)
        self._update(items)

    def _remove_all_but(self, keep: set[Hashable]) -> None:
        gone = [row for row, item in enumerate(self._items) if self._key(item) not in keep]
        for first, last in reversed(_stretches(gone)):
            self.beginRemoveRows(_ROOT, first, last)
            del self._items[first : last + 1]
            self._number_rows()
            self.endRemoveRows()

    def _reorder(self, keys: Sequence[Hashable]) -> None:
        wanted = [key for key in keys if key in self._rows]
        if wanted == [self._key(item) for item in self._items]:
            return
        self.layoutAboutToBeChanged.emit()
        old_keys = [self._key(item) for item in self._items]
        self._items = [self._items[self._rows[key]] for key in wanted]
        self._number_rows()
        before = self.persistentIndexList()
        after = [self.index(self._rows[old_keys[index.row()]], index.column()) for index in before]
        self.changePersistentIndexList(before, after)
        self.layoutChanged.emit()

    def _insert_missing(self, items: Sequence[Item], keys: Sequence[Hashable]) -> None:
        new = [row for row, key in enumerate(keys) if key not in self._rows]
        for first, last in _stretches(new):
            self.beginInsertRows(_ROOT, first, last)
            self._items[first:first] = items[first : last + 1]
            self._number_rows()
            self.endInsertRows()

    def _update(self, items: Sequence[Item]) -> None:
        pairs = enumerate(zip(self._items, items, strict=True))
        changed = [row for row, (old, new) in pairs if old is not new and old != new]
        self._items = list(items)
        for first, last in _stretches(changed):
            self.dataChanged.emit(self.index(first, 0), self.index(last, self._columns - 1))

    def _number_rows(self) -> None:
        self._rows = {self._key(item): row for row, item in enumerate(self._items)}


def _stretches(rows: Sequence[int]) -> list[tuple[int, int]]:
    """Ascending row numbers as (first, last) of each unbroken stretch."""
    if not rows:
        return []
    breaks = [index for index, (one, next_one) in enumerate(pairwise(rows)) if next_one != one + 1]
    firsts = [rows[0], *(rows[index + 1] for index in breaks)]
    lasts = [*(rows[index] for index in breaks), rows[-1]]
    return list(zip(firsts, lasts, strict=True))
