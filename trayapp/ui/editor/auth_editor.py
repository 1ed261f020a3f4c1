"""How a request says who we are; the secret is kept apart from the rest and never shown."""

import msgspec
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QFormLayout, QLineEdit, QWidget

from trayapp.endpoints.model import Auth
from trayapp.messages import tr
from trayapp.ui.editor.key_value_editor import KeyValueEditor
from trayapp.ui.widgets.field import Field, line

_OFFERED = ("none", "basic", "bearer", "header", "query", "oauth2_client", "oauth2_code")
_OAUTH = ("oauth2_client", "oauth2_code")
_PERSON_ONLY = ("auth.auth_url", "auth.device_url", "auth.auth_params", "auth.redirect_port")


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
            "none": tr("None"),
            "basic": tr("User and password (Basic)"),
            "bearer": tr("Bearer token"),
            "header": tr("Secret in a header"),
            "query": tr("Secret in a URL parameter"),
            "oauth2_client": tr("OAuth 2, as a program"),
            "oauth2_code": tr("OAuth 2, you sign in"),
        }
        for kind in _OFFERED:
            self.kind.addItem(self._kind_names[kind], kind)
        self.user = line("authUser")
        self.name = line("authName")
        self.prefix = line("authPrefix")
        self.client_id = line("authClientId")
        self.token_url = line("authTokenUrl")
        self.auth_url = line("authUrl")
        self.device_url = line("authDeviceUrl")
        self.scopes = line("authScopes")
        self.token_params = KeyValueEditor("authTokenParams", tr("Token parameters"))
        self.auth_params = KeyValueEditor("authParams", tr("Sign-in parameters"))
        self.redirect_port = line("authRedirectPort")
        self.redirect_port.setPlaceholderText(tr("any free one"))
        self.token_url.setPlaceholderText("https://example.com/oauth/token")
        self.auth_url.setPlaceholderText("https://example.com/oauth/authorize")
        self.source = QComboBox()
        self.source.setObjectName("authSource")
        self.source.addItem(tr("The system's keyring"), "keyring")
        self.source.addItem(tr("An environment variable"), "env")
        self.secret_edit = line("authSecret")
        self.secret_edit.setEchoMode(QLineEdit.EchoMode.Password)
        self.secret_env = line("authSecretEnv")
        self.secret_env.setPlaceholderText("GITHUB_TOKEN")
        self.fields = (
            Field("auth.kind", tr("A&uthentication:"), self.kind),
            Field("auth.user", tr("Us&er:"), self.user),
            Field("auth.name", tr("&Header name:"), self.name),
            Field("auth.prefix", tr("Prefi&x:"), self.prefix),
            Field("auth.client_id", tr("&Client ID:"), self.client_id),
            Field("auth.token_url", tr("Token address:"), self.token_url),
            Field("auth.auth_url", tr("Sign-in page:"), self.auth_url),
            Field(
                "auth.device_url",
                tr("Ot&her device:"),
                self.device_url,
                tr("The address that gives out codes to type in, if the service has one."),
            ),
            Field("auth.scopes", tr("Sc&opes:"), self.scopes, tr("Separated by spaces.")),
            Field(
                "auth.token_params",
                tr("Token parameters:"),
                self.token_params,
                tr("Whatever else the service wants, like audience or resource. Stored as plain text, so no secrets."),
                focus=self.token_params.table,
            ),
            Field(
                "auth.auth_params",
                tr("Sign-in parameters:"),
                self.auth_params,
                tr("For the sign-in page, like access_type or prompt. Stored as plain text, so no secrets."),
                focus=self.auth_params.table,
            ),
            Field(
                "auth.redirect_port",
                tr("Redirect port:"),
                self.redirect_port,
                tr("If the exact address must be registered: http://127.0.0.1:PORT/signed-in"),
            ),
            Field("auth.source", tr("Secret &from:"), self.source),
            Field("auth.secret", tr("Passw&ord:"), self.secret_edit),
            Field("auth.secret_env", tr("&Variable:"), self.secret_env),
        )
        self._kind, self._user, self._name, self._prefix, *self._oauth, self._source, self._secret, self._env = (
            self.fields
        )
        self._form: QFormLayout | None = None
        self.kind.currentIndexChanged.connect(self._on_change)
        self.source.currentIndexChanged.connect(self._on_change)
        for field in self.fields:
            if isinstance(field.editor, QLineEdit):
                field.editor.textChanged.connect(self.changed)
        self.token_params.changed.connect(self.changed)
        self.auth_params.changed.connect(self.changed)

    def add_to(self, form: QFormLayout) -> None:
        """Append the rows to a form; those the kind does not need are hidden."""
        self._form = form
        for field in self.fields:
            field.add_to(form)
        self._show_fields()

    def set_auth(self, auth: Auth, stored: bool) -> None:
        """Show this; `stored` says that a secret of this endpoint may be in the keyring."""
        self._auth, self._stored = auth, stored
        self.kind.setCurrentIndex(self.kind.findData(auth.kind))
        self.user.setText(auth.user)
        self.name.setText(auth.name)
        self.prefix.setText(auth.prefix)
        self.client_id.setText(auth.client_id)
        self.token_url.setText(auth.token_url)
        self.auth_url.setText(auth.auth_url)
        self.device_url.setText(auth.device_url)
        self.scopes.setText(" ".join(auth.scopes))
        self.token_params.set_values(auth.token_params)
        self.auth_params.set_values(auth.auth_params)
        self.redirect_port.setText("" if auth.redirect_port is None else str(auth.redirect_port))
        self.source.setCurrentIndex(1 if auth.secret_env else 0)
        self.secret_env.setText(auth.secret_env)
        self.secret_edit.clear()
        self._show_fields()

    def set_stored(self, stored: bool) -> None:
        """Say whether the stored secret can be used: not when it would be sent elsewhere than it was entered for."""
        if stored != self._stored:
            self._stored = stored
            self._show_fields()

    def auth(self) -> Auth:
        """Everything but the secret. What the kind does not use is left empty."""
        kind = self.kind.currentData()
        if kind == "none":
            return self._auth if self._auth.kind == "none" else Auth()
        oauth, person = kind in _OAUTH, kind == "oauth2_code"
        return msgspec.structs.replace(
            self._auth,
            kind=kind,
            user=self.user.text() if kind == "basic" else "",
            name=self.name.text().strip() if kind in ("header", "query") else "",
            prefix=self.prefix.text() if kind == "header" else self._auth.prefix if kind == "bearer" or oauth else "",
            client_id=self.client_id.text().strip() if oauth else "",
            token_url=self.token_url.text().strip() if oauth else "",
            auth_url=self.auth_url.text().strip() if person else "",
            device_url=self.device_url.text().strip() if person else "",
            scopes=tuple(self.scopes.text().split()) if oauth else (),
            token_params=_texts(self.token_params) if oauth else {},
            auth_params=_texts(self.auth_params) if person else {},
            redirect_port=self._port if person else None,
            secret_env=self.secret_env.text().strip() if self._from_env else "",
        )

    def secret(self) -> str | None:
        """The secret typed for the keyring, None when nothing was typed or none is needed."""
        return self.secret_edit.text() or None if self._wants_secret and not self._from_env else None

    def problems(self) -> dict[str, str]:
        """What is missing, by path."""
        kind, found = self.kind.currentData(), dict[str, str]()
        if kind == "basic" and not self.user.text():
            found["auth.user"] = tr("Write the user's name.")
        if kind in ("header", "query") and not self.name.text().strip():
            found["auth.name"] = tr("Write the name that the API's documentation gives.")
        if self._wants_secret and self._from_env and not self.secret_env.text().strip():
            found["auth.secret_env"] = tr("Write the name of the environment variable.")
        for editor, path in ((self.token_params, "auth.token_params"), (self.auth_params, "auth.auth_params")):
            if kind in _OAUTH and (problem := editor.problem()):
                found[path] = problem
        if kind == "oauth2_code" and self.redirect_port.text().strip() and self._port is None:
            found["auth.redirect_port"] = tr("Write a number from 1 to 65535, or nothing.")
        needed = self._wants_secret and kind != "oauth2_code"  # most programs that people sign in with have none
        if needed and not self._from_env and not self._stored and not self.secret_edit.text():
            found["auth.secret"] = tr("Type the secret; it is kept in the system's keyring only.")
        return found

    @property
    def _port(self) -> int | None:
        text = self.redirect_port.text().strip()
        return int(text) if text.isascii() and text.isdigit() else None

    @property
    def _wants_secret(self) -> bool:
        return bool(self.kind.currentData() != "none")

    @property
    def _from_env(self) -> bool:
        return bool(self.source.currentData() == "env")

    def _on_change(self) -> None:
        self._show_fields()
        self.changed.emit()

    def _show_fields(self) -> None:
        kind, wants = self.kind.currentData(), self._wants_secret
        self._name.set_label(tr("Paramet&er name:") if kind == "query" else tr("&Header name:"))
        client = tr("Cli&ent secret:")
        secret = tr("Passw&ord:") if kind == "basic" else client if kind in _OAUTH else tr("T&oken:")
        self._secret.set_label(secret)
        self._secret.set_hint(tr("Only if the service gave you one.") if kind == "oauth2_code" else "")
        self.name.setPlaceholderText("api_key" if kind == "query" else "X-Api-Key")
        stored = tr("stored in the keyring; type to replace it")
        self.secret_edit.setPlaceholderText(stored if self._stored else "")
        if self._form is None:
            return
        self._form.setRowVisible(self._user, kind == "basic")
        self._form.setRowVisible(self._name, kind in ("header", "query"))
        self._form.setRowVisible(self._prefix, kind == "header")
        for field in self._oauth:
            person_only = field.path in _PERSON_ONLY
            self._form.setRowVisible(field, kind == "oauth2_code" or (kind == "oauth2_client" and not person_only))
        self._form.setRowVisible(self._source, wants)
        self._form.setRowVisible(self._secret, wants and not self._from_env)
        self._form.setRowVisible(self._env, wants and self._from_env)


def _texts(editor: KeyValueEditor) -> dict[str, str]:
    return {name: str(value) for name, value in editor.values().items()}
