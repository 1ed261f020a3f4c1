"""Given only a URL, `add --yes` and `sync` mirror the listing exactly: before and after changes on the server."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

from tests.server import ApiServer
from tests.shapes.paging import PAGING
from trayapp.cli import main

FIRST = [
    {
        "id": number,
        "name": f"näme {number}",
        "price": number / 4,
        "open": number % 2 == 0,
        "tags": ["a", {"b": number}],
        "note": None if number % 3 else "x",
    }
    for number in range(1, 41)
]
CHANGED = [
    *({**record, "name": "edited"} if record["id"] == 7 else record for record in FIRST if record["id"] not in (3, 20)),
    {"id": 900, "name": "new", "price": 0.5, "open": True, "tags": [], "note": "y"},
]


@pytest.fixture
def api() -> Iterator[ApiServer]:
    with ApiServer() as api:
        yield api


def traysync(*arguments: str) -> int:
    return main([*arguments])


def table(home: Path, name: str) -> list[dict[str, Any]]:
    """The table's rows with what is JSON in them decoded: text that stands for an object or array."""
    database = apsw.Connection(str(home / "traysync.db"), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        columns = [row[1] for row in database.execute(f'PRAGMA table_info("{name}")')]
        rows = database.execute(f'SELECT * FROM "{name}"').fetchall()
    finally:
        database.close()
    return [dict(zip(columns, map(decoded, row), strict=True)) for row in rows]


def decoded(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) and value[:1] in ("{", "[") else value


def canonical(records: list[dict[str, Any]]) -> list[str]:
    """One text a record, in no order; booleans as the table has them."""
    plain = [{name: int(v) if isinstance(v, bool) else v for name, v in record.items()} for record in records]
    return sorted(json.dumps(record, sort_keys=True, ensure_ascii=False) for record in plain)


@pytest.mark.parametrize("name", PAGING)
def test_every_way_of_paging_is_followed_exactly(
    api: ApiServer, home: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    serve, options = PAGING[name]
    records = list(FIRST)
    handler: Callable[..., Any] = serve(lambda: records)
    url = api.route("/api/items", handler) + options.get("query", "")
    body = ["--json-body", options["body"]] if "body" in options else []
    assert traysync("add", url, *body, "--yes") == 0, capsys.readouterr()
    assert traysync("sync") == 0, capsys.readouterr()
    assert canonical(table(home, "items")) == canonical(records)
    assert traysync("sync") == 0
    capsys.readouterr()
    records[:] = CHANGED
    assert traysync("sync", "--json") == 0
    (run,) = json.loads(capsys.readouterr().out)["runs"]
    assert canonical(table(home, "items")) == canonical(records)
    assert (run["added"], run["changed"], run["deleted"]) == (1, 1, 2)
