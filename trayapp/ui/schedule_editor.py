"""Chooses when an endpoint runs, and says the next run times in words."""

from PySide6.QtCore import Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QLineEdit, QSpinBox, QStackedWidget, QVBoxLayout, QWidget

from trayapp.endpoints.model import Endpoint
from trayapp.endpoints.units import Duration, TimeOfDay
from trayapp.endpoints.validate import check_endpoint
from trayapp.errors import UserError
from trayapp.schedule.clock import Clock, SystemClock
from trayapp.schedule.due import upcoming
from trayapp.ui.field import sentence
from trayapp.ui.frequency import DEFAULT_EVERY, UNITS, Frequency, count_and_unit, times_words

_EVERY, _AT, _CRON, _MANUAL = range(4)
_NEXT_RUNS = 5
_SAMPLE = Endpoint(url="https://localhost/", id="sample")


class ScheduleEditor(QWidget):
    """Every N minutes, at times of day, by a cron expression, or manually."""

    changed = Signal()

    def __init__(self, clock: Clock | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._clock = clock or SystemClock()
        self._before = Frequency()
        self.kind = QComboBox()
        self.kind.setObjectName("scheduleKind")
        self.kind.setAccessibleName(self.tr("Kind of schedule"))
        self.kind.addItems(
            [self.tr("Every"), self.tr("At times of day"), self.tr("Cron expression"), self.tr("Manually")]
        )
        self.count = QSpinBox()
        self.count.setObjectName("scheduleCount")
        self.count.setAccessibleName(self.tr("Number"))
        self.count.setRange(1, 9999)
        self.unit = QComboBox()
        self.unit.setObjectName("scheduleUnit")
        self.unit.setAccessibleName(self.tr("Unit of time"))
        names = {"d": self.tr("days"), "h": self.tr("hours"), "m": self.tr("minutes"), "s": self.tr("seconds")}
        for unit, _size in reversed(UNITS):
            self.unit.addItem(names[unit], unit)
        self.at = QLineEdit()
        self.at.setObjectName("scheduleAt")
        self.at.setAccessibleName(self.tr("Times of day"))
        self.at.setPlaceholderText("08:00, 13:00")
        self.cron = QLineEdit()
        self.cron.setObjectName("scheduleCron")
        self.cron.setAccessibleName(self.tr("Cron expression"))
        self.cron.setPlaceholderText(self.tr("minute hour day month weekday, like 0 9 * * mon-fri"))
        self.next_runs = QLabel()
        self.next_runs.setObjectName("scheduleNextRuns")
        self.next_runs.setWordWrap(True)
        self.next_runs.setForegroundRole(QPalette.ColorRole.PlaceholderText)

        every = QWidget()
        row = QHBoxLayout(every)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.count)
        row.addWidget(self.unit)
        row.addStretch(1)
        self._pages = QStackedWidget()
        for page in (every, self.at, self.cron, QWidget()):
            self._pages.addWidget(page)
        top = QHBoxLayout()
        top.addWidget(self.kind)
        top.addWidget(self._pages, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(top)
        layout.addWidget(self.next_runs)
        self.setFocusProxy(self.kind)

        self.set_frequency(Frequency())
        self.kind.currentIndexChanged.connect(self._pages.setCurrentIndex)
        for signal in (
            self.kind.currentIndexChanged,
            self.count.valueChanged,
            self.unit.currentIndexChanged,
            self.at.textChanged,
            self.cron.textChanged,
        ):
            signal.connect(self._on_change)

    def set_frequency(self, frequency: Frequency) -> None:
        """Show this choice."""
        self._before = frequency
        count, unit = count_and_unit(frequency.interval or DEFAULT_EVERY)
        self.count.setValue(count)
        self.unit.setCurrentIndex(self.unit.findData(unit))
        self.at.setText(", ".join(str(time) for time in frequency.at))
        self.cron.setText(frequency.cron or "")
        if frequency.manual:
            self.kind.setCurrentIndex(_MANUAL)
        elif frequency.cron is not None:
            self.kind.setCurrentIndex(_CRON)
        else:
            self.kind.setCurrentIndex(_AT if frequency.at else _EVERY)
        self._pages.setCurrentIndex(self.kind.currentIndex())
        self._show_next_runs()

    def frequency(self) -> Frequency:
        """The choice; ValueError says what is wrong with it."""
        kind = self.kind.currentIndex()
        if kind == _MANUAL:
            return Frequency(manual=True)
        if kind == _CRON:
            if not self.cron.text().strip():
                raise ValueError(self.tr("Write a cron expression, like 0 9 * * mon-fri."))
            return Frequency(cron=self.cron.text().strip())
        if kind == _AT:
            return Frequency(at=self._times())
        chosen = (self.count.value(), self.unit.currentData())
        before = self._before.interval
        if before is not None and count_and_unit(before) == chosen:
            return self._before  # untouched: an interval that is not written in the settings stays unwritten
        return Frequency(every=Duration.parse(f"{chosen[0]}{chosen[1]}"))

    def problem(self) -> str:
        """What is wrong with the choice in words, "" when nothing is."""
        try:
            endpoint = self.frequency().put_into(_SAMPLE)
        except ValueError as error:
            return sentence(str(error))
        return next((sentence(problem.message) for problem in check_endpoint(endpoint)), "")

    def _times(self) -> tuple[TimeOfDay, ...]:
        texts = [text for text in self.at.text().replace(";", ",").split(",") if text.strip()]
        if not texts:
            raise ValueError(self.tr("Write one or more times of day, like 08:00, 13:00."))
        return tuple(sorted({TimeOfDay.parse(text) for text in texts}))

    def _on_change(self) -> None:
        self._show_next_runs()
        self.changed.emit()

    def _show_next_runs(self) -> None:
        now, zone = self._clock.now(), self._clock.zone()
        try:
            times = upcoming(self.frequency().put_into(_SAMPLE), now, zone, _NEXT_RUNS)
        except (ValueError, UserError):
            times = ()
        self.next_runs.setVisible(bool(times))
        self.next_runs.setText(self.tr("Next runs: {times}").format(times=times_words(times, now, zone)))
