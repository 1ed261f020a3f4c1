"""What the program knows of its endpoints when it starts."""

from datetime import timedelta

import pytest

from tests.schedule.fakes import BERLIN, NOW, endpoint
from trayapp.endpoints.calendar import Once
from trayapp.endpoints.model import Endpoint, Settings
from trayapp.endpoints.units import Duration
from trayapp.schedule.engine.rows import prepared
from trayapp.store.bookkeeping.endpoint_states import EndpointRow

LATER = NOW + timedelta(minutes=5)


@pytest.mark.parametrize(
    "spec",
    [
        endpoint(),
        endpoint(every="1h"),
        endpoint(every="1h", flex=Duration.parse("15m")),
        endpoint(once=Once.parse("in 10m")),
        endpoint(once=Once.parse("2099-01-01T08:00")),
        endpoint(manual=True),
    ],
    ids=["usual", "every", "flex", "once in", "once at", "manual"],
)
def test_a_table_that_was_mirrored_before_it_was_scheduled_is_no_other_endpoint(spec: Endpoint) -> None:
    bare = EndpointRow(id=spec.id, rows=5, held=2)
    settings = Settings(endpoint=(spec,))
    new, known = (prepared(settings, states, NOW, BERLIN)[spec.id] for states in ({}, {spec.id: bare}))
    assert (known.rows, known.held) == (5, 2)
    assert (known.next_due, known.anchor, known.last_enqueued) == (new.next_due, new.anchor, NOW)
    again = prepared(settings, {spec.id: known}, LATER, BERLIN)[spec.id]
    assert (again.anchored, again.anchor) == (new.anchored, new.anchor), "it counts from when it was set"
    assert spec.once is None or again.next_due == new.next_due
