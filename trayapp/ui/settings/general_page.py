"""The settings page of the whole program's choices."""

import msgspec
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QFormLayout, QPushButton, QSizePolicy, QSpinBox, QWidget

from trayapp.endpoints.model import General, Obstacle
from trayapp.endpoints.units import Duration
from trayapp.messages import tr
from trayapp.ui.widgets.field import Field, choice

_DAY = 86400


class GeneralPage(QWidget):
    """Start at login, notifications, theme, history."""

    changed = Signal()

    def __init__(self, general: General, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._general = general
        self.login = QCheckBox(tr("&Start TraySync when I log in"))
        self.login.setObjectName("startAtLogin")
        self.background = QCheckBox(tr("Sync &also while TraySync is not running"))
        self.background.setObjectName("background")
        self.notifications = choice(
            "notifications",
            ("all", tr("Every finished run")),
            ("changes", tr("Changes and problems")),
            ("problems", tr("Problems only")),
            ("none", tr("Nothing")),
        )
        themes = (("system", tr("As the system")), ("light", tr("Light")), ("dark", tr("Dark")))
        self.theme = choice("theme", *themes)
        self.metered = choice(
            "metered",
            ("auto", tr("As the system says")),
            ("yes", tr("Always metered")),
            ("no", tr("Never metered")),
        )
        self.history = QSpinBox()
        self.history.setObjectName("keepHistory")
        self.history.setRange(1, 3650)
        self.history.setSuffix(tr(" days"))
        self.runs = QSpinBox()
        self.runs.setObjectName("keepRuns")
        self.runs.setRange(10, 1_000_000)
        self.runs.setGroupSeparatorShown(True)
        self.runs.setSuffix(tr(" runs"))
        self.ask_again = QPushButton(tr("Ask about &everything again"))
        self.ask_again.setObjectName("askAgain")
        self.ask_again.setAutoDefault(False)
        self.asking = Field("general.sync_anyway", tr("Sync now:"), self.ask_again)
        self.fields = (
            Field("general.start_at_login", "", self.login),
            Field(
                "general.background",
                "",
                self.background,
                tr("The system looks every few minutes for what is due, and runs it."),
            ),
            Field("general.notifications", tr("&Notify me of:"), self.notifications),
            Field(
                "general.metered",
                tr("Treat the net&work as:"),
                self.metered,
                tr("For endpoints that only run in unmetered networks."),
            ),
            Field("general.theme", tr("&Theme:"), self.theme),
            Field(
                "general.keep_history",
                tr("&Keep history for:"),
                self.history,
                tr("Runs and changes older than this are forgotten; the tables themselves stay."),
            ),
            Field(
                "general.keep_runs",
                tr("Keep at most:"),
                self.runs,
                tr("Per endpoint. Runs that changed something are kept longer."),
            ),
            self.asking,
        )
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for editor in (
            self.login,
            self.notifications,
            self.metered,
            self.theme,
            self.history,
            self.runs,
            self.ask_again,
        ):
            editor.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
        form.setVerticalSpacing(12)
        for field in self.fields:
            field.add_to(form)
        self.set_general(general)
        self.login.toggled.connect(self.changed)
        self.background.toggled.connect(self.changed)
        self.notifications.currentIndexChanged.connect(self.changed)
        self.metered.currentIndexChanged.connect(self.changed)
        self.theme.currentIndexChanged.connect(self.changed)
        self.history.valueChanged.connect(self.changed)
        self.runs.valueChanged.connect(self.changed)
        self.ask_again.clicked.connect(self._ask_again)

    def set_general(self, general: General) -> None:
        """Show these choices."""
        self._general = general
        self.blockSignals(True)
        self.login.setChecked(general.start_at_login)
        self.background.setChecked(general.background)
        self.notifications.setCurrentIndex(self.notifications.findData(general.notifications))
        self.metered.setCurrentIndex(self.metered.findData(general.metered))
        self.theme.setCurrentIndex(self.theme.findData(general.theme))
        self.history.setValue(self._days())
        self.runs.setValue(general.keep_runs)
        self._shown_runs = self.runs.value()
        self._show_asking(general.sync_anyway)
        self.blockSignals(False)

    def general(self) -> General:
        """What the fields say."""
        history = self._general.keep_history
        if self.history.value() != self._days():
            history = Duration(self.history.value() * _DAY)
        return msgspec.structs.replace(
            self._general,
            start_at_login=self.login.isChecked(),
            background=self.background.isChecked(),
            notifications=self.notifications.currentData(),
            metered=self.metered.currentData(),
            theme=self.theme.currentData(),
            keep_history=history,
            keep_runs=self._general.keep_runs if self.runs.value() == self._shown_runs else self.runs.value(),
            sync_anyway=self._sync_anyway,
        )

    def _ask_again(self) -> None:
        self._show_asking(())
        self.changed.emit()

    def _show_asking(self, sync_anyway: tuple[Obstacle, ...]) -> None:
        self._sync_anyway = sync_anyway
        words = {
            "metered": tr("metered networks"),
            "wifi": tr("Wi-Fi networks"),
            "power": tr("the battery"),
            "hours": tr("times of day"),
            "program": tr("running programs"),
            "fullscreen": tr("full-screen windows"),
        }
        kinds = ", ".join(words[kind] for kind in sync_anyway)
        self.ask_again.setEnabled(bool(kinds))
        self.asking.set_hint(
            tr("Starts endpoints without asking, in spite of: {kinds}.", kinds=kinds)
            if kinds
            else tr("Asks before it starts an endpoint that waits for a better moment.")
        )

    def _days(self) -> int:
        return min(3650, max(1, round(self._general.keep_history.seconds / _DAY)))
