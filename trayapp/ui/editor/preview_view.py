"""What a test of an endpoint found: its evidence in words, and tables of rows, columns and requests."""

from PySide6.QtCore import QAbstractItemModel, Qt, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QProgressBar,
    QPushButton,
    QStackedWidget,
    QTableView,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from trayapp.endpoints.model import Pages
from trayapp.errors import Problem
from trayapp.messages import tr
from trayapp.store.mirror.schema import HASH_KEY, ONLY_KEY
from trayapp.sync.detection.preview import Preview
from trayapp.ui.editor.preview_models import CellsModel, columns_model, requests_model, rows_model, type_column
from trayapp.ui.widgets.banner import Banner
from trayapp.ui.widgets.plain import Label

_WIDEST_COLUMN = 260
_ROW_PADDING = 8


class PreviewView(QWidget):
    """Shows one of: a hint, a running test, a failure, a preview."""

    stop_wanted = Signal()
    key_chosen = Signal(object)
    columns_chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._stack = QStackedWidget()
        self._hint = Label(tr("Press Test to see the response and what the table would look like."))
        self._hint.setWordWrap(True)
        self._hint.setFrameShape(QFrame.Shape.StyledPanel)
        self._hint.setMargin(24)
        self._hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._hint.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self._busy = self._busy_page()
        self.banner = Banner("previewProblem")
        failed = QWidget()
        column = QVBoxLayout(failed)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.banner)
        column.addStretch(1)
        self._failed = failed
        self._found = self._found_page()
        for page in (self._hint, self._busy, self._failed, self._found):
            self._stack.addWidget(page)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._stack)

    def show_hint(self) -> None:
        """Nothing was tested yet."""
        self._stack.setCurrentWidget(self._hint)

    def show_busy(self) -> None:
        """A test is running."""
        self._stack.setCurrentWidget(self._busy)

    def show_problem(self, problem: Problem) -> None:
        """The test failed."""
        self.banner.fail(problem)
        self._stack.setCurrentWidget(self._failed)

    def show_preview(self, preview: Preview) -> None:
        """The test succeeded."""
        self.summary.setText("\n".join(summary_lines(preview)))
        self.warnings.setText("\n".join(f"⚠ {warning}" for warning in preview.warnings))
        self.warnings.setVisible(bool(preview.warnings))
        columns = columns_model(preview)
        columns.key_changed.connect(self.key_chosen)
        columns.columns_changed.connect(self.columns_chosen)
        _fill(self.rows, rows_model(preview))
        _fill(self.columns, columns)
        _fill(self.requests, requests_model(preview.requests))
        self._stack.setCurrentWidget(self._found)

    def _busy_page(self) -> QWidget:
        page = QWidget()
        bar = QProgressBar()
        bar.setRange(0, 0)
        bar.setObjectName("testProgress")
        bar.setAccessibleName(tr("Testing"))
        self.stop_button = QPushButton(tr("S&top"))
        self.stop_button.setObjectName("stopTest")
        self.stop_button.setAutoDefault(False)
        self.stop_button.clicked.connect(self.stop_wanted)
        row = QHBoxLayout()
        row.addWidget(bar, 1)
        row.addWidget(self.stop_button)
        column = QVBoxLayout(page)
        column.addStretch(1)
        column.addWidget(Label(tr("Asking the server…")))
        column.addLayout(row)
        column.addStretch(2)
        return page

    def _found_page(self) -> QWidget:
        page = QWidget()
        self.summary = Label()
        self.summary.setObjectName("previewSummary")
        self.warnings = Label()
        self.warnings.setObjectName("previewWarnings")
        for label in (self.summary, self.warnings):
            label.setWordWrap(True)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.rows = _table("previewRows", tr("First rows"))
        self.columns = _table("previewColumns", tr("Columns"))
        self.columns.setItemDelegateForColumn(*type_column(self.columns))
        self.requests = _table("previewRequests", tr("Requests"))
        self.tabs = QTabWidget()
        self.tabs.setObjectName("previewTabs")
        self.tabs.addTab(self.rows, tr("Rows"))
        self.tabs.addTab(self.columns, tr("Columns"))
        self.tabs.addTab(self.requests, tr("Requests"))
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.summary)
        column.addWidget(self.warnings)
        column.addWidget(self.tabs, 1)
        return page


def summary_lines(preview: Preview) -> list[str]:
    """What was found, one fact a line."""
    if preview.total is None or preview.total == preview.count:
        records = tr("{count} records", count=preview.count)
    else:
        records = tr("{count} of {total} records on the first page", count=preview.count, total=preview.total)
    where = tr("at “{path}”", path=preview.records_path) if preview.records_path else tr("in the whole response")
    own: dict[tuple[str, ...], str] = {
        (HASH_KEY,): tr("the whole record"),
        (ONLY_KEY,): tr("none needed, there is one record"),
    }
    key = own.get(preview.key) or ", ".join(preview.key)
    kind, proof = pages_words(preview.pages), preview.proof
    proven = tr("Pages: {kind}. {proof}", kind=kind, proof=proof)
    unproven = tr("Pages: {kind} (not proven). {proof}", kind=kind, proof=proof)
    lines = [
        f"{records} {where}",
        tr("Format: {format}", format=preview.how_read),
        proven if preview.proven else unproven,
        tr("Key: {key}", key=key) if key else tr("No field identifies a record"),
    ]
    if preview.cursors:
        lines.append(tr("Says when a record changed: {fields}", fields=", ".join(preview.cursors)))
    return lines


def pages_words(pages: Pages) -> str:
    """How a listing continues, in a few words."""
    words = {
        "auto": tr("not known"),
        "none": tr("a single page"),
        "link": tr("by the Link header"),
        "next_url": tr("by the URL at “{path}”", path=pages.path),
        "page": tr("by page number"),
        "offset": tr("by offset"),
        "cursor": tr("by cursor"),
    }
    return words[pages.kind]


def _table(name: str, title: str) -> QTableView:
    table = QTableView()
    table.setObjectName(name)
    table.setAccessibleName(title)
    table.setModel(CellsModel())
    table.setAlternatingRowColors(True)
    table.setWordWrap(False)
    table.setTabKeyNavigation(False)
    table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    table.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
    table.verticalHeader().hide()
    table.verticalHeader().setDefaultSectionSize(table.fontMetrics().height() + _ROW_PADDING)
    table.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
    table.horizontalHeader().setHighlightSections(False)
    return table


def _fill(table: QTableView, model: QAbstractItemModel) -> None:
    old = table.model()
    model.setParent(table)
    table.setModel(model)
    old.deleteLater()
    table.resizeColumnsToContents()
    for column in range(model.columnCount()):
        table.setColumnWidth(column, min(_WIDEST_COLUMN, table.columnWidth(column)))
    table.horizontalHeader().setStretchLastSection(True)
