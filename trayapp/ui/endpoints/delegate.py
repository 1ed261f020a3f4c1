"""How an endpoint's cells are painted: a state's sign, two lines of text, bars for the recent runs."""

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFont, QFontMetrics, QPainter, QPalette
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from trayapp.schedule.engine.snapshot import EndpointStatus
from trayapp.ui.endpoints.model import SECOND_LINE, STATUS, Column
from trayapp.ui.widgets.icons import line_pixmap
from trayapp.ui.widgets.theme import status_colour

_SIGNS = {
    # state: icon, colour; the shapes differ, so that no one needs to tell colours apart
    "enqueued": ("check", "good"),
    "running": ("sync", "busy"),
    "blocked": ("clock", "quiet"),
    "held": ("question", "warn"),
    "failing": ("error", "bad"),
    "disabled": ("disabled", "quiet"),
}
_NEVER_SYNCED = ("clock", "quiet")
_MAY_BE_INCOMPLETE = ("question", "warn")
_BARS = {
    # status: part of the height, colour; a failed run is a broken bar
    "succeeded": (1.0, "good"),
    "held": (0.66, "warn"),
    "stopped": (0.33, "quiet"),
    "incomplete": (0.66, "bad"),
    "failed": (1.0, "bad"),
}
_SIGN_SIZE = 20
PADDING = 10
"""Left and right of a cell's text."""
_BAR, _BAR_GAP, _MOST_BARS = 5, 3, 12


class EndpointDelegate(QStyledItemDelegate):
    """Rows are all of one height: two lines and some air."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        """Width is the column's own affair."""
        width = _MOST_BARS * (_BAR + _BAR_GAP) + 2 * PADDING if index.column() == Column.RECENT else 120
        return QSize(width, row_height(option.font))

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Background and focus by the style, the rest by hand."""
        self.initStyleOption(option, index)
        option.text = ""
        widget: QWidget = option.widget
        widget.style().drawControl(QStyle.ControlElement.CE_ItemViewItem, option, painter, widget)
        status: EndpointStatus = index.data(STATUS)
        painter.save()
        area = option.rect.adjusted(PADDING, 0, -PADDING, 0)
        if index.column() == Column.RECENT:
            _draw_bars(painter, area, status, option.palette)
        else:
            if index.column() == Column.NAME:
                _draw_sign(painter, area, status, option.palette, widget)
                area.setLeft(area.left() + _SIGN_SIZE + PADDING)
            _draw_lines(painter, area, option, index)
        painter.restore()


def sign_of(status: EndpointStatus) -> tuple[str, str]:
    """Icon and colour name of an endpoint's state."""
    if status.state == "enqueued" and status.last_success is None:
        return _NEVER_SYNCED
    if status.state == "enqueued" and status.evidence == "unproven":
        return _MAY_BE_INCOMPLETE
    return _SIGNS[status.state]


def row_height(font: QFont) -> int:
    """Pixels of a row with two lines."""
    return QFontMetrics(font).height() + QFontMetrics(_small(font)).height() + 18


def _small(font: QFont) -> QFont:
    small = QFont(font)
    if font.pointSizeF() > 0:
        small.setPointSizeF(font.pointSizeF() * 0.9)
    return small


def _draw_sign(painter: QPainter, area: QRect, status: EndpointStatus, palette: QPalette, widget: QWidget) -> None:
    name, colour = sign_of(status)
    ink = status_colour(colour, palette).name()
    pixmap = line_pixmap(name, ink, _SIGN_SIZE, widget.devicePixelRatioF())
    painter.drawPixmap(area.left(), area.top() + (area.height() - _SIGN_SIZE) // 2, pixmap)


def _draw_lines(
    painter: QPainter,
    area: QRect,
    option: QStyleOptionViewItem,
    index: QModelIndex | QPersistentModelIndex,
) -> None:
    first, second = index.data(Qt.ItemDataRole.DisplayRole) or "", index.data(SECOND_LINE) or ""
    status: EndpointStatus = index.data(STATUS)
    font = QFont(option.font)
    if index.column() == Column.NAME:
        font.setWeight(QFont.Weight.DemiBold)
    small = _small(option.font)
    metrics, small_metrics = QFontMetrics(font), QFontMetrics(small)
    height = metrics.height() + (small_metrics.height() + 2 if second else 0)
    top = area.top() + (area.height() - height) // 2
    palette = option.palette
    dull = not status.enabled or status.state == "disabled"
    text = palette.color(QPalette.ColorRole.Text)
    quiet = palette.color(QPalette.ColorRole.PlaceholderText)
    side = option.displayAlignment & Qt.AlignmentFlag.AlignHorizontal_Mask
    painter.setFont(font)
    painter.setPen(quiet if dull else text)
    line = QRect(area.left(), top, area.width(), metrics.height())
    painter.drawText(line, side, metrics.elidedText(first, Qt.TextElideMode.ElideRight, area.width()))
    if second:
        loud = index.column() == Column.NAME and status.state in ("failing", "held", "running")
        painter.setFont(small)
        painter.setPen(status_colour(sign_of(status)[1], palette) if loud else quiet)
        line = QRect(area.left(), line.bottom() + 3, area.width(), small_metrics.height())
        painter.drawText(line, side, small_metrics.elidedText(second, Qt.TextElideMode.ElideRight, area.width()))


def _draw_bars(painter: QPainter, area: QRect, status: EndpointStatus, palette: QPalette) -> None:
    recent = status.recent[-_MOST_BARS:]
    tall = min(22, area.height() - 12)
    bottom = area.top() + (area.height() + tall) // 2
    empty = status_colour("quiet", palette)
    empty.setAlpha(60)
    for place in range(_MOST_BARS):
        left = area.left() + place * (_BAR + _BAR_GAP)
        run = place - (_MOST_BARS - len(recent))
        if run < 0:
            painter.fillRect(QRect(left, bottom - 2, _BAR, 2), empty)
            continue
        part, colour = _BARS.get(recent[run], (0.33, "quiet"))
        ink, high = status_colour(colour, palette), round(tall * part)
        if recent[run] == "failed":
            painter.fillRect(QRectF(left, bottom - high, _BAR, high - 7), ink)
            painter.fillRect(QRectF(left, bottom - 4, _BAR, 4), ink)
        else:
            painter.fillRect(QRectF(left, bottom - high, _BAR, high), ink)
