"""A private desktop made of real parts: X server, session bus, window manager, panel, notifications, secrets.

All of it lives in one short-named folder under /tmp (a socket's path may have 108 bytes) and ends with the test
process, however that ends: the kernel kills each part when its parent is gone.
"""

import glob
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from xml.etree import ElementTree

from tests.desktop.bus import Bus
from tests.desktop.waiting import wait_for

ROOT = Path(__file__).parents[2]
PASSWORD = "correct horse"

Keyring = Literal["unlocked", "locked", "none"]

_PREFIX = "tsd-"
_REGISTRY = "/usr/libexec/at-spi2-registryd"
_XFCONFD = "/usr/lib/*/xfce4/xfconf/xfconfd"
_PACKAGES = {
    "Xvfb": "xvfb",
    "dbus-daemon": "dbus-daemon",
    "jwm": "jwm",
    "xfce4-panel": "xfce4-panel",
    _XFCONFD: "xfconf",
    "dunst": "dunst",
    "gnome-keyring-daemon": "gnome-keyring",
    "gio": "libglib2.0-bin",
    "xdotool": "xdotool",
    "maim": "maim",
    "setpriv": "util-linux",
    _REGISTRY: "at-spi2-core",
}
_BUS_CONFIG = """<busconfig>
  <type>session</type>
  <listen>unix:path={path}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/>
  </policy>
</busconfig>
"""
_JWM_CONFIG = """<JWM>
  <Desktops width="1" height="1"><Background type="solid">#405060</Background></Desktops>
  <WindowStyle><Font>Sans-10</Font></WindowStyle>
  <FocusModel>click</FocusModel>
</JWM>
"""
_DUNST_CONFIG = """[global]
    follow = none
    origin = top-right
    offset = 20x20
    width = 300
    font = Sans 10
    markup = full
    sticky_history = yes
    mouse_left_click = do_action, close_current
    mouse_right_click = close_current
[urgency_low]
    timeout = 20
[urgency_normal]
    timeout = 20
[urgency_critical]
    timeout = 0
"""
_SCREEN = (1280, 800)
_PANEL_HEIGHT = 30
_SECRETS = ("org.freedesktop.secrets", "/org/freedesktop/secrets")
_LOGIN_KEYRING = "/org/freedesktop/secrets/collection/login"


def missing_packages() -> list[str]:
    """Debian packages of the parts that are not installed."""
    return sorted({package for part, package in _PACKAGES.items() if not _find(part)})


def _find(part: str) -> str | None:
    return next(iter(glob.glob(part)), None) if part.startswith("/") else shutil.which(part)


@dataclass
class Desktop:
    """A running desktop. `environment` is what a program in it gets; `parts` are its processes by name."""

    folder: Path
    environment: dict[str, str]
    parts: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def bus_address(self) -> str:
        return self.environment["DBUS_SESSION_BUS_ADDRESS"]

    def run(self, *command: str) -> str:
        """Run a tool in the desktop; its output."""
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 0, f"{command}: {done.stderr}"
        return done.stdout

    def screenshot(self, file: Path) -> Path:
        """The whole screen as PNG."""
        self.run("maim", str(file))
        return file

    def click(self, x: int, y: int, button: int = 1) -> None:
        self.run("xdotool", "mousemove", "--sync", str(x), str(y), "click", str(button))

    def click_notification(self) -> None:
        """A real click on the newest notification on the screen."""
        self.click(_SCREEN[0] - 100, 40)

    def type(self, text: str) -> None:
        """Real key events to the focused window. ASCII: for other characters xdotool changes the keyboard's layout,
        and the first keys after that are lost now and then."""
        self.run("xdotool", "type", "--delay", "10", "--", text)

    def press(self, *keys: str) -> None:
        """Keys by their X names: Tab, Return, ctrl+s, …"""
        self.run("xdotool", "key", "--delay", "20", *keys)

    def window(self, name: str) -> int:
        """The visible window with that title (a regular expression), as soon as there is one."""

        def look() -> int:
            command = ["xdotool", "search", "--onlyvisible", "--name", name]
            found = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
            return int(found.stdout.split()[0]) if found.stdout.split() else 0

        return wait_for(look, f"a window named {name}")

    def focus(self, window: int) -> None:
        self.run("xdotool", "windowactivate", "--sync", str(window))

    def unlock_keyring(self) -> None:
        """What logging in does, by gnome-keyring's own interface."""
        bus = Bus(self.bus_address)
        _, session = bus.call(*_SECRETS, "org.freedesktop.Secret.Service", "OpenSession", "sv", "plain", ("s", ""))
        secret = (session, b"", PASSWORD.encode(), "text/plain")
        internal = "org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface"
        bus.call(*_SECRETS, internal, "UnlockWithMasterPassword", "o(oayays)", _LOGIN_KEYRING, secret)
        bus.close()

    @contextmanager
    def program(self, *arguments: str, home: Path | None = None) -> Iterator["Program"]:
        """`python -m trayapp` in this desktop, ended at the end; `home` defaults to a new folder."""
        place = home or Path(tempfile.mkdtemp(prefix="home-", dir=self.folder))
        log = place.with_name(f"{place.name}.out")
        with open(log, "wb") as output:
            command = [sys.executable, "-m", "trayapp", "--home", str(place), *arguments]
            process = subprocess.Popen(command, env=self.environment, cwd=ROOT, stdout=output, stderr=output)
        try:
            yield Program(process, place, log)
        finally:
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
            process.wait()


@dataclass(frozen=True)
class Program:
    """A running TraySync."""

    process: subprocess.Popen[bytes]
    home: Path
    log: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    def output(self) -> str:
        """What it has written to stdout and stderr so far."""
        return self.log.read_text(errors="replace")


@contextmanager
def desktop(*, tray: bool = True, notifications: bool = True, keyring: Keyring = "unlocked") -> Iterator[Desktop]:
    """A desktop with these parts, for as long as the block runs."""
    _sweep()
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir="/tmp"))
    (folder / "owner").write_text(str(os.getpid()))
    running = Desktop(folder, _environment(folder))
    with ExitStack() as ending:
        ending.callback(shutil.rmtree, folder, ignore_errors=True)
        ending.callback(_end, running)
        _start_display(running)
        _start_bus(running, "a11y")
        _start_bus(running, "bus")
        bus = Bus(running.bus_address)
        ending.callback(bus.close)
        _start(running, "jwm", "jwm", "-f", _file(folder / "jwmrc", _JWM_CONFIG))
        _start(running, "registry", _REGISTRY)
        if tray:
            _start(running, "xfconfd", _find(_XFCONFD) or _XFCONFD)
            bus.wait_for_name("org.xfce.Xfconf")
            _start(running, "panel", "xfce4-panel", "--disable-wm-check")
        if notifications:
            _start(running, "dunst", "dunst", "-conf", _file(folder / "dunstrc", _DUNST_CONFIG))
        if keyring != "none":
            _start_keyring(running, bus, keyring)
        if notifications:
            bus.wait_for_name("org.freedesktop.Notifications")
        _wait_for_registry(running)
        if tray:
            bus.wait_for_name("org.kde.StatusNotifierWatcher")
            watcher = ("org.kde.StatusNotifierWatcher", "/StatusNotifierWatcher", "org.kde.StatusNotifierWatcher")
            wait_for(lambda: bus.get(*watcher, "IsStatusNotifierHostRegistered"), "the panel's tray")
        yield running


def _environment(folder: Path) -> dict[str, str]:
    """Nothing of the real desktop, not even by a variable we do not know."""
    kept = ("PATH", "LD_LIBRARY_PATH", "PYTHONPATH", "VIRTUAL_ENV", "COVERAGE_PROCESS_START", "COV_CORE_SOURCE")
    places = {f"XDG_{kind}_HOME": folder / kind.lower() for kind in ("CONFIG", "DATA", "CACHE", "STATE")}
    places |= {"HOME": folder / "home", "XDG_RUNTIME_DIR": folder / "run", "TMPDIR": folder / "tmp"}
    for place in places.values():
        place.mkdir(mode=0o700)
    _write_panel_config(places["XDG_CONFIG_HOME"])
    return (
        {name: os.environ[name] for name in kept if name in os.environ}
        | {name: str(place) for name, place in places.items()}
        | {
            "DBUS_SESSION_BUS_ADDRESS": f"unix:path={folder}/run/bus",
            "LC_ALL": "C.UTF-8",
            "QT_QPA_PLATFORM": "xcb",
            # A bus of our own: at-spi-bus-launcher would leave its one behind when it is killed.
            "AT_SPI_BUS_ADDRESS": f"unix:path={folder}/run/a11y",
            "QT_LINUX_ACCESSIBILITY_ALWAYS_ON": "1",
            "XDG_SESSION_TYPE": "x11",
        }
    )


def _write_panel_config(config: Path) -> None:
    """A bottom panel with nothing but the tray, in the format of xfconf's per-channel XML."""
    channel = ElementTree.Element("channel", name="xfce4-panel", version="1.0")

    def add(parent: ElementTree.Element, name: str, kind: str, value: object = None) -> ElementTree.Element:
        shown = {} if value is None else {"value": str(value).lower()}
        return ElementTree.SubElement(parent, "property", {"name": name, "type": kind, **shown})

    add(channel, "configver", "int", 2)
    panels = add(channel, "panels", "array")
    ElementTree.SubElement(panels, "value", type="int", value="1")
    panel = add(panels, "panel-1", "empty")
    add(panel, "position", "string", "p=10;x=0;y=0")
    add(panel, "length", "uint", 100)
    add(panel, "size", "uint", _PANEL_HEIGHT)
    ElementTree.SubElement(add(panel, "plugin-ids", "array"), "value", type="int", value="1")
    add(add(channel, "plugins", "empty"), "plugin-1", "string", "systray")
    folder = config / "xfce4/xfconf/xfce-perchannel-xml"
    folder.mkdir(parents=True)
    ElementTree.ElementTree(channel).write(folder / "xfce4-panel.xml", "utf-8", xml_declaration=True)


def _start(running: Desktop, name: str, *command: str, stdin: int | None = None, fds: tuple[int, ...] = ()) -> None:
    with open(running.folder / f"{name}.log", "wb") as log:
        running.parts[name] = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "--", *command],
            env=running.environment,
            stdin=stdin if stdin is not None else subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=fds,
            start_new_session=True,
        )


def _start_display(running: Desktop) -> None:
    read, write = os.pipe()
    with open(read, "rb") as said:
        arguments = ("-screen", "0", "{}x{}x24".format(*_SCREEN), "-nolisten", "tcp", "-noreset")
        _start(running, "Xvfb", "Xvfb", "-displayfd", str(write), *arguments, fds=(write,))
        os.close(write)
        number = said.readline().decode().strip()
    assert number, (running.folder / "Xvfb.log").read_text()
    running.environment["DISPLAY"] = f":{number}"


def _start_bus(running: Desktop, name: str) -> None:
    path = running.folder / "run" / name
    config = _file(running.folder / f"{name}.conf", _BUS_CONFIG.format(path=path))
    _start(running, name, "dbus-daemon", "--config-file", config, "--nofork", "--nopidfile")

    def listens() -> bool:
        with socket.socket(socket.AF_UNIX) as attempt:
            return attempt.connect_ex(str(path)) == 0

    wait_for(listens, f"the bus {name}")


def _wait_for_registry(running: Desktop) -> None:
    bus = Bus(running.environment["AT_SPI_BUS_ADDRESS"])
    bus.wait_for_name("org.a11y.atspi.Registry")
    bus.close()


def _start_keyring(running: Desktop, bus: Bus, keyring: Keyring) -> None:
    read, write = os.pipe()
    os.write(write, PASSWORD.encode())
    os.close(write)
    command = ("gnome-keyring-daemon", "--foreground", "--components=secrets", "--unlock")
    _start(running, "keyring", *command, stdin=read)
    os.close(read)
    bus.wait_for_name("org.freedesktop.secrets")
    collection = (_SECRETS[0], _LOGIN_KEYRING, "org.freedesktop.Secret.Collection")
    wait_for(lambda: bus.get(*collection, "Locked") is False, "the unlocked login keyring")
    if keyring == "locked":
        bus.call(*_SECRETS, "org.freedesktop.Secret.Service", "Lock", "ao", [_LOGIN_KEYRING])


def _end(running: Desktop) -> None:
    """Each part leads a process group, which holds what it started itself."""
    for part in reversed(running.parts.values()):
        with suppress(ProcessLookupError):
            os.killpg(part.pid, signal.SIGKILL)
        part.wait()


def _sweep() -> None:
    """Remove the folders of test processes that were killed; their parts ended with them."""
    for folder in Path("/tmp").glob(f"{_PREFIX}*"):
        with suppress(OSError, ValueError):
            owner = int((folder / "owner").read_text())
            if not Path(f"/proc/{owner}").exists():
                shutil.rmtree(folder, ignore_errors=True)


def _file(path: Path, text: str) -> str:
    path.write_text(text)
    return str(path)
