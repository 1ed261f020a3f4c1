"""The dialog that adds or edits an endpoint: its form on the left, what a test of it found on the right."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QCloseEvent, QKeyEvent, QPalette
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFrame,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from trayapp.endpoints.model import Endpoint, Settings
from trayapp.endpoints.presets import load_presets
from trayapp.errors import Problem
from trayapp.sync.detection.preview import Preview
from trayapp.ui.backend import Backend
from trayapp.ui.editor.edits import asked_for, filled_in, named, with_endpoint
from trayapp.ui.editor.form import EndpointForm, stored_in_keyring
from trayapp.ui.editor.preset_dialog import PresetDialog
from trayapp.ui.editor.preview_view import PreviewView
from trayapp.ui.widgets.banner import Banner
from trayapp.ui.widgets.dialogs import Answer, ask, without_icons
from trayapp.ui.widgets.plain import Label, window_title

_Tested = tuple[Endpoint, str | None, str | None]


class EndpointEditor(QDialog):
    """Adds an endpoint (`endpoint` None, or without an id: a draft of one) or edits that one.

    Save writes at once, through the backend; `endpoint_saved` tells what was written.
    """

    endpoint_saved = Signal(object)
    """Endpoint that was written."""

    def __init__(self, backend: Backend, endpoint: Endpoint | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("endpointEditor")
        self._backend = backend
        self._original = endpoint or Endpoint(url="")
        self._is_new = not self._original.id
        self._preview_ticket = self._save_ticket = 0
        self._asked: _Tested | None = None
        self._sign_in = ""
        self._tested: _Tested | None = None
        self._preview: Preview | None = None
        self.being_saved: Endpoint | None = None
        """The endpoint that was handed to the backend, until that answers."""
        self.setWindowTitle(
            self.tr("Add endpoint")
            if self._is_new
            else window_title(self.tr("Edit “{name}”").format(name=self._original.name))
        )

        self.banner = Banner("editorBanner")
        self.form = EndpointForm(backend.settings())
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidget(self.form)
        self.preview = PreviewView()
        self.test_button = QPushButton(self.tr("&Test"))
        self.test_button.setObjectName("testEndpoint")
        self.test_state = Label()
        self.test_state.setObjectName("testState")
        self.test_state.setWordWrap(True)
        right = QWidget()
        column = QVBoxLayout(right)
        column.setContentsMargins(6, 0, 0, 0)
        row = QHBoxLayout()
        row.addWidget(self.test_button)
        row.addWidget(self.test_state, 1)
        column.addLayout(row)
        column.addWidget(self.preview, 1)
        self._splitter = QSplitter(Qt.Orientation.Horizontal)
        left = QWidget()
        rows = QVBoxLayout(left)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.addWidget(self._start_row())
        rows.addWidget(scroll, 1)
        self._splitter.addWidget(left)
        self._splitter.addWidget(right)
        self._splitter.setChildrenCollapsible(False)
        self._splitter.setStretchFactor(0, 2)
        self._splitter.setStretchFactor(1, 3)
        self._splitter.setSizes([440, 540])
        for combo in self.form.findChildren(QComboBox):
            # The longest choice must not push the other fields out of sight.
            combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            combo.setMinimumContentsLength(8)
        scroll.setMinimumWidth(
            max(400, self.form.minimumSizeHint().width() + scroll.verticalScrollBar().sizeHint().width())
        )
        right.setMinimumWidth(320)

        self.buttons = QDialogButtonBox()
        self.save_button = self.buttons.addButton(QDialogButtonBox.StandardButton.Save)
        self.save_button.setObjectName("saveEndpoint")
        self.cancel_button = self.buttons.addButton(QDialogButtonBox.StandardButton.Cancel)
        self.cancel_button.setObjectName("cancelEndpoint")
        self.untested_button = QPushButton(self.tr("Save &without testing…"))
        self.untested_button.setObjectName("saveUntested")
        self.buttons.addButton(self.untested_button, QDialogButtonBox.ButtonRole.ActionRole)
        for button in (self.cancel_button, self.untested_button, self.preset_button):
            button.setAutoDefault(False)
        without_icons(self.buttons)
        layout = QVBoxLayout(self)
        layout.addWidget(self.banner)
        layout.addWidget(self._splitter, 1)
        layout.addWidget(self.buttons)
        self.resize(980, 640)

        self.form.set_endpoint(self._original, not self._is_new and stored_in_keyring(self._original.auth))
        self.form.changed.connect(self._on_edit)
        self.test_button.clicked.connect(self.test)
        self.preview.stop_wanted.connect(self.stop_test)
        self.preview.key_chosen.connect(self.form.set_key)
        self.preview.columns_chosen.connect(self.form.set_columns)
        self.preset_button.clicked.connect(self._choose_preset)
        self.save_button.clicked.connect(self._save)
        self.untested_button.clicked.connect(self._ask_to_save_untested)
        self.cancel_button.clicked.connect(self.close)
        backend.preview_ready.connect(self._on_preview)
        backend.sign_in_asked.connect(self._on_sign_in)
        backend.saved.connect(self._on_saved)
        backend.settings_changed.connect(self._on_settings)
        self._on_edit()
        self.form.url.setFocus()

    @property
    def is_testing(self) -> bool:
        """Whether an answer of a test is awaited."""
        return bool(self._preview_ticket)

    def test(self) -> None:
        """Try the form's endpoint, or show what is wrong with the form."""
        if self.form.reveal_problems():
            return
        endpoint, secret, proxy_password = self.form.endpoint(), self.form.secret(), self.form.proxy_password()
        assert endpoint is not None
        self.stop_test()
        self._asked = self._asked_for(endpoint)
        self.preview.show_busy()
        self._preview_ticket = self._backend.preview(endpoint, secret, proxy_password, self.form.names_variable())
        self._show_state()
        self.preview.stop_button.setFocus()

    def stop_test(self) -> None:
        """Forget the running test, if any."""
        if self._preview_ticket:
            self._backend.cancel_preview(self._preview_ticket)
            self._end_test()
            self.preview.show_hint()
            self._show_state()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask before edits are lost."""
        if self._save_ticket:
            event.ignore()
        elif self.isVisible() and self.form.is_changed():
            event.ignore()
            self._ask_to_discard()
        else:
            self.stop_test()
            super().closeEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape closes with the same question; QDialog would reject at once."""
        if event.key() == Qt.Key.Key_Escape:
            self.close()
        else:
            super().keyPressEvent(event)

    def _start_row(self) -> QWidget:
        """How a new endpoint may begin other than by its address."""
        start = QWidget()
        hint = Label(self.tr("Paste an address or a cURL command, or begin with a"))
        hint.setWordWrap(True)
        hint.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self.preset_button = QPushButton(self.tr("Preset…"))
        self.preset_button.setObjectName("choosePreset")
        self.preset_button.setToolTip(self.tr("Well-known APIs, ready but for a few words"))
        row = QHBoxLayout(start)
        row.setContentsMargins(9, 0, 9, 0)
        row.addWidget(hint, 1)
        row.addWidget(self.preset_button)
        start.setVisible(self._is_new)
        return start

    def _choose_preset(self) -> None:
        dialog = PresetDialog(load_presets(), self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.endpoint_filled.connect(self.form.take_over)
        dialog.open()

    def _end_test(self) -> None:
        self._preview_ticket = 0
        self._asked = None
        self._sign_in = ""

    def _on_edit(self) -> None:
        self._show_state()

    def _asked_for(self, endpoint: Endpoint) -> _Tested:
        return asked_for(endpoint), self.form.secret(), self.form.proxy_password()

    def _is_tested(self) -> bool:
        """Whether a test, or its own use until now, speaks for the form's present content."""
        endpoint = self.form.endpoint()
        if endpoint is None:
            return False
        now = self._asked_for(endpoint)
        return now == self._tested or (not self._is_new and now == (asked_for(self._original), None, None))

    def _show_state(self) -> None:
        tested, busy = self._is_tested(), bool(self._save_ticket)
        self.test_button.setEnabled(not busy and not self.is_testing)
        self.save_button.setEnabled(tested and not busy)
        self.untested_button.setVisible(not tested)
        self.untested_button.setEnabled(not busy)
        self.form.setEnabled(not busy)
        wanted = self.save_button if tested and not self.is_testing else self.test_button
        wanted.setDefault(True)
        if self.is_testing:
            text = self._sign_in or self.tr("Testing…")
        elif self._preview is not None and self._tested is not None and tested:
            text = self.tr("Tested: this is what will be saved.")
        elif self._preview is not None:
            text = self.tr("The form has changed since this test.")
        else:
            text = ""
        self.test_state.setText(text)

    def _on_preview(self, ticket: int, answer: Preview | Problem) -> None:
        if ticket != self._preview_ticket:
            return
        asked = self._asked
        self._end_test()
        if isinstance(answer, Preview):
            self._tested, self._preview = asked, answer
            self.preview.show_preview(answer)
            self.form.show_found(answer.endpoint)
        else:
            self._tested = self._preview = None
            self.preview.show_problem(answer)
            self.form.show_problem(answer.field, str(answer.title))
        self._show_state()
        if not self.form.isAncestorOf(self.focusWidget()):
            (self.save_button if self.save_button.isEnabled() else self.test_button).setFocus()

    def _on_sign_in(self, ticket: int, code: str, url: str) -> None:
        if ticket != self._preview_ticket:
            return
        if code:
            self._sign_in = self.tr("To sign in, enter the code {code} at {url}").format(code=code, url=url)
        elif not self._sign_in:
            self._sign_in = self.tr("Sign in in your browser; the test then goes on.")
        self._show_state()

    def _ask_to_save_untested(self) -> None:
        if self.form.reveal_problems():
            return
        ask(
            self,
            "askUntested",
            self.tr("Save without testing?"),
            self.tr("Whether the server answers, and where its records are, will only be seen at the first run."),
            {Answer.Save: self._save},
        )

    def _save(self) -> None:
        endpoint = self.form.endpoint()
        if endpoint is None or self._save_ticket:
            self.form.reveal_problems()
            return
        if self._preview is not None and self._tested == self._asked_for(endpoint):
            endpoint = filled_in(endpoint, self._preview.endpoint)
        self.stop_test()
        settings = self._backend.settings()
        endpoint = named(endpoint, settings)
        secret, proxy_password = self.form.secret(), self.form.proxy_password()
        self.banner.clear()
        self.being_saved = endpoint
        secrets = {} if secret is None else {endpoint.id: secret}
        proxies = {} if proxy_password is None else {endpoint.id: proxy_password}
        self._save_ticket = self._backend.save(
            with_endpoint(settings, endpoint),
            secrets,
            proxy_passwords=proxies,
            names_variables=(endpoint.id,) if self.form.names_variable() else (),
        )
        self._show_state()

    def _on_saved(self, ticket: int, problem: Problem | None) -> None:
        if ticket != self._save_ticket:
            return
        self._save_ticket = 0
        written, self.being_saved = self.being_saved, None
        self._show_state()
        if problem is not None:
            self.show_problem(problem)
            return
        self.form.clear_secrets()
        self.endpoint_saved.emit(written)
        self.accept()

    def show_problem(self, problem: Problem) -> None:
        """Show a problem beside its field, else across the top."""
        text = " ".join(str(part) for part in (problem.cause or problem.title, problem.next) if part)
        if not self.form.show_problem(problem.field, text):
            self.banner.fail(problem)

    def _on_settings(self, settings: Settings) -> None:
        self.form.set_settings(settings)
        if self._is_new or self._save_ticket:
            return
        theirs = settings.find(self._original.id)
        if theirs == self._original:
            return
        if theirs is None:
            self.banner.warn(
                self.tr("This endpoint was removed elsewhere"), self.tr("Saving puts it back with what is shown here.")
            )
        elif not self.form.is_changed():
            self._load(theirs)
        else:
            self.banner.warn(
                self.tr("This endpoint was changed elsewhere"),
                self.tr("Saving replaces that change with what is shown here."),
                (
                    ("loadTheirs", self.tr("&Load the other version"), lambda: self._load(theirs)),
                    ("keepMine", self.tr("Keep m&y version"), self.banner.clear),
                ),
            )

    def _load(self, endpoint: Endpoint) -> None:
        self._original = endpoint
        self._tested = self._preview = None
        self.banner.clear()
        self.preview.show_hint()
        self.form.set_endpoint(endpoint, stored_in_keyring(endpoint.auth))
        self._show_state()

    def _ask_to_discard(self) -> None:
        ask(self, "askDiscard", self.tr("Discard what you have entered?"), "", {Answer.Discard: self._discard})

    def _discard(self) -> None:
        self.stop_test()
        self.form.clear_secrets()
        self.reject()
