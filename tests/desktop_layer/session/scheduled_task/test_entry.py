"""What the system is told to call, and what is said when it refuses."""

import os
import sys
from pathlib import Path

import pytest

from trayapp.desktop.process.paths import Home, find_home
from trayapp.desktop.session import scheduled_task
from trayapp.desktop.session.scheduled_task.entry import Refused, run_tool


def test_a_home_of_its_own_is_named_and_has_an_entry_of_its_own(tmp_path: Path) -> None:
    assert scheduled_task.due_command(Home(tmp_path, tmp_path))[-2:] == ("sync", "--due")
    assert scheduled_task.due_command(find_home(tmp_path))[-4:] == ("--home", str(tmp_path), "sync", "--due")


@pytest.mark.skipif(sys.platform != "linux", reason="of systemd")
def test_a_folder_that_is_closed_is_explained(tmp_path: Path) -> None:
    config = Path(os.environ["XDG_CONFIG_HOME"])
    config.mkdir(exist_ok=True)
    (config / "systemd").write_text("")
    with pytest.raises(Refused) as caught:
        scheduled_task.enable(find_home(tmp_path))
    assert str(config / "systemd") in caught.value.cause


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX's shell")
@pytest.mark.parametrize(
    ("script", "says"), [("echo No >&2; exit 1", "sh says: No"), ("echo No; exit 1", "sh says: No"), ("exit 7", "7")]
)
def test_a_tool_that_fails_is_quoted(script: str, says: str) -> None:
    with pytest.raises(Refused) as caught:
        run_tool("sh", "-c", script)
    assert says in caught.value.cause
    assert run_tool("sh", "-c", "echo Yes") == "Yes\n"
