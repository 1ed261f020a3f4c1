"""How a request says who we are; the secret is kept apart from the rest and never shown."""

import msgspec
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QFormLayout, QLineEdit, QWidget

from trayapp.endpoints.model import Auth
from trayapp.ui.field import Field

_OFFERED = ("none", "basic", "bearer", "header", "query")
_ONLY_BY_FILE = ("oauth2_client", "oauth2_code")


class AuthEditor(QWidget):
    """Kind, the names it needs, and a secret from the keyring or from an environment variable."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._auth = Auth()
        self._stored = False
        self.kind = QComboBox()
        self.kind.setObjectName("authKind")
        self._kind_names = {
            "none": self.tr("None"),
            "basic": self.tr("User and password (Basic)"),
            "bearer": self.tr("Bearer token"),
            "header": self.tr("Secret in a header"),
            "query": self.tr("Secret in a URL parameter"),
        }
        for kind in _OFFERED:
            self.kind.addItem(self._kind_names[kind], kind)
        self.user = _line("authUser")
        self.name = _line("authName")
        self.prefix = _line("authPrefix")
        self.source = QComboBox()
        self.source.setObjectName("authSource")
        self.source.addItem(self.tr("The system's keyring"), "keyring")
        self.source.addItem(self.tr("An environment variable"), "env")
        self.secret_edit = _line("authSecret")
        self.secret_edit.setEchoMode(QLineEdit.EchoMode.Password)
        self.secret_env = _line("authSecretEnv")
        self.secret_env.setPlaceholderText("GITHUB_TOKEN")
        self.fields = (
            Field("auth.kind", self.tr("A&uthentication:"), self.kind),
            Field("auth.user", self.tr("Us&er:"), self.user),
            Field("auth.name", self.tr("&Header name:"), self.name),
            Field("auth.prefix", self.tr("Prefi&x:"), self.prefix),
            Field("auth.source", self.tr("Secret &from:"), self.source),
            Field("auth.secret", self.tr("Passw&ord:"), self.secret_edit),
            Field("auth.secret_env", self.tr("&Variable:"), self.secret_env),
        )
        self._kind, self._user, self._name, self._prefix, self._source, self._secret, self._env = self.fields
        self._form: QFormLayout | None = None
        self.kind.currentIndexChanged.connect(self._on_change)
        self.source.currentIndexChanged.connect(self._on_change)
        for edit in (self.user, self.name, self.prefix, self.secret_edit, self.secret_env):
            edit.textChanged.connect(self.changed)

    def add_to(self, form: QFormLayout) -> None:
        """Append the rows to a form; those the kind does not need are hidden."""
        self._form = form
        for field in self.fields:
            field.add_to(form)
        self._show_fields()

    def set_auth(self, auth: Auth, stored: bool) -> None:
        """Show this; `stored` says that a secret of this endpoint may be in the keyring."""
        self._auth, self._stored = auth, stored
        while self.kind.count() > len(_OFFERED):
            self.kind.removeItem(len(_OFFERED))
        if auth.kind not in _OFFERED:
            self.kind.addItem(self.tr("OAuth 2 (as in the settings file)"), auth.kind)
        self.kind.setCurrentIndex(self.kind.findData(auth.kind))
        self.user.setText(auth.user)
        self.name.setText(auth.name)
        self.prefix.setText(auth.prefix)
        self.source.setCurrentIndex(1 if auth.secret_env else 0)
        self.secret_env.setText(auth.secret_env)
        self.secret_edit.clear()
        self._show_fields()

    def set_stored(self, stored: bool) -> None:
        """Say whether the stored secret can be used: not when the address leads to another server now."""
        if stored != self._stored:
            self._stored = stored
            self._show_fields()

    def auth(self) -> Auth:
        """Everything but the secret. What the kind does not use is left empty."""
        kind = self.kind.currentData()
        if kind == self._auth.kind and kind in ("none", *_ONLY_BY_FILE):
            return self._auth
        if kind == "none":
            return Auth()
        return msgspec.structs.replace(
            self._auth,
            kind=kind,
            user=self.user.text() if kind == "basic" else "",
            name=self.name.text().strip() if kind in ("header", "query") else "",
            prefix=self.prefix.text() if kind == "header" else self._auth.prefix if kind == "bearer" else "",
            secret_env=self.secret_env.text().strip() if self._from_env else "",
        )

    def secret(self) -> str | None:
        """The secret typed for the keyring, None when nothing was typed or none is needed."""
        return self.secret_edit.text() or None if self._wants_secret and not self._from_env else None

    def problems(self) -> dict[str, str]:
        """What is missing, by path."""
        kind, found = self.kind.currentData(), dict[str, str]()
        if kind == "basic" and not self.user.text():
            found["auth.user"] = self.tr("Write the user's name.")
        if kind in ("header", "query") and not self.name.text().strip():
            found["auth.name"] = self.tr("Write the name that the API's documentation gives.")
        if self._wants_secret and self._from_env and not self.secret_env.text().strip():
            found["auth.secret_env"] = self.tr("Write the name of the environment variable.")
        if self._wants_secret and not self._from_env and not self._stored and not self.secret_edit.text():
            found["auth.secret"] = self.tr("Type the secret; it is kept in the system's keyring only.")
        return found

    @property
    def _wants_secret(self) -> bool:
        return self.kind.currentData() in _OFFERED[1:]

    @property
    def _from_env(self) -> bool:
        return bool(self.source.currentData() == "env")

    def _on_change(self) -> None:
        self._show_fields()
        self.changed.emit()

    def _show_fields(self) -> None:
        kind, wants = self.kind.currentData(), self._wants_secret
        self._name.set_label(self.tr("Paramet&er name:") if kind == "query" else self.tr("&Header name:"))
        self._secret.set_label(self.tr("Passw&ord:") if kind == "basic" else self.tr("T&oken:"))
        self.name.setPlaceholderText("api_key" if kind == "query" else "X-Api-Key")
        stored = self.tr("stored in the keyring; type to replace it")
        self.secret_edit.setPlaceholderText(stored if self._stored else "")
        if self._form is None:
            return
        self._form.setRowVisible(self._user, kind == "basic")
        self._form.setRowVisible(self._name, kind in ("header", "query"))
        self._form.setRowVisible(self._prefix, kind == "header")
        self._form.setRowVisible(self._source, wants)
        self._form.setRowVisible(self._secret, wants and not self._from_env)
        self._form.setRowVisible(self._env, wants and self._from_env)


def _line(name: str) -> QLineEdit:
    edit = QLineEdit()
    edit.setObjectName(name)
    return edit
