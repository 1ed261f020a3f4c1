"""The same work done by other programs, in an environment of their own: `environment()` makes it once.

This file is also what runs there (`python peers.py dlt|sqlite-utils URL DOCUMENT_URL CSV_URL`), so that it imports
nothing of ours. It prints the CPU seconds of each row as a JSON object.
"""

import csv
import io
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import urllib.request
import venv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

PACKAGES = ("dlt[sqlalchemy]==1.31.*", "sqlite-utils==4.2.*", "requests==2.*")
PEERS = {"dlt": 1, "sqlite-utils": 3}
"""Each with how often it is measured: dlt takes a minute for one turn."""
SINCE = "2025-12-31T23:59:59Z"


def environment() -> Path:
    """The Python of the peers' environment in the user's cache folder; made if it is not there."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "traysync-bench" / f"peers-1-{sys.version_info.major}.{sys.version_info.minor}"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not (folder / "complete").exists():
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
        (folder / "complete").touch()
    return python


def measure(peer: str, *urls: str) -> dict[str, float]:
    """CPU seconds of a peer for each row it can do."""
    done = subprocess.run([str(environment()), __file__, peer, *urls], stdout=subprocess.PIPE, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _show(url: str, state: str) -> None:
    with urllib.request.urlopen(urllib.request.Request(f"{url}?state={state}", method="PUT"), timeout=10):
        pass


def _timed(work: Callable[[], object]) -> float:
    def used() -> float:
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return time.process_time() + children.ru_utime + children.ru_stime

    began = used()
    work()
    return used() - began


def _dlt(folder: Path, url: str, _document: str, _table: str) -> dict[str, float]:
    for name in ("RUNTIME__DLTHUB_TELEMETRY", "RUNTIME__LOG_LEVEL"):
        os.environ[name] = "false" if "TELEMETRY" in name else "CRITICAL"
    os.environ["DLT_DATA_DIR"] = str(folder / "dlt")
    import dlt
    from dlt.sources.rest_api import rest_api_source

    def pipeline(name: str) -> Any:
        target = dlt.destinations.sqlalchemy(f"sqlite:///{folder / name}.db", create_primary_keys=True)
        return dlt.pipeline(name, destination=target, dataset_name="main", pipelines_dir=str(folder / "pipelines"))

    def load(into: Any, incremental: bool = False) -> None:
        endpoint: dict[str, Any] = {"path": "items", "paginator": {"type": "header_link"}, "data_selector": "$"}
        if incremental:
            since = {"type": "incremental", "cursor_path": "updated_at", "initial_value": "2020-01-01T00:00:00Z"}
            endpoint["params"] = {"since": since}
        resource = {"name": "items", "endpoint": endpoint, "primary_key": "id", "write_disposition": "merge"}
        source = rest_api_source({"client": {"base_url": url.removesuffix("items")}, "resources": [resource]})
        into.run(source)

    _show(url, "base")
    whole = pipeline("whole")
    found = {"first load": _timed(lambda: load(whole)), "nothing changed": _timed(lambda: load(whole))}
    _show(url, "changed")
    found["1 % changed"] = _timed(lambda: load(whole))
    _show(url, "base")
    partly = pipeline("partly")
    load(partly, incremental=True)
    _show(url, "changed")
    found["incremental"] = _timed(lambda: load(partly, incremental=True))
    _show(url, "base")
    return found


def _sqlite_utils(folder: Path, url: str, document: str, table: str) -> dict[str, float]:
    import requests
    import sqlite_utils

    def pages(start: str) -> Iterator[list[dict[str, Any]]]:
        with requests.Session() as session:
            following: str | None = start
            while following:
                answer = session.get(following, timeout=60)
                yield answer.json()
                following = answer.links.get("next", {}).get("url")

    def load(name: str, start: str) -> None:
        database = sqlite_utils.Database(folder / f"{name}.db")
        for page in pages(start):
            database["items"].upsert_all(page, pk="id", alter=True)
        database.close()

    def load_csv() -> None:
        database = sqlite_utils.Database(folder / "csv.db")
        body = requests.get(table, timeout=60).content.decode()
        rows = csv.DictReader(io.StringIO(body, newline=""))
        database["items"].upsert_all(rows, pk="id")
        database["items"].transform(types={"id": int, "price": float, "stock": int, "active": int})
        database.close()

    _show(url, "base")
    found = {"first load": _timed(lambda: load("a", url)), "nothing changed": _timed(lambda: load("a", url))}
    _show(url, "changed")
    found["1 % changed"] = _timed(lambda: load("a", url))
    _show(url, "base")
    load("c", url)
    _show(url, "changed")  # into a table as it was before: what it has already would not be written
    found["incremental"] = _timed(lambda: load("c", f"{url}?since={SINCE}"))
    _show(url, "base")
    found["document"] = _timed(lambda: load("b", document))
    found["CSV"] = _timed(load_csv)
    return found


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="traysync-bench-") as temporary:
        work = {"dlt": _dlt, "sqlite-utils": _sqlite_utils}[sys.argv[1]]
        print(json.dumps(work(Path(temporary), *sys.argv[2:])))
