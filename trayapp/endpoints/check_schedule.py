"""Which schedules make sense, and whether those exist that an endpoint runs after."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import PurePath
from typing import assert_never

from cronsim import CronSim, CronSimError

from trayapp.endpoints.calendar import Once
from trayapp.endpoints.model import Endpoint
from trayapp.endpoints.schedule import SHORTEST, Cron, EventsOnly, Every, Manual, TimesOfDay, written
from trayapp.messages import Message, say


def schedule_problems(endpoint: Endpoint) -> Iterator[tuple[str, Message]]:
    """(field, what is wrong) for everything wrong with when an endpoint runs."""
    given = written(endpoint)
    if len(given) > 1:
        yield (
            list(given)[1],
            say(
                "Only one of every, cron, at or on, once and manual can be used; here are {given}.",
                given=" and ".join(given),
            ),
        )
    if endpoint.flex is not None and "every" not in given:
        yield "flex", say('A flex window is the last part of an interval; write every = "1h" too, for example.')
    for schedule in given.values():
        match schedule:
            case Every(interval, flex):
                if interval < SHORTEST:
                    yield "every", say("The shortest interval is {SHORTEST}.", SHORTEST=SHORTEST)
                if flex is not None and flex > interval:
                    yield (
                        "flex",
                        say("The flex window can't be longer than the interval ({interval}).", interval=interval),
                    )
                if flex is not None and flex < SHORTEST:
                    yield "flex", say("The shortest flex window is {SHORTEST}.", SHORTEST=SHORTEST)
            case Cron(expression):
                try:
                    next(CronSim(expression, datetime.now(UTC)))
                except (CronSimError, StopIteration, ValueError):
                    yield (
                        "cron",
                        say(
                            "“{expression}” is not a cron expression. Write minute, hour, day, month and weekday,"
                            " like 0 9 * * mon.",
                            expression=expression,
                        ),
                    )
            case Manual():
                if endpoint.at_start:
                    yield (
                        "at_start",
                        say("An endpoint that runs only by hand (manual) does not run at the program's start."),
                    )
                if endpoint.watch:
                    yield "watch", say("An endpoint that runs only by hand (manual) does not run when a file changes.")
            case TimesOfDay() | Once() | EventsOnly():
                pass
            case _:
                assert_never(schedule)
    if endpoint.watch and not (PurePath(endpoint.watch).is_absolute() or endpoint.watch.startswith("~")):
        yield "watch", say("Write the whole path, like ~/{path}.", path=endpoint.watch.removeprefix("./"))


_MOST_LOOKED_FOR = 5


def chain_problems(endpoints: Sequence[Endpoint]) -> Iterator[tuple[int, str, Message]]:
    """(position, field, what is wrong): who runs after an endpoint that does not exist, or after itself in the end."""
    ids = dict.fromkeys(each.id for each in endpoints)
    unknown = [
        (index, field, id) for index, each in enumerate(endpoints) for field, id in _named(each) if id not in ids
    ]
    for count, (index, field, id) in enumerate(unknown):
        import difflib

        # Looking for similar names takes long, and nobody mends many mistakes at once.
        close = difflib.get_close_matches(id, ids, 1, 0.5) if count < _MOST_LOOKED_FOR else []
        yield index, field, _unknown(id, close, [each for each in ids if each != endpoints[index].id])
    yield from _circles(endpoints)


def _unknown(id: str, close: Sequence[str], others: Sequence[str]) -> Message:
    if close:
        return say("There is no endpoint “{id}”. Did you mean “{close}”?", id=id, close=close[0])
    if others:
        return say("There is no endpoint “{id}”. There are: {others}.", id=id, others=tuple(others))
    return say("There is no endpoint “{id}”, and no other one.", id=id)


def _named(endpoint: Endpoint) -> list[tuple[str, str]]:
    """The fields that name others, with their ids."""
    if endpoint.after is None:
        return []
    first = [("after.endpoint", endpoint.after.endpoint)] if endpoint.after.endpoint else []
    return [*first, *(("after.endpoints", id) for id in endpoint.after.endpoints)]


def _circles(endpoints: Sequence[Endpoint]) -> Iterator[tuple[int, str, Message]]:
    """Each endpoint that waits for itself in the end."""
    before = {each.id: [id for _, id in _named(each)] for each in endpoints}
    waiting = _waiting(before)
    for index, endpoint in enumerate(endpoints):
        if endpoint.id not in waiting or endpoint.id in before[endpoint.id]:
            continue  # the latter is told where the endpoint is checked by itself
        way = _way_back(endpoint.id, before)
        if way:
            field = next(field for field, id in _named(endpoint) if id == way[1])
            yield index, field, say("These endpoints wait for each other: {way}.", way=" → ".join(way))


def _waiting(before: Mapping[str, Sequence[str]]) -> set[str]:
    """Those that never run, because they are in a circle or after one: most settings have none."""
    after: dict[str, list[str]] = {}
    waits = dict.fromkeys(before, 0)
    for id, others in before.items():
        for other in others:
            if other in before:
                after.setdefault(other, []).append(id)
                waits[id] += 1
    ready = [id for id, count in waits.items() if not count]
    for id in ready:
        for other in after.get(id, ()):
            waits[other] -= 1
            if not waits[other]:
                ready.append(other)
    return {id for id, count in waits.items() if count}


def _way_back(id: str, before: dict[str, list[str]]) -> list[str]:
    """The shortest way from an endpoint to itself along those it runs after; [] if there is none."""
    came: dict[str, str] = {}
    met = [id]
    for one in met:
        for other in before.get(one, ()):
            if other == id:
                way = [one]
                while way[-1] != id:
                    way.append(came[way[-1]])
                return [*reversed(way), id]
            if other not in came:
                came[other] = one
                met.append(other)
    return []
