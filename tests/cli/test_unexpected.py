"""An error that nobody thought of, in the run of one endpoint."""

import os
import subprocess
import sys

import pytest

from tests.server import Listing, raw
from trayapp.sync.formats import text

RECORDS = [{"id": n} for n in range(5)]


@pytest.fixture
def three(cli, api):
    """Endpoints a, b and c, of which b sends what is read as lines of JSON."""
    for name in "abc":
        reply = raw(b'{"id": 1}\n{"id": 2}\n', "application/x-ndjson") if name == "b" else Listing(RECORDS)
        cli("add", api.route(f"/{name}", reply), "--name", name, "--yes")


def test_it_fails_that_endpoint_and_no_other(cli, three, monkeypatch):
    faults = iter([RuntimeError("unheard of")])
    good = text.lines.to_json

    def broken(text):
        for fault in faults:
            raise fault
        return good(text)

    monkeypatch.setattr(text.lines, "to_json", broken)
    runs = {run["endpoint"]: run for run in cli.json("sync", code=1)["runs"]}
    assert {id: run["status"] for id, run in runs.items()} == {"a": "succeeded", "b": "failed", "c": "succeeded"}
    assert (runs["b"]["problem"]["code"], runs["b"]["problem"]["action"]) == ("bug", "report_bug")
    states = {state["id"]: state for state in cli.json("status")["endpoints"]}
    assert states["b"]["problem"]
    assert states["b"]["next_due"], "it is tried again"
    assert cli.json("runs", "b")["runs"][0]["status"] == "failed"
    assert cli.json("sync", "b")["runs"][0]["added"] == 2


def test_its_traceback_is_on_standard_error(cli, three, monkeypatch):
    monkeypatch.setattr(text.lines, "to_json", lambda _text: 1 / 0)
    assert "ZeroDivisionError" in cli("sync", "b", code=1).err


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no file that is always full")
@pytest.mark.parametrize("format", [(), ("--json",)])
def test_output_that_can_not_be_written_is_said(home, format):
    (home / "settings.toml").write_text('[[endpoint]]\nurl = "http://127.0.0.1:9/items"\n')
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "trayapp", *format, "endpoints"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("traysync: The disk is full\n")
    assert "Traceback" not in done.stderr
