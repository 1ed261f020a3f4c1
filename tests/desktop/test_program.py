"""The whole program on a real desktop: what a user sees in the tray, in the notifications and in the windows."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import apsw
import pytest

from tests.desktop.accessibility import Accessibility
from tests.desktop.bus import Bus
from tests.desktop.notifications import Notifications
from tests.desktop.session import ROOT, Desktop, Program
from tests.desktop.tray import TrayItem
from tests.desktop.waiting import wait_for
from tests.server import ApiServer, Guarded, Listing, basic, problem

RECORDS = [{"id": n, "name": f"part {n}"} for n in range(1, 24)]
SETTINGS = """
[general]
notifications = "changes"

[[endpoint]]
id = "stock"
name = "Stock"
url = "{url}"
every = "10s"
"""


@pytest.fixture
def api() -> Iterator[ApiServer]:
    with ApiServer() as api:
        yield api


@pytest.fixture
def home(desktop: Desktop) -> Path:
    """Short: a Unix socket goes in it."""
    folder = desktop.folder / f"h{time.monotonic_ns() % 10**9}"
    folder.mkdir(mode=0o700)
    return folder


def rows(home: Path, table: str) -> list[tuple[object, ...]]:
    """What the mirrored table holds, read as any other program would; [] while there is none."""
    if not (home / "traysync.db").exists():
        return []
    database = apsw.Connection(str(home / "traysync.db"), flags=apsw.SQLITE_OPEN_READONLY)
    database.set_busy_timeout(5000)
    try:
        return database.execute(f'SELECT * FROM "{table}"').fetchall()
    except apsw.SQLError:
        return []
    finally:
        database.close()


def traysync(desktop: Desktop, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "trayapp", "--home", str(home), *arguments]
    return subprocess.run(
        command, env=desktop.environment, cwd=ROOT, capture_output=True, text=True, timeout=280, check=False
    )


def assert_clean(program: Program) -> None:
    """Nothing on stderr, no traceback in the log: not even a warning of Qt."""
    assert program.output() == ""
    log = (program.home / "traysync.log").read_text() if (program.home / "traysync.log").exists() else ""
    assert "Traceback" not in log, log


def test_the_main_job_from_tray_to_table(
    desktop: Desktop,
    bus: Bus,
    notifications: Notifications,
    accessibility: Accessibility,
    api: ApiServer,
    home: Path,
    tmp_path: Path,
) -> None:
    stock = Listing(RECORDS, pages="link")
    (home / "settings.toml").write_text(SETTINGS.format(url=api.route("/stock", stock)))
    with desktop.program("--background", home=home) as program:
        tray = TrayItem.of(bus, program.pid)

        # A scheduled run happens without being touched, and tells what changed.
        wait_for(lambda: len(rows(home, "stock")) == 23, "the first scheduled run", 40)
        assert notifications.wait(lambda shown: shown.title == "Stock").body == "23 new."
        stock.records = [RECORDS[0] | {"name": "renamed"}, *RECORDS[2:], {"id": 99, "name": "new"}]
        told = notifications.wait(lambda shown: "1 changed" in shown.body, 30)
        assert (told.title, told.body) == ("Stock", "1 new, 1 changed, 1 deleted.")
        wait_for(lambda: tray.labels()[0].startswith("Up to date"), "the status line")
        assert "1 endpoint up to date" in tray.tooltip

        # The toggle pauses, and goes on.
        assert tray.entry("Sync enabled").checked is True
        idle = tray.icon
        tray.choose("Sync enabled")
        wait_for(lambda: tray.entry("Sync enabled").checked is False, "the toggle")
        wait_for(lambda: tray.labels()[0].startswith("Paused"), "the status line")
        wait_for(lambda: tray.icon != idle, "the icon")
        asked = api.count("/stock")
        time.sleep(12)
        assert api.count("/stock") == asked
        tray.choose("Sync enabled")
        wait_for(lambda: api.count("/stock") > asked, "runs after the pause", 30)

        # A new endpoint is typed into the settings, tried out, saved, and its table is filled.
        url = api.route("/api/people", Listing([{"id": n, "who": f"p{n}"} for n in range(7)]))
        tray.choose("Settings")
        desktop.focus(desktop.window("TraySync settings"))
        ui = accessibility.of(program.pid)
        ui.find("push button", "Add").click()
        ui.find("text", "Address").enter(url)
        desktop.press("Return")
        ui.find("table", "")
        desktop.screenshot(tmp_path / "tested.png")
        ui.find("push button", "Save").click()
        wait_for(lambda: len(rows(home, "people")) == 7, "the new table", 20)
        assert "/api/people" in (home / "settings.toml").read_text()
        assert_clean(program)

        # It ends when asked to, in time.
        tray.choose("Quit")
        assert program.process.wait(8) == 0


def test_a_second_launch_raises_the_first_ones_window(desktop: Desktop, bus: Bus, home: Path) -> None:
    with desktop.program("--background", home=home) as program:
        TrayItem.of(bus, program.pid)
        wait_for(lambda: (home / "traysync.sock").exists(), "the socket")
        second = traysync(desktop, home)
        assert (second.returncode, second.stderr) == (0, "")
        desktop.window("^TraySync$")
        assert_clean(program)


def test_a_panel_shows_names_as_they_are(desktop: Desktop, bus: Bus, home: Path) -> None:
    name = "my_items & more & all"
    settings = f'[[endpoint]]\nid = "stock"\nname = "{name}"\nurl = "http://127.0.0.1:9/"\nmanual = true\n'
    (home / "settings.toml").write_text(settings)
    with desktop.program("--background", home=home) as program:
        tray = TrayItem.of(bus, program.pid)
        shown = lambda: [entry.label for entry in tray.entry("Sync now").children]  # noqa: E731
        wait_for(lambda: name in shown(), "the endpoint's name")
        assert_clean(program)


def test_commands_reach_the_running_program(desktop: Desktop, bus: Bus, home: Path, api: ApiServer) -> None:
    url = api.route("/stock", Listing(RECORDS, pages="link"))
    with desktop.program("--background", home=home) as program:
        tray = TrayItem.of(bus, program.pid)
        wait_for(lambda: (home / "traysync.sock").exists(), "the socket")
        assert traysync(desktop, home, "add", url, "--yes", "--every", "1h").returncode == 0
        done = traysync(desktop, home, "sync", "stock")
        assert done.returncode == 0, done.stderr
        assert len(rows(home, "stock")) == 23
        wait_for(lambda: "1 endpoint" in tray.tooltip, "the tooltip")
        traysync(desktop, home, "pause", "--for", "1h")
        wait_for(lambda: tray.labels()[0].startswith("Paused until"), "the pause")
        status = traysync(desktop, home, "status", "--json").stdout
        assert '"running": true' in status
        traysync(desktop, home, "resume")
        wait_for(lambda: tray.labels()[0].startswith("Up to date"), "the end of the pause")
        assert traysync(desktop, home, "sync", "nothing").returncode == 2
        traysync(desktop, home, "remove", "stock", "--drop-table")
        wait_for(lambda: "stock" not in (home / "settings.toml").read_text(), "the removal")
        assert rows(home, "stock") == []
        assert_clean(program)


def test_a_pause_survives_a_restart(desktop: Desktop, bus: Bus, home: Path, api: ApiServer) -> None:
    (home / "settings.toml").write_text(SETTINGS.format(url=api.route("/stock", Listing(RECORDS))))
    with desktop.program("--background", home=home) as program:
        TrayItem.of(bus, program.pid).choose("Pause", "Until I resume")
        wait_for(lambda: TrayItem.of(bus, program.pid).labels()[0].startswith("Paused"), "the pause")
        os.kill(program.pid, signal.SIGTERM)
        assert program.process.wait(8) == 0
    asked = api.count()  # its first run may have been due before the pause
    with desktop.program("--background", home=home) as program:
        wait_for(lambda: TrayItem.of(bus, program.pid).labels()[0].startswith("Paused"), "the pause")
    assert api.count() == asked


def test_a_problem_is_told_once_and_its_end_too(
    desktop: Desktop, bus: Bus, notifications: Notifications, home: Path, api: ApiServer
) -> None:
    listing = Listing(RECORDS)
    (home / "settings.toml").write_text(
        SETTINGS.format(url=api.route("/stock", problem(404, "Gone", "No such stock.")))
    )
    with desktop.program("--background", home=home) as program:
        tray = TrayItem.of(bus, program.pid)
        told = notifications.wait(lambda shown: "nothing at this address" in shown.title, 40)
        assert "No such stock." in told.body
        assert "Sync again" in told.actions.values()
        wait_for(lambda: any(label.startswith("Problems") for label in tray.labels()), "the problems entry")
        traysync(desktop, home, "sync", "stock")
        api.route("/stock", listing)
        notifications.choose(told, "sync")  # the button in the notification
        assert notifications.wait(lambda shown: "works again" in shown.title, 20).body == "23 new."
        assert sum("nothing at this address" in shown.title for shown in notifications.seen) == 1
        assert_clean(program)


def test_settings_changed_by_hand_are_taken_over_and_bad_ones_are_not(
    desktop: Desktop, bus: Bus, home: Path, api: ApiServer
) -> None:
    url = api.route("/stock", Listing(RECORDS))
    file = home / "settings.toml"
    file.write_text(SETTINGS.format(url=url))
    with desktop.program("--background", home=home) as program:
        tray = TrayItem.of(bus, program.pid)
        wait_for(lambda: "1 endpoint" in tray.tooltip, "the endpoint", 40)
        file.write_text(file.read_text() + '\n[[endpoint]]\nurl = "https://a.example/others"\nenabled = false\n')
        wait_for(lambda: '"id": "others"' in traysync(desktop, home, "status", "--json").stdout, "the new endpoint")
        good = file.read_text()
        file.write_text(good + "evry = 5\n")
        wait_for(lambda: any("settings" in label.lower() for label in tray.labels()[:1]), "the complaint", 15)
        asked = api.count()
        wait_for(lambda: api.count() > asked, "a run on the last good settings", 30)
        file.write_text(good)
        wait_for(lambda: "settings" not in tray.labels()[0].lower(), "the end of the complaint", 15)
        assert_clean(program)


def test_secrets_come_from_the_real_keyring(desktop: Desktop, bus: Bus, home: Path, api: ApiServer) -> None:
    url = api.route("/stock", Guarded(basic("me", "s3cret-word"), Listing(RECORDS)))
    command = [sys.executable, "-m", "trayapp", "--home", str(home)]
    added = subprocess.run(
        [*command, "add", url, "--auth", "basic:me", "--secret-stdin", "--id", "stock", "--yes"],
        env=desktop.environment,
        cwd=ROOT,
        input="s3cret-word\n",
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert added.returncode == 0, added.stderr
    with desktop.program("--background", home=home) as program:
        TrayItem.of(bus, program.pid)
        wait_for(lambda: len(rows(home, "stock")) == 23, "a run with the keyring's secret", 40)
        assert_clean(program)
    for path in home.rglob("*"):
        if path.is_file():
            assert b"s3cret-word" not in path.read_bytes(), path
    traysync(desktop, home, "secret", "delete", "stock")


def test_without_a_tray_the_window_is_enough_and_a_tray_may_come_later(
    make_desktop: Callable[..., AbstractContextManager[Desktop]],
) -> None:
    with make_desktop(tray=False) as bare, bare.program() as program:
        bare.window("^TraySync$")
        assert program.process.poll() is None
        assert_clean(program)
        assert traysync(bare, program.home, "status").returncode == 0


def test_the_demo_is_one_click_away(desktop: Desktop, accessibility: Accessibility, home: Path) -> None:
    with desktop.program(home=home) as program:
        desktop.focus(desktop.window("^TraySync$"))
        accessibility.of(program.pid).find("push button", "Try the demo").click()
        wait_for(lambda: len(rows(home, "demo_tickets")) > 200, "the demo's rows", 20)
        assert_clean(program)


def test_a_killed_program_starts_again_and_goes_on(desktop: Desktop, bus: Bus, home: Path, api: ApiServer) -> None:
    (home / "settings.toml").write_text(SETTINGS.format(url=api.route("/stock", Listing(RECORDS))))
    with desktop.program("--background", home=home) as program:
        TrayItem.of(bus, program.pid)
        wait_for(lambda: (home / "traysync.sock").exists(), "the socket")
        program.process.kill()
        program.process.wait()
    with desktop.program("--background", home=home) as program:
        TrayItem.of(bus, program.pid)
        wait_for(lambda: len(rows(home, "stock")) == 23, "the first scheduled run", 40)
        assert_clean(program)
