"""The fields of one endpoint, validated as one types."""

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

import msgspec
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QFormLayout, QLineEdit, QPlainTextEdit, QVBoxLayout, QWidget

from trayapp.endpoints.curl import import_curl, is_curl
from trayapp.endpoints.model import Auth, Endpoint, Pages, Settings, Table
from trayapp.endpoints.readable import lifted, readable
from trayapp.endpoints.schedule import FIELDS
from trayapp.endpoints.settings import SettingsError
from trayapp.endpoints.units import Duration
from trayapp.endpoints.validate import FieldProblem, check_settings
from trayapp.errors import UserError
from trayapp.messages import tr
from trayapp.store.mirror.schema import HASH_KEY, ONLY_KEY
from trayapp.ui.editor.auth_editor import AuthEditor
from trayapp.ui.editor.connection_editor import ConnectionEditor
from trayapp.ui.editor.edits import goes_no_further, named, with_endpoint
from trayapp.ui.editor.key_value_editor import KeyValueEditor
from trayapp.ui.editor.response_editors import PagesEditor, RecordsEditor
from trayapp.ui.editor.schedule_editor import ScheduleEditor
from trayapp.ui.editor.text_editor import TextEditor
from trayapp.ui.editor.when_editor import WhenEditor
from trayapp.ui.widgets.collapsible import Collapsible
from trayapp.ui.widgets.field import Field, line, sentence
from trayapp.ui.widgets.plain import LONGEST_CELL
from trayapp.visible import elided

_T = TypeVar("_T")
_WHEN_IT_RUNS = (*FIELDS, "at_start", "watch")
_OWN = ("id", "tags", *_WHEN_IT_RUNS, "enabled")
_SAME_FIELD = dict.fromkeys(_WHEN_IT_RUNS, "every")


class EndpointForm(QWidget):
    """Shows an endpoint and reads it back; what it has no field for is kept as it was.

    `settings` are those in force: names must not collide with theirs.
    """

    changed = Signal()

    def __init__(self, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        self._original = self._kept = Endpoint(url="")
        self._columns = self._original.table
        self._shown: set[str] = set()
        self._loading = False

        self.url = line("url")
        self.url.setPlaceholderText("https://api.example.com/items")
        self.name = line("name")
        self.tags = line("tags")
        self.tags.setPlaceholderText("daily, work")
        self.schedule = ScheduleEditor()
        self.auth = AuthEditor()
        self.when = WhenEditor()
        self.table_name = line("tableName")
        self.mode = QComboBox()
        self.mode.setObjectName("tableMode")
        self._modes = {
            "auto": (tr("Automatic"), tr("Mirror; but what leaves a feed is kept.")),
            "mirror": (tr("Mirror"), tr("The table equals the server's list; what disappears there is deleted.")),
            "upsert": (tr("Add and update"), tr("New and changed records are written, none is deleted.")),
            "append": (tr("Append"), tr("Every run adds all records again: a history.")),
            "replace": (tr("Replace"), tr("The table is swapped as a whole at every run; needs no key.")),
        }
        for mode, (title, _explanation) in self._modes.items():
            self.mode.addItem(title, mode)
        self.key = line("tableKey")
        self.records = RecordsEditor()
        self.text = TextEditor()
        self.pages = PagesEditor()
        self.method = QComboBox()
        self.method.setObjectName("requestMethod")
        self.method.addItems(["GET", "POST"])
        self.params = KeyValueEditor("requestParams", tr("Parameters"))
        self.headers = KeyValueEditor("requestHeaders", tr("Headers"))
        self.json = QPlainTextEdit()
        self.json.setObjectName("requestJson")
        self.json.setTabChangesFocus(True)
        self.json.setPlaceholderText('{"query": "…"}')
        self.json.setFixedHeight(self.json.fontMetrics().lineSpacing() * 5 + 12)
        self.timeout = line("requestTimeout")
        self.connection = ConnectionEditor()

        self._fields = {
            field.path: field
            for field in (
                Field("url", tr("&Address:"), self.url),
                Field("name", tr("&Name:"), self.name),
                Field("tags", tr("Tags:"), self.tags, tr("To name several endpoints at once.")),
                Field("every", tr("Fre&quency:"), self.schedule, focus=self.schedule.kind),
                *self.auth.fields,
                *self.when.fields,
                Field("table.name", tr("Ta&ble:"), self.table_name),
                Field("table.mode", tr("&Mode:"), self.mode),
                Field("table.key", tr("&Key fields:"), self.key, tr("Separated by commas.")),
                Field("response.records", tr("&Records:"), self.records, focus=self.records.choice),
                *self.text.fields,
                Field("pages", tr("Pa&ges:"), self.pages, focus=self.pages.choice),
                Field("request.method", tr("Metho&d:"), self.method),
                Field("request.params", tr("&Parameters:"), self.params, focus=self.params.table),
                Field("request.headers", tr("Header&s:"), self.headers, focus=self.headers.table),
                Field("request.json", tr("&JSON body:"), self.json),
                Field("request.timeout", tr("T&ime limit:"), self.timeout, tr("For one request, like 30s.")),
                *self.connection.fields,
            )
        }
        self._table_part = self._part("tablePart", tr("Table and records"), ("table.", "response.", "pages"))
        self._when_part = self._part("whenPart", tr("Conditions"), ("when.",))
        way = tuple(field.path for field in self.connection.fields)
        self._connection_part = self._part("connectionPart", tr("Certificates and proxy"), way)
        rest = tuple(path for path in self._fields if path.startswith("request.") and path not in way)
        self._request_part = self._part("requestPart", tr("Request"), rest)
        layout = QVBoxLayout(self)
        basics = _form_layout()
        for path in ("url", "name", "tags", "every"):
            self._fields[path].add_to(basics)
        self.auth.add_to(basics)
        layout.addLayout(basics)
        layout.addWidget(self._table_part)
        layout.addWidget(self._when_part)
        layout.addWidget(self._request_part)
        layout.addWidget(self._connection_part)
        layout.addStretch(1)
        widest = max(field.label.sizeHint().width() for field in self._fields.values())
        for field in self._fields.values():
            field.label.setMinimumWidth(widest)
        self._url_length = 0
        self._curl_problem = ""
        self._connect()
        self.set_endpoint(self._original)

    def set_endpoint(self, endpoint: Endpoint, stored_secret: bool = False) -> None:
        """Show this endpoint; `stored_secret` says that its secret is in the keyring already."""
        self._loading = True
        self._original = self._kept = endpoint
        self._stored_secret = stored_secret
        self._columns = endpoint.table
        self._shown.clear()
        request, table = endpoint.request, endpoint.table
        self.url.setText(endpoint.url)
        self.name.setText(endpoint.name)
        self.tags.setText(", ".join(endpoint.tags))
        self.schedule.set_endpoint(endpoint)
        self.auth.set_auth(endpoint.auth, stored_secret)
        self.when.set_when(endpoint.when)
        self.table_name.setText(table.name)
        self.mode.setCurrentIndex(self.mode.findData(table.mode))
        self.key.setText(", ".join(table.key))
        self.key.setPlaceholderText(tr("found automatically"))
        self.records.set_records(endpoint.response.records)
        self.text.set_response(endpoint.response)
        self.pages.set_pages(endpoint.pages)
        self.method.setCurrentText(request.method)
        self.params.set_values(request.params)
        self.headers.set_values(request.headers)
        self.json.setPlainText("" if request.json is None else json.dumps(request.json, indent=2, ensure_ascii=False))
        self.timeout.setText(str(request.timeout))
        self.connection.set_request(request, request if endpoint.id else None)
        self._loading = False
        self._refresh()

    def _on_url(self, text: str) -> None:
        """What is pasted is taken over at once; what is typed, when Return says that it is complete."""
        pasted = len(text) - self._url_length > 1
        self._url_length = len(text)
        self._curl_problem = ""
        if pasted:
            self._take_over_text()

    def _take_over_text(self) -> None:
        """A cURL command, or an address with a secret in it, which is no part of what is stored readably."""
        text = self.url.text()
        if self._loading:
            return
        if not is_curl(text):
            self._take_out_secret(text.strip())
            return
        try:
            found = import_curl(text)
        except UserError as error:
            self._curl_problem = f"{error.cause} {error.next}"
            self._shown.add("url")
            self._refresh()
            return
        before, imported = self._original, found.endpoint
        self._take_over(msgspec.structs.replace(before, url=imported.url, request=imported.request, auth=imported.auth))
        if found.secret:
            self.auth.secret_edit.setText(found.secret)

    def _take_out_secret(self, url: str) -> None:
        if url == self._original.url or self.auth.auth().kind != "none":
            return
        try:
            found = lifted(Endpoint(url=url))
        except SettingsError:
            return  # it is told beside the field
        if found.secret is None:
            return
        self.auth.set_auth(found.endpoint.auth, stored=False)
        self.auth.secret_edit.setText(found.secret)
        self.url.setText(found.endpoint.url)

    def take_over(self, endpoint: Endpoint) -> None:
        """Show an endpoint made elsewhere as if it was typed in here; id, tags and schedule stay."""
        before = self._read()[0]
        self._take_over(msgspec.structs.replace(endpoint, **{name: getattr(before, name) for name in _OWN}))

    def _take_over(self, endpoint: Endpoint) -> None:
        original = self._original
        self.set_endpoint(endpoint, self._stored_secret)
        self._original = original
        self.connection.set_request(endpoint.request, original.request if original.id else None)
        self._refresh()
        self.changed.emit()

    def rebase(self, saved: Endpoint, edited: Endpoint) -> None:
        """Show `edited` as edits of another saved endpoint; secrets that were typed stay."""
        secret, password = self.auth.secret_edit.text(), self.connection.password_edit.text()
        self.set_endpoint(edited, stored_in_keyring(saved.auth))
        self._original = saved
        self.connection.set_request(edited.request, saved.request)
        self.auth.secret_edit.setText(secret)
        self.connection.password_edit.setText(password)
        self._refresh()
        self.changed.emit()

    def set_settings(self, settings: Settings) -> None:
        """The settings in force have changed: names are checked against the new ones."""
        self._settings = settings
        self._refresh()

    def endpoint(self) -> Endpoint | None:
        """What the fields say, names filled in; None while something is wrong."""
        endpoint, problems = self._read()
        return None if problems else named(endpoint, self._settings)

    def secret(self) -> str | None:
        """The secret typed for the keyring, None when the stored one (or none) is meant."""
        return self.auth.secret()

    def proxy_password(self) -> str | None:
        """The proxy's password typed for the keyring, None when the stored one (or none) is meant."""
        return self.connection.password()

    def names_variable(self) -> bool:
        """Whether an environment variable was typed here, or where it is to be sent."""
        name, before = self.auth.auth().secret_env, self._original
        same = before.id and name == before.auth.secret_env and goes_no_further(self._way(), before, "secret")
        return bool(name) and not same

    def clear_secrets(self) -> None:
        """Forget what was typed for the keyring."""
        self.auth.secret_edit.clear()
        self.connection.password_edit.clear()

    def is_changed(self) -> bool:
        """Whether saving would change anything."""
        endpoint, problems = self._read()
        typed = self.secret() is not None or self.proxy_password() is not None
        return bool(problems and self._shown) or endpoint != self._original or typed

    def reveal_problems(self) -> bool:
        """Show all that is wrong, also with untouched fields, and go to the first; whether there was anything."""
        self._shown.update(self._fields)
        problems = self._refresh()
        for path, field in self._fields.items():
            if path in problems:
                self._open_part_of(path)
                field.take_focus()
                break
        return bool(problems)

    def show_problem(self, path: str, text: str) -> bool:
        """Show a problem found elsewhere next to its field until that is edited; False when there is no such field."""
        path = self._field_of(path)
        if path not in self._fields:
            return False
        self._open_part_of(path)
        self._fields[path].set_problem(text)
        self._fields[path].take_focus()
        return True

    def show_found(self, found: Endpoint) -> None:
        """Say beside automatic fields what the test found."""
        if found.table.key == (HASH_KEY,):
            self.key.setPlaceholderText(tr("none found: the whole record"))
        elif found.table.key == (ONLY_KEY,):
            self.key.setPlaceholderText(tr("none needed: one record"))
        else:
            self.key.setPlaceholderText(elided(tr("found: {key}", key=", ".join(found.table.key)), LONGEST_CELL))

    def set_key(self, table: Table) -> None:
        """Choose that table's key, as if typed."""
        self._table_part.set_open(True)
        self.key.setText(", ".join(table.key))

    def set_columns(self, table: Table) -> None:
        """Choose that table's way to rename, leave out and type columns."""
        self._columns = table
        self._refresh()
        self.changed.emit()

    def _part(self, name: str, title: str, prefixes: tuple[str, ...]) -> Collapsible:
        content = QWidget()
        form = _form_layout(content)
        form.setContentsMargins(0, 0, 0, 0)
        for path, field in self._fields.items():
            if path.startswith(prefixes):
                field.add_to(form)
        return Collapsible(name, title, content)

    def _connect(self) -> None:
        self.url.textChanged.connect(self._on_url)
        self.url.editingFinished.connect(self._take_over_text)
        self._watch(self.url.textChanged, "url")
        self._watch(self.name.textChanged, "name")
        self._watch(self.tags.textChanged, "tags")
        self._watch(self.schedule.changed, "every")
        self._watch(self.auth.changed, *(field.path for field in self.auth.fields if self._typed(field)))
        self.when.changed.connect(self._on_edit)
        self.connection.changed.connect(self._on_edit)
        self.text.changed.connect(self._on_edit)
        self._watch(self.table_name.textChanged, "table.name")
        self._watch(self.mode.currentIndexChanged, "table.mode")
        self._watch(self.key.textChanged, "table.key")
        self._watch(self.records.changed, "response.records")
        self._watch(self.pages.changed, "pages")
        self._watch(self.method.currentIndexChanged, "request.method", "request.json")
        self._watch(self.params.changed, "request.params")
        self._watch(self.headers.changed, "request.headers")
        self._watch(self.json.textChanged, "request.json")
        self._watch(self.timeout.textChanged, "request.timeout")

    def _watch(self, signal: Any, *paths: str) -> None:
        signal.connect(lambda *_: self._on_edit(*paths))

    def _on_edit(self, *paths: str) -> None:
        if not self._loading:
            self._shown.update(paths)
            self._refresh()
            self.changed.emit()

    @staticmethod
    def _typed(field: Field) -> bool:
        return isinstance(field.editor, QLineEdit | KeyValueEditor)

    def _field_of(self, path: str) -> str:
        path = _SAME_FIELD.get(path, path)
        while path not in self._fields and "." in path:
            path = path.rpartition(".")[0]
        return path

    def _open_part_of(self, path: str) -> None:
        for part in (self._table_part, self._when_part, self._request_part, self._connection_part):
            if part.isAncestorOf(self._fields[path]):
                part.set_open(True)

    def _refresh(self) -> dict[str, str]:
        if self._loading:
            return {}
        self.auth.set_stored(self._stored_secret and goes_no_further(self._way(), self._original, "secret"))
        self._fields["request.json"].setEnabled(self.method.currentText() == "POST")
        self._fields["table.mode"].set_hint(self._modes[self.mode.currentData()][1])
        endpoint, problems = self._read()
        unnamed = msgspec.structs.replace(endpoint, table=Table())
        default_name = named(msgspec.structs.replace(unnamed, name=""), self._settings).name
        self.name.setPlaceholderText(elided(default_name, LONGEST_CELL) if endpoint.url else "")
        default_table = named(unnamed, self._settings).table.name
        self.table_name.setPlaceholderText(elided(default_table, LONGEST_CELL) if endpoint.url else "")
        for path, field in self._fields.items():
            field.set_problem(problems.get(path, "") if path in self._shown else "")
        return problems

    def _way(self) -> Endpoint:
        """Where it goes by what is typed, valid or not."""
        request = self.connection.put_into(self._original.request)
        url = self.url.text().strip()
        return msgspec.structs.replace(self._original, url=url, request=request, auth=self.auth.auth())

    def _read(self) -> tuple[Endpoint, dict[str, str]]:
        problems = dict[str, str]()

        def read(path: str, value: Callable[[], _T], fallback: _T) -> _T:
            try:
                return value()
            except ValueError as error:
                problems[path] = sentence(str(error))
                return fallback

        before = self._kept
        request = msgspec.structs.replace(
            before.request,
            method=self.method.currentText(),
            params=self.params.values(),
            headers={name: str(value) for name, value in self.headers.values().items()},
            json=read("request.json", self._body, None),
            timeout=read("request.timeout", lambda: Duration.parse(self.timeout.text()), before.request.timeout),
        )
        table = msgspec.structs.replace(
            before.table,
            name=self.table_name.text().strip(),
            mode=self.mode.currentData(),
            key=_parts(self.key),
            rename=self._columns.rename,
            ignore=self._columns.ignore,
            types=self._columns.types,
        )
        records = read("response.records", self.records.records, "auto")
        endpoint = msgspec.structs.replace(
            before,
            url=self.url.text().strip(),
            name=self.name.text().strip(),
            tags=_parts(self.tags),
            request=self.connection.put_into(request),
            auth=self.auth.auth(),
            when=self.when.when(read),
            response=self.text.put_into(msgspec.structs.replace(before.response, records=records), read),
            pages=read("pages", self.pages.pages, Pages()),
            table=table,
        )
        endpoint = read("every", partial(self.schedule.put_into, endpoint), endpoint)
        for editor, path in ((self.params, "request.params"), (self.headers, "request.headers")):
            if text := editor.problem():
                problems[path] = text
        if is_curl(endpoint.url):
            problems["url"] = self._curl_problem or tr("Press Return to take the cURL command over.")
        missing = {**self.auth.problems(), **self.connection.problems()}
        problems |= {path: text for path, text in missing.items() if path not in problems}
        for path, message in self._checked(endpoint):
            problems.setdefault(self._field_of(path), str(message))
        known = {(each.field, each.value) for each in readable(self._original)}
        for each in readable(endpoint):
            if (each.field, each.value) not in known:
                text = tr(
                    "{name} is a secret, which would be stored as plain text. Make it the authentication.",
                    name=each.name,
                )
                problems.setdefault(self._field_of(each.field), text)
        return endpoint, problems

    def _checked(self, endpoint: Endpoint) -> list[FieldProblem]:
        filled = named(endpoint, self._settings)
        settings = with_endpoint(self._settings, filled)
        at = settings.endpoint.index(filled)
        return [problem for index, problem in check_settings(settings) if index == at]

    def _body(self) -> Any:
        text = self.json.toPlainText().strip()
        if not text or self.method.currentText() != "POST":
            return None
        try:
            body = json.loads(text)
        except json.JSONDecodeError as error:
            message = tr(
                "This is not valid JSON: {reason} in line {line}, column {column}.",
                reason=error.msg,
                line=error.lineno,
                column=error.colno,
            )
            raise ValueError(message) from error
        except (ValueError, RecursionError) as error:
            raise ValueError(tr("Its numbers are too long, or its lists and objects are nested too deeply.")) from error
        if _has_null(body):
            raise ValueError(tr("The settings file can't hold null; leave that member out."))
        return body


def stored_in_keyring(auth: Auth) -> bool:
    """Whether an endpoint saved with this has its secret in the keyring."""
    return auth.kind != "none" and not auth.secret_env


def _has_null(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_has_null(item) for item in value.values())
    return any(_has_null(item) for item in value) if isinstance(value, list) else value is None


def _parts(edit: QLineEdit) -> tuple[str, ...]:
    return tuple(part.strip() for part in edit.text().split(",") if part.strip())


def _form_layout(parent: QWidget | None = None) -> QFormLayout:
    form = QFormLayout(parent) if parent is not None else QFormLayout()
    form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
    return form
