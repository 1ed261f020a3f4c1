"""The entries that pause and resume, for the tray and the window."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QWidget

from trayapp.messages import tr
from trayapp.schedule.engine.snapshot import Snapshot
from trayapp.ui.backend import Backend
from trayapp.ui.widgets.words import next_midnight, utc_now


class PauseMenu(QMenu):
    """Pause ▸ for 1 hour / until tomorrow / until I resume, and Resume while paused."""

    def __init__(
        self,
        backend: Backend,
        clock: Callable[[], datetime] = utc_now,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setTitle(tr("&Pause"))
        self.hour = self._entry("pauseHour", tr("For &1 hour"))
        self.tomorrow = self._entry("pauseTomorrow", tr("Until &tomorrow"))
        self.forever = self._entry("pauseForever", tr("Until &I resume"))
        self._line = self.addSeparator()
        self.resume = self._entry("resume", tr("&Resume"))
        self.hour.triggered.connect(lambda: backend.pause(clock() + timedelta(hours=1)))
        self.tomorrow.triggered.connect(lambda: backend.pause(next_midnight(clock()).astimezone(UTC)))
        self.forever.triggered.connect(lambda: backend.pause(None))
        self.resume.triggered.connect(backend.resume)
        self.show_snapshot(backend.snapshot())

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Offer Resume only while paused."""
        self._line.setVisible(snapshot.paused)
        self.resume.setVisible(snapshot.paused)

    def _entry(self, name: str, text: str) -> QAction:
        action = self.addAction(text)
        action.setObjectName(name)
        return action
