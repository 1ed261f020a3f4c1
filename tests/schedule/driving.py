"""A scheduler under a test's control: what it waits for comes true when the test says so.

The four methods are those of WorkManager's TestDriver. Clock, constraints and executor are the `World`'s: `clock` moves
when told to, `be` sets the machine's conditions, and runs take `run_seconds` and end as `outcome` says.
"""

from datetime import timedelta

from tests.schedule.fakes import World
from trayapp.endpoints.model import Endpoint
from trayapp.messages import foreign
from trayapp.schedule.conditions.constraints import blocked_by, questions, window_edge
from trayapp.schedule.conditions.machine import Conditions, Question
from trayapp.sync.cancel import StopReason

_STEP = timedelta(seconds=1)


class Driver(World):
    """A planner in virtual time, and ways to bring about what one of its endpoints waits for."""

    def all_constraints_met(self, id: str) -> None:
        """The machine is as the endpoint wants it, no pause holds it back, and time passes until its hours begin.

        What is due starts, for other endpoints too, as soon as the network has settled.
        """
        endpoint = self.planner.endpoints[id]
        self.turn(self.planner.resume)
        self.turn(lambda now: self.planner.set_conditions(met(endpoint), now))
        while blocked_by(endpoint, self.planner.conditions, self.clock.now(), self.clock.zone()):
            begins = window_edge(endpoint, self.clock.now(), self.clock.zone())
            assert begins is not None, "time alone does not lift what is left"
            self.live(begins - self.clock.now())
        held_back = self.planner._entries[id].held_back
        if held_back is not None:
            self.live(held_back - self.clock.now())

    def initial_delay_met(self, id: str) -> None:
        """Time passes until the first run of an endpoint that has never run is due."""
        assert self.planner.status(id, None).last_attempt is None, f"{id} has run before"
        self._wait_until_due(id)

    def period_delay_met(self, id: str) -> None:
        """Time passes until the next run of an endpoint that has run is due, or its retry."""
        assert self.planner.status(id, None).last_attempt is not None, f"{id} has never run"
        while self.is_running(id):
            self.live(_STEP)
        self._wait_until_due(id)

    def stop_running_work(self, id: str, reason: str) -> None:
        """The endpoint's run is stopped for that reason."""
        assert self.is_running(id), f"{id} does not run"
        self.turn(lambda now: self.planner.stop(id, StopReason("user", foreign(reason)), now))

    def is_running(self, id: str) -> bool:
        """Whether a run of the endpoint goes on."""
        return any(other == id for _, other in self.running)

    def _wait_until_due(self, id: str) -> None:
        due = self.planner.status(id, None).next_due
        assert due is not None, f"{id} has no next time"
        self.live(due - self.clock.now())


def met(endpoint: Endpoint) -> Conditions:
    """A machine that is as the endpoint wants it, but for the time of day."""
    return Conditions(
        online=True,
        captive=False,
        metered=False,
        on_battery=False,
        battery_percent=100.0,
        disk_free=2**60,
        answers={question: _answer(question, endpoint) for question in questions(endpoint)},
    )


def _answer(question: Question, endpoint: Endpoint) -> float | str | bool:
    match question.kind:
        case "idle":
            return 1e9
        case "wifi":
            return endpoint.when.wifi[0] if endpoint.when.wifi else ""
        case "server":
            return True
    return False
