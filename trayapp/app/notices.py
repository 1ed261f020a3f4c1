"""Which ends of runs are worth a notification, and in which words: decided without Qt, told once."""

from collections.abc import Collection

import msgspec

from trayapp.endpoints.model import Endpoint, General, NotifyOn
from trayapp.messages import Message, tr
from trayapp.schedule.engine.staleness import Stale, length_in_words
from trayapp.sync.report import Report

_BY_POLICY: dict[str, frozenset[NotifyOn]] = {
    "all": frozenset({"finished", "changes", "problem", "recovered", "stale"}),
    "changes": frozenset({"changes", "problem", "recovered", "stale"}),
    "problems": frozenset({"problem", "recovered", "stale"}),
    "none": frozenset(),
}


class Notice(msgspec.Struct, frozen=True):
    """Something to tell: for which endpoint, what happened, in a title and a sentence."""

    endpoint: str
    event: NotifyOn
    title: str
    body: str


def wanted(endpoint: Endpoint | None, general: General) -> Collection[NotifyOn]:
    """The events that are told for this endpoint: its own choice, else the program's."""
    if endpoint is not None and endpoint.notify.on is not None:
        return endpoint.notify.on
    return _BY_POLICY[general.notifications]


def stale_notice(stale: Stale, endpoint: Endpoint | None, general: General) -> Notice | None:
    """What to tell of an endpoint without success for too long, or None if the user does not want to hear it."""
    if "stale" not in wanted(endpoint, general):
        return None
    status = stale.status
    if status.blocked_by:
        reason = tr("Waiting: {reason}.", reason=status.blocked_by)
    else:
        reason = str(status.sentence) or tr("It has not run.")
    title = tr("{endpoint}: no success for {length}", endpoint=status.name, length=length_in_words(stale.length))
    return Notice(status.id, "stale", title, reason)


class Notices:
    """Remembers what was told, so that a problem is told once until it is over, not at every attempt."""

    def __init__(self) -> None:
        self._told: dict[str, Message | int] = {}
        """Of each endpoint the title of its problem, or how many deletions were held."""

    def was_told(self, endpoint: str, problem: Message) -> None:
        """A problem was told before this start."""
        self._told[endpoint] = problem

    def after(self, report: Report, endpoint: Endpoint | None, general: General) -> Notice | None:
        """What to tell of a run that ended, or None."""
        event = self._event(report)
        if event is None:
            return None
        events = wanted(endpoint, general)
        if event == "recovered" and event not in events and report.has_changes:
            event = "changes"
        if event not in events:
            return None
        title = report.name
        if event == "recovered":
            title = tr("{endpoint} works again", endpoint=report.name)
        elif event == "problem" and report.problem is not None:
            title = tr("{endpoint}: {problem}", endpoint=report.name, problem=report.problem.title)
            body = " ".join(map(str, (report.problem.cause, report.problem.next))).strip()
            return Notice(report.endpoint, event, title, body)
        return Notice(report.endpoint, event, title, str(report.sentence))

    def _event(self, report: Report) -> NotifyOn | None:
        if report.status == "stopped":
            return None
        if report.status in ("failed", "incomplete", "held"):
            what = report.problem.title if report.problem else report.held
            if self._told.get(report.endpoint) == what:
                return None
            self._told[report.endpoint] = what
            return "problem"
        if self._told.pop(report.endpoint, None) is not None:
            return "recovered"
        return "changes" if report.has_changes else "finished"
