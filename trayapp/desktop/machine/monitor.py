"""Answers the scheduler's questions about the machine, in a thread of its own, as long as there are any."""

import logging
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed

from trayapp.desktop.machine import programs
from trayapp.desktop.machine.fullscreen import fullscreen
from trayapp.desktop.machine.idle import idle_seconds
from trayapp.desktop.machine.reachable import reachable
from trayapp.desktop.machine.wifi import wifi_name
from trayapp.endpoints.units import HostPort
from trayapp.schedule.conditions.machine import FULLSCREEN, IDLE, WIFI, Answers, Question

log = logging.getLogger(__name__)

EVERY = 30.0
"""Seconds between two answers while an endpoint waits."""
EVERY_RUNNING = 10.0
"""The same while a run depends on them."""
_CONNECTIONS = 8


def answers(questions: Iterable[Question], told: Callable[[Answers], None] = lambda _: None) -> Answers:
    """The machine's answers. May take seconds: `told` is called with the quick ones first, then as others come in."""
    wanted = frozenset(questions)
    names = [each.about for each in wanted if each.kind == "program"]
    found: dict[Question, float | str | bool | None] = {}
    sources: tuple[tuple[Question, Callable[[], float | str | bool | None]], ...] = (
        (IDLE, idle_seconds),
        (WIFI, wifi_name),
        (FULLSCREEN, fullscreen),
    )
    found.update((question, ask()) for question, ask in sources if question in wanted)
    if names:
        found.update((Question("program", name), runs) for name, runs in programs.running(names).items())
    if servers := [each for each in wanted if each.kind == "server"]:
        told(dict(found))
        with ThreadPoolExecutor(_CONNECTIONS, thread_name_prefix="monitor") as pool:
            asked = {pool.submit(reachable, HostPort.parse(each.about)): each for each in servers}
            for done in as_completed(asked):
                found[asked[done]] = done.result()
                told(dict(found))
    return found


class MachineMonitor:
    """Answers the questions last given to `ask`, again and again, by calling `tell` in this object's thread."""

    def __init__(self, tell: Callable[[Answers], None], look: Callable[..., Answers] = answers) -> None:
        self._tell = tell
        self._look = look
        self._changed = threading.Condition()
        self._wanted: frozenset[Question] = frozenset()
        self._every = EVERY
        self._now = False
        self._closed = False
        self._thread: threading.Thread | None = None

    def ask(self, questions: frozenset[Question], running: bool) -> None:
        """Answer these, now and repeatedly; no questions: pause. `running`: a run depends on the answers."""
        with self._changed:
            self._wanted = questions
            self._every = EVERY_RUNNING if running else EVERY
            self._now = True
            self._changed.notify()
            if self._thread is None and questions:
                self._thread = threading.Thread(target=self._run, name="monitor", daemon=True)
                self._thread.start()

    def again(self) -> None:
        """Answer at once: something has changed."""
        with self._changed:
            self._now = bool(self._wanted)
            self._changed.notify()

    def close(self) -> None:
        """End the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._now or self._closed, self._every if self._wanted else None)
                if self._closed:
                    return
                self._now, wanted = False, self._wanted
            try:
                self._tell(self._look(wanted, self._tell))
            except Exception:
                # The scheduler goes on without these answers. The thread must go on too, or runs would wait forever.
                log.exception("The machine can't be asked")
