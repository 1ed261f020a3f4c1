"""What must hold for a scheduled run to start: one field for each constraint of an endpoint."""

from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QLineEdit, QWidget

from trayapp.endpoints.model import When
from trayapp.endpoints.units import Duration, HostPort, Size, TimeOfDay
from trayapp.messages import tr
from trayapp.ui.widgets.field import Field, choice, line


class WhenEditor(QWidget):
    """Holds the fields; the form that it belongs to lays them out."""

    changed = Signal(str)
    """The path of the field that was edited."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._when = When()
        self.network = choice("whenNetwork", ("any", tr("Any network")), ("unmetered", tr("Unmetered only")))
        self.power = choice("whenPower", ("any", tr("Mains or battery")), ("ac", tr("Mains power only")))
        self.not_fullscreen = QCheckBox(tr("Not while a window fills the screen"))
        self.not_fullscreen.setObjectName("whenNotFullscreen")
        self._texts: dict[str, tuple[QLineEdit, Callable[[str], Any]]] = {
            "wifi": (line("whenWifi"), _names),
            "not_wifi": (line("whenNotWifi"), _names),
            "reachable": (line("whenReachable", "nas.local:445"), _optional(HostPort.parse)),
            "battery_above": (line("whenBatteryAbove", "20"), _optional(self._percent)),
            "idle": (line("whenIdle", "10m"), _optional(Duration.parse)),
            "between": (line("whenBetween", "22:00-06:00"), _optional(self._hours)),
            "disk_free": (line("whenDiskFree", "1GiB"), _optional(Size.parse)),
            "not_while": (line("whenNotWhile", "zoom"), _names),
        }
        edits = {name: edit for name, (edit, _) in self._texts.items()}
        separated = tr("Names, separated by commas.")
        self.fields = (
            Field("when.network", tr("Net&work:"), self.network),
            Field("when.wifi", tr("Only in Wi-&Fi:"), edits["wifi"], separated),
            Field("when.not_wifi", tr("Not in Wi-F&i:"), edits["not_wifi"], separated),
            Field("when.reachable", tr("Ser&ver in reach:"), edits["reachable"]),
            Field("when.power", tr("P&ower:"), self.power),
            Field("when.battery_above", tr("&Battery above:"), edits["battery_above"], tr("In per cent.")),
            Field("when.between", tr("&Hours:"), edits["between"]),
            Field("when.idle", tr("Computer u&nused for:"), edits["idle"]),
            Field("when.not_while", tr("Not while these r&un:"), edits["not_while"], tr("Programs.")),
            Field("when.not_fullscreen", "", self.not_fullscreen),
            Field("when.disk_free", tr("Free dis&k space:"), edits["disk_free"]),
        )
        self.network.currentIndexChanged.connect(lambda _: self.changed.emit("when.network"))
        self.power.currentIndexChanged.connect(lambda _: self.changed.emit("when.power"))
        self.not_fullscreen.toggled.connect(lambda _: self.changed.emit("when.not_fullscreen"))
        for name, edit in edits.items():
            edit.textChanged.connect(lambda _text, path=f"when.{name}": self.changed.emit(path))

    def set_when(self, when: When) -> None:
        """Show these constraints."""
        self._when = when
        self.network.setCurrentIndex(self.network.findData(when.network))
        self.power.setCurrentIndex(self.power.findData(when.power))
        self.not_fullscreen.setChecked(when.not_fullscreen)
        for name, (edit, _) in self._texts.items():
            edit.setText(_text(getattr(when, name)))

    def when(self, read: Callable[[str, Callable[[], Any], Any], Any]) -> When:
        """What the fields say. read: takes a field's path, how to read it (ValueError), and what counts if it fails."""
        values = {}
        for name, (edit, parse) in self._texts.items():
            before, text = getattr(self._when, name), edit.text()
            # What is untouched stays as it is: a name may have a comma in it.
            same = text == _text(before)
            values[name] = before if same else read(f"when.{name}", partial(parse, text), before)
        return msgspec.structs.replace(
            self._when,
            network=self.network.currentData(),
            power=self.power.currentData(),
            not_fullscreen=self.not_fullscreen.isChecked(),
            **values,
        )

    def _percent(self, text: str) -> int:
        try:
            return int(text.strip().rstrip("%"))
        except ValueError as error:
            raise ValueError(tr("Write a number from 0 to 99.")) from error

    def _hours(self, text: str) -> tuple[TimeOfDay, TimeOfDay]:
        first, dash, last = text.replace("–", "-").partition("-")
        if not dash:
            raise ValueError(tr("Write two times of day, like 22:00-06:00."))
        return TimeOfDay.parse(first), TimeOfDay.parse(last)


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _optional(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    return lambda text: parse(text) if text.strip() else None


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, tuple):
        return ("-" if value and isinstance(value[0], TimeOfDay) else ", ").join(map(str, value))
    return str(value)
