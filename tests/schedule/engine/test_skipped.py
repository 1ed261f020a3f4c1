"""Who is skipped when a run ends without success and no retry follows."""

import pytest

from tests.problems import problem
from tests.schedule.fakes import NOW, endpoint
from trayapp.endpoints.model import After, Endpoint, Settings
from trayapp.schedule.engine.chains import children_of, depths, skipped
from trayapp.schedule.engine.entry import Entry
from trayapp.store.bookkeeping.endpoint_states import EndpointRow

BAD = {"problem": problem("The server is down")}


def after(id: str, *parents: str, **fields: object) -> Endpoint:
    need = fields.pop("need", "all")
    return endpoint(id, after=After(endpoints=parents, need=need), **fields)  # type: ignore[arg-type]


def who(*endpoints: Endpoint, bad: tuple[str, ...] = (), start: str = "p") -> list[tuple[str, str]]:
    """Who is skipped once `start` failed, and why; those in `bad` have ended badly before."""
    children = children_of(Settings(endpoint=endpoints))
    entries = {
        each.id: Entry(
            endpoint=each,
            row=EndpointRow(id=each.id, last_enqueued=NOW, **(BAD if each.id in bad else {})),  # type: ignore[arg-type]
            children=children.get(each.id, ()),
        )
        for each in endpoints
    }
    return [(each.id, str(reason)) for each, reason in skipped(entries[start].endpoint, "failed", entries)]


P = endpoint("p", every="1h")


def test_all_that_come_after_are_skipped_once_each() -> None:
    found = who(P, after("a", "p"), after("b", "p"), after("c", "a", "b"), after("d", "c"))
    assert sorted(found) == [
        ("a", "P failed"),
        ("b", "P failed"),
        ("c", "A was skipped" if ("c", "A was skipped") in found else "B was skipped"),
        ("d", "C was skipped"),
    ]


@pytest.mark.parametrize(
    "child", [after("a", "p", enabled=False), after("a", "p", every="1d")], ids=["off", "own times"]
)
def test_who_is_off_or_has_times_of_its_own_is_not_skipped_nor_what_follows_it(child: Endpoint) -> None:
    assert who(P, child, after("b", "a")) == []


@pytest.mark.parametrize(
    ("bad", "is_skipped"), [((), False), (("q",), False), (("q", "r"), True), (("r",), False), (("p", "q", "r"), True)]
)
def test_who_needs_any_is_skipped_when_none_is_left(bad: tuple[str, ...], is_skipped: bool) -> None:
    child = after("a", "p", "q", "r", need="any")
    others = [endpoint(id, every="1h") for id in "qr"]
    assert who(P, *others, child, bad=bad) == ([("a", "P failed")] if is_skipped else [])


def test_who_needs_all_is_skipped_by_one() -> None:
    assert who(P, endpoint("q", every="1h"), after("a", "q", "p")) == [("a", "P failed")]


def test_who_needs_any_does_not_wait_for_one_that_is_skipped_too_or_is_gone() -> None:
    assert [id for id, _ in who(P, after("q", "p"), after("a", "q", "p", need="any"))] == ["q", "a"]
    assert [id for id, _ in who(P, after("a", "q", "p", need="any"), after("q", "p"))] == ["q", "a"]
    assert [id for id, _ in who(P, after("a", "p", "gone", need="any"))] == ["a"]


def test_how_many_come_before() -> None:
    settings = Settings(endpoint=(after("b", "a", "p"), P, after("a", "p"), after("c", "gone")))
    assert depths(settings) == {"p": 0, "a": 1, "b": 2, "c": 0}


def test_circles_end() -> None:
    assert [id for id, _ in who(after("p", "b"), after("b", "p"))] == ["b"]
