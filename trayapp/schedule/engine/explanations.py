"""Why something does not run: answered from the saved state alone, without a running scheduler."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, tzinfo
from typing import assert_never

from trayapp.endpoints.calendar import Once
from trayapp.endpoints.model import Endpoint
from trayapp.endpoints.schedule import Cron, EventsOnly, Every, Manual, TimesOfDay, schedule_of
from trayapp.messages import NOTHING, Message, listing, paragraph, say
from trayapp.schedule.conditions.constraints import checks, clock_time
from trayapp.schedule.conditions.machine import Conditions
from trayapp.schedule.engine.queue import LONG, MOST_LONG, PER_HOST, WORKERS, busy_workers, host
from trayapp.schedule.engine.work import backing_off, due_at
from trayapp.schedule.times.descriptions import describe
from trayapp.schedule.times.due import parents
from trayapp.store.bookkeeping.endpoint_states import EndpointRow


def why(
    endpoint: Endpoint,
    row: EndpointRow,
    conditions: Conditions,
    now: datetime,
    zone: tzinfo,
    before: Mapping[str, tuple[Endpoint, EndpointRow]] | None = None,
    running: Mapping[str, tuple[Endpoint, EndpointRow]] | None = None,
) -> list[Message]:
    """Sentences that answer "why does it not run now?": its time, its last result, and every constraint's value.

    before: the endpoints that it runs after, by id. running: those that run, by id; who holds its place is among them.
    """
    lines = [_when(endpoint, row, now, zone)]
    lines += [_parent_state(id, (before or {}).get(id), now, zone) for id in parents(endpoint)]
    if row.problem is not None and backing_off(row):
        most, problem = endpoint.retry.attempts, row.problem.title
        lines.append(
            say("Attempt {count} of {most} failed: {problem}.", count=row.attempts, most=most, problem=problem)
        )
    elif row.problem is not None:
        lines.append(say("The last run failed: {problem}.", problem=row.problem.title))
    if row.stop_code == "user":
        lines.append(say("The last run was stopped by the user."))
    elif row.stop_reason:
        lines.append(say("The last run was stopped: {reason}.", reason=row.stop_reason))
    checked = [*checks(endpoint, conditions, now, zone)]
    due = due_at(row)
    if row.status != "running" and due is not None and due <= now and not any(check.reason for check in checked):
        lines += _holders(endpoint, running or {}, now)
    for check in checked:
        if check.reason:
            lines.append(say("Waiting for {wants}: {value}.", wants=check.wants, value=check.value))
        else:
            lines.append(say("Requires {wants}: {value}.", wants=check.wants, value=check.value))
    if row.last_success is None:
        lines.append(say("It never succeeded."))
    else:
        lines.append(say("Last success: {time}.", time=clock_time(row.last_success, now, zone)))
    return lines


def _holders(
    endpoint: Endpoint, running: Mapping[str, tuple[Endpoint, EndpointRow]], now: datetime
) -> Iterator[Message]:
    """Who has the place that it waits for, if it does."""
    there = tuple(id for id, (other, _) in running.items() if host(other.url) == host(endpoint.url))
    if len(there) >= PER_HOST:
        yield say(
            "It waits for its server: {ids} are running there, and at most {count} do at a time.",
            ids=listing(there),
            count=PER_HOST,
        )
    begun = [row.last_attempt for _, row in running.values()]
    long = sum(at is not None and at + LONG <= now for at in begun)
    if busy_workers(len(running), long) >= WORKERS:
        yield say(
            "It waits for a free place: {ids} are running. At most {count} run at a time, besides {more} that last"
            " longer than {minutes} minutes.",
            ids=listing(tuple(running)),
            count=WORKERS,
            more=MOST_LONG,
            minutes=LONG // timedelta(minutes=1),
        )


def _when(endpoint: Endpoint, row: EndpointRow, now: datetime, zone: tzinfo) -> Message:
    if row.status == "running":
        if row.last_attempt is None:
            return say("It is running.")
        return say("It has been running since {time}.", time=clock_time(row.last_attempt, now, zone))
    if not endpoint.enabled:
        return say("It is switched off.")
    due = due_at(row)
    if due is None:
        return _without_time(endpoint)
    time, schedule = clock_time(due, now, zone), describe(endpoint)
    if due > now:
        if backing_off(row):
            return say("Retrying at {time}. Schedule: {schedule}.", time=time, schedule=schedule)
        return say("Next run at {time}. Schedule: {schedule}.", time=time, schedule=schedule)
    if backing_off(row):
        return say("A retry has been due since {time}. Schedule: {schedule}.", time=time, schedule=schedule)
    return say("It has been due since {time}. Schedule: {schedule}.", time=time, schedule=schedule)


def _without_time(endpoint: Endpoint) -> Message:
    schedule = schedule_of(endpoint)
    match schedule:
        case EventsOnly():
            return say("It runs {schedule}.", schedule=describe(endpoint))
        case Once():
            return say("It was to run {schedule}; now it runs only by hand.", schedule=describe(endpoint))
        case Manual():
            return say("It runs only by hand.")
        case Every() | Cron() | TimesOfDay():
            return say("Its schedule has no next time.")
        case _:
            assert_never(schedule)


def _parent_state(id: str, before: tuple[Endpoint, EndpointRow] | None, now: datetime, zone: tzinfo) -> Message:
    if before is None:
        return say("There is no endpoint {id} any more, so it never runs after it.", id=id)
    endpoint, row = before
    if row.status == "running":
        return say("{id} is running.", id=id)
    return paragraph(
        say("{id} never succeeded.", id=id)
        if row.last_success is None
        else say("{id} last succeeded: {time}.", id=id, time=clock_time(row.last_success, now, zone)),
        _parent_outlook(endpoint, row, now, zone),
    )


def _parent_outlook(endpoint: Endpoint, row: EndpointRow, now: datetime, zone: tzinfo) -> Message:
    if not endpoint.enabled:
        return say("It is switched off.")
    if row.problem is not None:
        return say("The last run failed: {problem}.", problem=row.problem.title)
    due = due_at(row)
    return NOTHING if due is None else say("Its next run is at {time}.", time=clock_time(due, now, zone))
