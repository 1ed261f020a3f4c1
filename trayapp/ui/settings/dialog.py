"""The settings dialog: pages in a list; edits are collected and written by Apply or OK."""

import msgspec
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QCloseEvent, QKeyEvent
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from trayapp.endpoints.model import Endpoint, Settings
from trayapp.errors import Problem
from trayapp.ui.backend import Backend
from trayapp.ui.editor.editor import EndpointEditor
from trayapp.ui.editor.edits import duplicate, with_endpoint
from trayapp.ui.settings.about_page import AboutPage
from trayapp.ui.settings.endpoints_page import EndpointsPage
from trayapp.ui.settings.general_page import GeneralPage
from trayapp.ui.settings.storage_page import StoragePage
from trayapp.ui.widgets.banner import Banner
from trayapp.ui.widgets.dialogs import Answer, ask, without_icons

_ITEM_PADDING, _PAGES_MARGIN = 12, 48


class SettingsDialog(QDialog):
    """Not modal; make one, keep it, `show` it.

    Endpoints that are added or edited in full are written when their own dialog saves; all else by Apply and OK.
    """

    def __init__(self, backend: Backend, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("settingsDialog")
        self.setWindowTitle(self.tr("TraySync settings"))
        self.setModal(False)
        self._backend = backend
        self._base = backend.settings()
        self._ticket = 0
        self._close_when_saved = False
        self._editor: EndpointEditor | None = None

        self.banner = Banner("settingsBanner")
        self.endpoints = EndpointsPage(self._base, backend.snapshot())
        self.general = GeneralPage(self._base.general)
        self.storage = StoragePage(backend.data_file())
        self.pages = QListWidget()
        self.pages.setObjectName("settingsPages")
        self.pages.setAccessibleName(self.tr("Pages"))
        self._stack = QStackedWidget()
        pages = (
            ("endpoints", self.tr("Endpoints"), self.endpoints),
            ("general", self.tr("General"), self.general),
            ("storage", self.tr("Storage"), self.storage),
            ("about", self.tr("About"), AboutPage()),
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
        self.endpoints.changed.connect(self._on_edit)
        self.endpoints.add_wanted.connect(self.add_endpoint)
        self.endpoints.edit_wanted.connect(self.edit_endpoint)
        self.endpoints.duplicate_wanted.connect(self._duplicate)
        self.general.changed.connect(self._on_edit)
        self.storage.open_folder_wanted.connect(backend.open_data_folder)
        self.ok_button.clicked.connect(self._ok)
        self.cancel_button.clicked.connect(self._cancel)
        self.apply_button.clicked.connect(self.apply)
        backend.saved.connect(self._on_saved)
        backend.settings_changed.connect(self._on_settings)
        backend.snapshot_changed.connect(self.endpoints.show_snapshot)
        self._on_edit()

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
        if self._ticket or not self.is_changed():
            return
        if self._backend.settings() != self._base:
            self._close_when_saved = False
            self._on_settings(self._backend.settings())
            return
        self.banner.clear()
        self._show_field_problem("", "")
        drop = tuple(sorted(id for id in self.endpoints.drop_tables if self.edited().find(id) is None))
        self._ticket = self._backend.save(self.edited(), {}, drop)
        self._show_state()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask before edits are lost."""
        if self._ticket:
            event.ignore()
        elif self.is_changed():
            event.ignore()
            self._ask_to_discard()
        else:
            super().closeEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape closes with the same question; QDialog would reject at once."""
        if event.key() == Qt.Key.Key_Escape:
            self.close()
        else:
            super().keyPressEvent(event)

    def _ok(self) -> None:
        if self.is_changed():
            self._close_when_saved = True
            self.apply()
        else:
            self.accept()

    def _cancel(self) -> None:
        self._load(self._backend.settings())
        self.reject()

    def _load(self, settings: Settings) -> None:
        self._base = settings
        self.banner.clear()
        self._show_field_problem("", "")
        self.general.set_general(settings.general)
        self.endpoints.set_settings(settings)
        self._show_state()

    def _on_edit(self) -> None:
        self._show_state()

    def _show_state(self) -> None:
        busy = bool(self._ticket)
        self._stack.setEnabled(not busy)
        self.ok_button.setEnabled(not busy)
        self.apply_button.setEnabled(not busy and self.is_changed())

    def _on_saved(self, ticket: int, problem: Problem | None) -> None:
        if ticket != self._ticket:
            return
        self._ticket = 0
        close, self._close_when_saved = self._close_when_saved, False
        if problem is not None:
            self._show_state()
            path = problem.field
            text = " ".join(str(part) for part in (problem.cause or problem.title, problem.next) if part)
            if not self._show_field_problem(path, text):
                self.banner.fail(problem)
            return
        self._load(self._backend.settings())
        if close:
            self.accept()

    def _show_field_problem(self, path: str, text: str) -> bool:
        for field in self.general.fields:
            field.set_problem(text if field.path == path else "")
        if any(field.path == path for field in self.general.fields):
            self.show_page("general")
            return True
        return False

    def _on_settings(self, settings: Settings) -> None:
        if self._ticket or settings == self._base:
            return
        written = self._editor.being_saved if self._editor is not None else None
        if written is not None and settings == with_endpoint(self._base, written):
            return
        edited = self.is_changed()
        self._base = settings
        if not edited or not self.is_changed():
            self._load(settings)
            return
        self._show_state()
        self.banner.warn(
            self.tr("The settings were changed elsewhere"),
            self.tr("You have edits here that are not saved. Saving them replaces the other changes."),
            (
                ("loadTheirs", self.tr("&Load the other version"), lambda: self._load(settings)),
                ("keepMine", self.tr("Keep m&y version"), self.banner.clear),
            ),
        )

    def _duplicate(self, id: str) -> None:
        endpoint = self.edited().find(id)
        if endpoint is not None:
            self._open_editor(duplicate(endpoint, self.tr("{name} (copy)").format(name=endpoint.name)))

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
        """The editor has written this endpoint: the edits made here go on top of it."""
        edited = with_endpoint(self.edited(), endpoint)
        self._base = with_endpoint(self._base, endpoint)
        self.endpoints.set_settings(edited, self.endpoints.drop_tables)
        self.endpoints.select(endpoint.id)
        self._on_settings(with_endpoint(self._backend.settings(), endpoint))
        self._show_state()

    def _ask_to_discard(self) -> None:
        answers = {Answer.Save: self._ok, Answer.Discard: self._cancel}
        ask(self, "askSave", self.tr("Save the changes?"), "", answers, Answer.Save)

    @staticmethod
    def _raise(window: QWidget) -> None:
        window.show()
        window.raise_()
        window.activateWindow()
