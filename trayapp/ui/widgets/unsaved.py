"""Dialogs with edits not saved yet: saved one at a time, merged with edits from elsewhere, never lost unasked.

They know no backend: `save_edits` hands the edits over, and `answer` and `ask_about` take what comes back.
"""

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QCloseEvent, QKeyEvent
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QTreeWidget, QTreeWidgetItem, QVBoxLayout, QWidget

from trayapp.endpoints.merging import Conflict, Decision, Side
from trayapp.errors import Problem
from trayapp.messages import tr, tr_count
from trayapp.ui.widgets.banner import Banner
from trayapp.ui.widgets.dialogs import Answer, ask, without_icons
from trayapp.ui.widgets.plain import LONGEST_CELL, Label, tool_tip, window_title
from trayapp.visible import elided


class UnsavedDialog(QDialog):
    """Closing it asks before edits are lost, and waits while they are being saved."""

    def __init__(self, name: str, banner: str, parent: QWidget | None = None) -> None:
        """name, banner: object names, of the dialog and of the strip for what belongs to no field."""
        super().__init__(parent)
        self.setObjectName(name)
        self.banner = Banner(banner)
        self._ticket = 0

    # What each dialog says for itself

    def is_changed(self) -> bool:
        """Whether there is anything to save."""
        raise NotImplementedError

    def can_save(self) -> bool:
        """Whether the edits could be saved as they are."""
        return True

    def save_edits(self, decision: Decision | None) -> int:
        """Hand the edits over to be written; the ticket that the answer will have."""
        raise NotImplementedError

    def save_and_close(self) -> None:
        """Save, and close when that is done."""
        raise NotImplementedError

    def discard(self) -> None:
        """Close without saving."""
        raise NotImplementedError

    def after_saving(self) -> None:
        """The edits are written."""
        raise NotImplementedError

    def show_state(self) -> None:
        """Switch on what can be done now."""
        raise NotImplementedError

    def show_at_field(self, path: str, text: str) -> bool:
        """Show a problem beside the field of that path; False when there is none."""
        raise NotImplementedError

    # What they have in common

    @property
    def is_saving(self) -> bool:
        """Whether edits were handed over, and no answer came yet."""
        return bool(self._ticket)

    def save(self, decision: Decision | None = None) -> None:
        """Have the edits written; `decision` is about conflicts that a person has seen."""
        if not self._ticket:
            self.banner.clear()
            self._ticket = self.save_edits(decision)
            self.show_state()

    def answer(self, ticket: int, problem: Problem | None) -> None:
        """The edits were written, or there was a problem: it is shown at its field, or else in the banner."""
        if not self._take(ticket):
            return
        if problem is None:
            self.after_saving()
        else:
            self.show_problem(problem)

    def show_problem(self, problem: Problem) -> None:
        """Show a problem at its field, or else in the banner."""
        text = " ".join(str(part) for part in (problem.cause or problem.title, problem.next) if part)
        if not self.show_at_field(problem.field, text):
            self.banner.fail(problem)

    def ask_about(self, ticket: int, conflicts: tuple[Conflict, ...]) -> None:
        """Nothing was written: ask which of the conflicting values to keep, then save."""
        if self._take(ticket):
            question = ConflictQuestion(conflicts, self)
            question.decided.connect(self.save)
            question.open()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask before edits are lost."""
        if self._ticket or (self.isVisible() and self.is_changed()):
            event.ignore()
            if not self._ticket:
                self._ask_before_closing()
        else:
            super().closeEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape closes with the same question; QDialog would reject at once."""
        if event.key() == Qt.Key.Key_Escape:
            self.close()
        else:
            super().keyPressEvent(event)

    def _take(self, ticket: int) -> bool:
        if ticket != self._ticket:
            return False
        self._ticket = 0
        self.show_state()
        return True

    def _ask_before_closing(self) -> None:
        if self.can_save():
            answers = {Answer.Save: self.save_and_close, Answer.Discard: self.discard}
            ask(self, "askSave", tr("Save the changes?"), "", answers, Answer.Save)
        else:
            ask(self, "askDiscard", tr("Discard what you have entered?"), "", {Answer.Discard: self.discard})


class ConflictQuestion(QDialog):
    """Shows settings that were changed here and elsewhere, both values side by side, and asks which to keep."""

    decided = Signal(object)
    """Decision."""

    def __init__(self, conflicts: tuple[Conflict, ...], parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("askConflict")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(window_title(parent.windowTitle()))
        self._conflicts = conflicts
        question = Label(
            tr_count(
                "This setting was changed here and elsewhere. Which version do you want to keep?",
                "These {count} settings were changed here and elsewhere. Which version do you want to keep?",
                count=len(conflicts),
            )
        )
        question.setWordWrap(True)
        self.values = QTreeWidget()
        self.values.setObjectName("conflicts")
        self.values.setAccessibleName(question.text())
        self.values.setHeaderLabels([tr("Endpoint"), tr("Setting"), tr("My version"), tr("Other version")])
        self.values.setRootIsDecorated(False)
        for each in conflicts:
            cells = (each.endpoint, each.path or tr("Whole endpoint"), *_both_in_words(each))
            item = QTreeWidgetItem(self.values, [elided(text, LONGEST_CELL) for text in cells])
            for column, text in enumerate(cells):
                item.setToolTip(column, tool_tip(text))
        for column in range(self.values.columnCount()):
            self.values.resizeColumnToContents(column)
        rest = Label(tr("All other changes of both versions are kept."))
        rest.setWordWrap(True)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.keep_button = buttons.addButton(tr("Keep &my version"), QDialogButtonBox.ButtonRole.AcceptRole)
        self.keep_button.setObjectName("keepMine")
        self.other_button = buttons.addButton(tr("Use the &other version"), QDialogButtonBox.ButtonRole.AcceptRole)
        self.other_button.setObjectName("useTheirs")
        buttons.button(QDialogButtonBox.StandardButton.Cancel).setDefault(True)
        layout = QVBoxLayout(self)
        for widget in (question, self.values, rest, without_icons(buttons)):
            layout.addWidget(widget)
        self.resize(640, 280)
        self.keep_button.clicked.connect(self._keep_mine)
        self.other_button.clicked.connect(self._use_theirs)
        buttons.rejected.connect(self.reject)

    def _keep_mine(self) -> None:
        self._decide("mine")

    def _use_theirs(self) -> None:
        self._decide("theirs")

    def _decide(self, prefer: Side) -> None:
        self.accept()
        self.decided.emit(Decision(prefer, self._conflicts))


def _both_in_words(conflict: Conflict) -> tuple[str, str]:
    both = (conflict.mine, conflict.theirs)
    if not conflict.path and None in both:
        mine, theirs = (tr("removed") if value is None else tr("changed") for value in both)
    else:
        mine, theirs = map(_in_words, both)
    return mine, theirs


def _in_words(value: Any) -> str:
    match value:
        case None:
            return tr("not set")
        case True:
            return tr("yes")
        case False:
            return tr("no")
        case Mapping():
            return ", ".join(f"{name} = {_in_words(each)}" for name, each in value.items())
        case list() | tuple():
            return ", ".join(map(_in_words, value))
        case _:
            return str(value)
