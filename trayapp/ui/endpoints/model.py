"""The endpoints as a table: name and state, last result, next run, rows, recent runs."""

from collections.abc import Callable
from datetime import datetime
from enum import IntEnum
from typing import Any

from PySide6.QtCore import QObject, Qt

from trayapp.messages import tr
from trayapp.schedule.engine.snapshot import EndpointState, EndpointStatus, Snapshot
from trayapp.ui.widgets import words
from trayapp.ui.widgets.keyed_model import Index, KeyedModel
from trayapp.ui.widgets.plain import LONGEST_CELL, tool_tip
from trayapp.ui.widgets.words import utc_now
from trayapp.visible import elided

Role = Qt.ItemDataRole

SECOND_LINE = Role.UserRole + 1
"""The smaller text below the cell's main one."""
SORT = Role.UserRole + 2
"""What the column is sorted by."""
STATUS = Role.UserRole + 3
"""The row's EndpointStatus."""

FILTER = Role.UserRole + 4
"""What the list can be searched by: name and tags."""

_URGENCY: dict[EndpointState, int] = {
    "failing": 0,
    "held": 1,
    "running": 2,
    "blocked": 3,
    "enqueued": 4,
    "disabled": 5,
}


class Column(IntEnum):
    """The columns, from the left."""

    NAME = 0
    LAST = 1
    NEXT = 2
    ROWS = 3
    RECENT = 4


class EndpointsModel(KeyedModel[EndpointStatus]):
    """Follows snapshots; `tick` refreshes the texts that depend on the time of day."""

    def __init__(self, clock: Callable[[], datetime] = utc_now, parent: QObject | None = None) -> None:
        super().__init__(lambda status: status.id, len(Column), parent)
        self._clock = clock
        self._paused = ""

    def set_snapshot(self, snapshot: Snapshot) -> None:
        """Show this snapshot."""
        paused = words.paused_words(snapshot, self._clock()) if snapshot.paused else ""
        self.set_items(snapshot.endpoints)
        if paused != self._paused:
            self._paused = paused
            self.tick()

    def tick(self) -> None:
        """Time has passed."""
        if self.rowCount():
            self.dataChanged.emit(self.index(0, Column.LAST), self.index(self.rowCount() - 1, Column.NEXT))

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Role.DisplayRole) -> Any:
        """The columns' titles."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Role.DisplayRole:
            return (
                tr("Endpoint"),
                tr("Last result"),
                tr("Next run"),
                tr("Rows"),
                tr("Recent runs"),
            )[section]
        if role == Role.TextAlignmentRole:
            return _alignment(section)
        return None

    def data(self, index: Index, role: int = Role.DisplayRole) -> Any:
        """Two lines of text, a sort key, the status itself, a sentence for screen readers."""
        if not index.isValid():
            return None
        status, column = self.item(index.row()), index.column()
        if role == Role.DisplayRole:
            return elided(self._text(status, column), LONGEST_CELL)
        if role == SECOND_LINE:
            return elided(self._second_line(status, column), LONGEST_CELL)
        if role == STATUS:
            return status
        if role == FILTER:
            return " ".join((status.name, *status.tags))
        if role == SORT:
            return _sort_key(status, column)
        if role == Role.TextAlignmentRole:
            return _alignment(column)
        if role == Role.AccessibleTextRole:
            return elided(self._spoken(status, column), LONGEST_CELL)
        if role == Role.ToolTipRole:
            return tool_tip(self._tool_tip(status, column))
        return None

    def _text(self, status: EndpointStatus, column: int) -> str:
        if column == Column.NAME:
            return status.name
        if column == Column.LAST:
            return words.last_words(status)
        if column == Column.NEXT:
            return words.next_words(status, self._clock())
        if column == Column.ROWS:
            return "" if status.rows is None else words.number(status.rows)
        return ""

    def _second_line(self, status: EndpointStatus, column: int) -> str:
        if column == Column.NAME:
            return " · ".join((words.endpoint_line(status), *status.tags))
        if column == Column.LAST and status.last_attempt is not None:
            return words.moment(status.last_attempt, self._clock())
        if column == Column.NEXT and status.enabled and status.state not in ("running", "disabled"):
            if self._paused:
                return self._paused
            if status.blocked_by:
                return str(status.blocked_by)
            now = self._clock()
            return words.distance(status.next_due, now) if status.next_due is not None and status.next_due > now else ""
        return ""

    def _spoken(self, status: EndpointStatus, column: int) -> str:
        if column == Column.RECENT:
            bad = sum(outcome == "failed" for outcome in status.recent)
            return tr("{count} recent runs, {bad} failed", count=len(status.recent), bad=bad)
        return ", ".join(part for part in (self._text(status, column), self._second_line(status, column)) if part)

    def _tool_tip(self, status: EndpointStatus, column: int) -> str:
        if column == Column.RECENT:
            return self._spoken(status, column)
        if column == Column.LAST and status.problem is not None:
            return words.problem_words(status.problem)
        return self._spoken(status, column)


def _alignment(column: int) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignRight if column == Column.ROWS else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter


def _sort_key(status: EndpointStatus, column: int) -> Any:
    """Comparable by Qt: text, or a number."""
    if column == Column.NAME:
        return status.name.casefold()
    if column == Column.LAST:
        return status.last_attempt.timestamp() if status.last_attempt else 0.0
    if column == Column.NEXT:
        return status.next_due.timestamp() if status.next_due else float("inf")
    if column == Column.ROWS:
        return -1 if status.rows is None else status.rows
    return _URGENCY[status.state]
