"""Chooses when an endpoint runs, and says the next run times in words."""

from contextlib import suppress
from datetime import datetime
from typing import assert_never

import msgspec
from PySide6.QtCore import Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QSpinBox,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from trayapp.endpoints.calendar import Days, Once
from trayapp.endpoints.check_schedule import schedule_problems
from trayapp.endpoints.model import Endpoint
from trayapp.endpoints.schedule import Cron, EventsOnly, Every, Manual, Schedule, TimesOfDay, schedule_of, with_schedule
from trayapp.endpoints.units import Duration, TimeOfDay
from trayapp.errors import UserError
from trayapp.messages import tr
from trayapp.schedule.times.clock import Clock, SystemClock
from trayapp.schedule.times.due import upcoming
from trayapp.ui.editor.frequency import UNITS, count_and_unit, times_words
from trayapp.ui.widgets.field import line, sentence
from trayapp.ui.widgets.plain import Label

_EVERY, _AT, _ON, _ONCE, _CRON, _EVENTS, _MANUAL = range(7)
_NEXT_RUNS = 5


class ScheduleEditor(QWidget):
    """Every N minutes, at times of day, on days, once, by a cron expression or manually; also at events."""

    changed = Signal()

    def __init__(self, clock: Clock | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._clock = clock or SystemClock()
        self._before = Endpoint(url="")
        self.kind = QComboBox()
        self.kind.setObjectName("scheduleKind")
        self.kind.setAccessibleName(tr("Kind of schedule"))
        self.kind.addItems(
            [
                tr("Every"),
                tr("At times of day"),
                tr("On days"),
                tr("Once"),
                tr("Cron expression"),
                tr("At no fixed time"),
                tr("Manually"),
            ]
        )
        self.count = QSpinBox()
        self.count.setObjectName("scheduleCount")
        self.count.setAccessibleName(tr("Number"))
        self.count.setRange(1, 9999)
        self.unit = QComboBox()
        self.unit.setObjectName("scheduleUnit")
        self.unit.setAccessibleName(tr("Unit of time"))
        names = {"d": tr("days"), "h": tr("hours"), "m": tr("minutes"), "s": tr("seconds")}
        for unit, _size in reversed(UNITS):
            self.unit.addItem(names[unit], unit)
        self.at = line("scheduleAt", "08:00, 13:00", tr("Times of day"))
        self.flex = line("scheduleFlex", "15m", tr("Flex window"))
        self.flex.setToolTip(tr("Empty: as soon as the interval is over."))
        examples = tr("mon, thu – or 1, 15, last – or last fri – or 24 dec")
        self.days = line("scheduleDays", examples, tr("Days"))
        self.day_times = line("scheduleDayTimes", "00:00", tr("Times on these days"))
        self.once = line("scheduleOnce", tr("2026-12-01T08:00, or in 10m"), tr("Moment"))
        fields = tr("minute hour day month weekday, like 0 9 * * mon-fri")
        self.cron = line("scheduleCron", fields, tr("Cron expression"))
        self._texts = (self.at, self.flex, self.days, self.day_times, self.once, self.cron)
        self.at_start = QCheckBox(tr("Also when TraySync starts"))
        self.at_start.setObjectName("scheduleAtStart")
        also = tr("Also when this file or folder changes")
        self.watch = line("scheduleWatch", also, tr("Watched file or folder"))
        self.next_runs = Label()
        self.next_runs.setObjectName("scheduleNextRuns")
        self.next_runs.setWordWrap(True)
        self.next_runs.setForegroundRole(QPalette.ColorRole.PlaceholderText)

        every = _row((self.count, 0), (self.unit, 0), (QWidget(), 1))
        self._flex_row = _row((Label(tr("at some moment in its last")), 0), (self.flex, 1))
        on = _row((self.days, 3), (self.day_times, 2))
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

        self.set_endpoint(self._before)
        self.kind.currentIndexChanged.connect(self._pages.setCurrentIndex)
        for signal in (
            self.kind.currentIndexChanged,
            self.count.valueChanged,
            self.unit.currentIndexChanged,
            *(edit.textChanged for edit in self._texts),
            self.at_start.toggled,
            self.watch.textChanged,
        ):
            signal.connect(self._on_change)

    def set_endpoint(self, endpoint: Endpoint) -> None:
        """Show when this endpoint runs."""
        self._before = endpoint
        for edit in self._texts:
            edit.clear()
        schedule, interval = schedule_of(endpoint), Every().interval
        match schedule:
            case Every(interval, flex):
                kind = _EVERY
                self.flex.setText(str(flex or ""))
            case TimesOfDay(at, on):
                kind = _ON if on else _AT
                self.at.setText(", ".join(map(str, at)))
                self.days.setText(", ".join(map(str, on)))
                self.day_times.setText(self.at.text() if on else "")
            case Once():
                kind = _ONCE
                self.once.setText(str(schedule))
            case Cron(expression):
                kind = _CRON
                self.cron.setText(expression)
            case EventsOnly():
                kind = _EVENTS
            case Manual():
                kind = _MANUAL
            case _:
                assert_never(schedule)
        count, unit = count_and_unit(interval)
        self.count.setValue(count)
        self.unit.setCurrentIndex(self.unit.findData(unit))
        self.at_start.setChecked(endpoint.at_start)
        self.watch.setText(endpoint.watch)
        self.kind.setCurrentIndex(kind)
        self._pages.setCurrentIndex(kind)
        self._show_fields()
        self._show_next_runs()

    def put_into(self, endpoint: Endpoint) -> Endpoint:
        """The endpoint with the choice instead of its own; ValueError says what is wrong with it."""
        schedule = self._schedule()
        by_hand = isinstance(schedule, Manual)
        at_start, watch = self.at_start.isChecked() and not by_hand, "" if by_hand else self.watch.text().strip()
        endpoint = with_schedule(msgspec.structs.replace(endpoint, at_start=at_start, watch=watch), schedule)
        if schedule_of(endpoint) != schedule:
            raise ValueError(tr("Choose the start of TraySync, or a file, or times."))
        return endpoint

    def _schedule(self) -> Schedule:
        kind = self.kind.currentIndex()
        if kind == _MANUAL:
            return Manual()
        if kind == _EVENTS:
            return EventsOnly()
        if kind == _CRON:
            if not self.cron.text().strip():
                raise ValueError(tr("Write a cron expression, like 0 9 * * mon-fri."))
            return Cron(self.cron.text().strip())
        if kind == _AT:
            return TimesOfDay(self._times(self.at.text()))
        if kind == _ON:
            days = tuple(Days.parse(text) for text in self.days.text().split(",") if text.strip())
            if not days:
                raise ValueError(tr("Write one or more days, like mon, thu or 1, 15, last."))
            return TimesOfDay(self._times(self.day_times.text()) if self.day_times.text().strip() else (), days)
        if kind == _ONCE:
            return Once.parse(self.once.text())
        flex = Duration.parse(self.flex.text()) if self.flex.text().strip() else None
        chosen = (self.count.value(), self.unit.currentData())
        match schedule_of(self._before):
            case Every(interval) if count_and_unit(interval) == chosen:
                return Every(interval, flex)  # untouched: parts of a second, which are not shown, stay
        return Every(Duration.parse(f"{chosen[0]}{chosen[1]}"), flex)

    def problem(self) -> str:
        """What is wrong with the choice in words, "" when nothing is."""
        try:
            endpoint = self.put_into(self._before)
        except ValueError as error:
            return sentence(str(error))
        return next((str(message) for _, message in schedule_problems(endpoint)), "")

    def _times(self, text: str) -> tuple[TimeOfDay, ...]:
        texts = [each for each in text.replace(";", ",").split(",") if each.strip()]
        if not texts:
            raise ValueError(tr("Write one or more times of day, like 08:00, 13:00."))
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
        lacking = False
        with suppress(ValueError, UserError):  # what is wrong is told by `problem`
            endpoint = self.put_into(self._before)
            times = upcoming(endpoint, now, zone, _NEXT_RUNS)
            match schedule_of(endpoint):
                case TimesOfDay(on=days) if any(day.may_lack for day in days):
                    lacking = True
        self.next_runs.setVisible(bool(times))
        text = times_words(times, now, zone)
        self.next_runs.setText(
            tr("Next runs: {times}. Months without such a day are skipped.", times=text)
            if lacking
            else tr("Next runs: {times}", times=text)
        )


def _row(*parts: tuple[QWidget, int]) -> QWidget:
    """Widgets beside each other, each with its share of the width that is left."""
    widget = QWidget()
    layout = QHBoxLayout(widget)
    layout.setContentsMargins(0, 0, 0, 0)
    for part, share in parts:
        layout.addWidget(part, share)
    return widget
