"""The chosen endpoint in full: what it did, what is wrong with it, how far it is, and what can be done."""

from collections.abc import Callable
from datetime import datetime

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QFrame, QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from trayapp.errors import Problem
from trayapp.messages import foreign, tr
from trayapp.schedule.engine.snapshot import EndpointStatus
from trayapp.ui.backend import Backend
from trayapp.ui.widgets import words
from trayapp.ui.widgets.banner import Banner
from trayapp.ui.widgets.icons import line_icon
from trayapp.ui.widgets.plain import Label
from trayapp.ui.widgets.words import utc_now
from trayapp.visible import elided

_BAR_HEIGHT = 10
_LONGEST_NAME = 150


class EndpointPanel(QFrame):
    """Below the list; hidden while nothing is chosen."""

    edit_requested = Signal(str)
    data_requested = Signal(str)

    def __init__(
        self, backend: Backend, clock: Callable[[], datetime] = utc_now, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("endpointPanel")
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self._clock = clock
        self._status: EndpointStatus | None = None
        self._name = Label()
        self._name.setObjectName("panelName")
        font = self._name.font()
        font.setBold(True)
        font.setPointSizeF(font.pointSizeF() * 1.15)
        self._name.setFont(font)
        self._facts = Label()
        self._facts.setObjectName("panelFacts")
        self._facts.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self._sentence = Label()
        self._sentence.setObjectName("panelSentence")
        for label in (self._name, self._facts, self._sentence):
            label.setWordWrap(True)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.banner = Banner("endpointBanner")
        self.progress = QProgressBar()
        self.progress.setObjectName("panelProgress")
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(_BAR_HEIGHT)
        self.progress.setAccessibleName(tr("Progress of the run"))
        self.sync = self._button("panelSync", tr("&Sync now"))
        self.stop = self._button("panelStop", tr("S&top"))
        self.edit = self._button("panelEdit", tr("&Edit…"))
        self.data = self._button("panelData", tr("Open &data"))
        buttons = QHBoxLayout()
        for button in (self.sync, self.stop, self.data, self.edit):
            buttons.addWidget(button)
        head = QHBoxLayout()
        head.addWidget(self._name, 1)
        head.addLayout(buttons)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 10, 12, 10)
        layout.setSpacing(6)
        layout.addLayout(head)
        layout.addWidget(self._sentence)
        layout.addWidget(self._facts)
        layout.addWidget(self.progress)
        layout.addWidget(self.banner)
        self.sync.clicked.connect(lambda: self._with_id(lambda id: backend.sync_now((id,))))
        self.stop.clicked.connect(lambda: self._with_id(backend.stop))
        self.edit.clicked.connect(lambda: self._with_id(self.edit_requested.emit))
        self.data.clicked.connect(lambda: self._with_id(self.data_requested.emit))
        self._backend = backend
        self._dress()
        self.show_status(None)

    def show_status(self, status: EndpointStatus | None) -> None:
        """Show this endpoint as it is now; None hides the panel."""
        before, self._status = self._status, status
        self.setVisible(status is not None)
        if status is None:
            return
        running = status.state == "running"
        self._name.setText(elided(status.name, _LONGEST_NAME))
        self._sentence.setText(words.endpoint_line(status) if running else words.last_words(status))
        # The banner below says it in full.
        self._sentence.setVisible(status.state not in ("failing", "held"))
        self._facts.setText(self._facts_of(status))
        self.sync.setVisible(not running)
        self.sync.setEnabled(status.enabled)
        self.stop.setVisible(running)
        self.data.setEnabled(status.last_success is not None or bool(status.rows))
        self._show_progress(status)
        if before is None or _told(before) != _told(status):
            self._tell(status)

    def tick(self) -> None:
        """Time has passed."""
        if self._status is not None:
            self._facts.setText(self._facts_of(self._status))

    def changeEvent(self, event: QEvent) -> None:
        """Follow a change between light and dark."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._dress()

    def _facts_of(self, status: EndpointStatus) -> str:
        now = self._clock()
        facts = [tr("Table {name}", name=elided(status.table, _LONGEST_NAME))]
        if status.rows is not None:
            facts.append(tr("{count} rows", count=words.number(status.rows)))
        if status.last_success is not None:
            facts.append(tr("last success {time}", time=words.moment(status.last_success, now)))
        if status.state == "failing" and status.attempts and status.next_due is not None and status.next_due > now:
            facts.append(tr("retrying at {time}", time=words.moment(status.next_due, now)))
        elif status.state != "running":
            facts.append(tr("next run: {time}", time=words.next_words(status, now)))
        if status.blocked_by and status.state == "blocked":
            facts.append(tr("waits for: {reason}", reason=status.blocked_by))
        if status.state == "failing" and status.attempts > 1:
            facts.append(tr("{count} attempts", count=status.attempts))
        if status.evidence == "unproven":
            facts.append(tr("the list may be incomplete"))
        if status.tags:
            facts.append(tr("tags: {tags}", tags=", ".join(status.tags)))
        return " · ".join(facts)

    def _show_progress(self, status: EndpointStatus) -> None:
        self.progress.setVisible(status.state == "running")
        progress = status.progress
        if progress is not None and progress.total:
            self.progress.setRange(0, 1000)
            self.progress.setValue(min(1000, 1000 * progress.records // progress.total))
        else:
            self.progress.setRange(0, 0)

    def _tell(self, status: EndpointStatus) -> None:
        if status.state == "failing":
            problem = status.problem or Problem(foreign(words.last_words(status)))
            self.banner.fail(problem, self._remedy(problem))
        elif status.state == "held":
            self.banner.warn(
                words.held_words(status.held),
                tr("The records are gone from the server. Delete them here too, or keep them?"),
                (
                    (
                        "heldApply",
                        tr("&Apply deletions"),
                        lambda: self._resolve(True),
                    ),
                    (
                        "heldKeep",
                        tr("&Keep the records"),
                        lambda: self._resolve(False),
                    ),
                ),
            )
        else:
            self.banner.clear()

    def _remedy(self, problem: Problem) -> tuple[tuple[str, str, Callable[[], object]], ...]:
        """The button that does something about the problem, if one does."""
        edit, sync = (lambda: self._with_id(self.edit_requested.emit)), self.sync.click
        match problem.action:
            case "enter_secret":
                return (("problemAction", tr("Enter the &secret…"), edit),)
            case "sign_in":
                return (("problemAction", tr("Sign &in…"), edit),)
            case "allow_secret":
                return (("problemAction", tr("&Allow the secret…"), edit),)
            case "edit_field":
                return (("problemAction", tr("&Change the setting…"), edit),)
            case "edit_settings_file":
                return (("problemAction", tr("&Open the settings file"), self._backend.open_settings_file),)
            case "open_data_folder":
                return (("problemAction", tr("&Open the data folder"), self._backend.open_data_folder),)
            case "retry":
                return (("problemAction", tr("&Retry now"), sync),)
            case _:
                return ()

    def _resolve(self, apply: bool) -> None:
        self._with_id(lambda id: self._backend.resolve_held(id, apply))

    def _with_id(self, act: Callable[[str], object]) -> None:
        if self._status is not None:
            act(self._status.id)

    def _button(self, name: str, text: str) -> QPushButton:
        button = QPushButton(text)
        button.setObjectName(name)
        button.setAutoDefault(False)
        return button

    def _dress(self) -> None:
        icons = {self.sync: "sync", self.stop: "stop", self.edit: "edit", self.data: "data"}
        for button, icon in icons.items():
            button.setIcon(line_icon(icon, self.palette()))
        # The colour of selections, which bars are filled with otherwise, is too pale for them.
        palette = QPalette(self.palette())
        palette.setColor(QPalette.ColorRole.Highlight, palette.color(QPalette.ColorRole.Accent))
        self.progress.setPalette(palette)


def _told(status: EndpointStatus) -> tuple[object, ...]:
    """What the banner depends on."""
    return status.id, status.state, status.held, status.problem
