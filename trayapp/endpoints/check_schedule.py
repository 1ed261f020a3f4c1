"""Which schedules make sense, and whether those exist that an endpoint runs after."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import PurePath
from typing import assert_never

from cronsim import CronSim, CronSimError

from trayapp.endpoints.calendar import Once
from trayapp.endpoints.model import Endpoint
from trayapp.endpoints.schedule import SHORTEST, Cron, EventsOnly, Every, Manual, TimesOfDay, written


def schedule_problems(endpoint: Endpoint) -> Iterator[tuple[str, str]]:
    """(field, what is wrong) for everything wrong with when an endpoint runs."""
    given = written(endpoint)
    if len(given) > 1:
        yield (
            list(given)[1],
            f"only one of every, cron, at or on, once and manual can be used; here are {' and '.join(given)}",
        )
    if endpoint.flex is not None and "every" not in given:
        yield "flex", 'a flex window is the last part of an interval; write every = "1h" too, for example'
    for schedule in given.values():
        match schedule:
            case Every(interval, flex):
                if interval < SHORTEST:
                    yield "every", f"the shortest interval is {SHORTEST}"
                if flex is not None and flex > interval:
                    yield "flex", f"the flex window can't be longer than the interval ({interval})"
                if flex is not None and flex < SHORTEST:
                    yield "flex", f"the shortest flex window is {SHORTEST}"
            case Cron(expression):
                try:
                    next(CronSim(expression, datetime.now(UTC)))
                except (CronSimError, StopIteration):
                    yield (
                        "cron",
                        f"{expression!r} is no cron expression; write minute, hour, day, month, weekday,"
                        " like 0 9 * * mon",
                    )
            case Manual():
                if endpoint.at_start:
                    yield "at_start", "an endpoint that runs only by hand (manual) does not run at the program's start"
                if endpoint.watch:
                    yield "watch", "an endpoint that runs only by hand (manual) does not run when a file changes"
            case TimesOfDay() | Once() | EventsOnly():
                pass
            case _:
                assert_never(schedule)
    if endpoint.watch and not (PurePath(endpoint.watch).is_absolute() or endpoint.watch.startswith("~")):
        yield "watch", f"write the whole path, like ~/{endpoint.watch.removeprefix('./')}"


def chain_problems(endpoints: Sequence[Endpoint]) -> Iterator[tuple[int, str, str]]:
    """(position, field, what is wrong): who runs after an endpoint that does not exist, or after itself in the end."""
    ids = [each.id for each in endpoints]
    for index, endpoint in enumerate(endpoints):
        for field, id in _named(endpoint):
            if id not in ids:
                import difflib

                close = difflib.get_close_matches(id, ids, 1, 0.5)
                known = ", ".join(each for each in ids if each != endpoint.id)
                hint = f"did you mean {close[0]!r}?" if close else f"known are: {known or 'no others'}"
                yield index, field, f"there is no endpoint {id!r}; {hint}"
    yield from _circles(endpoints)


def _named(endpoint: Endpoint) -> list[tuple[str, str]]:
    """The fields that name others, with their ids."""
    if endpoint.after is None:
        return []
    first = [("after.endpoint", endpoint.after.endpoint)] if endpoint.after.endpoint else []
    return [*first, *(("after.endpoints", id) for id in endpoint.after.endpoints)]


def _circles(endpoints: Sequence[Endpoint]) -> Iterator[tuple[int, str, str]]:
    """Each endpoint that waits for itself in the end."""
    before = {each.id: [id for _, id in _named(each)] for each in endpoints}
    for index, endpoint in enumerate(endpoints):
        if endpoint.id in before[endpoint.id]:
            continue  # that is told where the endpoint is checked by itself
        way = _way_back(endpoint.id, before)
        if way:
            field = next(field for field, id in _named(endpoint) if id == way[1])
            yield index, field, f"these run after each other in a circle: {' → '.join(way)}"


def _way_back(id: str, before: dict[str, list[str]]) -> list[str]:
    """The shortest way from an endpoint to itself along those it runs after; [] if there is none."""
    ways, met = [[id]], set()
    for way in ways:
        for other in before.get(way[-1], ()):
            if other == id:
                return [*way, id]
            if other not in met:
                met.add(other)
                ways.append([*way, other])
    return []
