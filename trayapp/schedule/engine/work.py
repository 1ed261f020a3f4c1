"""The state machine of an endpoint's work: pure transitions over its persisted row.

enqueued -> running -> enqueued, for ever. A failure backs off and tries again, at most `retry.attempts` times, then
waits for the next regular time; what no second try can help, like a wrong password, does so at once. Which time comes
next, in this order: an override (used once), back-off, the schedule; the last two share the field `next_due`, since
back-off contains chance and must be the same after a restart.
"""

from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo
from typing import Literal

import msgspec

from trayapp.endpoints.calendar import Once
from trayapp.endpoints.model import Endpoint, Retry
from trayapp.endpoints.schedule import Every, Manual, schedule_of
from trayapp.errors import Problem
from trayapp.messages import NOTHING, say
from trayapp.schedule.times.due import MINIMUM, anchoring, by_interval, counted, next_due, once_at, parents
from trayapp.store.bookkeeping.endpoint_states import EndpointRow
from trayapp.sync.cancel import BY_USER, PROGRAM_ENDED, StopReason, stopped_sentence
from trayapp.sync.report import Report

LONGEST_DELAY = timedelta(hours=5)
"""Back-off never waits longer, whatever the settings say."""
LONGEST_RETRY_AFTER = timedelta(days=1)
"""A server's Retry-After is believed up to here."""
LATE = timedelta(seconds=60)
"""A run up to this late counts as punctual: the next one is computed from when it was due, so no drift adds up."""

Chance = Callable[[], float]
"""A source of numbers in [0, 1), like random.random."""


class Stop(msgspec.Struct, frozen=True):
    """Why a run was told to stop, and what follows: the same run again as soon as it may, a retry, or the next time."""

    reason: StopReason
    then: Literal["again", "retry", "next time"]


def created(endpoint: Endpoint, now: datetime, zone: tzinfo) -> EndpointRow:
    """The row of an endpoint that was never seen before."""
    row = anchored(EndpointRow(id=endpoint.id, last_enqueued=now), endpoint, now)
    return msgspec.structs.replace(row, next_due=next_due(endpoint, None, now, zone, row.anchor))


def unspread(row: EndpointRow, endpoint: Endpoint, now: datetime) -> EndpointRow:
    """The row without what puts off a first run so that many do not start at once: it is due now."""
    if row.last_attempt is not None or row.next_due is None or not by_interval(schedule_of(endpoint)):
        return row
    return msgspec.structs.replace(row, next_due=min(row.next_due, now))


def anchored(row: EndpointRow, endpoint: Endpoint, now: datetime) -> EndpointRow:
    """The row with the moment since which the schedule counts; it stays until another such schedule is set."""
    name = anchoring(schedule_of(endpoint))
    if row.anchored == name:
        return row
    return msgspec.structs.replace(row, anchored=name, anchor=now if name else None)


def due_at(row: EndpointRow) -> datetime | None:
    """When the endpoint runs next; None: not by itself, or it is running."""
    if row.status != "enqueued":
        return None
    return row.next_due if row.next_override is None else row.next_override


def backing_off(row: EndpointRow) -> bool:
    """Whether the next run is a retry."""
    return row.status == "enqueued" and row.attempts > 0


def trigger(row: EndpointRow, now: datetime) -> EndpointRow:
    """Something happened that the endpoint runs after: it runs now, after its present run if there is one.

    A retry keeps its time.
    """
    return row if backing_off(row) else msgspec.structs.replace(row, next_override=now)


def parent_succeeded(row: EndpointRow, endpoint: Endpoint, parent: str, now: datetime) -> EndpointRow:
    """One of those that the endpoint runs after succeeded: it runs too, if it needs no other one or all have."""
    arrived = dict.fromkeys([*row.arrived.splitlines(), parent])
    row = msgspec.structs.replace(row, arrived="\n".join(arrived))
    return row if awaited(row, endpoint) else trigger(row, now)


def awaited(row: EndpointRow, endpoint: Endpoint) -> tuple[str, ...]:
    """The endpoints whose success since its last start is missing before it may run after them; of "any", all."""
    missing = tuple(id for id in parents(endpoint) if id not in row.arrived.splitlines())
    needs_all = endpoint.after is not None and endpoint.after.need == "all"
    return missing if needs_all or len(missing) == len(parents(endpoint)) else ()


def ended_badly(row: EndpointRow) -> bool:
    """Whether the last run had no success, and no retry follows."""
    return row.status == "enqueued" and row.attempts == 0 and bool(row.problem or row.stop_reason or row.held)


def file_seen(row: EndpointRow, path: str, stamp: str, now: datetime) -> EndpointRow:
    """The watched file was looked at; stamp: what tells its versions apart, "" when it is not there.

    A file that changed, or that came to be there, makes the endpoint run; one that is seen for the first time, or is
    gone, does not.
    """
    known, seen = row.watched.partition("\n"), f"{path}\n{stamp}"
    if known[0] != path:
        return msgspec.structs.replace(row, watched=seen)
    if not stamp or known[2] == stamp:
        return row
    return trigger(msgspec.structs.replace(row, watched=seen), now)


def start(row: EndpointRow, now: datetime) -> EndpointRow:
    """The run begins. Raises ValueError if one is running already."""
    if row.status == "running":
        raise ValueError(f"a run of {row.id} is running already")
    return msgspec.structs.replace(
        row,
        status="running",
        attempts=row.attempts + 1,
        last_attempt=now,
        next_override=None,
        blocked_by=NOTHING,
        stop_reason=NOTHING,
        stop_code="",
        arrived="",
    )


def succeed(row: EndpointRow, endpoint: Endpoint, now: datetime, zone: tzinfo) -> EndpointRow:
    """The run ended well: the next regular time is awaited, the problem is gone."""
    row = _regular(row, endpoint, now, zone)
    return msgspec.structs.replace(row, last_success=now, problem=None)


def fail(
    row: EndpointRow,
    endpoint: Endpoint,
    problem: Problem,
    retry_after: float | None,
    now: datetime,
    zone: tzinfo,
    chance: Chance,
    permanent: bool = False,
) -> EndpointRow:
    """The run failed: back off with full jitter, or after the last attempt wait for the next regular time.

    retry_after: seconds the server asked to be left alone; nothing comes sooner. permanent: a retry can't help.
    """
    row = msgspec.structs.replace(row, problem=problem)
    earliest = now + min(LONGEST_RETRY_AFTER, timedelta(seconds=max(0.0, retry_after or 0.0)))
    if permanent or row.attempts >= endpoint.retry.attempts:
        row = _regular(row, endpoint, now, zone)
        return row if row.next_due is None else msgspec.structs.replace(row, next_due=max(earliest, row.next_due))
    due = now + delay(endpoint.retry, row.attempts) * chance()
    return msgspec.structs.replace(
        row, status="enqueued", last_enqueued=now, next_due=max(earliest, due), next_override=None
    )


def skip(row: EndpointRow, endpoint: Endpoint, reason: StopReason, now: datetime, zone: tzinfo) -> EndpointRow:
    """The user stopped the run, or took it off the queue: the next regular time is awaited."""
    row = msgspec.structs.replace(_stopped(row, reason), last_enqueued=now, next_override=None)
    return _regular(row, endpoint, now, zone)


def stop(row: EndpointRow, reason: StopReason) -> EndpointRow:
    """The run had to make way (a constraint was lost, the program ends): still due, and not counted as an attempt."""
    return msgspec.structs.replace(
        _stopped(row, reason),
        status="enqueued",
        attempts=max(0, row.attempts - 1),
        next_override=row.last_attempt,
    )


def _stopped(row: EndpointRow, reason: StopReason) -> EndpointRow:
    return msgspec.structs.replace(row, stop_reason=reason.words, stop_code=reason.code)


def after_run(
    row: EndpointRow,
    endpoint: Endpoint,
    report: Report,
    now: datetime,
    zone: tzinfo,
    chance: Chance,
    stopped: Stop | None = None,
) -> EndpointRow:
    """What follows a run that ended with this report; `stopped` if it was told to stop before.

    A run that ended well in spite of being told to stop has ended well.
    """
    row = msgspec.structs.replace(row, sentence=report.sentence)
    if report.status in {"succeeded", "held"}:
        before = row.last_success
        row = succeed(row, endpoint, now, zone)
        if report.status == "held":  # deletes are missing: the table does not equal the listing
            row = msgspec.structs.replace(row, last_success=before)
        rows = row.rows if report.rows is None else report.rows
        return msgspec.structs.replace(row, held=report.held, rows=rows, evidence=report.evidence or row.evidence)
    if report.status == "stopped" or stopped is not None:
        stopped = stopped or Stop(StopReason("", report.reason), "next time")
        if stopped.then == "again":
            return stop(row, stopped.reason)
        if stopped.then == "next time":
            return skip(row, endpoint, stopped.reason, now, zone)
        row = _stopped(row, stopped.reason)
        problem = Problem(
            say("The run took longer than {limit}", limit=stopped.reason.words.args["limit"]),
            next=say("Raise limits.run of the endpoint to allow it more time."),
            code="time_limit",
            field="limits.run",
            action="edit_field",
        )
    else:
        problem = report.problem or Problem(say("The run failed"), report.reason)
        if report.status == "incomplete":
            row = msgspec.structs.replace(row, held=report.held, rows=report.rows, evidence="unproven")
    return fail(row, endpoint, problem, report.retry_after, now, zone, chance, report.failure == "permanent")


def recover_at_start(row: EndpointRow, endpoint: Endpoint, now: datetime, zone: tzinfo) -> EndpointRow:
    """The program died during a run: it is tried again like a failed one, so that a run that kills us ends some day."""
    if row.status != "running":
        return row
    row = msgspec.structs.replace(_stopped(row, PROGRAM_ENDED), sentence=stopped_sentence(PROGRAM_ENDED))
    if row.attempts >= endpoint.retry.attempts or row.last_attempt is None:
        return _regular(row, endpoint, now, zone)
    due = min(row.last_attempt, now) + delay(endpoint.retry, row.attempts)
    return msgspec.structs.replace(row, status="enqueued", last_enqueued=now, next_due=due)


def update_spec(row: EndpointRow, endpoint: Endpoint, now: datetime, zone: tzinfo) -> EndpointRow:
    """The endpoint's settings changed: everything is kept but the due time. A running run ends as it began.

    What failed and was given up is tried with the new settings at once.
    """
    row = refresh(msgspec.structs.replace(row, generation=row.generation + 1), endpoint, now, zone)
    if row.arrived and not awaited(row, endpoint):
        row = trigger(row, now)
    given_up = row.status == "enqueued" and row.attempts == 0 and row.problem is not None
    if not given_up or isinstance(schedule_of(endpoint), Manual):
        return row
    return msgspec.structs.replace(row, next_override=now)


def restart(row: EndpointRow, now: datetime) -> EndpointRow:
    """The endpoint begins anew: it is due, and the attempts and the problem until now do not count."""
    return msgspec.structs.replace(row, attempts=0, problem=None, next_override=now)


def reconnected(row: EndpointRow, now: datetime) -> EndpointRow:
    """The network came back after a failure that lay in it: the attempts until then do not count."""
    return msgspec.structs.replace(row, attempts=0, next_override=now) if backing_off(row) else row


def refresh(row: EndpointRow, endpoint: Endpoint, now: datetime, zone: tzinfo) -> EndpointRow:
    """The row with its due time made to fit the schedule, the zone and the time as they are now.

    What was overdue stays so. A new timetable does not make a time due that lies in the past.
    """
    if row.status == "running":
        return row
    if backing_off(row):
        latest = now + max(LONGEST_DELAY, LONGEST_RETRY_AFTER)
        due = latest if row.next_due is None else min(row.next_due, latest)
        return msgspec.structs.replace(row, next_due=due)
    schedule = schedule_of(endpoint)
    if isinstance(schedule, Once) and row.next_due is not None and row.anchored == anchoring(schedule):
        # It has not run yet. In another zone its moment may be past by now; it is not lost for that.
        return msgspec.structs.replace(row, next_due=once_at(schedule, row.anchor or now, zone))
    row = anchored(row, endpoint, now)
    regular = next_due(endpoint, _last(row, endpoint), now, zone, row.anchor)
    if regular is not None and row.next_due is not None:
        punctual = abs(regular - row.next_due) <= LATE
        overdue = regular <= now and row.next_due <= now + MINIMUM
        if punctual or overdue:
            return row
    if regular is not None and regular <= now and not by_interval(schedule):
        regular = next_due(endpoint, now, now, zone, row.anchor)
    return msgspec.structs.replace(row, next_due=regular)


def clock_set_back(row: EndpointRow, endpoint: Endpoint, by: timedelta, now: datetime, zone: tzinfo) -> EndpointRow:
    """The wall clock was set back: what counts from the last run moves along, times of day are looked up anew."""
    from_moment = counted(schedule_of(endpoint))
    if from_moment:
        # Else a restart, which counts from the last attempt anew, would wait for that much longer.
        counting = {"last_attempt": row.last_attempt, "last_enqueued": row.last_enqueued, "anchor": row.anchor}
        moved = {name: None if moment is None else moment - by for name, moment in counting.items()}
        row = msgspec.structs.replace(row, **moved)
    if row.status == "running":
        return row
    override = None if row.next_override is None else row.next_override - by
    if row.next_due is not None and (backing_off(row) or from_moment):
        return msgspec.structs.replace(row, next_due=row.next_due - by, next_override=override)
    return refresh(msgspec.structs.replace(row, next_override=override), endpoint, now, zone)


def delay(retry: Retry, attempts: int) -> timedelta:
    """How long a retry waits at most after so many attempts, between MINIMUM and LONGEST_DELAY."""
    first = min(max(MINIMUM.total_seconds(), retry.delay.seconds), LONGEST_DELAY.total_seconds())
    # 2.0**30 seconds are beyond every limit; larger exponents would overflow some day.
    factor = 2.0 ** min(attempts - 1, 30) if retry.backoff == "exponential" else float(attempts)
    longest = min(LONGEST_DELAY.total_seconds(), max(MINIMUM.total_seconds(), retry.max_delay.seconds))
    return timedelta(seconds=min(longest, first * factor))


def _regular(row: EndpointRow, endpoint: Endpoint, now: datetime, zone: tzinfo) -> EndpointRow:
    """Enqueued for the next regular time; if the run lasted beyond that, soon, but not at once."""
    row = anchored(row, endpoint, now)
    due = next_due(endpoint, _last(row, endpoint), now, zone, row.anchor)
    if due is not None and due <= now:
        due = now + MINIMUM
    return msgspec.structs.replace(row, status="enqueued", attempts=0, last_enqueued=now, next_due=due)


def _last(row: EndpointRow, endpoint: Endpoint) -> datetime | None:
    """From when the next regular time counts."""
    if row.stop_code == BY_USER.code:
        return row.last_enqueued  # what the user did not want then does not come back at once
    schedule = schedule_of(endpoint)
    if not isinstance(schedule, Every) or schedule.flex is not None:
        return row.last_attempt or row.last_enqueued
    if row.last_attempt is None or row.next_due is None:
        return row.last_attempt
    punctual = timedelta(0) <= row.last_attempt - row.next_due <= min(LATE, schedule.period / 10)
    return row.next_due if punctual else row.last_attempt
