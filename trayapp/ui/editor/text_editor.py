"""How responses that are texts are read: their encoding, and where a CSV's table begins."""

from collections.abc import Callable
from typing import Any

import msgspec
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLineEdit, QWidget

from trayapp.endpoints.model import Header, Response
from trayapp.messages import tr
from trayapp.ui.widgets.field import Field, line


class TextEditor(QWidget):
    """Holds the fields; the form that it belongs to lays them out."""

    changed = Signal(str)
    """The path of the field that was edited."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.header = line("responseHeader", tr("found automatically"))
        self.skip = line("responseSkip", "0")
        self.encoding = line("responseEncoding", tr("found automatically"))
        self.fields = (
            Field(
                "response.header",
                tr("Header line:"),
                self.header,
                tr("Of CSV: the number of the line with the names, or “none”."),
            ),
            Field("response.skip", tr("Lines to skip:"), self.skip, tr("Of CSV: so many at the top are left out.")),
            Field(
                "response.encoding",
                tr("Encoding:"),
                self.encoding,
                tr("Of text that does not say its own, like windows-1252 or cp932."),
            ),
        )
        for field in self.fields:
            assert isinstance(field.editor, QLineEdit)
            field.editor.textChanged.connect(lambda _text, path=field.path: self.changed.emit(path))

    def set_response(self, response: Response) -> None:
        """Show how this is read."""
        self.header.setText("" if response.header == "auto" else str(response.header))
        self.skip.setText(str(response.skip) if response.skip else "")
        self.encoding.setText(response.encoding or "")

    def put_into(self, response: Response, read: Callable[[str, Callable[[], Any], Any], Any]) -> Response:
        """The response with what the fields say. read: as in WhenEditor.when."""
        return msgspec.structs.replace(
            response,
            header=read("response.header", self._header, response.header),
            skip=read("response.skip", self._skip, response.skip),
            encoding=self.encoding.text().strip() or None,
        )

    def _header(self) -> Header:
        text = self.header.text().strip().lower()
        if text in ("", "auto"):
            return "auto"
        if text == "none":
            return "none"
        if not text.isdecimal() or int(text) < 1:
            raise ValueError(tr("Write the number of a line, counted from 1, or “none”."))
        return int(text)

    def _skip(self) -> int:
        text = self.skip.text().strip()
        if text and not text.isdecimal():
            raise ValueError(tr("Write how many lines."))
        return int(text or 0)
