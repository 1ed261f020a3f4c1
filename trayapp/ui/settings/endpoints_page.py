"""The settings page that lists the endpoints: edit, enable, reorder, remove, change how often they run."""

from collections.abc import Callable

import msgspec
from PySide6.QtCore import QEvent, QObject, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QHeaderView,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from trayapp.endpoints.model import Endpoint, Settings
from trayapp.endpoints.schedule import schedule_of, with_schedule
from trayapp.messages import tr
from trayapp.schedule.engine.snapshot import Snapshot
from trayapp.ui.editor.edits import moved, with_endpoint, without_endpoint
from trayapp.ui.editor.frequency import QUICK_CHOICES, frequency_words
from trayapp.ui.editor.schedule_editor import ScheduleEditor
from trayapp.ui.widgets.dialogs import Answer, ask, without_icons
from trayapp.ui.widgets.field import ProblemLabel
from trayapp.ui.widgets.plain import LONGEST_CELL, Label, tool_tip, window_title
from trayapp.ui.widgets.words import menu_text
from trayapp.visible import elided

_NAME, _STATE, _FREQUENCY, _TABLE = range(4)
_ROW_PADDING = 10
_ID = Qt.ItemDataRole.UserRole


class EndpointsPage(QWidget):
    """Edits `settings`; `changed` tells every edit. Adding and editing in full is asked for by signals."""

    changed = Signal()
    add_wanted = Signal()
    edit_wanted = Signal(str)
    duplicate_wanted = Signal(str)

    def __init__(self, settings: Settings, snapshot: Snapshot, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.settings = settings
        self.drop_tables: frozenset[str] = frozenset()
        """Ids of removed endpoints whose tables are to go too."""
        self._snapshot = snapshot
        self.list = QTreeWidget()
        self.list.setObjectName("endpointList")
        self.list.setAccessibleName(tr("Endpoints"))
        self.list.setHeaderLabels([tr("Name"), tr("State"), tr("Frequency"), tr("Table")])
        self.list.setRootIsDecorated(False)
        self.list.setUniformRowHeights(True)
        self.list.setAllColumnsShowFocus(True)
        header = self.list.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(_NAME, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(_TABLE, QHeaderView.ResizeMode.Stretch)
        self.empty = Label(tr("There is no endpoint yet. Add the first one."))
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.problem = ProblemLabel()
        self.problem.setObjectName("endpointsProblem")

        self.add_button = _button("addEndpoint", tr("&Add…"))
        self.edit_button = _button("editEndpoint", tr("&Edit…"))
        self.duplicate_button = _button("duplicateEndpoint", tr("D&uplicate…"))
        self.delete_button = _button("deleteEndpoint", tr("&Delete…"))
        self.up_button = _button("moveEndpointUp", tr("Move u&p"))
        self.down_button = _button("moveEndpointDown", tr("Move d&own"))
        self._for_selected = (self.edit_button, self.duplicate_button, self.delete_button)
        buttons = QVBoxLayout()
        for button in (self.add_button, *self._for_selected):
            buttons.addWidget(button)
        buttons.addSpacing(12)
        buttons.addWidget(self.up_button)
        buttons.addWidget(self.down_button)
        buttons.addStretch(1)

        self.enabled = QCheckBox(tr("E&nabled"))
        self.enabled.setObjectName("endpointEnabled")
        self.frequency = QComboBox()
        self.frequency.setObjectName("endpointFrequency")
        self.frequency.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        label = Label(tr("&Frequency:"))
        label.setBuddy(self.frequency)
        self.frequency.setAccessibleName(tr("Frequency of the selected endpoint"))
        self._selected_row = QWidget()
        row = QHBoxLayout(self._selected_row)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.enabled)
        row.addSpacing(16)
        row.addWidget(label)
        row.addWidget(self.frequency)
        row.addStretch(1)

        left = QVBoxLayout()
        left.addWidget(self.list, 1)
        left.addWidget(self.empty, 1)
        left.addWidget(self.problem)
        left.addWidget(self._selected_row)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(left, 1)
        layout.addLayout(buttons)

        self.list.currentItemChanged.connect(lambda _now, _before: self._show_selected())
        self.list.itemChanged.connect(self._on_check)
        self.list.itemDoubleClicked.connect(lambda item, _column: self.edit_wanted.emit(item.data(_NAME, _ID)))
        self.list.installEventFilter(self)
        self.add_button.clicked.connect(self.add_wanted)
        self.edit_button.clicked.connect(lambda: self.edit_wanted.emit(self.selected_id()))
        self.duplicate_button.clicked.connect(lambda: self.duplicate_wanted.emit(self.selected_id()))
        self.delete_button.clicked.connect(self._ask_to_delete)
        self.up_button.clicked.connect(lambda: self._move(-1))
        self.down_button.clicked.connect(lambda: self._move(1))
        self.enabled.clicked.connect(self._enable)
        self.frequency.activated.connect(self._on_frequency)
        self.set_settings(settings)

    def set_settings(self, settings: Settings, drop_tables: frozenset[str] = frozenset()) -> None:
        """Show these settings; the selection stays where it can."""
        selected, place = self.selected_id(), max(0, self.list.currentIndex().row())
        self.settings, self.drop_tables = settings, drop_tables
        self.list.blockSignals(True)
        # Items are kept and filled anew: an edit may come from a click on one that the view is still working on.
        while self.list.topLevelItemCount() > len(settings.endpoint):
            self.list.takeTopLevelItem(self.list.topLevelItemCount() - 1)
        while self.list.topLevelItemCount() < len(settings.endpoint):
            QTreeWidgetItem(self.list)
        for row, endpoint in enumerate(settings.endpoint):
            self._fill(self._item(row), endpoint)
        ids = [endpoint.id for endpoint in settings.endpoint]
        if ids:
            self.list.setCurrentItem(self._item(ids.index(selected) if selected in ids else min(place, len(ids) - 1)))
        self.list.blockSignals(False)
        self.list.setVisible(bool(settings.endpoint))
        self.empty.setVisible(not settings.endpoint)
        self.show_snapshot(self._snapshot)
        self._show_selected()

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Show the endpoints' present states."""
        self._snapshot = snapshot
        states = {status.id: self._state_words(status.state) for status in snapshot.endpoints}
        self.list.blockSignals(True)
        for row in range(self.list.topLevelItemCount()):
            item = self._item(row)
            item.setText(_STATE, states.get(item.data(_NAME, _ID), ""))
        self.list.blockSignals(False)

    def selected_id(self) -> str:
        """Id of the selected endpoint, "" when there is none."""
        item = self.list.currentItem()
        return str(item.data(_NAME, _ID)) if item is not None else ""

    def select(self, id: str) -> None:
        """Make this endpoint the selected one."""
        for row in range(self.list.topLevelItemCount()):
            if self._item(row).data(_NAME, _ID) == id:
                self.list.setCurrentItem(self._item(row))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Return edits and Delete removes the selected endpoint."""
        if watched is self.list and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.selected_id():
                self.edit_wanted.emit(self.selected_id())
                return True
            if event.key() == Qt.Key.Key_Delete and self.selected_id():
                self._ask_to_delete()
                return True
        return super().eventFilter(watched, event)

    def _state_words(self, state: str) -> str:
        words = {
            "enqueued": tr("waiting"),
            "running": tr("running"),
            "blocked": tr("blocked"),
            "held": tr("held"),
            "failing": tr("failing"),
            "disabled": tr("disabled"),
        }
        return words[state]

    def _item(self, row: int) -> QTreeWidgetItem:
        item = self.list.topLevelItem(row)
        if item is None:
            raise IndexError(row)
        return item

    def _fill(self, item: QTreeWidgetItem, endpoint: Endpoint) -> None:
        item.setData(_NAME, _ID, endpoint.id)
        item.setText(_NAME, elided(endpoint.name, LONGEST_CELL))
        item.setToolTip(_NAME, tool_tip(endpoint.name))
        item.setCheckState(_NAME, Qt.CheckState.Checked if endpoint.enabled else Qt.CheckState.Unchecked)
        item.setText(_FREQUENCY, elided(frequency_words(endpoint), LONGEST_CELL))
        item.setText(_TABLE, elided(endpoint.table.name, LONGEST_CELL))
        item.setToolTip(_TABLE, tool_tip(endpoint.table.name))
        item.setSizeHint(_NAME, QSize(0, self.list.fontMetrics().height() + _ROW_PADDING))

    def _selected(self) -> Endpoint | None:
        return self.settings.find(self.selected_id())

    def _show_selected(self) -> None:
        endpoint = self._selected()
        row = self.settings.endpoint.index(endpoint) if endpoint is not None else -1
        for button in self._for_selected:
            button.setEnabled(endpoint is not None)
        self.up_button.setEnabled(row > 0)
        self.down_button.setEnabled(0 <= row < len(self.settings.endpoint) - 1)
        self._selected_row.setEnabled(endpoint is not None)
        self.enabled.setChecked(endpoint is not None and endpoint.enabled)
        self._show_frequency(endpoint or Endpoint(url=""))

    def _show_frequency(self, endpoint: Endpoint) -> None:
        schedule = schedule_of(endpoint)
        choices = list(dict.fromkeys((*QUICK_CHOICES, schedule)))
        self.frequency.clear()
        for choice in choices:
            self.frequency.addItem(elided(frequency_words(with_schedule(endpoint, choice)), 60), choice)
        self.frequency.setCurrentIndex(choices.index(schedule))
        self.frequency.addItem(tr("Custom…"), None)

    def _edit(self, endpoint: Endpoint) -> None:
        self._apply(with_endpoint(self.settings, endpoint))

    def _apply(self, settings: Settings) -> None:
        self.set_settings(settings, self.drop_tables)
        self.changed.emit()

    def _on_check(self, item: QTreeWidgetItem, column: int) -> None:
        endpoint = self.settings.find(item.data(_NAME, _ID))
        enabled = item.checkState(_NAME) == Qt.CheckState.Checked
        if column == _NAME and endpoint is not None and endpoint.enabled != enabled:
            self._edit(msgspec.structs.replace(endpoint, enabled=enabled))

    def _enable(self, enabled: bool) -> None:
        endpoint = self._selected()
        if endpoint is not None:
            self._edit(msgspec.structs.replace(endpoint, enabled=enabled))

    def _move(self, by: int) -> None:
        self._apply(moved(self.settings, self.selected_id(), by))

    def _on_frequency(self, index: int) -> None:
        endpoint, schedule = self._selected(), self.frequency.itemData(index)
        if endpoint is None:
            return
        if schedule is not None:
            self._change(endpoint.id, lambda endpoint: with_schedule(endpoint, schedule))
            return
        self._show_frequency(endpoint)
        dialog = FrequencyDialog(endpoint, self)
        dialog.accepted.connect(lambda: self._change(endpoint.id, dialog.editor.put_into))
        dialog.open()

    def _change(self, id: str, change: Callable[[Endpoint], Endpoint]) -> None:
        endpoint = self.settings.find(id)
        if endpoint is not None and change(endpoint) != endpoint:
            self._edit(change(endpoint))

    def _ask_to_delete(self) -> None:
        endpoint = self._selected()
        if endpoint is None:
            return
        box = ask(
            self,
            "askDelete",
            tr("Delete the endpoint “{name}”?", name=elided(endpoint.name, 100)),
            tr("Nothing is deleted before Apply or OK."),
            {Answer.Yes: lambda: self._delete(endpoint.id, drop.isChecked())},
        )
        table = menu_text(endpoint.table.name)
        drop = QCheckBox(tr("Also delete its &table “{table}” with all its rows", table=table))
        drop.setObjectName("dropTable")
        box.setCheckBox(drop)
        box.button(Answer.Yes).setText(tr("&Delete"))
        box.button(Answer.Yes).setObjectName("confirmDelete")

    def _delete(self, id: str, drop_table: bool) -> None:
        if drop_table:
            self.drop_tables |= {id}
        self._apply(without_endpoint(self.settings, id))
        self.list.setFocus()


class FrequencyDialog(QDialog):
    """Asks for any frequency of one endpoint."""

    def __init__(self, endpoint: Endpoint, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("frequencyDialog")
        self.setWindowTitle(window_title(tr("Frequency of “{name}”", name=endpoint.name)))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.editor = ScheduleEditor()
        self.editor.set_endpoint(endpoint)
        self.problem = ProblemLabel()
        self.problem.setObjectName("frequencyProblem")
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        layout = QVBoxLayout(self)
        layout.addWidget(self.editor)
        layout.addWidget(self.problem)
        layout.addStretch(1)
        layout.addWidget(without_icons(self.buttons))
        self.setMinimumWidth(420)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self.editor.changed.connect(self._check)
        self._check()

    def _check(self) -> None:
        text = self.editor.problem()
        self.problem.show_problem(text)
        self.editor.kind.setAccessibleDescription(self.problem.text())
        self.buttons.button(QDialogButtonBox.StandardButton.Ok).setEnabled(not text)


def _button(name: str, text: str) -> QPushButton:
    button = QPushButton(text)
    button.setObjectName(name)
    button.setAutoDefault(False)
    return button
