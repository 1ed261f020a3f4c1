"""The program's icons: drawn from SVG at the sizes asked for, line icons in the colour of the text around them."""

from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QRectF
from PySide6.QtGui import QColor, QIcon, QImage, QPainter, QPalette, QPixmap
from PySide6.QtSvg import QSvgRenderer

from trayapp.assets import resource

if TYPE_CHECKING:
    from trayapp.schedule.engine.snapshot import TrayState

SIZES = (16, 22, 24, 32, 44, 48, 64, 128, 256)
"""Pixels: what panels ask for, and twice the small ones for screens of high density."""

_INK = b"#000"
_LINE_SIZES = (16, 20, 24, 32, 48)


@cache
def app_icon() -> QIcon:
    """The icon of the program and its windows."""
    renderer = _renderer(resource("icons", "traysync.svg").read_bytes())
    return _icon(QPixmap.fromImage(_render(renderer, size, size)) for size in SIZES)


@cache
def tray_icon(state: "TrayState") -> QIcon:
    """The tray's icon for one state; readable on light and on dark panels."""
    return _icon(QPixmap.fromImage(tray_image(state, size)) for size in SIZES)


def tray_image(state: "TrayState", size: int) -> QImage:
    """One state at one size in pixels.

    Each has drawings for 16, 22 and 32 pixels. 44 pixels are the one for 22 doubled, 24 hold it in their middle, so
    that its edges stay on pixels.
    """
    grid = 22 if size in (22, 24, 44) else 32 if size >= 32 else 16
    inner = 22 if size == 24 else size
    drawing = resource("icons", "tray", str(grid), f"{state}.svg").read_bytes()
    return _render(_renderer(drawing), size, inner)


def line_icon(name: str, palette: QPalette) -> QIcon:
    """A monochrome icon for buttons and menus, in the palette's text colours (also the disabled one)."""
    normal = palette.color(QPalette.ColorGroup.Active, QPalette.ColorRole.ButtonText)
    disabled = palette.color(QPalette.ColorGroup.Disabled, QPalette.ColorRole.ButtonText)
    return _line_icon(name, normal.name(), disabled.name())


@cache
def line_pixmap(name: str, colour: str, size: int, ratio: float) -> QPixmap:
    """The same as a picture: `colour` like "#335577", `size` in points, `ratio` pixels per point."""
    pixels = round(size * ratio)
    pixmap = QPixmap.fromImage(_render(_line_renderer(name, colour), pixels, pixels))
    pixmap.setDevicePixelRatio(ratio)
    return pixmap


@cache
def _line_icon(name: str, normal: str, disabled: str) -> QIcon:
    icon = QIcon()
    for colour, mode in ((normal, QIcon.Mode.Normal), (disabled, QIcon.Mode.Disabled)):
        renderer = _line_renderer(name, colour)
        for size in _LINE_SIZES:
            icon.addPixmap(QPixmap.fromImage(_render(renderer, size, size)), mode)
    return icon


def _line_renderer(name: str, colour: str) -> QSvgRenderer:
    drawing = resource("icons", "line", f"{name}.svg").read_bytes()
    return _renderer(drawing.replace(_INK, QColor(colour).name().encode()))


def _renderer(drawing: bytes) -> QSvgRenderer:
    renderer = QSvgRenderer(QByteArray(drawing))
    if not renderer.isValid():
        raise ValueError("an icon of the program is not valid SVG")
    return renderer


def _render(renderer: QSvgRenderer, size: int, inner: int) -> QImage:
    # Transparent from the start: to choose among its forms, QImage.fill first loads all enumerations of Qt, which takes
    # ten times as long as drawing the icon.
    transparent = bytes(size * size * 4)
    image = QImage(transparent, size, size, QImage.Format.Format_ARGB32_Premultiplied)
    painter = QPainter(image)
    margin = (size - inner) // 2
    renderer.render(painter, QRectF(margin, margin, inner, inner))
    painter.end()
    return image


def _icon(pixmaps: Iterable[QPixmap]) -> QIcon:
    icon = QIcon()
    for pixmap in pixmaps:
        icon.addPixmap(pixmap)
    return icon
