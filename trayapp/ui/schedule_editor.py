"""Chooses when an endpoint runs, and says the next run times in words."""

from datetime import datetime

import msgspec
from PySide6.QtCore import Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QLineEdit,
    QSpinBox,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from trayapp.endpoints.calendar import Days, Once
from trayapp.endpoints.model import Endpoint
from trayapp.endpoints.units import Duration, TimeOfDay
from trayapp.endpoints.validate import check_endpoint
from trayapp.errors import UserError
from trayapp.schedule.clock import Clock, SystemClock
from trayapp.schedule.due import upcoming
from trayapp.ui.field import sentence
from trayapp.ui.frequency import DEFAULT_EVERY, UNITS, Frequency, count_and_unit, times_words
from trayapp.ui.plain import Label

_EVERY, _AT, _ON, _ONCE, _CRON, _EVENTS, _MANUAL = range(7)
_NEXT_RUNS = 5
_SAMPLE = Endpoint(url="https://localhost/", id="sample")


class ScheduleEditor(QWidget):
    """Every N minutes, at times of day, on days, once, by a cron expression or manually; also at events."""

    changed = Signal()

    def __init__(self, clock: Clock | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._clock = clock or SystemClock()
        self._before = Frequency()
        self.kind = QComboBox()
        self.kind.setObjectName("scheduleKind")
        self.kind.setAccessibleName(self.tr("Kind of schedule"))
        self.kind.addItems(
            [
                self.tr("Every"),
                self.tr("At times of day"),
                self.tr("On days"),
                self.tr("Once"),
                self.tr("Cron expression"),
                self.tr("At no fixed time"),
                self.tr("Manually"),
            ]
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
        self.flex = QLineEdit()
        self.flex.setObjectName("scheduleFlex")
        self.flex.setAccessibleName(self.tr("Flex window"))
        self.flex.setPlaceholderText("15m")
        self.flex.setToolTip(self.tr("Empty: as soon as the interval is over."))
        self.days = QLineEdit()
        self.days.setObjectName("scheduleDays")
        self.days.setAccessibleName(self.tr("Days"))
        self.days.setPlaceholderText(self.tr("mon, thu – or 1, 15, last – or last fri – or 24 dec"))
        self.day_times = QLineEdit()
        self.day_times.setObjectName("scheduleDayTimes")
        self.day_times.setAccessibleName(self.tr("Times on these days"))
        self.day_times.setPlaceholderText("00:00")
        self.once = QLineEdit()
        self.once.setObjectName("scheduleOnce")
        self.once.setAccessibleName(self.tr("Moment"))
        self.once.setPlaceholderText(self.tr("2026-12-01T08:00, or in 10m"))
        self.at_start = QCheckBox(self.tr("Also when TraySync starts"))
        self.at_start.setObjectName("scheduleAtStart")
        self.watch = QLineEdit()
        self.watch.setObjectName("scheduleWatch")
        self.watch.setAccessibleName(self.tr("Watched file or folder"))
        self.watch.setPlaceholderText(self.tr("Also when this file or folder changes"))
        self.cron = QLineEdit()
        self.cron.setObjectName("scheduleCron")
        self.cron.setAccessibleName(self.tr("Cron expression"))
        self.cron.setPlaceholderText(self.tr("minute hour day month weekday, like 0 9 * * mon-fri"))
        self.next_runs = Label()
        self.next_runs.setObjectName("scheduleNextRuns")
        self.next_runs.setWordWrap(True)
        self.next_runs.setForegroundRole(QPalette.ColorRole.PlaceholderText)

        every = QWidget()
        row = QHBoxLayout(every)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.count)
        row.addWidget(self.unit)
        row.addStretch(1)
        self._flex_row = QWidget()
        row = QHBoxLayout(self._flex_row)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(Label(self.tr("at some moment in its last")))
        row.addWidget(self.flex, 1)
        on = QWidget()
        row = QHBoxLayout(on)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.days, 3)
        row.addWidget(self.day_times, 2)
        self._pages = QStackedWidget()
        for page in (every, self.at, on, self.once, self.cron, QWidget(), QWidget()):
            self._pages.addWidget(page)
        top = QHBoxLayout()
        top.addWidget(self.kind)
        top.addWidget(self._pages, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(top)
        layout.addWidget(self._flex_row)
        layout.addWidget(self.next_runs)
        layout.addWidget(self.at_start)
        layout.addWidget(self.watch)
        self.setFocusProxy(self.kind)

        self.set_frequency(Frequency())
        self.kind.currentIndexChanged.connect(self._pages.setCurrentIndex)
        for signal in (
            self.kind.currentIndexChanged,
            self.count.valueChanged,
            self.unit.currentIndexChanged,
            self.at.textChanged,
            self.cron.textChanged,
            self.flex.textChanged,
            self.days.textChanged,
            self.day_times.textChanged,
            self.once.textChanged,
            self.at_start.toggled,
            self.watch.textChanged,
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
        self.flex.setText(str(frequency.flex or ""))
        self.days.setText(", ".join(map(str, frequency.on)))
        self.day_times.setText(", ".join(map(str, frequency.at)) if frequency.on else "")
        self.once.setText(str(frequency.once or ""))
        self.at_start.setChecked(frequency.at_start)
        self.watch.setText(frequency.watch)
        self.kind.setCurrentIndex(_kind_of(frequency))
        self._pages.setCurrentIndex(self.kind.currentIndex())
        self._show_fields()
        self._show_next_runs()

    def frequency(self) -> Frequency:
        """The choice; ValueError says what is wrong with it."""
        if self.kind.currentIndex() == _MANUAL:
            return Frequency(manual=True)
        watch = self.watch.text().strip()
        chosen = msgspec.structs.replace(self._times_chosen(), at_start=self.at_start.isChecked(), watch=watch)
        if self.kind.currentIndex() == _EVENTS and not chosen.by_event and not self._before.other:
            raise ValueError(self.tr("Choose the start of TraySync, or a file, or times."))
        if self.kind.currentIndex() == _EVERY and chosen.interval is None:
            return msgspec.structs.replace(chosen, every=DEFAULT_EVERY)
        return chosen

    def _times_chosen(self) -> Frequency:
        kind = self.kind.currentIndex()
        if kind == _EVENTS:
            return Frequency(other=self._before.other)
        if kind == _CRON:
            if not self.cron.text().strip():
                raise ValueError(self.tr("Write a cron expression, like 0 9 * * mon-fri."))
            return Frequency(cron=self.cron.text().strip())
        if kind == _AT:
            return Frequency(at=self._times(self.at.text()))
        if kind == _ON:
            days = tuple(Days.parse(text) for text in self.days.text().split(",") if text.strip())
            if not days:
                raise ValueError(self.tr("Write one or more days, like mon, thu or 1, 15, last."))
            return Frequency(on=days, at=self._times(self.day_times.text()) if self.day_times.text().strip() else ())
        if kind == _ONCE:
            return Frequency(once=Once.parse(self.once.text()))
        flex = Duration.parse(self.flex.text()) if self.flex.text().strip() else None
        chosen = (self.count.value(), self.unit.currentData())
        before = self._before.interval
        if before is not None and count_and_unit(before) == chosen and (flex is None or self._before.every is not None):
            # Untouched: an interval that is not written in the settings stays unwritten.
            return Frequency(every=self._before.every, flex=flex)
        return Frequency(every=Duration.parse(f"{chosen[0]}{chosen[1]}"), flex=flex)

    def problem(self) -> str:
        """What is wrong with the choice in words, "" when nothing is."""
        try:
            endpoint = self.frequency().put_into(_SAMPLE)
        except ValueError as error:
            return sentence(str(error))
        return next((sentence(problem.message) for problem in check_endpoint(endpoint)), "")

    def _times(self, text: str) -> tuple[TimeOfDay, ...]:
        texts = [each for each in text.replace(";", ",").split(",") if each.strip()]
        if not texts:
            raise ValueError(self.tr("Write one or more times of day, like 08:00, 13:00."))
        return tuple(sorted({TimeOfDay.parse(each) for each in texts}))

    def _on_change(self) -> None:
        self._show_fields()
        self._show_next_runs()
        self.changed.emit()

    def _show_fields(self) -> None:
        self._flex_row.setVisible(self.kind.currentIndex() == _EVERY)
        for event in (self.at_start, self.watch):
            event.setVisible(self.kind.currentIndex() != _MANUAL)

    def _show_next_runs(self) -> None:
        now, zone = self._clock.now(), self._clock.zone()
        times: tuple[datetime, ...] = ()
        days: tuple[Days, ...] = ()
        try:
            frequency = self.frequency()
            days = frequency.on
            times = upcoming(frequency.put_into(_SAMPLE), now, zone, _NEXT_RUNS)
        except (ValueError, UserError):
            times = ()
        self.next_runs.setVisible(bool(times))
        note = self.tr("Months without such a day are skipped.") if any(day.may_lack for day in days) else ""
        text = self.tr("Next runs: {times}").format(times=times_words(times, now, zone))
        self.next_runs.setText(f"{text}. {note}" if note else text)


def _kind_of(frequency: Frequency) -> int:
    if frequency.manual:
        return _MANUAL
    if frequency.by_event:
        return _EVENTS
    if frequency.cron is not None:
        return _CRON
    if frequency.once is not None:
        return _ONCE
    if frequency.on:
        return _ON
    return _AT if frequency.at else _EVERY
