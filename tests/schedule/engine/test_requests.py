"""Whoever asks for a run gets one answer, whatever happens meanwhile: a report of a run that serves, or a refusal."""

from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.schedule.driving import Driver
from tests.schedule.fakes import endpoint, report
from trayapp.endpoints.model import Endpoint, Settings
from trayapp.schedule.engine.actions import IfRunning
from trayapp.schedule.engine.queue import Wish
from trayapp.sync.cancel import BY_USER
from trayapp.sync.report import Report

IDS = tuple("abc")


def specified(id: str, **fields: Any) -> Endpoint:
    """An endpoint on a server that all share, so that some wait in the queue."""
    return endpoint(id, url="http://one.test/", manual=id != "a", **fields)


class Request:
    """A run that was asked for. again: the present run of the endpoint ends before."""

    def __init__(self, id: str, full: bool, again: bool) -> None:
        self.id, self.full, self.again = id, full, again
        self.answers: list[str] = []


class Counter(Driver):
    """Counts the answers as the tray program's ear does: of those that run once more, the present run is not it."""

    def __post_init__(self) -> None:
        self.requests: list[Request] = []
        self.made: dict[str, Wish] = {}
        self.outcome = self.ended
        super().__post_init__()

    def ask(self, id: str, if_running: IfRunning, full: bool) -> None:
        if id not in self.planner.endpoints:
            return

        def ask(now: datetime) -> None:
            again = self.planner.sync_now([id], full, now, if_running)
            self.requests.append(Request(id, full, id in again))

        self.turn(ask)

    def on_start(self, id: str) -> None:
        self.made[id] = self.planner._running[id].item.wish or Wish()

    def ended(self, id: str, now: datetime) -> Report:
        self.settle(id)
        return report(id, at=now)

    def on_stop(self, id: str) -> None:
        self.settle(id)

    def settle(self, id: str) -> None:
        for each in self.requests:
            if each.id != id or each.answers:
                continue
            if each.again:
                each.again = False
                continue
            assert self.made[id].full or not each.full, "the run does less than was asked for"
            each.answers.append("report")

    def do(self) -> None:
        super().do()
        refused, self.refused = self.refused, []
        for id, _reason in refused:
            waiting = [each for each in self.requests if each.id == id and not each.answers]
            assert waiting, "a refusal that nobody waits for"
            for each in waiting:
                each.answers.append("refused")

    def happen(self, event: tuple[Any, ...]) -> None:
        match event:
            case ("ask", id, if_running, full):
                self.ask(id, if_running, full)
            case ("stop", id):
                self.turn(lambda now: self.planner.stop(id, BY_USER, now))
            case ("restart", id):
                self.turn(lambda now: self.planner.restart(id, now))
            case ("online", online):
                self.be(online=online)
                assert online or all(each.answers for each in self.requests), "nobody waits for a network"
            case ("only", enabled):
                self.apply(*(specified(id, enabled=on) for id, on in enabled.items()))
            case ("pass", seconds):
                self.live(timedelta(seconds=seconds))
            case ("sleep", seconds):
                self.clock.sleep(timedelta(seconds=seconds))
                self.turn()


ANY = st.sampled_from(IDS)
EVENTS = st.one_of(
    st.tuples(st.just("ask"), ANY, st.sampled_from(["keep", "replace", "append"]), st.booleans()),
    st.tuples(st.just("stop"), ANY),
    st.tuples(st.just("restart"), ANY),
    st.tuples(st.just("online"), st.booleans()),
    st.tuples(st.just("only"), st.dictionaries(ANY, st.booleans())),
    st.tuples(st.just("pass"), st.integers(0, 90)),
    st.tuples(st.just("sleep"), st.integers(-3600, 3600)),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(EVENTS, max_size=25), st.sampled_from([1.0, 60.0]))
def test_every_request_has_one_answer(events: list[tuple[Any, ...]], run_seconds: float) -> None:
    w = Counter(Settings(endpoint=tuple(map(specified, IDS))), run_seconds=run_seconds)
    for event in events:
        w.happen(event)
    w.be(online=True)
    w.live(timedelta(minutes=15))
    assert [(each.id, len(each.answers)) for each in w.requests if len(each.answers) != 1] == []
