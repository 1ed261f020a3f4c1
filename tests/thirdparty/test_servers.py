"""APIs that are not ours, unmodified: json-server (npm), Kinto (PyPI). Nothing is said but address and credential."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
import pytest
import requests

from trayapp.cli import main

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "traysync-tests"
JSON_SERVER = "json-server@0.17.4"
KINTO = "kinto==26.5.0"
PASSWORD = "a-long-word"
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

FIRST = [{"id": n, "name": f"näme {n}", "tags": ["a", {"b": n}], "note": None} for n in range(1, 38)]


def missing(reason: str) -> None:
    """Said loudly; where nothing may be missing it is a failure."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def installed(name: str, wanted: str, command: list[str]) -> Path:
    """A folder with what the command installs there, once."""
    folder = CACHE / name
    done = folder / "installed"
    if not done.exists() or done.read_text() != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        if name == "kinto":
            venv.create(folder / "venv", with_pip=True)
        result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
        if result.returncode:
            missing(f"{wanted} could not be installed: {result.stderr[-500:]}")
        done.write_text(wanted)
    return folder


@contextmanager
def serving(command: list[str], folder: Path, url: str) -> Iterator[None]:
    """A server as a process of its own, from its first answer to the end of the block."""
    with (
        open(folder / "server.log", "wb") as log,
        subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, stdin=subprocess.DEVNULL) as process,
    ):
        try:
            until = time.monotonic() + 60
            while True:
                try:
                    requests.get(url, timeout=5)
                    break
                except requests.ConnectionError:
                    assert process.poll() is None, (folder / "server.log").read_text()
                    assert time.monotonic() < until, "the server does not answer"
                    time.sleep(0.1)
            yield
        finally:
            process.terminate()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def table(home: Path, name: str) -> list[str]:
    """The rows as canonical JSON, what is JSON in them decoded."""
    database = apsw.Connection(str(home / "traysync.db"), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        columns = [row[1] for row in database.execute(f'PRAGMA table_info("{name}")')]
        rows = database.execute(f'SELECT * FROM "{name}"').fetchall()
    finally:
        database.close()
    return canonical([dict(zip(columns, map(decoded, row), strict=True)) for row in rows])


def decoded(value: object) -> object:
    return json.loads(value) if isinstance(value, str) and value[:1] in ("{", "[") else value


def canonical(records: list[dict[str, object]]) -> list[str]:
    return sorted(json.dumps(record, sort_keys=True, ensure_ascii=False) for record in records)


def synced(capsys: pytest.CaptureFixture[str]) -> tuple[int, int, int, int]:
    capsys.readouterr()
    assert main(["sync", "--json"]) == 0
    (run,) = json.loads(capsys.readouterr().out)["runs"]
    return run["added"], run["changed"], run["deleted"], run["unchanged"]


def test_json_server(tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    npm = shutil.which("npm")
    if npm is None:
        missing("npm is not installed")
    folder = installed("json-server", JSON_SERVER, [str(npm), "install", "--no-fund", "--no-audit", JSON_SERVER])
    (tmp_path / "db.json").write_text(json.dumps({"items": FIRST}))
    port = free_port()
    program = str(folder / "node_modules" / ".bin" / "json-server")
    base = f"http://127.0.0.1:{port}/items"
    with serving([program, "--host", "127.0.0.1", "--port", str(port), "--quiet", "db.json"], tmp_path, base):

        def served() -> list[str]:
            return canonical(requests.get(base, timeout=10).json())

        assert main(["add", f"{base}?_page=1", "--yes"]) == 0, capsys.readouterr()
        assert synced(capsys) == (37, 0, 0, 0)
        assert table(home, "items") == served()
        assert synced(capsys) == (0, 0, 0, 37)
        requests.patch(f"{base}/7", json={"name": "edited"}, timeout=10).raise_for_status()
        for gone in (3, 20):
            requests.delete(f"{base}/{gone}", timeout=10).raise_for_status()
        requests.post(base, json={"id": 99, "name": "new", "extra": 1.5}, timeout=10).raise_for_status()
        assert synced(capsys) == (1, 1, 2, 34)
        rows = [{k: v for k, v in json.loads(row).items() if v is not None} for row in table(home, "items")]
        wanted = [{k: v for k, v in json.loads(row).items() if v is not None} for row in served()]
        assert canonical(rows) == canonical(wanted)


KINTO_INI = """
[app:main]
use = egg:kinto
kinto.storage_backend = kinto.core.storage.memory
kinto.cache_backend = kinto.core.cache.memory
kinto.permission_backend = kinto.core.permission.memory
kinto.bucket_create_principals = system.Authenticated
kinto.paginate_by = 10
kinto.userid_hmac_secret = of these tests only
multiauth.policies = basicauth
[server:main]
use = egg:waitress#main
host = 127.0.0.1
port = {port}
"""


def test_kinto(tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    scripts = "Scripts" if sys.platform == "win32" else "bin"
    python = str(CACHE / "kinto" / "venv" / scripts / "python")
    folder = installed("kinto", KINTO, [python, "-m", "pip", "install", "--quiet", KINTO])
    port = free_port()
    (tmp_path / "kinto.ini").write_text(KINTO_INI.format(port=port))
    base = f"http://127.0.0.1:{port}/v1"
    program = str(folder / "venv" / scripts / "kinto")
    auth = ("me", PASSWORD)
    records = f"{base}/buckets/b/collections/c/records"
    with serving([program, "start", "--ini", "kinto.ini"], tmp_path, f"{base}/"):
        requests.put(f"{base}/buckets/b", auth=auth, timeout=10).raise_for_status()
        requests.put(f"{base}/buckets/b/collections/c", auth=auth, timeout=10).raise_for_status()

        def put(number: int, name: str) -> None:
            answer = requests.put(
                f"{records}/r{number}", auth=auth, json={"data": {"n": number, "name": name}}, timeout=10
            )
            answer.raise_for_status()

        def served() -> list[str]:
            found, url = [], records
            while url:
                answer = requests.get(url, auth=auth, timeout=10)
                found += answer.json()["data"]
                url = answer.headers.get("Next-Page", "")
            return canonical(found)

        for number in range(37):
            put(number, f"näme {number}")
        monkeypatch.setenv("KINTO_PASSWORD", PASSWORD)
        credential = ["--auth", "basic:me", "--secret-env", "KINTO_PASSWORD"]
        assert main(["add", records, "--name", "Things", *credential, "--yes"]) == 0, capsys.readouterr()
        assert synced(capsys) == (37, 0, 0, 0)
        assert table(home, "things") == served()
        assert synced(capsys) == (0, 0, 0, 37)
        put(7, "edited")
        put(99, "new")
        for gone in (3, 20):
            requests.delete(f"{records}/r{gone}", auth=auth, timeout=10).raise_for_status()
        assert synced(capsys) == (1, 1, 2, 34)
        assert table(home, "things") == served()
