"""The main window: endpoints, activity and data, with what everybody must know above them."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path

from PySide6.QtCore import QByteArray, QElapsedTimer, QEvent, QSettings, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QCloseEvent, QHideEvent, QKeySequence, QShowEvent
from PySide6.QtWidgets import (
    QApplication,
    QMainWindow,
    QMessageBox,
    QStackedWidget,
    QSystemTrayIcon,
    QTableView,
    QTabWidget,
    QToolBar,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from trayapp.errors import Problem
from trayapp.messages import tr
from trayapp.schedule.engine.snapshot import Snapshot
from trayapp.ui.activity.view import ActivityView
from trayapp.ui.backend import Backend
from trayapp.ui.data.view import DataView
from trayapp.ui.endpoints.view import EndpointsView
from trayapp.ui.tray.pause_menu import PauseMenu
from trayapp.ui.widgets import words
from trayapp.ui.widgets.banner import Banner
from trayapp.ui.widgets.icons import app_icon, line_icon
from trayapp.ui.widgets.plain import Label, message_box
from trayapp.ui.widgets.words import utc_now
from trayapp.ui.window.welcome import WelcomePage

_FIRST_SIZE = (980, 640)
_TOOL_ICON = 16
_TICK = 20_000
"""Milliseconds between two refreshes of "in 5 min" while the window is seen."""
_CLICK_TAKES = 300
"""Milliseconds: a click on the tray takes the focus off the window before the program hears of it."""


class MainWindow(QMainWindow):
    """Closing hides it where a tray can bring it back; elsewhere closing asks whether to quit."""

    add_requested = Signal()
    edit_requested = Signal(str)
    settings_requested = Signal()
    hidden = Signal()
    """Nobody sees the window any more."""

    def __init__(
        self,
        backend: Backend,
        state_file: Path,
        parent: QWidget | None = None,
        *,
        tray_available: Callable[[], bool] = QSystemTrayIcon.isSystemTrayAvailable,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("mainWindow")
        self.setWindowTitle(tr("TraySync"))
        self.setWindowIcon(app_icon())
        self._backend = backend
        self._state = QSettings(str(state_file), QSettings.Format.IniFormat)
        self._tray_available = tray_available
        self._clock = clock
        self._demo_ticket = 0
        self._snapshot = backend.snapshot()
        self._since_active = QElapsedTimer()

        self.pause_banner = Banner("pauseBanner")
        self.offline_banner = Banner("offlineBanner")
        self.settings_banner = Banner("settingsProblemBanner")
        self.demo_banner = Banner("demoBanner")
        self.endpoints = EndpointsView(backend, clock)
        self.activity = ActivityView(backend, clock)
        self.data = DataView(backend, self.endpoints.model)
        self.tabs = QTabWidget()
        self.tabs.setObjectName("tabs")
        self.tabs.setDocumentMode(True)
        for name, page, title in (
            ("endpointsPage", self.endpoints, tr("Endpoints")),
            ("activityPage", self.activity, tr("Activity")),
            ("dataPage", self.data, tr("Data")),
        ):
            page.setObjectName(name)
            self.tabs.addTab(page, title)
        self.welcome = WelcomePage()
        self.pages = QStackedWidget()
        self.pages.addWidget(self.welcome)
        self.pages.addWidget(self.tabs)
        self._line = Label()
        self._line.setObjectName("statusLine")
        self._line.setContentsMargins(8, 0, 0, 2)
        self.statusBar().addWidget(self._line, 1)
        self._build_actions()
        self._build_tool_bar()
        middle = QWidget()
        layout = QVBoxLayout(middle)
        layout.setContentsMargins(8, 4, 8, 0)
        layout.setSpacing(6)
        for banner in (self.settings_banner, self.pause_banner, self.offline_banner, self.demo_banner):
            layout.addWidget(banner)
        layout.addWidget(self.pages, 1)
        self.setCentralWidget(middle)
        self._tick = QTimer(self)
        self._tick.setInterval(_TICK)
        self._tick.timeout.connect(self._on_tick)

        self.welcome.add_requested.connect(self.add_requested)
        self.welcome.demo_requested.connect(self._try_demo)
        self.endpoints.edit_requested.connect(self.edit_requested)
        self.endpoints.data_requested.connect(self.show_data)
        self.activity.endpoint_requested.connect(self.show_endpoint)
        backend.snapshot_changed.connect(self._show_snapshot)
        backend.saved.connect(self._on_saved)
        self._restore()
        self._show_snapshot(self._snapshot)

    def show_endpoint(self, id: str) -> None:
        """Choose this endpoint in the list ("" leaves the choice) and bring the window up."""
        if id:
            self.tabs.setCurrentWidget(self.endpoints)
            self.endpoints.choose(id)
        self.raise_to_front()

    def show_data(self, id: str) -> None:
        """Show the rows of this endpoint's table."""
        self.tabs.setCurrentWidget(self.data)
        self.data.show_endpoint(id)

    def raise_to_front(self) -> None:
        """Show the window above the others, as it was before it was hidden or minimised."""
        self.setWindowState(self.windowState() & ~Qt.WindowState.WindowMinimized)
        self.show()
        self.raise_()
        self.activateWindow()

    def toggle(self) -> None:
        """What a click on the tray does: hide the window when the user looks at it, else bring it up."""
        lately = self._since_active.isValid() and self._since_active.elapsed() < _CLICK_TAKES
        if self.isVisible() and not self.isMinimized() and (self.isActiveWindow() or lately):
            self.hide()
        else:
            self.raise_to_front()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Hide, or ask."""
        self._remember()
        application = QApplication.instance()
        # The session's end is no wish to hide.
        if isinstance(application, QApplication) and application.isSavingSession():
            event.accept()
        elif self._tray_available():
            event.ignore()
            self.hide()
        else:
            event.ignore()
            self._ask_to_quit()

    def showEvent(self, event: QShowEvent) -> None:
        """Say the present time, and keep saying it."""
        super().showEvent(event)
        self._on_tick()
        self._tick.start()

    def hideEvent(self, event: QHideEvent) -> None:
        """A hidden window costs nothing."""
        super().hideEvent(event)
        self._remember()
        self._tick.stop()
        self.hidden.emit()

    def changeEvent(self, event: QEvent) -> None:
        """Follow a change between light and dark; note when the window was last looked at."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._dress()
        elif event.type() == QEvent.Type.ActivationChange and not self.isActiveWindow():
            self._since_active.start()

    def _build_actions(self) -> None:
        self.add_action = self._action("addEndpoint", tr("&Add endpoint…"), "Ctrl+N", self.add_requested.emit)
        self.sync_action = self._action("syncEverything", tr("Sync &all"), "Ctrl+R", self._backend.sync_now)
        self.settings_action = self._action("openSettings", tr("Se&ttings…"), "Ctrl+,", self.settings_requested.emit)
        self.quit_action = self._action("quitProgram", tr("&Quit"), "Ctrl+Q", self._backend.quit)
        self._action("closeWindow", tr("Close"), "Ctrl+W", self.close)
        self._action("findText", tr("Filter"), "Ctrl+F", self._find)
        for place in range(self.tabs.count()):
            show = partial(self.tabs.setCurrentIndex, place)
            self._action(f"showTab{place + 1}", self.tabs.tabText(place), f"Ctrl+{place + 1}", show)

    def _build_tool_bar(self) -> None:
        bar = QToolBar(tr("Tools"))
        bar.setObjectName("toolBar")
        bar.setMovable(False)
        bar.setStyleSheet("QToolBar { border: none; spacing: 4px; padding: 4px 8px 0 8px; }")
        bar.setIconSize(QSize(_TOOL_ICON, _TOOL_ICON))
        bar.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        bar.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        self.pause_menu = PauseMenu(self._backend, self._clock, self)
        self.pause_button = QToolButton()
        self.pause_button.setObjectName("pauseButton")
        self.pause_button.setText(f"{tr('Pause')} ▾")
        self.pause_button.setStyleSheet("QToolButton::menu-indicator { image: none; }")
        self.pause_button.setAccessibleName(tr("Pause"))
        self.pause_button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.pause_button.setMenu(self.pause_menu)
        self.pause_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.pause_button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        bar.addAction(self.sync_action)
        bar.addWidget(self.pause_button)
        bar.addSeparator()
        bar.addAction(self.add_action)
        bar.addAction(self.settings_action)
        for action in (self.sync_action, self.add_action, self.settings_action):
            button = bar.widgetForAction(action)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.setAccessibleName(action.text().replace("&", ""))
            button.setObjectName(f"{action.objectName()}Button")
        self.addToolBar(bar)
        self._dress()

    def _action(self, name: str, text: str, shortcut: str, act: Callable[[], object]) -> QAction:
        action = QAction(text, self)
        action.setObjectName(name)
        action.setShortcut(QKeySequence(shortcut))
        action.setToolTip(
            f"{text.replace('&', '')} ({action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)})"
        )
        action.triggered.connect(lambda _checked=False: act())
        self.addAction(action)
        return action

    def _show_snapshot(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        begun = bool(snapshot.endpoints or self._backend.settings().endpoint)
        self.pages.setCurrentWidget(self.tabs if begun else self.welcome)
        self.sync_action.setEnabled(any(status.enabled for status in snapshot.endpoints))
        self.pause_menu.show_snapshot(snapshot)
        self._show_line()
        self._show_banners(snapshot)

    def _show_line(self) -> None:
        self._line.setText(words.tooltip(self._snapshot, self._clock()))

    def _show_banners(self, snapshot: Snapshot) -> None:
        if snapshot.paused:
            title = words.paused_words(snapshot, self._clock())
            if self.pause_banner.title != title:
                self.pause_banner.say(
                    title,
                    tr("Nothing runs on schedule until then; Sync now still works."),
                    (("resumeButton", tr("&Resume"), self._backend.resume),),
                )
        else:
            self.pause_banner.clear()
        if snapshot.online:
            self.offline_banner.clear()
        elif not self.offline_banner.title:
            self.offline_banner.say(tr("There is no network"), tr("Endpoints that are due run as soon as it is back."))
        if snapshot.settings_problem is None:
            self.settings_banner.clear()
        elif self.settings_banner.title != str(snapshot.settings_problem.title):
            self.settings_banner.fail(snapshot.settings_problem)

    def _on_tick(self) -> None:
        self.endpoints.tick()
        self.activity.tick()
        self._show_line()

    def _find(self) -> None:
        page = self.tabs.currentWidget()
        if page is self.activity:
            self.activity.filter.setFocus()
        else:
            self.tabs.setCurrentWidget(self.endpoints)
            self.endpoints.filter.setFocus()

    def _try_demo(self) -> None:
        self.welcome.demo.setEnabled(False)
        self.demo_banner.clear()
        self._demo_ticket = self._backend.add_demo()

    def _on_saved(self, ticket: int, problem: Problem | None) -> None:
        if ticket == self._demo_ticket:
            self.welcome.demo.setEnabled(True)
            if problem is not None:
                self.demo_banner.fail(problem)

    def _ask_to_quit(self) -> None:
        box = message_box(
            QMessageBox.Icon.Question,
            tr("Quit TraySync?"),
            tr("This desktop has no tray to keep TraySync in. Nothing is synced while it is closed."),
            "",
            QMessageBox.StandardButton.Cancel,
            self,
        )
        box.setObjectName("askQuit")
        quit_button = box.addButton(tr("&Quit"), QMessageBox.ButtonRole.AcceptRole)
        quit_button.setObjectName("confirmQuit")
        minimise = box.addButton(tr("&Minimise"), QMessageBox.ButtonRole.ActionRole)
        minimise.setObjectName("minimise")
        box.setDefaultButton(QMessageBox.StandardButton.Cancel)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        quit_button.clicked.connect(self._backend.quit)
        minimise.clicked.connect(self.showMinimized)
        box.open()

    def _restore(self) -> None:
        if not self.restoreGeometry(self._stored("geometry")):
            self.resize(*_FIRST_SIZE)
        for place in range(self.tabs.count()):
            if self._state.value("window/tab") == self._tab_name(place):
                self.tabs.setCurrentIndex(place)
        for name, table in self._tables().items():
            table.horizontalHeader().restoreState(self._stored(name))

    def _stored(self, name: str) -> QByteArray:
        """Empty when there is none, or somebody put something else there."""
        value = self._state.value(f"window/{name}")
        return value if isinstance(value, QByteArray) else QByteArray()

    def _remember(self) -> None:
        self._state.setValue("window/geometry", self.saveGeometry())
        self._state.setValue("window/tab", self._tab_name(self.tabs.currentIndex()))
        for name, table in self._tables().items():
            self._state.setValue(f"window/{name}", table.horizontalHeader().saveState())

    def _tab_name(self, place: int) -> str:
        page = self.tabs.widget(place)
        return page.objectName() if page is not None else ""

    def _tables(self) -> dict[str, QTableView]:
        return {"endpoints": self.endpoints.table, "activity": self.activity.table}

    def _dress(self) -> None:
        icons = {self.add_action: "add", self.sync_action: "sync", self.settings_action: "settings"}
        for action, name in icons.items():
            action.setIcon(line_icon(name, self.palette()))
        self.pause_button.setIcon(line_icon("pause", self.palette()))
