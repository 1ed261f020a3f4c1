"""What is told and what is not: once for each change of state, by the user's choice."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from tests.problems import problem
from trayapp.app.notices import Notices, stale_notice
from trayapp.endpoints.model import Endpoint, General, Notify
from trayapp.messages import foreign
from trayapp.schedule.engine.snapshot import EndpointStatus
from trayapp.schedule.engine.staleness import Stale
from trayapp.sync.cancel import BY_USER
from trayapp.sync.report import Report, sentence_of

NOW = datetime(2026, 11, 24, tzinfo=UTC)
DAY = timedelta(days=1)
ENDPOINT = Endpoint(url="https://a.example", id="a", name="Stock")


def report(status="succeeded", **fields):
    made = Report(endpoint="a", name="Stock", table="stock", status=status, started=NOW, finished=NOW, **fields)
    return Report(**{name: getattr(made, name) for name in made.__struct_fields__} | {"sentence": sentence_of(made)})


NOTHING = report(unchanged=5)
CHANGES = report(added=3, changed=1)
FAILED = report("failed", problem=problem("The server can't be reached", "Nothing answers.", "Try later."))
OTHER = report("failed", problem=problem("There is nothing at this address", "No such stock.", "Check it."))
HELD = report("held", held=30)
STOPPED = report("stopped", reason=BY_USER.words)


def told(*reports, general=None, endpoint=ENDPOINT):
    notices = Notices()
    found = [notices.after(each, endpoint, general or General()) for each in reports]
    return [each and each.event for each in found]


def test_changes_are_told_in_the_runs_own_words():
    notice = Notices().after(CHANGES, ENDPOINT, General())
    assert (notice.title, notice.body, notice.endpoint) == ("Stock", "3 new, 1 changed.", "a")


def test_no_news_is_no_notification():
    assert told(NOTHING, NOTHING) == [None, None]


def test_a_problem_is_told_when_it_begins_and_when_it_ends():
    assert told(FAILED, FAILED, FAILED, NOTHING, NOTHING) == ["problem", None, None, "recovered", None]


def test_another_problem_is_news():
    assert told(FAILED, OTHER, OTHER) == ["problem", "problem", None]


def test_a_problem_says_what_to_do():
    notice = Notices().after(FAILED, ENDPOINT, General())
    assert notice.title == "Stock: The server can't be reached"
    assert notice.body == "Nothing answers. Try later."


def test_held_deletions_are_a_problem_once():
    assert told(HELD, HELD, CHANGES) == ["problem", None, "recovered"]


def test_a_stopped_run_is_the_users_own_doing():
    assert told(STOPPED) == [None]
    assert told(FAILED, STOPPED, FAILED) == ["problem", None, None]


@pytest.mark.parametrize(
    ("policy", "events"),
    [
        ("all", ["finished", "changes", "problem", "recovered"]),
        ("changes", [None, "changes", "problem", "recovered"]),
        ("problems", [None, None, "problem", "recovered"]),
        ("none", [None, None, None, None]),
    ],
)
def test_the_policy_decides(policy, events):
    assert told(NOTHING, CHANGES, FAILED, NOTHING, general=General(notifications=policy)) == events


def test_an_endpoints_own_choice_wins():
    chosen = Endpoint(url="https://a.example", id="a", notify=Notify(on=("changes",)))
    assert told(FAILED, CHANGES, endpoint=chosen, general=General(notifications="none")) == [None, "changes"]


def test_a_problem_from_before_the_start_is_not_told_again():
    notices = Notices()
    notices.was_told("a", FAILED.problem.title)
    assert notices.after(FAILED, ENDPOINT, General()) is None
    assert notices.after(NOTHING, ENDPOINT, General()).event == "recovered"


STALE = Stale(
    EndpointStatus(id="a", name="Stock", table="stock", state="blocked", blocked_by=foreign("metered network")), 2 * DAY
)


def test_a_silence_is_told_with_what_holds_the_endpoint_back():
    notice = stale_notice(STALE, ENDPOINT, General())
    assert (notice.title, notice.body) == ("Stock: no success for 2 days", "Waiting: metered network.")


def test_a_silence_is_not_told_to_who_wants_no_notifications():
    assert stale_notice(STALE, ENDPOINT, General(notifications="none")) is None
    assert stale_notice(STALE, msgspec.structs.replace(ENDPOINT, notify=Notify(on=("problem",))), General()) is None
