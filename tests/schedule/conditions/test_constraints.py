"""Constraints: what holds a run back, in words."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from tests.schedule.fakes import BERLIN, NOW, endpoint
from trayapp.endpoints.model import General, When
from trayapp.endpoints.units import Duration, HostPort, Size, TimeOfDay
from trayapp.messages import NOTHING
from trayapp.schedule.conditions.constraints import (
    blocked_by,
    blocked_until,
    checks,
    lost,
    needs_network,
    overruled,
    questions,
    window_edge,
    with_general,
)
from trayapp.schedule.conditions.machine import FULLSCREEN, IDLE, WIFI, Conditions, program, server


def night(first: str = "22:00", last: str = "06:00") -> When:
    return When(between=(TimeOfDay.parse(first), TimeOfDay.parse(last)))


def blocked(conditions: Conditions, when: When | None = None, now: datetime = NOW, **fields: Any) -> str:
    return str(blocked_by(endpoint(when=when or When(), **fields), conditions, now, BERLIN))


EVERYTHING = When(
    network="unmetered",
    power="ac",
    battery_above=20,
    idle=Duration(600),
    disk_free=Size(2**30),
)


def test_the_unknown_meets_every_constraint() -> None:
    assert blocked(Conditions(), EVERYTHING) == ""
    assert {str(check.value) for check in checks(endpoint(when=EVERYTHING), Conditions(), NOW, BERLIN)} == {"unknown"}


@pytest.mark.parametrize(
    ("conditions", "reason"),
    [
        ({"online": False}, "no network"),
        ({"metered": True}, "metered network"),
        ({"on_battery": True}, "on battery"),
        ({"battery_percent": 15.4}, "battery at 15 %"),
        ({"battery_percent": 20}, "battery at 20 %"),
        ({"answers": {IDLE: 599.0}}, "the computer is in use"),
        ({"disk_free": 500 * 2**20}, "only 500 MiB free"),
        ({"paused": True}, "paused"),
        ({"paused": True, "paused_until": datetime(2026, 6, 10, 13, 0, tzinfo=UTC)}, "paused until 15:00"),
        ({"paused": True, "paused_until": datetime(2026, 6, 11, 6, 0, tzinfo=UTC)}, "paused until Thu 11 Jun 08:00"),
        ({"paused": True, "online": False}, "paused"),
        ({"paused": True, "paused_until": NOW}, ""),
        ({"online": True, "metered": False, "on_battery": False, "battery_percent": 21.0}, ""),
        ({"on_battery": False, "battery_percent": 5}, ""),
        ({"answers": {IDLE: 600.0}, "disk_free": 2**30}, ""),
    ],
)
def test_reasons_in_words(conditions: dict[str, Any], reason: str) -> None:
    assert blocked(Conditions(**conditions), EVERYTHING) == reason


def test_what_was_not_asked_for_does_not_hold_back() -> None:
    low = Conditions(metered=True, on_battery=True, battery_percent=3, answers={IDLE: 0.0}, disk_free=0)
    assert blocked(low) == ""


NAS = HostPort("nas.local", 445)


@pytest.mark.parametrize(
    ("when", "conditions", "reason"),
    [
        (When(), {"online": True, "captive": True}, "the network requires you to sign in"),
        (When(), {"online": True, "captive": False}, ""),
        (When(wifi=("Home", "Work")), {"answers": {WIFI: "Work"}}, ""),
        (When(wifi=("Home", "Work")), {"answers": {WIFI: "Cafe"}}, "on Wi-Fi Cafe"),
        (When(wifi=("Home",)), {"answers": {WIFI: ""}}, "not on Wi-Fi"),
        (When(not_wifi=("Phone",)), {"answers": {WIFI: "Phone"}}, "on Wi-Fi Phone"),
        (When(not_wifi=("Phone",)), {"answers": {WIFI: "phone"}}, ""),
        (When(not_wifi=("Phone",)), {"answers": {WIFI: ""}}, ""),
        (When(not_wifi=("Phone",)), {"answers": {WIFI: None}}, ""),
        (When(not_fullscreen=True), {"answers": {FULLSCREEN: True}}, "a full-screen window is open"),
        (When(not_fullscreen=True), {"answers": {FULLSCREEN: None}}, ""),
        (
            When(not_while=("vlc", "zoom")),
            {"answers": {program("vlc"): False, program("zoom"): True}},
            "zoom is running",
        ),
        (When(not_while=("zoom",)), {"answers": {program("zoom"): False}}, ""),
        (When(reachable=NAS), {"answers": {server(NAS): False}}, "nas.local:445 can't be reached"),
        (When(reachable=NAS), {"answers": {server(NAS): True}}, ""),
        (When(reachable=NAS, idle=Duration(60)), {"answers": {server(NAS): False, IDLE: 0}}, "the computer is in use"),
    ],
)
def test_reasons_of_what_the_machine_is_asked(when: When, conditions: dict[str, Any], reason: str) -> None:
    assert blocked(Conditions(**conditions), when) == reason


def test_only_a_server_is_asked_for_what_the_user_wishes() -> None:
    all_of_them = endpoint(
        when=When(wifi=("a",), idle=Duration(1), not_fullscreen=True, not_while=("x",), reachable=NAS)
    )
    assert questions(all_of_them) == {WIFI, IDLE, FULLSCREEN, program("x"), server(NAS)}
    assert questions(all_of_them, wished=True) == {server(NAS)}
    nothing_met = {WIFI: "b", IDLE: 0, FULLSCREEN: True, program("x"): True}
    assert blocked_by(all_of_them, Conditions(answers=nothing_met), NOW, BERLIN, wished=True) == NOTHING
    refused = blocked_by(all_of_them, Conditions(answers={server(NAS): False}), NOW, BERLIN, wished=True)
    assert str(refused) == "nas.local:445 can't be reached"


def test_a_network_is_metered_by_hand() -> None:
    unmetered = endpoint(when=When(network="unmetered"))
    for said in (True, False, None):
        for by_hand, reason in (("yes", "metered network"), ("no", "")):
            conditions = with_general(Conditions(metered=said), General(metered=by_hand))
            assert str(blocked_by(unmetered, conditions, NOW, BERLIN)) == reason
    assert with_general(Conditions(metered=True), General()).metered is True


def test_what_a_wish_overrules_is_named() -> None:
    conditions = Conditions(
        online=True,
        metered=True,
        on_battery=True,
        battery_percent=5,
        paused=True,
        disk_free=0,
        answers={IDLE: 0, WIFI: "Phone", FULLSCREEN: True, program("zoom"): True, server(NAS): False},
    )
    when = msgspec.structs.replace(
        EVERYTHING,
        between=night().between,
        not_wifi=("Phone",),
        not_fullscreen=True,
        not_while=("zoom",),
        reachable=NAS,
    )
    found = overruled(endpoint(when=when), conditions, NOW, BERLIN)
    assert [(check.kind, str(check.spoken)) for check in found] == [
        ("metered", "This network is metered"),
        ("power", "The computer is on battery"),
        ("power", "The battery is at 5 %"),
        ("hours", "The time is outside 22:00-06:00"),
        ("wifi", "The computer is on Wi-Fi Phone"),
        ("fullscreen", "A full-screen window is open"),
        ("program", "zoom is running"),
    ]


@pytest.mark.parametrize(
    "url", ["http://localhost:80/", "http://127.0.0.1/", "http://127.8.9.1:5/", "http://[::1]:80/"]
)
def test_this_machine_needs_no_network(url: str) -> None:
    assert not needs_network(endpoint(url=url))
    assert blocked(Conditions(online=False, metered=True), When(network="unmetered"), url=url) == ""


@pytest.mark.parametrize("url", ["http://128.0.0.1/", "http://localhost.test/", "https://[2001:db8::1]/", "http://a/"])
def test_other_machines_need_the_network(url: str) -> None:
    assert needs_network(endpoint(url=url))


@pytest.mark.parametrize(
    ("clock", "reason"),
    [("21:59", "outside 22:00-06:00"), ("22:00", ""), ("00:00", ""), ("05:59", ""), ("06:00", "outside 22:00-06:00")],
)
def test_hours_over_midnight(clock: str, reason: str) -> None:
    now = datetime.fromisoformat(f"2026-06-10T{clock}+02:00").astimezone(UTC)
    assert blocked(Conditions(), night(), now) == reason


@pytest.mark.parametrize(("clock", "inside"), [("08:59", False), ("09:00", True), ("16:59", True), ("17:00", False)])
def test_hours_within_a_day(clock: str, inside: bool) -> None:
    now = datetime.fromisoformat(f"2026-06-10T{clock}+02:00").astimezone(UTC)
    assert (blocked(Conditions(), night("09:00", "17:00"), now) == "") is inside


def test_equal_hours_are_the_whole_day() -> None:
    assert blocked(Conditions(), night("09:00", "09:00")) == ""


def test_when_time_alone_lifts_what_blocks() -> None:
    until = NOW + timedelta(hours=1)
    paused = Conditions(paused=True, paused_until=until)
    assert blocked_until(endpoint(when=night()), paused, NOW, BERLIN) == until
    assert blocked_until(endpoint(), Conditions(paused=True), NOW, BERLIN) is None
    assert blocked_until(endpoint(when=night()), Conditions(), NOW, BERLIN) == datetime(2026, 6, 10, 20, 0, tzinfo=UTC)
    assert blocked_until(endpoint(), Conditions(online=False), NOW, BERLIN) is None


@pytest.mark.parametrize("first", ["22:00", "09:00", "02:30", "00:00"])
def test_the_hours_change_exactly_at_their_edges(first: str) -> None:
    """Through a spring and an autumn night, hour by hour."""
    nightly = endpoint(when=night(first, "06:00"))
    for start in (datetime(2026, 3, 28, 12, tzinfo=UTC), datetime(2026, 10, 24, 12, tzinfo=UTC)):
        for hours in range(48):
            now = start + timedelta(hours=hours, minutes=7)
            edge = window_edge(nightly, now, BERLIN)
            assert edge is not None
            assert now < edge <= now + timedelta(hours=25)
            before = blocked_by(nightly, Conditions(), edge - timedelta(seconds=1), BERLIN)
            assert before == blocked_by(nightly, Conditions(), now, BERLIN)
            assert before != blocked_by(nightly, Conditions(), edge, BERLIN)


def test_a_pause_lets_a_run_end_but_a_lost_network_does_not() -> None:
    assert lost(endpoint(), Conditions(paused=True), NOW, BERLIN) == NOTHING
    assert str(lost(endpoint(), Conditions(paused=True, online=False), NOW, BERLIN)) == "no network"
