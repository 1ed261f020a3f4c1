import re
import string
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PySide6.QtCore import QLocale

from tests.problems import problem
from tests.ui.fake_backend import utc
from tests.ui.samples import NOW, REFUSED, endpoint, failing, held, run, running, shown
from trayapp.sync.report import Progress
from trayapp.ui.widgets import words

MOMENTS = st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2090, 1, 1), timezones=st.just(UTC))
ZONES = st.sampled_from([UTC, *map(ZoneInfo, ("Europe/Berlin", "America/St_Johns", "Pacific/Apia", "Asia/Kolkata"))])
TEXTS = st.text(max_size=200)


@pytest.fixture(autouse=True)
def _in_english():
    before = QLocale()
    QLocale.setDefault(QLocale(QLocale.Language.English, QLocale.Country.UnitedStates))
    yield
    QLocale.setDefault(before)


@pytest.mark.parametrize(
    ("time", "text"),
    [
        ("2025-03-05 13:05", "13:05"),
        ("2025-03-05 00:00", "00:00"),
        ("2025-03-04 23:59", "yesterday 23:59"),
        ("2025-03-06 00:00", "tomorrow 00:00"),
        ("2025-03-10 08:00", "Mon 08:00"),
        ("2025-03-12 08:00", "12 Mar 08:00"),
        ("2024-12-24 18:00", "24 Dec 2024"),
    ],
)
def test_a_moment_is_said_as_shortly_as_today_allows(time, text):
    assert words.moment(utc(time), NOW, UTC) == text


def test_a_moment_is_said_in_the_users_zone():
    assert words.moment(utc("2025-03-05 23:30"), NOW, ZoneInfo("Europe/Berlin")) == "tomorrow 00:30"


@given(MOMENTS, MOMENTS, ZONES)
def test_a_moment_of_this_year_names_its_clock(time, now, zone):
    same_year = time.astimezone(zone).year == now.astimezone(zone).year
    assert words.moment(time, now, zone).endswith(words.clock(time, zone)) or not same_year


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "just now"),
        (59, "in a moment"),
        (60, "in 1 min"),
        (3599, "in 59 min"),
        (3600, "in 1 h"),
        (86400, "in a day"),
        (3 * 86400, "in 3 days"),
        (-30, "just now"),
        (-300, "5 min ago"),
        (-7200, "2 h ago"),
        (-86400, "a day ago"),
        (-10 * 86400, "10 days ago"),
    ],
)
def test_distances(seconds, text):
    assert words.distance(NOW + timedelta(seconds=seconds), NOW) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.04, "0.0 s"), (2.5, "2.5 s"), (59.9, "59 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")]
)
def test_durations(seconds, text):
    assert words.duration(seconds) == text


@given(MOMENTS, ZONES)
def test_next_midnight_begins_the_next_day(now, zone):
    midnight = words.next_midnight(now, zone)
    assert timedelta(0) < midnight - now <= timedelta(hours=49)  # Apia once left out a whole day
    assert midnight.astimezone(zone).date() > now.astimezone(zone).date()


@given(TEXTS, st.integers(min_value=2, max_value=80))
def test_elided_text_is_one_short_line(text, length):
    line = words.elided(text, length)
    assert len(line) <= length
    assert len(line.splitlines()) <= 1


@given(TEXTS)
def test_menu_texts_have_no_mnemonics_of_their_own(text):
    shown_text = words.menu_text(text, 500).replace("&&", "")
    assert "&" not in shown_text


def drawn(label):
    """What a panel shows of a label: the access key's mark goes, "__" is "_"."""
    return re.sub("_(.)", r"\1", label)


def converted(text):
    """What Qt makes of an action's text: the first "&" that something follows marks the access key."""
    return text.replace("&", "_", 1) if 0 <= text.find("&") < len(text) - 1 else text


@given(TEXTS)
@example("snake_case_name")
@example("R&D & Co_")
@example("_&_&")
@example("&")
def test_a_panel_shows_exported_texts_as_they_are(text):
    assert drawn(converted(words.exported_text(text, 500))) == words.elided(text, 500)


def test_numbers_have_separators():
    assert words.number(1204551) == "1,204,551"
    QLocale.setDefault(QLocale.c())
    assert words.number(1204551) == "1,204,551"
    QLocale.setDefault(QLocale(QLocale.Language.German))
    assert words.number(1204551) == "1.204.551"


@pytest.mark.parametrize(
    ("progress", "text"),
    [
        (None, ""),
        (Progress(endpoint="a"), ""),
        (Progress(endpoint="a", doing="waiting for the server"), "waiting for the server"),
        (Progress(endpoint="a", pages=3, records=1200), "page 3, 1,200 records"),
        (Progress(endpoint="a", pages=3, records=300, total=1000), "300 of 1,000 records"),
        (Progress(endpoint="a", pages=3, records=1001, total=1000), "1,000 of 1,000 records"),
    ],
)
def test_progress(progress, text):
    assert words.progress_words(progress) == text


STATUS_LINES = [
    (shown(), "No endpoints yet"),
    (shown(endpoint("issues")), "Up to date · next 13:55 (Issues)"),
    (shown(endpoint("issues", next_due=None)), "Up to date"),
    (shown(endpoint("issues", last_success=None)), "Not synced yet · next 13:55 (Issues)"),
    (shown(running("issues", pages=3, records=300, total=1000)), "Syncing Issues… 300 of 1,000 records"),
    (shown(running("a"), running("b"), paused=True), "Syncing 2 endpoints…"),
    (shown(failing("a"), paused=True, paused_until=utc("2025-03-05 15:00")), "Paused until 15:00"),
    (shown(paused=True, paused_until=utc("2025-03-06 00:00")), "Paused until tomorrow 00:00"),
    (shown(paused=True), "Paused until you resume"),
    (shown(failing("a"), endpoint("b")), "A: The server refused the password"),
    (shown(failing("a"), failing("b"), online=False), "2 endpoints have problems"),
    (shown(endpoint("a"), online=False), "Offline"),
    (shown(held("a"), endpoint("b")), "A: 3 deletions need your confirmation"),
    (shown(held("a"), held("b")), "2 endpoints need your confirmation"),
    (shown(endpoint("a"), settings_problem=REFUSED), "The settings file has a problem"),
]


@pytest.mark.parametrize(("snapshot", "text"), STATUS_LINES)
def test_the_status_line_says_the_most_urgent_thing(snapshot, text):
    assert words.status_line(snapshot, NOW, UTC) == text


def test_the_soonest_run_still_ahead_is_named_next():
    overdue = endpoint("late", state="blocked", next_due=NOW - timedelta(hours=1))
    soon = endpoint("soon", next_due=NOW + timedelta(minutes=1))
    assert words.status_line(shown(overdue, endpoint("a"), soon), NOW, UTC) == "Up to date · next 13:01 (Soon)"


@pytest.mark.parametrize(
    ("snapshot", "text"),
    [
        (shown(endpoint("a"), endpoint("b")), "2 endpoints up to date · last 12:55 · next 13:55"),
        (shown(endpoint("a")), "1 endpoint up to date · last 12:55 · next 13:55"),
        (shown(endpoint("a"), endpoint("b", state="blocked")), "1 up to date, 1 waiting · last 12:55 · next 13:55"),
        (
            shown(endpoint("a"), endpoint("b", state="disabled", enabled=False)),
            "1 endpoint up to date · last 12:55 · next 13:55",
        ),
        (shown(endpoint("a"), paused=True), "Paused until you resume · last 12:55"),
        (shown(), "No endpoints yet"),
    ],
)
def test_the_tooltip(snapshot, text):
    assert words.tooltip(snapshot, NOW, UTC) == text


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (endpoint("a"), "Up to date"),
        (endpoint("a", last_success=None), "Not synced yet"),
        (running("a"), "Syncing…"),
        (running("a", pages=1, records=2), "Syncing: page 1, 2 records"),
        (endpoint("a", state="blocked", blocked_by="metered network"), "Waiting: metered network"),
        (endpoint("a", state="blocked"), "Waiting"),
        (failing("a"), "Failing: The server refused the password"),
        (held("a", 1), "1 deletion needs your confirmation"),
        (endpoint("a", state="disabled", enabled=False), "Disabled"),
    ],
)
def test_an_endpoint_in_one_phrase(status, text):
    assert words.endpoint_line(status) == text


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (endpoint("a"), "13:55"),
        (endpoint("a", next_due=None), "By hand only"),
        (endpoint("a", next_due=NOW), "Due now"),
        (running("a"), "Running now"),
        (endpoint("a", enabled=False, state="disabled"), "Disabled"),
    ],
)
def test_the_next_run(status, text):
    assert words.next_words(status, NOW, UTC) == text


def test_the_last_result():
    assert words.last_words(endpoint("a", sentence="3 new.")) == "3 new."
    assert words.last_words(endpoint("a", last_attempt=None)) == "Never synced"
    assert words.last_words(endpoint("a", state="failing", sentence="", problem=REFUSED)) == str(REFUSED.title)


def test_a_problem_is_said_in_full_sentences():
    assert words.problem_words(problem("No", "It broke.", "Try again")) == "No. It broke. Try again."
    assert words.problem_words(problem("Really?")) == "Really?"


def test_what_a_run_changed():
    assert words.change_line(run(1, added=3, sentence="3 new.")) == "Issues: 3 new."


@given(TEXTS.filter(str.strip), st.sampled_from([snapshot for snapshot, _ in STATUS_LINES if snapshot.endpoints]))
def test_names_are_data_even_with_braces(name, snapshot):
    """A name like "{time}" or "{0}" stays what it is."""
    named = shown(*(endpoint("x", name=name + "{time}{0}{}"), *snapshot.endpoints))
    assert words.status_line(named, NOW, UTC)
    assert words.tooltip(named, NOW, UTC)
    line = words.problem_line(failing("a"))
    assert set(line) <= set(string.printable)
