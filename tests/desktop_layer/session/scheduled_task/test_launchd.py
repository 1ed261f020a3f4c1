"""launchd calls `traysync sync --due`."""

import plistlib
import sys
from pathlib import Path

import pytest

from trayapp.desktop.process.paths import find_home
from trayapp.desktop.session import scheduled_task
from trayapp.desktop.session.scheduled_task.launchd import agent_plist


def test_the_agent_is_called_every_five_minutes() -> None:
    agent = plistlib.loads(
        agent_plist("traysync.background", ("/opt/Tray Sync/traysync", "--home", "a <b>", "sync", "--due"))
    )
    assert agent == {
        "Label": "traysync.background",
        "ProgramArguments": ["/opt/Tray Sync/traysync", "--home", "a <b>", "sync", "--due"],
        "StartInterval": 300,
        "ProcessType": "Background",
        "LowPriorityIO": True,
    }


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script for launchctl")
def test_macos_has_launchd_read_the_agent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    called = tmp_path / "called"
    launchctl = tmp_path / "launchctl"
    launchctl.write_text(f"#!/bin/sh\necho \"$@\" >> '{called}'\n[ $1 != bootout ]\n")
    launchctl.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("HOME", str(tmp_path))
    home = find_home(tmp_path / "home")
    with monkeypatch.context() as macos:
        macos.setattr(sys, "platform", "darwin")
        assert scheduled_task.state(home).state == "off"
        assert scheduled_task.enable(home).state == "on"
        found = scheduled_task.state(home)
        (file,) = (tmp_path / "Library/LaunchAgents").iterdir()
        scheduled_task.disable(home)
    assert found.state == "on"
    assert "logged in" in str(found.note)
    assert called.read_text().splitlines()[1].endswith(str(file))
    assert not file.exists()
