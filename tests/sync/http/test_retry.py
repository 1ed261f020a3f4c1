from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.patience import quickest_cpu
from trayapp.sync.formats.characters import charset
from trayapp.sync.formats.sniff import media_type
from trayapp.sync.http.budget import RateState
from trayapp.sync.http.header_values import LONGEST_WAIT, decimal_number, http_date, whole_number
from trayapp.sync.http.links import next_link, parse_link_header
from trayapp.sync.http.retry import RateLimit, pause_before, rate_limit, rate_limit_wait, retry_after

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
        ("99999999999999999999", LONGEST_WAIT),
        ("9" * 5000, LONGEST_WAIT),
        ("Fri, 31 Dec 9999 23:59:59 GMT", LONGEST_WAIT),
        ("Fri, 31 Dec 9999 23:59:59 -2359", None),
        ("Mon, 01 Jan 2024 00:00:00 +" + "9" * 40, None),
        ("Mon, 01 Jan 2024 25:61:61 GMT", None),
        ("12²", None),
        ("²", None),
        ("١٢", None),
        ("1.2.3", None),
        (".", None),
        ("1e400", None),
        ("inf", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value, seconds):
    assert retry_after({"Retry-After": value}, NOW) == seconds


@pytest.mark.parametrize(
    ("reset", "seconds"),
    [
        ("30", 30),
        (str(int(NOW.timestamp()) + 90), 90),
        (str((int(NOW.timestamp()) + 90) * 1000), 90),
        (str((int(NOW.timestamp()) + 90) * 1_000_000), 90),
        (str((int(NOW.timestamp()) + 90) * 1_000_000_000), LONGEST_WAIT),
        ("9" * 5000, LONGEST_WAIT),
        ("1" + "0" * 400, LONGEST_WAIT),
    ],
)
def test_an_exhausted_rate_limit_says_when_it_opens(reset, seconds):
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}
    assert rate_limit_wait(403, headers, NOW) == pytest.approx(seconds)
    assert rate_limit_wait(403, headers | {"X-RateLimit-Remaining": "3"}, NOW) is None
    assert rate_limit_wait(500, headers, NOW) is None


@pytest.mark.parametrize(
    "headers",
    [
        {"X-RateLimit-Remaining": "12²", "X-RateLimit-Reset": "5"},
        {"X-RateLimit-Remaining": "9" * 5000, "X-RateLimit-Reset": "5"},
        {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "²"},
        {"RateLimit": "limit=1, remaining=²"},
    ],
)
def test_no_rate_limit_is_made_of_what_is_no_number(headers):
    assert rate_limit(headers, NOW) is None


@pytest.mark.parametrize(("limit", "most"), [("100, 100;w=60", 100), ("9" * 5000, None), ("²", None)])
def test_a_limit_is_only_a_hint(limit, most):
    headers = {"X-RateLimit-Remaining": "3", "X-RateLimit-Reset": "5", "X-RateLimit-Limit": limit}
    assert rate_limit(headers, NOW) == RateLimit(3, 5.0, most)


@given(st.integers(0, 10**5), st.text() | st.from_regex(r"[0-9.]{0,30}"))
def test_budgets_take_whatever_headers_say(status, text):
    state = RateState()
    for headers in ({"Retry-After": text}, {"X-RateLimit-Remaining": text, "X-RateLimit-Reset": text}):
        for code in (status, 429):
            state.learn(code, headers, NOW)
            assert 0 <= state.wait(NOW) <= LONGEST_WAIT + 1
            state.gap(NOW)


_UNITS = ("9", "a", "=", ",", " ", "9=9,", ";", "<", "<>;a=", '"', "\\", "Mon, 1 ", "(", ":", "+0", "²", "-", ".")


@pytest.mark.parametrize("unit", _UNITS)
def test_headers_are_read_in_linear_time(unit):
    """Also by the libraries' functions."""
    text = unit * (2**16 // len(unit))

    def read():
        for name in ("RateLimit", "RateLimit-Reset", "Retry-After"):
            rate_limit({"RateLimit-Remaining": "1", name: text}, NOW)
            rate_limit({name: text}, NOW)
            retry_after({name: text}, NOW)
        parse_link_header(text)
        next_link(text)
        charset({"Content-Type": f"text/plain; charset={text}"})
        media_type({"Content-Type": text})
        whole_number(text), decimal_number(text), http_date(text)

    assert quickest_cpu(read, 0.3) < 0.3


@given(st.integers(1, 20), st.none() | st.floats(0, 1000), st.floats(0, 1))
def test_a_pause_is_never_shorter_than_asked_and_never_long_by_itself(attempt, asked, jitter):
    pause = pause_before(attempt, asked, jitter)
    assert pause >= (asked or 0)
    assert pause <= max(30, asked or 0)
