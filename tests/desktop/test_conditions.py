"""The running program on a machine whose power, network and sleep are the test's: real signals, real processes."""

import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.desktop.homes import rows, runs, settings
from tests.desktop.services import DEVICE, LOGIND, MANAGER, UPOWER, WIRED, Properties, Service, network
from tests.desktop.session import Desktop
from tests.desktop.waiting import wait_for
from tests.server import ApiServer, Handler, Listing, json_reply, late, reset

pytestmark = pytest.mark.slow
RECORDS = [{"id": n} for n in range(1, 24)]
LONG = [{"id": n, "name": f"Item {n}"} for n in range(1, 126)]
PAGES = 25


def elsewhere(url: str) -> str:
    """The same server by an address that does not look like this machine's own, so that it needs a network."""
    return url.replace("127.0.0.1", "0.0.0.0")


def paged(plug: threading.Event) -> Handler:
    """A listing of 25 pages that takes its time, as long as the plug is in."""
    listing = Listing(LONG, "cursor", size=5)
    return lambda seen: late(listing(seen), 0.1) if plug.is_set() else reset()


def test_a_run_stops_on_battery_and_goes_on_on_mains(
    machine: Desktop, serve: Callable[..., Service], api: ApiServer, home: Path
) -> None:
    settings(home, api.route("/stock", late(json_reply(RECORDS), 8)), '[endpoint.when]\npower = "ac"', "1h")
    battery: Properties = {"IsPresent": ("b", True), "Percentage": ("d", 80.0)}
    upower = serve("org.freedesktop.UPower", {UPOWER: {"OnBattery": ("b", False)}, DEVICE: battery})
    with machine.program("--background", home=home):
        wait_for(lambda: api.count("/stock") == 1, "the first request", 40)
        upower.change(UPOWER, OnBattery=("b", True))
        wait_for(lambda: runs(home)[:1] == [("stopped", "on battery")], "the stop", 20)
        asked = api.count("/stock")
        time.sleep(3)
        assert api.count("/stock") == asked
        api.route("/stock", Listing(RECORDS))
        upower.change(UPOWER, OnBattery=("b", False))
        wait_for(lambda: ("succeeded", "") in runs(home), "the run on mains", 30)


def test_another_wifi_starts_and_holds_back_runs(
    machine: Desktop, serve: Callable[..., Service], api: ApiServer, home: Path
) -> None:
    settings(home, api.route("/stock", Listing(RECORDS)), '[endpoint.when]\nnot_wifi = ["Phone"]')
    manager = serve("org.freedesktop.NetworkManager", wifi("Phone"))
    with machine.program("--background", home=home):
        wait_for(lambda: ("skipped", "on Wi-Fi Phone") in runs(home), "the skipped run", 40)
        assert api.count("/stock") == 0
        manager.properties |= wifi("Home")
        manager.change(MANAGER, PrimaryConnection=("o", "/active"))
        # Sooner than the next look without a signal would be.
        wait_for(lambda: ("succeeded", "") in runs(home), "a run at home", 12)


def wifi(name: str) -> dict[str, Properties]:
    """NetworkManager's objects in that Wi-Fi."""
    return {
        MANAGER: {**WIRED, "PrimaryConnection": ("o", "/active"), "PrimaryConnectionType": ("s", "802-11-wireless")},
        "/active": {"Type": ("s", "802-11-wireless"), "SpecificObject": ("o", "/point")},
        "/point": {"Ssid": ("ay", name.encode())},
    }


def test_a_metered_network_holds_back_runs_until_it_is_free(
    machine: Desktop, serve: Callable[..., Service], api: ApiServer, home: Path
) -> None:
    settings(home, elsewhere(api.route("/stock", Listing(RECORDS))), '[endpoint.when]\nnetwork = "unmetered"')
    manager = serve("org.freedesktop.NetworkManager", network(metered=1))
    with machine.program("--background", home=home):
        wait_for(lambda: ("skipped", "metered network") in runs(home), "the skipped run", 40)
        assert api.count("/stock") == 0
        manager.change(MANAGER, Metered=("u", 2))
        wait_for(lambda: ("succeeded", "") in runs(home), "a run on the free network", 20)


def test_a_run_that_loses_the_network_goes_on_where_it_was(
    machine: Desktop, serve: Callable[..., Service], api: ApiServer, home: Path
) -> None:
    plug = threading.Event()
    plug.set()
    settings(home, elsewhere(api.route("/stock", paged(plug))), every="1h")
    manager = serve("org.freedesktop.NetworkManager", network())
    with machine.program("--background", home=home):
        wait_for(lambda: api.count("/stock") >= 14, "half of the pages", 40)
        plug.clear()
        manager.change(MANAGER, State=("u", 20), Connectivity=("u", 1), Metered=("u", 0))
        wait_for(lambda: runs(home)[:1] == [("stopped", "no network")], "the stop", 20)
        assert not rows(home, "SELECT 1 FROM stock")
        before = api.count("/stock")
        time.sleep(2)
        assert api.count("/stock") == before
        plug.set()
        manager.change(MANAGER, State=("u", 70), Connectivity=("u", 4), Metered=("u", 2))
        wait_for(lambda: ("succeeded", "") in runs(home), "the rest of the run", 30)
        assert rows(home, "SELECT id, name FROM stock ORDER BY id") == [tuple(each.values()) for each in LONG]
        assert api.count("/stock") - before < PAGES - 10  # what was read is not asked for again


def test_a_run_whose_server_goes_away_goes_on_where_it_was(machine: Desktop, api: ApiServer, home: Path) -> None:
    plug = threading.Event()
    plug.set()
    settings(home, api.route("/stock", paged(plug)), '[endpoint.retry]\ndelay = "10s"', "1h")
    with machine.program("--background", home=home):
        wait_for(lambda: api.count("/stock") >= 14, "half of the pages", 40)
        plug.clear()
        wait_for(lambda: runs(home)[:1] and runs(home)[0][0] == "failed", "the failure", 60)
        assert not rows(home, "SELECT 1 FROM stock")
        before = api.count("/stock")
        plug.set()
        wait_for(lambda: ("succeeded", "") in runs(home), "the rest of the run", 40)
        assert rows(home, "SELECT id, name FROM stock ORDER BY id") == [tuple(each.values()) for each in LONG]
        assert api.count("/stock") - before < PAGES - 10


def test_a_server_in_reach_starts_runs(
    machine: Desktop, serve: Callable[..., Service], api: ApiServer, home: Path
) -> None:
    manager = serve("org.freedesktop.NetworkManager", network())
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        url = api.route("/stock", Listing(RECORDS))
        settings(home, url, f'[endpoint.when]\nreachable = "127.0.0.1:{port}"')
        with machine.program("--background", home=home):
            missing = f"127.0.0.1:{port} can't be reached"
            wait_for(lambda: ("skipped", missing) in runs(home), "the skipped run", 40)
            taken.listen()
            manager.change(MANAGER, PrimaryConnection=("o", "/other"))  # another network: asked anew at once
            wait_for(lambda: ("succeeded", "") in runs(home), "a run", 12)


def test_a_sleep_of_many_intervals_is_caught_up_once(machine: Desktop, api: ApiServer, home: Path) -> None:
    settings(home, api.route("/stock", Listing(RECORDS)))
    with machine.program("--background", home=home) as program:
        wait_for(lambda: ("succeeded", "") in runs(home), "the first run", 40)
        time.sleep(7)  # its state is written, and the scheduler waits for the next time
        os.kill(program.pid, signal.SIGSTOP)
        before = api.count("/stock")
        time.sleep(28)
        os.kill(program.pid, signal.SIGCONT)
        awake = time.monotonic()
        wait_for(lambda: api.count("/stock") > before, "the run that catches up", 15)
        assert time.monotonic() - awake >= 4  # the network is given time to settle
        time.sleep(4)
        assert api.count("/stock") == before + 1


def test_the_machine_is_asked_anew_when_logind_says_it_woke_up(
    machine: Desktop, serve: Callable[..., Service], api: ApiServer, home: Path
) -> None:
    settings(home, api.route("/stock", Listing(RECORDS)), '[endpoint.when]\nnot_wifi = ["Phone"]')
    manager = serve("org.freedesktop.NetworkManager", wifi("Phone"))
    logind = serve("org.freedesktop.login1", {})
    sleep = (LOGIND, "org.freedesktop.login1.Manager", "PrepareForSleep", "b")
    with machine.program("--background", home=home):
        wait_for(lambda: ("skipped", "on Wi-Fi Phone") in runs(home), "the skipped run", 40)
        logind.emit(*sleep, True)
        manager.properties |= wifi("Home")  # it was carried home asleep
        logind.emit(*sleep, False)
        awake = time.monotonic()
        # Sooner than the next look without a signal would be, but not before the network has settled.
        wait_for(lambda: ("succeeded", "") in runs(home), "a run at home", 15)
        assert time.monotonic() - awake >= 4
