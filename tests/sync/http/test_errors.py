"""Which failures are worth another try soon: real answers, and none at all."""

from datetime import UTC, datetime

import pytest

from tests.server import problem, raw
from tests.sync.mirroring import mirroring
from trayapp.endpoints.model import Endpoint, Pages
from trayapp.endpoints.naming import completed
from trayapp.endpoints.settings import SettingsError
from trayapp.errors import UserError
from trayapp.sync.errors import failure_of
from trayapp.sync.http.failures import status_error


@pytest.fixture
def mirror(tmp_path):
    with mirroring(tmp_path) as mirror:
        yield mirror


@pytest.mark.parametrize(
    ("status", "failure"), [(401, "permanent"), (403, "permanent"), (404, "permanent"), (410, "permanent")]
)
def test_what_the_server_refuses_stays_refused(mirror, status, failure):
    mirror.sync(lambda _: problem(status, "No"))
    assert (mirror.report.status, mirror.report.failure) == ("failed", failure)


def test_a_server_that_is_not_there_is_a_matter_of_the_network(mirror):
    url = mirror.api.route("/items", lambda _: raw(b"[]", "application/json"))
    mirror.run(completed(Endpoint(url=url.replace(url.split(":")[2].split("/")[0], "9"), name="Items")))
    assert (mirror.report.status, mirror.report.failure) == ("failed", "network")


def test_a_success_is_no_failure(mirror):
    mirror.sync(lambda _: raw(b'[{"id": 1}]', "application/json"), pages=Pages(kind="none"))
    assert (mirror.report.status, mirror.report.failure) == ("succeeded", "")


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (SettingsError("Bad", "x"), "permanent"),
        (UserError("The disk is full"), "passing"),
    ],
)
def test_what_somebody_must_change_is_permanent(error, failure):
    assert failure_of(error) == failure


@pytest.mark.parametrize(
    ("status", "code", "action"),
    [
        (401, "refused", "enter_secret"),
        (403, "refused", "enter_secret"),
        (404, "not_found", "edit_field"),
        (407, "proxy_refused", "edit_field"),
        (429, "rate_limit", "retry"),
        (503, "unavailable", "retry"),
        (400, "rejected", ""),
        (999, "rejected", ""),
    ],
)
def test_a_status_is_told_with_what_mends_it(status, code, action):
    """The server's own message is kept as it came, for those who decide by it."""
    body = b'{"detail": "The cursor has expired"}'
    error = status_error(status, {}, body, "http://a.example/items", datetime.now(UTC))
    assert (error.problem.code, error.problem.action, error.status) == (code, action, status)
    assert error.said == "The cursor has expired"
    assert "The cursor has expired." in error.cause


@pytest.mark.parametrize("status", [300, 301, 305, 399])
def test_a_redirect_to_nowhere_is_no_refusal(mirror, status):
    assert mirror.sync(raw(b"", status=status)) is None
    assert str(mirror.report.problem.title) == "The server redirects"
    assert f"status {status}, but not with where to go" in str(mirror.report.problem.cause)
