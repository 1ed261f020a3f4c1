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
from trayapp.messages import NOTHING, Message, either, foreign, say
from trayapp.schedule.conditions.machine import FULLSCREEN, IDLE, WIFI, Conditions, Question, program, server
from trayapp.schedule.times.due import resolve

Kind = Obstacle | Literal["pause", "network", "portal", "idle", "disk", "server"]
_HARD = frozenset({"network", "portal", "disk", "server"})
_ASKED = frozenset({"wifi", "idle", "program", "fullscreen", "server"})
_OVERRULED = frozenset(get_args(Obstacle))
"""What a person is asked about before it is overruled. Not the pause, and not idleness: whoever asks is there."""


class Check(msgspec.Struct, frozen=True):
    """One constraint of an endpoint: what it wants, how things are, and if it is not met the reason, else NOTHING.

    spoken: the reason as a sentence without its full stop, for what a person is asked about.
    """

    kind: Kind
    wants: Message
    value: Message
    reason: Message = NOTHING
    spoken: Message = NOTHING

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


def blocked_by(
    endpoint: Endpoint, conditions: Conditions, now: datetime, zone: tzinfo, *, wished: bool = False
) -> Message:
    """The first reason why a run of the endpoint may not start; NOTHING if it may. wished: the user asked for it."""
    check = obstacle(endpoint, conditions, now, zone, wished=wished)
    return NOTHING if check is None else check.reason


def lost(endpoint: Endpoint, conditions: Conditions, now: datetime, zone: tzinfo, *, wished: bool = False) -> Message:
    """The first reason why a run that is running must stop; NOTHING if none. A pause lets it end."""
    unpaused = msgspec.structs.replace(conditions, paused=False)
    return blocked_by(endpoint, unpaused, now, zone, wished=wished)


def overruled(endpoint: Endpoint, conditions: Conditions, now: datetime, zone: tzinfo) -> tuple[Check, ...]:
    """What a run that the user asks for would ignore, and the user should know."""
    found = checks(endpoint, conditions, now, zone)
    return tuple(check for check in found if check.reason and check.kind in _OVERRULED)


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
        paused = say("paused") if until is None else say("paused until {time}", time=clock_time(until, now, zone))
        yield _check("pause", say("the pause to end"), False, paused, paused)
    if needs_network(endpoint):
        yield _check("network", say("a network"), conditions.online, say("connected"), say("no network"))
        if conditions.captive is not None:
            yield _check(
                "portal",
                say("a network without a sign-in page"),
                not conditions.captive,
                say("there is none"),
                say("the network requires you to sign in"),
            )
        if when.network == "unmetered":
            yield _check(
                "metered",
                say("an unmetered network"),
                None if conditions.metered is None else not conditions.metered,
                say("unmetered network"),
                say("metered network"),
                say("This network is metered"),
            )
    yield from _power_checks(endpoint, conditions)
    if when.between is not None:
        first, last = map(str, when.between)
        yield _check(
            "hours",
            say("a time between {first} and {last}", first=first, last=last),
            _inside(*when.between, now, zone),
            foreign(now.astimezone(zone).strftime("%H:%M")),
            say("outside {first}-{last}", first=first, last=last),
            say("The time is outside {first}-{last}", first=first, last=last),
        )
    if when.disk_free is not None:
        free = conditions.disk_free
        size = _size(free or 0)
        yield _check(
            "disk",
            say("{size} of free disk space", size=str(when.disk_free)),
            None if free is None else free >= when.disk_free.bytes,
            say("{size} free", size=size),
            say("only {size} free", size=size),
        )
    yield from _asked_checks(endpoint, conditions)


def _power_checks(endpoint: Endpoint, conditions: Conditions) -> Iterator[Check]:
    when = endpoint.when
    if when.power == "ac":
        yield _check(
            "power",
            say("mains power"),
            None if conditions.on_battery is None else not conditions.on_battery,
            say("on mains power"),
            say("on battery"),
            say("The computer is on battery"),
        )
    if when.battery_above is not None:
        level = conditions.battery_percent
        percent = round(level or 0)
        value = say("battery at {percent} %", percent=percent)
        yield _check(
            "power",
            say("the battery above {percent} %", percent=when.battery_above),
            None if level is None else level > when.battery_above or conditions.on_battery is False,
            value,
            value,
            say("The battery is at {percent} %", percent=percent),
        )


def _asked_checks(endpoint: Endpoint, conditions: Conditions) -> Iterator[Check]:
    when, answers = endpoint.when, conditions.answers
    if when.wifi or when.not_wifi:
        yield from _wifi_checks(endpoint, answers.get(WIFI))
    if when.not_fullscreen:
        shows = answers.get(FULLSCREEN)
        yield _check(
            "fullscreen",
            say("full-screen windows to be closed"),
            None if shows is None else not shows,
            say("there is none"),
            say("a full-screen window is open"),
            say("A full-screen window is open"),
        )
    for name in when.not_while:
        runs = answers.get(program(name))
        yield _check(
            "program",
            say("{program} to be closed", program=name),
            None if runs is None else not runs,
            say("it is not running"),
            say("{program} is running", program=name),
            say("{program} is running", program=name),
        )
    if when.idle is not None:
        idle = answers.get(IDLE)
        yield _check(
            "idle",
            say("the computer to be idle for {length}", length=str(when.idle)),
            None if idle is None else float(idle) >= when.idle.seconds,
            say("idle for {seconds} s", seconds=round(float(idle or 0))),
            say("the computer is in use"),
        )
    if when.reachable is not None:
        answer = answers.get(server(when.reachable))
        place = str(when.reachable)
        yield _check(
            "server",
            say("{server} to be reachable", server=place),
            None if answer is None else bool(answer),
            say("it responds"),
            say("{server} can't be reached", server=place),
        )


def _wifi_checks(endpoint: Endpoint, answer: float | str | bool | None) -> Iterator[Check]:
    when, name = endpoint.when, "" if answer is None else str(answer)
    value = say("on Wi-Fi {name}", name=name) if name else say("not on Wi-Fi")
    spoken = say("The computer is on Wi-Fi {name}", name=name) if name else say("The computer is not on Wi-Fi")
    if when.wifi:
        met = None if answer is None else name in when.wifi
        yield _check("wifi", say("Wi-Fi {names}", names=either(when.wifi)), met, value, value, spoken)
    if when.not_wifi:
        met = None if answer is None else name not in when.not_wifi
        wants = say("another Wi-Fi than {names}", names=either(when.not_wifi))
        yield _check("wifi", wants, met, value, value, spoken)


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


def _check(
    kind: Kind, wants: Message, met: bool | None, value: Message, reason: Message, spoken: Message = NOTHING
) -> Check:
    if met is None:
        return Check(kind, wants, say("unknown"))
    return Check(kind, wants, value) if met else Check(kind, wants, reason, reason, spoken)


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
