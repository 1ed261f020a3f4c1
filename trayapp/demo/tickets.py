"""The demo's data: what people report to a town's repair service, as a pure function of a seed and a tick.

Three kinds of tickets make it look alive yet keep any two moments similar, so that a mirror which slept for a week
sees a plausible change and not a flushed server:

- CLOSED ones never change,
- OPEN ones are edited now and then and never go away,
- LANES passing ones: each lane holds one ticket at a time, which is added, edited and withdrawn.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from random import Random
from typing import Any

TICK_SECONDS = 20
"""Wall time between two states of the data."""
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
"""The time of tick 0."""

CLOSED, OPEN, LANES = 110, 90, 36
LIFE = 60
"""Ticks from one passing ticket to the next in the same lane."""

Ticket = dict[str, Any]

_THINGS = (
    ("Street light {}", "lighting", ("flickers all night", "is out", "hums loudly", "shines into a bedroom")),
    (
        "Pothole {}",
        "roads",
        ("after the frost", "gets deeper every day", "right on the cycle path", "filled with water"),
    ),
    ("Playground swing {}", "parks", ("squeaks", "has a torn seat", "is missing a chain")),
    ("Litter bin {}", "cleaning", ("overflows", "was knocked over", "has no lid", "is wanted here")),
    ("Fountain {}", "parks", ("runs dry", "leaks into the market square", "is full of foam")),
    ("Traffic light {}", "roads", ("never turns green for bicycles", "beeps too quietly", "is out of step")),
    ("Bus shelter {}", "transport", ("lost a pane of glass", "shows last year's timetable", "has no bench")),
    ("Tree {}", "parks", ("leans over the footpath", "has a broken branch", "needs water")),
    ("Bücherschrank {}", "culture", ("klemmt", "ist übervoll", "braucht eine neue Tür")),
    ("Gullydeckel {}", "roads", ("klappert bei jeder Überfahrt", "liegt zu tief", "fehlt")),
    ("Café terrace {}", "trade", ("blocks the dropped kerb", "stays loud after 23:00")),
    ("図書館の返却ポスト{}", "culture", ("が開かない", "がいっぱいです", "の案内が古い")),
    ("路灯{}", "lighting", ("不亮", "白天也亮着", "一直闪烁")),
)
_STREETS = ("Lindenstraße", "Am Mühlbach", "Bahnhofplatz", "Große Gasse", "Harbour Road", "Rue de l'Église", "Öreküla")
_DISTRICTS = ("Altstadt", "Südhang", "Hafen", "Neuwiesen", "St. Jürgen")
_PEOPLE = (
    ("Ada Sørensen", "da"), ("Björn Krüger", "de"), ("Chloé Lefèvre", "fr"), ("Łukasz Nowak", "pl"),
    ("Eva Nováková", "cs"), ("Farid Haddad", "en"), ("田中 春子", "ja"), ("Giulia Rossi", "it"), ("王 小明", "zh"),
    ("Jürgen Weiß", "de"), ("Liam O'Connor", "en"), ("María Peña", "es"), ("Þóra Jónsdóttir", "is"),
)  # fmt: skip
_TEAMS = ("Bauhof Nord", "Bauhof Süd", "Grünflächen", "Stadtwerke", "Night shift")
_LABELS = ("safety", "noise", "barrier-free", "winter", "school route", "tourism", "Bürgerantrag")


def time_of(tick: int) -> datetime:
    """When the tick begins, aware UTC."""
    return EPOCH + timedelta(seconds=tick * TICK_SECONDS)


def tick_at(seconds: float) -> int:
    """The tick in force at a time in seconds since 1970; never below 0."""
    return max(0, int((seconds - EPOCH.timestamp()) // TICK_SECONDS))


def records_at(seed: int, tick: int) -> tuple[Ticket, ...]:
    """All tickets there are at a tick, ascending by `id`. The dicts are shared: treat them as read-only."""
    return tuple(_all(seed, tick))


def _all(seed: int, tick: int) -> Iterator[Ticket]:
    for id in range(1, CLOSED + 1):
        yield _ticket(seed, id, _long_ago(id), None)
    for id in range(CLOSED + 1, CLOSED + OPEN + 1):
        dice = Random(f"{seed} pace {id}")
        pace = dice.randint(60, 200)
        phase = dice.randrange(pace)
        revision = (tick + phase) // pace
        edited = revision * pace - phase
        yield _ticket(seed, id, _long_ago(id), edited if edited >= 0 else None, revision if edited >= 0 else 0)
    for id, born in _passing(tick):
        dice = Random(f"{seed} life {id}")
        first_edit, end = born + dice.randint(6, 24), born + dice.randint(36, LIFE)
        if tick < end:
            yield _ticket(seed, id, born, first_edit if tick >= first_edit else None, int(tick >= first_edit))


def _passing(tick: int) -> Iterator[tuple[int, int]]:
    """(id, tick of birth) of the newest ticket in each lane, ascending; ids go up in the order of birth."""
    newest = []
    for lane in range(LANES):
        offset = lane * LIFE // LANES
        generation = (tick - offset) // LIFE
        newest.append((CLOSED + OPEN + LANES * (generation + 1) + lane + 1, generation * LIFE + offset))
    yield from sorted(newest)


def _long_ago(id: int) -> int:
    """The tick before 0 at which a closed or open ticket was created: one every seven hours up to the epoch."""
    return (id - CLOSED - OPEN - 1) * 7 * 3600 // TICK_SECONDS


@lru_cache(maxsize=2048)
def _ticket(seed: int, id: int, born: int, edited: int | None, revision: int = 0) -> Ticket:
    fixed, moving = Random(f"{seed} {id}"), Random(f"{seed} {id} {revision}")
    thing, category, troubles = fixed.choice(_THINGS)
    trouble = fixed.choice(troubles)
    reporter, language = fixed.choice(_PEOPLE)
    created, closed = time_of(born), id <= CLOSED
    updated = time_of(edited) if edited is not None else created
    closed_on = None
    if closed:
        updated = created + timedelta(hours=fixed.randint(3, 6 * 24), minutes=fixed.randrange(60))
        closed_on = updated.date().isoformat()
    return {
        "id": id,
        "title": thing.format(trouble),
        "category": category,
        "status": "closed" if closed else moving.choice(("planned", "in progress", "waiting")) if revision else "new",
        "urgent": fixed.random() < 0.15,
        "reporter": {"name": reporter, "language": language},
        "location": {
            "street": f"{fixed.choice(_STREETS)} {fixed.randint(1, 120)}",
            "district": fixed.choice(_DISTRICTS),
            "latitude": round(54.05 + fixed.random() / 10, 6),
            "longitude": round(10.65 + fixed.random() / 10, 6),
        },
        "labels": sorted(fixed.sample(_LABELS, fixed.randint(0, 3))),
        "team": moving.choice(_TEAMS) if closed or revision else None,
        "cost_estimate": round(moving.uniform(15, 2500), 2) if closed or revision else None,
        "hours_spent": round(moving.uniform(0.25, 12) * 4) / 4 if closed or revision else 0.0,
        "comments": revision % 25 + fixed.randrange(3),
        "created_at": _text(created),
        "updated_at": _text(updated),
        "closed_on": closed_on,
    }


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
