"""Slow work beside the GUI thread, its result brought back into it."""

import logging
import threading
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, Signal, Slot

from trayapp.errors import problem_of

log = logging.getLogger(__name__)


class Background(QObject):
    """Runs functions in daemon threads: the program never waits for one at its end."""

    _done = Signal(object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._done.connect(self._finish)

    def run(self, work: Callable[[], Any], then: Callable[[Any], None]) -> None:
        """Call `work` in a thread and then `then` in the GUI thread, with its result or the Problem that it met."""

        def body() -> None:
            try:
                result = work()
            except Exception as error:
                # Shown instead of lost: nobody else would see an exception of a thread.
                result = problem_of(error)
                if result.code == "bug":
                    log.exception("Background work failed")
            try:
                self._done.emit(then, result)
            except RuntimeError:
                log.debug("the program ended before its background work did")

        threading.Thread(target=body, name="background", daemon=True).start()

    @Slot(object, object)
    def _finish(self, then: Callable[[Any], None], result: Any) -> None:
        then(result)
