"""A person's journeys through the program, with a secret in every field, at a server that abuses them all."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from tests.desktop.accessibility import Accessibility, Widget
from tests.desktop.bus import Bus, DBusErrorResponse
from tests.desktop.leaks import fields, places
from tests.desktop.leaks.commands import ROOT, Commands
from tests.desktop.leaks.echoing import LONG, MISUSES, TRANSIENT, EchoServer
from tests.desktop.leaks.marks import Marks
from tests.desktop.notifications import Notifications
from tests.desktop.session import Desktop
from tests.desktop.tray import TrayItem
from tests.desktop.waiting import wait_for
from trayapp.desktop.secrets.errors import SecretsError
from trayapp.desktop.secrets.store import Secrets
from trayapp.endpoints.settings_file import SettingsFile
from trayapp.sync.http.destinations import destinations

_EVERYWHERE = ("basic", "query", "oauth2_client")
"""The fields that meet every misuse; the others meet the worst."""
_WORST = ("good", "single", "refused", "title", "cut-text", "bad-location", "elsewhere", "hidden-refusal")
_TRIED_AGAIN = "basic"
"""The field that also meets what a run tries again, which takes seconds each."""
_IN_FULL = ("query", "variable")
"""The fields with which everything is done that there is to do."""


@dataclass
class Journey:
    """What a journey needs, and what it left: `found` has the content of every kind of place."""

    desktop: Desktop
    folder: Path
    marks: Marks
    api: EchoServer
    commands: Commands
    environment: dict[str, str]
    snapshots: places.Snapshots = field(default_factory=places.Snapshots)
    told: list[tuple[str, bytes]] = field(default_factory=list)
    """Outputs of programs that were not started by `commands`."""
    shown: list[tuple[str, bytes]] = field(default_factory=list)
    """Texts of windows."""

    def home(self, name: str) -> Path:
        home = self.folder / name
        home.mkdir(mode=0o700, exist_ok=True)
        return home

    def start(self, home: Path, *arguments: str, **variables: str) -> subprocess.Popen[bytes]:
        """`python -m trayapp` with as large a core file as it likes, where it stands."""
        with open(home.with_name(f"{home.name}.out"), "ab") as output:
            return subprocess.Popen(
                ["sh", "-c", 'ulimit -S -c "$(ulimit -H -c)"; exec "$@"', "sh"]
                + [sys.executable, "-m", "trayapp", "--home", str(home), *arguments],
                env={**self.environment, **variables},
                cwd=self.folder,
                stdout=output,
                stderr=output,
            )


def environment_for(desktop: Desktop, folder: Path) -> dict[str, str]:
    """The desktop's, with every folder that a program writes to below `folder`."""
    programs = places.make_children(folder)
    own = {"HOME": "home", "TMPDIR": "tmp", "XDG_CONFIG_HOME": "c", "XDG_DATA_HOME": "d", "XDG_CACHE_HOME": "k"}
    for place in own.values():
        (folder / place).mkdir(mode=0o700, exist_ok=True)
    return {
        **desktop.environment,
        **{name: str(folder / place) for name, place in own.items()},
        "XDG_STATE_HOME": str(folder / "d"),
        "PATH": f"{programs}:{desktop.environment['PATH']}",
        "PYTHONPATH": str(ROOT),
    }


# --- every field of the keyring at every misuse


def prepare(journey: Journey, home: Path) -> dict[str, str]:
    """An endpoint for each field and misuse, their secrets in the keyring or among the variables that are returned."""
    text, variables = '[general]\nnotifications = "all"\n', {fields.VARIABLE: journey.marks("variable, tray")}
    for number, kept in enumerate(fields.KEPT):
        # Two names of the server: it is asked for twice as many endpoints at the same time.
        base = journey.api.base.replace("127.0.0.1", "localhost") if number % 2 else journey.api.base
        for misuse in MISUSES if kept.name in _EVERYWHERE else _WORST:
            if misuse in TRANSIENT and kept.name != _TRIED_AGAIN:
                continue
            id, table = fields.settings(kept, misuse, base, "t-")
            if kept.stored == ("secret",) and misuse not in ("good", "title"):  # the keyring is slow
                variable = f"TRAYSYNC_{id.replace('-', '_').upper()}"
                variables[variable] = journey.marks(f"variable of {id}")
                table += f'auth.secret_env = "{variable}"\n'
            text += table
    for ending in ("no-grant", "no-service", "no-token"):
        for kept in fields.KEPT[5:7]:
            id, table = fields.settings(kept, "single", journey.api.base, "t-")
            table = table.replace(f'id = "{id}"', f'id = "{id}-{ending}"')
            text += table.replace(f"/token/{id}", f"/token/{id}-{ending}")
    (home / "settings.toml").write_text(text)
    secrets, names = Secrets(), {f"t-{kept.name}-".replace("_", "-"): kept for kept in fields.KEPT}
    for endpoint in SettingsFile(home / "settings.toml").load().endpoint:
        kept = next(kept for name, kept in names.items() if endpoint.id.startswith(name))
        for stored in () if endpoint.auth.secret_env else kept.stored:
            mark = fields.make(journey.marks, kept, endpoint.id, stored)
            try:
                secrets.set(endpoint.id, mark, destinations(endpoint, stored), stored)  # type: ignore[arg-type]
            except SecretsError as error:
                raise AssertionError("the keyring failed") from error
    return variables


def through_the_tray(journey: Journey, notifications: Notifications, accessibility: Accessibility) -> None:
    """All of them by the tray program, seen in its windows and notifications; then it dies."""
    home, commands, desktop = journey.home("tray"), journey.commands, journey.desktop
    variables = prepare(journey, home)
    program = journey.start(home, "--background", **variables)
    bus = Bus(desktop.bus_address)
    try:
        tray = TrayItem.of(bus, program.pid)
        wait_for(lambda: (home / "traysync.sock").exists(), "the socket")
        commands(home, "sync", "--all", "--json")
        commands(home, "sync", "t-bearer-single", "t-query-good", "t-basic-single", "t-oauth2-client-good", "--json")
        journey.snapshots.take("while the tray program runs", home)
        _ask_about(commands, home, "t-bearer-title")
        tray.menu()
        for _ in range(2):
            journey.told.append(("the tray's menu", repr((tray.menu(), tray.tooltip)).encode()))
        notifications.pause(True)  # they would lie over the windows' buttons
        _look_at_windows(journey, program.pid, accessibility)
        notifications.pause(False)
        commands(home, "secret", "set", "t-basic-title", stdin=journey.marks("basic, set while the tray runs") + "\n")
        commands(home, "sync", "t-basic-title")
        commands(home, "edit", "t-header-title", "--set", "url=http://127.0.0.9/x")
        commands(home, "sync", "t-header-title", "--json")
        commands(home, "secret", "allow", "t-header-title", "--yes", "--json")
        commands(home, "secret", "delete", "t-header-title")
        commands(home, "background", "on")
        notifications.wait()
        told = [f"{shown.title} {shown.body} {shown.actions}" for shown in notifications.seen]
        journey.told += [("notification", text.encode()) for text in told]
        journey.told.append(("the notification service's history", repr(notifications.history()).encode()))
        os.kill(program.pid, signal.SIGABRT)
        program.wait(60)
        assert (home / "crash.log").read_text()
        journey.snapshots.take("after the tray program died", home)
        program = journey.start(home, "--background", **variables)
        TrayItem.of(bus, program.pid).choose("Quit")
        assert program.wait(60) == 0
    finally:
        bus.close()
        if program.poll() is None:
            program.kill()
            program.wait()


def _look_at_windows(journey: Journey, pid: int, accessibility: Accessibility) -> None:
    """Every text of the main window, with several endpoints chosen; then a secret typed into the editor."""
    desktop = journey.desktop
    journey.commands(journey.home("tray"))  # raises the window
    desktop.focus(desktop.window("^TraySync$"))
    ui = accessibility.of(pid)
    ui.find("table", "Endpoints", 60).click()
    for _ in range(2):
        desktop.press("Down", "Down", "Down")
        journey.shown += [("main window", text.encode()) for text in _texts(ui)]
    desktop.press("ctrl+n")
    desktop.focus(desktop.window("Add|endpoint"))
    editor = ui.find("dialog", "Add endpoint", 60)
    command = f"curl -u walter:{journey.marks('cURL command in the editor', odd='')} {journey.api.url('/title/typed')}"
    editor.find("text", "Address", 60).enter(command)
    desktop.press("Return")
    editor.find("push button", "Test", 60).click()
    wait_for(lambda: _remember(journey, editor, "rejects"), "the error")
    # The command's secret is in the field for it now; another one is typed over it, and kept.
    editor.find("text", "Password", 60).enter(journey.marks("password in the editor", odd=""))
    desktop.press("ctrl+a", "ctrl+c")
    journey.shown.append(("clipboard", places.clipboard(journey.environment)))
    editor.find("text", "Address", 60).enter(journey.api.url("/good/typed"))
    desktop.press("Return")
    wait_for(lambda: _remember(journey, editor, "part 1"), "the rows")
    editor.find("push button", "Save", 60).click()
    home = journey.home("tray")
    wait_for(lambda: "/good/typed" in (home / "settings.toml").read_text(), "the new endpoint")
    wait_for(lambda: "succeeded" in journey.commands(home, "runs", "typed", "--json").out, "its first run")


def _remember(journey: Journey, editor: Widget, wanted: str) -> bool:
    """Whether there is such a text among those that are seen, which are remembered."""
    texts = list(_texts(editor))
    journey.shown += [("editor", text.encode()) for text in texts]
    return any(wanted in text for text in texts)


def _texts(widget: Widget) -> Iterator[str]:
    """The name and text of everything that is seen inside; what goes away meanwhile is left out."""
    with suppress(DBusErrorResponse):
        if not widget.showing:
            return
        yield widget.name
        if widget.role in ("text", "label"):
            yield widget.text
        for child in widget.children():
            yield from _texts(child)


def _ask_about(commands: Commands, home: Path, id: str) -> None:
    """Whatever tells of an endpoint."""
    asked = "status --json;status;why ID --json;runs --json;runs ID;doctor --json;changes ID --json;show ID"
    for words in f"{asked};show ID --json;endpoints --json;settings --json".split(";"):
        commands(home, *words.replace("ID", id).split())


# --- every field as it is typed into a command


def typed(journey: Journey, one: fields.Typed) -> None:
    """Tried, refused, added, run, edited, moved to another home, saved and deleted."""
    commands, marks, base = journey.commands, journey.marks, journey.api.base
    name = "".join(letter if letter.isalnum() else "-" for letter in one.name)
    home = journey.home(name)
    secret = marks(f"{one.name}, typed", odd="" if one.name == "--header Authorization" else '"&/+=% <')
    good, bad = f"{base}/good/{name}", f"{base}/title/{name}"
    is_proxy = one.name == "proxy in the environment"
    given = f"http://walter:{quote(secret, safe='')}@127.0.0.1:{journey.api.port}" if is_proxy else secret

    def ask(command: str, url: str, *more: str) -> int:
        stdin = one.stdin(given).replace(" URL", f" {url}")
        arguments = one.arguments(url, given)
        return commands(home, command, *arguments, *more, stdin=stdin, **one.variables(given)).code

    if not one.name.startswith("curl"):
        ask("preview", bad, "-vv")
        ask("preview", good, "--json")
        ask("preview", f"{base}/rival/{name}", "--json")
    ask("add", bad, "--yes")
    ask("add", good)  # nobody is there to agree
    assert ask("add", good, "--yes", "--id", "e", "-v") == 0 or is_proxy, commands.ended[-1]
    if is_proxy:
        return
    variables = one.variables(given)
    if one.name not in _IN_FULL:
        commands(home, "sync", "e", "-vv")
        commands(home, "edit", "e", "--set", f"url={bad}", "--json")
        commands(home, "sync", "e", "--json")
        commands(home, "status", "--json")
        commands(home, "export")
        return
    for arguments in (("sync", "e", "-vv"), ("sync", "e", "--json"), ("preview", "e", "--json")):
        commands(home, *arguments, **variables)
    commands(home, "edit", "e", "--set", f"url={bad}", "--json", **variables)
    commands(home, "sync", "e", "--json", **variables)
    _ask_about(commands, home, "e")
    commands(home, "edit", "e", "--set", "url=http://127.0.0.9:1/elsewhere", **variables)
    commands(home, "sync", "e", **variables)
    commands(home, "edit", "e", "--set", f"url={bad}")
    commands(home, "secret", "set", "e", stdin=marks(f"{one.name}, a wrong one") + "\n")
    commands(home, "secret", "allow", "e", "--yes", "--json")
    commands(home, "sync", "e", "--json", **variables)
    exported = commands(home, "export").out
    (home / "exported.toml").write_text(exported)
    commands(home, "import", str(home / "exported.toml"), "--yes", "--json")
    commands(home, "backup", str(home / "backup.db"))
    for suffix in ("csv", "json", "xlsx"):
        commands(home, "save", "e", str(home / f"saved.{suffix}"))
    commands(home, "query", "select * from _sync_runs", "--json")
    commands(home, "secret", "delete", "e")
    commands(home, "sync", "e", "--json")
    commands(home, "remove", "e", "--drop-table")


def mistyped(journey: Journey) -> None:
    """Arguments that are refused, of which some are quoted."""
    home = journey.home("mistyped")
    for name, arguments in fields.UNUSABLE.items():
        secret = journey.marks(f"{name}, mistyped", odd="")
        done = journey.commands(home, "add", *arguments(journey.api.url("/good/m"), secret), "--yes", stdin="\n")
        assert done.code, name


def signed_in(journey: Journey) -> None:
    """A person signs in with a code; the browser is told where."""
    home = journey.home("signed-in")
    kept = next(kept for kept in fields.KEPT if kept.name == "oauth2_code")
    ids = []
    for misuse in ("good", "title", "refused"):
        id, table = fields.settings(kept, misuse, journey.api.base)
        with (home / "settings.toml").open("a") as file:
            file.write(table)
        ids.append(id)
    variables = {fields.VARIABLE: journey.marks("variable, while signing in"), "K9_NAMED": journey.marks("another one")}
    with (home / "settings.toml").open("a") as file:
        file.write(f'\n[[endpoint]]\nid = "v"\nurl = "{journey.api.base}/good/v"\nmanual = true\n')
        file.write('auth = {kind = "bearer", secret_env = "K9_NAMED"}\n')
    for id in ids:
        journey.commands(home, "secret", "set", id, stdin=journey.marks(f"client of {id}, signing in") + "\n")
        done = journey.commands(home, "secret", "sign-in", id, **variables)
        assert done.code == 0, done
        journey.commands(home, "sync", id, "-vv", **variables)
        journey.commands(home, "sync", id, "--json", **variables)
    for misuse, service in (("single", "title"), ("gone", "device-echo")):
        id, table = fields.settings(kept, misuse, journey.api.base)
        with (home / "settings.toml").open("a") as file:
            file.write(table.replace(f"/device/{id}", f"/{service}/{id}"))
        journey.commands(home, "secret", "set", id, stdin=journey.marks(f"client at {service}") + "\n")
        assert journey.commands(home, "secret", "sign-in", id, **variables).code
    journey.commands(home, "background", "on", **variables)


def killed(journey: Journey) -> None:
    """A long listing, whose own cursor and next addresses are the secret, killed half-way and gone on with."""
    home = journey.home("killed")
    variables, text = {}, ""
    for kept in fields.KEPT[:4]:
        id, table = fields.settings(kept, "long", journey.api.base)
        variable = f"TRAYSYNC_{id.replace('-', '_').upper()}"
        variables[variable] = journey.marks(f"variable of {id}, killed")
        table += f'auth.secret_env = "{variable}"\n'
        text += table + 'pages = {kind = "cursor", path = "next", param = "cursor"}\n'
        text += 'incremental = {path = "sync", param = "since"}\n'
    (home / "settings.toml").write_text(text)
    program = journey.start(home, "sync", "--all", **variables)
    assert journey.api.waiting.wait(60)
    wait_for(lambda: sum(seen.param("cursor") == str(LONG) for seen in journey.api.requests) >= 2, "two that wait")
    journey.snapshots.take("in the middle of runs", home)
    program.kill()
    program.wait()
    journey.snapshots.take("after it was killed", home)
    journey.api.released.set()
    journey.commands(home, "sync", "--all", "--json", **variables)
    journey.commands(home, "sync", "--all", "--json", **variables)


def files_of_keys(journey: Journey, outside: Path) -> None:
    """A client's key that is none: the person's own file, so it is not where is searched."""
    home = journey.home("keys")
    key = outside / "client.key"
    key.write_text(f"-----BEGIN PRIVATE KEY-----\n{journey.marks('key file', odd='')}\n-----END PRIVATE KEY-----\n")
    url = journey.api.url("/good/k")
    given = (url, "--set", f"request.client_cert={key}", "--set", f"request.client_key={key}", "--yes")
    assert journey.commands(home, "add", *given, "-vv").code
    assert journey.commands(home, "preview", *given[:-1], "--json").code


def travel(journey: Journey, notifications: Notifications, accessibility: Accessibility, outside: Path) -> None:
    """All journeys; those that wait for servers beside the others."""
    with ThreadPoolExecutor(1) as beside:
        tray = beside.submit(killed, journey)
        mistyped(journey)
        signed_in(journey)
        files_of_keys(journey, outside)
        for one in fields.TYPED:
            typed(journey, one)
        tray.result()
    through_the_tray(journey, notifications, accessibility)
