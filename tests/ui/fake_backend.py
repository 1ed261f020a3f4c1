"""A Backend in memory: keeps settings, a snapshot, runs and tables, answers from the event loop, notes every call."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import msgspec
from PySide6.QtCore import QTimer

from tests.problems import problem
from trayapp.endpoints.merging import Decision, SettingsConflict, settled
from trayapp.endpoints.model import Endpoint, Pages, Settings
from trayapp.errors import Problem
from trayapp.schedule.engine.snapshot import EndpointStatus, Snapshot
from trayapp.store.bookkeeping.history import RunRow
from trayapp.store.reading.arrangement import ALL, Arrangement
from trayapp.store.reading.reader import RowsPage
from trayapp.sync.detection.preview import Preview, PreviewColumn
from trayapp.sync.http.request import RequestMade
from trayapp.sync.report import Report
from trayapp.ui.backend import Backend, SyncQuestion

Value = str | int | float | bytes | None


class FakeBackend(Backend):
    """Tests set `preview_answer`, `save_answer` and the tables, and read `calls`: (method name, arguments...)."""

    def __init__(self, settings: Settings | None = None, snapshot: Snapshot | None = None) -> None:
        super().__init__()
        self.calls: list[tuple[object, ...]] = []
        self.runs: tuple[RunRow, ...] = ()
        self.tables: dict[str, tuple[tuple[str, ...], Sequence[tuple[Value, ...]]]] = {}
        self.preview_answer: Preview | Problem | None = None
        """None makes up a good one; `hold_previews` keeps the answer back until `answer_preview` is called."""
        self.hold_previews = False
        self.hold_rows = False
        """True keeps rows back until `answer_rows` is called."""
        self.save_answer: Problem | None = None
        self.secrets: dict[str, str] = {}
        self.proxy_passwords: dict[str, str] = {}
        self.named = False
        self.named_by_saving: tuple[str, ...] = ()
        """Whether the last preview, and whose last saving, had a variable that the person typed."""
        self._settings = settings or Settings()
        self._snapshot = snapshot or Snapshot()
        self._tickets = 0
        self._asked: dict[int, Endpoint] = {}
        self._asked_rows: list[tuple[int, str, int, int, Arrangement]] = []

    # What tests do to the widgets.

    def show(self, snapshot: Snapshot) -> None:
        """Make this the newest snapshot and tell it."""
        self._snapshot = snapshot
        self.snapshot_changed.emit(snapshot)

    def show_endpoint(self, status: EndpointStatus) -> None:
        """Replace (or append) one endpoint of the snapshot and tell it."""
        known = any(old.id == status.id for old in self._snapshot.endpoints)
        endpoints = tuple(status if old.id == status.id else old for old in self._snapshot.endpoints)
        self.show(msgspec.structs.replace(self._snapshot, endpoints=endpoints if known else (*endpoints, status)))

    def change_settings(self, settings: Settings) -> None:
        """As if the file had been changed on disk."""
        self._settings = settings
        self.settings_changed.emit(settings)

    def finish(self, report: Report) -> None:
        """Tell that a run finished, and put it on top of the activity list."""
        row = RunRow(
            run=len(self.runs) + 1,
            endpoint=report.endpoint,
            name=report.name,
            started=report.started,
            finished=report.finished,
            status=report.status,
            reason=report.reason,
            added=report.added,
            changed=report.changed,
            deleted=report.deleted,
            unchanged=report.unchanged,
            requests=report.requests,
            bytes=report.bytes,
            sentence=report.sentence,
        )
        self.runs = (row, *self.runs)
        self.run_finished.emit(report)
        self.runs_changed.emit(self.runs)

    def answer_preview(self, ticket: int, answer: Preview | Problem | None = None) -> None:
        """Answer a preview held back by `hold_previews`."""
        endpoint = self._asked.pop(ticket, None)
        if endpoint is not None:
            self.preview_ready.emit(ticket, answer or self.preview_answer or good_preview(endpoint))

    def answer_rows(self) -> None:
        """Answer what was asked for first of all that has no answer yet."""
        ticket, *question = self._asked_rows.pop(0)
        self.rows_ready.emit(ticket, self._rows(*question))

    def called(self, name: str) -> list[tuple[object, ...]]:
        """The arguments of every call of that method."""
        return [tuple(call[1:]) for call in self.calls if call[0] == name]

    # Backend.

    def snapshot(self) -> Snapshot:
        return self._snapshot

    def settings(self) -> Settings:
        return self._settings

    def sync_now(self, ids: tuple[str, ...] = (), full: bool = False) -> None:
        self.calls.append(("sync_now", ids, full))

    def sync_anyway(self, question: SyncQuestion, ask_again: bool) -> None:
        self.calls.append(("sync_anyway", question, ask_again))

    def stop(self, id: str) -> None:
        self.calls.append(("stop", id))

    def pause(self, until: datetime | None) -> None:
        self.calls.append(("pause", until))
        self._tell_later(msgspec.structs.replace(self._snapshot, paused=True, paused_until=until))

    def resume(self) -> None:
        self.calls.append(("resume",))
        self._tell_later(msgspec.structs.replace(self._snapshot, paused=False, paused_until=None))

    def resolve_held(self, id: str, apply: bool) -> None:
        self.calls.append(("resolve_held", id, apply))

    def request_runs(self) -> None:
        self.calls.append(("request_runs",))
        self._later(lambda: self.runs_changed.emit(self.runs))

    def request_rows(self, id: str, offset: int, count: int, wanted: Arrangement = ALL) -> int:
        ticket = self._ticket("request_rows", id, offset, count)
        self._asked_rows.append((ticket, id, offset, count, wanted))
        if not self.hold_rows:
            self._later(self.answer_rows)
        return ticket

    def stop_rows(self, ticket: int) -> None:
        self.calls.append(("stop_rows", ticket))

    def preview(
        self,
        endpoint: Endpoint,
        secret: str | None,
        proxy_password: str | None = None,
        names_variable: bool = False,
    ) -> int:
        ticket = self._ticket("preview", endpoint, secret, proxy_password)
        self.named = names_variable
        self._asked[ticket] = endpoint
        if not self.hold_previews:
            self._later(lambda: self.answer_preview(ticket))
        return ticket

    def cancel_preview(self, ticket: int) -> None:
        self.calls.append(("cancel_preview", ticket))
        self._asked.pop(ticket, None)

    def save(
        self,
        settings: Settings,
        secrets: Mapping[str, str],
        drop_tables: tuple[str, ...] = (),
        proxy_passwords: Mapping[str, str] | None = None,
        names_variables: tuple[str, ...] = (),
        *,
        base: Settings,
        decision: Decision | None = None,
    ) -> int:
        ticket = self._ticket("save", settings, dict(secrets), drop_tables)
        answer = self.save_answer
        if answer is None:
            try:
                settings = settled(base, settings, self._settings, decision)
            except SettingsConflict as error:
                conflicts = error.conflicts
                self._later(lambda: self.settings_changed.emit(self._settings))
                self._later(lambda: self.conflict.emit(ticket, conflicts))
                return ticket
            self._settings = settings
            self.secrets.update(secrets)
            self.proxy_passwords.update(proxy_passwords or {})
            self.named_by_saving = names_variables
            self._later(lambda: self.settings_changed.emit(settings))
        self._later(lambda: self.saved.emit(ticket, answer))
        return ticket

    def add_demo(self) -> int:
        ticket = self._ticket("add_demo")
        answer = self.save_answer
        self._later(lambda: self.saved.emit(ticket, answer))
        return ticket

    def open_settings_file(self) -> None:
        self.calls.append(("open_settings_file",))

    def open_data_folder(self) -> None:
        self.calls.append(("open_data_folder",))

    def quit(self) -> None:
        self.calls.append(("quit",))

    # Inside.

    def _ticket(self, name: str, *arguments: object) -> int:
        self.calls.append((name, *arguments))
        self._tickets += 1
        return self._tickets

    def _later(self, act: object) -> None:
        QTimer.singleShot(0, self, act)

    def _tell_later(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._later(lambda: self.snapshot_changed.emit(self._snapshot))

    def _rows(self, id: str, offset: int, count: int, wanted: Arrangement) -> RowsPage | Problem:
        if id not in self.tables:
            return problem("There is no table yet", "The endpoint has not run.", "Sync it first.")
        columns, rows = self.tables[id]
        in_table = len(rows)
        if wanted.text:
            rows = [row for row in rows if any(wanted.text.lower() in str(value).lower() for value in row)]
        if wanted.column and wanted.column not in columns:
            return problem("There is no such column", "The table has changed.", "")
        if wanted.column:
            place = columns.index(wanted.column)
            rows = sorted(rows, key=lambda row: str(row[place]), reverse=wanted.descending)
        stretch = tuple(rows[offset : offset + count])
        return RowsPage(endpoint=id, columns=columns, offset=offset, total=len(rows), in_table=in_table, rows=stretch)


def good_preview(endpoint: Endpoint) -> Preview:
    """What a preview of a small, well-behaved API would answer."""
    return Preview(
        endpoint=msgspec.structs.replace(
            endpoint,
            pages=Pages(kind="link"),
            response=msgspec.structs.replace(endpoint.response, records="items"),
            table=msgspec.structs.replace(endpoint.table, key=("id",), name=endpoint.table.name or "items"),
        ),
        records_path="items",
        count=2,
        total=2,
        pages=Pages(kind="link"),
        evidence="ended",
        proof="The second page holds other records than the first.",
        key=("id",),
        columns=(
            PreviewColumn(name="id", type="INTEGER", path="id"),
            PreviewColumn(name="title", type="TEXT", path="title"),
            PreviewColumn(name="updated_at", type="TEXT", path="updated_at"),
        ),
        cursors=("updated_at",),
        rows=((1, "First", "2025-01-01T00:00:00Z"), (2, "Second", "2025-01-02T00:00:00Z")),
        requests=(RequestMade(method="GET", url=endpoint.url, status=200, seconds=0.12, bytes=512),),
    )


def utc(text: str) -> datetime:
    """`utc("2025-03-01 14:05")`: an aware time, short to write."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
