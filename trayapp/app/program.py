"""The running tray program: its parts and the wires between them."""

import logging
from functools import cached_property
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QObject, QTimer
from PySide6.QtWidgets import QApplication, QSystemTrayIcon

from trayapp.app.backend import LiveBackend
from trayapp.app.login import keep_autostart
from trayapp.app.notices import Notice, Notices, stale_notice
from trayapp.app.remote import Remote
from trayapp.assets import resource
from trayapp.desktop.machine.monitor import MachineMonitor
from trayapp.desktop.machine.network import Network, NetworkWatcher
from trayapp.desktop.machine.power import Power, PowerWatcher
from trayapp.desktop.session.notifications import Action, Notification, Notifier
from trayapp.desktop.session.signals import EndSignals
from trayapp.desktop.session.sleep import SleepWatcher
from trayapp.desktop.session.tray_host import TrayHost
from trayapp.desktop.socket.server import LocalServer
from trayapp.endpoints.model import Settings
from trayapp.errors import Problem, UserError
from trayapp.messages import paragraph, tr
from trayapp.operations.background import keep_background
from trayapp.operations.care import take_care
from trayapp.operations.conditions import network_conditions
from trayapp.operations.explanations import newly_stale
from trayapp.operations.runs import prune_history
from trayapp.operations.workspace import Workspace
from trayapp.schedule.engine.snapshot import Snapshot
from trayapp.schedule.engine.staleness import Stale
from trayapp.sync.report import Report
from trayapp.ui.tray.tray import Tray
from trayapp.ui.window.sync_question import SyncQuestions
from trayapp.visible import unmarked

if TYPE_CHECKING:
    from trayapp.ui.settings.dialog import SettingsDialog
    from trayapp.ui.widgets.theme import Theme
    from trayapp.ui.window.main_window import MainWindow

log = logging.getLogger(__name__)

_STALE_CHECK_MS = 10 * 60_000
_PRUNING_MS = 6 * 3600_000
_CARE_MS = 10 * 60_000
"""So often it is asked whether the day's look at the database is due; not at the start, which has enough to do."""


class Program(QObject):
    """All parts, from the moment that the event loop runs. `icon` is shown already, where there is a tray."""

    def __init__(
        self, application: QApplication, workspace: Workspace, background: bool, icon: QSystemTrayIcon | None = None
    ) -> None:
        super().__init__(application)
        self.workspace = workspace
        self.backend = LiveBackend(workspace, self)
        self.backend.quit_wanted = self.quit
        self._application = application
        self.tray = Tray(self.backend, self, icon=icon)
        # The looks come first: a box and a menu are as they find them.
        self.tray.menu.aboutToShow.connect(self._dress)
        self.backend.sync_question.connect(self._dress)
        self.sync_questions = SyncQuestions(self.backend, self)
        self.settings_dialog: SettingsDialog | None = None
        self._quitting = False
        self._show_window_first = not background
        self._notices = Notices()
        self._wire_windows()
        QTimer.singleShot(0, self._start)

    def _wire_windows(self) -> None:
        self.tray.open_requested.connect(self.open)
        self.tray.toggle_requested.connect(lambda: self.window.toggle())
        self.tray.settings_requested.connect(self.open_settings)
        self.tray.quit_requested.connect(self.quit)
        self.backend.settings_changed.connect(self._settings_changed)
        self.backend.run_finished.connect(self._tell)
        self.backend.snapshot_changed.connect(self._first_snapshot)
        self.backend.home_lost.connect(self._home_lost)

    def _start(self) -> None:
        home = self.workspace.home
        self.signals = EndSignals(self)
        self.signals.received.connect(lambda _: self.quit())
        self.notifier = Notifier(self._balloon, str(resource("icons", "traysync.svg")), self)
        self.notifier.activated.connect(self._activated)
        self.tray_host = TrayHost(self)
        self.tray_host.found.connect(self.tray.menu.export)
        self.tray.appeared.connect(self.tray_host.ask)
        if self.tray.icon is not None:
            self.tray_host.ask()
        self.network = NetworkWatcher(self)
        self.network.changed.connect(self._network_changed)
        scheduler = self.backend.scheduler
        self.monitor = MachineMonitor(lambda answers: scheduler.update_conditions(answers=answers))
        scheduler.asks.connect(self.monitor.ask)
        self.network.moved.connect(self.monitor.again)
        self.network.changed.connect(self.monitor.again)
        self.power = PowerWatcher(self)
        self.power.changed.connect(self._power_changed)
        self.sleep = SleepWatcher(self)
        self.sleep.resumed.connect(scheduler.system_resumed)
        self.sleep.resumed.connect(self.monitor.again)
        self.remote = Remote(self.backend, self.open, self)
        self.server = LocalServer(home.socket_address, self)
        self.server.request.connect(self.remote.answer)
        try:
            self.server.listen()
        except UserError as error:
            log.error("other programs can't reach this one: %s", error)
        self.backend.start()
        self._network_changed(self.network.network)
        self._power_changed(self.power.power)
        self.backend.request_runs()
        self._stale_timer = QTimer(self, interval=_STALE_CHECK_MS)
        self._stale_timer.timeout.connect(self._look_for_stale)
        self._stale_timer.start()
        self._pruning_timer = QTimer(self, interval=_PRUNING_MS)
        self._pruning_timer.timeout.connect(self._prune)
        self._pruning_timer.start()
        self._prune()
        self._care_timer = QTimer(self, interval=_CARE_MS)
        self._care_timer.timeout.connect(self._care)
        self._care_timer.start()
        if self._show_window_first:
            self.open()
        self._tell_of_store()

    # Windows

    @cached_property
    def theme(self) -> "Theme":
        """The looks, made when something is first to be seen: they take more time and memory than a start may."""
        from trayapp.ui.widgets.theme import Theme

        return Theme(self._application, self.backend.settings().general.theme)

    def _dress(self) -> None:
        self.theme  # noqa: B018  making it is what dresses

    @cached_property
    def window(self) -> "MainWindow":
        """The main window, made when it is first needed: the resident program shall be small."""
        from trayapp.ui.window.main_window import MainWindow

        self._dress()
        window = MainWindow(self.backend, self.workspace.home.window_state)
        window.add_requested.connect(self.add_endpoint)
        window.edit_requested.connect(self.edit_endpoint)
        window.settings_requested.connect(self.open_settings)
        window.hidden.connect(self.backend.come_to_rest)
        return window

    def open(self, id: str = "") -> None:
        """Show the window, at an endpoint if one is named."""
        self.window.show_endpoint(id)

    def open_settings(self) -> None:
        """Show the settings dialog."""
        self._dialog().show_page("endpoints")

    def add_endpoint(self) -> None:
        """Show the settings dialog with the editor for a new endpoint."""
        self._dialog().add_endpoint()

    def edit_endpoint(self, id: str) -> None:
        """Show the settings dialog with the editor for this endpoint."""
        self._dialog().edit_endpoint(id)

    def _dialog(self) -> "SettingsDialog":
        if self.settings_dialog is None:
            from trayapp.ui.settings.dialog import SettingsDialog

            self._dress()
            self.settings_dialog = SettingsDialog(self.backend)
        self.settings_dialog.show()
        self.settings_dialog.raise_()
        self.settings_dialog.activateWindow()
        return self.settings_dialog

    # What happens

    def _settings_changed(self, settings: Settings) -> None:
        if "theme" in self.__dict__:
            self.theme.choose(settings.general.theme)
        if self.workspace.home.given is None:
            # Programs of a folder of their own are started by hand; only the user's main one starts at login.
            self.backend.background.run(
                lambda: keep_autostart(self.workspace, settings.general.start_at_login), lambda _: None
            )
        self.backend.background.run(
            lambda: keep_background(self.workspace, settings.general.background), self._background_kept
        )

    def _background_kept(self, result: Problem | None) -> None:
        if result is not None:
            self.notifier.show(Notification(key="background", title=str(result.title), body=str(result.cause)))

    def _home_lost(self) -> None:
        """Another program may make a home of that name now, and must not find this one at work in it."""
        title = tr("TraySync ends, because its folder is gone")
        folder = self.workspace.home.data
        body = tr("{folder} was moved or deleted. Put it back and start TraySync again.", folder=folder)
        log.error("%s: %s", title, body)
        self.notifier.show(Notification(key="store", title=title, body=body, urgency="normal"))
        self.quit()

    def _network_changed(self, network: Network) -> None:
        self.backend.scheduler.update_conditions(**network_conditions(network))

    def _power_changed(self, power: Power) -> None:
        self.backend.scheduler.update_conditions(on_battery=power.on_battery, battery_percent=power.percent)

    def _first_snapshot(self, snapshot: Snapshot) -> None:
        """Problems from before this start were told then."""
        self.backend.snapshot_changed.disconnect(self._first_snapshot)
        for status in snapshot.endpoints:
            if status.problem is not None:
                self._notices.was_told(status.id, status.problem.title)

    def _tell(self, report: Report) -> None:
        self._tell_of_store()
        notice = self._notices.after(
            report, self.backend.settings().find(report.endpoint), self.backend.settings().general
        )
        if notice is not None:
            self.notifier.show(self._notification(notice))

    def _tell_of_store(self) -> None:
        """Say what had to be mended in the database since this was last asked."""
        told = self.workspace.take_notices()
        for each in told:
            log.error("%s", each.english())
        if told:
            body = str(paragraph(*told))
            self.notifier.show(
                Notification(key="store", title=tr("The database was damaged"), body=body, urgency="normal")
            )

    def _look_for_stale(self) -> None:
        statuses = self.backend.snapshot().endpoints
        self.backend.background.run(lambda: newly_stale(self.workspace, statuses), self._tell_stale)

    def _tell_stale(self, found: list[Stale] | Problem) -> None:
        settings = self.backend.settings()
        for stale in () if isinstance(found, Problem) else found:
            notice = stale_notice(stale, settings.find(stale.status.id), settings.general)
            if notice is not None:
                self.notifier.show(self._notification(notice))

    def _prune(self) -> None:
        self.backend.background.run(lambda: prune_history(self.workspace), lambda _: self.backend.request_runs())

    def _care(self) -> None:
        self.backend.background.run(lambda: take_care(self.workspace), lambda _: self._tell_of_store())

    def _notification(self, notice: Notice) -> Notification:
        actions = [Action("default", tr("Open")), Action("open", tr("Open"))]
        if notice.event in ("problem", "stale"):
            actions.append(Action("sync", tr("Sync again")))
        return Notification(
            key=notice.endpoint,
            title=notice.title,
            body=notice.body,
            urgency="normal" if notice.event in ("problem", "stale") else "low",
            actions=tuple(actions),
        )

    def _activated(self, key: str, action: str) -> None:
        if action == "sync":
            self.backend.sync_now((key,))
        else:
            self.open("" if key in ("store", "background") else key)

    def _balloon(self, notification: Notification) -> None:
        if self.tray.icon is not None:
            self._dress()
            # Who draws it, and whether that takes it for markup, is not known here.
            title, body = unmarked(notification.title), unmarked(notification.body)
            self.tray.icon.showMessage(title, body, QSystemTrayIcon.MessageIcon.Information)

    # The end

    def quit(self) -> None:
        """Stop what runs, within 5 s, and end."""
        if self._quitting:
            return
        self._quitting = True
        if "window" in self.__dict__:
            self.window.hide()
        self.backend.shutdown(lambda: QCoreApplication.exit(0))  # quit() would ask every dialog first

    def close(self) -> None:
        """Let go of what the event loop served."""
        self.server.close()
        self.monitor.close()
        self.notifier.close()
        self.signals.close()
