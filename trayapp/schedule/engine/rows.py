"""The rows of all endpoints at program start: what the file knew, repaired, and new ones for what it did not."""

from collections.abc import Container, Mapping
from datetime import datetime, tzinfo

import msgspec

from trayapp.endpoints.model import Settings
from trayapp.schedule.engine import work
from trayapp.store.bookkeeping.endpoint_states import EndpointRow


def prepared(
    settings: Settings,
    states: Mapping[str, EndpointRow],
    now: datetime,
    zone: tzinfo,
    running: Container[str] = (),
) -> dict[str, EndpointRow]:
    """The rows of all endpoints of the settings at program start: interrupted runs recovered, new endpoints added.

    running: the ids of those that are known to run in the program as it is.
    """
    rows = {}
    for endpoint in settings.endpoint:
        row = states.get(endpoint.id)
        if row is None or row.last_enqueued is None:
            # The store makes a bare row when a table is mirrored before the endpoint was ever scheduled.
            rows[endpoint.id] = _merged(work.created(endpoint, now, zone), row)
        else:
            if endpoint.id not in running:
                row = work.recover_at_start(row, endpoint, now, zone)
            rows[endpoint.id] = work.refresh(row, endpoint, now, zone)
    return rows


def _merged(fresh: EndpointRow, row: EndpointRow | None) -> EndpointRow:
    if row is None:
        return fresh
    return msgspec.structs.replace(fresh, rows=row.rows, held=row.held)
