"""A systemd of a user calls `traysync sync --due`: what is written for it, and a real one."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.server import ApiServer, Listing
from trayapp.desktop.session.scheduled_task import systemd
from trayapp.desktop.session.scheduled_task.entry import Refused

NAMES = ["plain", "with space", 'q"u$o`t\\e', "100%", "${HOME}", "grün;&|<>~*?#()'", "tab\tbed"]
SYSTEMD = "/lib/systemd/systemd"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="systemd is Linux's")


def command(*arguments: str) -> tuple[str, ...]:
    return ("/opt/Tray Sync/traysync", *arguments, "sync", "--due")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is missing")
def test_systemd_finds_nothing_wrong_with_the_units(tmp_path: Path) -> None:
    service, timer = tmp_path / "traysync-background.service", tmp_path / "traysync-background.timer"
    service.write_text(systemd.service_unit((shutil.which("true") or "", "--home", 'a "b" $c %d', "sync", "--due")))
    timer.write_text(systemd.timer_unit())
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(service), str(timer)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is missing")
def test_the_timer_elapses_every_five_minutes() -> None:
    (calendar,) = [line for line in systemd.timer_unit().splitlines() if line.startswith("OnCalendar=")]
    done = subprocess.run(
        ["systemd-analyze", "calendar", "--iterations=3", "--base-time=2026-11-24 10:01:00 UTC", calendar[11:]],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "TZ": "UTC"},
    )
    for minute in ("10:05:00", "10:10:00", "10:15:00"):
        assert minute in done.stdout
    assert "Persistent=true" in systemd.timer_unit()


def test_off_is_the_state_without_units(tmp_path: Path) -> None:
    units = systemd.SystemdTimer(tmp_path, "traysync-background")
    assert units.state(command()) == "off"
    units.disable()


def test_a_system_without_systemd_refuses_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Refused) as refused:
        systemd.SystemdTimer(tmp_path, "traysync-background").enable(command())
    assert refused.value.problem.code == "background_refused"
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
    units = systemd.SystemdTimer(unit_folder, "traysync-background")
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
    root = Path(__file__).parents[4]
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
