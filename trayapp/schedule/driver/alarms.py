"""APScheduler as an alarm clock.

Not APScheduler's QtScheduler: in PySide6 QTimer.singleShot() returns None, so that it never cancels a timer, and a
job added from another thread never fires.
"""

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime

from apscheduler.executors.debug import DebugExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.base import STATE_STOPPED
from apscheduler.schedulers.blocking import BlockingScheduler
from apscheduler.triggers.base import BaseTrigger


class Once(BaseTrigger):  # type: ignore[misc]  # APScheduler is untyped
    """The trigger of a job whose only time is its explicit next_run_time: nothing to compute, however late it is."""

    __slots__ = ()

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> None:
        """There is no further time."""


_ONCE = Once()


class Alarms(BlockingScheduler):  # type: ignore[misc]  # APScheduler is untyped
    """APScheduler as an alarm clock: one job per key, that only notes down the key when its time has come.

    The loop calls `turn`, which must not raise, at every wake-up, and waits for as many seconds as it answers, None:
    until `wakeup`. APScheduler's own loop and `_process_jobs` are not used: an exception in them ends the thread while
    `running` stays true (an error of the job store or a shutdown at the wrong moment is enough), they drop runs that
    are late, and they know no time but the system's.
    """

    def __init__(self, turn: Callable[[], float | None]) -> None:
        quiet = logging.getLogger(f"{__name__}.alarms")
        quiet.setLevel(logging.WARNING)  # it tells of every job that is added, which is every due time
        super().__init__(executors={"default": DebugExecutor()}, timezone=UTC, logger=quiet)
        self._turn = turn
        self._event = threading.Event()
        self._loop_thread: int | None = None
        self._rang: list[str] = []

    def set(self, key: str, at: datetime | None) -> None:
        """Ring at that time and no other; None: not at all."""
        try:
            if at is None:
                self.remove_job(key)
            else:
                self.modify_job(key, next_run_time=at)
        except JobLookupError:
            if at is not None:
                self.add_job(
                    self._ring,
                    _ONCE,
                    (key,),
                    id=key,
                    name=key or "pause",
                    misfire_grace_time=None,
                    coalesce=True,
                    max_instances=1,
                    next_run_time=at,
                )

    def next(self) -> datetime | None:
        """When the first one rings."""
        with self._jobstores_lock:
            at: datetime | None = self._lookup_jobstore("default").get_next_run_time()
        return at

    def ringing(self, now: datetime) -> tuple[str, ...]:
        """The keys whose time has come, however late, each once; their jobs are gone."""
        with self._jobstores_lock:
            store = self._lookup_jobstore("default")
            for job in store.get_due_jobs(now):
                store.remove_job(job.id)
                job.func(*job.args)
        rang, self._rang = self._rang, []
        return tuple(rang)

    def wakeup(self) -> None:
        """Interrupt the wait. The loop's own changes need not: it asks for the next alarm before it waits."""
        if threading.get_ident() != self._loop_thread:
            self._event.set()

    def _ring(self, key: str) -> None:
        self._rang.append(key)

    def _main_loop(self) -> None:
        self._loop_thread = threading.get_ident()
        while self.state != STATE_STOPPED:
            wait = self._turn()
            self._event.wait(wait)
            self._event.clear()
