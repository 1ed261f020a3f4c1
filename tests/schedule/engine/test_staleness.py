"""Silence is told once, and not while the catching up after a holiday is still to come."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.schedule.fakes import BERLIN, NOW, endpoint
from trayapp.endpoints.calendar import Once
from trayapp.endpoints.model import Endpoint, Notify, Settings
from trayapp.endpoints.units import Duration
from trayapp.schedule.engine.snapshot import EndpointStatus
from trayapp.schedule.engine.staleness import Watch, length_in_words, look, stale_at

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def status(last_success: datetime | None, **fields: Any) -> EndpointStatus:
    return EndpointStatus(id="a", name="A", table="a", state="enqueued", last_success=last_success, **fields)


class Looks:
    """A program that looks again and again; `told` are the lengths that were told."""

    def __init__(self, spec: Endpoint) -> None:
        self.settings = Settings(endpoint=(spec,))
        self.watches: dict[str, Watch] = {}
        self.told: list[timedelta] = []

    def at(self, now: datetime, last_success: datetime | None) -> None:
        found, self.watches = look(self.watches, [status(last_success)], self.settings, now, BERLIN)
        self.told += [each.length for each in found]


def test_a_silence_is_told_once() -> None:
    looks = Looks(endpoint("a", every="1h"))
    for minutes in range(0, 6 * 24 * 60, 10):
        looks.at(NOW + timedelta(minutes=minutes), NOW)
    assert looks.told == [2 * DAY + HOUR + timedelta(minutes=10)]


def test_the_next_silence_is_told_again() -> None:
    looks = Looks(endpoint("a", every="1h"))
    for success in (NOW, NOW + 9 * DAY):
        for hours in range(72):
            looks.at(success + hours * HOUR, success)
    assert len(looks.told) == 2


def test_what_is_caught_up_at_once_is_no_silence() -> None:
    looks = Looks(endpoint("a", every="1h"))
    looks.at(NOW, NOW)
    looks.at(NOW + 14 * DAY, NOW)
    looks.at(NOW + 14 * DAY + HOUR, NOW + 14 * DAY)
    looks.at(NOW + 14 * DAY + 2 * HOUR, NOW + 14 * DAY)
    assert looks.told == []


def test_an_endpoint_that_never_had_a_success_is_told_too() -> None:
    looks = Looks(endpoint("a", every="1h"))
    for hours in range(80):
        looks.at(NOW + hours * HOUR, None)
    assert len(looks.told) == 1


@pytest.mark.parametrize(
    ("spec", "limit"),
    [
        (endpoint("a", every="1h"), NOW + HOUR + 2 * DAY),
        (endpoint("a", cron="0 0 1 * *"), datetime.fromisoformat("2026-07-02T22:00:00+00:00")),
        (endpoint("a", every="1h", notify=Notify(stale_after=Duration(7200))), NOW + 2 * HOUR),
        (endpoint("a", manual=True, notify=Notify(stale_after=Duration(7200))), NOW + 2 * HOUR),
        (endpoint("a", manual=True), None),
    ],
)
def test_the_limit_follows_the_schedule_unless_it_is_given(spec: Endpoint, limit: datetime | None) -> None:
    assert stale_at(spec, NOW, BERLIN) == limit


@pytest.mark.parametrize("moment", ["in 10m", "2026-06-11T08:00", "2026-06-01T08:00"])
def test_what_runs_once_is_never_stale_unless_it_is_said_when(moment: str) -> None:
    assert stale_at(endpoint(once=Once.parse(moment)), NOW, BERLIN) is None
    told = endpoint(once=Once.parse(moment), notify=Notify(stale_after=Duration(3600)))
    assert stale_at(told, NOW, BERLIN) == NOW + HOUR


def test_what_is_switched_off_is_not_watched() -> None:
    looks = Looks(endpoint("a", enabled=False))
    for hours in range(100):
        looks.at(NOW + hours * HOUR, NOW)
    assert looks.told == []


@pytest.mark.parametrize(
    ("length", "words"), [(HOUR, "1 hour"), (47 * HOUR, "47 hours"), (2 * DAY, "2 days"), (timedelta(0), "1 hour")]
)
def test_lengths_in_words(length: timedelta, words: str) -> None:
    assert str(length_in_words(length)) == words


def test_what_is_unknown_or_never_expected_is_passed_over() -> None:
    settings = Settings(endpoint=(endpoint("m", manual=True), endpoint("a", every="1h")))
    statuses = [
        EndpointStatus(id=id, name=id, table=id, state="enqueued", last_success=NOW - 9 * DAY)
        for id in ("gone", "m", "a")
    ]
    found, watches = look({}, statuses, settings, NOW, BERLIN)
    assert (found, set(watches)) == ([], {"m", "a"})
    found, _ = look(watches, statuses, settings, NOW + HOUR, BERLIN)
    assert [each.status.id for each in found] == ["a"]


def test_what_is_allowed_more_time_meanwhile_is_not_told() -> None:
    looks = Looks(endpoint("a", every="1h"))
    looks.at(NOW, NOW - 9 * DAY)
    looks.settings = Settings(endpoint=(endpoint("a", every="1h", notify=Notify(stale_after=Duration.parse("30d"))),))
    looks.at(NOW + HOUR, NOW - 9 * DAY)
    assert looks.told == []
