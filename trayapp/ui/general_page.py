"""The settings page of the whole program's choices."""

from collections.abc import Sequence

import msgspec
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QFormLayout, QSizePolicy, QSpinBox, QWidget

from trayapp.endpoints.model import General
from trayapp.endpoints.units import Duration
from trayapp.ui.field import Field

_DAY = 86400


class GeneralPage(QWidget):
    """Start at login, notifications, theme, history."""

    changed = Signal()

    def __init__(self, general: General, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._general = general
        self.login = QCheckBox(self.tr("&Start TraySync when I log in"))
        self.login.setObjectName("startAtLogin")
        self.background = QCheckBox(self.tr("Sync &also while TraySync is not running"))
        self.background.setObjectName("background")
        notifications = (
            ("all", self.tr("Every finished run")),
            ("changes", self.tr("Changes and problems")),
            ("problems", self.tr("Problems only")),
            ("none", self.tr("Nothing")),
        )
        self.notifications = _choices("notifications", notifications)
        themes = (("system", self.tr("As the system")), ("light", self.tr("Light")), ("dark", self.tr("Dark")))
        self.theme = _choices("theme", themes)
        metered = (
            ("auto", self.tr("As the system says")),
            ("yes", self.tr("Always metered")),
            ("no", self.tr("Never metered")),
        )
        self.metered = _choices("metered", metered)
        self.history = QSpinBox()
        self.history.setObjectName("keepHistory")
        self.history.setRange(1, 3650)
        self.history.setSuffix(self.tr(" days"))
        self.fields = (
            Field("general.start_at_login", "", self.login),
            Field(
                "general.background",
                "",
                self.background,
                self.tr("The system looks every few minutes for what is due, and runs it."),
            ),
            Field("general.notifications", self.tr("&Notify me of:"), self.notifications),
            Field(
                "general.metered",
                self.tr("Treat the net&work as:"),
                self.metered,
                self.tr("For endpoints that only run in unmetered networks."),
            ),
            Field("general.theme", self.tr("&Theme:"), self.theme),
            Field(
                "general.keep_history",
                self.tr("&Keep history for:"),
                self.history,
                self.tr("Runs and changes older than this are forgotten; the tables themselves stay."),
            ),
        )
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for editor in (self.login, self.notifications, self.metered, self.theme, self.history):
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
        )

    def _days(self) -> int:
        return min(3650, max(1, round(self._general.keep_history.seconds / _DAY)))


def _choices(name: str, choices: Sequence[tuple[str, str]]) -> QComboBox:
    box = QComboBox()
    box.setObjectName(name)
    for value, text in choices:
        box.addItem(text, value)
    return box
