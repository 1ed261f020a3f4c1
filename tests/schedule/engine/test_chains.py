"""Endpoints that run after others: order, failure, cancelling, restarts."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.problems import problem
from tests.schedule.fakes import BERLIN, NOW, World, endpoint, report
from trayapp.endpoints.model import After, Endpoint, Retry, Settings
from trayapp.endpoints.units import Duration
from trayapp.schedule.conditions.machine import Conditions
from trayapp.schedule.engine.chains import depths
from trayapp.schedule.engine.explanations import why
from trayapp.schedule.times.descriptions import describe
from trayapp.schedule.times.due import next_due
from trayapp.store.bookkeeping.endpoint_states import EndpointRow
from trayapp.sync.cancel import BY_USER
from trayapp.sync.report import Report

HOUR = timedelta(hours=1)
MOMENT = timedelta(seconds=65)


def after(id: str, parent: str, **fields: Any) -> Endpoint:
    return endpoint(id, after=After(endpoint=parent), **fields)


def world(*endpoints: Endpoint, **fields: Any) -> World:
    return World(Settings(endpoint=endpoints), **fields)


def failing(*ids: str) -> Any:
    def outcome(id: str, now: datetime) -> Report:
        return report(id, "failed" if id in ids else "succeeded", now)

    return outcome


def skips(w: World) -> list[tuple[str, str]]:
    return [(run.endpoint, str(run.reason)) for run in w.states.runs if run.status == "skipped"]


def test_a_child_runs_once_after_every_success_of_its_parent() -> None:
    w = world(endpoint("a", every="1h"), after("b", "a"), after("c", "b"))
    w.live(HOUR * 10)
    order = [id for _, id in sorted(w.started)]
    assert order == ["a", "b", "c"] * 10
    assert [b - a for a, b in zip(w.runs("a"), w.runs("b"), strict=True)] == [timedelta(seconds=2)] * 10


def test_a_child_does_not_run_after_a_failure() -> None:
    w = world(endpoint("a", every="1h"), after("b", "a"), outcome=failing("a"))
    w.live(HOUR * 3)
    assert list(w.runs("a"))
    assert not list(w.runs("b"))


def test_giving_up_skips_all_that_run_after() -> None:
    once = Retry(attempts=1)
    w = world(endpoint("a", retry=once), after("b", "a"), after("c", "b"), outcome=failing("a"))
    w.live(MOMENT)
    assert skips(w) == [("b", "A failed"), ("c", "B was skipped")]


def test_a_retry_is_awaited_before_anybody_is_skipped() -> None:
    w = world(endpoint("a", retry=Retry(attempts=2, delay=Duration(60))), after("b", "a"), outcome=failing("a"))
    w.live(timedelta(seconds=40))
    assert len(list(w.runs("a"))) == 1
    assert not skips(w)
    w.live(MOMENT)
    assert skips(w) == [("b", "A failed")]


def test_a_parent_that_is_stopped_skips_its_children() -> None:
    w = world(endpoint("a"), after("b", "a"), run_seconds=600)
    w.live(MOMENT)
    w.turn(lambda now: w.planner.stop("a", BY_USER, now))
    w.live(MOMENT)
    assert skips(w) == [("b", "A was stopped")]
    assert not list(w.runs("b"))


def test_held_deletions_are_no_success() -> None:
    w = world(endpoint("a"), after("b", "a"), outcome=lambda id, now: report(id, "held", now, held=3))
    w.live(MOMENT)
    assert skips(w) == [("b", "A needs your confirmation")]


def test_a_parent_that_succeeds_during_the_childs_run_makes_it_run_again() -> None:
    w = world(endpoint("a", every="1m"), after("b", "a"), run_seconds=1)
    w.live(timedelta(seconds=30))
    w.run_seconds = 90
    w.live(timedelta(seconds=60))
    assert [id for _, id in w.running] != []
    w.run_seconds = 1
    count = len(list(w.runs("b")))
    w.live(timedelta(seconds=200))
    assert len(list(w.runs("b"))) > count


def test_a_success_is_not_lost_with_the_program() -> None:
    w = world(endpoint("a", every="1d", url="http://localhost/"), after("b", "a"))
    w.be(online=False)
    w.live(MOMENT)
    w.boot()
    w.be(online=False)
    w.live(MOMENT)
    assert [id for _, id in w.started] == ["a"]
    w.be(online=True)
    w.live(MOMENT)
    assert [id for _, id in w.started] == ["a", "b"]


def test_a_child_may_have_times_of_its_own() -> None:
    w = world(endpoint("a", at=["16:30"]), after("b", "a", at=["15:00"]))
    w.live(HOUR * 5)
    local = [(at.astimezone(BERLIN).strftime("%H:%M"), id) for at, id in w.started]
    assert local == [("15:00", "b"), ("16:30", "a"), ("16:30", "b")]


def test_a_child_obeys_its_constraints() -> None:
    w = world(endpoint("a", url="http://localhost/"), after("b", "a"))
    w.be(online=False)
    w.live(MOMENT)
    assert [id for _, id in w.started] == ["a"]
    assert str(w.planner.status("b", None).blocked_by) == "no network"


def test_sync_now_of_all_keeps_the_order() -> None:
    w = world(after("a", "z"), endpoint("z", manual=True))
    w.sync()
    w.live(MOMENT)
    assert [id for _, id in w.started] == ["z", "a"]


def test_a_child_that_backs_off_keeps_its_time() -> None:
    w = world(
        endpoint("a", manual=True),
        after("b", "a", retry=Retry(delay=Duration(3600))),
        outcome=failing("b"),
    )
    w.sync("a")
    w.live(MOMENT)
    w.sync("a")
    w.live(MOMENT)
    assert len(list(w.runs("b"))) == 1
    w.live(HOUR)
    assert len(list(w.runs("b"))) == 2


def test_waiting_shows() -> None:
    w = world(endpoint("a", manual=True), after("b", "a"))
    status = w.planner.status("b", None)
    assert (status.state, str(status.blocked_by), status.next_due) == ("blocked", "waiting for A", None)
    w.sync("a")
    w.live(timedelta(seconds=3))
    assert w.planner.status("b", None).state == "running"


def test_a_child_by_hand_is_left_alone() -> None:
    w = world(endpoint("a"), after("b", "a", manual=True))
    w.live(MOMENT)
    assert [id for _, id in w.started] == ["a"]


def test_it_has_no_time_of_its_own_and_says_so() -> None:
    assert next_due(after("b", "a"), None, NOW, BERLIN) is None
    assert str(describe(after("b", "a"))) == "after a"
    assert str(describe(after("b", "a", every="1h"))) == "every hour and after a"


@pytest.mark.parametrize(
    ("parent", "state", "line"),
    [
        (
            endpoint("a"),
            EndpointRow(id="a", last_success=NOW, next_due=NOW + HOUR),
            "a last succeeded: 14:00. Its next run is at 15:00.",
        ),
        (endpoint("a"), EndpointRow(id="a", status="running"), "a is running."),
        (
            endpoint("a"),
            EndpointRow(id="a", problem=problem("No answer")),
            "a never succeeded. The last run failed: No answer.",
        ),
        (endpoint("a", enabled=False), EndpointRow(id="a"), "a never succeeded. It is switched off."),
        (endpoint("a", manual=True), EndpointRow(id="a"), "a never succeeded."),
    ],
)
def test_why(parent: Endpoint, state: EndpointRow, line: str) -> None:
    lines = why(after("b", "a"), EndpointRow(id="b"), Conditions(), NOW, BERLIN, {"a": (parent, state)})
    assert [*map(str, lines[:2])] == ["It runs after a.", line]


def test_why_says_that_the_parent_is_gone() -> None:
    lines = why(after("b", "a"), EndpointRow(id="b"), Conditions(), NOW, BERLIN)
    assert "There is no endpoint a any more, so it never runs after it." in [*map(str, lines)]


def of_two(need: str, *endpoints: Endpoint, **fields: Any) -> World:
    child = endpoint("c", after=After(endpoint="a", endpoints=("b",), need=need))  # type: ignore[arg-type]
    return world(*endpoints, child, **fields)


def test_a_child_of_all_runs_when_the_last_of_them_succeeded() -> None:
    w = of_two("all", endpoint("a", manual=True), endpoint("b", manual=True))
    w.sync("a")
    w.live(MOMENT)
    assert str(w.planner.status("c", None).blocked_by) == "waiting for B"
    w.boot()
    w.sync("a")
    w.live(MOMENT)
    assert not list(w.runs("c"))
    w.sync("b")
    w.live(MOMENT)
    assert len(list(w.runs("c"))) == 1
    assert str(w.planner.status("c", None).blocked_by) == "waiting for A and B"


def test_a_child_of_any_runs_at_every_success() -> None:
    w = of_two("any", endpoint("a", manual=True), endpoint("b", manual=True))
    for id in "abba":
        w.sync(id)
        w.live(MOMENT)
    assert len(list(w.runs("c"))) == 4
    assert str(w.planner.status("c", None).blocked_by) == "waiting for A or B"


def test_a_child_of_all_is_skipped_by_one_failure_a_child_of_any_by_the_last() -> None:
    never = Retry(attempts=1)
    for need, expected in (("all", ["A failed", "B failed"]), ("any", ["B failed"])):
        w = of_two(
            need,
            endpoint("a", manual=True, retry=never),
            endpoint("b", manual=True, retry=never),
            outcome=failing("a", "b"),
        )
        w.sync("a")
        w.live(MOMENT)
        w.sync("b")
        w.live(MOMENT)
        assert [reason for id, reason in skips(w) if id == "c"] == expected


def test_leaving_out_the_parent_that_is_missing_lets_the_child_run() -> None:
    parents = (endpoint("a", manual=True), endpoint("b", manual=True))
    w = of_two("all", *parents)
    w.sync("a")
    w.live(MOMENT)
    w.apply(*parents, after("c", "a"))
    w.live(MOMENT)
    assert len(list(w.runs("c"))) == 1


def test_how_many_come_before_is_counted_once_for_each():
    """Also where the ways through them are more than could be walked, and longer than Python calls deep."""
    layers = [
        Endpoint(url="http://a.example", id=f"{side}{n}", after=After(endpoints=(f"a{n - 1}", f"b{n - 1}")))
        for n in range(1, 1200)
        for side in "ab"
    ]
    first = [Endpoint(url="http://a.example", id=f"{side}0") for side in "ab"]
    circle = [Endpoint(url="http://a.example", id=f"c{n}", after=After(endpoint=f"c{1 - n}")) for n in range(2)]
    lost = Endpoint(url="http://a.example", id="x", after=After(endpoint="nobody"))
    found = depths(Settings(endpoint=(*reversed(layers), *first, *circle, lost)))
    assert found["a1199"] == 1199
    assert found["b1"] == 1
    assert found["a0"] == found["x"] == 0
    assert {"c0", "c1"} <= {*found}
