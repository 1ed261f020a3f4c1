from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trayapp.sync.http.retry import pause_before, rate_limit_wait, retry_after

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("5", 5),
        ("0", 0),
        ("1.5", 1.5),
        ("Tue, 24 Nov 2026 12:01:00 GMT", 60),
        ("Tue, 24 Nov 2026 11:00:00 GMT", 0),
        ("soon", None),
        ("", None),
        ("-3", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value, seconds):
    assert retry_after({"Retry-After": value}, NOW) == seconds


@pytest.mark.parametrize(
    ("reset", "seconds"),
    [("30", 30), (str(int(NOW.timestamp()) + 90), 90), (str((int(NOW.timestamp()) + 90) * 1000), 90)],
)
def test_an_exhausted_rate_limit_says_when_it_opens(reset, seconds):
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}
    assert rate_limit_wait(403, headers, NOW) == pytest.approx(seconds)
    assert rate_limit_wait(403, headers | {"X-RateLimit-Remaining": "3"}, NOW) is None
    assert rate_limit_wait(500, headers, NOW) is None


@given(st.integers(1, 20), st.none() | st.floats(0, 1000), st.floats(0, 1))
def test_a_pause_is_never_shorter_than_asked_and_never_long_by_itself(attempt, asked, jitter):
    pause = pause_before(attempt, asked, jitter)
    assert pause >= (asked or 0)
    assert pause <= max(30, asked or 0)
