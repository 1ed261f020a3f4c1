"""The test driver: what an endpoint waits for comes true when it is told to, and not before."""

from datetime import timedelta

import pytest

from tests.schedule.driving import Driver
from tests.schedule.fakes import NOW, endpoint, report
from trayapp.endpoints.calendar import Once
from trayapp.endpoints.model import Endpoint, Settings, When
from trayapp.endpoints.units import Duration, HostPort, Size, TimeOfDay
from trayapp.schedule.conditions.machine import FULLSCREEN, IDLE, WIFI, Conditions, program, server

NAS = HostPort("nas.test", 445)
UNFIT = Conditions(
    online=True,
    captive=False,
    metered=True,
    on_battery=True,
    battery_percent=5.0,
    disk_free=0,
    answers={WIFI: "Café", IDLE: 0.0, FULLSCREEN: True, program("game"): True, server(NAS): False},
)


def driver(*endpoints: Endpoint) -> Driver:
    return Driver(Settings(endpoint=endpoints))


@pytest.mark.parametrize(
    "when",
    [
        When(network="unmetered"),
        When(wifi=("Home",)),
        When(not_wifi=("Café",)),
        When(reachable=NAS),
        When(power="ac"),
        When(battery_above=20),
        When(idle=Duration(600)),
        When(between=(TimeOfDay(22, 0), TimeOfDay(6, 0))),
        When(disk_free=Size(2**30)),
        When(not_while=("game",)),
        When(not_fullscreen=True),
    ],
    ids=str,
)
def test_all_constraints_met_starts_what_waits_for_them(when: When) -> None:
    w = driver(endpoint("a", when=when))
    w.turn(lambda now: w.planner.set_conditions(UNFIT, now))
    w.live(timedelta(hours=1))
    assert w.started == []
    w.all_constraints_met("a")
    assert w.is_running("a")


def test_all_constraints_met_ends_a_pause_and_finds_a_network() -> None:
    w = driver(endpoint("a"))
    w.pause()
    w.be(online=False)
    w.live(timedelta(hours=1))
    assert w.started == []
    w.all_constraints_met("a")
    assert w.is_running("a")


def test_constraints_that_are_met_make_nothing_due() -> None:
    w = driver(endpoint("a", once=Once.parse("in 10m"), when=When(power="ac")))
    w.all_constraints_met("a")
    assert w.started == []


def test_initial_delay_met_makes_the_first_run_due_but_meets_no_constraint() -> None:
    w = driver(endpoint("a", once=Once.parse("in 10m"), when=When(power="ac")))
    w.be(on_battery=True)
    w.initial_delay_met("a")
    assert (w.clock.now(), w.started) == (NOW + timedelta(minutes=10), [])
    w.all_constraints_met("a")
    assert w.is_running("a")
    with pytest.raises(AssertionError, match="has run before"):
        w.initial_delay_met("a")


def test_period_delay_met_brings_one_run_each_and_the_retries() -> None:
    w = driver(endpoint("a", every="1h"))
    with pytest.raises(AssertionError, match="has never run"):
        w.period_delay_met("a")
    w.initial_delay_met("a")
    for _ in range(3):
        w.period_delay_met("a")
    first, *_, last = w.runs("a")
    assert (len(w.started), last - first) == (4, timedelta(hours=3))
    w.outcome = lambda id, now: report(id, "failed", now)
    w.period_delay_met("a")
    assert w.clock.now() - last < timedelta(minutes=10)


def test_stop_running_work_has_the_reason() -> None:
    w = driver(endpoint("a"))
    with pytest.raises(AssertionError, match="does not run"):
        w.stop_running_work("a", "preempted")
    w.initial_delay_met("a")
    w.stop_running_work("a", "preempted")
    assert w.cancelled == [("a", "preempted")]
    assert not w.is_running("a")
