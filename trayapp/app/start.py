"""The tray program from its first moment to its last. Little is imported here: the icon is to be there at once."""

import logging

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QApplication, QSystemTrayIcon

from trayapp import __version__
from trayapp.desktop.process.crash import CrashWatch
from trayapp.desktop.process.instance import Lock
from trayapp.desktop.process.logs import Scrubber, start_logging
from trayapp.desktop.process.paths import Home
from trayapp.errors import UserError
from trayapp.ui.widgets.icons import app_icon, tray_icon

log = logging.getLogger(__name__)


def run(home: Home, lock: Lock, background: bool) -> int:
    """`trayapp.app.main`, with the imports that it has prepared for."""
    scrubber = start_logging(home.log_file)
    crash_watch = CrashWatch(home.crash_file)
    if crash_watch.previous:
        log.error("the program crashed last time:\n%s", crash_watch.previous)
    application = QApplication(["traysync"])
    application.setApplicationName("TraySync")
    application.setApplicationVersion(__version__)
    application.setDesktopFileName("traysync")
    application.setQuitOnLastWindowClosed(False)
    start = _Start(application, home, scrubber, background)
    status = application.exec()
    start.close()
    lock.release()
    crash_watch.close()
    if start.failure is not None:
        raise start.failure
    return status


class _Start(QObject):
    """Shows the icon, and has the rest imported and opened when the event loop runs."""

    def __init__(self, application: QApplication, home: Home, scrubber: Scrubber, background: bool) -> None:
        super().__init__(application)
        self.failure: BaseException | None = None
        self._application = application
        self._home = home
        self._scrubber = scrubber
        self._background = background
        # Not before there is a tray: which protocol an icon speaks is decided when it is made.
        self._icon = QSystemTrayIcon(tray_icon("idle"), self) if QSystemTrayIcon.isSystemTrayAvailable() else None
        if self._icon is not None:
            self._icon.show()
        QTimer.singleShot(0, self._load)

    def _load(self) -> None:
        try:
            self._compose()
        except UserError as error:
            log.error("the database can't be opened: %s", error)
            from PySide6.QtWidgets import QMessageBox

            from trayapp.ui.widgets.plain import message_box

            detail = f"{error.cause}\n\n{error.next}"
            message_box(
                QMessageBox.Icon.Critical, "TraySync", error.title, detail, QMessageBox.StandardButton.Ok
            ).exec()
            self._application.exit(1)
        except BaseException as error:  # noqa: BLE001  it is raised again when the event loop has ended
            self.failure = error
            self._application.exit(1)

    def _compose(self) -> None:
        from trayapp.app.program import Program
        from trayapp.operations.workspace import Workspace

        self._application.setWindowIcon(app_icon())
        self._workspace = Workspace(self._home, heard_secret=self._scrubber.register)
        self._workspace.store  # noqa: B018  opening it is what may fail
        self._program = Program(self._application, self._workspace, self._background, self._icon)

    def close(self) -> None:
        """Let go of everything, when the event loop has ended."""
        if hasattr(self, "_program"):
            self._program.close()
        if hasattr(self, "_workspace"):
            self._workspace.close()
