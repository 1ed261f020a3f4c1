"""The entry that starts the program with the session, on macOS."""

import plistlib
from pathlib import Path

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
