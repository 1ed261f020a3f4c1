"""Why something does not run: answered from the saved state alone, without a running scheduler."""

from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import assert_never

from trayapp.endpoints.calendar import Once
from trayapp.endpoints.model import Endpoint
from trayapp.endpoints.schedule import Cron, EventsOnly, Every, Manual, TimesOfDay, schedule_of
from trayapp.schedule.conditions.constraints import checks, clock_time
from trayapp.schedule.conditions.machine import Conditions
from trayapp.schedule.engine.work import backing_off, due_at
from trayapp.schedule.times.descriptions import describe
from trayapp.schedule.times.due import parents
from trayapp.store.bookkeeping.endpoint_states import EndpointRow
from trayapp.sync.report import stopped_words


def why(
    endpoint: Endpoint,
    row: EndpointRow,
    conditions: Conditions,
    now: datetime,
    zone: tzinfo,
    before: Mapping[str, tuple[Endpoint, EndpointRow]] | None = None,
) -> list[str]:
    """Sentences that answer "why does it not run now?": its time, its last result, and every constraint's value.

    before: the endpoints that it runs after, by id.
    """
    lines = [_when(endpoint, row, now, zone)]
    lines += [_parent_state(id, (before or {}).get(id), now, zone) for id in parents(endpoint)]
    if row.problem_title:
        tried = f"Attempt {row.attempts} of {endpoint.retry.attempts} failed" if backing_off(row) else "It failed"
        lines.append(f"{tried}: {row.problem_title}.")
    if row.stop_reason:
        lines.append(f"The last run was stopped{stopped_words(row.stop_reason)}.")
    for check in checks(endpoint, conditions, now, zone):
        lines.append(f"It wants {check.wants}: {check.value}{', which holds it back' if check.reason else ''}.")
    success = "never" if row.last_success is None else clock_time(row.last_success, now, zone)
    lines.append(f"Last success: {success}.")
    return lines


def _when(endpoint: Endpoint, row: EndpointRow, now: datetime, zone: tzinfo) -> str:
    if row.status == "running":
        since = "" if row.last_attempt is None else f" since {clock_time(row.last_attempt, now, zone)}"
        return f"It is running{since}."
    if not endpoint.enabled:
        return "It is switched off."
    due = due_at(row)
    if due is None:
        return _without_time(endpoint)
    kind = "to be tried again" if backing_off(row) else "due"
    if due > now:
        return f"It is {kind} at {clock_time(due, now, zone)}; it runs {describe(endpoint)}."
    return f"It has been {kind} since {clock_time(due, now, zone)}; it runs {describe(endpoint)}."


def _without_time(endpoint: Endpoint) -> str:
    schedule = schedule_of(endpoint)
    match schedule:
        case EventsOnly():
            count = len(parents(endpoint))
            succeeded = "" if not count else " has succeeded" if count == 1 else " have succeeded"
            return f"It runs {describe(endpoint)}{succeeded}."
        case Once():
            return f"It was to run {describe(endpoint)}; from now on it runs only by hand."
        case Manual():
            return "It has no next time: it runs only by hand."
        case Every() | Cron() | TimesOfDay():
            return "Its schedule has no next time."
        case _:
            assert_never(schedule)


def _parent_state(id: str, before: tuple[Endpoint, EndpointRow] | None, now: datetime, zone: tzinfo) -> str:
    if before is None:
        return f"There is no endpoint {id} any more, so it is never run after it."
    endpoint, row = before
    if row.status == "running":
        return f"{id} is running."
    success = "never" if row.last_success is None else clock_time(row.last_success, now, zone)
    state = f"{id} last succeeded: {success}"
    if not endpoint.enabled:
        return f"{state}; it is switched off."
    if row.problem_title:
        return f"{state}; since then it failed: {row.problem_title}."
    due = due_at(row)
    return f"{state}." if due is None else f"{state}; it runs next at {clock_time(due, now, zone)}."
