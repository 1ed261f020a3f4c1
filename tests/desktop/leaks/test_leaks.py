"""No secret is anywhere but in the keyring and on its way to where it was given for."""

import base64
import json
import secrets
import subprocess
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack, closing
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import apsw
import pytest

from tests.desktop.accessibility import Accessibility
from tests.desktop.bus import Bus
from tests.desktop.leaks import places
from tests.desktop.leaks.commands import Commands
from tests.desktop.leaks.echoing import EchoServer
from tests.desktop.leaks.journeys import Journey, environment_for, travel
from tests.desktop.leaks.marks import Leak, Marks
from tests.desktop.notifications import Notifications
from tests.desktop.session import Desktop

# All journeys are made before the first test, in less than a minute where the machine has nothing else to do.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
]

PLACES = ("files", "files meanwhile", "outputs", "processes", "session bus", "accessibility bus", "windows")


class Left(NamedTuple):
    """The marks of all journeys, and every place by its kind, with its content."""

    marks: Marks
    found: Mapping[str, list[tuple[str, bytes]]]


@pytest.fixture(scope="module")
def left(
    make_desktop: Callable[..., AbstractContextManager[Desktop]], tmp_path_factory: pytest.TempPathFactory
) -> Left:
    """What all journeys left, on a desktop of their own: gnome-keyring's daemon crashes now and then under so many
    commands one after the other, and then all begins anew."""
    while True:
        with make_desktop() as desktop:
            try:
                return what_is_left(desktop, tmp_path_factory.mktemp("outside"))
            except AssertionError:
                if desktop.parts["keyring"].poll() is None:
                    raise


def what_is_left(desktop: Desktop, outside: Path) -> Left:
    """All journeys in that desktop; files of the person's own are `outside` of where is searched."""
    folder = desktop.folder / "k9"
    folder.mkdir(mode=0o700)
    marks = Marks(secrets.token_hex())
    with ExitStack() as ending, pytest.MonkeyPatch.context() as environ:
        environ.setenv("DBUS_SESSION_BUS_ADDRESS", desktop.bus_address)
        environ.delenv("PYTHON_KEYRING_BACKEND", raising=False)
        session = ending.enter_context(closing(places.BusTraffic("session bus", desktop.bus_address)))
        a11y = desktop.environment["AT_SPI_BUS_ADDRESS"]
        windows = ending.enter_context(closing(places.BusTraffic("accessibility bus", a11y)))
        notifications = ending.enter_context(closing(Notifications(desktop.bus_address)))
        accessibility = ending.enter_context(closing(Accessibility(desktop)))
        environment = environment_for(desktop, folder)
        api = ending.enter_context(EchoServer(marks))
        processes = ending.enter_context(places.Processes())
        commands = ending.enter_context(Commands(environment, folder))
        journey = Journey(desktop, folder, marks, api, commands, environment)
        travel(journey, notifications, accessibility, outside)
    assert {"xdg-open", "systemctl"} <= places.called(folder)
    return Left(
        marks,
        {
            "files": list(places.files(desktop.folder)),
            "files meanwhile": list(journey.snapshots.found()),
            "outputs": [*commands.outputs(), *journey.told],
            "processes": list(processes.found()),
            "session bus": list(session.found()),
            "accessibility bus": list(windows.found()),
            "windows": journey.shown,
        },
    )


@pytest.mark.parametrize("kind", PLACES)
def test_no_secret_is_left_behind(kind: str, left: Left) -> None:
    assert left.found[kind], "nothing was looked at"
    leaks = {leak: None for place, content in left.found[kind] for leak in left.marks.leaks(place, content)}
    assert not (told := [str(leak) for leak in leaks if not is_own(leak)]), "\n".join(told)


def is_own(leak: Leak) -> bool:
    """A person's own variable is in the environment of what that person starts, and keys were pressed by a tool."""
    is_variable = leak.place.startswith("environ of python") and leak.secret.startswith("variable")
    return is_variable or leak.place == "cmdline of xdotool"


@pytest.mark.parametrize(
    "spelling",
    [
        str.encode,
        lambda mark: mark.encode("utf-16-le"),
        lambda mark: f"Bearer {mark}".encode().hex().upper().encode(),
        lambda mark: quote(mark).encode(),
        lambda mark: "".join(f"%{byte:02X}" for byte in mark.encode()).encode(),
        lambda mark: json.dumps({"token": mark}).encode(),
        lambda mark: base64.b64encode(mark.encode()),
        lambda mark: base64.b64encode(f"a{mark}".encode()),
        lambda mark: base64.b64encode(f"me:{mark}".encode()),
        lambda mark: mark[:20].encode(),
        lambda mark: mark[-20:].encode(),
        lambda mark: mark.upper().encode(),
    ],
)
def test_a_mark_is_found_in_every_spelling(spelling: Callable[[str], bytes]) -> None:
    marks = Marks("seed")
    marks("another")
    assert [leak.secret for leak in marks.leaks("", b"before " + spelling(marks("planted")) + b" after")] == ["planted"]
    assert not list(marks.leaks("", b"k9MARK but none of these KRAM9k"))


def test_a_mark_is_found_in_every_kind_of_place(desktop: Desktop, tmp_path: Path) -> None:
    marks = Marks("seed")
    with closing(apsw.Connection(str(tmp_path / "a.db"))) as database:
        database.execute("CREATE TABLE t (a); PRAGMA journal_mode = wal")
        database.execute("INSERT INTO t VALUES (?)", (marks("row that was deleted"),))
        database.execute("DELETE FROM t")
        found = list(places.files(tmp_path))
    traffic = places.BusTraffic("bus", desktop.bus_address)
    bus = Bus(desktop.bus_address)
    bus.emit("/", "a.b", "Said", "s", marks("signal"))
    bus.close()
    traffic.close()
    environment = environment_for(desktop, tmp_path)
    child_environment = {**environment, "K9": marks("environment of a child")}
    child = subprocess.Popen(["sleep", "60"], env=child_environment)
    argued = subprocess.Popen(["sh", "-c", "read line", marks("argument of a child")], stdin=subprocess.PIPE)
    with places.Processes() as processes, Commands(environment, tmp_path) as commands:
        commands(tmp_path, "query", f"select '{marks('output of a command', odd='')}'")
        processes.look()
    child.kill()
    child.wait()
    argued.communicate()
    subprocess.run(["xdg-open", marks("argument of a browser")], env=environment, check=True)
    told = [*found, *traffic.found(), *processes.found(), *commands.outputs(), *places.files(tmp_path)]
    assert {leak.secret for place, content in told for leak in marks.leaks(place, content)} == set(marks.names)


@pytest.mark.skipif(not places.core_pattern_is_a_file(), reason="the system keeps core files elsewhere")
def test_a_mark_is_found_in_a_core_file(tmp_path: Path) -> None:
    marks = Marks("seed")
    command = ["sh", "-c", "ulimit -S -c unlimited; kill -ABRT $$"]
    subprocess.run(command, cwd=tmp_path, env={"K9": marks("variable")}, check=False)
    assert [leak.secret for place, content in places.files(tmp_path) for leak in marks.leaks(place, content)]
