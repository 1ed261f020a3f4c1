"""The looks: light or dark as the user or the system says, on one quiet style."""

import sys
from typing import Literal

from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtGui import QColor, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

Choice = Literal["system", "light", "dark"]

_SCHEMES = {"system": Qt.ColorScheme.Unknown, "light": Qt.ColorScheme.Light, "dark": Qt.ColorScheme.Dark}
_Role = QPalette.ColorRole

_LIGHT = {
    _Role.Window: "#f5f6f8",
    _Role.WindowText: "#1d2129",
    _Role.Base: "#ffffff",
    _Role.AlternateBase: "#eef1f5",
    _Role.Text: "#1d2129",
    _Role.Button: "#f5f6f8",
    _Role.ButtonText: "#1d2129",
    _Role.BrightText: "#ffffff",
    _Role.ToolTipBase: "#ffffff",
    _Role.ToolTipText: "#1d2129",
    _Role.PlaceholderText: "#59626e",
    _Role.Highlight: "#d3e4fb",
    _Role.HighlightedText: "#10213a",
    _Role.Accent: "#1c6bd6",
    _Role.Link: "#1559b7",
    _Role.LinkVisited: "#6b3fa0",
    _Role.Light: "#ffffff",
    _Role.Midlight: "#e6e9ee",
    _Role.Mid: "#c3c9d2",
    _Role.Dark: "#a5adb8",
    _Role.Shadow: "#6d7580",
}
_DARK = {
    _Role.Window: "#22252a",
    _Role.WindowText: "#e6e8eb",
    _Role.Base: "#1a1c20",
    _Role.AlternateBase: "#292d33",
    _Role.Text: "#e6e8eb",
    _Role.Button: "#2e3238",
    _Role.ButtonText: "#e6e8eb",
    _Role.BrightText: "#ffffff",
    _Role.ToolTipBase: "#33383f",
    _Role.ToolTipText: "#e6e8eb",
    _Role.PlaceholderText: "#adb5c0",
    _Role.Highlight: "#2b4468",
    _Role.HighlightedText: "#f2f6fc",
    _Role.Accent: "#4a8ae6",
    _Role.Link: "#7db4f7",
    _Role.LinkVisited: "#c3a3ee",
    _Role.Light: "#4a5059",
    _Role.Midlight: "#3a3f46",
    _Role.Mid: "#17191c",
    _Role.Dark: "#131518",
    _Role.Shadow: "#0b0c0e",
}
_DISABLED = {"light": "#9aa2ad", "dark": "#6c747f"}
_DISABLED_ROLES = (_Role.WindowText, _Role.Text, _Role.ButtonText, _Role.HighlightedText, _Role.PlaceholderText)
_DISABLED_HIGHLIGHT = {"light": "#dfe3e9", "dark": "#33383f"}

_STATUS_COLOURS = {
    # name: on light, on dark; each has a contrast of 4.5 and more to Base and to Highlight
    "good": ("#0c6b35", "#5ed08a"),
    "busy": ("#1559b7", "#7db4f7"),
    "warn": ("#8a4b00", "#f0b14a"),
    "bad": ("#b3202a", "#ff9b93"),
    "quiet": ("#59626e", "#adb5c0"),
}


class Theme(QObject):
    """Keeps the application in the chosen looks; "system" follows the desktop while the program runs.

    Only on Linux the style and the colours are ours: platform themes there do not act on setColorScheme (the generic,
    KDE and portal ones), and after a live change the palette stays as it was. Windows and macOS follow by themselves.
    """

    def __init__(self, application: QApplication, choice: Choice = "system") -> None:
        super().__init__(application)
        self._application = application
        self._choice = choice
        self._own_colours = sys.platform not in ("win32", "darwin")
        if self._own_colours:
            application.setStyle("Fusion")
        # From a zero timer: the platform puts its own palette in place after this signal.
        QGuiApplication.styleHints().colorSchemeChanged.connect(lambda _scheme: QTimer.singleShot(0, self, self._apply))
        self.choose(choice)

    @property
    def choice(self) -> Choice:
        """What was chosen, not what it came to."""
        return self._choice

    @property
    def dark(self) -> bool:
        """Whether the looks are dark now."""
        if self._choice == "system":
            return QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark
        return self._choice == "dark"

    def choose(self, choice: Choice) -> None:
        """Change the looks of everything that is open."""
        self._choice = choice
        QGuiApplication.styleHints().setColorScheme(_SCHEMES[choice])
        self._apply()

    def _apply(self) -> None:
        if self._own_colours:
            self._application.setPalette(palette(self.dark))


def palette(dark: bool) -> QPalette:
    """The program's colours."""
    made = QPalette()
    for role, colour in (_DARK if dark else _LIGHT).items():
        made.setColor(role, QColor(colour))
    name = "dark" if dark else "light"
    for role in _DISABLED_ROLES:
        made.setColor(QPalette.ColorGroup.Disabled, role, QColor(_DISABLED[name]))
    made.setColor(QPalette.ColorGroup.Disabled, _Role.Highlight, QColor(_DISABLED_HIGHLIGHT[name]))
    return made


def header_style(padding: int = 4) -> str:
    """For a table's header: its titles begin where the cells' texts do, `padding` pixels from the left."""
    return f"QHeaderView::section {{ padding: 3px {padding}px; }}"


def is_dark(colours: QPalette) -> bool:
    """Whether these colours are light text on a dark ground."""
    return colours.color(_Role.Base).lightness() < 128


def status_colour(name: str, colours: QPalette) -> QColor:
    """The colour of a state, readable on the palette's Base: "good", "busy", "warn", "bad" or "quiet"."""
    return QColor(_STATUS_COLOURS[name][is_dark(colours)])
