"""launchd calls `traysync sync --due`."""

import plistlib

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
