"""Why endpoints do not run, asked of the saved state."""

from datetime import timedelta
from typing import Any

import pytest

from tests.problems import as_messages, problem
from tests.schedule.fakes import BERLIN, NOW, endpoint
from trayapp.endpoints.calendar import Days, Once
from trayapp.endpoints.model import After, Endpoint, When
from trayapp.endpoints.units import Size
from trayapp.schedule.conditions.machine import Conditions
from trayapp.schedule.engine.explanations import why
from trayapp.store.bookkeeping.endpoint_states import EndpointRow

HOUR = timedelta(hours=1)


def row(id: str = "a", due: timedelta | None = HOUR / 2, **fields: Any) -> EndpointRow:
    defaults = {"last_enqueued": NOW - HOUR, "last_attempt": NOW - HOUR}
    return EndpointRow(id=id, next_due=None if due is None else NOW + due, **as_messages(defaults | fields))


@pytest.mark.parametrize(
    ("spec", "state", "line"),
    [
        (endpoint(), row(), "Next run at 14:30. Schedule: every hour."),
        (endpoint(), row(due=-HOUR), "It has been due since 13:00. Schedule: every hour."),
        (endpoint(), row(attempts=2), "Retrying at 14:30. Schedule: every hour."),
        (endpoint(), row(status="running"), "It has been running since 13:00."),
        (endpoint(enabled=False), row(), "It is switched off."),
        (endpoint(manual=True), row(due=None), "It runs only by hand."),
        (endpoint(at_start=True), row(due=None), "It runs at the program's start."),
        (endpoint(after=After(endpoint="b")), row(due=None), "It runs after b."),
        (endpoint(after=After(endpoints=("b", "c"))), row(due=None), "It runs after b and c."),
        (
            endpoint(once=Once.parse("2026-06-01T08:00")),
            row(due=None),
            "It was to run once, on 2026-06-01 at 08:00; now it runs only by hand.",
        ),
        (endpoint(on=(Days.parse("29 feb"),)), row(due=None), "Its schedule has no next time."),
        (endpoint(), row(attempts=2, problem=problem("No answer")), "Attempt 2 of 5 failed: No answer."),
        (endpoint(), row(problem=problem("No answer")), "The last run failed: No answer."),
        (endpoint(), row(stop_reason="on battery"), "The last run was stopped: on battery."),
        (endpoint(), row(stop_reason="stopped by the user", stop_code="user"), "The last run was stopped by the user."),
        (endpoint(), row(last_success=NOW - HOUR), "Last success: 13:00."),
        (endpoint(), row(last_success=NOW - HOUR * 24), "Last success: Tue 09 Jun 14:00."),
        (endpoint(), row(), "It never succeeded."),
        (endpoint(), row(), "Requires a network: connected."),
        (endpoint(when=When(power="ac")), row(), "Waiting for mains power: on battery."),
        (endpoint(when=When(disk_free=Size(2**30))), row(), "Requires 1GiB of free disk space: 5.0 GiB free."),
        (endpoint(when=When(battery_above=20)), row(), "Requires the battery above 20 %: unknown."),
    ],
)
def test_why(spec: Endpoint, state: EndpointRow, line: str) -> None:
    conditions = Conditions(online=True, on_battery=True, disk_free=5 * 2**30)
    assert line in [*map(str, why(spec, state, conditions, NOW, BERLIN))]


DUE = row(due=-HOUR, last_success=NOW - HOUR)
FULL = (
    "It waits for a free place: r0, r1, r2 and r3 are running. At most 4 run at a time, besides 4 that last longer than"
    " 5 minutes."
)


@pytest.mark.parametrize(
    ("urls", "minutes", "state", "line"),
    [
        (["http://r0.test/", "http://r1.test/", "http://r2.test/", "http://r3.test/"], 1, DUE, FULL),
        (["http://r0.test/", "http://r1.test/", "http://r2.test/"], 1, DUE, None),
        (["http://r0.test/", "http://r1.test/", "http://r2.test/", "http://r3.test/"], 6, DUE, None),
        (["http://r0.test/", "http://r1.test/", "http://r2.test/", "http://r3.test/"], 1, row(), None),
        (
            ["http://a.test:80/x", "http://A.test/y"],
            6,
            DUE,
            "It waits for its server: r0 and r1 are running there, and at most 2 do at a time.",
        ),
    ],
    ids=["all places", "one is free", "long runs", "not due", "its server"],
)
def test_who_holds_its_place_is_named(urls: list[str], minutes: int, state: EndpointRow, line: str | None) -> None:
    began = NOW - timedelta(minutes=minutes)
    running = {
        f"r{number}": (endpoint(f"r{number}", url=url), row(f"r{number}", status="running", last_attempt=began))
        for number, url in enumerate(urls)
    }
    said = [*map(str, why(endpoint(), state, Conditions(online=True), NOW, BERLIN, None, running))]
    assert [each for each in said if each.startswith("It waits")] == ([] if line is None else [line])
    blocked = [*map(str, why(endpoint(), state, Conditions(online=False), NOW, BERLIN, None, running))]
    assert not any(each.startswith("It waits") for each in blocked)
