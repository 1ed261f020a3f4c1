"""The tray icon: the program's state at a glance, and the menu to act on it."""

from collections.abc import Callable, Sequence
from datetime import datetime

from PySide6.QtCore import QElapsedTimer, QObject, QTimer, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QApplication, QMenu, QSystemTrayIcon

from trayapp.messages import tr
from trayapp.schedule.engine.snapshot import Snapshot, TrayState
from trayapp.store.bookkeeping.history import RunRow
from trayapp.ui.backend import Backend
from trayapp.ui.tray.pause_menu import PauseMenu
from trayapp.ui.widgets import words
from trayapp.ui.widgets.icons import tray_icon
from trayapp.ui.widgets.words import utc_now
from trayapp.visible import elided, unmarked

_SHOW_SYNCING_AFTER = 300
"""Milliseconds: shorter runs do not make the icon flicker."""
_LONGEST_LIST = 20
_RECENT = 5
_LONGEST_TIP = 200
_LOOK_FIRST, _LOOK_LATER = 500, 30_000
"""Milliseconds between two looks for a tray. Each wait is twice the one before: a panel that comes up while one logs in
is found soon, and where there never is one the processor sleeps.
"""


class Tray(QObject):
    """Shows an icon as soon as the desktop has a place for it; until then it looks for one now and then.

    Which protocol an icon speaks is decided when it is made, so that it is made only once there is a tray.
    """

    open_requested = Signal(str)
    """Show the window, at this endpoint ("" for none)."""
    toggle_requested = Signal()
    """The icon was clicked: show the window, or hide it."""
    settings_requested = Signal()
    quit_requested = Signal()
    appeared = Signal()
    """The desktop has a place for the icon now."""

    def __init__(
        self,
        backend: Backend,
        parent: QObject | None = None,
        *,
        icon: QSystemTrayIcon | None = None,
        available: Callable[[], bool] = QSystemTrayIcon.isSystemTrayAvailable,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        """`icon` is one that was made, and shown, before."""
        super().__init__(parent)
        self._early = icon
        self._available = available
        self._clock = clock
        self._snapshot = backend.snapshot()
        self._state: TrayState = "idle"
        self._tooltip = ""
        self._icon: QSystemTrayIcon | None = None
        self._since_click = QElapsedTimer()
        self.menu = TrayMenu(backend, clock)
        self.menu.open_requested.connect(self.open_requested)
        self.menu.settings_requested.connect(self.settings_requested)
        self.menu.quit_requested.connect(self.quit_requested)

        self._debounce = QTimer(self)
        self._debounce.setSingleShot(True)
        self._debounce.setInterval(_SHOW_SYNCING_AFTER)
        self._debounce.timeout.connect(lambda: self._show_state("syncing"))
        self._look_in = _LOOK_FIRST
        self._look_again = QTimer(self)
        self._look_again.setSingleShot(True)
        self._look_again.timeout.connect(self._look_for_tray)
        backend.snapshot_changed.connect(self._on_snapshot)
        self._on_snapshot(self._snapshot)
        self._look_for_tray()

    @property
    def icon(self) -> QSystemTrayIcon | None:
        """The icon, None while the desktop has no tray."""
        return self._icon

    @property
    def state(self) -> TrayState:
        """The state the icon shows (syncing only after a moment of it)."""
        return self._state

    @property
    def tooltip(self) -> str:
        """What the icon says when pointed at."""
        return self._tooltip

    def _look_for_tray(self) -> None:
        if self._available():
            self._make_icon()
            return
        self._look_again.start(self._look_in)
        self._look_in = min(2 * self._look_in, _LOOK_LATER)

    def _make_icon(self) -> None:
        icon = self._early or QSystemTrayIcon(self)
        icon.setIcon(tray_icon(self._state))
        icon.setObjectName("trayIcon")
        icon.setToolTip(unmarked(self._tooltip))
        icon.setContextMenu(self.menu)
        icon.activated.connect(self._on_activated)
        icon.show()
        self._icon = icon
        self.appeared.emit()

    def _on_activated(self, reason: QSystemTrayIcon.ActivationReason) -> None:
        if reason != QSystemTrayIcon.ActivationReason.Trigger:
            return
        # A double click comes as two triggers from panels that speak D-Bus: the second one would undo the first.
        if self._since_click.isValid() and self._since_click.elapsed() < QApplication.doubleClickInterval():
            return
        self._since_click.start()
        self.toggle_requested.emit()

    def _on_snapshot(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        state = snapshot.state
        if state != "syncing":
            self._debounce.stop()
            self._show_state(state)
        elif self._state != "syncing" and not self._debounce.isActive():
            self._debounce.start()
        tooltip = elided(words.tooltip(snapshot, self._clock()), _LONGEST_TIP)
        if tooltip != self._tooltip:
            self._tooltip = tooltip
            if self._icon is not None:
                self._icon.setToolTip(unmarked(tooltip))
        self.menu.show_snapshot(snapshot)

    def _show_state(self, state: TrayState) -> None:
        if state != self._state:
            self._state = state
            if self._icon is not None:
                self._icon.setIcon(tray_icon(state))


class TrayMenu(QMenu):
    """Kept up to date at every snapshot, entry by entry: a panel that draws the menu itself may have it open."""

    open_requested = Signal(str)
    settings_requested = Signal()
    quit_requested = Signal()

    def __init__(self, backend: Backend, clock: Callable[[], datetime]) -> None:
        super().__init__()
        self.setObjectName("trayMenu")
        self._backend = backend
        self._clock = clock
        self._snapshot = Snapshot()
        self._runs: Sequence[RunRow] = ()
        self._text = words.menu_text

        self.status = self._entry("status", "")
        self.status.setEnabled(False)
        self.addSeparator()
        self.sync_now = self.addMenu(tr("&Sync now"))
        self.sync_now.setObjectName("syncNow")
        self.sync_all = self.sync_now.addAction(tr("&All endpoints"))
        self.sync_all.setObjectName("syncAll")
        self.sync_now.addSeparator()
        self.sync_each = _Entries(self.sync_now)
        self.sync_more = self.sync_now.addAction(tr("&More in the window…"))
        self.stop = self._entry("stop", tr("S&top"))
        self.enabled = self._entry("syncEnabled", tr("Sync &enabled"))
        self.enabled.setCheckable(True)
        self.pause = PauseMenu(backend, clock, self)
        self.addMenu(self.pause)
        self.addSeparator()
        self.recent = self.addMenu(tr("&Recent changes"))
        self.recent_each = _Entries(self.recent)
        self.problems = self.addMenu("")
        self.problems_each = _Entries(self.problems)
        self.addSeparator()
        self.open = self._entry("open", tr("&Open TraySync"))
        self.settings = self._entry("settings", tr("Se&ttings…"))
        self.addSeparator()
        self.quit = self._entry("quit", tr("&Quit"))

        self.sync_all.triggered.connect(lambda: backend.sync_now())
        self.sync_each.chosen.connect(lambda id: backend.sync_now((id,)))
        self.sync_more.triggered.connect(lambda: self.open_requested.emit(""))
        self.stop.triggered.connect(self._stop)
        self.enabled.triggered.connect(self._enable)
        self.recent_each.chosen.connect(self.open_requested)
        self.problems_each.chosen.connect(self.open_requested)
        self.open.triggered.connect(lambda: self.open_requested.emit(""))
        self.settings.triggered.connect(self.settings_requested)
        self.quit.triggered.connect(self.quit_requested)
        self.aboutToShow.connect(lambda: self.show_snapshot(self._snapshot))
        backend.runs_changed.connect(self._on_runs)
        self.show_snapshot(backend.snapshot())
        self._on_runs(())
        backend.request_runs()

    def export(self) -> None:
        """From now on a panel draws the menu, from what D-Bus says of it."""
        self._text = words.exported_text
        self.show_snapshot(self._snapshot)
        self._on_runs(self._runs)

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Make every entry say what is true now."""
        self._snapshot = snapshot
        now = self._clock()
        self.status.setText(self._text(words.status_line(snapshot, now), 80))
        ready = [status for status in snapshot.endpoints if status.enabled]
        self.sync_now.setEnabled(bool(ready))
        self.sync_each.show([(status.id, self._text(status.name, 40)) for status in ready[:_LONGEST_LIST]])
        self.sync_more.setVisible(len(ready) > _LONGEST_LIST)
        self.stop.setVisible(any(status.state == "running" for status in snapshot.endpoints))
        self.enabled.setChecked(not snapshot.paused)
        self.pause.show_snapshot(snapshot)
        troubled = words.troubled(snapshot)
        self.problems_each.show(
            [(status.id, self._text(words.problem_line(status), 80)) for status in troubled[:_LONGEST_LIST]]
        )
        self.problems.menuAction().setText(tr("Pro&blems ({count})", count=len(troubled)))
        self.problems.menuAction().setVisible(bool(troubled))

    def _on_runs(self, runs: Sequence[RunRow]) -> None:
        self._runs = runs
        now = self._clock()
        changes = [run for run in runs if run.added or run.changed or run.deleted][:_RECENT]
        texts = [
            tr("{time} · {change}", time=words.moment(run.finished, now), change=words.change_line(run))
            for run in changes
        ]
        self.recent_each.show([(run.endpoint, self._text(text, 80)) for run, text in zip(changes, texts, strict=True)])
        self.recent.menuAction().setVisible(bool(changes))

    def _enable(self, enabled: bool) -> None:
        if enabled:
            self._backend.resume()
        else:
            self._backend.pause(None)

    def _stop(self) -> None:
        for status in self._snapshot.endpoints:
            if status.state == "running":
                self._backend.stop(status.id)

    def _entry(self, name: str, text: str) -> QAction:
        action = self.addAction(text)
        action.setObjectName(name)
        return action


class _Entries(QObject):
    """A stretch of a menu that shows a list: entries are changed in place, added and removed at its end."""

    chosen = Signal(str)

    def __init__(self, menu: QMenu) -> None:
        super().__init__(menu)
        self._menu = menu
        self._actions: list[QAction] = []
        self._end = QAction(menu)
        self._end.setVisible(False)
        menu.addAction(self._end)

    def show(self, entries: Sequence[tuple[str, str]]) -> None:
        """Each entry is (id, text)."""
        while len(self._actions) > len(entries):
            action = self._actions.pop()
            self._menu.removeAction(action)
            action.deleteLater()
        while len(self._actions) < len(entries):
            action = QAction(self._menu)
            action.triggered.connect(lambda _checked=False, action=action: self.chosen.emit(action.data()))
            self._actions.append(action)
            self._menu.insertAction(self._end, action)
        for action, (id, text) in zip(self._actions, entries, strict=True):
            action.setData(id)
            action.setText(text)
