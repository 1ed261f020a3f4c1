"""What the system is told to start."""

import sys
from pathlib import Path

import pytest

from trayapp.desktop.session import installation


@pytest.mark.parametrize(
    ("frozen", "environ", "expected"),
    [(True, {}, "/opt/traysync/traysync"), (True, {"APPIMAGE": "/home/u/T.AppImage"}, "/home/u/T.AppImage")],
)
def test_a_frozen_program_is_started_by_its_own_name(
    monkeypatch: pytest.MonkeyPatch, frozen: bool, environ: dict[str, str], expected: str
) -> None:
    monkeypatch.setattr(sys, "frozen", frozen, raising=False)
    monkeypatch.setattr(sys, "executable", "/opt/traysync/traysync")
    assert installation.program(environ) == (expected,)


def test_an_environments_script_goes_before_the_module(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python3"))
    assert installation.program({}) == (str(tmp_path / "python3"), "-m", "trayapp")
    (tmp_path / "traysync").touch()
    assert installation.program({}) == (str(tmp_path / "traysync"),)
