"""The entry that starts the program with the session, on Linux: what is on, off or of another program."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from trayapp.desktop.process.paths import Home, find_home
from trayapp.desktop.session import autostart
from trayapp.errors import EnvironmentProblem

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="XDG autostart")


def entries(config: str | None = None) -> list[Path]:
    return sorted(Path(config or os.environ["XDG_CONFIG_HOME"], "autostart").glob("*"))


def parsed(file: Path) -> dict[str, str]:
    lines = file.read_text("utf-8").splitlines()
    assert lines[0] == "[Desktop Entry]"
    return dict(line.split("=", 1) for line in lines[1:])


def unescaped(value: str) -> list[str]:
    """Exec read by the rules of the specification: first the string's escapes, then quotes as a shell's, then %%."""
    assert re.fullmatch(r"([^\\]|\\[sntr\\])*", value), "an escape that no string has"
    command = "printf '%s\\0' " + value.replace("\\\\", "\\")
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    arguments = done.stdout.split("\0")[:-1]
    assert not any(re.search(r"%(?!%)", argument.replace("%%", "")) for argument in arguments), "a field code"
    return [argument.replace("%%", "%") for argument in arguments]


@pytest.fixture
def default_home(monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.delenv("TRAYSYNC_HOME")
    return find_home(None)


def test_on_and_off(default_home: Home) -> None:
    assert autostart.state(default_home) == "off"
    autostart.enable(default_home)
    assert autostart.state(default_home) == "on"
    (file,) = entries()
    assert file.name == "traysync.desktop"
    assert parsed(file)["Type"] == "Application"
    autostart.disable(default_home)
    autostart.disable(default_home)
    assert autostart.state(default_home) == "off"
    assert entries() == []


def test_the_entry_starts_this_very_program(default_home: Home) -> None:
    autostart.enable(default_home)
    values = parsed(entries()[0])
    command = unescaped(values["Exec"])
    assert command[-1] == "--background"
    assert values["TryExec"] == command[0]
    assert os.access(command[0], os.X_OK)


@pytest.mark.parametrize("name", ["plain", "with space", 'a"b`c$d\\e', "100%", "grün;&|<>~*?#()'"])
def test_a_home_with_any_name_arrives_as_it_is(tmp_path: Path, name: str) -> None:
    home = find_home(tmp_path / name)
    autostart.enable(home)
    assert autostart.state(home) == "on"
    (file,) = entries()
    assert unescaped(parsed(file)["Exec"])[-3:] == ["--home", str(tmp_path / name), "--background"]


def test_homes_have_entries_of_their_own(tmp_path: Path, default_home: Home) -> None:
    other = find_home(tmp_path / "other")
    autostart.enable(default_home)
    autostart.enable(other)
    autostart.disable(default_home)
    assert autostart.state(other) == "on"
    assert autostart.state(default_home) == "off"


@pytest.mark.parametrize("line", ["Hidden=true", "X-GNOME-Autostart-enabled=false"])
def test_what_the_desktop_switched_off_is_off(default_home: Home, line: str) -> None:
    autostart.enable(default_home)
    (file,) = entries()
    text = file.read_text().replace("X-GNOME-Autostart-enabled=true\n", "")
    file.write_text(f"{text}{line}\n")
    assert autostart.state(default_home) == "off"
    autostart.enable(default_home)
    assert autostart.state(default_home) == "on"


def test_an_entry_of_a_program_that_moved_is_seen_and_put_right(default_home: Home) -> None:
    autostart.enable(default_home)
    (file,) = entries()
    file.write_text(file.read_text().replace("Exec=", "Exec=/old"))
    assert autostart.state(default_home) == "elsewhere"
    autostart.enable(default_home)
    assert autostart.state(default_home) == "on"


def test_a_folder_that_is_closed_is_explained(default_home: Home) -> None:
    config = Path(os.environ["XDG_CONFIG_HOME"])
    config.mkdir(exist_ok=True)
    (config / "autostart").write_text("")
    for attempt in (autostart.enable, autostart.disable, autostart.state):
        with pytest.raises(EnvironmentProblem) as caught:
            attempt(default_home)
        assert caught.value.problem.code == "autostart_refused"
