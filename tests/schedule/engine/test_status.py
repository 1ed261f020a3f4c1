"""How an endpoint is shown."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from tests.problems import problem
from tests.schedule.fakes import NOW, endpoint
from trayapp.endpoints.calendar import Once
from trayapp.endpoints.model import After, Endpoint, Table
from trayapp.messages import say
from trayapp.schedule.engine.status import status
from trayapp.store.bookkeeping.endpoint_states import EndpointRow
from trayapp.sync.report import Progress

SOON, LATER = NOW + timedelta(minutes=1), NOW + timedelta(minutes=2)
HOURLY = endpoint("a", every="1h")
CHILD = endpoint("a", after=After(endpoints=("p", "q")))
ANY = endpoint("a", after=After(endpoints=("p", "q"), need="any"))


def row(**fields: Any) -> EndpointRow:
    return EndpointRow(**({"id": "a", "last_enqueued": NOW, "next_due": SOON} | fields))


@pytest.mark.parametrize(
    ("spec", "fields", "running", "state"),
    [
        (HOURLY, {}, False, "enqueued"),
        (HOURLY, {"held": 1}, False, "held"),
        (HOURLY, {"held": 1, "problem": problem("No")}, False, "failing"),
        (HOURLY, {"problem": problem("No"), "blocked_by": say("no network")}, False, "blocked"),
        (msgspec.structs.replace(HOURLY, enabled=False), {"blocked_by": say("no network")}, False, "disabled"),
        (msgspec.structs.replace(HOURLY, enabled=False), {"problem": problem("No")}, True, "running"),
        (CHILD, {"next_due": None}, False, "blocked"),
        (CHILD, {"next_due": None, "held": 1}, False, "held"),
        (CHILD, {"next_due": None, "next_override": NOW}, False, "enqueued"),
    ],
)
def test_what_counts_most_is_the_state(spec: Endpoint, fields: dict[str, Any], running: bool, state: str) -> None:
    assert status(spec, row(**fields), (), running=running).state == state


@pytest.mark.parametrize(
    ("spec", "fields", "words"),
    [
        (CHILD, {}, "waiting for Parent and q"),
        (ANY, {}, "waiting for Parent or q"),
        (CHILD, {"arrived": "p"}, "waiting for q"),
        (ANY, {"arrived": "p"}, ""),
        (CHILD, {"next_override": NOW}, ""),
        (CHILD, {"status": "running"}, ""),
        (CHILD, {"blocked_by": say("no network")}, "no network"),
        (msgspec.structs.replace(CHILD, enabled=False), {}, ""),
        (msgspec.structs.replace(CHILD, every=HOURLY.every), {"next_due": SOON}, ""),
        (msgspec.structs.replace(CHILD, once=Once.parse("2020-01-01T08:00")), {}, ""),
        (HOURLY, {}, ""),
    ],
)
def test_what_it_waits_for(spec: Endpoint, fields: dict[str, Any], words: str) -> None:
    before = (msgspec.structs.replace(endpoint("p"), name="Parent"), msgspec.structs.replace(endpoint("q"), name=""))
    assert str(status(spec, row(**({"next_due": None} | fields)), before).blocked_by) == words


def test_when_it_runs_next() -> None:
    assert status(HOURLY, row(), ()).next_due == SOON
    assert status(HOURLY, row(), (), held_back=LATER).next_due == LATER
    assert status(HOURLY, row(), (), held_back=NOW).next_due == SOON
    assert status(HOURLY, row(next_due=None), (), held_back=LATER).next_due is None
    assert status(msgspec.structs.replace(HOURLY, enabled=False), row(), ()).next_due is None


def test_what_is_told_besides() -> None:
    progress = Progress(endpoint="a", pages=1, records=2, doing="saving")
    spec = endpoint("a", once=Once.parse("in 10m"), table=Table(name="t"), tags=("x",))
    known = row(
        last_attempt=NOW,
        last_success=LATER,
        attempts=2,
        generation=3,
        rows=4,
        held=5,
        sentence=say("Done."),
        problem=None,
    )
    shown = status(spec, known, (), running=True, progress=progress, recent=("failed",))
    assert (shown.id, shown.name, shown.table, shown.tags, shown.enabled) == ("a", "A", "t", ("x",), True)
    assert (shown.last_attempt, shown.last_success) == (NOW, LATER)
    assert (shown.attempts, shown.generation, shown.rows, shown.held) == (2, 3, 4, 5)
    assert (str(shown.sentence), shown.problem, shown.progress, shown.recent) == ("Done.", None, progress, ("failed",))
    assert (shown.once, str(shown.event)) == (True, "")
    failed = status(msgspec.structs.replace(HOURLY, name=""), row(problem=problem("No")), (), progress=progress)
    assert (failed.name, failed.progress, failed.once, str(failed.problem and failed.problem.title)) == (
        "a",
        None,
        False,
        "No",
    )
    assert str(status(CHILD, row(), ()).event) != ""
