"""What is due and why not, asked of the saved state."""

from datetime import timedelta
from typing import Any

import pytest

from tests.schedule.fakes import BERLIN, NOW, endpoint
from trayapp.endpoints.calendar import Days, Once
from trayapp.endpoints.model import After, Endpoint, Settings, When
from trayapp.endpoints.units import Size
from trayapp.schedule.conditions import Conditions
from trayapp.schedule.questions import due_now, why
from trayapp.store.state import EndpointRow

HOUR = timedelta(hours=1)


def row(id: str = "a", due: timedelta | None = HOUR / 2, **fields: Any) -> EndpointRow:
    defaults = {"last_enqueued": NOW - HOUR, "last_attempt": NOW - HOUR}
    return EndpointRow(id=id, next_due=None if due is None else NOW + due, **(defaults | fields))


def due(*pairs: tuple[Endpoint, EndpointRow | None], conditions: Conditions | None = None) -> list[str]:
    states = {row.id: row for _, row in pairs if row is not None}
    settings = Settings(endpoint=tuple(endpoint for endpoint, _ in pairs))
    return [each.id for each in due_now(states, settings, conditions or Conditions(), NOW, BERLIN)]


def test_the_longest_due_comes_first() -> None:
    assert due(
        (endpoint("a", every="1h"), row("a", -HOUR / 2, last_attempt=NOW - HOUR * 1.5)),
        (endpoint("b", every="1h"), row("b", -HOUR, last_attempt=NOW - HOUR * 2)),
        (endpoint("c", every="2h"), row("c", HOUR)),
    ) == ["b", "a"]


def test_a_new_endpoint_with_an_interval_is_due_and_one_with_fixed_times_is_not() -> None:
    assert due((endpoint("a"), None), (endpoint("b", at=["08:00"]), None), (endpoint("c", manual=True), None)) == ["a"]


def test_switched_off_or_blocked_is_not_due() -> None:
    late = row("a", -HOUR)
    assert due((endpoint("a", enabled=False), late)) == []
    assert due((endpoint("a"), late), conditions=Conditions(online=False)) == []
    assert due((endpoint("a"), late), conditions=Conditions(paused=True)) == []


def test_an_interrupted_run_is_due() -> None:
    assert due((endpoint("a"), row("a", HOUR, status="running", attempts=1))) == ["a"]


@pytest.mark.parametrize(
    ("spec", "state", "line"),
    [
        (endpoint(), row(), "It is due at 14:30; it runs every hour."),
        (endpoint(), row(due=-HOUR), "It has been due since 13:00; it runs every hour."),
        (endpoint(), row(attempts=2), "It is to be tried again at 14:30; it runs every hour."),
        (endpoint(), row(status="running"), "It is running since 13:00."),
        (endpoint(enabled=False), row(), "It is switched off."),
        (endpoint(manual=True), row(due=None), "It has no next time: it runs only by hand."),
        (endpoint(at_start=True), row(due=None), "It runs at the program's start."),
        (endpoint(after=After(endpoint="b")), row(due=None), "It runs after b has succeeded."),
        (endpoint(after=After(endpoints=("b", "c"))), row(due=None), "It runs after b and c have succeeded."),
        (
            endpoint(once=Once.parse("2026-06-01T08:00")),
            row(due=None),
            "It was to run once, on 2026-06-01 at 08:00; from now on it runs only by hand.",
        ),
        (endpoint(on=(Days.parse("29 feb"),)), row(due=None), "Its schedule has no next time."),
        (endpoint(), row(attempts=2, problem_title="No answer"), "Attempt 2 of 5 failed: No answer."),
        (endpoint(), row(problem_title="No answer"), "It failed: No answer."),
        (endpoint(), row(stop_reason="on battery"), "The last run was stopped: on battery."),
        (endpoint(), row(stop_reason="stopped by the user"), "The last run was stopped by the user."),
        (endpoint(), row(last_success=NOW - HOUR), "Last success: 13:00."),
        (endpoint(), row(last_success=NOW - HOUR * 24), "Last success: Tue 09 Jun 14:00."),
        (endpoint(), row(), "Last success: never."),
        (endpoint(), row(), "It wants a network: connected."),
        (endpoint(when=When(power="ac")), row(), "It wants mains power: on battery, which holds it back."),
        (endpoint(when=When(disk_free=Size(2**30))), row(), "It wants 1GiB of free disk space: 5.0 GiB free."),
        (endpoint(when=When(battery_above=20)), row(), "It wants battery above 20 %: unknown."),
    ],
)
def test_why(spec: Endpoint, state: EndpointRow, line: str) -> None:
    conditions = Conditions(online=True, on_battery=True, disk_free=5 * 2**30)
    assert line in why(spec, state, conditions, NOW, BERLIN)
