"""What the planner does about events that cross: a stop and an end, a pause and due times, sleep and answers."""

from datetime import timedelta

import pytest

from tests.schedule.driving import Driver
from tests.schedule.fakes import BERLIN, NOW, MemoryStates, World, endpoint, report
from trayapp.endpoints.model import After, Endpoint, Settings, When
from trayapp.schedule.conditions.machine import IDLE
from trayapp.schedule.engine.planner import Planner
from trayapp.store.bookkeeping.endpoint_states import EndpointRow
from trayapp.sync.cancel import BY_USER

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


def planner(*endpoints: Endpoint) -> Planner:
    made = Planner({}, None, {}, BERLIN, lambda: 0.5)
    made.apply_settings(Settings(endpoint=endpoints), NOW)
    made.take(NOW)
    return made


def skipped(world: World) -> list[str]:
    return [run.endpoint for run in world.states.runs if run.status == "skipped"]


def test_a_run_that_ended_just_before_it_was_to_be_stopped_is_not_stopped() -> None:
    made = planner(endpoint("a", manual=True))
    made.sync_now(["a"], False, NOW)
    assert [start.endpoint.id for start in made.take(NOW).start] == ["a"]
    assert made.stop("a", BY_USER, NOW)
    made.finished("a", report("a"), NOW)
    assert made.take(NOW).cancel == ()


def test_nothing_is_saved_of_an_endpoint_that_was_just_removed() -> None:
    made = planner(endpoint("a", manual=True), endpoint("b", manual=True))
    made.sync_now(["a", "b"], False, NOW)
    made.apply_settings(Settings(endpoint=(endpoint("b", manual=True),)), NOW)
    assert [row.id for row in made.take(NOW).save] == ["b"]


def test_what_is_noted_of_a_run_elsewhere_keeps_what_it_does_not_tell() -> None:
    made = planner(endpoint("a", manual=True))
    made.note(report("a", rows=7, held=3))
    made.note(report("a", held=2))
    made.note(report("unknown", rows=7))
    (row,) = made.take(NOW).save
    assert (row.rows, row.held, row.last_attempt) == (7, 2, None)


def test_answers_from_before_sleep_do_not_come_back_with_the_next_condition() -> None:
    made = planner(endpoint("a", manual=True))
    made.update_conditions({"answers": {IDLE: 1e9}}, NOW)
    made.woke_up(NOW + DAY, DAY)
    made.update_conditions({"on_battery": True}, NOW + DAY)
    assert made.conditions.answers == {}


def test_what_fell_due_in_a_pause_does_not_start_at_once() -> None:
    ids = [f"e{number}" for number in range(4)]
    before = NOW - 59 * MINUTE
    rows = [EndpointRow(id=id, last_enqueued=before, last_attempt=before, next_due=NOW + MINUTE) for id in ids]
    w = World(Settings(endpoint=tuple(endpoint(id, every="1h") for id in ids)), states=MemoryStates(*rows))
    w.pause()
    w.live(5 * MINUTE)
    assert w.started == []
    w.turn(w.planner.resume)
    w.live(MINUTE)
    moments = {at for at, _ in w.started}
    assert (len(w.started), len(moments) > 1) == (4, True)


def test_a_parent_that_has_to_make_way_skips_nobody() -> None:
    parent = endpoint("p", every="1h", when=When(power="ac"))
    w = Driver(Settings(endpoint=(parent, endpoint("c", after=After(endpoint="p")))), run_seconds=60)
    w.initial_delay_met("p")
    assert w.is_running("p")
    w.be(on_battery=True)
    assert w.cancelled
    assert "c" not in skipped(w)
    w.be(on_battery=False)
    w.live(5 * MINUTE)
    assert [id for _, id in w.started] == ["p", "p", "c"]


def test_a_run_that_is_held_back_is_recorded_once_each_time_it_falls_due() -> None:
    row = EndpointRow(id="a", last_enqueued=NOW - DAY, last_attempt=NOW - DAY, next_due=NOW + MINUTE)
    daily = endpoint("a", at=["14:01"], when=When(power="ac"))
    w = World(Settings(endpoint=(daily,)), states=MemoryStates(row))
    w.be(on_battery=True)
    w.live(5 * MINUTE)
    assert skipped(w) == ["a"]
    w.be(on_battery=True, online=True)
    w.live(5 * MINUTE)
    assert skipped(w) == ["a"], "it is the same one"
    w.apply(endpoint("a", manual=True))
    w.apply(endpoint("a", at=["14:30"], when=When(power="ac")))
    w.live(10 * MINUTE)
    assert skipped(w) == ["a"], "it is not due any more"
    w.live(20 * MINUTE)
    assert skipped(w) == ["a", "a"]


@pytest.mark.parametrize("full", [(True, False), (False, True)])
def test_a_run_for_two_wishes_does_what_both_want(full: tuple[bool, bool]) -> None:
    made = planner(endpoint("a", manual=True))
    made.sync_now(["a"], False, NOW)
    made.take(NOW)
    for each in full:
        assert made.sync_now(["a"], each, NOW, "append") == {"a"}
    made.finished("a", report("a"), NOW)
    (start,) = made.take(NOW).start
    assert start.wish.full


def test_a_scheduled_run_that_waits_for_a_worker_is_taken_off_the_queue_with_what_follows_it() -> None:
    before = NOW - 59 * MINUTE
    ids = [f"e{number}" for number in range(5)]
    rows = [EndpointRow(id=id, last_enqueued=before, last_attempt=before, next_due=NOW + MINUTE) for id in ids]
    settings = Settings(endpoint=(*(endpoint(id, every="1h") for id in ids), endpoint("c", after=After(endpoint="e4"))))
    w = World(settings, states=MemoryStates(*rows), run_seconds=600)
    w.live(5 * MINUTE)
    (waits,) = set(ids) - {id for _, id in w.started}
    w.apply(*(endpoint(id, every="1h") for id in ids), endpoint("c", after=After(endpoint=waits)))
    stopped: list[bool] = []
    w.turn(lambda now: stopped.append(w.planner.stop(waits, BY_USER, now)))
    w.turn(lambda now: stopped.append(w.planner.stop(waits, BY_USER, now)))
    assert stopped == [True, False]
    assert skipped(w) == ["c"]
    w.live(50 * MINUTE)
    assert waits not in [id for _, id in w.started]
    w.live(30 * MINUTE)
    assert waits in [id for _, id in w.started]


def test_what_is_off_does_not_catch_up_on_a_start_of_the_program() -> None:
    off = endpoint("a", at=["09:00"], at_start=True, enabled=False)
    made = planner(off)
    made.program_started(NOW)
    made.apply_settings(Settings(endpoint=(endpoint("a", at=["09:00"], at_start=True),)), NOW + MINUTE)
    made.wake(["a"], NOW + 2 * MINUTE)
    assert made.take(NOW + 2 * MINUTE).start == ()


def test_what_changes_nothing_is_not_saved_and_wakes_nobody() -> None:
    made = planner(endpoint("a", at=["09:00"]))
    assert "a" in made.moved
    made.note(report("a", rows=7))
    assert made.take(NOW).save
    made.moved.clear()
    made.changed.clear()
    made.note(report("a", rows=7))
    made.check_all(NOW)
    assert (made.take(NOW).save, made.changed) == ((), set())
    made.moved.clear()
    made.set_zone(BERLIN, NOW)
    assert made.moved == set()
    made.apply_settings(Settings(endpoint=(endpoint("a", at=["10:00"]),)), NOW)
    assert made.moved == {"a"}
