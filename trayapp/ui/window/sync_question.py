"""Asks before *Sync now* starts what its constraints hold back."""

from PySide6.QtCore import QObject
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QCheckBox, QMessageBox

from trayapp.messages import tr
from trayapp.ui.backend import Backend, SyncQuestion
from trayapp.ui.widgets.plain import message_box
from trayapp.visible import elided


class SyncQuestions(QObject):
    """Opens a box, not over any window: the question may come from the tray's menu. One at a time, the newest."""

    def __init__(self, backend: Backend, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._backend = backend
        self.box: QMessageBox | None = None
        self._question: SyncQuestion | None = None
        backend.sync_question.connect(self._ask)

    def _ask(self, question: SyncQuestion) -> None:
        if self.box is not None:
            self.box.close()
        text = tr("{reasons}. Sync anyway?", reasons="; ".join(question.words))
        answers = QMessageBox.StandardButton.Yes | QMessageBox.StandardButton.Cancel
        names = {each.id: elided(each.name or each.id, 60) for each in self._backend.settings().endpoint}
        waiting = ", ".join(names.get(id, id) for id in question.ids[:5]) + (", …" if len(question.ids) > 5 else "")
        detail = tr("By its own settings this waits: {names}", names=waiting)
        box = message_box(QMessageBox.Icon.Question, "TraySync", text, detail, answers)
        box.setObjectName("syncQuestion")
        box.setCheckBox(QCheckBox(tr("&Don't ask about this again"), box))
        box.button(QMessageBox.StandardButton.Yes).setText(tr("&Sync anyway"))
        box.setDefaultButton(QMessageBox.StandardButton.Cancel)
        for button in box.buttons():
            button.setIcon(QIcon())
        box.finished.connect(self._answered)  # a lambda that holds the box would be let go in its own destructor
        self.box, self._question = box, question
        box.show()
        box.raise_()
        box.activateWindow()

    def _answered(self, answer: int) -> None:
        box, question, self.box, self._question = self.box, self._question, None, None
        if box is None or question is None:
            return
        box.deleteLater()
        if answer == QMessageBox.StandardButton.Yes:
            self._backend.sync_anyway(question, not box.checkBox().isChecked())
