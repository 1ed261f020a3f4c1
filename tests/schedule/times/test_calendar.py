"""Calendar days, single moments and flex windows: when they come next, and how they are said."""

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.patience import quickest_cpu
from tests.schedule.fakes import BERLIN, NOW, World, endpoint, report
from trayapp.endpoints.calendar import MONTHS, WEEKDAYS, Days, Once
from trayapp.endpoints.model import Endpoint, Limits, Retry, Settings
from trayapp.endpoints.units import Duration
from trayapp.schedule.conditions.machine import Conditions
from trayapp.schedule.engine import work
from trayapp.schedule.engine.explanations import why
from trayapp.schedule.times.descriptions import describe
from trayapp.schedule.times.due import next_due, upcoming

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def on(*days: str, **fields: Any) -> Endpoint:
    return endpoint(on=tuple(map(Days.parse, days)), **fields)


def once(text: str, **fields: Any) -> Endpoint:
    return endpoint(once=Once.parse(text), **fields)


def flex(every: str, window: str, id: str = "a") -> Endpoint:
    return endpoint(id, every=every, flex=Duration.parse(window))


def local(spec: Endpoint, start: datetime, count: int) -> list[str]:
    found = upcoming(spec, start.replace(tzinfo=BERLIN).astimezone(UTC), BERLIN, count)
    return [each.astimezone(BERLIN).strftime("%Y-%m-%d %H:%M%z") for each in found]


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (("1",), ["2026-02-01", "2026-03-01"]),
        (("31",), ["2026-01-31", "2026-03-31", "2026-05-31"]),
        (("last",), ["2026-01-31", "2026-02-28", "2026-03-31"]),
        (("15", "last"), ["2026-01-15", "2026-01-31", "2026-02-15"]),
        (("mon", "thu"), ["2026-01-12", "2026-01-15", "2026-01-19"]),
        (("last fri",), ["2026-01-30", "2026-02-27"]),
        (("first mon", "first mon-fri"), ["2026-02-02", "2026-03-02", "2026-04-01", "2026-04-06"]),
        (("fifth sat",), ["2026-01-31", "2026-05-30"]),
        (("24 dec",), ["2026-12-24", "2027-12-24"]),
        (("29 feb",), ["2028-02-29", "2032-02-29"]),
        (("fri-sun",), ["2026-01-11", "2026-01-16"]),
        (("last weekday jun",), ["2026-06-30", "2027-06-30"]),
    ],
)
def test_days_of_the_calendar(days: tuple[str, ...], expected: list[str]) -> None:
    assert [each[:10] for each in local(on(*days), datetime(2026, 1, 10, 12), len(expected))] == expected


def test_days_have_the_times_of_at_and_obey_the_clocks() -> None:
    spec = on("last sun", at=["02:30", "12:00"])
    assert local(spec, datetime(2026, 3, 1), 4) == [
        "2026-03-29 03:00+0200",
        "2026-03-29 12:00+0200",
        "2026-04-26 02:30+0200",
        "2026-04-26 12:00+0200",
    ]
    assert local(spec, datetime(2026, 10, 24), 2) == ["2026-10-25 02:30+0200", "2026-10-25 12:00+0100"]


def test_the_rarest_day_is_found_at_once() -> None:
    def find() -> None:
        assert local(on("fifth fri feb"), datetime(2064, 3, 1), 1) == ["2092-02-29 00:00+0100"]

    assert quickest_cpu(find, 0.1) < 0.1


def test_thirty_years_of_days_off_are_one_answer() -> None:
    due = next_due(on("1"), NOW - DAY * 365 * 30, NOW, BERLIN)
    assert due is not None
    assert NOW - due > DAY * 365 * 29


@pytest.mark.parametrize(
    "text", ["", "0", "32", "first", "tues day", "mon 3", "30 feb", "first 3", "last 3 mon", "xx-mon"]
)
def test_what_is_no_day_is_told(text: str) -> None:
    with pytest.raises(ValueError, match=r"no day|no February"):
        Days.parse(text)


@pytest.mark.parametrize("text", ["2026-13-01T08:00", "08:00", "2026-12-01", "in a while", "soon"])
def test_what_is_no_moment_is_told(text: str) -> None:
    with pytest.raises(ValueError, match=r"no moment|not a duration"):
        Once.parse(text)


weekday_sets = st.tuples(st.integers(0, 6), st.integers(1, 7)).map(
    lambda span: tuple((span[0] + step) % 7 for step in range(span[1]))
)
day_rules = st.one_of(
    st.builds(Days, st.integers(1, 28), st.just(()), st.just(0), st.integers(0, 12)),
    st.builds(Days, st.integers(29, 31), st.just(()), st.just(0), st.just(0)),
    st.builds(Days, st.just(0), weekday_sets, st.sampled_from([0, 1, 2, 3, 4, 5, -1]), st.integers(0, 12)),
    st.builds(Days, st.just(0), st.just(()), st.just(-1), st.integers(0, 12)),
)


@given(day_rules)
def test_days_are_read_as_they_are_written(days: Days) -> None:
    if len(days.weekdays) == 7:
        assert Days.parse(str(days)).of(2026, 1) == days.of(2026, 1)
    else:
        assert Days.parse(str(days)) == days


@given(day_rules, st.dates(date(2024, 1, 1), date(2040, 1, 1)))
@settings(max_examples=300, deadline=None)
def test_days_agree_with_looking_at_every_day(days: Days, first: date) -> None:
    start = datetime(first.year, first.month, first.day, tzinfo=UTC) - timedelta(seconds=1)
    found = next_due(endpoint(on=(days,)), start, start, ZoneInfo("Etc/UTC"))
    day, looked = first, 0
    while looked < 366 * 9 and not _wanted(days, day):
        day, looked = day + DAY, looked + 1
    if looked < 366 * 9:
        assert found is not None
        assert found.date() == day


def _wanted(days: Days, day: date) -> bool:
    """Told by counting, not by constructing."""
    length = monthrange(day.year, day.month)[1]
    if days.month not in (0, day.month):
        return False
    if days.number:
        return day.day == days.number
    if not days.weekdays:
        return day.day == length
    if day.weekday() not in days.weekdays:
        return False
    same = [each for each in range(1, length + 1) if day.replace(day=each).weekday() in days.weekdays]
    return not days.ordinal or day.day == (same[-1] if days.ordinal == -1 else (same + [0] * 5)[days.ordinal - 1])


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (on("mon", "thu", at=["08:00"]), "on Mondays and Thursdays at 08:00"),
        (on("mon-fri", at=["08:00", "18:00"]), "on weekdays at 08:00 and 18:00"),
        (on("1", "15", "last"), "on the 1st, the 15th and the last day of the month at 00:00"),
        (on("31"), "on the 31st of the month at 00:00 (skipped in months without that day)"),
        (on("last fri", at=["17:00"]), "on the last Friday of the month at 17:00"),
        (on("fifth fri"), "on the fifth Friday of the month at 00:00 (skipped in months without that day)"),
        (on("24 dec", "29 feb"), "on 24 December and 29 February at 00:00 (skipped in years without that day)"),
        (on("mon", "22"), "on Mondays and on the 22nd of the month at 00:00"),
        (on("last fri nov"), "on the last Friday of November at 00:00"),
        (on("tue-thu"), "on Tuesday to Thursday at 00:00"),
        (once("2026-12-01T08:00"), "once, on 2026-12-01 at 08:00"),
        (once("in 10m"), "once, 10 minutes after it was set"),
        (flex("1h", "15m"), "every hour, in the last 15 minutes of it"),
        (endpoint(at_start=True), "at the program's start"),
        (endpoint(watch="~/in/list.csv"), "when list.csv changes"),
        (
            endpoint(every="1h", at_start=True, watch="~/in/list.csv"),
            "every hour, at the program's start and when list.csv changes",
        ),
    ],
)
def test_in_words(spec: Endpoint, words: str) -> None:
    assert str(describe(spec)) == words


def test_names_are_complete() -> None:
    assert (len(MONTHS), len(WEEKDAYS)) == (12, 7)


# Once


def test_a_moment_runs_once_however_often_the_program_starts() -> None:
    w = World(Settings(endpoint=(once("2026-06-11T08:00"),)))
    for _ in range(6):
        w.live(HOUR * 8)
        w.boot()
    assert [at.astimezone(BERLIN).strftime("%m-%d %H:%M") for at in w.runs("a")] == ["06-11 08:00"]
    status = w.planner.status("a", None)
    assert (status.next_due, status.once, status.state) == (None, True, "enqueued")


def test_a_moment_while_the_machine_was_off_is_made_up_for() -> None:
    w = World(Settings(endpoint=(once("2026-06-11T08:00"),)))
    w.clock.sleep(DAY * 30)
    w.boot()
    w.live(HOUR)
    assert len(list(w.runs("a"))) == 1


def test_a_moment_that_was_past_when_set_never_comes() -> None:
    w = World(Settings(endpoint=(once("2026-06-01T08:00"),)))
    w.live(DAY * 2)
    assert not w.started
    lines = why(once("2026-06-01T08:00"), w.states.states["a"], Conditions(), w.clock.now(), BERLIN)
    assert str(lines[0]) == "It was to run once, on 2026-06-01 at 08:00; now it runs only by hand."


def test_a_moment_with_an_offset_means_that() -> None:
    assert next_due(once("2026-12-01T08:00+05:00"), None, NOW, BERLIN) == datetime(2026, 12, 1, 3, tzinfo=UTC)
    assert next_due(once("2026-12-01T08:00"), None, NOW, BERLIN) == datetime(2026, 12, 1, 7, tzinfo=UTC)


def test_a_delay_counts_from_when_it_was_set_over_restarts_and_is_over_after_it() -> None:
    w = World(Settings(endpoint=(once("in 10m"),)))
    w.live(timedelta(minutes=7))
    w.boot()
    w.live(timedelta(minutes=2, seconds=55))
    assert not w.started
    w.live(timedelta(minutes=1))
    w.boot()
    w.live(DAY)
    assert [at - NOW for at in w.runs("a")] == [timedelta(minutes=10)]


def test_another_delay_counts_anew_and_the_same_one_does_not() -> None:
    w = World(Settings(endpoint=(once("in 10m"),)))
    w.live(HOUR)
    w.apply(once("in 10m", limits=Limits(pages=7)))
    w.live(HOUR)
    w.apply(once("in 20m"))
    w.live(HOUR)
    assert [at - NOW for at in w.runs("a")] == [timedelta(minutes=10), timedelta(minutes=140)]


@pytest.mark.parametrize("back", [timedelta(minutes=1), HOUR, DAY * 400])
def test_a_clock_set_back_takes_a_delay_along_and_leaves_a_moment(back: timedelta) -> None:
    delayed, fixed = once("in 10m"), once("2027-12-01T08:00")
    for spec, moved in ((delayed, back), (fixed, timedelta(0))):
        row = work.created(spec, NOW, BERLIN)
        assert row.next_due is not None
        after = work.clock_set_back(row, spec, back, NOW - back, BERLIN)
        assert after.next_due == row.next_due - moved
        assert work.refresh(after, spec, NOW - back, BERLIN) == after


def test_a_moment_that_fails_is_tried_again_and_ends_as_failed() -> None:
    w = World(
        Settings(endpoint=(once("in 10m", retry=Retry(attempts=3)),)),
        outcome=lambda id, now: report(id, "failed", now),
    )
    w.live(DAY)
    assert len(list(w.runs("a"))) == 3
    status = w.planner.status("a", None)
    assert (status.state, status.next_due) == ("failing", None)


def test_moving_east_past_the_moment_does_not_lose_the_run() -> None:
    w = World(Settings(endpoint=(once("2026-06-10T15:00"),)))  # it is 14:00 in Berlin
    w.clock.tz = ZoneInfo("Asia/Tokyo")
    w.turn(lambda now: w.planner.set_zone(w.clock.tz, now))
    w.live(timedelta(minutes=5))
    assert len(w.started) == 1


# Flex


def test_the_first_run_comes_in_the_last_part_of_the_first_period() -> None:
    for number in range(50):
        due = next_due(flex("1h", "15m", f"e{number}"), None, NOW, BERLIN, NOW)
        assert due is not None
        assert timedelta(minutes=45) <= due - NOW <= HOUR


def test_flexible_runs_keep_their_moment_over_failures_late_runs_and_restarts() -> None:
    failures = iter([True, False, True, True])
    w = World(
        Settings(endpoint=(flex("4h", "1h"),)),
        outcome=lambda id, now: report(id, "failed" if next(failures, False) else "succeeded", now),
    )
    first = w.planner.status("a", None).next_due
    assert first is not None
    w.live(HOUR * 13)
    w.clock.sleep(HOUR * 10)
    w.boot()
    w.live(HOUR)
    w.sync("a")
    w.started.clear()
    w.live(DAY * 3)
    assert len(w.started) == 18
    assert {(at - first) % (HOUR * 4) for at, _ in w.started} == {timedelta(0)}


def test_an_edit_of_something_else_does_not_begin_the_period_anew() -> None:
    w = World(Settings(endpoint=(flex("4h", "1h"),)))
    due = w.planner.status("a", None).next_due
    for number in range(5):
        w.live(timedelta(minutes=30))
        w.apply(endpoint(every="4h", flex=Duration(3600), limits=Limits(pages=number + 1)))
    assert w.planner.status("a", None).next_due == due


def test_a_clock_set_back_delays_no_flexible_run() -> None:
    w = World(Settings(endpoint=(flex("4h", "1h"),)))
    due = w.planner.status("a", None).next_due
    assert due is not None
    w.clock.sleep(-HOUR * 2)
    w.live(HOUR * 5)
    assert next(w.runs("a")) == due - HOUR * 2
    w.boot()
    assert w.planner.status("a", None).next_due == due + HOUR * 2


@given(
    st.integers(60, 10**6),
    st.floats(0.01, 1),
    st.text(max_size=5),
    st.timedeltas(timedelta(0), timedelta(days=4000)),
)
@settings(deadline=None)
def test_every_period_has_one_moment_in_its_last_part(every: int, part: float, id: str, later: timedelta) -> None:
    window = max(10, int(every * part))
    spec = flex(f"{every}s", f"{window}s", id)
    due = next_due(spec, NOW + later, NOW + later, BERLIN, NOW)
    assert due is not None
    assert due > NOW + later
    assert due - (NOW + later) <= timedelta(seconds=every) or later < timedelta(seconds=every)
    position = (due - NOW) % timedelta(seconds=every)
    assert position == timedelta(0) or position >= timedelta(seconds=every - window)
