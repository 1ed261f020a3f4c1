"""The page with the rows of a mirrored table."""

import msgspec
from PySide6.QtCore import QAbstractItemModel, QEvent, Qt, QTimer
from PySide6.QtGui import QAction, QGuiApplication, QKeySequence, QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QPushButton,
    QStackedWidget,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from trayapp.errors import Problem
from trayapp.messages import tr
from trayapp.sync.report import Report
from trayapp.ui.backend import Backend
from trayapp.ui.data.delegate import CellDelegate
from trayapp.ui.data.model import DataModel
from trayapp.ui.endpoints.model import STATUS
from trayapp.ui.widgets.banner import Banner
from trayapp.ui.widgets.icons import line_icon
from trayapp.ui.widgets.plain import Label
from trayapp.ui.widgets.theme import header_style
from trayapp.ui.widgets.words import number

_FIRST_WIDTHS = 200
"""Rows looked at when the columns get their first widths."""
_WIDEST = 320
_LONGEST_SEARCH = 200
_SLOW = 500
"""Milliseconds of reading after which it can be stopped."""
_TYPING = 300
"""Milliseconds without another letter after which a search begins."""


class DataView(QWidget):
    """Which table: the combo box over the list's own model, so that a long list costs nothing twice."""

    def __init__(self, backend: Backend, endpoints: QAbstractItemModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = DataModel(backend, self)
        self._stale = False
        self._new = True
        self.endpoint = QComboBox()
        self.endpoint.setObjectName("dataEndpoint")
        self.endpoint.setAccessibleName(tr("Table of"))
        # Not measured by its contents, which may be many.
        self.endpoint.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.endpoint.setMinimumContentsLength(28)
        self.endpoint.setModel(endpoints)
        self.search = QLineEdit()
        self.search.setObjectName("dataSearch")
        self.search.setAccessibleName(tr("Find rows"))
        self.search.setPlaceholderText(tr("Find in all columns"))
        self.search.setMaxLength(_LONGEST_SEARCH)
        self.search.setClearButtonEnabled(True)
        self._find_soon = QTimer(self)
        self._find_soon.setSingleShot(True)
        self._find_soon.setInterval(_TYPING)
        self.stop = QPushButton(tr("S&top"))
        self.stop.setObjectName("dataStop")
        self.stop.setToolTip(tr("Stop reading the table"))
        self.stop.hide()
        self._stop_soon = QTimer(self)
        self._stop_soon.setSingleShot(True)
        self._stop_soon.setInterval(_SLOW)
        self.summary = Label()
        self.summary.setObjectName("dataSummary")
        self.folder = QPushButton(tr("Show &folder"))
        self.folder.setObjectName("dataFolder")
        self.table = self._make_table()
        self.banner = Banner("dataBanner")
        page = QWidget()
        page_layout = QVBoxLayout(page)
        page_layout.setContentsMargins(0, 0, 0, 0)
        page_layout.addWidget(self.banner)
        page_layout.addStretch(1)
        self.pages = QStackedWidget()
        self.pages.addWidget(self.table)
        self.pages.addWidget(page)
        top = QHBoxLayout()
        top.addWidget(self.endpoint)
        top.addWidget(self.search)
        top.addWidget(self.stop)
        top.addWidget(self.summary, 1)
        top.addWidget(self.folder)
        layout = QVBoxLayout(self)
        layout.addLayout(top)
        layout.addWidget(self.pages, 1)

        find = QAction(self)
        find.setShortcut(QKeySequence(QKeySequence.StandardKey.Find))
        find.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        find.triggered.connect(lambda: self.search.setFocus(Qt.FocusReason.ShortcutFocusReason))
        self.addAction(find)
        copy = QAction(tr("&Copy"), self.table)
        copy.setObjectName("copyCells")
        copy.setShortcut(QKeySequence(QKeySequence.StandardKey.Copy))
        copy.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        copy.triggered.connect(self.copy)
        self.table.addAction(copy)
        copy_json = QAction(tr("Copy rows as &JSON"), self.table)
        copy_json.setObjectName("copyJson")
        copy_json.triggered.connect(self.copy_json)
        self.table.addAction(copy_json)
        self.table.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)

        self.endpoint.currentIndexChanged.connect(lambda _row: self._follow_choice())
        self.folder.clicked.connect(backend.open_data_folder)
        self.search.textChanged.connect(lambda _text: self._find_soon.start())
        self._find_soon.timeout.connect(lambda: self.model.find(self.search.text()))
        self.model.asked.connect(self._on_asked)
        self._stop_soon.timeout.connect(lambda: self.stop.setVisible(self.model.is_asking))
        self.stop.clicked.connect(self.model.stop)
        self.model.stopped.connect(self._on_stop)
        self.model.unsorted.connect(self._show_no_order)
        self.model.failed.connect(self._show_problem)
        self.model.loaded.connect(self._show_table)
        backend.run_finished.connect(self._on_run)
        self._dress()

    def show_endpoint(self, id: str) -> None:
        """Show this endpoint's table."""
        model = self.endpoint.model()
        for row in range(model.rowCount()):
            if model.index(row, 0).data(STATUS).id == id:
                self.endpoint.setCurrentIndex(row)
                break
        self._follow_choice()

    def copy(self) -> None:
        """Put the chosen cells on the clipboard, as lines of cells separated by tabs."""
        selected = sorted(self.table.selectionModel().selectedIndexes(), key=lambda i: (i.row(), i.column()))
        lines: dict[int, list[str]] = {}
        for index in selected:
            value = index.data(Qt.ItemDataRole.EditRole)
            text = "" if value is None else str(value).replace("\t", " ").replace("\n", " ")
            lines.setdefault(index.row(), []).append(text)
        QGuiApplication.clipboard().setText("\n".join("\t".join(cells) for cells in lines.values()))

    def copy_json(self) -> None:
        """Put the rows of the chosen cells on the clipboard as JSON: an object, or an array of several."""
        chosen = sorted({index.row() for index in self.table.selectionModel().selectedIndexes()})
        rows = [row for row in map(self.model.record, chosen) if row is not None]
        if rows:
            data = msgspec.json.encode(rows[0] if len(rows) == 1 else rows)
            QGuiApplication.clipboard().setText(msgspec.json.format(data, indent=2).decode())

    def showEvent(self, event: QShowEvent) -> None:
        """Fetch now what was not fetched while nobody looked."""
        super().showEvent(event)
        self._follow_choice()
        if self._stale:
            self._stale = False
            self.model.refresh()

    def changeEvent(self, event: QEvent) -> None:
        """Follow a change between light and dark."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._dress()

    def _dress(self) -> None:
        self.folder.setIcon(line_icon("folder", self.palette()))

    def _chosen(self) -> str:
        status = self.endpoint.currentData(STATUS)
        return status.id if status is not None else ""

    def _follow_choice(self) -> None:
        if self.isVisible() and self._chosen() != self.model.endpoint:
            self.summary.clear()
            self.pages.setCurrentIndex(0)
            self._stale, self._new = False, True
            self.search.clear()
            self._find_soon.stop()
            self._show_no_order()
            self.model.show_endpoint(self._chosen())

    def _on_run(self, report: Report) -> None:
        if report.endpoint != self.model.endpoint or not (report.has_changes or self.banner.title):
            return
        if self.isVisible():
            self.model.refresh()
        else:
            self._stale = True

    def _on_asked(self) -> None:
        if not self.stop.isVisible() and not self._stop_soon.isActive():
            self._stop_soon.start()

    def _nothing_to_stop(self) -> None:
        self._stop_soon.stop()
        if self.stop.hasFocus():
            self.search.setFocus(Qt.FocusReason.OtherFocusReason)
        self.stop.hide()

    def _on_stop(self) -> None:
        """The search and the sort indicator say again which rows there are."""
        self._nothing_to_stop()
        self._find_soon.stop()
        arrangement = self.model.arrangement
        self.search.blockSignals(True)
        self.search.setText(arrangement.text)
        self.search.blockSignals(False)
        order = Qt.SortOrder.DescendingOrder if arrangement.descending else Qt.SortOrder.AscendingOrder
        self._show_order(self.model.column_of(arrangement.column), order)

    def _show_table(self) -> None:
        if not self.model.is_asking:
            self._nothing_to_stop()
        self.banner.clear()
        self.pages.setCurrentIndex(0)
        total, columns = number(self.model.total), self.model.columnCount()
        if self.model.total < self.model.in_table:
            total = tr("{found} of {all}", found=total, all=number(self.model.in_table))
        self.summary.setText(tr("Rows: {rows} · columns: {columns}", rows=total, columns=columns))
        if self._new:
            self._new = False
            self._fit_columns()

    def _fit_columns(self) -> None:
        self.table.resizeColumnsToContents()
        for column in range(self.model.columnCount()):
            self.table.setColumnWidth(column, min(_WIDEST, self.table.columnWidth(column) + 12))
        self.table.scrollToTop()

    def _show_no_order(self) -> None:
        self._show_order(-1)

    def _show_order(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        header = self.table.horizontalHeader()
        header.blockSignals(True)
        header.setSortIndicator(column, order)
        header.blockSignals(False)

    def _show_problem(self, problem: Problem) -> None:
        self._nothing_to_stop()
        self.summary.clear()
        self.banner.fail(problem)
        self.pages.setCurrentIndex(1)

    def _make_table(self) -> QTableView:
        table = QTableView()
        table.setObjectName("dataTable")
        table.setAccessibleName(tr("Rows of the table"))
        table.setModel(self.model)
        table.setItemDelegate(CellDelegate(self.model))
        table.setAlternatingRowColors(True)
        table.setWordWrap(False)
        table.setTabKeyNavigation(False)
        table.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        table.setSelectionMode(QAbstractItemView.SelectionMode.ContiguousSelection)
        table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        table.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 8)
        table.horizontalHeader().setStyleSheet(header_style())
        table.horizontalHeader().setResizeContentsPrecision(_FIRST_WIDTHS)
        table.horizontalHeader().setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        table.horizontalHeader().setSortIndicatorClearable(True)
        table.setSortingEnabled(True)
        return table
