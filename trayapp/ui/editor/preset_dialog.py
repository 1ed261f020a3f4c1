"""The dialog that makes an endpoint of a preset: which one, and what it asks for."""

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from trayapp.endpoints.presets import Preset, fill
from trayapp.errors import UserError
from trayapp.messages import tr
from trayapp.ui.widgets.dialogs import without_icons
from trayapp.ui.widgets.field import Field, ProblemLabel
from trayapp.ui.widgets.plain import Label


class PresetDialog(QDialog):
    """Asks for a preset and its words; `endpoint_filled` tells what came of them."""

    endpoint_filled = Signal(object)
    """Endpoint, without an id."""

    def __init__(self, presets: Sequence[Preset], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("presetDialog")
        self.setWindowTitle(tr("Choose a preset"))
        self._presets = presets
        self.choice = QComboBox()
        self.choice.setObjectName("presetChoice")
        self.choice.addItems([preset.title for preset in presets])
        self.choice.setMaxVisibleItems(len(presets))
        self.description = Label()
        self.description.setObjectName("presetDescription")
        self.description.setWordWrap(True)
        self._fields: list[Field] = []
        self._places = QWidget()
        self._problem = ProblemLabel()
        self._problem.setObjectName("presetProblem")
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        without_icons(self.buttons)
        choice_row = QFormLayout()
        choice_row.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        title = Label(tr("&Preset:"))
        title.setBuddy(self.choice)
        choice_row.addRow(title, self.choice)
        self._column = QVBoxLayout(self)
        self._column.addLayout(choice_row)
        self._column.addWidget(self.description)
        self._column.addWidget(self._places)
        self._column.addWidget(self._problem)
        self._column.addStretch(1)
        self._column.addWidget(self.buttons)
        self.setMinimumWidth(440)
        self.choice.currentIndexChanged.connect(self._show_preset)
        self.buttons.accepted.connect(self._fill)
        self.buttons.rejected.connect(self.reject)
        self._show_preset(0)

    @property
    def preset(self) -> Preset:
        """The chosen one."""
        return self._presets[self.choice.currentIndex()]

    def _show_preset(self, _index: int) -> None:
        preset = self.preset
        secret = tr("Secret: {what}.", what=preset.secret) if preset.secret else ""
        self.description.setText(" ".join(part for part in (preset.description, secret) if part))
        self._problem.show_problem("")
        places = QWidget()
        form = QFormLayout(places)
        form.setContentsMargins(0, 0, 0, 0)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self._fields = []
        for placeholder in preset.placeholders:
            edit = QLineEdit(placeholder.default)
            edit.setObjectName(f"preset_{placeholder.name}")
            edit.setPlaceholderText(placeholder.example)
            label = f"{placeholder.name[:1].upper()}{placeholder.name[1:]}:"
            self._fields.append(Field(placeholder.name, label, edit, f"{placeholder.help}.").add_to(form))
        self._column.replaceWidget(self._places, places)
        places.show()
        self._places.hide()
        self._places.deleteLater()
        self._places = places
        self.adjustSize()

    def _fill(self) -> None:
        values = {field.path: field.editor.text() for field in self._fields if isinstance(field.editor, QLineEdit)}
        try:
            endpoint = fill(self.preset, values)
        except UserError as error:
            self._problem.show_problem(f"{error.cause} {error.next}".strip())
            for field in self._fields:
                if not values[field.path].strip():
                    field.take_focus()
                    break
            return
        self.endpoint_filled.emit(endpoint)
        self.accept()
