"""How requests get to the server: whose certificates count, which is shown, and the proxy on the way."""

import msgspec
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLineEdit, QWidget

from trayapp.endpoints.model import Endpoint, Request
from trayapp.messages import tr
from trayapp.ui.editor.edits import goes_no_further
from trayapp.ui.widgets.field import Field, line
from trayapp.ui.widgets.file_edit import FileEdit


class ConnectionEditor(QWidget):
    """Holds the fields; the form that it belongs to lays them out. The proxy's password is apart and never shown."""

    changed = Signal(str)
    """The path of the field that was edited."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._stored: Request | None = None
        certificates = tr("Certificates (*.pem *.crt *.cer);;All files (*)")
        keys = tr("Keys (*.pem *.key);;All files (*)")
        self.ca_file = FileEdit("requestCaFile", tr("Authority's certificates"), certificates)
        self.client_cert = FileEdit("requestClientCert", tr("Own certificate"), certificates)
        self.client_key = FileEdit("requestClientKey", tr("Key of the own certificate"), keys)
        self.proxy = line("requestProxy", "http://proxy.example.com:3128")
        self.proxy_user = line("requestProxyUser")
        self.password_edit = line("requestProxyPassword")
        self.password_edit.setEchoMode(QLineEdit.EchoMode.Password)
        self.fields = (
            Field(
                "request.ca_file",
                tr("Authority:"),
                self.ca_file,
                tr("A PEM file that counts instead of the system's authorities."),
                focus=self.ca_file.line,
            ),
            Field(
                "request.client_cert",
                tr("Own certificate:"),
                self.client_cert,
                tr("A PEM file, for servers that want to see one."),
                focus=self.client_cert.line,
            ),
            Field(
                "request.client_key",
                tr("Its key:"),
                self.client_key,
                tr("A PEM file without a password; empty if the certificate's file has it."),
                focus=self.client_key.line,
            ),
            Field("request.proxy", tr("Proxy:"), self.proxy, tr("Empty: the one of the system's settings.")),
            Field("request.proxy_user", tr("Proxy user:"), self.proxy_user),
            Field("request.proxy_password", tr("Proxy password:"), self.password_edit),
        )
        self._password = self.fields[-1]
        for field in self.fields:
            edit = field.editor.line if isinstance(field.editor, FileEdit) else field.editor
            assert isinstance(edit, QLineEdit)
            edit.textChanged.connect(lambda _text, path=field.path: self._on_edit(path))

    def set_request(self, request: Request, stored: Request | None) -> None:
        """Show this request's way; `stored` is the one that is saved, whose proxy's password may be in the keyring."""
        self._stored = stored
        self.ca_file.set_path(request.ca_file)
        self.client_cert.set_path(request.client_cert)
        self.client_key.set_path(request.client_key)
        self.proxy.setText(request.proxy or "")
        self.proxy_user.setText(request.proxy_user)
        self.password_edit.clear()
        self._show_password()

    def put_into(self, request: Request) -> Request:
        """The request with what the fields say."""
        return msgspec.structs.replace(
            request,
            ca_file=self.ca_file.path(),
            client_cert=self.client_cert.path(),
            client_key=self.client_key.path(),
            proxy=self.proxy.text().strip() or None,
            proxy_user=self.proxy_user.text().strip(),
        )

    def password(self) -> str | None:
        """The proxy's password typed for the keyring, None when the stored one (or none) is meant."""
        return self.password_edit.text() or None if self._has_user else None

    def problems(self) -> dict[str, str]:
        """What is missing, by path."""
        if self._has_user and not self._has_stored and not self.password_edit.text():
            return {"request.proxy_password": tr("Type the password; it is kept in the system's keyring only.")}
        return {}

    @property
    def _has_user(self) -> bool:
        return bool(self.proxy_user.text().strip())

    @property
    def _has_stored(self) -> bool:
        """The stored password is for one user of one proxy: it is not sent to another."""
        if self._stored is None or not self._stored.proxy_user:
            return False
        now, before = (Endpoint(url="", request=each) for each in (self.put_into(self._stored), self._stored))
        return now.request.proxy_user == before.request.proxy_user and goes_no_further(now, before, "proxy")

    def _on_edit(self, path: str) -> None:
        self._show_password()
        self.changed.emit(path)

    def _show_password(self) -> None:
        self._password.setEnabled(self._has_user)
        stored = tr("stored in the keyring; type to replace it")
        self.password_edit.setPlaceholderText(stored if self._has_user and self._has_stored else "")
