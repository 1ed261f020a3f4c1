"""Every command with hostile text wherever there can be any: none of it comes out so that a terminal would obey."""

import ast
import csv
import io
import json
import os
import pty
import subprocess
import sys
import threading
import tomllib
import tty
import unicodedata
from dataclasses import replace
from pathlib import Path

import pytest

import trayapp.cli
from tests.hostile import ESCAPES, acting
from tests.server import Listing, problem
from trayapp.cli import main, output
from trayapp.cli.parser import _COMMANDS, parse
from trayapp.errors import UserError
from trayapp.sync.report import Progress

TITLE = f"a{ESCAPES}b\0\tc\nd"
COLUMN = f"ti{ESCAPES}tle"
NAME = f"Na{ESCAPES}me"
RECORDS = [
    {"id": n, COLUMN: TITLE, "wide": "東京" * n, "long": "x" * 30_000, "zalgo": "e\u0301" * n} for n in (1, 2, 3)
]
_PROGRESS = "\r\x1b[K"


class Terminal:
    """A pseudo-terminal that keeps what is written to it, as it is."""

    def __init__(self) -> None:
        self._ours, theirs = pty.openpty()
        tty.setraw(theirs)
        self.file = os.fdopen(theirs, "w", encoding="utf-8", newline="")
        self._heard = b""
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self) -> None:
        try:
            while piece := os.read(self._ours, 65536):
                self._heard += piece
        except OSError:
            pass  # Linux says so that the other end was closed

    def text(self) -> str:
        self.file.close()
        self._thread.join()
        os.close(self._ours)
        return self._heard.decode()


@pytest.fixture(params=["pipe", "terminal"])
def run(request, capsys, home, monkeypatch):
    """Runs a command; its exit code, and what it says on standard output and standard error."""

    def run(*arguments: str, stdin: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        capsys.readouterr()
        if request.param == "pipe":
            code = main(arguments)
            said = capsys.readouterr()
            return code, said.out, said.err
        out, err = Terminal(), Terminal()
        with monkeypatch.context() as patch:
            patch.setattr("sys.stdout", out.file)
            patch.setattr("sys.stderr", err.file)
            code = main(arguments)
        return code, out.text(), err.text().replace(_PROGRESS, "")

    run.on_terminal = request.param == "terminal"
    return run


@pytest.fixture
def evil(cli, api) -> str:
    """The URL of a listing; it is mirrored as "evil", has changed since, and "bad" is an endpoint that fails."""
    url = api.route("/items", Listing(RECORDS))
    answer = problem(500, TITLE, TITLE)
    api.route("/bad", replace(answer, headers={**answer.headers, "X-Problem": "a\x9b31m\x7f"}))
    text = f"""
[[endpoint]]
id = "evil"
url = "{url}"
name = {json.dumps(NAME)}
watch = {json.dumps("/tmp/" + NAME)}
tags = ["x"]
table.name = {json.dumps(NAME)}
table.key = ["id"]
request.headers = {{ X-A = "{"a" * 300}" }}
[[endpoint]]
id = "bad"
url = "{api.url("/bad")}"
name = {json.dumps(NAME)}
retry.attempts = 1
"""
    cli("import", "-", stdin=text)
    cli("sync", "evil")
    api.route("/items", Listing([{**record, COLUMN: f"{TITLE}!"} for record in RECORDS[:-1]]))
    cli("sync", "evil")
    return url


def commands(url: str, folder: Path) -> dict[str, list[list[str]]]:
    """Ways to call each command; none of them needs another to have been called."""
    strange = ESCAPES.replace("\0", "")
    return {
        "add": [
            ["add", url, "--yes", "--name", NAME],
            ["add", f"http://127.0.0.1:1/{strange}"],
            ["add", "--preset", "help"],
            ["add", "--preset", strange],
            ["add", url, "--auth", strange],
            ["add", url, "--header", strange],
        ],
        "preview": [["preview", url], ["preview", "evil"], ["preview", "bad"], ["preview", strange]],
        "sync": [["sync", "-vv"], ["sync", "evil", "-vv", "--full"], ["sync", "bad"], ["sync", strange]],
        "stop": [["stop", "--all"]],
        "status": [["status"], ["status", NAME], ["status", "--tag", strange]],
        "endpoints": [["endpoints"]],
        "show": [["show", "evil"], ["show", strange]],
        "enable": [["enable", "evil"]],
        "disable": [["disable", "bad"]],
        "edit": [["edit", "evil", "--set", f"name={NAME}"], ["edit", "evil", "--set", f"na{strange}=1"]],
        "settings": [["settings"], ["settings", "--set", f"theme={strange}"]],
        "import": [["import", f"/{strange}"], ["import", "-"]],
        "export": [["export"]],
        "secret": [["secret", "set", "evil"], ["secret", "set", "evil", strange]],
        "runs": [["runs"], ["runs", "evil"]],
        "changes": [["changes", "evil"], ["changes", "evil", "--since", strange]],
        "query": [
            ["query", f'SELECT * FROM "{NAME}"'],
            ["query", f'SELECT * FROM "{NAME}"', "--csv"],
            ["query", f'SELECT "{strange}" FROM x'],
        ],
        "save": [["save", "evil", f"{folder}/{strange}.csv"], ["save", "evil", f"{folder}/\udcff{strange}"]],
        "backup": [["backup", f"{folder}/{strange}.db"]],
        "restore": [["restore"], ["restore", strange], ["restore", f"{folder}/{strange}.db", "--yes"]],
        "pause": [["pause"], ["pause", "evil"], ["pause", "--until", strange]],
        "resume": [["resume"], ["resume", "evil"]],
        "why": [["why", "--all"], ["why", "bad"]],
        "background": [["background", "status"]],
        "doctor": [["doctor"], ["doctor", "--repair"]],
        "demo": [["demo", "--once"]],
        "remove": [["remove", "evil", "--drop-table"], ["remove", strange]],
    }


def test_no_command_says_what_a_terminal_obeys(run, evil, tmp_path):
    ways = commands(evil, tmp_path)
    assert {*ways} == {name for name, _, _ in _COMMANDS}
    said = ""
    for arguments in (each for name in ways for each in ways[name]):
        _, out, err = run(*arguments, stdin=f"x = {ESCAPES}")
        raw_csv = "--csv" in arguments and not run.on_terminal
        assert raw_csv or acting(out) == set(), (arguments, out)
        assert acting(err) == set(), (arguments, err)
        said += out + err
    for sign in ("␛", "␇", "␈", "␡", "\ufffd"):
        assert sign in said


@pytest.mark.parametrize("run", ["pipe"], indirect=True)
def test_json_is_the_same_and_visible(run, evil, tmp_path):
    for arguments in (each for ways in commands(evil, tmp_path).values() for each in ways):
        if any("\udcff" in argument for argument in arguments):
            continue  # no text at all
        _, out, err = run(*arguments, "--json", stdin="x")
        assert acting(out + err) == set(), arguments
        json.loads(out)


def test_data_stay_what_they_are(run, evil):
    _, out, _ = run("query", f'SELECT * FROM "{NAME}"', "--json")
    document = json.loads(out)
    assert document["columns"][1] == COLUMN
    assert document["rows"][0][1] == f"{TITLE}!"
    for command in ("export", "show"):
        _, out, _ = run(command, "evil")
        (endpoint,) = tomllib.loads(out)["endpoint"]
        assert endpoint["name"] == endpoint["table"]["name"] == NAME
    _, out, _ = run("query", f'SELECT id, "{COLUMN}" FROM "{NAME}"', "--csv")
    rows = list(csv.reader(io.StringIO(out, newline="")))
    assert rows[0] == (["id", COLUMN] if not run.on_terminal else ["id", output.visible(COLUMN)])
    assert rows[1] == ["1", f"{TITLE}!" if not run.on_terminal else output.visible(f"{TITLE}!")]


def columns(text: str) -> int:
    """How wide a terminal draws it; ambiguous signs as one."""
    drawn = [char for char in text if unicodedata.category(char) not in ("Mn", "Me", "Cf")]
    return sum(2 if unicodedata.east_asian_width(char) in ("W", "F") else 1 for char in drawn)


@pytest.mark.parametrize("name", [COLUMN, "wide", "long", "zalgo", "id"])
def test_tables_stay_aligned(run, evil, name):
    _, out, _ = run("query", f'SELECT "{name}", "→" AS mark FROM "{NAME}"')
    heading, line, *rows = out.splitlines()
    assert len(rows) == 2
    assert len({columns(row.partition("→")[0]) for row in rows} | {columns(heading) - len("mark")}) == 1
    assert columns(line) <= 60 + 2 + len("mark")


@pytest.mark.parametrize("char", ["x", "東", "\u0301", "\u200d", " ", "\x1b", "a\u0301\u0302"])
@pytest.mark.parametrize("length", [1, 59, 60, 61, 100_000])
def test_a_cell_has_an_end(capsys, char, length):
    output.print_table(["a", "b"], [(char * length, "|")])
    row = capsys.readouterr().out.splitlines()[2]
    assert columns(row) <= 60 + 3
    assert len(row) <= 4 * 60 + 3
    assert acting(row) == set()


def test_one_line_is_said_as_one(capsys):
    output.say("a\nTraySync: all is well", "b")
    output.tell("c\r\nd")
    said = capsys.readouterr()
    assert said.out == "a TraySync: all is well\nb\n"
    assert said.err == "c d\n"


@pytest.mark.parametrize(
    "settings", [f'na{ESCAPES[:3]}me = "x"', f'[[endpoint]]\n{json.dumps(NAME)} = 1\nurl = "http://a"']
)
def test_a_settings_file_of_somebody_else(run, home, settings):
    (home / "settings.toml").write_text(settings, "utf-8")
    for command in ("status", "doctor", "endpoints"):
        code, out, err = run(command)
        assert code
        assert acting(out + err) == set()


@pytest.mark.parametrize(
    "arguments", [[ESCAPES], ["status", f"--{ESCAPES}"], ["secret", ESCAPES, "x"], ["show", "a", ESCAPES]]
)
def test_wrong_usage(capsys, arguments):
    with pytest.raises(SystemExit) as ended:
        parse(arguments)
    assert ended.value.code == 2
    assert acting(capsys.readouterr().err) == set()


def test_an_error_that_nobody_thought_of():
    code = f"""
import sys
from trayapp import cli
from trayapp.cli import launch
def fail(options):
    raise RuntimeError({ESCAPES!r})
launch.launch = fail
sys.argv = ["traysync"]
cli.main()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == 1
    text = done.stderr.decode()
    assert "RuntimeError: ␛[2J" in text
    assert acting(text) == set()


def test_progress_is_one_line(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal.file)
    line = output.ProgressLine()
    line.show(Progress(endpoint=NAME, records=1, total=2))
    line.clear()
    parts = terminal.text().split(_PROGRESS)
    assert parts[0] == parts[2] == ""
    assert acting(parts[1], "") == set()
    assert "1 of 2 records" in parts[1]


def test_an_error_has_a_line_for_each_part(capsys):
    output.print_error(UserError(f"Title{ESCAPES}", "Cause\nand more", "Next"), as_json=False)
    assert len(capsys.readouterr().err.splitlines()) == 3


def test_only_one_module_writes_to_the_terminal():
    found = []
    for file in sorted(Path(trayapp.cli.__file__).parent.glob("*.py")):
        if file.name == "output.py":
            continue
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                if name in ("print", "write", "writelines", "writer", "ArgumentParser"):
                    found.append(f"{file.name}:{node.lineno} {name}")
    # Parents of parsers are never asked to parse.
    assert [each for each in found if not (each.startswith("parser.py") and each.endswith("ArgumentParser"))] == []
