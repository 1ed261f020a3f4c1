"""A home on a full disk, on a read-only one, and where files are few or must be small: what can be read is read."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.disks import CHANGING, READING
from tests.server import ApiServer, json_reply
from trayapp import cli

ROOT = Path(__file__).parents[2]
NAMESPACE = ("unshare", "--mount", "--propagation", "private")


def _may_mount():
    return shutil.which("unshare") is not None and not subprocess.run([*NAMESPACE, "true"], check=False).returncode


pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name != "posix" or not _may_mount(), reason="mounting takes root's rights"),
]


@pytest.fixture
def commands(tmp_path, home):
    """Carries out all commands on a home of that kind."""
    out = tmp_path / "out"
    out.mkdir()

    def all_of(kind):
        command = [*NAMESPACE, sys.executable, "-m", "tests.faults.disks", kind, str(home), str(out)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        return json.loads(done.stdout.splitlines()[-1])

    with ApiServer() as api:
        url = api.route("/items", json_reply([{"id": number, "text": "x" * 200} for number in range(100)]))
        (home / "settings.toml").write_text(f'[[endpoint]]\nid = "items"\nurl = "{url}"\n')
        assert cli.main(["sync"]) == 0
        yield all_of


@pytest.mark.parametrize("kind", ["full", "read-only", "few files", "small files"])
def test_what_can_be_read_is_and_the_rest_is_said(commands, kind):
    found = commands(kind)
    wrong = {command: said for command, (_, said) in found.items() if "Traceback" in said or "inside TraySync" in said}
    assert not wrong
    for command in map(" ".join, READING):
        code, said = found[command]
        if kind in ("full", "read-only"):
            assert code == 0, (command, said)
        else:
            assert code == 0 or said.rstrip().endswith((".", "}")), (command, code, said)
    for command in map(" ".join, CHANGING):
        code, said = found[command]
        assert code in ((0, 1, 2) if "files" in kind else (1, 2)), (command, code, said)
        assert code == 0 or said.rstrip().endswith("."), (command, code, said)
    if kind in ("full", "read-only"):
        assert "100" in found["query SELECT count(*) FROM items"][1]
        assert (
            "full" in found["sync"][1] if kind == "full" else "writ" in found["sync"][1] or "used" in found["sync"][1]
        )


def test_a_disk_that_can_be_written_again_is(commands):
    """Where SQLite may not write it makes do with reading, and would do so for as long as the program runs."""
    assert commands("writable again") == ["StoreNotWritable", "written"]
