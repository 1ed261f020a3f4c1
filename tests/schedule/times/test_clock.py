"""The clock, and how sleep and set clocks are told from waiting."""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfoNotFoundError

import pytest

from tests.schedule.fakes import NOW, FakeClock
from trayapp.schedule.times.clock import JUMP, LONGEST_WAIT, LONGEST_WAIT_NEAR, ClockWatch, SystemClock, wait_for


def test_the_system_s_clock() -> None:
    clock = SystemClock()
    assert clock.now().tzinfo is UTC
    assert clock.monotonic() <= clock.monotonic()
    now = clock.now()
    assert now.astimezone(clock.zone()).utcoffset() == now.astimezone().utcoffset()


def test_the_zone_follows_the_system_s(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SystemClock()
    monkeypatch.setenv("TZ", "America/New_York")
    assert str(clock.zone()) == "America/New_York"
    monkeypatch.setenv("TZ", "Europe/Berlin")
    assert str(clock.zone()) == "America/New_York"
    monkeypatch.setattr("trayapp.schedule.times.clock._ZONE_LIFETIME", -1.0)
    assert str(clock.zone()) == "Europe/Berlin"


@pytest.mark.skipif(sys.platform == "win32", reason="no links there")
@pytest.mark.parametrize(
    ("target", "environment", "zone"),
    [
        ("/usr/share/zoneinfo/America/New_York", "", "America/New_York"),
        ("../var/db/timezone/zoneinfo/Asia/Tokyo", "", "Asia/Tokyo"),
        ("/usr/share/zoneinfo/America/New_York", "Europe/Berlin", "Europe/Berlin"),
        ("/usr/share/zoneinfo/Nowhere/Land", "", "found"),
        ("/usr/share/zoneinfo/../../x", "", "found"),
        ("/elsewhere", "", "found"),
        ("", "", "found"),
    ],
)
def test_the_system_s_link_names_the_zone(
    target: str, environment: str, zone: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if target:
        (tmp_path / "localtime").symlink_to(target)
    monkeypatch.setattr("trayapp.schedule.times.clock._LINK", str(tmp_path / "localtime"))
    monkeypatch.setenv("TZ", environment)
    if zone == "found":
        monkeypatch.setattr("tzlocal.reload_localzone", lambda: "found")
    assert str(SystemClock().zone()) == zone


def test_a_system_that_contradicts_itself_still_has_an_offset(monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    def contradict() -> None:
        raise ZoneInfoNotFoundError("Multiple conflicting time zone configurations found")

    monkeypatch.setattr("tzlocal.reload_localzone", contradict)
    monkeypatch.setattr("trayapp.schedule.times.clock._LINK", "/nowhere")
    monkeypatch.setattr("trayapp.schedule.times.clock._ZONE_LIFETIME", -1.0)
    clock = SystemClock()
    for _ in range(2):
        assert clock.zone().utcoffset(None) == datetime.now().astimezone().utcoffset()
    assert caplog.text.count("The time zone is not known") == 1


@pytest.mark.parametrize(
    ("away", "wait"),
    [(-5, 0), (0, 0), (12.5, 12.5), (31, LONGEST_WAIT_NEAR), (600, LONGEST_WAIT_NEAR), (601, LONGEST_WAIT)],
)
def test_waits_are_short_when_an_alarm_is_near(away: float, wait: float) -> None:
    assert wait_for(NOW + timedelta(seconds=away), NOW) == wait


def watched(waiting: float | None) -> tuple[FakeClock, ClockWatch]:
    clock = FakeClock()
    watch = ClockWatch(clock)
    watch.before_waiting(waiting)
    return clock, watch


@pytest.mark.parametrize("waiting", [None, 300.0])
def test_waiting_is_no_jump(waiting: float | None) -> None:
    clock, watch = watched(waiting)
    clock.pass_time(300)
    assert watch.look() == timedelta(0)
    clock.sleep(JUMP)
    assert watch.look() == timedelta(0)


def test_sleep_moves_the_wall_clock_only() -> None:
    clock, watch = watched(300)
    clock.pass_time(20)
    clock.sleep(timedelta(hours=8))
    assert watch.look() == timedelta(hours=8)


def test_sleep_with_a_monotonic_clock_that_goes_on() -> None:
    clock, watch = watched(300)
    clock.pass_time(8 * 3600)
    assert watch.look() == timedelta(seconds=8 * 3600 - 300)


def test_a_clock_set_back() -> None:
    clock, watch = watched(300)
    clock.pass_time(300)
    clock.sleep(timedelta(hours=-1))
    assert watch.look() == timedelta(hours=-1)


def test_a_jump_is_told_once_even_if_it_comes_between_waits() -> None:
    clock, watch = watched(300)
    clock.sleep(timedelta(hours=-1))
    watch.before_waiting(20)
    assert watch.look() == timedelta(hours=-1)
    assert watch.look() == timedelta(0)
