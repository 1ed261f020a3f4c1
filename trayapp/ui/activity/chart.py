"""A small chart of what changed: records added, changed and deleted by each run, oldest on the left."""

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from trayapp.messages import tr
from trayapp.schedule.engine.snapshot import RunRow
from trayapp.ui.widgets.theme import status_colour
from trayapp.ui.widgets.words import number

_BAR, _GAP, _MARGIN = 10, 3, 8
_SHOWN = ("added", "changed", "deleted")
_COLOURS = {"added": "good", "changed": "busy", "deleted": "bad"}


class ActivityChart(QWidget):
    """Stacked bars of the newest runs that changed something, as many as fit."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._runs: tuple[RunRow, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(tr("Changes over time"))

    def set_runs(self, runs: Sequence[RunRow]) -> None:
        """Show these runs, newest first."""
        self._runs = tuple(run for run in runs if run.added or run.changed or run.deleted)
        counts = {kind: number(sum(getattr(run, kind) for run in self._runs)) for kind in _SHOWN}
        self.setAccessibleDescription(
            tr(
                "{added} new, {changed} changed, {deleted} deleted",
                added=counts["added"],
                changed=counts["changed"],
                deleted=counts["deleted"],
            )
        )
        self.update()

    def sizeHint(self) -> QSize:
        """Low and as wide as there is room."""
        return QSize(300, 4 * self.fontMetrics().height() + 2 * _MARGIN)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Bars above a base line, with the largest count and a legend."""
        del event
        painter = QPainter(self)
        palette = self.palette()
        metrics = QFontMetrics(self.font())
        quiet = status_colour("quiet", palette)
        colours = {kind: status_colour(_COLOURS[kind], palette) for kind in _SHOWN}
        legend = self._draw_legend(painter, metrics, quiet, colours)
        if not self._runs:
            painter.setPen(quiet)
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, tr("No changes yet"))
            return
        scale_width = metrics.horizontalAdvance(number(self._largest())) + _MARGIN
        area = QRectF(self.rect()).adjusted(scale_width, _MARGIN, -legend - _MARGIN, -_MARGIN)
        runs = self._runs[: max(1, int(area.width() // (_BAR + _GAP)))]
        largest = max(run.added + run.changed + run.deleted for run in runs)
        painter.setPen(quiet)
        top = QRectF(0, area.top(), scale_width - 4, metrics.height())
        painter.drawText(top, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop, number(largest))
        painter.drawText(
            QRectF(0, area.bottom() - metrics.height(), scale_width - 4, metrics.height()),
            Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignBottom,
            "0",
        )
        line = QColor(quiet)
        line.setAlpha(70)
        painter.fillRect(QRectF(area.left(), area.bottom(), area.width(), 1), line)
        painter.fillRect(QRectF(area.left(), area.top(), area.width(), 1), line)
        for place, run in enumerate(reversed(runs)):
            bottom, left = area.bottom(), area.left() + place * (_BAR + _GAP) + _GAP
            for kind in _SHOWN:
                if count := getattr(run, kind):
                    height = max(2.0, count / largest * area.height())
                    painter.fillRect(QRectF(left, bottom - height, _BAR, height), colours[kind])
                    bottom -= height

    def _largest(self) -> int:
        return max(run.added + run.changed + run.deleted for run in self._runs)

    def _draw_legend(self, painter: QPainter, metrics: QFontMetrics, ink: QColor, colours: dict[str, QColor]) -> float:
        texts = {"added": tr("New"), "changed": tr("Changed"), "deleted": tr("Deleted")}
        side = metrics.height() * 0.6
        width = max(metrics.horizontalAdvance(text) for text in texts.values()) + side + 6
        left = self.width() - width - _MARGIN
        for line, kind in enumerate(_SHOWN):
            top = _MARGIN + line * metrics.height() * 1.2
            painter.fillRect(QRectF(left, top + (metrics.height() - side) / 2, side, side), colours[kind])
            painter.setPen(ink)
            painter.drawText(QRectF(left + side + 6, top, width, metrics.height()), 0, texts[kind])
        return width
