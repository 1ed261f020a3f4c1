"""Where an endpoint belongs at one moment, and whether its run may go on."""

from datetime import timedelta
from typing import Any

import pytest

from tests.schedule.fakes import BERLIN, NOW, endpoint
from trayapp.endpoints.model import After, Endpoint, When
from trayapp.endpoints.units import TimeOfDay
from trayapp.schedule.conditions.machine import Conditions
from trayapp.schedule.engine.placement import Blocked, Going, Place, Queued, Running, place, run_place
from trayapp.schedule.engine.queue import Item, Wish
from trayapp.store.bookkeeping.endpoint_states import EndpointRow

HOUR = timedelta(hours=1)


def between(start: str, end: str) -> When:
    return When(between=(TimeOfDay.parse(start), TimeOfDay.parse(end)))


# NOW is 14:00 in Berlin.
IN_HOURS = endpoint("a", every="1h", when=between("09:00", "15:00"))
OFF_HOURS = endpoint("a", every="1h", when=between("15:00", "18:00"))
DUE = EndpointRow(id="a", last_enqueued=NOW, next_due=NOW)


def placed(spec: Endpoint, wish: Wish | None = None, **conditions: Any) -> Place:
    return place(spec, DUE, wish, None, Conditions(**conditions), NOW, BERLIN, NOW)


def test_it_is_looked_at_again_when_its_hours_begin_or_end() -> None:
    where = placed(IN_HOURS)
    assert isinstance(where, Queued)
    assert where.look_again == NOW + HOUR
    blocked = placed(OFF_HOURS)
    assert isinstance(blocked, Blocked)
    assert blocked.look_again == NOW + HOUR


def test_for_what_the_user_wants_hours_do_not_count() -> None:
    for spec in (IN_HOURS, OFF_HOURS):
        where = placed(spec, Wish())
        assert isinstance(where, Queued)
        assert (where.look_again, where.item.wish) == (None, Wish())
    offline = placed(OFF_HOURS, Wish(), online=False)
    assert isinstance(offline, Blocked)
    assert offline.look_again is None


@pytest.mark.parametrize(("wish", "again"), [(None, HOUR), (Wish(), 2 * HOUR)])
def test_a_run_is_looked_at_when_its_hours_end_unless_the_user_wanted_it(wish: Wish | None, again: timedelta) -> None:
    item = Item(id="a", host="a.test", due=NOW, wish=wish)
    assert run_place(Running(item, IN_HOURS, NOW + 2 * HOUR, NOW + 3 * HOUR), Conditions(), NOW, BERLIN) == Going(
        NOW + again
    )
    assert run_place(Running(item, IN_HOURS, NOW + HOUR / 2, NOW + 3 * HOUR), Conditions(), NOW, BERLIN) == Going(
        NOW + HOUR / 2
    )


@pytest.mark.parametrize(("need", "after"), [("all", ("p", "q")), ("any", ())])
def test_only_who_needs_all_waits_for_each(need: Any, after: tuple[str, ...]) -> None:
    where = placed(endpoint("a", every="1h", after=After(endpoints=("p", "q"), need=need)))
    assert isinstance(where, Queued)
    assert where.item.after == after
