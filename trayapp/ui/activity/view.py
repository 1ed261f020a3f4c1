"""The page with the history of runs."""

from collections.abc import Callable
from datetime import datetime

from PySide6.QtCore import QEvent, QModelIndex, Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from trayapp.messages import tr
from trayapp.store.bookkeeping.history import RunRow
from trayapp.ui.activity.chart import ActivityChart
from trayapp.ui.activity.model import RUN, ActivityFilter, ActivityModel, Column
from trayapp.ui.backend import Backend
from trayapp.ui.widgets.plain import Label
from trayapp.ui.widgets.theme import header_style
from trayapp.ui.widgets.words import utc_now

_WIDTHS = {
    Column.STARTED: 130,
    Column.ENDPOINT: 160,
    Column.OUTCOME: 115,
    Column.ADDED: 60,
    Column.CHANGED: 75,
    Column.DELETED: 70,
    Column.TOOK: 75,
}


class ActivityView(QWidget):
    """Live; asks for the history when it is made."""

    endpoint_requested = Signal(str)
    """A run was activated: show its endpoint."""

    def __init__(
        self, backend: Backend, clock: Callable[[], datetime] = utc_now, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.model = ActivityModel(clock, self)
        self.filtered = ActivityFilter(self)
        self.filtered.setSourceModel(self.model)
        self.filter = QLineEdit()
        self.filter.setObjectName("activityFilter")
        self.filter.setPlaceholderText(tr("Filter runs"))
        self.filter.setAccessibleName(tr("Filter runs"))
        self.filter.setClearButtonEnabled(True)
        self.status = QComboBox()
        self.status.setObjectName("activityStatus")
        self.status.setAccessibleName(tr("Show runs that ended so"))
        for text, status in (
            (tr("All runs"), ""),
            (tr("Succeeded"), "succeeded"),
            (tr("Incomplete"), "incomplete"),
            (tr("Failed"), "failed"),
            (tr("Stopped"), "stopped"),
            (tr("Held"), "held"),
            (tr("Skipped"), "skipped"),
        ):
            self.status.addItem(text, status)
        self.chart = ActivityChart()
        self.chart.setObjectName("activityChart")
        self.table = self._make_table()
        self.empty = Label(tr("Nothing has run yet."))
        self.empty.setObjectName("activityEmpty")
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        top = QHBoxLayout()
        top.addWidget(self.filter, 1)
        top.addWidget(self.status)
        layout = QVBoxLayout(self)
        layout.addLayout(top)
        layout.addWidget(self.chart)
        layout.addWidget(self.table, 1)
        layout.addWidget(self.empty, 1)
        self.filter.textChanged.connect(self.filtered.set_text)
        self.status.currentIndexChanged.connect(lambda _row: self.filtered.set_status(self.status.currentData()))
        self.table.activated.connect(self._on_activated)
        backend.runs_changed.connect(self._show_runs)
        self.model.set_palette(self.palette())
        self._show_runs(())
        backend.request_runs()

    def tick(self) -> None:
        """Time has passed."""
        self.model.tick()

    def changeEvent(self, event: QEvent) -> None:
        """Follow a change between light and dark."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.model.set_palette(self.palette())

    def _show_runs(self, runs: tuple[RunRow, ...]) -> None:
        self.model.set_runs(runs)
        self.chart.set_runs(runs)
        for widget in (self.table, self.chart):
            widget.setVisible(bool(runs))
        self.empty.setVisible(not runs)

    def _on_activated(self, index: QModelIndex) -> None:
        run: RunRow = index.data(RUN)
        self.endpoint_requested.emit(run.endpoint)

    def _make_table(self) -> QTableView:
        table = QTableView()
        table.setObjectName("activityTable")
        table.setAccessibleName(tr("Runs"))
        table.setModel(self.filtered)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        table.setShowGrid(False)
        table.setAlternatingRowColors(True)
        table.setWordWrap(False)
        table.setTabKeyNavigation(False)
        table.verticalHeader().hide()
        table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        table.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 12)
        header = table.horizontalHeader()
        header.setStyleSheet(header_style())
        header.setHighlightSections(False)
        header.setSectionResizeMode(Column.WHAT, QHeaderView.ResizeMode.Stretch)
        for column, width in _WIDTHS.items():
            table.setColumnWidth(column, width)
        header.setSortIndicatorClearable(True)
        table.setSortingEnabled(True)
        table.sortByColumn(-1, Qt.SortOrder.AscendingOrder)
        return table
