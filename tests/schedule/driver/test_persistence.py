"""The state in a real file, and the saver that writes it."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.patience import SECONDS, until
from tests.problems import problem
from tests.schedule.fakes import NOW, MemoryStates
from trayapp.messages import say
from trayapp.schedule.driver.persistence import Change, Saver, StoredStates
from trayapp.store.bookkeeping.endpoint_states import EndpointRow
from trayapp.store.bookkeeping.history import RunRow, list_runs
from trayapp.store.bookkeeping.pause import Pause, load_pause, save_pause
from trayapp.store.file.database import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "traysync.db")
    yield store
    store.close()


ROW = EndpointRow(id="a", attempts=2, last_attempt=NOW, next_due=NOW + timedelta(seconds=1.5), problem=problem("x"))
RUN = RunRow(endpoint="a", name="A", started=NOW, finished=NOW, status="skipped", reason=say("no network"))


def test_everything_comes_back(store: Store) -> None:
    states = StoredStates(store)
    assert states.load().states == {}
    assert states.load().pause is None
    failed = RunRow(endpoint="a", name="A", started=NOW, finished=NOW, status="failed")
    states.save(Change(rows=(ROW,), runs=(failed, RUN), pause=Pause(NOW), pause_changed=True))
    saved = states.load()
    assert saved.states == {"a": ROW}
    assert saved.pause == Pause(NOW)
    assert saved.recent == {"a": ("failed",)}
    with store.reading() as db:
        assert [str(run.reason) for run in list_runs(db)] == ["no network", ""]


@pytest.mark.parametrize("pause", [None, Pause(None), Pause(NOW)])
def test_a_pause_comes_back(store: Store, pause: Pause | None) -> None:
    with store.writing() as db:
        save_pause(db, Pause(NOW - timedelta(days=1)))
        save_pause(db, pause)
        assert load_pause(db) == pause


def test_a_change_without_the_pause_leaves_it(store: Store) -> None:
    states = StoredStates(store)
    states.save(Change(pause=Pause(None), pause_changed=True))
    states.save(Change(rows=(ROW,)))
    assert states.load().pause == Pause(None)


class SlowStates(MemoryStates):
    """A disk that waits for a word before each write."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Semaphore(0)
        self.writing = threading.Event()

    def save(self, change: Change) -> None:
        self.writing.set()
        assert self.go.acquire(timeout=SECONDS)
        super().save(change)


def test_the_newest_state_is_written_and_older_ones_left_out() -> None:
    states = SlowStates()
    saver = Saver(states)
    saver.start()
    saver.save([EndpointRow(id="a", attempts=0)])
    assert states.writing.wait(SECONDS)
    for attempts in range(1, 100):
        saver.save([EndpointRow(id="a", attempts=attempts)], [RUN])
    saver.save_pause(Pause(NOW))
    saver.save_pause(Pause(None))
    states.go.release(2)
    assert saver.close(SECONDS)
    assert states.states["a"].attempts == 99
    assert states.saves == 2
    assert len(states.runs) == 99
    assert states.pause == Pause(None)


def test_a_failed_write_is_made_up_for_and_does_not_undo_newer_states(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Saver, "RETRY", 0.01)
    states = SlowStates()
    states.fail_with = OSError("disk full")
    saver = Saver(states)
    saver.start()
    saver.save([EndpointRow(id="a", attempts=1), EndpointRow(id="b")], [RUN])
    saver.save_pause(Pause(NOW))
    assert states.writing.wait(SECONDS)
    saver.save([EndpointRow(id="a", attempts=2)])
    saver.save_pause(Pause(None))
    states.writing.clear()
    states.go.release()
    assert states.writing.wait(SECONDS)
    states.fail_with = None
    states.go.release(9)
    assert saver.close(SECONDS)
    assert {id: row.attempts for id, row in states.states.items()} == {"a": 2, "b": 0}
    assert states.pause == Pause(None)
    assert states.runs == [RUN]


def test_a_saver_that_cannot_write_can_be_closed(caplog: Any) -> None:
    states = MemoryStates()
    states.fail_with = OSError("disk full")
    saver = Saver(states)
    saver.start()
    saver.save([ROW])
    until(lambda: "could not be saved" in caplog.text)
    assert saver.close(SECONDS)
    assert states.states == {}


def test_closing_does_not_wait_for_ever() -> None:
    states = SlowStates()
    saver = Saver(states)
    saver.start()
    saver.save([ROW])
    assert not saver.close(0.05)
    states.go.release()
    assert saver.close(SECONDS)


def test_a_saver_that_never_started_can_be_closed() -> None:
    assert Saver(MemoryStates()).close(SECONDS)
