"""Where the records are in an answer, and how the listing continues: both found automatically unless told."""

import msgspec
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLineEdit, QWidget

from trayapp.endpoints.model import Pages
from trayapp.messages import tr

_AUTO, _WHOLE, _PATH = range(3)
_OFFERED_PAGES = ("auto", "none", "link", "next_url")


class _ChoiceAndText(QWidget):
    """A combo box, and a line that is shown for those choices that need one."""

    changed = Signal()

    def __init__(self, name: str, title: str, line_title: str, placeholder: str) -> None:
        super().__init__()
        self.choice = QComboBox()
        self.choice.setObjectName(name)
        self.choice.setAccessibleName(title)
        self.line = QLineEdit()
        self.line.setObjectName(f"{name}Path")
        self.line.setAccessibleName(line_title)
        self.line.setPlaceholderText(placeholder)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.choice)
        layout.addWidget(self.line, 1)
        self.setFocusProxy(self.choice)
        self.choice.currentIndexChanged.connect(self._on_change)
        self.line.textChanged.connect(self.changed)

    def _needs_line(self) -> bool:
        raise NotImplementedError

    def _show_line(self) -> None:
        self.line.setVisible(self._needs_line())

    def _on_change(self) -> None:
        self._show_line()
        self.changed.emit()


class RecordsEditor(_ChoiceAndText):
    """`response.records`: automatic, the whole answer, or a path."""

    def __init__(self) -> None:
        super().__init__("records", tr("Records"), tr("Path of the records"), "data.items")
        self.choice.addItems([tr("Find automatically"), tr("The whole response"), tr("At the path")])
        self._show_line()

    def set_records(self, records: str) -> None:
        """Show this value of the settings file."""
        kind = {"auto": _AUTO, "": _WHOLE}.get(records, _PATH)
        self.line.setText(records if kind == _PATH else "")
        self.choice.setCurrentIndex(kind)
        self._show_line()

    def records(self) -> str:
        """The value for the settings file; ValueError when the path is missing."""
        kind = self.choice.currentIndex()
        if kind != _PATH:
            return "auto" if kind == _AUTO else ""
        if not self.line.text().strip():
            raise ValueError(tr("Write the path of the list, like data.items."))
        return self.line.text().strip()

    def _needs_line(self) -> bool:
        return self.choice.currentIndex() == _PATH


class PagesEditor(_ChoiceAndText):
    """`pages`: automatic, a single page, the Link header, or a URL in the answer; other kinds are kept as they are."""

    def __init__(self) -> None:
        super().__init__("pages", tr("Pages"), tr("Path of the next page's URL"), "links.next")
        self._pages = Pages()
        names = (
            tr("Find automatically"),
            tr("A single page"),
            tr("Link header"),
            tr("Next page's URL at the path"),
        )
        for kind, text in zip(_OFFERED_PAGES, names, strict=True):
            self.choice.addItem(text, kind)
        self._show_line()

    def set_pages(self, pages: Pages) -> None:
        """Show this; a kind that is not offered appears as one more choice."""
        self._pages = pages
        while self.choice.count() > len(_OFFERED_PAGES):
            self.choice.removeItem(len(_OFFERED_PAGES))
        if pages.kind not in _OFFERED_PAGES:
            self.choice.addItem(tr("As in the settings file ({kind})", kind=pages.kind), pages.kind)
        self.line.setText(pages.path if pages.kind == "next_url" else "")
        self.choice.setCurrentIndex(self.choice.findData(pages.kind))
        self._show_line()

    def pages(self) -> Pages:
        """The choice; ValueError when the path is missing."""
        kind = self.choice.currentData()
        path = self.line.text().strip() if kind == "next_url" else ""
        if kind == "next_url" and not path:
            raise ValueError(tr("Write where the next page's URL is, like links.next or header:Next-Page."))
        if kind == self._pages.kind:
            return self._pages if kind != "next_url" else msgspec.structs.replace(self._pages, path=path)
        return Pages(kind=kind, path=path, size=self._pages.size, max=self._pages.max)

    def _needs_line(self) -> bool:
        return bool(self.choice.currentData() == "next_url")
