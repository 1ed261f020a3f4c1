"""The settings dialog: pages in a list; edits are collected and written by Apply or OK."""

import msgspec
from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import (
    QDialogButtonBox,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from trayapp.endpoints.merging import Decision, merged
from trayapp.endpoints.model import Endpoint, Settings
from trayapp.messages import tr
from trayapp.ui.backend import Backend
from trayapp.ui.editor.editor import EndpointEditor
from trayapp.ui.editor.edits import duplicate
from trayapp.ui.settings.about_page import AboutPage
from trayapp.ui.settings.endpoints_page import EndpointsPage
from trayapp.ui.settings.general_page import GeneralPage
from trayapp.ui.settings.storage_page import StoragePage
from trayapp.ui.widgets.dialogs import without_icons
from trayapp.ui.widgets.unsaved import UnsavedDialog

_ITEM_PADDING, _PAGES_MARGIN = 12, 48


class SettingsDialog(UnsavedDialog):
    """Not modal; make one, keep it, `show` it.

    Endpoints that are added or edited in full are written when their own dialog saves; all else by Apply and OK.
    """

    def __init__(self, backend: Backend, parent: QWidget | None = None) -> None:
        super().__init__("settingsDialog", "settingsBanner", parent)
        self.setWindowTitle(tr("TraySync settings"))
        self.setModal(False)
        self._backend = backend
        self._base = backend.settings()
        self._close_when_saved = False
        self._editor: EndpointEditor | None = None

        self.endpoints = EndpointsPage(self._base, backend.snapshot())
        self.general = GeneralPage(self._base.general)
        self.storage = StoragePage(backend.data_file())
        self.pages = QListWidget()
        self.pages.setObjectName("settingsPages")
        self.pages.setAccessibleName(tr("Pages"))
        self._stack = QStackedWidget()
        pages = (
            ("endpoints", tr("Endpoints"), self.endpoints),
            ("general", tr("General"), self.general),
            ("storage", tr("Storage"), self.storage),
            ("about", tr("About"), AboutPage()),
        )
        for name, title, page in pages:
            item = QListWidgetItem(title, self.pages)
            item.setData(Qt.ItemDataRole.UserRole, name)
            self._stack.addWidget(page)
        metrics = self.pages.fontMetrics()
        width = max(metrics.horizontalAdvance(title) for _, title, _ in pages) + _PAGES_MARGIN
        for row in range(self.pages.count()):
            self.pages.item(row).setSizeHint(QSize(0, metrics.height() + _ITEM_PADDING))
        self.pages.setFixedWidth(width)
        self.buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok
            | QDialogButtonBox.StandardButton.Cancel
            | QDialogButtonBox.StandardButton.Apply
        )
        without_icons(self.buttons)
        self.ok_button = self.buttons.button(QDialogButtonBox.StandardButton.Ok)
        self.cancel_button = self.buttons.button(QDialogButtonBox.StandardButton.Cancel)
        self.apply_button = self.buttons.button(QDialogButtonBox.StandardButton.Apply)
        for button, name in (
            (self.ok_button, "settingsOk"),
            (self.cancel_button, "settingsCancel"),
            (self.apply_button, "settingsApply"),
        ):
            button.setObjectName(name)
        self.ok_button.setDefault(True)
        middle = QHBoxLayout()
        middle.addWidget(self.pages)
        middle.addWidget(self._stack, 1)
        layout = QVBoxLayout(self)
        layout.addWidget(self.banner)
        layout.addLayout(middle, 1)
        layout.addWidget(self.buttons)
        self.resize(820, 520)

        self.pages.currentRowChanged.connect(self._stack.setCurrentIndex)
        self.pages.setCurrentRow(0)
        self.endpoints.changed.connect(self.show_state)
        self.endpoints.add_wanted.connect(self.add_endpoint)
        self.endpoints.edit_wanted.connect(self.edit_endpoint)
        self.endpoints.duplicate_wanted.connect(self._duplicate)
        self.general.changed.connect(self.show_state)
        self.storage.open_folder_wanted.connect(backend.open_data_folder)
        self.ok_button.clicked.connect(self.save_and_close)
        self.cancel_button.clicked.connect(self.discard)
        self.apply_button.clicked.connect(self.apply)
        backend.saved.connect(self.answer)
        backend.conflict.connect(self.ask_about)
        backend.settings_changed.connect(self._on_settings)
        backend.snapshot_changed.connect(self.endpoints.show_snapshot)
        self.show_state()

    @property
    def editor(self) -> EndpointEditor | None:
        """The endpoint dialog that is open, if one is."""
        return self._editor

    def show_page(self, name: str) -> None:
        """Bring up "endpoints", "general", "storage" or "about"."""
        for row in range(self.pages.count()):
            if self.pages.item(row).data(Qt.ItemDataRole.UserRole) == name:
                self.pages.setCurrentRow(row)
        self._raise(self)

    def add_endpoint(self) -> None:
        """Open the dialog that adds an endpoint."""
        self._open_editor(None)

    def edit_endpoint(self, id: str) -> None:
        """Open the dialog that edits this endpoint; nothing happens when there is none of that id."""
        endpoint = self.edited().find(id)
        if endpoint is not None:
            self.endpoints.select(id)
            self._open_editor(endpoint)
            self._show_problem(id)

    def _show_problem(self, id: str) -> None:
        """Say beside its field what the endpoint's last run failed with, where that is about one."""
        status = next((each for each in self._backend.snapshot().endpoints if each.id == id), None)
        if self._editor is not None and status is not None and status.problem is not None and status.problem.field:
            self._editor.show_problem(status.problem)

    def edited(self) -> Settings:
        """The settings as they would be written now."""
        return msgspec.structs.replace(self.endpoints.settings, general=self.general.general())

    def is_changed(self) -> bool:
        """Whether there is anything to write."""
        return self.edited() != self._base

    def apply(self) -> None:
        """Write the edits."""
        self._close_when_saved = False
        if self.is_changed():
            self.save()

    def save_and_close(self) -> None:
        """Save, and close when that is done."""
        if self.is_changed():
            self._close_when_saved = True
            self.save()
        else:
            self.accept()

    def save_edits(self, decision: Decision | None) -> int:
        """Hand the edits to the backend."""
        self.show_at_field("", "")
        edited = self.edited()
        drop = tuple(sorted(id for id in self.endpoints.drop_tables if edited.find(id) is None))
        return self._backend.save(edited, {}, drop, base=self._base, decision=decision)

    def after_saving(self) -> None:
        """Show what was written, and close if that was asked for."""
        self._load(self._backend.settings())
        if self._close_when_saved:
            self.accept()

    def discard(self) -> None:
        """Close, and show the saved settings next time."""
        self._load(self._backend.settings())
        self.reject()

    def show_state(self) -> None:
        """Switch off what can't be used while the edits are being saved, or while there are none."""
        self._stack.setEnabled(not self.is_saving)
        self.ok_button.setEnabled(not self.is_saving)
        self.apply_button.setEnabled(not self.is_saving and self.is_changed())

    def show_at_field(self, path: str, text: str) -> bool:
        """Show a problem beside the general setting of that path; False when there is none."""
        for field in self.general.fields:
            field.set_problem(text if field.path == path else "")
        if any(field.path == path for field in self.general.fields):
            self.show_page("general")
            return True
        return False

    def _load(self, saved: Settings, edited: Settings | None = None) -> None:
        """Show what is saved, or what it becomes with the edits made here."""
        shown = saved if edited is None else edited
        drop = frozenset(id for id in self.endpoints.drop_tables if saved.find(id) and not shown.find(id))
        self._base = saved
        self.banner.clear()
        self.show_at_field("", "")
        self.endpoints.set_settings(shown, drop)
        self.general.set_general(shown.general)
        self.show_state()

    def _on_settings(self, settings: Settings) -> None:
        """The settings were changed elsewhere, or by the endpoint dialog, whose word counts for its endpoint."""
        if self.is_saving or settings == self._base:
            return
        written = self._editor.being_saved if self._editor is not None else None
        edited = self.edited()
        found = merged(self._base, edited, settings, "mine" if written is None else "theirs")
        if any(written is None or each.endpoint != written.id for each in found.conflicts):
            self.banner.warn(
                tr("The settings were changed elsewhere"),
                tr(
                    "Some settings were changed both here and there. You will be asked which version to keep on saving."
                ),
            )
            return
        was_changed = edited != self._base
        self._load(settings, found.settings)
        if was_changed and self.is_changed() and written is None:
            self.banner.say(
                tr("The settings were changed elsewhere"),
                tr("Those changes are shown here, too. Your own changes are not saved yet."),
            )

    def _duplicate(self, id: str) -> None:
        endpoint = self.edited().find(id)
        if endpoint is not None:
            self._open_editor(duplicate(endpoint, tr("{name} (copy)", name=endpoint.name)))

    def _open_editor(self, endpoint: Endpoint | None) -> None:
        if self._editor is not None:
            self._raise(self._editor)
            return
        self.show_page("endpoints")
        editor = EndpointEditor(self._backend, endpoint, self)
        editor.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        editor.endpoint_saved.connect(self._on_endpoint_saved)
        editor.finished.connect(self._editor_closed)
        self._editor = editor
        editor.open()

    def _editor_closed(self) -> None:
        self._editor = None

    def _on_endpoint_saved(self, endpoint: Endpoint) -> None:
        self.endpoints.select(endpoint.id)

    @staticmethod
    def _raise(window: QWidget) -> None:
        window.show()
        window.raise_()
        window.activateWindow()
