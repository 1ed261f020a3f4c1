"""The dialog that adds or edits an endpoint: its form on the left, what a test of it found on the right."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QCloseEvent, QPalette
from PySide6.QtWidgets import (
    QComboBox,
    QDialogButtonBox,
    QFrame,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from trayapp.endpoints.merging import Decision, merged
from trayapp.endpoints.model import Endpoint, Settings
from trayapp.endpoints.presets import load_presets
from trayapp.errors import Problem
from trayapp.messages import tr
from trayapp.sync.detection.preview import Preview
from trayapp.ui.backend import Backend
from trayapp.ui.editor.edits import asked_for, filled_in, named, with_endpoint
from trayapp.ui.editor.form import EndpointForm, stored_in_keyring
from trayapp.ui.editor.preset_dialog import PresetDialog
from trayapp.ui.editor.preview_view import PreviewView
from trayapp.ui.widgets.dialogs import Answer, ask, without_icons
from trayapp.ui.widgets.plain import Label, window_title
from trayapp.ui.widgets.unsaved import UnsavedDialog

_Tested = tuple[Endpoint, str | None, str | None]


class EndpointEditor(UnsavedDialog):
    """Adds an endpoint (`endpoint` None, or without an id: a draft of one) or edits that one.

    Save writes at once, through the backend; `endpoint_saved` tells what was written.
    """

    endpoint_saved = Signal(object)
    """Endpoint that was written."""

    def __init__(self, backend: Backend, endpoint: Endpoint | None = None, parent: QWidget | None = None) -> None:
        super().__init__("endpointEditor", "editorBanner", parent)
        self._backend = backend
        self._base = backend.settings()
        self._original = endpoint or Endpoint(url="")
        self._is_new = not self._original.id
        self._preview_ticket = 0
        self._asked: _Tested | None = None
        self._sign_in = ""
        self._tested: _Tested | None = None
        self._preview: Preview | None = None
        self._written: Endpoint | None = None
        self.setWindowTitle(
            tr("Add endpoint") if self._is_new else window_title(tr("Edit “{name}”", name=self._original.name))
        )

        self.form = EndpointForm(backend.settings())
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidget(self.form)
        self.preview = PreviewView()
        self.test_button = QPushButton(tr("&Test"))
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
        self.untested_button = QPushButton(tr("Save &without testing…"))
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
        self.form.changed.connect(self.show_state)
        self.test_button.clicked.connect(self.test)
        self.preview.stop_wanted.connect(self.stop_test)
        self.preview.key_chosen.connect(self.form.set_key)
        self.preview.columns_chosen.connect(self.form.set_columns)
        self.preset_button.clicked.connect(self._choose_preset)
        self.save_button.clicked.connect(self.save_and_close)
        self.untested_button.clicked.connect(self._ask_to_save_untested)
        self.cancel_button.clicked.connect(self.close)
        backend.preview_ready.connect(self._on_preview)
        backend.sign_in_asked.connect(self._on_sign_in)
        backend.saved.connect(self.answer)
        backend.conflict.connect(self.ask_about)
        backend.settings_changed.connect(self._on_settings)
        self.show_state()
        self.form.url.setFocus()

    @property
    def being_saved(self) -> Endpoint | None:
        """The endpoint that was handed to the backend, until that answers."""
        return self._written if self.is_saving else None

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
        self.show_state()
        self.preview.stop_button.setFocus()

    def stop_test(self) -> None:
        """Forget the running test, if any."""
        if self._preview_ticket:
            self._backend.cancel_preview(self._preview_ticket)
            self._end_test()
            self.preview.show_hint()
            self.show_state()

    def is_changed(self) -> bool:
        """Whether saving would change anything."""
        return self.form.is_changed()

    def can_save(self) -> bool:
        """Whether it was tested, and can be saved at once."""
        return self.save_button.isEnabled()

    def closeEvent(self, event: QCloseEvent) -> None:
        """A test ends with the dialog."""
        super().closeEvent(event)
        if event.isAccepted():
            self.stop_test()

    def _start_row(self) -> QWidget:
        """How a new endpoint may begin other than by its address."""
        start = QWidget()
        hint = Label(tr("Paste an address or a cURL command, or begin with a"))
        hint.setWordWrap(True)
        hint.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self.preset_button = QPushButton(tr("Preset…"))
        self.preset_button.setObjectName("choosePreset")
        self.preset_button.setToolTip(tr("Well-known APIs, ready but for a few words"))
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

    def _asked_for(self, endpoint: Endpoint) -> _Tested:
        return asked_for(endpoint), self.form.secret(), self.form.proxy_password()

    def _is_tested(self) -> bool:
        """Whether a test, or its own use until now, speaks for the form's present content."""
        endpoint = self.form.endpoint()
        if endpoint is None:
            return False
        now = self._asked_for(endpoint)
        return now == self._tested or (not self._is_new and now == (asked_for(self._original), None, None))

    def show_state(self) -> None:
        """Switch on what can be done now, and say what the last test is worth."""
        tested, busy = self._is_tested(), self.is_saving
        self.test_button.setEnabled(not busy and not self.is_testing)
        self.save_button.setEnabled(tested and not busy)
        self.untested_button.setVisible(not tested)
        self.untested_button.setEnabled(not busy)
        self.form.setEnabled(not busy)
        wanted = self.save_button if tested and not self.is_testing else self.test_button
        wanted.setDefault(True)
        if self.is_testing:
            text = self._sign_in or tr("Testing…")
        elif self._preview is not None and self._tested is not None and tested:
            text = tr("Tested: this is what will be saved.")
        elif self._preview is not None:
            text = tr("The form has changed since this test.")
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
        self.show_state()
        if not self.form.isAncestorOf(self.focusWidget()):
            (self.save_button if self.save_button.isEnabled() else self.test_button).setFocus()

    def _on_sign_in(self, ticket: int, code: str, url: str) -> None:
        if ticket != self._preview_ticket:
            return
        if code:
            self._sign_in = tr("To sign in, enter the code {code} at {url}", code=code, url=url)
        elif not self._sign_in:
            self._sign_in = tr("Sign in in your browser; then the test continues.")
        self.show_state()

    def _ask_to_save_untested(self) -> None:
        if self.form.reveal_problems():
            return
        ask(
            self,
            "askUntested",
            tr("Save without testing?"),
            tr("Whether the server responds, and where its records are, will only be known at the first run."),
            {Answer.Save: self.save_and_close},
        )

    def save_and_close(self) -> None:
        """Save, or show what is wrong with the form."""
        if not self.form.reveal_problems():
            self.save()

    def save_edits(self, decision: Decision | None) -> int:
        """Hand the endpoint to the backend, completed by what its test found."""
        endpoint = self.form.endpoint()
        assert endpoint is not None
        if self._preview is not None and self._tested == self._asked_for(endpoint):
            endpoint = filled_in(endpoint, self._preview.endpoint)
        self.stop_test()
        self._written = endpoint = named(endpoint, self._backend.settings())
        secret, proxy_password = self.form.secret(), self.form.proxy_password()
        return self._backend.save(
            with_endpoint(self._base, endpoint),
            {} if secret is None else {endpoint.id: secret},
            proxy_passwords={} if proxy_password is None else {endpoint.id: proxy_password},
            names_variables=(endpoint.id,) if self.form.names_variable() else (),
            base=self._base,
            decision=decision,
        )

    def after_saving(self) -> None:
        """Tell what was written, and close."""
        self.form.clear_secrets()
        self.endpoint_saved.emit(self._written)
        self.accept()

    def show_at_field(self, path: str, text: str) -> bool:
        """Show a problem beside the field of that path; False when there is none."""
        return self.form.show_problem(path, text)

    def discard(self) -> None:
        """Close without saving, and forget what was typed."""
        self.stop_test()
        self.form.clear_secrets()
        self.reject()

    def _on_settings(self, settings: Settings) -> None:
        self.form.set_settings(settings)
        if self.is_saving:
            return
        id = self._original.id
        theirs = settings.find(id)
        if self._is_new or theirs == self._base.find(id):
            self._base = settings
            return
        if theirs is None:
            self._base = settings
            self.banner.warn(tr("This endpoint was removed elsewhere"), tr("Saving adds it again as it is shown here."))
            return
        mine, was_changed = self.form.endpoint(), self.is_changed()
        found = merged(self._base, with_endpoint(self._base, mine), settings) if mine is not None else None
        both = found.settings.find(id) if found is not None else None
        if found is None or found.conflicts or both is None:
            self.banner.warn(
                tr("This endpoint was changed elsewhere"),
                tr("Where both versions changed the same setting, you will be asked which to keep on saving."),
            )
            return
        self._base = settings
        if not was_changed:
            self._load(both)
            return
        self._original = theirs
        self.form.rebase(theirs, both)
        self.banner.say(
            tr("This endpoint was changed elsewhere"),
            tr("Those changes are shown here, too. Your own changes are not saved yet."),
        )

    def _load(self, endpoint: Endpoint) -> None:
        self._original = endpoint
        self._tested = self._preview = None
        self.banner.clear()
        self.preview.show_hint()
        self.form.set_endpoint(endpoint, stored_in_keyring(endpoint.auth))
        self.show_state()
