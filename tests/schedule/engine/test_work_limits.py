"""The state machine at its limits: one second, one attempt more or less."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from tests.problems import problem
from tests.schedule.fakes import BERLIN, NOW, endpoint
from trayapp.endpoints.calendar import Once
from trayapp.endpoints.model import After, Endpoint, Retry
from trayapp.endpoints.units import Duration
from trayapp.messages import NOTHING, say
from trayapp.schedule.engine import work
from trayapp.schedule.engine.work import LATE, LONGEST_DELAY, LONGEST_RETRY_AFTER
from trayapp.schedule.times.due import MINIMUM
from trayapp.store.bookkeeping.endpoint_states import EndpointRow
from trayapp.sync.cancel import BY_USER, StopReason

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
DOWN = problem("The server is down")
ONCE_IN = endpoint(once=Once.parse("in 10m"))
FLEX = endpoint(every="1h", flex=Duration.parse("15m"))
AT = endpoint(at=["13:00"])  # NOW is 14:00 in Berlin
BY_HAND = endpoint(manual=True)
replaced = msgspec.structs.replace


def waiting(**fields: Any) -> EndpointRow:
    defaults = {"last_enqueued": NOW - HOUR, "last_attempt": NOW - HOUR, "next_due": NOW}
    return EndpointRow(id="a", **(defaults | fields))


def running(attempts: int = 1, **fields: Any) -> EndpointRow:
    return work.start(waiting(attempts=attempts - 1, **fields), NOW)


@pytest.mark.parametrize(
    ("spec", "fields", "due"),
    [
        (endpoint(), {"last_attempt": None, "next_due": NOW + SECOND}, NOW),
        (endpoint(), {"last_attempt": None, "next_due": NOW - SECOND}, NOW - SECOND),
        (endpoint(), {"next_due": NOW + SECOND}, NOW + SECOND),
        (BY_HAND, {"last_attempt": None, "next_due": None}, None),
        (endpoint(), {"last_attempt": None, "next_due": None}, None),
        (AT, {"last_attempt": None, "next_due": NOW + SECOND}, NOW + SECOND),
        (FLEX, {"last_attempt": None, "next_due": NOW + SECOND}, NOW + SECOND),
    ],
)
def test_a_first_run_by_interval_is_not_put_off_where_nobody_stays(
    spec: Endpoint, fields: dict[str, Any], due: datetime | None
) -> None:
    assert work.unspread(waiting(**fields), spec, NOW).next_due == due


def test_what_happens_during_a_run_makes_it_run_once_more_but_a_retry_keeps_its_time() -> None:
    assert work.trigger(running(2), NOW + SECOND).next_override == NOW + SECOND
    assert work.trigger(waiting(attempts=2), NOW + SECOND).next_override is None


def test_what_came_during_a_run_that_fails_or_is_stopped_waits_for_the_retry_or_the_next_time() -> None:
    during = replaced(running(1), next_override=NOW)
    failed = work.fail(during, endpoint(), DOWN, None, NOW, BERLIN, lambda: 1.0)
    stopped = work.skip(during, endpoint(), BY_USER, NOW, BERLIN)
    assert (work.due_at(failed), work.due_at(stopped)) == (NOW + timedelta(seconds=30), NOW + HOUR)


def test_a_schedule_that_counts_from_no_moment_has_none() -> None:
    row = work.created(FLEX, NOW, BERLIN)
    assert work.anchored(row, FLEX, NOW + HOUR) == row
    usual = work.anchored(row, endpoint(), NOW + HOUR)
    assert (usual.anchor, usual.anchored) == (None, "")
    assert work.anchored(usual, FLEX, NOW + HOUR).anchor == NOW + HOUR


@pytest.mark.parametrize("parent", ["p", "q"])
def test_successes_are_counted_once_each(parent: str) -> None:
    child = endpoint(after=After(endpoints=("p", "q")))
    row = work.parent_succeeded(waiting(next_due=None, arrived="p"), child, parent, NOW)
    assert (row.arrived, row.next_override) == (("p", None) if parent == "p" else ("p\nq", NOW))


@pytest.mark.parametrize(
    ("watched", "path", "stamp", "after", "runs"),
    [
        ("", "f", "1", "f\n1", False),
        ("f\n1", "f", "1", "f\n1", False),
        ("f\n1", "f", "2", "f\n2", True),
        ("f\n1", "f", "", "f\n1", False),
        ("f\n", "f", "1", "f\n1", True),
        ("f\n1", "g", "2", "g\n2", False),
        ("f\n1\n2", "f", "1\n2", "f\n1\n2", False),
    ],
)
@pytest.mark.parametrize("attempts", [0, 2])
def test_a_file_that_changed_makes_it_run(
    watched: str, path: str, stamp: str, after: str, runs: bool, attempts: int
) -> None:
    row = work.file_seen(waiting(watched=watched, attempts=attempts), path, stamp, NOW - SECOND)
    assert (row.watched, row.next_override) == (after, NOW - SECOND if runs and not attempts else None)


@pytest.mark.parametrize(
    ("fields", "bad"),
    [
        ({}, False),
        ({"problem": DOWN}, True),
        ({"stop_reason": BY_USER.words}, True),
        ({"held": 1}, True),
        ({"problem": DOWN, "attempts": 1}, False),
        ({"problem": DOWN, "status": "running"}, False),
    ],
)
def test_which_ends_are_bad_ones(fields: dict[str, Any], bad: bool) -> None:
    assert work.ended_badly(waiting(**fields)) == bad


@pytest.mark.parametrize(
    ("need", "arrived", "awaited"),
    [
        ("all", "", ("p", "q")),
        ("all", "p", ("q",)),
        ("all", "q\np", ()),
        ("any", "", ("p", "q")),
        ("any", "q", ()),
        ("any", "x", ("p", "q")),
    ],
)
def test_whose_success_is_awaited(need: Any, arrived: str, awaited: tuple[str, ...]) -> None:
    child = endpoint(after=After(endpoints=("p", "q"), need=need))
    row = waiting(arrived=arrived, next_due=None)
    assert work.awaited(row, child) == awaited
    changed = work.update_spec(row, child, NOW, BERLIN)
    assert changed.next_override == (NOW if arrived and not awaited else None)
    assert work.awaited(waiting(arrived=arrived), endpoint()) == ()


# --- failures


@pytest.mark.parametrize(
    ("attempts", "asked", "permanent", "after"),
    [
        (4, None, False, timedelta(seconds=240)),
        (5, None, False, HOUR),
        (1, None, True, HOUR),
        (1, -5.0, False, timedelta(seconds=30)),
        (1, 29.0, False, timedelta(seconds=30)),
        (1, 31.0, False, timedelta(seconds=31)),
        (5, 3599.0, False, HOUR),
        (5, 3601.0, False, HOUR + SECOND),
        (1, 3601.0, True, HOUR + SECOND),
        (1, 1e9, False, LONGEST_RETRY_AFTER),
        (5, 1e9, False, LONGEST_RETRY_AFTER),
    ],
)
def test_when_a_failed_run_is_tried_again(
    attempts: int, asked: float | None, permanent: bool, after: timedelta
) -> None:
    row = work.fail(running(attempts), endpoint(), DOWN, asked, NOW, BERLIN, lambda: 1.0, permanent)
    retries = attempts < 5 and not permanent
    assert (row.status, row.next_due, row.next_override) == ("enqueued", NOW + after, None)
    assert (row.attempts, row.last_enqueued, row.problem) == (attempts if retries else 0, NOW, DOWN)
    by_hand = work.fail(running(attempts), BY_HAND, DOWN, asked, NOW, BERLIN, lambda: 1.0, permanent)
    assert (by_hand.next_due is None) == (not retries)


@pytest.mark.parametrize(
    ("retry", "attempts", "seconds"),
    [
        (Retry(), 1, 30),
        (Retry(), 2, 60),
        (Retry(), 11, LONGEST_DELAY.total_seconds()),
        (Retry(), 10**6, LONGEST_DELAY.total_seconds()),
        (Retry(backoff="linear"), 3, 90),
        (Retry(delay=Duration(1)), 1, MINIMUM.total_seconds()),
        (Retry(delay=Duration(10**6)), 1, LONGEST_DELAY.total_seconds()),
        (Retry(max_delay=Duration(100)), 9, 100),
        (Retry(max_delay=Duration(1)), 9, MINIMUM.total_seconds()),
        (Retry(max_delay=Duration(10**6)), 99, LONGEST_DELAY.total_seconds()),
    ],
)
def test_back_off_stays_between_its_limits(retry: Retry, attempts: int, seconds: float) -> None:
    assert work.delay(retry, attempts) == timedelta(seconds=seconds)


def test_a_stop_counts_no_attempt_and_never_less_than_none() -> None:
    reason = StopReason("condition", say("no network"))
    for attempts, left in ((3, 2), (1, 0), (0, 0)):
        row = work.stop(replaced(running(), attempts=attempts), reason)
        assert (row.attempts, row.next_override, row.stop_code) == (left, NOW, "condition")


@pytest.mark.parametrize(
    ("attempts", "last", "due", "left"),
    [
        (1, NOW, NOW + timedelta(seconds=30), 1),
        (4, NOW - HOUR, NOW - HOUR + timedelta(seconds=240), 4),
        (1, NOW + HOUR, NOW + timedelta(seconds=30), 1),
        (5, NOW, NOW + HOUR, 0),
    ],
)
def test_a_run_that_died_is_tried_again_after_its_back_off(
    attempts: int, last: datetime, due: datetime, left: int
) -> None:
    row = work.recover_at_start(replaced(running(attempts), last_attempt=last), endpoint(), NOW, BERLIN)
    assert (row.status, row.next_due, row.attempts, row.stop_code) == ("enqueued", due, left, "program_ended")
    assert (str(row.sentence), row.last_enqueued) == ("Stopped: the program ended.", NOW)
    unknown = work.recover_at_start(replaced(running(1), last_attempt=None), endpoint(), NOW, BERLIN)
    assert (unknown.attempts, unknown.status) == (0, "enqueued")


@pytest.mark.parametrize(
    ("spec", "fields", "at_once"),
    [
        (endpoint(), {"problem": DOWN}, True),
        (AT, {"problem": DOWN}, True),
        (BY_HAND, {"problem": DOWN, "next_due": None}, False),
        (endpoint(), {"problem": DOWN, "attempts": 1}, False),
        (endpoint(), {"problem": DOWN, "status": "running"}, False),
        (endpoint(), {}, False),
    ],
)
def test_what_was_given_up_is_tried_with_new_settings(spec: Endpoint, fields: dict[str, Any], at_once: bool) -> None:
    row = work.update_spec(waiting(**fields), spec, NOW - SECOND, BERLIN)
    assert row.next_override == (NOW - SECOND if at_once else None)


def test_beginning_anew_and_coming_back_forget_the_attempts() -> None:
    failed = waiting(attempts=3, problem=DOWN)
    anew = work.restart(failed, NOW)
    assert (anew.attempts, anew.problem, anew.next_override) == (0, None, NOW)
    back = work.reconnected(failed, NOW)
    assert (back.attempts, back.problem, back.next_override) == (0, DOWN, NOW)
    assert work.reconnected(waiting(problem=DOWN), NOW) == waiting(problem=DOWN)


# --- the next regular time


@pytest.mark.parametrize(
    ("every", "late", "counts_from_due"),
    [
        ("1h", timedelta(0), True),
        ("1h", LATE, True),
        ("1h", LATE + SECOND, False),
        ("1h", -SECOND, False),
        ("5m", timedelta(seconds=30), True),
        ("5m", timedelta(seconds=31), False),
    ],
)
def test_a_run_that_is_hardly_late_keeps_the_phase(every: str, late: timedelta, counts_from_due: bool) -> None:
    spec = endpoint(every=every)
    period = timedelta(seconds=Duration.parse(every).seconds)
    row = work.start(waiting(next_due=NOW - late), NOW)
    assert work.succeed(row, spec, NOW, BERLIN).next_due == (NOW - late if counts_from_due else NOW) + period


@pytest.mark.parametrize("over", [-SECOND, timedelta(0), SECOND])
def test_after_a_run_that_took_its_whole_interval_comes_a_rest(over: timedelta) -> None:
    row = replaced(running(), next_due=NOW, last_attempt=NOW)
    end = NOW + HOUR + over
    assert work.succeed(row, endpoint(), end, BERLIN).next_due == (
        end + MINIMUM if over >= timedelta(0) else NOW + HOUR
    )


@pytest.mark.parametrize(
    ("spec", "fields", "due"),
    [
        (endpoint(every="1h"), {"last_attempt": NOW - HOUR}, NOW + HOUR + SECOND),
        (endpoint(every="1h"), {"last_attempt": None}, NOW + HOUR + SECOND),
        (endpoint(every="1h"), {"last_attempt": NOW, "status": "running"}, NOW + HOUR + SECOND),
        (endpoint(at=["14:00"]), {"last_attempt": NOW - DAY}, NOW + DAY),
        (endpoint(at=["14:00"]), {"last_attempt": None}, NOW + DAY),
        (endpoint(cron="0 14 * * *"), {"last_attempt": NOW - DAY}, NOW + DAY),
        (endpoint(once=Once.parse("2026-06-10T14:00")), {"last_attempt": None}, None),
        (ONCE_IN, {"last_attempt": None, "anchor": NOW - timedelta(minutes=10)}, None),
        (BY_HAND, {"last_attempt": None, "next_due": None, "next_override": NOW}, None),
    ],
)
def test_what_the_user_takes_off_the_queue_does_not_come_back_before_its_next_time(
    spec: Endpoint, fields: dict[str, Any], due: datetime | None
) -> None:
    """Also after a restart."""
    before = waiting(**fields)
    if before.anchor is not None:
        before = replaced(before, anchored=work.created(spec, NOW, BERLIN).anchored)
    row = work.skip(before, spec, BY_USER, NOW + SECOND, BERLIN)
    assert (work.due_at(row), row.last_attempt) == (due, before.last_attempt)
    for later in (2 * SECOND, HOUR / 2):
        assert work.due_at(work.refresh(row, spec, NOW + later, BERLIN)) == due
    back = work.clock_set_back(row, spec, HOUR / 4, NOW - HOUR / 4, BERLIN)
    assert work.due_at(work.refresh(back, spec, NOW - HOUR / 4, BERLIN)) == work.due_at(back)
    assert due is None or work.due_at(back) in (due, due - HOUR / 4)


def test_a_window_that_is_skipped_comes_in_the_next_period() -> None:
    row = work.created(FLEX, NOW, BERLIN)
    assert row.next_due is not None
    skipped = work.skip(row, FLEX, BY_USER, row.next_due + SECOND, BERLIN)
    assert skipped.next_due == row.next_due + HOUR


def test_a_window_counts_from_the_last_run_or_from_when_it_was_enqueued() -> None:
    row = work.created(FLEX, NOW, BERLIN)
    assert row.anchor == NOW
    assert row.next_due is not None
    first = row.next_due
    assert NOW + timedelta(minutes=45) <= first < NOW + HOUR
    assert work.refresh(row, FLEX, first + SECOND, BERLIN) == row, "it is overdue"
    ran = work.succeed(work.start(row, first), FLEX, first + SECOND, BERLIN)
    assert ran.next_due == first + HOUR


@pytest.mark.parametrize(
    ("fields", "due"),
    [
        ({"next_due": NOW + LATE}, NOW + LATE),
        ({"next_due": NOW - LATE}, NOW - LATE),
        ({"next_due": NOW + LATE + SECOND}, NOW),
        ({"next_due": NOW - LATE - SECOND}, NOW - LATE - SECOND),
        ({"next_due": NOW + HOUR, "last_attempt": NOW - HOUR + SECOND}, NOW + SECOND),
        ({"next_due": NOW - HOUR, "last_attempt": NOW - HOUR + SECOND}, NOW - HOUR),
        ({"next_due": None}, NOW),
        ({"next_due": NOW + 2 * DAY, "attempts": 1}, NOW + DAY),
        ({"next_due": NOW + HOUR, "attempts": 1}, NOW + HOUR),
        ({"next_due": None, "attempts": 1}, NOW + DAY),
        ({"next_due": NOW + 2 * DAY, "status": "running"}, NOW + 2 * DAY),
    ],
)
def test_a_due_time_is_made_to_fit_the_schedule(fields: dict[str, Any], due: datetime) -> None:
    assert work.refresh(waiting(**fields), endpoint(), NOW, BERLIN).next_due == due


def test_what_is_due_stays_so_only_where_the_new_schedule_has_it_due_too() -> None:
    row = waiting(next_due=NOW - 2 * LATE)
    assert work.refresh(row, endpoint(every="1d"), NOW, BERLIN).next_due == NOW + 23 * HOUR
    late = waiting(last_attempt=NOW - 3 * HOUR, next_due=NOW + MINIMUM)
    assert work.refresh(late, endpoint(), NOW, BERLIN) == late
    assert work.refresh(replaced(late, next_due=NOW + MINIMUM + SECOND), endpoint(), NOW, BERLIN).next_due == (
        NOW - 2 * HOUR
    )
    assert work.refresh(late, BY_HAND, NOW, BERLIN).next_due is None


def test_a_new_time_of_day_that_has_passed_counts_from_tomorrow() -> None:
    row = waiting(last_attempt=NOW - 2 * HOUR, next_due=NOW + 9 * HOUR)
    assert work.refresh(row, AT, NOW, BERLIN).next_due == NOW + 23 * HOUR
    exactly = NOW - HOUR  # 13:00
    assert work.refresh(row, AT, exactly, BERLIN).next_due == exactly + DAY
    before = exactly - SECOND
    assert work.refresh(row, AT, before, BERLIN).next_due == exactly


def test_a_single_moment_that_has_not_come_moves_with_the_zone_and_is_never_lost() -> None:
    spec = endpoint(once=Once.parse("2026-06-10T16:00"))
    row = work.created(spec, NOW, BERLIN)
    assert row.next_due == NOW + 2 * HOUR
    assert work.refresh(row, spec, NOW + 9 * HOUR, BERLIN) == row
    assert work.refresh(row, spec, NOW, UTC).next_due == NOW + 4 * HOUR
    tokyo = ZoneInfo("Asia/Tokyo")
    assert work.refresh(row, spec, NOW, tokyo).next_due == NOW - 5 * HOUR, "it is past there, and due"
    past = endpoint(once=Once.parse("2026-06-10T10:00"))
    assert work.refresh(row, past, NOW, BERLIN).next_due is None
    other = endpoint(once=Once.parse("2026-06-10T18:00"))
    assert work.refresh(row, other, NOW, BERLIN).next_due == NOW + 4 * HOUR
    done = work.succeed(work.start(row, NOW + 2 * HOUR), spec, NOW + 2 * HOUR + SECOND, BERLIN)
    assert done.next_due is None
    assert work.refresh(done, spec, NOW + 3 * HOUR, BERLIN).next_due is None


@pytest.mark.parametrize(
    ("spec", "fields", "due", "last"),
    [
        (endpoint(), {"next_due": NOW + HOUR}, NOW, NOW - 2 * HOUR),
        (endpoint(), {"next_due": NOW + HOUR, "attempts": 1}, NOW, NOW - 2 * HOUR),
        (AT, {"next_due": NOW + HOUR, "attempts": 1}, NOW, NOW - HOUR),
        (ONCE_IN, {"next_due": NOW + HOUR}, NOW, NOW - 2 * HOUR),
        (BY_HAND, {"next_due": None}, None, NOW - HOUR),
        (endpoint(), {"next_due": NOW, "status": "running"}, NOW, NOW - 2 * HOUR),
        (AT, {"next_due": NOW, "status": "running"}, NOW, NOW - HOUR),
    ],
)
def test_a_clock_set_back_takes_along_what_is_counted(
    spec: Endpoint, fields: dict[str, Any], due: datetime | None, last: datetime
) -> None:
    row = waiting(
        anchor=NOW, anchored="" if spec is not ONCE_IN else work.created(ONCE_IN, NOW, BERLIN).anchored, **fields
    )
    back = work.clock_set_back(row, spec, HOUR, NOW - HOUR, BERLIN)
    assert (back.next_due, back.last_attempt) == (due, last)
    assert back.anchor == (NOW - HOUR if last < NOW - HOUR else NOW)
    wished = work.clock_set_back(replaced(row, next_override=NOW), spec, HOUR, NOW - HOUR, BERLIN)
    assert wished.next_override == (NOW if row.status == "running" else NOW - HOUR)
    fresh = replaced(row, last_attempt=None, anchor=None, next_due=None)
    without = work.clock_set_back(fresh, spec, HOUR, NOW - HOUR, BERLIN)
    assert (without.last_attempt, without.next_override) == (None, None)


def test_starting_takes_up_everything_that_asked_for_it() -> None:
    row = running(arrived="p", next_override=NOW, stop_reason=BY_USER.words, stop_code="user", blocked_by=say("x"))
    assert (row.arrived, row.next_override, row.stop_reason, row.stop_code) == ("", None, NOTHING, "")
    with pytest.raises(ValueError, match="a is running"):
        work.start(row, NOW)
