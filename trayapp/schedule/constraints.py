"""What must hold for a run to start, and what holds it back, in words. Pure functions.

Most constraints are soft: a run that the user asks for ("Sync now") ignores them, since they express what is wished for
scheduled runs. Without a network, or on a full disk, no run can work: those are hard.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo
from ipaddress import ip_address
from itertools import takewhile
from urllib.parse import urlsplit

import msgspec

from trayapp.endpoints.model import Endpoint
from trayapp.endpoints.units import TimeOfDay
from trayapp.schedule.due import resolve


class Conditions(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the machine; None: unknown, which meets every constraint. disk_free is in bytes."""

    online: bool | None = None
    metered: bool | None = None
    on_battery: bool | None = None
    battery_percent: float | None = None
    idle_seconds: float | None = None
    disk_free: int | None = None
    paused: bool = False
    paused_until: datetime | None = None
    """None while paused means: until the user resumes."""


class Check(msgspec.Struct, frozen=True):
    """One constraint of an endpoint: what it wants, how things are, and if it is not met the reason, else ""."""

    wants: str
    value: str
    reason: str
    hard: bool = False


def blocked_by(endpoint: Endpoint, conditions: Conditions, now: datetime, zone: tzinfo, *, wished: bool = False) -> str:
    """The first reason why a run of the endpoint may not start now; "" if it may. wished: the user asked for it."""
    found = (check for check in checks(endpoint, conditions, now, zone) if check.reason)
    return next((check.reason for check in found if check.hard or not wished), "")


def lost(endpoint: Endpoint, conditions: Conditions, now: datetime, zone: tzinfo, *, wished: bool = False) -> str:
    """The first reason why a run that is running must stop; "" if none. A pause lets it end."""
    unpaused = msgspec.structs.replace(conditions, paused=False)
    return blocked_by(endpoint, unpaused, now, zone, wished=wished)


def blocked_until(endpoint: Endpoint, conditions: Conditions, now: datetime, zone: tzinfo) -> datetime | None:
    """When looking again is worth it at the latest, if time alone can lift what blocks; else None."""
    if _paused(conditions, now):
        return conditions.paused_until
    return window_edge(endpoint, now, zone)


def window_edge(endpoint: Endpoint, now: datetime, zone: tzinfo) -> datetime | None:
    """The next beginning or end of the hours in which the endpoint may run; None without such hours."""
    if endpoint.when.between is None:
        return None
    return next(edge for edge, _ in _edges(*endpoint.when.between, now, zone) if edge > now)


def checks(endpoint: Endpoint, conditions: Conditions, now: datetime, zone: tzinfo) -> Iterator[Check]:
    """Every constraint of the endpoint with its present value, the pause first."""
    when = endpoint.when
    if _paused(conditions, now):
        until = conditions.paused_until
        reason = "paused" if until is None else f"paused until {clock_time(until, now, zone)}"
        yield Check("no pause", reason, reason)
    if needs_network(endpoint):
        yield _hard(_check("a network", conditions.online, "connected", "no network"))
        if when.network == "unmetered":
            unmetered = None if conditions.metered is None else not conditions.metered
            yield _check("an unmetered network", unmetered, "unmetered network", "metered network")
    if when.power == "ac":
        plugged = None if conditions.on_battery is None else not conditions.on_battery
        yield _check("mains power", plugged, "on mains power", "on battery")
    if when.battery_above is not None:
        level = conditions.battery_percent
        enough = None if level is None else level > when.battery_above or conditions.on_battery is False
        value = "" if level is None else f"battery at {level:.0f} %"
        yield _check(f"battery above {when.battery_above} %", enough, value, value)
    if when.idle is not None:
        idle = conditions.idle_seconds
        enough = None if idle is None else idle >= when.idle.seconds
        value = "" if idle is None else f"unused for {idle:.0f} s"
        yield _check(f"computer unused for {when.idle}", enough, value, "the computer is in use")
    if when.between is not None:
        first, last = when.between
        inside = _inside(first, last, now, zone)
        value = now.astimezone(zone).strftime("%H:%M")
        yield _check(f"between {first} and {last}", inside, value, f"outside {first}-{last}")
    if when.disk_free is not None:
        free = conditions.disk_free
        enough = None if free is None else free >= when.disk_free.bytes
        value = "" if free is None else f"{_size(free)} free"
        yield _hard(_check(f"{when.disk_free} of free disk space", enough, value, f"only {value}"))


def needs_network(endpoint: Endpoint) -> bool:
    """Whether the endpoint's host is another machine."""
    host = urlsplit(endpoint.url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return False
    try:
        return not ip_address(host).is_loopback
    except ValueError:
        return True


def clock_time(moment: datetime, now: datetime, zone: tzinfo) -> str:
    """A moment as local people say it: "15:00", on other days "Thu 26 Nov 15:00"."""
    local = moment.astimezone(zone)
    same_day = local.date() == now.astimezone(zone).date()
    return local.strftime("%H:%M" if same_day else "%a %d %b %H:%M")


def _paused(conditions: Conditions, now: datetime) -> bool:
    return conditions.paused and (conditions.paused_until is None or conditions.paused_until > now)


def _check(wants: str, met: bool | None, value: str, reason: str) -> Check:
    if met is None:
        return Check(wants, "unknown", "")
    return Check(wants, value, "") if met else Check(wants, reason, reason)


def _hard(check: Check) -> Check:
    return msgspec.structs.replace(check, hard=True)


def _inside(first: TimeOfDay, last: TimeOfDay, now: datetime, zone: tzinfo) -> bool:
    if first == last:
        return True
    *_, (_, opens) = takewhile(lambda edge: edge[0] <= now, _edges(first, last, now, zone))
    return opens


def _edges(first: TimeOfDay, last: TimeOfDay, now: datetime, zone: tzinfo) -> Iterator[tuple[datetime, bool]]:
    """The moments at which the hours begin (True) and end, in order, from the day before to two days after.

    Moments rather than the wall clock, which shows some times twice in autumn, and some not at all in spring.
    """
    today = now.astimezone(zone).date()
    for days in (-1, 0, 1, 2):
        for time, opens in sorted([(first, True), (last, False)]):
            yield resolve(today + timedelta(days=days), time.time, zone), opens


def _size(bytes: int) -> str:
    return f"{bytes / 2**20:.0f} MiB" if bytes < 2**30 else f"{bytes / 2**30:.1f} GiB"
