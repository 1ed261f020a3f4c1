"""The log file: private, bounded, in UTC, and never with a secret."""

import logging
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.hostile import ESCAPES, acting
from tests.patience import quickest_cpu
from trayapp.desktop.process import logs
from trayapp.desktop.process.logs import Scrubber, start_logging


@pytest.fixture
def log_file(tmp_path: Path) -> Iterator[Path]:
    """The root logger is as before afterwards."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield tmp_path / "traysync.log"
    for handler in set(root.handlers) - set(handlers):
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level)


def test_lines_are_utc_and_private(log_file: Path) -> None:
    stream = StringIO()
    start_logging(log_file, stream=stream)
    logging.getLogger("trayapp.sync.http.auth").info("token of %s refreshed", "issues")
    line = log_file.read_text().splitlines()[0]
    assert line.endswith("+00:00 INFO MainThread [trayapp.sync.http.auth] token of issues refreshed")
    assert stream.getvalue().splitlines() == [line]
    assert log_file.stat().st_mode & 0o777 == 0o600


def test_debug_is_only_written_when_asked_for(log_file: Path) -> None:
    start_logging(log_file)
    logging.getLogger("a").debug("small talk")
    assert not log_file.exists()
    start_logging(log_file, debug=True)
    logging.getLogger("a").debug("small talk")
    assert "small talk" in log_file.read_text()


def test_arguments_and_tracebacks_are_scrubbed_too(log_file: Path) -> None:
    start_logging(log_file).register("hunter2/+x")
    try:
        raise ValueError("the server said hunter2/+x and hunter2%2F%2Bx")
    except ValueError:
        logging.getLogger("a").exception("with %s", {"Authorization": "Basic dXNlcjpwYXNz"})
    text = log_file.read_text()
    assert "hunter2" not in text
    assert "dXNlcjpwYXNz" not in text
    assert "ValueError: the server said *** and ***" in text


@pytest.mark.parametrize("said", ["%68unter2%2f+x", "hunter2%252F%252Bx", r"hunter2\/+x", "HUNTER2/&#43;x"])
def test_a_registered_secret_is_known_in_any_encoding(said: str) -> None:
    scrubber = Scrubber()
    scrubber.register("hunter2/+x")
    assert scrubber.scrub(f"the server said {said} and more") == "the server said *** and more"


def test_the_log_is_bounded_and_stays_private(log_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "_BYTES", 1000)
    start_logging(log_file)
    for number in range(200):
        logging.getLogger("a").info("line %d %s", number, "x" * 50)
    files = sorted(log_file.parent.glob(f"{log_file.name}*"))
    assert [file.name for file in files] == ["traysync.log", *(f"traysync.log.{number}" for number in range(1, 5))]
    assert all(file.stat().st_size <= 1000 and file.stat().st_mode & 0o777 == 0o600 for file in files)
    assert "line 199" in log_file.read_text()


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("Authorization: Bearer abc.def-1", "Authorization: ***"),
        ("{'Authorization': 'token xyz', 'Accept': 'json'}", "{'Authorization': ***, 'Accept': 'json'}"),
        ('{"access_token": "abc", "expires_in": 3600}', '{"access_token": ***, "expires_in": 3600}'),
        ("X-Api-Key: 12345", "X-Api-Key: ***"),
        ("Set-Cookie: sid=1; path=/", "Set-Cookie: ***"),
        ("GET https://me:secret@example.com/a", "GET https://***@example.com/a"),
        ("GET https://token@example.com/a", "GET https://***@example.com/a"),
        ("GET /a?page=2&access_token=abc&per_page=3", "GET /a?page=2&access_token=***&per_page=3"),
        ("/a?api_key=abc#x", "/a?api_key=***#x"),
        ("/cb?code=4/abc&state=1", "/cb?code=***&state=1"),
        ("sent bearer eyJhbGciOiJIUzI1NiJ9.e30", "sent bearer ***"),
    ],
)
def test_secrets_are_known_by_their_place(text: str, clean: str) -> None:
    assert Scrubber().scrub(text) == clean


@pytest.mark.parametrize(
    "text",
    [
        "issues: 3 new, 1 changed, 12 requests in 4.2 s",
        "GET https://api.example.com/repos/x/y/issues?page=2&per_page=100 200",
        "mail to a@example.com",
        "Basic authentication is not offered; the bearer of bad news",
        "the session ended at 12:05:07",
    ],
)
def test_ordinary_lines_stay_as_they_are(text: str) -> None:
    assert Scrubber().scrub(text) == text


@given(st.text(min_size=4), st.text(), st.text())
def test_a_registered_secret_never_comes_through(secret: str, before: str, after: str) -> None:
    scrubber = Scrubber()
    scrubber.register(secret)
    if set(secret) != {"*"}:
        assert secret not in scrubber.scrub(before + secret + after).replace("***", "")


def test_a_secret_within_another_hides_no_less() -> None:
    scrubber = Scrubber()
    scrubber.register("pass")
    scrubber.register("password1234")
    assert scrubber.scrub("password1234 pass") == "*** ***"
    scrubber.register("ab")
    assert scrubber.scrub("abc") == "abc"


def test_nothing_in_a_record_is_obeyed_by_a_terminal(log_file: Path) -> None:
    stream = StringIO()
    start_logging(log_file, stream=stream)
    try:
        raise ValueError(ESCAPES)
    except ValueError:
        logging.getLogger(ESCAPES).exception("the server says: %s", ESCAPES)
    for text in (stream.getvalue(), log_file.read_text("utf-8")):
        assert text.count("␛[2J") == 3
        assert acting(text) == set()


def test_a_long_line_is_scrubbed_fast() -> None:
    line = "a_auth" * 20_000 + "://" * 1000 + "x" * 100_000
    assert quickest_cpu(lambda: Scrubber().scrub(line), 0.5) < 0.5


def test_a_log_that_can_not_be_written_disturbs_nobody(tmp_path, capsys):
    folder = tmp_path / "gone"
    folder.mkdir()
    handler = logs._LogFile(folder / "traysync.log")
    folder.rmdir()
    handler.handle(logging.LogRecord("x", logging.ERROR, "", 0, "a line", None, None))
    handler.close()
    assert capsys.readouterr().err == ""
