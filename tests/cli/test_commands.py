"""The command line as a user types it: what it prints, returns and leaves behind."""

import csv
import io
import json
import os
import shlex
import subprocess
import sys
import threading
import tomllib
from contextlib import closing
from pathlib import Path

import apsw
import psutil
import pytest

from tests.keyring import Keyring
from tests.server import Guarded, Listing, basic, bearer, json_reply, problem
from trayapp.cli import main
from trayapp.desktop.process.instance import acquire_engine_lock
from trayapp.desktop.process.paths import find_home

RECORDS = [{"id": n, "name": f"n{n}", "price": n + 0.5, "tags": ["a"]} for n in range(1, 24)]


@pytest.fixture
def items(api):
    return Listing(RECORDS, pages="link"), api


@pytest.fixture
def added(cli, items):
    listing, api = items
    cli("add", api.route("/api/items", listing), "--yes")
    return listing


def test_add_sync_and_query_is_all_it_takes(cli, items):
    listing, api = items
    shown = cli("add", api.route("/api/items", listing), "--yes").out
    assert "10 other records" in shown
    assert "Saved as items." in shown
    (run,) = cli.json("sync")["runs"]
    assert (run["status"], run["added"], run["table"], run["sentence"]) == ("succeeded", 23, "items", "23 new.")
    assert set(run) == {
        "endpoint", "table", "status", "reason", "added", "changed", "deleted", "unchanged", "held", "evidence",
        "requests", "bytes", "seconds", "warnings", "sentence", "next_due",
    }  # fmt: skip
    assert run["next_due"].endswith("Z")
    assert cli.json("query", "select count(*) as n, min(tags) from items") == {
        "columns": ["n", "min(tags)"],
        "rows": [[23, '["a"]']],
    }
    assert cli("sync", "items").out == "items: No changes.\n"


def test_add_asks_and_saves_only_on_yes(cli, items, monkeypatch):
    listing, api = items
    url = api.route("/api/items", listing)
    assert "There is no terminal to ask at" in cli("add", url, code=2).err
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda _question: "n")
    cli("add", url, code=1)
    assert cli.json("endpoints")["endpoints"] == []
    monkeypatch.setattr("builtins.input", lambda _question: "y")
    cli("add", url)
    assert len(cli.json("endpoints")["endpoints"]) == 1


def test_add_takes_everything_an_endpoint_can_have(cli, api, monkeypatch):
    monkeypatch.setenv("MY_TOKEN", "s3cret")
    url = api.route("/api/items", Guarded(bearer("s3cret"), json_reply({"deep": {"list": RECORDS}})))
    arguments = ["--name", "My items", "--id", "mine", "--every", "15m", "--auth", "bearer", "--secret-env", "MY_TOKEN"]
    extra = ["--header", "X-Team: blue", "--param", "state=open", "--set", "response.records=deep.list"]
    cli("add", url, *arguments, *extra, "--set", 'table.key=["name"]', "--set", "table.name=stock", "--yes")
    saved = cli.json("show", "mine")["endpoint"]
    assert (saved["name"], saved["every"], saved["table"]) == ("My items", "15m", {"name": "stock", "key": ["name"]})
    assert saved["auth"] == {"kind": "bearer", "secret_env": "MY_TOKEN"}
    assert api.requests[-1].headers["X-Team"] == "blue"
    assert api.requests[-1].param("state") == "open"
    assert cli.json("sync", "mine")["runs"][0]["added"] == 23
    assert "s3cret" not in cli("export").out


def test_a_curl_command_is_all_it_takes(cli, api, monkeypatch):
    keyring = Keyring()
    monkeypatch.setattr("trayapp.desktop.secrets.keyrings.chosen_keyring", lambda: keyring)
    url = api.route("/api/items", Guarded(bearer("s3cret"), Listing(RECORDS, pages="link")))
    command = f"curl '{url}' \\\n -H 'Authorization: Bearer s3cret' -H 'X-Team: blue' --compressed"
    cli("add", "--curl", "-", "--yes", stdin=command)
    assert keyring.kept["TraySync", "items/secret"] == "s3cret"
    assert cli.json("sync")["runs"][0]["added"] == 23
    assert api.requests[-1].headers["X-Team"] == "blue"
    assert "s3cret" not in cli("export").out


def test_two_endpoints_of_one_name_get_ids_and_tables_of_their_own(cli, api):
    for path in ("/a/items", "/b/items"):
        cli("add", api.route(path, json_reply(RECORDS)), "--yes")
    assert [each["id"] for each in cli.json("endpoints")["endpoints"]] == ["items", "items_2"]
    assert {run["table"] for run in cli.json("sync")["runs"]} == {"items", "items_2"}


def test_two_endpoints_of_one_name_get_tables_of_their_own_although_their_ids_are_given(cli, api):
    for id in ("first", "second"):
        cli("add", api.route(f"/{id}", json_reply(RECORDS)), "--id", id, "--name", "Items", "--yes")
    assert [each["table"]["name"] for each in cli.json("endpoints")["endpoints"]] == ["items", "items_2"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["add", "api.example.com/items", "--yes"], "did you mean https://api.example.com/items"),
        (["add", "--yes"], "URL is missing"),
        (["add", "https://a.example/x", "--auth", "magic"], "basic:USER, bearer"),
        (["add", "https://a.example/x", "--auth", "basic"], "basic:USER, bearer"),
        (["add", "https://a.example/x", "--auth", "oauth2_client:me"], "oauth2_client:ID@TOKEN_URL"),
        (["add", "--curl", "curl -k https://a.example"], "certificate"),
        (["add", "https://a.example/x", "--every", "often"], "is not a duration"),
        (["add", "https://a.example/x", "--set", "tabel.name=x"], "Did you mean 'table'"),
        (["add", "https://a.example/x", "--header", "nonsense"], "NAME:VALUE"),
        (["add", "https://a.example/x", "--json-body", "{"], "JSON body"),
        (["show", "nothing"], "There are no endpoints yet"),
        (["changes", "x"], "no endpoint “x”"),
        (["pause", "--for", "long"], "is not a duration"),
        (["pause", "--until", "whenever"], "can't be read"),
        (["import", "/nowhere.toml"], "can't be read"),
    ],
)
def test_wrong_usage_is_explained_and_returns_2(cli, arguments, says):
    assert says in cli(*arguments, code=2).err
    error = cli.json(*arguments, code=2)["error"]
    assert set(error) == {"title", "cause", "next"}


@pytest.mark.parametrize(
    "answer", [problem(404, "Not Found"), problem(401, "Unauthorized"), json_reply({"total": 99, "x": RECORDS})]
)
def test_add_saves_nothing_that_does_not_work(cli, api, answer):
    error = cli.json("add", api.route("/items", answer), "--yes", code=1)["error"]
    assert error["title"]
    assert error["next"]
    assert cli.json("endpoints")["endpoints"] == []


def test_an_unknown_option_is_wrong_usage(cli):
    with pytest.raises(SystemExit) as caught:
        main(["sync", "--nonsense"])
    assert caught.value.code == 2


def test_a_failed_run_returns_1_and_says_what_to_do(cli, added, api):
    api.route("/api/items", problem(401, "Unauthorized", "Token expired."))
    said = cli("sync", code=1).out
    assert "Token expired" in said
    assert "Check the user name and password" in said
    (run,) = cli.json("sync", code=1)["runs"]
    assert run["problem"]["title"] == "The server does not accept the credentials"
    status = cli.json("status")["endpoints"][0]
    assert (status["state"], status["attempts"], status["problem"]["title"]) == ("failing", 0, run["problem"]["title"])


def test_held_deletions_return_1_and_are_applied_by_request(cli, added):
    cli("sync")
    added.records = []
    (run,) = cli.json("sync", code=1)["runs"]
    assert (run["status"], run["held"]) == ("held", 23)
    assert cli.json("status")["endpoints"][0]["state"] == "held"
    assert cli.json("sync", "--apply-held")["runs"][0]["deleted"] == 23


def test_sync_due_runs_only_what_is_due(cli, added):
    assert cli.json("sync", "--due")["runs"][0]["added"] == 23
    assert cli.json("sync", "--due")["runs"] == []
    assert cli("sync", "--due").out == "Nothing is due.\n"


def test_status_for_people_and_programs(cli, added):
    cli("sync")
    said = cli("status").out
    assert "The tray program does not run" in said
    (status,) = cli.json("status")["endpoints"]
    assert set(status) == {
        "id", "name", "tags", "state", "blocked_by", "last_attempt", "last_success", "next_due", "attempts",
        "generation", "rows", "evidence", "problem",
    }  # fmt: skip
    assert (status["rows"], status["state"], status["problem"]) == (23, "enqueued", None)
    assert status["evidence"] == "ended"
    assert (status["generation"], status["tags"]) == (0, [])
    cli("edit", "items", "--set", 'tags=["x"]')
    (status,) = cli.json("status")["endpoints"]
    assert status["tags"] == ["x"]


def test_preview_prints_what_was_found_and_saves_nothing(cli, items):
    listing, api = items
    document = cli.json("preview", api.route("/api/items", listing))
    assert document["pages"] == {
        "kind": "link",
        "proven": True,
        "evidence": "ended",
        "proof": "The Link header leads to a next page with 10 other records.",
    }
    assert document["records"] == {"path": "", "count": 10, "total": None}
    assert document["key"] == ["id"]
    assert document["format"] == {"kind": "json", "encoding": "utf-8"}
    assert set(document) == {"format", "records", "pages", "key", "columns", "cursors", "rows", "requests", "warnings"}
    assert "Key:     id" in cli("preview", api.url("/api/items")).out
    assert cli.json("endpoints")["endpoints"] == []


def test_edit_enable_disable_remove(cli, added):
    cli("edit", "items", "--set", "every=5m", "--set", "limits.pages=7")
    assert cli.json("show", "items")["endpoint"]["limits"] == {"pages": 7}
    cli("edit", "items", "--set", "limits.pages=")
    assert "limits" not in cli.json("show", "items")["endpoint"]
    assert "'evry'" in cli("edit", "items", "--set", "evry=5m", code=2).err
    assert "can't be changed" in cli("edit", "items", "--set", "id=other", code=2).err
    cli("disable", "items")
    assert cli.json("sync")["runs"] == []
    cli("enable", "items")
    assert len(cli.json("sync")["runs"]) == 1
    assert "Its table items stays" in cli("remove", "items").out
    assert cli.json("query", "select count(*) from items")["rows"] == [[23]]


def test_settings_of_the_whole_program_are_shown_and_changed(cli, home):
    assert cli.json("settings")["general"]["keep_history"] == "30d"
    cli("settings", "--set", "metered=yes", "--set", 'sync_anyway=["hours"]', "--set", "keep_runs=50")
    changed = cli.json("settings")["general"]
    assert (changed["metered"], changed["sync_anyway"], changed["keep_runs"]) == ("yes", ["hours"], 50)
    assert tomllib.loads((home / "settings.toml").read_text())["general"]["metered"] == "yes"
    assert cli.json("settings", "--set", "sync_anyway=", "--set", "metered=")["general"]["sync_anyway"] == []
    assert "keep_runs       50" in cli("settings").out


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("metered=maybe", "allowed are 'auto', 'yes', 'no'"),
        ("keep_run=3", "keep_runs"),
        ("background=true", "background on"),
    ],
)
def test_settings_that_make_no_sense_are_refused(cli, change, says):
    assert says in cli("settings", "--set", change, code=2).err


def test_remove_can_drop_the_table_and_forgets_the_state(cli, added, home):
    cli("sync")
    cli("remove", "items", "--drop-table")
    names = [name for (name,) in cli.json("query", "select name from sqlite_schema where type = 'table'")["rows"]]
    assert not [name for name in names if name == "items" or name.startswith("_sync_rows")]
    assert cli.json("query", "select count(*) from _sync_endpoints")["rows"] == [[0]]


@pytest.mark.parametrize("options", [["--drop-table"], []], ids=str)
def test_remove_does_nothing_while_another_program_has_the_database(cli, added, home, monkeypatch, options):
    monkeypatch.setattr("trayapp.store.file.database.LOCK_PATIENCE", 0.2)
    cli("sync")
    with closing(apsw.Connection(str(home / "traysync.db"))) as other:
        other.execute("BEGIN IMMEDIATE")
        assert "The database is in use" in cli("remove", "items", *options, code=3).err
        assert [each["id"] for each in cli.json("endpoints")["endpoints"]] == ["items"]
        assert cli.json("query", "select count(*) as n from items")["rows"] == [[23]]
    cli("remove", "items", *options)
    assert cli.json("endpoints")["endpoints"] == []


def test_remove_drops_no_table_when_the_settings_cannot_be_written(cli, added, home, monkeypatch):
    cli("sync")

    def refuse(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("os.replace", refuse)
        assert "No space left" in cli("remove", "items", "--drop-table", code=2).err
    assert cli.json("query", "select count(*) as n from items")["rows"] == [[23]]
    assert cli.json("status")["endpoints"][0]["rows"] == 23


def test_export_and_import_bring_endpoints_to_another_home(cli, added, tmp_path):
    text = cli("export").out
    assert tomllib.loads(text)["endpoint"][0]["id"] == "items"
    other = tmp_path / "other"
    cli("import", "-", "--home", other, stdin=text)
    assert cli.json("sync", "--home", other)["runs"][0]["added"] == 23


def test_an_imported_endpoint_without_an_id_replaces_nobody(cli, added, api):
    other = api.route("/other/items", json_reply(RECORDS[:2]))
    cli("import", "-", stdin=f'[[endpoint]]\nurl = "{other}"\n')
    assert [each["id"] for each in cli.json("endpoints")["endpoints"]] == ["items", "items_2"]
    assert [run["added"] for run in cli.json("sync")["runs"]] == [23, 2]


def test_an_endpoint_that_is_named_twice_runs_once(cli, added):
    assert len(cli.json("sync", "items", "items")["runs"]) == 1


def test_a_broken_settings_file_is_explained_with_its_line(cli, added, home):
    file = home / "settings.toml"
    file.write_text(file.read_text() + "\nevry = 5\n")
    assert "line" in cli("sync", code=2).err
    assert str(file) in cli.json("status", code=2)["error"]["cause"]


def test_history_and_changes(cli, added):
    cli("sync")
    added.records = [RECORDS[0] | {"name": "edited"}, *RECORDS[2:], {"id": 99, "name": "new"}]
    cli("sync")
    assert [run["sentence"] for run in cli.json("runs", "items")["runs"]] == ["1 new, 1 changed, 1 deleted.", "23 new."]
    changes = {change["kind"]: change for change in cli.json("changes", "items")["changes"]}
    assert changes["changed"]["before"] == {"name": "n1"}
    assert changes["changed"]["after"] == {"name": "edited"}
    assert (changes["added"]["key"], changes["deleted"]["key"]) == (99, 2)
    assert "name: n1 → edited" in cli("changes", "items", "--since", "1h").out
    assert cli.json("changes", "items", "--since", "2099-01-01")["changes"] == []
    assert "1 new, 1 changed" in cli("runs").out


@pytest.mark.parametrize(
    "sql", ["delete from items", "attach 'x.db' as x", "create table y (a)", "pragma journal_mode=delete"]
)
def test_a_query_cannot_write(cli, added, sql):
    cli("sync")
    assert cli("query", sql, code=2).err
    assert cli.json("query", "select count(*) from items")["rows"] == [[23]]


def test_query_prints_tables_and_csv(cli, added):
    cli("sync")
    assert cli("query", "select id, name from items limit 1").out == "id  name\n--  ----\n1   n1\n"
    assert cli("query", "select '=1+1' as x", "--csv").out == "x\n'=1+1\n"
    assert "syntax error" in cli("query", "selec", code=2).err


@pytest.mark.parametrize("ending", ["csv", "xlsx", "json", "ndjson"])
def test_a_table_can_be_saved(cli, added, tmp_path, ending):
    cli("sync")
    file = tmp_path / f"out.{ending}"
    assert cli.json("save", "items", file) == {"file": str(file), "rows": 23}
    if ending == "csv":
        rows = list(csv.DictReader(io.StringIO(file.read_text("utf-8-sig"))))
        assert rows[0] == {"id": "1", "name": "n1", "price": "1.5", "tags": '["a"]'}
    if ending == "json":
        assert json.loads(file.read_text())[0]["price"] == 1.5
    if ending == "ndjson":
        assert len(file.read_text().splitlines()) == 23
    assert [path.name for path in tmp_path.glob("out*")] == [file.name]


def test_a_table_is_saved_under_the_name_it_still_has(cli, added, tmp_path):
    cli("sync")
    cli("edit", "items", "--set", "table.name=other")
    assert "Saved 23 rows" in cli("save", "items", str(tmp_path / "x.csv")).out
    cli("sync")
    assert "Saved 23 rows" in cli("save", "items", str(tmp_path / "y.csv")).out


def test_an_unknown_ending_is_refused(cli, added, tmp_path):
    cli("sync")
    assert ".csv" in cli("save", "items", tmp_path / "out.doc", code=2).err


def test_backup_makes_a_plain_file_and_never_overwrites(cli, added, tmp_path):
    cli("sync")
    target = tmp_path / "copy.db"
    cli("backup", target)
    assert "already exists" in cli("backup", target, code=2).err
    import sqlite3

    connection = sqlite3.connect(target)
    assert connection.execute("select count(*) from items").fetchone() == (23,)
    connection.close()


def test_pause_and_resume_hold_for_due_runs(cli, added):
    cli("pause", "--for", "1h")
    assert cli.json("status")["paused"] is True
    assert cli.json("sync", "--due")["runs"] == []
    assert any("paused until" in line for line in cli.json("why", "items")["lines"])
    cli("resume")
    assert len(cli.json("sync", "--due")["runs"]) == 1


def test_secrets_are_only_ever_in_the_keyring(cli, api, home, monkeypatch):
    keyring = Keyring()
    monkeypatch.setattr("trayapp.desktop.secrets.keyrings.chosen_keyring", lambda: keyring)
    url = api.route("/items", Guarded(basic("me", "pa:ss"), json_reply(RECORDS)))
    cli("add", url, "--auth", "basic:me", "--secret-stdin", "--id", "items", "--yes", stdin="pa:ss\n")
    assert keyring.kept["TraySync", "items/secret"] == "pa:ss"
    assert set(keyring.kept) == {("TraySync", "items/secret"), ("TraySync", "items/secret/for")}
    assert cli.json("sync")["runs"][0]["added"] == 23
    cli("secret", "set", "items", stdin="wrong\n")
    assert "credentials" in cli.json("sync", code=1)["runs"][0]["problem"]["title"]
    cli("secret", "delete", "items")
    assert "missing" in cli.json("sync", code=1)["runs"][0]["problem"]["title"]
    assert "empty" in cli("secret", "set", "items", code=2, stdin="").err
    for path in home.rglob("*"):
        if path.is_file():
            assert b"pa:ss" not in path.read_bytes()


def test_a_missing_keyring_is_explained(cli, api):
    url = api.route("/items", Guarded(basic("me", "x"), json_reply(RECORDS)))
    error = cli.json("add", url, "--auth", "basic:me", "--secret-stdin", "--id", "i", "--yes", code=2, stdin="x\n")[
        "error"
    ]
    assert error["title"] == "There is no keyring"
    assert "secret_env" in error["next"]


def test_why_names_what_counts(cli, added):
    cli("sync")
    lines = cli("why", "items").out
    assert "Next run at" in lines


def test_doctor_finds_this_machine_well(cli, added):
    findings = {finding["what"]: finding for finding in cli.json("doctor")["findings"]}
    assert all(finding["ok"] for finding in findings.values())
    assert "1 endpoint" in findings["Settings"]["detail"]


def test_demo_once_mirrors_the_demo(cli):
    document = cli.json("demo", "--once")
    (run,) = document["runs"]
    assert run["status"] == "succeeded"
    assert run["added"] > 200
    assert len(document["rows"]) == 10
    again = cli.json("sync", "demo")["runs"][0]
    assert again["status"] == "succeeded"
    assert again["unchanged"] > 200


def test_who_holds_the_engine_is_not_disturbed(cli, added, home, monkeypatch):
    monkeypatch.setattr("trayapp.operations.client._PATIENCE", 0.3)
    with acquire_engine_lock(find_home(home)):
        assert "busy" in cli("sync", code=3).err
        monkeypatch.setattr("trayapp.cli.launch._PATIENCE", 0.3)
        assert "busy" in cli(code=3).err


def test_sync_waits_for_another_process_when_it_shall_be_appended(cli, added, home, monkeypatch):
    monkeypatch.setattr("trayapp.operations.client._PATIENCE", 0.1)
    lock = acquire_engine_lock(find_home(home))
    threading.Timer(0.6, lock.release).start()
    assert cli.json("sync", "--if-running", "append")["runs"][0]["added"] == 23


def test_stop_finds_nothing_to_stop_here_and_says_when_another_process_runs(cli, added, home):
    assert "No endpoint is given" in cli("stop", code=2).err
    assert cli.json("stop", "--all") == {"stopped": []}
    assert cli("stop", "items").out == "None of them runs.\n"
    with acquire_engine_lock(find_home(home)):
        assert "Ctrl-C" in cli("stop", "items", code=3).err


def test_an_edit_with_restart_makes_it_due(cli, added):
    cli("sync")
    assert cli("sync", "--due").out.startswith("Nothing is due")
    cli("edit", "items", "--set", "every=2h")
    assert cli("sync", "--due").out.startswith("Nothing is due")
    assert "runs anew" in cli("edit", "items", "--set", "every=3h", "--restart").out
    assert cli.json("sync", "--due")["runs"][0]["status"] == "succeeded"


def run_traysync(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "trayapp", *arguments],
        capture_output=True,
        text=True,
        timeout=280,
        cwd=Path(__file__).parents[2],
        env={**os.environ, **environment},
    )


@pytest.mark.skipif(sys.platform != "linux", reason="DISPLAY is X11's and Wayland's")
def test_without_a_display_the_tray_program_says_what_to_use(monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    done = run_traysync()
    assert done.returncode == 2
    assert "no display" in done.stderr
    assert "traysync --help" in done.stderr


def test_the_command_line_imports_no_qt_and_nothing_heavy():
    code = (
        "import sys; from trayapp.cli import main; main(['endpoints']);"
        " print([m for m in sys.modules if m.split('.')[0] in ('PySide6', 'requests', 'keyring', 'apscheduler')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert done.stdout.strip().splitlines()[-1] == "[]"


def test_a_reader_that_goes_away_is_no_error(added, cli):
    cli("sync")
    query = "query 'select * from items a, items b, items c' --csv"
    command = f"{shlex.quote(sys.executable)} -m trayapp {query} | head -1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert done.stderr == ""


def test_background_is_off_until_the_system_takes_it(cli, monkeypatch, tmp_path):
    assert cli("background", "status").out == "Nothing is synced while the tray program does not run.\n"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "sync --due" in cli("background", "on", code=2).err
    assert cli.json("background", "status")["state"] == "off"
    assert cli.json("background", "off") == {"state": "off", "note": ""}


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def busy(cli, items):
    """An endpoint that waits until this very process ends, and one that waits for nothing."""
    listing, api = items
    url = api.route("/api/items", listing)
    cli("add", url, "--id", "waits", "--yes", "--set", f'when.not_while=["{psutil.Process().name()}"]')
    cli("add", url, "--id", "free", "--yes", "--set", "table.name=free")


def test_sync_without_a_terminal_overrules_and_says_so(cli, busy):
    done = cli("sync", "waits")
    assert "23 new" in done.out
    assert f"{psutil.Process().name()} is running; syncing waits anyway." in done.err
    assert cli("sync", "free").err == ""
    assert cli("sync", "waits", "--anyway").err == ""


@pytest.mark.parametrize(
    ("arguments", "answer", "synced", "code"),
    [
        (("waits",), "y", ["waits"], 0),
        (("waits",), "n", [], 1),
        (("waits",), "", [], 1),
        ((), "n", ["free"], 0),
        ((), "yes", ["waits", "free"], 0),
        (("--anyway",), "", ["waits", "free"], 0),
    ],
)
def test_sync_asks_on_a_terminal(cli, busy, monkeypatch, arguments, answer, synced, code):
    monkeypatch.setattr("sys.stdin", Terminal(f"{answer}\n"))
    monkeypatch.setattr("sys.stderr", Terminal())
    done = cli.json("sync", *arguments, code=code)
    assert [run["endpoint"] for run in done["runs"]] == synced


def test_what_is_due_is_never_forced(cli, busy):
    assert [run["endpoint"] for run in cli.json("sync", "--due")["runs"]] == ["free"]


def test_why_tells_what_the_machine_answers(cli, busy):
    name = psutil.Process().name()
    assert f"Waiting for {name} to be closed: {name} is running." in cli("why", "waits").out


def test_a_database_that_another_program_locks_is_code_3(cli, added, home, monkeypatch):
    monkeypatch.setattr("trayapp.store.file.database.LOCK_PATIENCE", 0.1)
    monkeypatch.setattr("trayapp.store.file.connection.PATIENCE", 0.01)
    cli("sync")
    with closing(apsw.Connection(str(home / "traysync.db"))) as other:
        other.execute("BEGIN IMMEDIATE")
        error = cli.json("pause", "--for", "1h", code=3)["error"]
    assert "in use" in error["title"]
    assert cli.json("status")["paused_until"] is None
