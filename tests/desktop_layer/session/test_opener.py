"""Opening things with the system's program, which is a script of ours on the PATH here."""

import logging
from pathlib import Path

import pytest

from tests.patience import until
from trayapp.desktop.session.opener import open_path, open_url
from trayapp.errors import EnvironmentProblem, UserError

SCRIPT = """#!/bin/sh
printf %s "$#:$1" > {written}.new
mv {written}.new {written}
case $1 in *bad*) exit 3 ;; esac
"""


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """xdg-open, which writes down what it was asked to open and fails for names with "bad"."""
    folder = tmp_path / "bin"
    folder.mkdir()
    written = tmp_path / "opened"
    script = folder / "xdg-open"
    script.write_text(SCRIPT.format(written=written))
    script.chmod(0o700)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return written


def wait_for(file: Path) -> str:
    until(file.exists)
    return file.read_text()


def test_a_file_is_opened_by_its_whole_path(opened: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "-a b.db").touch()
    monkeypatch.chdir(tmp_path)
    open_path(Path("-a b.db"))
    assert wait_for(opened) == f"1:{tmp_path}/-a b.db"


def test_a_page_is_opened_in_the_browser(opened: Path) -> None:
    open_url("https://example.com/?a=$(id)&b='")
    assert wait_for(opened) == "1:https://example.com/?a=$(id)&b='"


@pytest.mark.parametrize("url", ["file:///etc/passwd", "javascript:alert(1)", "-h", "mailto:a@b.c", "", "HTTPs"])
def test_other_links_are_refused(opened: Path, url: str) -> None:
    with pytest.raises(UserError) as caught:
        open_url(url)
    assert caught.value.problem.code == "link_refused"
    assert not opened.exists()


def test_what_is_gone_is_said(opened: Path, tmp_path: Path) -> None:
    with pytest.raises(EnvironmentProblem) as caught:
        open_path(tmp_path / "gone")
    assert caught.value.problem.code == "file_missing"
    assert str(tmp_path / "gone") in caught.value.title
    assert not opened.exists()


def test_a_system_that_opens_nothing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EnvironmentProblem) as caught:
        open_path(tmp_path)
    assert caught.value.problem.code == "no_opener"
    assert str(tmp_path) in caught.value.title


def test_a_failure_of_the_opener_is_logged(opened: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        open_url("https://bad.example.com")
        wait_for(opened)
        until(lambda: caplog.messages)
    assert "status 3" in caplog.messages[0]
