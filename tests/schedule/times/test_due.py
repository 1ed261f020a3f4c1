"""Due times: intervals, cron and times of day, over clock changes, long absences and wrong clocks."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.patience import quickest_cpu
from trayapp.endpoints.model import Endpoint
from trayapp.endpoints.units import Duration, TimeOfDay
from trayapp.errors import UserError
from trayapp.schedule.times.descriptions import describe
from trayapp.schedule.times.due import MINIMUM, next_due, resolve, spread, upcoming

BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")
APIA = ZoneInfo("Pacific/Apia")
BEIRUT = ZoneInfo("Asia/Beirut")
NOW = datetime(2026, 6, 10, 12, 0, tzinfo=UTC)


def every(text: str, id: str = "a") -> Endpoint:
    return Endpoint(url="http://x.test", id=id, every=Duration.parse(text))


def cron(expression: str) -> Endpoint:
    return Endpoint(url="http://x.test", id="a", cron=expression)


def at(*times: str) -> Endpoint:
    return Endpoint(url="http://x.test", id="a", at=tuple(TimeOfDay.parse(each) for each in times))


def local(endpoint: Endpoint, zone: ZoneInfo, start: datetime, count: int) -> list[str]:
    """The next runs after a local time, as local text with the offset."""
    found = upcoming(endpoint, start.replace(tzinfo=zone).astimezone(UTC), zone, count)
    assert all(each.tzinfo is UTC for each in found)
    return [each.astimezone(zone).strftime("%m-%d %H:%M%z") for each in found]


def test_without_any_schedule_it_is_hourly() -> None:
    assert next_due(Endpoint(url="http://x.test", id="a"), NOW, NOW, BERLIN) == NOW + timedelta(hours=1)


def test_by_hand_is_never_due() -> None:
    endpoint = Endpoint(url="http://x.test", id="a", manual=True)
    assert next_due(endpoint, None, NOW, BERLIN) is None
    assert upcoming(endpoint, NOW, BERLIN) == ()


def test_an_interval_has_a_floor() -> None:
    assert next_due(every("1s"), NOW, NOW, BERLIN) == NOW + MINIMUM


def test_first_runs_come_at_once_but_not_together() -> None:
    firsts = {next_due(every("1h", id=f"e{number}"), None, NOW, BERLIN) for number in range(100)}
    assert len(firsts) == 100
    assert min(firsts) >= NOW
    assert max(firsts) < NOW + timedelta(seconds=30)
    assert next_due(every("10s"), None, NOW, BERLIN) < NOW + timedelta(seconds=1)


def test_a_last_run_in_the_future_does_not_hold_up() -> None:
    assert next_due(every("1h"), NOW + timedelta(days=900), NOW, BERLIN) == NOW + timedelta(hours=1)
    assert next_due(cron("0 * * * *"), NOW + timedelta(days=900), NOW, BERLIN) == NOW + timedelta(hours=1)
    assert next_due(at("14:30"), NOW + timedelta(days=900), NOW, BERLIN) == NOW + timedelta(minutes=30)


def test_a_slot_that_ran_is_not_repeated_when_the_clock_is_set_back_an_hour() -> None:
    ran = datetime(2026, 6, 10, 9, 0, tzinfo=BERLIN).astimezone(UTC)
    for endpoint in (cron("0 9 * * *"), at("09:00")):
        assert next_due(endpoint, ran, ran - timedelta(minutes=59), BERLIN) == ran + timedelta(days=1)


@pytest.mark.parametrize("endpoint", [every("1m"), cron("* * * * *"), at("00:00", "12:00")])
def test_thirty_years_asleep_is_one_answer_at_once(endpoint: Endpoint) -> None:
    def find() -> None:
        for _ in range(100):
            due = next_due(endpoint, NOW - timedelta(days=365 * 30), NOW, BERLIN)
        assert due is not None
        assert due < NOW

    assert quickest_cpu(find, 0.5) < 0.5


@pytest.mark.parametrize("number", ["0", "7", "sun"])
def test_sunday_is_cron_s_sunday(number: str) -> None:
    assert {each.astimezone(BERLIN).strftime("%A") for each in upcoming(cron(f"0 9 * * {number}"), NOW, BERLIN)} == {
        "Sunday"
    }


@pytest.mark.parametrize(
    ("field", "days"),
    [("1", {"Mon"}), ("5", {"Fri"}), ("1-5", {"Mon", "Tue", "Wed", "Thu", "Fri"}), ("mon,6", {"Mon", "Sat"})],
)
def test_weekday_numbers_are_cron_s(field: str, days: set[str]) -> None:
    found = upcoming(cron(f"0 9 * * {field}"), NOW, BERLIN, 10)
    assert {each.astimezone(BERLIN).strftime("%a") for each in found} == days


def test_day_of_month_or_weekday() -> None:
    assert local(cron("0 0 13 * 5"), BERLIN, datetime(2026, 6, 10), 3) == [
        "06-12 00:00+0200",
        "06-13 00:00+0200",
        "06-19 00:00+0200",
    ]


# In 2026: Berlin 29 March 02:00 -> 03:00 and 25 October 03:00 -> 02:00; New York 8 March and 1 November, 02:00.
DST = [
    (BERLIN, cron("30 2 * * *"), datetime(2026, 3, 28, 12), ["03-29 03:00+0200", "03-30 02:30+0200"]),
    (BERLIN, at("02:30"), datetime(2026, 3, 28, 12), ["03-29 03:00+0200", "03-30 02:30+0200"]),
    (BERLIN, at("02:15", "02:45"), datetime(2026, 3, 28, 12), ["03-29 03:00+0200", "03-30 02:15+0200"]),
    (BERLIN, at("02:00", "03:00"), datetime(2026, 3, 28, 12), ["03-29 03:00+0200", "03-30 02:00+0200"]),
    (BERLIN, cron("30 2 * * *"), datetime(2026, 10, 24, 12), ["10-25 02:30+0200", "10-26 02:30+0100"]),
    (BERLIN, at("02:30"), datetime(2026, 10, 24, 12), ["10-25 02:30+0200", "10-26 02:30+0100"]),
    (BERLIN, cron("30 2 * * *"), datetime(2026, 10, 25, 2, 10, fold=1), ["10-26 02:30+0100"]),
    (BERLIN, at("02:30"), datetime(2026, 10, 25, 2, 10, fold=1), ["10-26 02:30+0100"]),
    (BERLIN, cron("30 * * * *"), datetime(2026, 10, 25, 1), [
        "10-25 01:30+0200", "10-25 02:30+0200", "10-25 02:30+0100", "10-25 03:30+0100"]),
    (BERLIN, cron("*/30 * * * *"), datetime(2026, 3, 29, 1, 10), ["03-29 01:30+0100", "03-29 03:00+0200"]),
    (BERLIN, cron("0 9 * * *"), datetime(2026, 3, 28, 8), ["03-28 09:00+0100", "03-29 09:00+0200"]),
    (NEW_YORK, cron("30 2 * * *"), datetime(2026, 3, 7, 12), ["03-08 03:00-0400", "03-09 02:30-0400"]),
    (NEW_YORK, at("02:30"), datetime(2026, 3, 7, 12), ["03-08 03:00-0400", "03-09 02:30-0400"]),
    (NEW_YORK, cron("30 1 * * *"), datetime(2026, 10, 31, 12), ["11-01 01:30-0400", "11-02 01:30-0500"]),
    (NEW_YORK, at("01:30"), datetime(2026, 10, 31, 12), ["11-01 01:30-0400", "11-02 01:30-0500"]),
    (BEIRUT, at("00:00"), datetime(2026, 3, 28, 12), ["03-29 01:00+0300", "03-30 00:00+0300"]),
]  # fmt: skip


@pytest.mark.parametrize(("zone", "endpoint", "start", "expected"), DST)
def test_daylight_saving(zone: ZoneInfo, endpoint: Endpoint, start: datetime, expected: list[str]) -> None:
    assert local(endpoint, zone, start, len(expected)) == expected


def test_an_hourly_interval_ignores_daylight_saving() -> None:
    start = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)
    assert upcoming(every("1h"), start, BERLIN, 3) == tuple(start + timedelta(hours=number) for number in (1, 2, 3))


def test_a_skipped_day_runs_at_its_end() -> None:
    """Samoa had no 30 December 2011."""
    found = resolve(date(2011, 12, 30), TimeOfDay(8, 0).time, APIA)
    assert found.astimezone(APIA).isoformat() == "2011-12-31T00:00:00+14:00"


def test_seconds_in_cron_keep_the_floor() -> None:
    found = upcoming(cron("* * * * * *"), NOW, BERLIN, 3)
    assert [each - NOW for each in found] == [MINIMUM, MINIMUM * 2, MINIMUM * 3]


@pytest.mark.parametrize("expression", ["", "0 9 * *", "61 * * * *", "0 9 * * monday", "0 0 31 2 *"])
def test_a_wrong_cron_expression_is_named(expression: str) -> None:
    with pytest.raises(UserError, match="cron"):
        next_due(cron(expression), NOW, NOW, BERLIN)


@pytest.mark.parametrize(
    ("endpoint", "words"),
    [
        (Endpoint(url="http://x.test"), "every hour"),
        (every("1h"), "every hour"),
        (every("15m"), "every 15 minutes"),
        (every("90m"), "every 1 hour and 30 minutes"),
        (every("1d"), "every day"),
        (every("2w"), "every 2 weeks"),
        (every("8d"), "every 8 days"),
        (every("12.5s"), "every 12.5 seconds"),
        (every("1s"), "every 10 seconds"),
        (at("08:00"), "at 08:00"),
        (at("13:00", "08:00"), "at 08:00 and 13:00"),
        (at("08:00", "13:00", "18:00"), "at 08:00, 13:00 and 18:00"),
        (Endpoint(url="http://x.test", manual=True, cron="* * * * *"), "only by hand"),
        (cron("0 9 * * mon-fri"), "on weekdays at 09:00"),
        (cron("0 9 * * 1-5"), "on weekdays at 09:00"),
        (cron("0 9,18 * * *"), "every day at 09:00 and 18:00"),
        (cron("15 6 * * 0"), "on Sundays at 06:15"),
        (cron("15 6 * * 7"), "on Sundays at 06:15"),
        (cron("15 6 * * 5,mon"), "on Mondays and Fridays at 06:15"),
        (cron("15 6 * * 6,7"), "on weekends at 06:15"),
        (cron("0 0 1 * *"), "on day 1 of every month at 00:00"),
        (cron("0 * * * *"), "every hour"),
        (cron("5 * * * *"), "every hour at 5 minutes past"),
        (cron("*/10 * * * *"), "every 10 minutes"),
        (cron("* * * * *"), "every minute"),
        (cron("*/7 * * * *"), "*/7 * * * *"),
        (cron("0 9 1-7 * mon"), "0 9 1-7 * mon"),
        (cron("0 9 * * 1-3,5"), "0 9 * * 1-3,5"),
        (cron("0 9 * jan *"), "0 9 * jan *"),
        (cron("0 9 1 * 1"), "0 9 1 * 1"),
        (cron("nonsense"), "nonsense"),
    ],
)
def test_schedules_in_words(endpoint: Endpoint, words: str) -> None:
    assert str(describe(endpoint)) == words


moments = st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))
zones = st.sampled_from([BERLIN, NEW_YORK, BEIRUT, ZoneInfo("Australia/Lord_Howe"), ZoneInfo("Etc/UTC")])
times = st.builds(TimeOfDay, st.integers(0, 23), st.integers(0, 59))
timetables = st.lists(times, min_size=1, max_size=4).map(
    lambda found: Endpoint(url="http://x.test", id="a", at=tuple(found))
)
crons = st.tuples(st.integers(0, 59), st.integers(0, 23), st.sampled_from(["*", "1-5", "0", "sat,sun"])).map(
    lambda found: cron(f"{found[0]} {found[1]} * * {found[2]}")
)


@given(moments, zones, timetables | crons)
@settings(max_examples=300, deadline=None)
def test_slots_are_after_the_last_run_and_at_most_a_week_and_an_hour_away(
    last: datetime, zone: ZoneInfo, endpoint: Endpoint
) -> None:
    due = next_due(endpoint, last, last, zone)
    assert due is not None
    assert last < due <= last + timedelta(days=8 if endpoint.cron else 1, hours=2)


@given(moments, zones, times)
@settings(max_examples=300, deadline=None)
def test_at_and_cron_agree(last: datetime, zone: ZoneInfo, when: TimeOfDay) -> None:
    daily = cron(f"{when.time.minute} {when.time.hour} * * *")
    assert upcoming(at(str(when)), last, zone, 3) == upcoming(daily, last, zone, 3)


@given(moments, zones, times)
@settings(max_examples=300, deadline=None)
def test_a_daily_time_comes_once_for_every_local_day(last: datetime, zone: ZoneInfo, when: TimeOfDay) -> None:
    found = [each.astimezone(zone).date() for each in upcoming(at(str(when)), last, zone, 5)]
    assert found == [found[0] + timedelta(days=number) for number in range(5)]


@given(moments, st.integers(10, 10**7), st.timedeltas(timedelta(0), timedelta(days=4000)))
@settings(deadline=None)
def test_an_interval_is_kept_from_the_last_run(last: datetime, seconds: int, later: timedelta) -> None:
    assert next_due(every(f"{seconds}s"), last, last + later, BERLIN) == last + timedelta(seconds=seconds)


@given(st.text(), st.timedeltas(timedelta(0), timedelta(days=1)))
@settings(deadline=None)
def test_spread_is_stable_and_bounded(id: str, over: timedelta) -> None:
    assert timedelta(0) <= spread(id, over) <= over
    assert spread(id, over) == spread(id, over)
