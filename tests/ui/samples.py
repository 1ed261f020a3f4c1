"""Snapshots and runs the widget tests share; the time is always `NOW`."""

from datetime import timedelta
from typing import Any

from tests.problems import as_messages, problem
from tests.ui.fake_backend import utc
from trayapp.schedule.engine.snapshot import EndpointStatus, Snapshot
from trayapp.store.bookkeeping.history import RunRow
from trayapp.sync.report import Progress, Report

NOW = utc("2025-03-05 13:00")  # a Wednesday
REFUSED = problem("The server refused the password", "It answered 401.", "Enter it again.")


def clock() -> Any:
    return NOW


def endpoint(id: str, **fields: Any) -> EndpointStatus:
    values: dict[str, Any] = {
        "name": id.capitalize(),
        "table": id,
        "state": "enqueued",
        "last_attempt": NOW - timedelta(minutes=5),
        "last_success": NOW - timedelta(minutes=5),
        "next_due": NOW + timedelta(minutes=55),
        "rows": 10,
        "sentence": "No changes.",
    }
    return EndpointStatus(id=id, **as_messages(values | fields))


def running(id: str, **progress: Any) -> EndpointStatus:
    return endpoint(id, state="running", progress=Progress(endpoint=id, **progress))


def failing(id: str) -> EndpointStatus:
    return endpoint(id, state="failing", problem=REFUSED, sentence="It answered 401.", attempts=2)


def held(id: str, count: int = 3) -> EndpointStatus:
    return endpoint(id, state="held", held=count, sentence="No changes. 3 deletions need your confirmation.")


def shown(*endpoints: EndpointStatus, **fields: Any) -> Snapshot:
    return Snapshot(endpoints=endpoints, **fields)


def run(number: int, id: str = "issues", **fields: Any) -> RunRow:
    started = NOW - timedelta(minutes=number)
    values: dict[str, Any] = {
        "name": id.capitalize(),
        "started": started,
        "finished": started + timedelta(seconds=2),
        "status": "succeeded",
        "sentence": "No changes.",
    }
    return RunRow(run=1000 - number, endpoint=id, **as_messages(values | fields))


def report(id: str = "issues", **fields: Any) -> Report:
    values: dict[str, Any] = {"status": "succeeded", "started": NOW, "finished": NOW, "name": id, "table": id}
    return Report(endpoint=id, **as_messages(values | fields))
