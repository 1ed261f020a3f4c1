"""How a cell of the data view is painted."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem

from trayapp.ui.data.model import DataModel, shown
from trayapp.ui.widgets.keyed_model import Index

_HAS_TEXT = QStyleOptionViewItem.ViewItemFeature.HasDisplay
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class CellDelegate(QStyledItemDelegate):
    """Looks at a cell's value once, where Qt's own asks for seven roles: most of the time of scrolling is that.

    Numbers stand at the right, NULL in italics.
    """

    def __init__(self, model: DataModel) -> None:
        super().__init__(model)
        self._model = model

    def initStyleOption(self, option: QStyleOptionViewItem, index: Index) -> None:
        """Fill in what the style paints and measures; a row that is on its way has no text."""
        option.index = index  # type: ignore[assignment]
        row = self._model.row(index.row())
        if row is None:
            return
        value = row[index.column()]
        option.features = _HAS_TEXT
        option.text = shown(value)
        option.displayAlignment = _RIGHT if isinstance(value, int | float) else _LEFT
        if value is None:
            italic = option.font
            italic.setItalic(True)
            option.font = italic
