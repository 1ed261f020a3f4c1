"""Takes the README's pictures from the running program: `python -m tests.desktop.screenshots FOLDER`."""

import subprocess
import sys
import time
from pathlib import Path

from tests.desktop.accessibility import Accessibility
from tests.desktop.bus import Bus
from tests.desktop.session import Desktop, desktop
from tests.desktop.tray import TrayItem
from tests.desktop.waiting import wait_for
from tests.server import ApiServer, Listing, problem

SETTINGS = """
[[endpoint]]
id = "orders"
name = "Shop orders"
url = "{base}/orders"
every = "15m"

[[endpoint]]
id = "parts"
name = "Spare parts"
url = "{base}/parts"
cron = "0 9 * * mon-fri"

[[endpoint]]
id = "weather"
name = "Weather stations"
url = "{base}/weather"
every = "1h"
"""


def take(folder: Path) -> None:
    """All pictures, as PNG files in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with ApiServer() as api, desktop() as screen:
        orders = Listing(
            [{"order": n, "customer": f"Customer {n}", "total": n * 3.5} for n in range(1, 412)], pages="link"
        )
        api.route("/orders", orders)
        api.route(
            "/parts", Listing([{"id": n, "name": f"Part {n}", "stock": n % 9} for n in range(1, 96)], pages="link")
        )
        api.route("/weather", problem(404, "Not Found", "This API has moved."))
        home = screen.folder / "home-pictures"
        home.mkdir(mode=0o700)
        (home / "settings.toml").write_text(SETTINGS.format(base=api.base))
        with screen.program(home=home) as program:
            bus = Bus(screen.bus_address)
            tray = TrayItem.of(bus, program.pid)
            window = screen.window("^TraySync$")
            screen.focus(window)
            traysync(screen, home, "demo")
            traysync(screen, home, "sync")
            for turn in range(3):
                fresh = [
                    {"order": 900 + 10 * turn + n, "customer": f"Customer {n}", "total": 9.5} for n in range(turn + 2)
                ]
                first = {**orders.records[0], "total": 99.0 + turn}
                orders.records = [first, *orders.records[2:], *fresh]
                traysync(screen, home, "sync", "orders")
            wait_for(lambda: any("Problems" in label for label in tray.labels()), "the snapshot", 30)
            ui = Accessibility(screen).of(program.pid)
            screen.run("dunstctl", "set-paused", "true")
            snap(screen, window, folder / "window.png")
            ui.find("page tab", "Activity").click()
            time.sleep(0.5)
            snap(screen, window, folder / "activity.png")
            ui.find("page tab", "Data").click()
            time.sleep(1)
            snap(screen, window, folder / "data.png")
            tray.choose("Settings")
            settings = screen.window("TraySync settings")
            screen.focus(settings)
            time.sleep(0.5)
            snap(screen, settings, folder / "settings.png")
            screen.run("dunstctl", "close-all")  # they lie over the button
            ui.find("push button", "Add…").click()
            screen.window("Add endpoint")
            ui.find("text", "Address").enter(api.url("/orders"))
            screen.press("Return")
            ui.find("table", "")
            time.sleep(0.5)
            snap(screen, screen.window("Add endpoint"), folder / "add.png")
            bus.close()


def traysync(screen: Desktop, home: Path, *arguments: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "trayapp", "--home", str(home), *arguments],
        env=screen.environment,
        capture_output=True,
        timeout=60,
        check=False,
    )


def snap(screen: Desktop, window: int, file: Path) -> None:
    """One window without its frame."""
    screen.run("maim", "--hidecursor", "--window", str(window), str(file))


if __name__ == "__main__":
    take(Path(sys.argv[1]))
