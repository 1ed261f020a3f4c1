"""The page with the list of endpoints and the chosen one in full."""

from collections.abc import Callable
from datetime import datetime

import msgspec
from PySide6.QtCore import QEvent, QItemSelectionModel, QModelIndex, QPoint, QSortFilterProxyModel, Qt, Signal
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QMenu,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from trayapp.messages import tr
from trayapp.schedule.engine.snapshot import EndpointStatus, Snapshot
from trayapp.ui.backend import Backend
from trayapp.ui.endpoints.delegate import PADDING, EndpointDelegate, row_height
from trayapp.ui.endpoints.model import FILTER, SORT, Column, EndpointsModel
from trayapp.ui.endpoints.panel import EndpointPanel
from trayapp.ui.widgets.icons import line_icon
from trayapp.ui.widgets.theme import header_style
from trayapp.ui.widgets.words import utc_now

_WIDTHS = {Column.NAME: 250, Column.NEXT: 150, Column.ROWS: 100, Column.RECENT: 125}

_FILTER_WIDTH = 320


class EndpointsView(QWidget):
    """The actions work on the chosen endpoint; they are the context menu and carry the shortcuts."""

    edit_requested = Signal(str)
    data_requested = Signal(str)

    def __init__(
        self, backend: Backend, clock: Callable[[], datetime] = utc_now, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._backend = backend
        self.model = EndpointsModel(clock, self)
        self.sorted = QSortFilterProxyModel(self)
        self.sorted.setSourceModel(self.model)
        self.sorted.setSortRole(SORT)
        self.sorted.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.sorted.setFilterKeyColumn(Column.NAME)
        self.sorted.setFilterRole(FILTER)
        self.filter = QLineEdit()
        self.filter.setObjectName("endpointFilter")
        self.filter.setPlaceholderText(tr("Filter endpoints"))
        self.filter.setAccessibleName(tr("Filter endpoints"))
        self.filter.setClearButtonEnabled(True)
        self.table = self._make_table()
        self.panel = EndpointPanel(backend, clock)
        self.panel.edit_requested.connect(self.edit_requested)
        self.panel.data_requested.connect(self.data_requested)

        self.sync_action = self._action("syncEndpoint", tr("&Sync now"), "F5", self._sync)
        self.full_action = self._action("fullSync", tr("&Full sync"), "Shift+F5", self._full_sync)
        self.stop_action = self._action("stopEndpoint", tr("S&top"), "Shift+Esc", self._stop)
        self.data_action = self._action("openData", tr("Open &data"), "Ctrl+D", self._open_data)
        self.edit_action = self._action("editEndpoint", tr("&Edit…"), "F2", self._edit)
        self.enable_action = self._action("enableEndpoint", tr("E&nabled"), "", self._enable)
        self.enable_action.setCheckable(True)

        top = QHBoxLayout()
        self.filter.setMaximumWidth(_FILTER_WIDTH)
        top.addWidget(self.filter, 1)
        top.addStretch(1)
        layout = QVBoxLayout(self)
        layout.addLayout(top)
        layout.addWidget(self.table, 1)
        layout.addWidget(self.panel)
        self._dress()

        self.filter.textChanged.connect(self.sorted.setFilterFixedString)
        self.table.customContextMenuRequested.connect(self._menu)
        self.table.doubleClicked.connect(lambda _index: self._edit())
        self.table.selectionModel().currentRowChanged.connect(lambda _now, _before: self._show_current())
        self.model.dataChanged.connect(lambda _first, _last: self._show_current())
        self.model.rowsRemoved.connect(lambda _parent, _first, _last: self._show_current())
        backend.snapshot_changed.connect(self.show_snapshot)
        self.show_snapshot(backend.snapshot())

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Show this snapshot; the choice stays."""
        self.model.set_snapshot(snapshot)
        if not self.table.currentIndex().isValid() and self.sorted.rowCount():
            self._choose(self.sorted.index(0, 0))

    def current(self) -> EndpointStatus | None:
        """The chosen endpoint."""
        index = self.sorted.mapToSource(self.table.currentIndex())
        return self.model.item(index.row()) if index.isValid() else None

    def choose(self, id: str) -> None:
        """Choose this endpoint and bring it into sight; a filter that hides it is taken off."""
        row = self.model.row_of(id)
        if row < 0:
            return
        index = self.sorted.mapFromSource(self.model.index(row, 0))
        if not index.isValid():
            self.filter.clear()
            index = self.sorted.mapFromSource(self.model.index(row, 0))
        self._choose(index)
        self.table.scrollTo(index)

    def tick(self) -> None:
        """Time has passed."""
        self.model.tick()
        self.panel.tick()

    def changeEvent(self, event: QEvent) -> None:
        """Follow a change between light and dark, or of the font."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._dress()
        elif event.type() == QEvent.Type.FontChange:
            self.table.verticalHeader().setDefaultSectionSize(row_height(self.font()))

    def _choose(self, index: QModelIndex) -> None:
        flags = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
        self.table.selectionModel().setCurrentIndex(index, flags)

    def _make_table(self) -> QTableView:
        table = QTableView()
        table.setObjectName("endpointTable")
        table.setAccessibleName(tr("Endpoints"))
        table.setModel(self.sorted)
        table.setItemDelegate(EndpointDelegate(table))
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        table.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setShowGrid(False)
        table.setWordWrap(False)
        table.setTabKeyNavigation(False)
        table.setCornerButtonEnabled(False)
        table.verticalHeader().hide()
        # Fixed, so that no row is ever measured: lists may be long.
        table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        table.verticalHeader().setDefaultSectionSize(row_height(self.font()))
        header = table.horizontalHeader()
        header.setStyleSheet(header_style(PADDING))
        header.setHighlightSections(False)
        header.setStretchLastSection(False)
        header.setSectionResizeMode(Column.LAST, QHeaderView.ResizeMode.Stretch)
        for column, width in _WIDTHS.items():
            table.setColumnWidth(column, width)
        table.setSortingEnabled(True)
        # The user's own order until a column is clicked.
        header.setSortIndicatorClearable(True)
        table.sortByColumn(-1, Qt.SortOrder.AscendingOrder)
        return table

    def _action(self, name: str, text: str, shortcut: str, act: Callable[[], None]) -> QAction:
        action = QAction(text, self)
        action.setObjectName(name)
        action.setShortcut(QKeySequence(shortcut))
        action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        action.triggered.connect(lambda _checked=False: act())
        self.addAction(action)
        return action

    def _show_current(self) -> None:
        status = self.current()
        self.panel.show_status(status)
        running = status is not None and status.state == "running"
        ready = status is not None and status.enabled and not running
        self.sync_action.setEnabled(ready)
        self.full_action.setEnabled(status is not None and status.enabled)
        self.stop_action.setEnabled(running)
        self.data_action.setEnabled(status is not None)
        self.edit_action.setEnabled(status is not None)
        self.enable_action.setEnabled(status is not None)
        self.enable_action.setChecked(status is not None and status.enabled)

    def _menu(self, at: QPoint) -> None:
        if self.current() is None:
            return
        menu = QMenu(self)
        menu.setObjectName("endpointMenu")
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addActions([self.sync_action, self.full_action, self.stop_action])
        menu.addSeparator()
        menu.addActions([self.data_action, self.edit_action, self.enable_action])
        menu.popup(self.table.viewport().mapToGlobal(at))

    def _sync(self) -> None:
        if (status := self.current()) is not None:
            self._backend.sync_now((status.id,))

    def _full_sync(self) -> None:
        if (status := self.current()) is not None:
            self._backend.sync_now((status.id,), full=True)

    def _stop(self) -> None:
        if (status := self.current()) is not None:
            self._backend.stop(status.id)

    def _open_data(self) -> None:
        if (status := self.current()) is not None:
            self.data_requested.emit(status.id)

    def _edit(self) -> None:
        if (status := self.current()) is not None:
            self.edit_requested.emit(status.id)

    def _enable(self) -> None:
        status = self.current()
        settings = self._backend.settings()
        endpoint = settings.find(status.id) if status is not None else None
        if endpoint is None:
            return
        turned = msgspec.structs.replace(endpoint, enabled=not endpoint.enabled)
        endpoints = tuple(turned if old.id == turned.id else old for old in settings.endpoint)
        self._backend.save(msgspec.structs.replace(settings, endpoint=endpoints), {}, base=settings)

    def _dress(self) -> None:
        palette = self.palette()
        icons = {
            self.sync_action: "sync",
            self.full_action: "refresh",
            self.stop_action: "stop",
            self.data_action: "data",
            self.edit_action: "edit",
        }
        for action, name in icons.items():
            action.setIcon(line_icon(name, palette))
