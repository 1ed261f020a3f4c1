"""The schedule as one value: which one the flat fields of the settings mean, and how it is written back to them."""

import ast
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import trayapp
from trayapp.endpoints import check_schedule, schedule
from trayapp.endpoints.calendar import Days, Once
from trayapp.endpoints.model import After, Endpoint
from trayapp.endpoints.schedule import (
    FIELDS,
    Cron,
    EventsOnly,
    Every,
    Manual,
    TimesOfDay,
    schedule_of,
    with_schedule,
    written,
)
from trayapp.endpoints.settings import parse_endpoint, to_builtins
from trayapp.endpoints.units import Duration, TimeOfDay
from trayapp.endpoints.validate import check_endpoint

HOUR, MORNING, MONDAY = Duration(3600), TimeOfDay(8, 0), Days.parse("mon")
ONCE = Once.parse("2026-12-01T08:00")

seconds = st.integers(10, 10**6)
times = st.lists(st.builds(TimeOfDay, st.integers(0, 23), st.integers(0, 59)), max_size=3).map(tuple)
day = st.sampled_from(["15", "last", "mon", "mon-fri", "last fri nov"]).map(Days.parse)
days = st.lists(day, max_size=3).map(tuple)
timed = st.one_of(
    seconds.map(lambda length: Every(Duration(length))),
    st.tuples(seconds, seconds).map(lambda each: Every(Duration(max(each)), Duration(min(each)))),
    st.sampled_from(["0 9 * * mon-fri", "*/5 * * * *", "0 0 1 * *"]).map(Cron),
    st.builds(TimesOfDay, times, days).filter(lambda each: each.at or each.on),
    st.sampled_from(["2026-12-01T08:00", "2026-12-01T08:00:01+01:00", "in 10m"]).map(Once.parse),
)
events = st.fixed_dictionaries(
    {},
    optional={
        "at_start": st.just(True),
        "watch": st.just("~/in/list.csv"),
        "after": st.sampled_from([After(endpoint="a"), After(endpoints=("a", "b"), need="any")]),
    },
)
bare = st.builds(
    lambda events, enabled: Endpoint(url="https://a.example/x", id="x", enabled=enabled, **events),
    events,
    st.booleans(),
)
endpoints = st.one_of(
    bare,
    st.builds(with_schedule, bare, timed),
    st.booleans().map(lambda enabled: Endpoint(url="https://a.example/x", id="x", enabled=enabled, manual=True)),
)


def fields_of(endpoint: Endpoint) -> dict[str, object]:
    return {name: getattr(endpoint, name) for name in FIELDS}


@given(endpoints)
@settings(deadline=None)
def test_a_schedule_survives_the_way_to_the_settings_and_back(endpoint):
    own = schedule_of(endpoint)
    assert check_endpoint(endpoint) == []
    assert with_schedule(endpoint, own) == endpoint
    assert schedule_of(parse_endpoint(to_builtins(endpoint))) == own
    cleared = msgspec.structs.replace(endpoint, **fields_of(Endpoint(url="")))
    assert fields_of(with_schedule(cleared, own)) == fields_of(endpoint)


@given(endpoints, timed | st.just(Manual()))
@settings(deadline=None)
def test_any_schedule_can_replace_any_other_and_only_that_changes(endpoint, other):
    changed = with_schedule(endpoint, other)
    assert schedule_of(changed) == other
    assert len(written(changed)) <= 1
    assert not [problem for problem in check_endpoint(changed) if problem.path in FIELDS]
    assert msgspec.structs.replace(changed, **fields_of(endpoint)) == endpoint


@given(endpoints)
@settings(deadline=None)
def test_events_only_needs_an_event_else_it_is_hourly(endpoint):
    after = endpoint.after is not None
    found = schedule_of(with_schedule(endpoint, EventsOnly()))
    assert found == (EventsOnly() if endpoint.at_start or endpoint.watch or after else Every(HOUR))


@pytest.mark.parametrize(
    ("fields", "meant"),
    [
        ({}, Every(HOUR)),
        ({"after": After(each="SELECT 1 AS id")}, Every(HOUR)),
        ({"every": HOUR, "at_start": True}, Every(HOUR)),
        ({"every": HOUR, "flex": Duration(60)}, Every(HOUR, Duration(60))),
        ({"at": (MORNING,)}, TimesOfDay((MORNING,))),
        ({"on": (MONDAY,)}, TimesOfDay(on=(MONDAY,))),
        ({"on": (MONDAY,), "at": (MORNING,), "watch": "~/x"}, TimesOfDay((MORNING,), (MONDAY,))),
        ({"cron": ""}, Cron("")),
        ({"once": ONCE}, ONCE),
        ({"at_start": True}, EventsOnly()),
        ({"watch": "~/x"}, EventsOnly()),
        ({"after": After(endpoints=("b",))}, EventsOnly()),
        ({"manual": True, "after": After(endpoint="b")}, Manual()),
        # Several are refused in the settings. Who asks before they are checked gets one of them, always the same.
        ({"every": HOUR, "cron": "* * * * *"}, Cron("* * * * *")),
        ({"every": HOUR, "cron": "* * * * *", "on": (MONDAY,)}, TimesOfDay(on=(MONDAY,))),
        ({"every": HOUR, "at": (MORNING,), "once": ONCE}, ONCE),
        ({"every": HOUR, "at": (MORNING,), "once": ONCE, "manual": True}, Manual()),
    ],
)
def test_the_fields_mean_one_schedule(fields, meant):
    assert schedule_of(Endpoint(url="https://a.example/x", **fields)) == meant


READERS = {schedule.__file__, check_schedule.__file__}
"""Where the flat fields are read: to tell the schedule, and to say what is wrong with them."""
NOT_ENDPOINTS = {"self", "command", "options", "status", "schedule", "change", "known", "notify"}
"""What has attributes of the same names and is no endpoint: widgets, the command line, rows of history …"""


def test_only_one_module_tells_a_schedule_from_the_fields_of_an_endpoint():
    root = Path(trayapp.__file__).parent
    found = [
        f"{path.relative_to(root)}:{node.lineno} {ast.unparse(node)}"
        for path in root.rglob("*.py")
        if str(path) not in READERS
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute)
        and node.attr in FIELDS
        and ast.unparse(node.value).rpartition(".")[2] not in NOT_ENDPOINTS
    ]
    assert found == [], "ask schedule_of for the kind of schedule"
