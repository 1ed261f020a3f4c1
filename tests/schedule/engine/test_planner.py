"""The planner in virtual time: reboots, sleep, wrong clocks, pauses, constraints, a year of it."""

import random
import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from tests.patience import quickest_cpu
from tests.schedule.fakes import BERLIN, NOW, FakeClock, MemoryStates, World, endpoint, report
from trayapp.endpoints.model import Endpoint, General, Limits, Retry, Settings, When
from trayapp.endpoints.units import Duration, HostPort, Size, TimeOfDay
from trayapp.schedule.conditions.machine import FULLSCREEN, IDLE, WIFI, Conditions, Question, program, server
from trayapp.schedule.engine.planner import Planner
from trayapp.store.bookkeeping.endpoint_states import EndpointRow
from trayapp.sync.cancel import BY_USER
from trayapp.sync.report import Report

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
MOMENT = timedelta(seconds=65)
"""Settling, spreading and the coarsest wait near an alarm."""


def world(*endpoints: Endpoint, **fields: Any) -> World:
    return World(Settings(endpoint=endpoints), **fields)


def known(
    id: str = "a", last: datetime = NOW - HOUR / 2, due: datetime = NOW + HOUR / 2, **fields: Any
) -> MemoryStates:
    """A disk that knows one endpoint."""
    return MemoryStates(EndpointRow(id=id, last_enqueued=last, last_attempt=last, next_due=due, **fields))


class Late(World):
    """Its loop wakes up some seconds late each time, as a busy machine's does."""

    def rest(self) -> None:
        super().rest()
        self.rings += 5


@pytest.mark.parametrize("kind", [World, Late])
def test_hourly_runs_keep_their_phase_for_a_month(kind: type[World]) -> None:
    w = kind(Settings(endpoint=(endpoint("a"),)))
    w.live(DAY * 30)
    runs = list(w.runs("a"))
    assert len(runs) in {720, 721}
    assert all(later - earlier == HOUR for earlier, later in pairwise(runs))


def test_a_daily_endpoint_on_a_machine_that_is_rebooted_daily_runs_every_day() -> None:
    w = world(endpoint("a", every="1d"), endpoint("b", at=["03:00"]))
    for _ in range(14):
        w.live(timedelta(hours=8))
        w.clock.sleep(timedelta(hours=16))
        w.boot()
    w.live(MOMENT)
    for id in "ab":
        runs = [at.date() for at in w.runs(id)]
        assert len(runs) in {14, 15}, id
        assert len(set(runs)) == len(runs)


def test_an_endpoint_that_runs_at_each_start_does_not_run_twice_a_day() -> None:
    w = world(endpoint("a", every="1d"))
    for _ in range(20):
        w.live(timedelta(minutes=30))
        w.boot()
    assert len(list(w.runs("a"))) == 1


def test_a_night_asleep_is_caught_up_once_and_not_before_the_network_is_up() -> None:
    w = world(*(endpoint(f"e{number}", every="1h") for number in range(20)))
    w.live(timedelta(minutes=30))
    w.started.clear()
    w.clock.sleep(timedelta(hours=8.5))
    woke = w.clock.now()
    w.live(timedelta(minutes=10))
    assert sorted(id for _, id in w.started) == sorted(w.planner.endpoints)
    times = sorted(at for at, _ in w.started)
    noticed = times[0] - woke
    assert timedelta(seconds=5) <= noticed <= timedelta(minutes=5, seconds=30)
    assert times[-1] - times[0] > timedelta(seconds=10)


def test_sleep_is_noticed_within_half_a_minute_if_something_is_due_soon() -> None:
    w = world(endpoint("a"), states=known(last=NOW - timedelta(minutes=51), due=NOW + timedelta(minutes=9)))
    w.live(timedelta(seconds=10))
    w.clock.sleep(timedelta(hours=8.5))
    w.live(MOMENT)
    assert len(w.started) == 1


def test_thirty_days_off_are_caught_up_once_at_once() -> None:
    specs = [endpoint(f"e{number}", every="1m") for number in range(100)]
    w = world(*specs, run_seconds=0.5)
    w.live(timedelta(minutes=10))
    w.started.clear()
    w.clock.sleep(DAY * 30)
    assert quickest_cpu(w.boot, 0.5) < 0.5
    assert not w.started
    w.live(timedelta(seconds=50))
    assert sorted(id for _, id in w.started) == sorted(w.planner.endpoints)


def test_a_clock_set_back_an_hour_delays_nothing() -> None:
    w = world(endpoint("a"), endpoint("b", at=["14:45"]), states=known())
    w.live(timedelta(minutes=10))
    w.clock.sleep(-HOUR)
    before = w.clock.monotonic()
    w.live(timedelta(minutes=25))
    assert [id for _, id in w.started] == ["a"]
    assert w.clock.monotonic() - before <= 25 * 60
    assert w.started[0][0] == NOW - HOUR / 2
    w.live(timedelta(minutes=80))
    assert next(w.runs("b")) == NOW + timedelta(minutes=45)


def test_a_clock_set_forward_makes_due_what_it_passed() -> None:
    w = world(endpoint("a"), endpoint("b", at=["14:45"]), endpoint("c", every="1d"), states=known())
    w.live(timedelta(minutes=10))
    w.started.clear()
    w.clock.sleep(HOUR)
    w.live(MOMENT)
    assert sorted(id for _, id in w.started) == ["a", "b"]


def test_a_clock_set_back_while_overdue_runs_are_held_back_or_running() -> None:
    w = world(
        endpoint("a", limits=Limits(run=Duration(1800))),
        states=known(last=NOW - HOUR * 2, due=NOW - HOUR),
        run_seconds=1900,
    )
    w.clock.sleep(-HOUR)
    w.live(timedelta(seconds=40))
    assert [id for _, id in w.started] == ["a"]
    w.clock.sleep(-HOUR)
    w.live(timedelta(minutes=31))
    assert w.cancelled == [("a", "took longer than 30m")]


def test_a_time_limit_does_not_count_sleep() -> None:
    w = world(endpoint("a", limits=Limits(run=Duration(1800))), states=known(), run_seconds=1200)
    w.live(timedelta(minutes=35))
    assert w.started
    w.clock.sleep(timedelta(hours=8))
    w.live(timedelta(minutes=30))
    assert not w.cancelled


def test_a_time_limit_counts_waking_time() -> None:
    w = world(endpoint("a", limits=Limits(run=Duration(1800))), states=known(), run_seconds=1900)
    w.live(timedelta(minutes=61))
    assert w.cancelled == [("a", "took longer than 30m")]


def test_a_pause_survives_a_restart_and_wakes_by_itself() -> None:
    w = world(endpoint("a"), states=known())
    w.pause(NOW + timedelta(hours=3))
    w.live(HOUR)
    w.boot()
    w.live(timedelta(minutes=119))
    assert not w.started
    assert [(run.status, str(run.reason)) for run in w.states.runs] == [("skipped", "paused until 17:00")]
    w.live(timedelta(minutes=2))
    assert [id for _, id in w.started] == ["a"]
    assert w.states.pause is None


def test_a_pause_lets_a_run_end() -> None:
    w = world(endpoint("a"), states=known(), run_seconds=600)
    w.live(timedelta(minutes=31))
    w.pause()
    w.live(timedelta(hours=5))
    assert not w.cancelled
    assert len(w.started) == 1


def test_sync_now_jumps_the_queue_in_spite_of_all_wishes() -> None:
    night = When(
        between=(TimeOfDay.parse("22:00"), TimeOfDay.parse("06:00")),
        network="unmetered",
        power="ac",
        battery_above=50,
        idle=Duration(600),
    )
    w = world(*(endpoint(f"e{number}", when=night, manual=True) for number in range(3)))
    w.pause()
    w.be(online=True, metered=True, on_battery=True, battery_percent=5.0, answers={IDLE: 0.0})
    w.sync("e1")
    w.sync("e1", "e9")
    w.sync("e1")
    w.live(HOUR)
    assert [id for _, id in w.started] == ["e1"]


@pytest.mark.parametrize(
    ("bad", "good", "reason"),
    [
        ({"online": False}, {"online": True}, "no network"),
        ({"disk_free": 2**20}, {"disk_free": 2**31}, "only 1 MiB free"),
    ],
)
def test_sync_now_waits_for_what_no_run_can_do_without(bad: Any, good: Any, reason: str) -> None:
    w = world(endpoint("a", manual=True, when=When(network="unmetered", disk_free=Size(2**30))))
    w.be(metered=True, **bad)
    w.sync("a")
    assert w.refused == [("a", reason)]
    w.live(MOMENT)
    assert not w.started
    assert str(w.planner.status("a", None).blocked_by) == reason
    w.be(metered=True, **good)
    w.live(MOMENT)
    assert [id for _, id in w.started] == ["a"]


def test_sync_now_of_a_local_server_needs_no_network() -> None:
    w = world(endpoint("a", manual=True, url="http://[::1]/"))
    w.be(online=False)
    w.sync("a")
    assert [id for _, id in w.started] == ["a"]
    assert w.refused == []


def test_a_wished_run_that_loses_the_network_goes_on_when_it_is_back() -> None:
    w = world(endpoint("a", manual=True, when=When(network="unmetered")), run_seconds=600)
    w.be(online=True, metered=True)
    w.sync("a")
    w.be(online=True, metered=True, on_battery=True)
    assert w.cancelled == []
    w.be(online=False)
    assert w.cancelled == [("a", "no network")]
    w.be(online=True, metered=True)
    w.live(MOMENT)
    assert len(w.started) == 2


def test_a_wish_that_waits_can_be_taken_back() -> None:
    w = world(endpoint("a", manual=True))
    w.be(online=False)
    w.sync("a")
    w.turn(lambda now: w.planner.stop("a", BY_USER, now))
    w.be(online=True)
    w.live(MOMENT)
    assert not w.started
    assert str(w.planner.status("a", None).blocked_by) == ""


def test_a_sync_now_that_did_not_start_is_not_lost_with_the_program() -> None:
    w = world(*(endpoint(f"e{number}", manual=True) for number in range(6)))
    w.sync()
    assert len(w.started) == 4
    w.boot()
    w.live(MOMENT * 2)
    assert {id for _, id in w.started} == {f"e{number}" for number in range(6)}


def test_a_lost_network_stops_the_run_and_a_new_one_starts_it_again_after_a_moment() -> None:
    w = world(endpoint("a"), endpoint("b", url="http://127.0.0.1/"), states=known(), run_seconds=600)
    w.live(timedelta(minutes=31))
    w.be(online=False)
    assert w.cancelled == [("a", "no network")]
    assert str(w.planner.status("a", None).blocked_by) == "no network"
    w.live(timedelta(minutes=30))
    back = w.clock.now()
    w.be(online=True)
    w.started.clear()
    w.live(timedelta(seconds=30))
    assert [id for _, id in w.started] == ["a"]
    assert timedelta(seconds=5) <= w.started[0][0] - back <= timedelta(seconds=7)
    assert w.planner.status("a", None).attempts == 1


def test_a_flapping_network_is_one_skipped_run() -> None:
    w = world(endpoint("a"), states=known())
    w.be(online=False)
    w.live(timedelta(minutes=31))
    for _ in range(5):
        w.be(online=True)
        w.live(timedelta(seconds=3))
        w.be(online=False)
        w.live(timedelta(seconds=30))
    w.boot()
    w.be(online=False)
    w.live(MOMENT)
    assert not w.started
    assert [(run.endpoint, str(run.reason)) for run in w.states.runs] == [("a", "no network")]
    w.be(online=True)
    w.live(MOMENT)
    w.be(online=False)
    w.live(HOUR)
    assert len(w.states.runs) == 2


def test_a_run_that_is_skipped_starts_and_is_stopped_is_skipped_again() -> None:
    w = world(endpoint("a"), states=known(), run_seconds=600)
    w.be(online=False)
    w.live(timedelta(minutes=31))
    w.be(online=True)
    w.live(timedelta(seconds=10))
    assert len(w.started) == 1
    w.be(online=False)
    assert len(w.cancelled) == 1
    assert [(run.endpoint, str(run.reason)) for run in w.states.runs] == [("a", "no network")] * 2


def test_hours_open_and_close_by_themselves() -> None:
    night = When(between=(TimeOfDay.parse("22:00"), TimeOfDay.parse("06:00")))
    w = world(endpoint("a", when=night), states=known())
    w.live(DAY)
    local = [at.astimezone(BERLIN) for at in w.runs("a")]
    assert local[0].strftime("%H:%M") == "22:00"
    assert len(local) == 8
    assert local[-1].strftime("%H:%M") == "05:00"


def test_runs_that_drip_keep_others_waiting_for_minutes_only() -> None:
    ids = [f"e{number}" for number in range(10)]
    w = world(*(endpoint(id, manual=True) for id in ids), run_seconds=1700.0)
    w.sync(*ids)
    w.live(timedelta(minutes=2))
    assert len(w.running) == 4
    w.clock.sleep(HOUR)  # which does not count
    w.live(timedelta(minutes=2))
    assert len(w.running) == 4
    w.live(timedelta(minutes=2))
    assert len(w.running) == 8
    begun = [at - NOW for at, _ in w.started]
    assert begun[7] - HOUR == timedelta(minutes=5)
    w.live(timedelta(minutes=20))
    assert len(w.running) == 8
    w.live(timedelta(minutes=10))
    assert {id for _, id in w.started} == set(ids)


def test_what_waits_for_a_worker_does_not_start_when_its_hours_are_over() -> None:
    hours = When(between=(TimeOfDay.parse("13:00"), TimeOfDay.parse("14:05")))  # NOW is 14:00 in Berlin
    long = [endpoint(id, url="http://one.test/") for id in "xy"]
    w = world(*long, endpoint("a", url="http://one.test/", when=hours), run_seconds=600)
    w.sync("x", "y")
    w.live(HOUR)
    assert list(w.runs("a")) == []
    assert [(run.status, str(run.reason)) for run in w.states.runs] == [("skipped", "outside 13:00-14:05")]


def test_hours_that_end_stop_the_run() -> None:
    night = When(between=(TimeOfDay.parse("10:00"), TimeOfDay.parse("14:35")))
    w = world(endpoint("a", when=night), states=known(), run_seconds=1200)
    w.live(HOUR)
    assert w.cancelled == [("a", "outside 10:00-14:35")]


def test_failures_back_off_and_are_given_up() -> None:
    w = world(endpoint("a"), states=known(), outcome=lambda id, now: report(id, "failed", now), chance=lambda: 0.999)
    w.live(HOUR * 3)
    runs = list(w.runs("a"))
    gaps = [round((later - earlier).total_seconds()) for earlier, later in pairwise(runs)]
    assert gaps[:4] == [32, 62, 122, 242]
    assert gaps[4] == 3600 - 0
    assert w.planner.status("a", None).state == "failing"


def test_a_new_network_ends_the_waiting_for_a_server_that_was_not_reached() -> None:
    slow = Retry(delay=Duration(3600))
    w = world(
        endpoint("a", every="1d", retry=slow),
        endpoint("b", every="1d", retry=slow),
        outcome=lambda id, now: report(id, "failed", now, failure="network" if id == "a" else "passing"),
        chance=lambda: 0.999,
    )
    w.live(timedelta(minutes=3))
    w.be(online=False)
    w.live(timedelta(minutes=1))
    w.outcome = lambda id, now: report(id, at=now)
    w.started.clear()
    w.be(online=True)
    w.live(timedelta(seconds=10))
    assert [id for _, id in w.started] == ["a"]
    assert w.planner.status("a", None).attempts == 0


def test_what_no_retry_can_help_waits_for_its_regular_time() -> None:
    w = world(endpoint("a", every="6h"), outcome=lambda id, now: report(id, "failed", now, failure="permanent"))
    w.live(HOUR * 7)
    first, second = w.runs("a")
    assert second - first == HOUR * 6
    assert w.planner.status("a", None).state == "failing"


def test_new_settings_are_tried_at_once_after_a_permanent_failure() -> None:
    w = world(endpoint("a", every="6h"), outcome=lambda id, now: report(id, "failed", now, failure="permanent"))
    w.live(MOMENT)
    w.apply(endpoint("a", every="6h", url="http://other.test/"))
    assert len(w.started) == 2
    w.apply(endpoint("a", every="6h", url="http://other.test/", manual=True))
    assert len(w.started) == 2


def test_a_kill_during_a_run_is_followed_by_the_run() -> None:
    w = world(endpoint("a", every="1d"), states=known(), run_seconds=600)
    w.sync("a")
    w.live(timedelta(minutes=1))
    w.boot()
    w.live(timedelta(minutes=2))
    assert len(w.started) == 2
    assert w.states.states["a"].status == "running"


def test_a_kill_at_every_run_is_given_up_for_a_while() -> None:
    w = world(endpoint("a", every="1d"), states=known(), run_seconds=600)
    for _ in range(30):
        w.live(timedelta(minutes=2))
        w.boot()
    assert len(w.started) <= 6


def test_another_zone_moves_times_of_day() -> None:
    w = world(endpoint("a", at=["16:00"]))
    w.turn(lambda now: w.planner.set_zone(UTC, now))
    w.live(timedelta(hours=29))
    assert list(w.runs("a")) == [datetime(2026, 6, day, 16, tzinfo=UTC) for day in (10, 11)]


def test_switched_off_and_on_again() -> None:
    w = world(endpoint("a"), states=known())
    w.apply(endpoint("a", enabled=False))
    w.live(HOUR * 2)
    assert not w.started
    assert w.planner.status("a", None).state == "disabled"
    assert w.planner.status("a", None).next_due is None
    w.apply(endpoint("a"))
    w.live(MOMENT)
    assert len(w.started) == 1


def test_unchanged_settings_change_nothing() -> None:
    w = world(endpoint("a"), endpoint("b"))
    w.planner.changed.clear()
    w.planner.moved.clear()
    w.planner.apply_settings(Settings(endpoint=(endpoint("a"), endpoint("b", every="5m"))), NOW)
    assert w.planner.changed == {"b"}
    assert w.planner.take(NOW).save[0].generation == 1


def test_a_stop_takes_a_waiting_run_off_the_queue() -> None:
    w = world(*(endpoint(f"e{number}", manual=True) for number in range(5)))
    w.sync()
    waiting = ({f"e{number}" for number in range(5)} - {id for _, id in w.started}).pop()
    w.turn(lambda now: w.planner.stop(waiting, BY_USER, now))
    w.live(MOMENT)
    assert len(w.started) == 4


def test_a_hundred_hourly_endpoints_wake_the_processor_rarely() -> None:
    w = world(*(endpoint(f"e{number}", every="1h") for number in range(100)))
    w.live(HOUR)
    w.turns = 0
    w.live(HOUR * 10)
    assert w.turns / 36000 <= 0.1


def test_one_daily_endpoint_wakes_it_every_few_minutes() -> None:
    w = world(endpoint("a", every="1d"))
    w.live(HOUR)
    w.turns = 0
    w.live(HOUR * 10)
    assert w.turns / 36000 <= 0.004


def test_nothing_to_do_is_no_wake_up() -> None:
    w = world(endpoint("a", manual=True))
    w.turns = 0
    w.live(DAY)
    assert w.turns == 0


def test_ten_thousand_endpoints_are_cheap() -> None:
    specs = Settings(endpoint=tuple(endpoint(f"e{number}", every="1d") for number in range(10_000)))
    planner = Planner({}, None, {}, BERLIN)
    planner.apply_settings(specs, NOW)
    planner.take(NOW)
    started = time.process_time()
    planner.apply_settings(specs, NOW)
    assert time.process_time() - started < 1

    def live() -> None:
        for _ in range(1000):
            planner.wake((), NOW)
            planner.set_conditions(Conditions(online=True), NOW)
            assert planner.take(NOW).start == ()

    assert quickest_cpu(live, 0.5) < 0.5


def test_a_year_of_everything() -> None:
    """Sleep, reboots, kills, wrong clocks, lost networks, pauses: nobody runs twice at once, nobody is forgotten."""
    chance = random.Random(1)
    specs = (
        endpoint("interval", every="6h"),
        endpoint("times", at=["02:30", "13:00"]),
        endpoint("cron", cron="30 2 * * mon-fri"),
        endpoint("flaky", every="12h"),
        endpoint("local", every="1d", url="http://localhost/"),
    )

    def outcome(id: str, now: datetime) -> Report:
        return report(id, "failed" if id == "flaky" and chance.random() < 0.5 else "succeeded", now)

    w = world(*specs, clock=FakeClock(datetime(2026, 1, 1, tzinfo=UTC)), outcome=outcome, chance=chance.random)
    awake_since = w.clock.now()
    while w.clock.now() < datetime(2027, 1, 1, tzinfo=UTC):
        w.live(timedelta(hours=chance.uniform(0, 30)))
        event = chance.choice(["sleep", "reboot", "back", "forward", "offline", "pause", "nothing"])
        if event in {"sleep", "reboot"}:
            w.clock.sleep(timedelta(hours=chance.uniform(0, 40)))
        if event == "reboot":
            w.boot()
        elif event in {"back", "forward"}:
            w.clock.sleep(timedelta(hours=chance.choice([-1, -0.3]) if event == "back" else 1))
        elif event == "offline":
            w.be(online=False)
            w.live(timedelta(hours=chance.uniform(0, 12)))
            w.be(online=True)
        elif event == "pause":
            w.pause(w.clock.now() + timedelta(hours=6))
        awake_since = w.clock.now()
        w.live(timedelta(hours=6.5))
        for spec in specs:
            last = max(w.runs(spec.id))
            slack = timedelta(hours=1)
            if spec.id == "interval":
                assert last >= awake_since - timedelta(hours=1), event
            assert w.clock.now() - last <= timedelta(hours=77 if spec.id == "cron" else 24) + timedelta(hours=7) + slack
    assert len(list(w.runs("times"))) > 300


# What the machine is asked

NAS = HostPort("nas.local", 445)


def asked(w: World) -> tuple[frozenset[Question], bool] | None:
    return w.planner.asks()


@pytest.mark.parametrize(
    ("when", "bad", "good", "reason"),
    [
        (When(idle=Duration(600)), {IDLE: 3.0}, {IDLE: 601.0}, "the computer is in use"),
        (When(not_wifi=("Phone",)), {WIFI: "Phone"}, {WIFI: "Home"}, "on Wi-Fi Phone"),
        (When(wifi=("Home",)), {WIFI: ""}, {WIFI: "Home"}, "not on Wi-Fi"),
        (When(not_fullscreen=True), {FULLSCREEN: True}, {FULLSCREEN: False}, "a full-screen window is open"),
        (When(not_while=("zoom",)), {program("zoom"): True}, {program("zoom"): False}, "zoom is running"),
        (When(reachable=NAS), {server(NAS): False}, {server(NAS): True}, "nas.local:445 can't be reached"),
    ],
)
def test_the_machine_is_asked_when_it_matters_and_the_answer_starts_and_stops_runs(
    when: When, bad: Any, good: Any, reason: str
) -> None:
    w = world(endpoint("a", when=when), states=known(), run_seconds=600)
    assert asked(w) is None
    w.live(timedelta(minutes=30, seconds=30))
    assert asked(w) == (frozenset(bad), False)
    assert not w.started
    w.be(answers=bad)
    assert str(w.planner.status("a", None).blocked_by) == reason
    assert [(run.status, str(run.reason)) for run in w.states.runs] == [("skipped", reason)]
    w.be(online=False, answers=bad)
    if reason != "no network":
        assert asked(w) == (frozenset(), False)  # it would be in vain
    w.be(answers=good)
    w.live(MOMENT)
    assert len(w.started) == 1
    assert asked(w) == (frozenset(bad), True)
    w.be(answers=bad)
    assert w.cancelled == [("a", reason)]
    assert w.planner.status("a", None).state == "blocked"
    w.be(answers=good)
    assert len(w.started) == 2
    w.live(timedelta(minutes=11))
    assert asked(w) == (frozenset(), False)


def test_a_machine_that_does_not_answer_does_not_hold_a_run_up_for_long() -> None:
    w = world(endpoint("a", when=When(idle=Duration(600))), states=known())
    w.live(timedelta(minutes=30, seconds=59))
    assert not w.started
    w.live(timedelta(minutes=2))
    assert len(w.started) == 1


def test_answers_from_before_sleep_do_not_count() -> None:
    w = world(endpoint("a", when=When(idle=Duration(600))), states=known())
    w.live(timedelta(minutes=30, seconds=30))
    w.be(answers={IDLE: 3.0})
    w.clock.sleep(timedelta(hours=8))
    w.turn()
    w.live(timedelta(seconds=31))
    assert str(w.planner.status("a", None).blocked_by) == ""
    assert not w.started
    w.be(answers={IDLE: 30000.0})
    w.live(MOMENT)
    assert len(w.started) == 1


def test_a_network_is_metered_by_hand() -> None:
    spec = endpoint("a", when=When(network="unmetered"))
    w = world(spec, states=known())
    w.be(online=True, metered=False)
    w.turn(lambda now: w.planner.apply_settings(Settings(General(metered="yes"), (spec,)), now))
    w.live(timedelta(minutes=31))
    assert str(w.planner.status("a", None).blocked_by) == "metered network"
    w.turn(lambda now: w.planner.apply_settings(Settings(General(), (spec,)), now))
    w.live(MOMENT)
    assert len(w.started) == 1


def test_what_runs_at_the_start_runs_once_at_every_start_beside_its_schedule() -> None:
    w = world(endpoint("a", at_start=True), endpoint("b", every="1d", at_start=True), endpoint("c", every="1d"))
    for _ in range(3):
        w.turn(w.planner.program_started)
        w.live(HOUR)
        w.boot()
    w.live(HOUR)
    assert [len(list(w.runs(id))) for id in "abc"] == [3, 3, 1]
    assert str(w.planner.status("a", None).event) == "at the program's start"


def test_a_start_waits_for_the_network() -> None:
    w = world(endpoint("a", at_start=True))
    w.be(online=False)
    w.turn(w.planner.program_started)
    w.live(HOUR)
    assert not w.started
    w.be(online=True)
    w.live(MOMENT)
    assert len(w.started) == 1


def test_a_watched_file_makes_it_run_when_it_changes() -> None:
    w = world(endpoint("a", watch="/in"), endpoint("b", watch="/other"))

    def sees(stamp: str) -> int:
        w.turn(lambda now: w.planner.files_seen({"/in": stamp}, now))
        w.live(MOMENT)
        return len(w.started)

    assert sees("1") == 0  # seen for the first time
    assert sees("1") == 0
    assert sees("2") == 1
    assert sees("") == 1  # gone
    assert sees("2") == 1  # and back as it was
    w.boot()
    assert sees("2") == 1
    assert sees("3") == 2  # changed while the program was off
    assert {id for _, id in w.started} == {"a"}


def test_a_file_that_comes_to_be_counts_as_changed() -> None:
    w = world(endpoint("a", watch="/in"))
    for stamp in ("", "1"):
        w.turn(lambda now, stamp=stamp: w.planner.files_seen({"/in": stamp}, now))
        w.live(MOMENT)
    assert len(w.started) == 1


def test_a_change_during_the_run_makes_it_run_again() -> None:
    w = world(endpoint("a", watch="/in"), run_seconds=600)
    for stamp in ("1", "2", "3"):
        w.turn(lambda now, stamp=stamp: w.planner.files_seen({"/in": stamp}, now))
        w.live(MOMENT)
    w.live(HOUR)
    assert len(w.started) == 2
