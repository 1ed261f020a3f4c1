"""What must hold for a run to start and to go on, and what holds it back, in words. Pure functions.

Most constraints are soft: a run that the user asks for ("Sync now") ignores them, since they express what is wished for
scheduled runs. Without a network, or on a full disk, no run can work: those are hard.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo
from ipaddress import ip_address
from itertools import takewhile
from typing import Literal, get_args
from urllib.parse import urlsplit

import msgspec

from trayapp.endpoints.model import Endpoint, General, Obstacle
from trayapp.endpoints.units import TimeOfDay
from trayapp.schedule.conditions.machine import FULLSCREEN, IDLE, WIFI, Conditions, Question, program, server
from trayapp.schedule.times.due import resolve

Kind = Obstacle | Literal["pause", "network", "portal", "idle", "disk", "server"]
_HARD = frozenset({"network", "portal", "disk", "server"})
_ASKED = frozenset({"wifi", "idle", "program", "fullscreen", "server"})
_OVERRULED = frozenset(get_args(Obstacle))
"""What a person is asked about before it is overruled. Not the pause, and not idleness: whoever asks is there."""


class Check(msgspec.Struct, frozen=True):
    """One constraint of an endpoint: what it wants, how things are, and if it is not met the reason, else ""."""

    kind: Kind
    wants: str
    value: str
    reason: str

    @property
    def hard(self) -> bool:
        """Whether also a run that the user asks for needs it."""
        return self.kind in _HARD

    @property
    def asked(self) -> bool:
        """Whether the machine is only asked about it when an endpoint is due."""
        return self.kind in _ASKED


def with_general(conditions: Conditions, general: General) -> Conditions:
    """The conditions as the user's settings have them: a network may be called metered by hand."""
    if general.metered == "auto":
        return conditions
    return msgspec.structs.replace(conditions, metered=general.metered == "yes")


def obstacle(
    endpoint: Endpoint, conditions: Conditions, now: datetime, zone: tzinfo, *, wished: bool = False
) -> Check | None:
    """The first check that a run of the endpoint fails now; None if it may start. wished: the user asked for it.

    What the machine is only asked when needed comes last: such an obstacle is the only one left.
    """
    found = (check for check in checks(endpoint, conditions, now, zone) if check.reason)
    return next((check for check in found if check.hard or not wished), None)


def blocked_by(endpoint: Endpoint, conditions: Conditions, now: datetime, zone: tzinfo, *, wished: bool = False) -> str:
    """The first reason why a run of the endpoint may not start now; "" if it may. wished: the user asked for it."""
    check = obstacle(endpoint, conditions, now, zone, wished=wished)
    return "" if check is None else check.reason


def lost(endpoint: Endpoint, conditions: Conditions, now: datetime, zone: tzinfo, *, wished: bool = False) -> str:
    """The first reason why a run that is running must stop; "" if none. A pause lets it end."""
    unpaused = msgspec.structs.replace(conditions, paused=False)
    return blocked_by(endpoint, unpaused, now, zone, wished=wished)


def overruled(endpoint: Endpoint, conditions: Conditions, now: datetime, zone: tzinfo) -> tuple[Check, ...]:
    """What a run that the user asks for would ignore, and the user should know."""
    found = checks(endpoint, conditions, now, zone)
    return tuple(check for check in found if check.reason and check.kind in _OVERRULED)


def spoken(check: Check) -> str:
    """Why a check fails, as the beginning of a sentence for a person: "This network is metered"."""
    if check.kind == "metered":
        return "This network is metered"
    if check.kind == "power":
        return f"The computer is {check.reason}" if check.reason == "on battery" else f"The {check.reason}"
    if check.kind == "fullscreen":
        return "A full-screen window shows"
    return {"wifi": "The computer is ", "hours": "The time is "}.get(check.kind, "") + check.reason


class Overruled(msgspec.Struct, frozen=True):
    """An endpoint that a run the user asks for would start in spite of what it waits for: kinds, and in words."""

    id: str
    kinds: tuple[Kind, ...]
    words: tuple[str, ...]


def may_wait(endpoint: Endpoint) -> bool:
    """Whether there is anything at all that the user may have to overrule."""
    when = endpoint.when
    plain = when.network == "any" and when.power == "any" and when.battery_above is None and when.between is None
    return not plain or bool(when.wifi or when.not_wifi or when.not_fullscreen or when.not_while)


def questions(endpoint: Endpoint, *, wished: bool = False) -> frozenset[Question]:
    """What the machine must be asked before a run of the endpoint, and during it. wished: the user asked for it."""
    when = endpoint.when
    found = [] if when.reachable is None else [server(when.reachable)]
    if not wished:
        found += [WIFI] if when.wifi or when.not_wifi else []
        found += [IDLE] if when.idle is not None else []
        found += [FULLSCREEN] if when.not_fullscreen else []
        found += map(program, when.not_while)
    return frozenset(found)


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
    """Every constraint of the endpoint with its present value: the pause first, what must be asked last."""
    when = endpoint.when
    if _paused(conditions, now):
        until = conditions.paused_until
        reason = "paused" if until is None else f"paused until {clock_time(until, now, zone)}"
        yield Check("pause", "no pause", reason, reason)
    if needs_network(endpoint):
        yield _check("network", "a network", conditions.online, "connected", "no network")
        if conditions.captive is not None:
            reason = "the network wants you to sign in"
            yield _check("portal", "a network without a sign-in page", not conditions.captive, "there is none", reason)
        if when.network == "unmetered":
            unmetered = None if conditions.metered is None else not conditions.metered
            yield _check("metered", "an unmetered network", unmetered, "unmetered network", "metered network")
    if when.power == "ac":
        plugged = None if conditions.on_battery is None else not conditions.on_battery
        yield _check("power", "mains power", plugged, "on mains power", "on battery")
    if when.battery_above is not None:
        level = conditions.battery_percent
        enough = None if level is None else level > when.battery_above or conditions.on_battery is False
        value = "" if level is None else f"battery at {level:.0f} %"
        yield _check("power", f"battery above {when.battery_above} %", enough, value, value)
    if when.between is not None:
        first, last = when.between
        inside = _inside(first, last, now, zone)
        value = now.astimezone(zone).strftime("%H:%M")
        yield _check("hours", f"between {first} and {last}", inside, value, f"outside {first}-{last}")
    if when.disk_free is not None:
        free = conditions.disk_free
        enough = None if free is None else free >= when.disk_free.bytes
        value = "" if free is None else f"{_size(free)} free"
        yield _check("disk", f"{when.disk_free} of free disk space", enough, value, f"only {value}")
    yield from _asked_checks(endpoint, conditions)


def _asked_checks(endpoint: Endpoint, conditions: Conditions) -> Iterator[Check]:
    when, answers = endpoint.when, conditions.answers
    if when.wifi or when.not_wifi:
        name = answers.get(WIFI)
        value = f"on Wi-Fi {name}" if name else "not on Wi-Fi"
        if when.wifi:
            yield _check("wifi", f"Wi-Fi {_or(when.wifi)}", None if name is None else name in when.wifi, value, value)
        if when.not_wifi:
            other = None if name is None else name not in when.not_wifi
            yield _check("wifi", f"another Wi-Fi than {_or(when.not_wifi)}", other, value, value)
    if when.not_fullscreen:
        shows = answers.get(FULLSCREEN)
        free_view = None if shows is None else not shows
        yield _check("fullscreen", "no full-screen window", free_view, "none shows", "a full-screen window shows")
    for name in when.not_while:
        runs = answers.get(program(name))
        yield _check(
            "program", f"{name} not running", None if runs is None else not runs, "it does not run", f"{name} runs"
        )
    if when.idle is not None:
        idle = answers.get(IDLE)
        enough = None if idle is None else float(idle) >= when.idle.seconds
        value = "" if idle is None else f"unused for {float(idle):.0f} s"
        yield _check("idle", f"the computer unused for {when.idle}", enough, value, "the computer is in use")
    if when.reachable is not None:
        answer = answers.get(server(when.reachable))
        reached = None if answer is None else bool(answer)
        yield _check(
            "server", f"{when.reachable} within reach", reached, "it answers", f"{when.reachable} can't be reached"
        )


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


def _check(kind: Kind, wants: str, met: bool | None, value: str, reason: str) -> Check:
    if met is None:
        return Check(kind, wants, "unknown", "")
    return Check(kind, wants, value, "") if met else Check(kind, wants, reason, reason)


def _or(names: tuple[str, ...]) -> str:
    return " or ".join(names)


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
