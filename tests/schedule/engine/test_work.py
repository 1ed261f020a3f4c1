"""The state machine: every transition, back-off, and what follows a run."""

from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.problems import problem
from tests.schedule.fakes import BERLIN, NOW, endpoint, report
from trayapp.endpoints.model import Endpoint, Retry
from trayapp.endpoints.units import Duration
from trayapp.messages import say
from trayapp.schedule.engine import work
from trayapp.schedule.engine.work import Stop
from trayapp.schedule.times.due import MINIMUM
from trayapp.store.bookkeeping.endpoint_states import EndpointRow
from trayapp.sync.cancel import BY_USER, StopReason, time_limit

HOUR = timedelta(hours=1)
NO_NETWORK = StopReason("condition", say("no network"))
DOWN = problem("The server is down", "It answers 503.", "Wait.")


def waiting(**fields: Any) -> EndpointRow:
    """An hourly endpoint that is due now."""
    defaults = {"last_enqueued": NOW - HOUR, "last_attempt": NOW - HOUR, "next_due": NOW}
    return EndpointRow(id="a", **(defaults | fields))


def running(attempts: int = 1, **fields: Any) -> EndpointRow:
    return work.start(waiting(attempts=attempts - 1, **fields), NOW)


def fail(row: EndpointRow, spec: Endpoint, chance: float = 1.0, retry_after: float | None = None) -> EndpointRow:
    return work.fail(row, spec, DOWN, retry_after, NOW, BERLIN, lambda: chance)


def retry(**fields: Any) -> Endpoint:
    return endpoint(retry=Retry(**fields))


def test_a_new_endpoint_waits_for_its_first_run() -> None:
    row = work.created(endpoint(), NOW, BERLIN)
    assert row.status == "enqueued"
    assert NOW <= (work.due_at(row) or NOW) < NOW + timedelta(seconds=30)
    assert work.created(endpoint(manual=True), NOW, BERLIN).next_due is None


def test_start() -> None:
    row = work.start(
        waiting(next_override=NOW, blocked_by=NO_NETWORK.words, stop_reason=NO_NETWORK.words, stop_code="condition"),
        NOW,
    )
    assert (row.status, row.attempts, row.last_attempt) == ("running", 1, NOW)
    assert (row.next_override, str(row.blocked_by), str(row.stop_reason), row.stop_code) == (None, "", "", "")
    assert work.due_at(row) is None


def test_a_running_endpoint_cannot_start() -> None:
    with pytest.raises(ValueError, match="running already"):
        work.start(running(), NOW)


def test_an_override_comes_before_everything_and_once() -> None:
    later = NOW + timedelta(days=3)
    row = waiting(next_override=later, attempts=2)
    assert work.due_at(row) == later
    assert work.due_at(fail(work.start(row, later), endpoint())) != later
    assert work.due_at(work.succeed(work.start(row, later), endpoint(), later, BERLIN)) == later + HOUR


def test_success_forgets_failures() -> None:
    row = running(4, problem=DOWN)
    row = work.succeed(row, endpoint(), NOW + timedelta(minutes=2), BERLIN)
    assert (row.status, row.attempts, row.problem) == ("enqueued", 0, None)
    assert row.last_success == row.last_enqueued == NOW + timedelta(minutes=2)
    assert row.next_due == NOW + HOUR


def test_small_delays_do_not_add_up() -> None:
    row, spec, first = waiting(), endpoint(), NOW
    for number in range(1, 1000):
        assert row.next_due is not None
        started = row.next_due + timedelta(seconds=number % 50)
        row = work.succeed(work.start(row, started), spec, started + timedelta(seconds=30), BERLIN)
        assert row.next_due == first + number * HOUR


def test_a_late_run_counts_from_itself() -> None:
    late = NOW + timedelta(minutes=20)
    row = work.succeed(work.start(waiting(), late), endpoint(), late, BERLIN)
    assert row.next_due == late + HOUR


def test_a_run_longer_than_its_interval_is_followed_by_a_rest() -> None:
    end = NOW + timedelta(hours=5)
    assert work.succeed(running(), endpoint(), end, BERLIN).next_due == end + MINIMUM


@pytest.mark.parametrize(
    ("backoff", "delays"),
    [("exponential", [30, 60, 120, 240]), ("linear", [30, 60, 90, 120])],
)
def test_back_off_grows(backoff: Literal["exponential", "linear"], delays: list[int]) -> None:
    for attempts, seconds in enumerate(delays, 1):
        row = fail(running(attempts), retry(backoff=backoff))
        assert row.next_due == NOW + timedelta(seconds=seconds)
        assert (row.status, row.attempts, row.last_enqueued) == ("enqueued", attempts, NOW)
        assert work.backing_off(row)


def test_back_off_is_fully_jittered() -> None:
    assert fail(running(2), endpoint(), chance=0.0).next_due == NOW
    assert fail(running(2), endpoint(), chance=0.25).next_due == NOW + timedelta(seconds=15)


@given(st.integers(1, 10**6), st.floats(0, 10**9), st.floats(0, 10**9), st.sampled_from(["exponential", "linear"]))
@settings(deadline=None)
def test_back_off_has_bounds(
    attempts: int, delay: float, longest: float, backoff: Literal["exponential", "linear"]
) -> None:
    policy = Retry(delay=Duration(delay), max_delay=Duration(longest), backoff=backoff)
    assert MINIMUM <= work.delay(policy, attempts) <= work.LONGEST_DELAY


def test_the_settings_cap_holds() -> None:
    assert fail(running(4), retry(max_delay=Duration(100))).next_due == NOW + timedelta(seconds=100)


def test_after_the_last_attempt_comes_the_next_regular_time() -> None:
    row = fail(running(5), endpoint())
    assert (row.attempts, row.next_due, row.problem) == (0, NOW + HOUR, DOWN)
    assert not work.backing_off(row)
    assert fail(running(1), retry(attempts=1)).next_due == NOW + HOUR


@pytest.mark.parametrize(("asked", "attempts", "due"), [
    (45.0, 1, timedelta(seconds=45)),
    (5.0, 1, timedelta(seconds=30)),
    (-7.0, 1, timedelta(seconds=30)),
    (7200.0, 5, timedelta(hours=2)),
    (1e12, 1, timedelta(days=1)),
])  # fmt: skip
def test_retry_after_is_the_least(asked: float, attempts: int, due: timedelta) -> None:
    assert fail(running(attempts), endpoint(), retry_after=asked).next_due == NOW + due


def test_a_manual_endpoint_is_retried_but_has_no_regular_time() -> None:
    spec = endpoint(manual=True)
    row = fail(running(next_due=None), spec)
    assert row.next_due == NOW + timedelta(seconds=30)
    assert fail(work.start(row, NOW), retry(attempts=2)).attempts == 0
    assert fail(running(5, next_due=None), spec, retry_after=60).next_due is None


def test_a_run_that_had_to_make_way_is_due_and_not_counted() -> None:
    row = work.stop(running(3), NO_NETWORK)
    assert (row.status, row.attempts, str(row.stop_reason)) == ("enqueued", 2, "no network")
    assert work.due_at(row) == NOW


def test_a_run_the_user_stopped_waits_for_its_next_time() -> None:
    row = work.skip(running(3), endpoint(), BY_USER, NOW, BERLIN)
    assert (row.status, row.attempts, str(row.stop_reason)) == ("enqueued", 0, "stopped by the user")
    assert work.due_at(row) == NOW + HOUR


class TestAfterRun:
    def after(self, status: Any, stopped: Stop | None = None, **fields: Any) -> EndpointRow:
        before = running(2, last_success=NOW - HOUR, held=3, rows=50)
        return work.after_run(before, endpoint(), report("a", status, **fields), NOW, BERLIN, lambda: 1.0, stopped)

    def test_succeeded(self) -> None:
        row = self.after("succeeded", rows=70, sentence="20 new.")
        assert (row.held, row.rows, str(row.sentence), row.last_success) == (0, 70, "20 new.", NOW)

    def test_succeeded_without_knowing_the_rows(self) -> None:
        assert self.after("succeeded").rows == 50

    def test_held_is_no_success_but_no_failure(self) -> None:
        row = self.after("held", held=30)
        assert (row.held, row.attempts, row.last_success, row.next_due) == (30, 0, NOW - HOUR, NOW + HOUR)

    def test_failed(self) -> None:
        row = self.after("failed", problem=DOWN, retry_after=300)
        assert row.problem == DOWN
        assert (row.next_due, row.held, row.rows) == (NOW + timedelta(seconds=300), 3, 50)

    def test_failed_without_a_problem(self) -> None:
        row = self.after("failed", problem=None, reason="because")
        assert (str(row.problem.title), str(row.problem.cause)) == ("The run failed", "because")

    def test_stopped_to_make_way_even_if_the_run_calls_it_a_failure(self) -> None:
        for status in ("stopped", "failed"):
            row = self.after(status, Stop(NO_NETWORK, "again"))
            assert (row.attempts, str(row.stop_reason), work.due_at(row), row.problem) == (1, "no network", NOW, None)

    def test_stopped_over_the_time_limit(self) -> None:
        row = self.after("stopped", Stop(time_limit("30m"), "retry"))
        assert (str(row.stop_reason), row.stop_code) == ("took longer than 30m", "time_limit")
        assert str(row.problem.title) == "The run took longer than 30m"
        assert (row.problem.field, row.problem.action) == ("limits.run", "edit_field")
        assert (row.attempts, row.next_due) == (2, NOW + timedelta(seconds=60))

    def test_stopped_by_itself(self) -> None:
        row = self.after("stopped", reason="asked to")
        assert (str(row.stop_reason), row.next_due) == ("asked to", NOW + HOUR)

    def test_a_stop_that_came_too_late(self) -> None:
        row = self.after("succeeded", Stop(NO_NETWORK, "again"))
        assert (str(row.stop_reason), row.attempts, row.next_due) == ("", 0, NOW + HOUR)


def test_a_run_that_died_with_the_program_is_tried_again() -> None:
    row = work.recover_at_start(running(1), endpoint(), NOW + timedelta(days=1), BERLIN)
    assert (row.status, row.attempts, str(row.stop_reason)) == ("enqueued", 1, "the program ended")
    assert work.due_at(row) == NOW + timedelta(seconds=30)


def test_a_run_that_kills_the_program_each_time_is_given_up() -> None:
    row = work.recover_at_start(running(5), endpoint(), NOW + timedelta(seconds=5), BERLIN)
    assert (row.attempts, work.due_at(row)) == (0, NOW + HOUR)


def test_nothing_to_recover() -> None:
    assert work.recover_at_start(waiting(), endpoint(), NOW, BERLIN) == waiting()


def test_an_update_keeps_everything_but_generation_and_due_time() -> None:
    before = waiting(last_success=NOW - HOUR, held=2, rows=9, next_due=NOW + HOUR, last_attempt=NOW, generation=4)
    row = work.update_spec(before, endpoint(every="5m"), NOW, BERLIN)
    assert row == msgspec.structs.replace(before, generation=5, next_due=NOW + timedelta(minutes=5))
    assert work.update_spec(fail(running(3), endpoint()), endpoint(every="5m"), NOW, BERLIN).attempts == 3


def test_an_update_leaves_a_running_run_alone() -> None:
    row = work.update_spec(running(), endpoint(every="5m"), NOW, BERLIN)
    assert row == msgspec.structs.replace(running(), generation=1)


def test_an_update_keeps_back_off() -> None:
    failed = fail(running(3), endpoint())
    assert work.update_spec(failed, endpoint(every="1d"), NOW, BERLIN).next_due == failed.next_due


def test_a_new_timetable_does_not_make_the_past_due() -> None:
    """At 14:00 local time, "at 09:00", which ran, becomes "at 13:00"."""
    ran = NOW - timedelta(hours=5)
    before = waiting(last_attempt=ran, next_due=ran + timedelta(days=1))
    row = work.update_spec(before, endpoint(at=["13:00"]), NOW, BERLIN)
    assert row.next_due == NOW + timedelta(hours=23)


def test_what_was_missed_before_an_update_stays_due() -> None:
    before = waiting(last_attempt=NOW - timedelta(days=1), next_due=NOW - HOUR)
    row = work.update_spec(before, endpoint(at=["12:30"], url="http://other.test/"), NOW, BERLIN)
    assert row.next_due == NOW - HOUR


def test_fixed_times_of_an_endpoint_that_never_ran_are_not_lost() -> None:
    """Added at 20:00, off at 08:00, started at 10:00: the first run is due."""
    spec = endpoint(at=["08:00"])
    evening = datetime.fromisoformat("2026-06-10T20:00+02:00")
    row = work.created(spec, evening, BERLIN)
    morning = evening + timedelta(hours=14)
    assert work.refresh(row, spec, morning, BERLIN) == row
    assert work.due_at(row) == morning - timedelta(hours=2)


def test_a_refresh_keeps_the_phase() -> None:
    row = waiting(last_attempt=NOW - HOUR + timedelta(seconds=20), next_due=NOW)
    assert work.refresh(row, endpoint(), NOW - timedelta(minutes=5), BERLIN) == row


def test_a_due_time_left_by_a_wrong_clock_is_brought_near() -> None:
    far = NOW + timedelta(days=900)
    assert work.refresh(waiting(next_due=far, last_attempt=far), endpoint(), NOW, BERLIN).next_due == NOW + HOUR
    row = work.refresh(waiting(next_due=far, attempts=2), endpoint(), NOW, BERLIN)
    assert row.next_due == NOW + timedelta(days=1)


def test_a_clock_set_back_takes_intervals_and_back_off_along() -> None:
    """At 14:30 local time, due at 15:00, the clock is set to 13:30."""
    now = NOW - timedelta(minutes=30)
    for row in (waiting(next_due=NOW + HOUR), waiting(next_due=NOW + HOUR, attempts=2)):
        assert work.clock_set_back(row, endpoint(), HOUR, now, BERLIN).next_due == NOW


def test_a_clock_set_back_leaves_times_of_day_where_they_are() -> None:
    due = NOW + timedelta(hours=6)
    row = waiting(next_due=due, last_attempt=due - timedelta(days=1))
    assert work.clock_set_back(row, endpoint(at=["20:00"]), HOUR, NOW, BERLIN).next_due == due


statuses = st.sampled_from(["succeeded", "failed", "held", "stopped"])
stops = st.none() | st.builds(Stop, st.just(time_limit("30m")), st.sampled_from(["again", "retry", "next time"]))
specs = st.sampled_from(
    [endpoint(every="1m"), endpoint(every="1d"), endpoint(at=["08:00", "13:00"]), endpoint(cron="*/5 * * * *")]
)


@given(specs, st.lists(st.tuples(statuses, stops, st.floats(0, 10**5), st.floats(0, 0.999))))
@settings(deadline=None)
def test_whatever_happens_there_is_a_next_time(spec: Endpoint, history: list[tuple[Any, Any, float, float]]) -> None:
    row, now = work.created(spec, NOW, BERLIN), NOW
    for status, stopped, seconds, chance in history:
        due = work.due_at(row)
        assert due is not None
        now = max(due, now) + timedelta(seconds=seconds)
        row = work.start(row, now)
        now += timedelta(seconds=seconds / 100)
        row = work.after_run(row, spec, report("a", status), now, BERLIN, lambda chance=chance: chance, stopped)  # type: ignore[misc]
        assert row.status == "enqueued"
        assert 0 <= row.attempts < spec.retry.attempts
        due = work.due_at(row)
        assert due is not None
        assert due <= now + timedelta(days=1, hours=1)
        assert work.due_at(work.refresh(row, spec, now, BERLIN)) == due
