import itertools
from typing import get_args

import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QColor, QIcon, QImage, QPalette

from trayapp.schedule.engine.snapshot import TrayState
from trayapp.ui.widgets.icons import SIZES, app_icon, line_icon, line_pixmap, tray_icon, tray_image

pytestmark = pytest.mark.usefixtures("qapp")

TRAY_STATES = get_args(TrayState)


def luminance(colour: QColor) -> float:
    def linear(part: float) -> float:
        return part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(part) for part in (colour.redF(), colour.greenF(), colour.blueF()))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: QColor, other: QColor) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def solid_pixels(image: QImage) -> list[QColor]:
    places = itertools.product(range(image.width()), range(image.height()))
    colours = (image.pixelColor(x, y) for x, y in places)
    return [colour for colour in colours if colour.alpha() > 200]


@pytest.mark.parametrize("state", TRAY_STATES)
def test_every_state_is_drawn_at_every_size(state):
    icon = tray_icon(state)
    assert {size.width() for size in icon.availableSizes()} == set(SIZES)
    for size in SIZES:
        assert icon.actualSize(QSize(size, size)) == QSize(size, size)
    for size in (16, 22, 32, 64):
        image = icon.pixmap(size).toImage()
        assert len(solid_pixels(image)) > 0.2 * size * size


@pytest.mark.parametrize("state", TRAY_STATES)
@pytest.mark.parametrize("panel", ["#ffffff", "#f0f0f0", "#2b2b2b", "#000000"])
@pytest.mark.parametrize("size", [16, 22, 24, 32])
def test_every_state_stands_out_on_light_and_dark_panels(state, panel, size):
    pixels = solid_pixels(tray_image(state, size))
    readable = [colour for colour in pixels if contrast(colour, QColor(panel)) >= 2.5]
    assert len(readable) > 0.5 * len(pixels)


@pytest.mark.parametrize("size", [16, 22, 24, 32, 44, 48])
def test_states_differ_without_colour(size):
    """By their outline, or by the white sign inside it, seen in grey: 5 % of the pixels differ between any two."""
    places = list(itertools.product(range(size), range(size)))
    seen = {}
    for state in TRAY_STATES:
        image = tray_image(state, size)
        colours = [image.pixelColor(x, y) for x, y in places]
        seen[state] = [colour.alpha() * (1 - 0.5 * luminance(colour)) for colour in colours]
    for one, other in itertools.combinations(TRAY_STATES, 2):
        pairs = zip(seen[one], seen[other], strict=True)
        assert sum(abs(a - b) > 40 for a, b in pairs) > 0.05 * size * size, (one, other)


def test_small_drawings_have_sharp_sides():
    """The left edge of the drum lies between two pixels, not on one: no half-transparent column beside a full one."""
    for size in (16, 22, 24, 32):
        image = tray_image("idle", size)
        middle = [image.pixelColor(x, size // 3).alpha() for x in range(size)]
        first = next(x for x, alpha in enumerate(middle) if alpha)
        assert middle[first] == 255, size


def test_the_program_has_an_icon():
    assert {size.width() for size in app_icon().availableSizes()} >= {16, 32, 48, 256}


def test_line_icons_take_the_text_colour():
    palette = QPalette()
    palette.setColor(QPalette.ColorRole.ButtonText, QColor("#ff0000"))
    palette.setColor(QPalette.ColorGroup.Disabled, QPalette.ColorRole.ButtonText, QColor("#00ff00"))
    icon = line_icon("stop", palette)
    assert icon.pixmap(16).toImage().pixelColor(8, 8) == QColor("#ff0000")
    assert icon.pixmap(QSize(16, 16), QIcon.Mode.Disabled).toImage().pixelColor(8, 8) == QColor("#00ff00")


def test_line_pixmaps_are_sharp_on_dense_screens():
    pixmap = line_pixmap("check", "#336699", 16, 2.0)
    assert (pixmap.width(), pixmap.devicePixelRatio()) == (32, 2.0)
