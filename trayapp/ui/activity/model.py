"""The history of runs as a table, and the filter of the activity list."""

from collections.abc import Callable, Sequence
from datetime import datetime
from enum import IntEnum
from typing import Any

from PySide6.QtCore import QObject, QSortFilterProxyModel, Qt
from PySide6.QtGui import QIcon, QPalette

from trayapp.messages import tr
from trayapp.store.bookkeeping.history import RunRow
from trayapp.sync.evidence import in_words
from trayapp.ui.widgets import words
from trayapp.ui.widgets.icons import line_pixmap
from trayapp.ui.widgets.keyed_model import Index, KeyedModel
from trayapp.ui.widgets.plain import LONGEST_CELL, tool_tip
from trayapp.ui.widgets.theme import status_colour
from trayapp.ui.widgets.words import utc_now
from trayapp.visible import elided

Role = Qt.ItemDataRole

RUN = Role.UserRole + 1
"""The row's RunRow."""
SORT = Role.UserRole + 2
"""What the column is sorted by."""

_LOOKS = {
    "succeeded": ("check", "good"),
    "incomplete": ("question", "bad"),
    "failed": ("error", "bad"),
    "stopped": ("disabled", "quiet"),
    "skipped": ("clock", "quiet"),
    "held": ("question", "warn"),
}
_ICON_SIZE = 16


class Column(IntEnum):
    """The columns, from the left."""

    STARTED = 0
    ENDPOINT = 1
    OUTCOME = 2
    WHAT = 3
    ADDED = 4
    CHANGED = 5
    DELETED = 6
    TOOK = 7


_COUNTS = (Column.ADDED, Column.CHANGED, Column.DELETED)


class ActivityModel(KeyedModel[RunRow]):
    """Newest first, as the backend tells them."""

    def __init__(self, clock: Callable[[], datetime] = utc_now, parent: QObject | None = None) -> None:
        super().__init__(lambda run: run.run, len(Column), parent)
        self._clock = clock
        self._palette = QPalette()

    def set_runs(self, runs: Sequence[RunRow]) -> None:
        """Show these runs."""
        self.set_items(runs)

    def set_palette(self, palette: QPalette) -> None:
        """The colours of the view."""
        self._palette = palette
        self.tick()

    def tick(self) -> None:
        """Time has passed."""
        if self.rowCount():
            self.dataChanged.emit(self.index(0, 0), self.index(self.rowCount() - 1, Column.OUTCOME))

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Role.DisplayRole) -> Any:
        """The columns' titles."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Role.DisplayRole:
            return (
                tr("Started"),
                tr("Endpoint"),
                tr("Outcome"),
                tr("What happened"),
                tr("New"),
                tr("Changed"),
                tr("Deleted"),
                tr("Took"),
            )[section]
        return _alignment(section) if role == Role.TextAlignmentRole else None

    def data(self, index: Index, role: int = Role.DisplayRole) -> Any:
        """Texts, the outcome's icon, a sort key, the run itself."""
        if not index.isValid():
            return None
        run, column = self.item(index.row()), index.column()
        if role == Role.DisplayRole:
            return elided(self._text(run, column), LONGEST_CELL)
        if role == Role.DecorationRole and column == Column.OUTCOME:
            return self._icon(run)
        if role == Role.TextAlignmentRole:
            return _alignment(column)
        if role == RUN:
            return run
        if role == SORT:
            return _sort_key(run, column)
        if role == Role.ToolTipRole:
            return tool_tip(_tool_tip(run) if column == Column.WHAT else self._text(run, column))
        return None

    def _text(self, run: RunRow, column: int) -> str:
        if column == Column.STARTED:
            return words.moment(run.started, self._clock())
        if column == Column.ENDPOINT:
            return run.name
        if column == Column.OUTCOME:
            return words.outcome_words(run)
        if column == Column.WHAT:
            return _what(run)
        if column in _COUNTS:
            return words.number(count) if (count := _sort_key(run, column)) else ""
        return words.duration((run.finished - run.started).total_seconds()) if run.status != "skipped" else ""

    def _icon(self, run: RunRow) -> QIcon:
        name, colour = _LOOKS.get(run.status, ("info", "quiet"))
        ink = status_colour(colour, self._palette).name()
        icon = QIcon()
        for ratio in (1.0, 2.0):
            icon.addPixmap(line_pixmap(name, ink, _ICON_SIZE, ratio))
        return icon


class ActivityFilter(QSortFilterProxyModel):
    """Passes runs whose endpoint, outcome or sentence holds the text, and whose status is the chosen one."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._text = ""
        self._status = ""
        self.setSortRole(SORT)

    def set_text(self, text: str) -> None:
        """Words that must all occur; "" passes everything."""
        self._text = text.casefold()
        self.invalidate()

    def set_status(self, status: str) -> None:
        """A run's status, or "" for all."""
        self._status = status
        self.invalidate()

    def filterAcceptsRow(self, source_row: int, source_parent: Index) -> bool:
        """Called by Qt for every row."""
        run: RunRow = self.sourceModel().index(source_row, 0, source_parent).data(RUN)
        if self._status and run.status != self._status:
            return False
        if not self._text:
            return True
        text = f"{run.name} {words.outcome_words(run)} {_what(run)}".casefold()
        return all(word in text for word in self._text.split())


def _what(run: RunRow) -> str:
    return str(run.reason if run.status == "skipped" and run.reason else run.sentence or run.reason)


def _tool_tip(run: RunRow) -> str:
    evidence = [str(in_words(run.evidence))] if run.evidence else []
    return "\n".join((_what(run), *map(str, run.warnings), *evidence))


def _sort_key(run: RunRow, column: int) -> Any:
    return {
        Column.STARTED: run.started.timestamp(),
        Column.ENDPOINT: run.name.casefold(),
        Column.OUTCOME: run.status,
        Column.WHAT: _what(run),
        Column.ADDED: run.added,
        Column.CHANGED: run.changed,
        Column.DELETED: run.deleted,
        Column.TOOK: (run.finished - run.started).total_seconds(),
    }[Column(column)]


def _alignment(column: int) -> Qt.AlignmentFlag:
    right = column in _COUNTS or column == Column.TOOK
    return (Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft) | Qt.AlignmentFlag.AlignVCenter
