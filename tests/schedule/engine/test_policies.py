"""What becomes of a run that is asked for while the endpoint runs, of a stop, and of new settings that start anew."""

from datetime import timedelta

import pytest

from tests.schedule.driving import Driver
from tests.schedule.fakes import NOW, endpoint, report
from trayapp.endpoints.model import Settings
from trayapp.schedule.engine.actions import IfRunning
from trayapp.schedule.engine.queue import Wish
from trayapp.sync.cancel import BY_USER
from trayapp.sync.report import Report


class Watched(Driver):
    """A world whose first run of "a" is under way, and that remembers which runs compared every record."""

    def __post_init__(self) -> None:
        self.full: list[bool] = []
        super().__post_init__()

    def on_start(self, id: str) -> None:
        self.full.append((self.planner._running[id].item.wish or Wish()).full)

    def ask(self, if_running: IfRunning, *, full: bool = False) -> frozenset[str]:
        again: list[frozenset[str]] = []
        self.turn(lambda now: again.append(self.planner.sync_now(["a"], full, now, if_running)))
        return again[0]

    def stop(self, id: str = "a") -> bool:
        found: list[bool] = []
        self.turn(lambda now: found.append(self.planner.stop(id, BY_USER, now)))
        return found[0]


@pytest.fixture
def w() -> Watched:
    w = Watched(Settings(endpoint=(endpoint("a", manual=True),)), run_seconds=60)
    w.sync("a")
    assert len(w.started) == 1
    return w


def test_keep_starts_nothing_beside_the_present_run(w: Watched) -> None:
    assert w.ask("keep") == frozenset()
    w.live(timedelta(minutes=10))
    assert (len(w.started), w.cancelled) == (1, [])


def test_append_runs_once_more_after_the_present_run_however_often_it_is_asked_for(w: Watched) -> None:
    assert w.ask("append") == {"a"}
    assert w.ask("append") == {"a"}
    w.live(timedelta(minutes=10))
    first, second = w.runs("a")
    assert second == first + timedelta(minutes=1)
    assert w.cancelled == []


def test_replace_stops_the_present_run_with_its_reason_and_starts_a_new_one_at_once(w: Watched) -> None:
    assert w.ask("replace") == {"a"}
    assert w.cancelled == [("a", "replaced by a new run")]
    assert [at for at, _ in w.started] == [NOW, NOW]
    assert w.planner._entries["a"].row.attempts == 1
    w.live(timedelta(minutes=10))
    assert len(w.started) == 2


def test_a_full_run_follows_a_present_one_that_is_not_full(w: Watched) -> None:
    assert w.ask("keep", full=True) == {"a"}
    w.live(timedelta(seconds=70))
    assert w.full == [False, True]
    assert w.ask("keep", full=True) == frozenset()
    w.live(timedelta(minutes=10))
    assert len(w.started) == 2


def test_a_run_that_is_being_stopped_is_not_the_one_that_was_asked_for(w: Watched) -> None:
    w.planner.stop("a", BY_USER, NOW)
    assert w.planner.sync_now(["a"], False, NOW) == {"a"}
    w.turn()
    assert w.cancelled == [("a", "stopped by the user")]
    assert len(w.started) == 2


def test_a_run_that_waits_serves_whoever_asks(w: Watched) -> None:
    others = tuple(endpoint(f"e{number}", manual=True) for number in range(4))
    w.apply(endpoint("a", manual=True), *others)
    w.sync(*(each.id for each in others))
    waiting = ({each.id for each in others} - {id for _, id in w.started}).pop()
    for policy in ("keep", "replace", "append"):
        assert w.planner.sync_now([waiting], False, w.clock.now(), policy) == frozenset()
    w.live(timedelta(minutes=10))
    assert len(list(w.runs(waiting))) == 1


def test_stop_takes_back_what_was_appended(w: Watched) -> None:
    w.ask("append")
    assert w.stop()
    assert w.cancelled == [("a", "stopped by the user")]
    assert w.refused == [("a", "stopped by the user")]
    w.live(timedelta(minutes=10))
    assert len(w.started) == 1
    assert w.planner._entries["a"].row.stop_code == "user"
    assert not w.stop()


def test_stop_overrules_what_was_to_follow_a_lost_constraint(w: Watched) -> None:
    w.planner.update_conditions({"online": False}, NOW)
    w.planner.stop("a", BY_USER, NOW)
    w.turn()
    assert w.cancelled == [("a", "no network")]
    w.be(online=True)
    w.live(timedelta(minutes=10))
    assert len(w.started) == 1


def test_who_waits_for_an_appended_run_hears_once_that_it_is_held_back(w: Watched) -> None:
    w.ask("append")
    w.planner.update_conditions({"online": False}, NOW)
    w.turn()
    assert w.refused == [("a", "no network")]
    w.stop()
    assert w.refused == [("a", "no network")]


def test_who_waits_for_an_appended_run_hears_that_its_endpoint_is_gone(w: Watched) -> None:
    w.ask("append")
    w.apply()
    assert w.refused == [("a", "the endpoint was removed")]


def test_new_settings_let_the_present_run_end_and_count_from_the_next(w: Watched) -> None:
    w.apply(endpoint("a", every="10m"))
    assert (w.cancelled, w.planner.status("a", None).generation) == ([], 1)
    w.live(timedelta(minutes=11))
    assert len(w.started) == 2


def test_a_restart_stops_the_present_run_and_runs_anew_on_the_new_settings(w: Watched) -> None:
    w.apply(endpoint("a", manual=True, url="http://new.test/"))
    w.turn(lambda now: w.planner.restart("a", now))
    assert w.cancelled == [("a", "the settings changed")]
    assert len(w.started) == 2
    assert w.planner._running["a"].endpoint.url == "http://new.test/"


def test_a_restart_forgets_what_failed_and_waits_for_constraints() -> None:
    def failing(id: str, now: object) -> Report:
        return report(id, "failed")

    w = Driver(Settings(endpoint=(endpoint("a", every="1h"),)), outcome=failing)
    w.initial_delay_met("a")
    w.period_delay_met("a")
    w.live(timedelta(seconds=2))
    assert w.planner.status("a", None).attempts == 2
    w.pause()
    w.turn(lambda now: w.planner.restart("a", now))
    status = w.planner.status("a", None)
    assert (status.attempts, status.problem, str(status.blocked_by)) == (0, None, "paused")
    w.all_constraints_met("a")
    assert len(w.started) == 3
