"""The widgets' backend on the real scheduler, settings and database."""

import itertools
import logging
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from PySide6.QtCore import QFileSystemWatcher, QObject, QTimer, Signal

from trayapp.app.background import Background
from trayapp.app.watching import FileWatch
from trayapp.desktop.process import memory
from trayapp.desktop.session import opener
from trayapp.endpoints.merging import Decision, SettingsConflict
from trayapp.endpoints.model import Endpoint, Settings
from trayapp.endpoints.readable import places
from trayapp.endpoints.settings_file import FileStamp, SettingsFile
from trayapp.errors import Problem, UserError
from trayapp.messages import say
from trayapp.operations.conditions import disk_free
from trayapp.operations.explanations import would_overrule
from trayapp.operations.runs import keep_held
from trayapp.operations.workspace import Workspace
from trayapp.schedule.conditions.constraints import Overruled, may_wait
from trayapp.schedule.driver.persistence import StoredStates
from trayapp.schedule.driver.thread import SchedulerThread
from trayapp.schedule.engine.actions import Start
from trayapp.schedule.engine.snapshot import Snapshot
from trayapp.store.bookkeeping.history import list_runs
from trayapp.store.mirror.schema import owned
from trayapp.store.reading.arrangement import ALL, Arrangement
from trayapp.store.reading.query import QueryStopped, stoppable
from trayapp.store.reading.reader import Reader, RowsPage
from trayapp.sync.cancel import INTERNAL, PROGRAM_ENDED, Cancelled, CancelToken
from trayapp.sync.detection.preview import Preview
from trayapp.sync.report import Progress, Report
from trayapp.ui.backend import Backend, SyncQuestion

log = logging.getLogger(__name__)

_SETTLED_MS = 200
"""An editor writes a file in several steps; it is read when they are over."""
_RUNS_GAP_MS = 300
_REST_MS = 3000
"""So long after something that took memory it is given back, with what comes after it."""


class LiveBackend(Backend):
    """Starts reading and scheduling with `start`; `shutdown` ends it and calls back.

    `home_lost`: the folder with the database was moved or deleted.
    """

    home_lost = Signal()

    def __init__(self, workspace: Workspace, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.workspace = workspace
        self.background = Background(self)
        self.quit_wanted: Callable[[], None] = lambda: None
        self._settings = Settings()
        self._snapshot = Snapshot()
        self._tickets = itertools.count(1)
        self._reader = Reader()
        self._previews: dict[int, CancelToken] = {}
        self._reads: dict[int, threading.Event] = {}
        self._stamp: FileStamp | None = None
        self._asks_disk = False
        self.scheduler = SchedulerThread(self._execute, StoredStates(workspace.store), workspace.clock, self)
        self.scheduler.snapshot_changed.connect(self._show)
        self.scheduler.run_finished.connect(self._finished)
        self._files = FileWatch(self.background, self.scheduler.files_seen, self)
        self._runs_timer = QTimer(self, singleShot=True, interval=_RUNS_GAP_MS)
        self._runs_timer.timeout.connect(self.request_runs)
        self.scheduler.skipped.connect(lambda _: self._runs_timer.start())
        self._rest_timer = QTimer(self, singleShot=True, interval=_REST_MS)
        self._rest_timer.timeout.connect(lambda: self.background.run(self._give_memory_back, lambda _: None))
        self._settled = QTimer(self, singleShot=True, interval=_SETTLED_MS)
        self._settled.timeout.connect(self.reload)
        self._watcher = QFileSystemWatcher(self)
        self._watcher.directoryChanged.connect(lambda _: self._settled.start())
        self._watcher.fileChanged.connect(lambda _: self._settled.start())

    def start(self) -> None:
        """Read the settings, watch them from then on, and start the scheduler."""
        file = self.workspace.settings_file
        self._watcher.addPaths([*{str(file.path.parent), str(self.workspace.home.data)}])
        self._watch_file()
        self._stamp = file.stamp()
        problem = None
        try:
            settings = self.workspace.settings()
        except UserError as error:
            problem = error.problem
            settings = _previous(file)
        for place in places(settings):
            log.warning("a secret stands readably in the settings (%s); traysync doctor says what to do", place)
        self._look_at_disk()
        self.scheduler.start()
        self._apply(settings)
        if problem is not None:
            self.scheduler.settings_failed(problem)
        self.come_to_rest()

    def shutdown(self, then: Callable[[], None]) -> None:
        """Stop all runs within 5 s, then call `then`."""
        for token in self._previews.values():
            token.cancel(PROGRAM_ENDED)
        for ticket in tuple(self._reads):
            self.stop_rows(ticket)
        if not self.scheduler.isRunning():
            then()
            return
        self.scheduler.finished.connect(then)
        self.scheduler.shutdown(5.0)

    def _look_at_disk(self) -> None:
        """Have the free space asked for, beside this thread: a network drive that hangs does not answer."""
        if not self._asks_disk:
            self._asks_disk = True
            self.background.run(
                lambda: self.scheduler.update_conditions(disk_free=disk_free(self.workspace)), self._disk_answered
            )

    def _disk_answered(self, _: object) -> None:
        self._asks_disk = False

    def _execute(self, start: Start, token: CancelToken, progress: Callable[[Progress], None]) -> Report:
        wish = start.wish
        return self.workspace.execute(start.endpoint, wish.full, token, progress, apply_held=wish.apply_held)

    def come_to_rest(self) -> None:
        """Something that took memory is over: give it back in a moment."""
        if not self._rest_timer.isActive():
            self._rest_timer.start()

    def _give_memory_back(self) -> None:
        self.workspace.store.shrink()
        memory.give_back()

    def _show(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self.snapshot_changed.emit(snapshot)

    def snapshot(self) -> Snapshot:
        """The newest snapshot."""
        return self._snapshot

    # Settings

    def settings(self) -> Settings:
        """The settings in force."""
        return self._settings

    def reload(self) -> None:
        """Read the settings again if the file changed; the ones in force stay when it can't be used."""
        if not self.workspace.home.data.exists():
            self.home_lost.emit()
            return
        file = self.workspace.settings_file
        self._watch_file()
        stamp = file.stamp()
        if stamp == self._stamp:
            return
        self._stamp = stamp
        self.background.run(self.workspace.settings, self._reloaded)

    def _watch_file(self) -> None:
        # Its folder tells of a file that is put in its place, not of one that is written anew.
        path = self.workspace.settings_file.path
        if str(path) not in self._watcher.files() and path.exists():
            self._watcher.addPath(str(path))

    def _reloaded(self, result: Settings | Problem) -> None:
        if isinstance(result, Problem):
            self.scheduler.settings_failed(result)
        else:
            self._apply(result)

    def _apply(self, settings: Settings) -> None:
        self._settings = settings
        self.scheduler.apply_settings(settings)
        self._files.apply(settings)
        self.settings_changed.emit(settings)

    def change(self, work: Callable[[], Any], then: Callable[[Any], None]) -> None:
        """Do something that may change the settings, take them over, then tell `then` the result or the Problem."""

        def both() -> tuple[Any, Settings, FileStamp | None]:
            result = work()
            stamp = self.workspace.settings_file.stamp()
            return result, self.workspace.settings(), stamp

        def done(outcome: tuple[Any, Settings, FileStamp | None] | Problem) -> None:
            if isinstance(outcome, Problem):
                then(outcome)
                return
            result, settings, self._stamp = outcome
            before = {each.id for each in self._settings.endpoint}
            self._apply(settings)
            # Whoever adds an endpoint wants to see its data now, not after the spread of first runs, unless it is to
            # wait for something.
            added = [each for each in settings.endpoint if each.id not in before and each.enabled]
            if fresh := tuple(each.id for each in added if not may_wait(each)):
                self.scheduler.sync_now(fresh)
            then(result)

        self.background.run(both, done)

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
        """Write the edits made from `base`, and both kinds of secrets by endpoint id; drop the named tables."""
        ticket = next(self._tickets)

        def write() -> SettingsConflict | None:
            try:
                self.workspace.save_all(
                    settings, secrets, drop_tables, proxy_passwords, names_variables, base=base, decision=decision
                )
            except SettingsConflict as error:
                return error
            return None

        self.change(write, lambda result: self._saved(ticket, result))
        return ticket

    def _saved(self, ticket: int, result: object) -> None:
        if isinstance(result, SettingsConflict):
            self.conflict.emit(ticket, result.conflicts)
        else:
            self.saved.emit(ticket, result if isinstance(result, Problem) else None)

    def add_demo(self) -> int:
        """Start the demo's API, add its endpoint and fetch it."""
        ticket = next(self._tickets)

        self.change(self.workspace.add_demo, lambda result: self._saved(ticket, result))
        return ticket

    # Runs

    def _finished(self, report: Report) -> None:
        self._runs_timer.start()
        self.come_to_rest()
        self._look_at_disk()
        self.run_finished.emit(report)

    def sync_now(self, ids: tuple[str, ...] = (), full: bool = False) -> None:
        """Run these endpoints now (all enabled ones when none is named); `sync_question` may ask about some first."""
        chosen = [each for each in self._settings.endpoint if (each.id in ids if ids else each.enabled)]
        if not any(map(may_wait, chosen)):
            self.scheduler.sync_now(ids, full)
            return
        named, known = tuple(each.id for each in chosen), self.scheduler.conditions()
        self.background.run(
            lambda: would_overrule(self.workspace, named, known), lambda held: self._sync_now(named, full, held)
        )

    def _sync_now(self, ids: tuple[str, ...], full: bool, held: list[Overruled] | Problem) -> None:
        waiting = [] if isinstance(held, Problem) else held
        waiting_ids = {each.id for each in waiting}
        if free := tuple(id for id in ids if id not in waiting_ids):
            self.scheduler.sync_now(free, full)
        if waiting:
            kinds = tuple(dict.fromkeys(kind for each in waiting for kind in each.kinds))
            words = tuple(dict.fromkeys(word for each in waiting for word in each.words))
            self.sync_question.emit(SyncQuestion(tuple(each.id for each in waiting), full, kinds, words))

    def sync_anyway(self, question: SyncQuestion, ask_again: bool) -> None:
        """Run the endpoints of a question; unless `ask_again`, its kinds are never asked about from now on."""
        self.scheduler.sync_now(question.ids, question.full)
        if not ask_again:
            self.change(lambda: self.workspace.ask_no_more(question.kinds), lambda _: None)

    def stop(self, id: str) -> None:
        """Stop the endpoint's run."""
        self.scheduler.stop((id,))

    def pause(self, until: datetime | None) -> None:
        """Start no run before `until`, or before resume when None."""
        self.scheduler.pause(until)

    def resume(self) -> None:
        """End a pause."""
        self.scheduler.resume()

    def resolve_held(self, id: str, apply: bool) -> None:
        """Delete the held records in a run of its own (apply), or keep them."""
        if apply:
            self.scheduler.sync_now((id,), apply_held=True)
            return
        self.background.run(lambda: keep_held(self.workspace, id), lambda result: self._kept(id, result))

    def _kept(self, id: str, result: object) -> None:
        endpoint = self._settings.find(id)
        if isinstance(result, Problem) or endpoint is None:
            return
        now = self.workspace.clock.now()
        self.scheduler.note(
            Report(
                endpoint=id,
                name=endpoint.name,
                table=endpoint.table.name,
                status="succeeded",
                started=now,
                finished=now,
                sentence=say("The records that the server no longer lists were kept."),
            )
        )

    def request_runs(self) -> None:
        """Ask for the activity list."""

        def read() -> Any:
            with self.workspace.store.reading() as db:
                return list_runs(db)

        self.background.run(read, lambda rows: None if isinstance(rows, Problem) else self.runs_changed.emit(rows))

    def request_rows(self, id: str, offset: int, count: int, wanted: Arrangement = ALL) -> int:
        """Ask for rows of the endpoint's table."""
        ticket = next(self._tickets)

        stopped = self._reads[ticket] = threading.Event()

        def read() -> RowsPage | None:
            try:
                with self.workspace.store.reading() as db, stoppable(db, stopped.is_set):
                    return self._reader.page(db, id, owned(db, id) or "", offset, count, wanted)
            except QueryStopped:
                return None

        def done(page: RowsPage | Problem) -> None:
            if self._reads.pop(ticket, None) is not None:
                self.rows_ready.emit(ticket, page)

        self.background.run(read, done)
        return ticket

    def stop_rows(self, ticket: int) -> None:
        """End reading for a request, and forget it."""
        stopped = self._reads.pop(ticket, None)
        if stopped is not None:
            stopped.set()

    # Previews

    def preview(
        self,
        endpoint: Endpoint,
        secret: str | None,
        proxy_password: str | None = None,
        names_variable: bool = False,
    ) -> int:
        """Try the endpoint; None as a secret means the stored one."""
        ticket = next(self._tickets)
        token = self._previews[ticket] = CancelToken()
        person = _AtTheEditor(lambda code, url: self.sign_in_asked.emit(ticket, code, url))

        def work() -> Preview | Problem:
            try:
                return self.workspace.preview(endpoint, secret, token, person, proxy_password, names_variable)
            except Cancelled as stop:
                return Problem(say("Stopped"), stop.reason.words)

        def done(result: Preview | Problem) -> None:
            if self._previews.pop(ticket, None) is not None:
                self.preview_ready.emit(ticket, result)

        self.background.run(work, done)
        return ticket

    def cancel_preview(self, ticket: int) -> None:
        """Forget a preview that is still running."""
        token = self._previews.pop(ticket, None)
        if token is not None:
            token.cancel(INTERNAL)

    # The rest

    def data_file(self) -> Path | None:
        """Where the database is."""
        return self.workspace.home.database

    def open_settings_file(self) -> None:
        """Open settings.toml in the person's editor."""
        self.background.run(lambda: opener.open_path(self.workspace.settings_file.path), lambda _: None)

    def open_data_folder(self) -> None:
        """Show the folder of the database in the file manager."""
        self.background.run(lambda: opener.open_path(self.workspace.home.data), lambda _: None)

    def quit(self) -> None:
        """End the program."""
        self.quit_wanted()


class _AtTheEditor:
    """A `sync.oauth.signin.Person` who waits for a test; called in the test's thread."""

    def __init__(self, tell: Callable[[str, str], None]) -> None:
        self._tell = tell

    def open_page(self, url: str) -> None:
        self._tell("", url)
        opener.open_url(url)

    def show_code(self, code: str, url: str) -> None:
        self._tell(code, url)


def _previous(file: SettingsFile) -> Settings:
    """The last good settings, for a start with a broken file: the kept copy, else none."""
    try:
        return SettingsFile(file.previous).load()
    except UserError:
        log.warning("the previous settings can't be used either")
        return Settings()
