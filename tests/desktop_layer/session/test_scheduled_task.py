"""The system calls `traysync sync --due`: what is written for each system, and on a real systemd of a user."""

import json
import os
import plistlib
import re
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.server import ApiServer, Listing
from trayapp.desktop.process.paths import Home, find_home
from trayapp.desktop.session import scheduled_task
from trayapp.errors import UserError

NAMES = ["plain", "with space", 'q"u$o`t\\e', "100%", "${HOME}", "grün;&|<>~*?#()'", "tab\tbed"]
NAMESPACE = {"t": "http://schemas.microsoft.com/windows/2004/02/mit/task"}
SYSTEMD = "/lib/systemd/systemd"

needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="systemd is Linux's")


def command(*arguments: str) -> tuple[str, ...]:
    return ("/opt/Tray Sync/traysync", *arguments, "sync", "--due")


@needs_linux
@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is missing")
def test_systemd_finds_nothing_wrong_with_the_units(tmp_path: Path) -> None:
    service, timer = tmp_path / "traysync-background.service", tmp_path / "traysync-background.timer"
    service.write_text(
        scheduled_task.service_unit((shutil.which("true") or "", "--home", 'a "b" $c %d', "sync", "--due"))
    )
    timer.write_text(scheduled_task.timer_unit())
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(service), str(timer)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@needs_linux
@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is missing")
def test_the_timer_elapses_every_five_minutes() -> None:
    (calendar,) = [line for line in scheduled_task.timer_unit().splitlines() if line.startswith("OnCalendar=")]
    done = subprocess.run(
        ["systemd-analyze", "calendar", "--iterations=3", "--base-time=2026-11-24 10:01:00 UTC", calendar[11:]],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "TZ": "UTC"},
    )
    for minute in ("10:05:00", "10:10:00", "10:15:00"):
        assert minute in done.stdout
    assert "Persistent=true" in scheduled_task.timer_unit()


def test_the_task_calls_the_program_late_rather_than_never() -> None:
    root = ET.fromstring(scheduled_task.task_xml(command("--home", 'C:\\a "b" & <c>')).partition("?>")[2])
    assert root.tag == "{http://schemas.microsoft.com/windows/2004/02/mit/task}Task"
    assert [child.tag.partition("}")[2] for child in root] == [
        "RegistrationInfo",
        "Triggers",
        "Principals",
        "Settings",
        "Actions",
    ]

    def text(path: str) -> str | None:
        return root.findtext("/".join(f"t:{part}" for part in path.split("/")), namespaces=NAMESPACE)

    assert text("Actions/Exec/Command") == "/opt/Tray Sync/traysync"
    assert text("Actions/Exec/Arguments") == '--home "C:\\a \\"b\\" & <c>" sync --due'
    assert text("Triggers/TimeTrigger/Repetition/Interval") == "PT5M"
    assert text("Settings/StartWhenAvailable") == "true"
    assert text("Settings/MultipleInstancesPolicy") == "IgnoreNew"
    assert text("Settings/DisallowStartIfOnBatteries") == text("Settings/StopIfGoingOnBatteries") == "false"
    assert text("Principals/Principal/RunLevel") == "LeastPrivilege"


BOOLEAN, DURATION, TEXT = "true|false", r"P(\d+D)?(T(\d+H)?(\d+M)?(\d+S)?)?", ".+"
SCHEMA: dict[str, tuple[str, dict[str, str]]] = {
    "Task": (
        "any order",
        dict.fromkeys(["RegistrationInfo", "Triggers", "Settings", "Data", "Principals", "Actions"], ""),
    ),
    "RegistrationInfo": ("any order", dict.fromkeys(["URI", "Author", "Version", "Description", "Date"], TEXT)),
    "Triggers": ("any order", {"TimeTrigger": "", "CalendarTrigger": "", "BootTrigger": "", "LogonTrigger": ""}),
    "TimeTrigger": (
        "sequence",
        {
            "Enabled": BOOLEAN,
            "StartBoundary": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d",
            "EndBoundary": TEXT,
            "Repetition": "",
            "ExecutionTimeLimit": DURATION,
            "RandomDelay": DURATION,
        },
    ),
    "Repetition": ("sequence", {"Interval": DURATION, "Duration": DURATION, "StopAtDurationEnd": BOOLEAN}),
    "Principals": ("any order", {"Principal": ""}),
    "Principal": (
        "any order",
        {
            "UserId": TEXT,
            "LogonType": "S4U|Password|InteractiveToken|InteractiveTokenOrPassword",
            "GroupId": TEXT,
            "DisplayName": TEXT,
            "RunLevel": "LeastPrivilege|HighestAvailable",
        },
    ),
    "Settings": (
        "any order",
        {
            **dict.fromkeys(
                [
                    "AllowStartOnDemand",
                    "DisallowStartIfOnBatteries",
                    "StopIfGoingOnBatteries",
                    "AllowHardTerminate",
                    "StartWhenAvailable",
                    "RunOnlyIfNetworkAvailable",
                    "WakeToRun",
                    "Enabled",
                    "Hidden",
                    "RunOnlyIfIdle",
                ],
                BOOLEAN,
            ),
            "MultipleInstancesPolicy": "Parallel|Queue|IgnoreNew|StopExisting",
            "ExecutionTimeLimit": DURATION,
            "Priority": "[0-9]|10",
        },
    ),
    "Actions": ("any order", {"Exec": ""}),
    "Exec": ("any order", {"Command": TEXT, "Arguments": TEXT, "WorkingDirectory": TEXT}),
}
"""What Microsoft's Task Scheduler schema allows below each element, as far as we use it: names, and text patterns."""


def test_the_task_is_as_the_schema_wants_it() -> None:
    root = ET.fromstring(scheduled_task.task_xml(command()).partition("?>")[2])
    principals = {each.get("id") for each in root.iterfind("t:Principals/t:Principal", NAMESPACE)}
    assert root.get("version") == "1.2"
    assert {each.get("Context") for each in root.iterfind("t:Actions", NAMESPACE)} <= principals
    for element in root.iter():
        name = element.tag.rpartition("}")[2]
        children = [child.tag.rpartition("}")[2] for child in element]
        if name not in SCHEMA:
            assert not children, name
            continue
        order, allowed = SCHEMA[name]
        assert len(set(children)) == len(children), name
        assert set(children) <= set(allowed), name
        assert order == "any order" or children == [each for each in allowed if each in children], name
        for child in element:
            assert re.fullmatch(allowed[child.tag.rpartition("}")[2]], (child.text or "").strip()), child.tag


def test_the_agent_is_called_every_five_minutes() -> None:
    agent = plistlib.loads(scheduled_task.agent_plist("traysync.background", command("--home", "a <b>")))
    assert agent == {
        "Label": "traysync.background",
        "ProgramArguments": ["/opt/Tray Sync/traysync", "--home", "a <b>", "sync", "--due"],
        "StartInterval": 300,
        "ProcessType": "Background",
        "LowPriorityIO": True,
    }


def test_a_home_of_its_own_is_named_and_has_an_entry_of_its_own(tmp_path: Path) -> None:
    assert scheduled_task.due_command(Home(tmp_path, tmp_path))[-2:] == ("sync", "--due")
    assert scheduled_task.due_command(find_home(tmp_path))[-4:] == ("--home", str(tmp_path), "sync", "--due")


@needs_linux
def test_off_is_the_state_without_units(tmp_path: Path) -> None:
    units = scheduled_task.Units(tmp_path, "traysync-background")
    assert units.state(command()) == "off"
    units.disable()


@needs_linux
def test_a_system_without_systemd_refuses_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError) as refused:
        scheduled_task.Units(tmp_path, "traysync-background").enable(command())
    assert "systemctl" in refused.value.cause
    assert "sync --due" in refused.value.next


INSIDE = """
mount -t tmpfs tmpfs /run/systemd && mkdir -p /run/systemd/system || exit 1
exec {systemd} --user --log-target=console --log-level=warning
"""
"""systemd serves a user only where it booted the machine, which it sees by that folder: here only in our own mounts."""


@pytest.fixture(scope="module")
def systemd_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a systemd that serves a user, who has nothing but that folder."""
    if sys.platform != "linux" or not Path(SYSTEMD).exists() or os.geteuid() != 0:
        pytest.skip("needs systemd, and root")
    folder = tmp_path_factory.mktemp("user")
    (folder / "run").mkdir(mode=0o700)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "XDG_RUNTIME_DIR": str(folder / "run"),
        "XDG_CONFIG_HOME": str(folder / "config"),
    }
    server = subprocess.Popen(
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", INSIDE.format(systemd=SYSTEMD)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
    )
    question = ["systemctl", "--user", "show-environment"]
    try:
        until = time.monotonic() + 30
        while subprocess.run(question, capture_output=True, check=False, env=environment).returncode:
            if server.poll() is not None or time.monotonic() > until:
                pytest.skip("systemd can't serve a user here")
            time.sleep(0.1)
        yield folder
    finally:
        server.terminate()
        server.wait(10)


@pytest.mark.parametrize("name", NAMES)
def test_a_users_systemd_calls_the_program(
    systemd_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(systemd_folder / "run"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(systemd_folder / "config"))
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    unit_folder = systemd_folder / "config" / "systemd" / "user"
    got = tmp_path / "got"
    program = tmp_path / "a program"
    program.write_text(f"#!/bin/sh\nprintf '%s\\n' \"$@\" > '{got}.new'\nmv '{got}.new' '{got}'\nexit 1\n")
    program.chmod(0o700)
    units = scheduled_task.Units(unit_folder, "traysync-background")
    called = (str(program), "--home", name, "sync", "--due")
    units.enable(called)
    assert units.state(called) == "on"
    assert units.state((*called, "other")) == "elsewhere"
    timers = subprocess.run(["systemctl", "--user", "list-timers", "--all"], capture_output=True, text=True, check=True)
    assert "traysync-background.timer" in timers.stdout
    subprocess.run(["systemctl", "--user", "start", "traysync-background.service"], check=True)
    assert got.read_text() == f"--home\n{name}\nsync\n--due\n"
    units.disable()
    assert units.state(called) == "off"
    assert list(unit_folder.glob("traysync*")) == []
    timers = subprocess.run(["systemctl", "--user", "list-timers", "--all"], capture_output=True, text=True, check=True)
    assert "traysync" not in timers.stdout


@pytest.mark.slow
def test_the_command_has_the_users_systemd_sync_what_is_due(systemd_folder: Path, tmp_path: Path) -> None:
    root = Path(__file__).parents[3]
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(systemd_folder),
        "XDG_RUNTIME_DIR": str(systemd_folder / "run"),
        "XDG_CONFIG_HOME": str(systemd_folder / "config"),
        "PYTHONPATH": str(root),
    }
    home = tmp_path / "a home"
    home.mkdir(mode=0o700)

    def traysync(*arguments: str) -> dict[str, Any]:
        command = [sys.executable, "-m", "trayapp", "--home", str(home), "--json", *arguments]
        done = subprocess.run(command, env=environment, cwd=root, capture_output=True, text=True, check=True)
        return dict(json.loads(done.stdout))

    def systemctl(*arguments: str) -> str:
        command = ["systemctl", "--user", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout

    with ApiServer() as api:
        url = api.route("/stock", Listing([{"id": 1}]))
        (home / "settings.toml").write_text(f'[[endpoint]]\nid = "stock"\nurl = "{url}"\n')
        assert traysync("background", "status")["state"] == "off"
        assert traysync("background", "on")["state"] == "on"
        assert traysync("background", "status")["state"] == "on"
        systemctl("set-environment", f"PYTHONPATH={root}")
        (service,) = [file.name for file in (systemd_folder / "config/systemd/user").glob("traysync*.service")]
        systemctl("start", service)
        assert api.count("/stock") >= 1
        assert traysync("status")["endpoints"][0]["rows"] == 1
        assert traysync("background", "off")["state"] == "off"
        assert service not in systemctl("list-unit-files")
