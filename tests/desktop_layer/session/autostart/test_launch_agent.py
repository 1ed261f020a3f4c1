"""The entry that starts the program with the session, on macOS."""

import plistlib
import sys
from pathlib import Path

import pytest

from trayapp.desktop.process.paths import find_home
from trayapp.desktop.session import autostart
from trayapp.desktop.session.autostart.launch_agent import LaunchAgent


def test_a_launch_agent_is_a_property_list_of_the_command(tmp_path: Path) -> None:
    agent = LaunchAgent(tmp_path / "LaunchAgents", "traysync")
    assert agent.read() is None
    agent.write(("/Applications/TraySync.app/Contents/MacOS/traysync", "--home", "/a b", "--background"))
    (file,) = (tmp_path / "LaunchAgents").iterdir()
    written = plistlib.loads(file.read_bytes())
    assert written["ProgramArguments"][1:] == ["--home", "/a b", "--background"]
    assert written["RunAtLoad"] is True
    assert agent.read() == agent.written(tuple(written["ProgramArguments"]))
    file.write_bytes(plistlib.dumps(written | {"Disabled": True}))
    assert agent.read() is None
    file.write_bytes(b"rubbish")
    assert agent.read() == ""
    agent.remove()
    agent.remove()
    assert agent.read() is None


def test_macos_has_an_agent_for_each_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    home, other = find_home(tmp_path / "one"), find_home(tmp_path / "other")
    monkeypatch.setenv("HOME", str(tmp_path))
    with monkeypatch.context() as macos:
        macos.setattr(sys, "platform", "darwin")
        autostart.enable(home)
        states = autostart.state(home), autostart.state(other)
    assert states == ("on", "off")
    (file,) = (tmp_path / "Library/LaunchAgents").iterdir()
    agent = plistlib.loads(file.read_bytes())
    assert agent["ProgramArguments"][-3:] == ["--home", str(tmp_path / "one"), "--background"]
    assert agent["Label"] == file.stem
