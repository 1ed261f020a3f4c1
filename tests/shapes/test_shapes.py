"""Given only a URL and a credential, `add --yes` and `sync` mirror a listing exactly, before and after changes on the
server, or say by name why they don't."""

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.comparing import canonical_hash, rows
from tests.readme import README, table_in
from tests.server import ApiServer
from tests.shapes.conftest import SHAPE
from tests.shapes.shape import Record, Shape
from tests.shapes.table import SHAPES, as_markdown
from trayapp.cli import main

FIRST = [
    {
        "id": number,
        "name": f"näme {number}",
        "price": number / 4 + 0.125,
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
EVERY = [(name, shape) for shapes in SHAPES.values() for name, shape in shapes.items()]


@pytest.fixture
def api() -> Iterator[ApiServer]:
    with ApiServer() as api:
        yield api


class User:
    """Somebody at a terminal who gives only what is asked: the address, and the password where there is one."""

    def __init__(self, shape: Shape, url: str, capsys: pytest.CaptureFixture[str], home: Path) -> None:
        self._shape = shape
        self._url = url
        self._capsys = capsys
        self._home = home
        self.report: dict[str, Any] = {}

    def add(self) -> str:
        """The title of the error that `add` ends with, "" when there is none."""
        shape = self._shape
        arguments = ["--json-body", shape.body] if shape.body else []
        arguments += ["--auth", shape.auth, "--secret-env", "SHAPE_SECRET"] if shape.auth else []
        answer = self._call("add", self._url, *arguments, "--name", "Items", "--yes")
        return str(answer["error"]["title"]) if "error" in answer else ""

    def sync(self) -> None:
        (self.report,) = self._call("sync")["runs"]

    def refused(self) -> str:
        """The title of the problem that a run ends with, "" when there is none."""
        self.sync()
        return str(self.report["problem"]["title"]) if "problem" in self.report else ""

    def counts(self) -> tuple[int, int, int]:
        return self.report["added"], self.report["changed"], self.report["deleted"]

    def table(self) -> list[dict[str, Any]]:
        path = self._home / "traysync.db"
        return rows(path, "items") if path.exists() else []

    def _call(self, *arguments: str) -> Any:
        self._capsys.readouterr()
        main([*arguments, "--json"])
        return json.loads(self._capsys.readouterr().out)


@pytest.mark.parametrize(("name", "shape"), EVERY, ids=[name for name, _ in EVERY])
def test_a_shape_becomes_exactly_its_table_or_is_refused_by_name(
    api: ApiServer,
    home: Path,
    name: str,
    shape: Shape,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[[str, object], None],
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    monkeypatch.setenv("SHAPE_SECRET", shape.secret)
    served = _made(FIRST, shape)
    url = api.route(shape.path, shape.serve(lambda: served)) + shape.query
    user = User(shape, url, capsys, home)
    title = user.add()
    if not title:
        title = user.refused()
    if shape.incomplete:
        assert (user.report["status"], title) == ("incomplete", "The list is incomplete")
        assert user.report["problem"]["cause"].startswith(shape.incomplete)
        title = ""
    record_property(SHAPE, (name, f"refused: {title}" if title else shape.outcome))
    assert title == shape.refused
    if shape.refused:
        assert user.table() == []
        return
    if shape.told:
        assert any(warning.startswith(shape.told) for warning in user.report["warnings"]), user.report["warnings"]
    if shape.silent:
        assert user.report["warnings"] == []
        assert api.count(shape.path) <= 2 * 8, "add and sync"
    before = shape.rows(served)
    assert canonical_hash(user.table()) == canonical_hash(before)
    assert user.counts() == (len(before), 0, 0)
    if shape.told or shape.incomplete:
        return
    user.sync()
    assert user.counts() == (0, 0, 0)
    served[:] = _made(CHANGED, shape)
    user.sync()
    after = shape.rows(served)
    if shape.keeps:
        after += shape.rows(_made([record for record in FIRST if record["id"] in (3, 20)], shape))
    assert canonical_hash(user.table()) == canonical_hash(after)
    assert user.counts() == (*shape.counts[:2], 0 if shape.keeps else shape.counts[2])


def _made(records: list[Record], shape: Shape) -> list[Record]:
    if not shape.flat:
        return list(records)
    return [{name: record[name] or "-" for name in ("id", "name", "price", "note")} for record in records]


def test_the_readme_has_the_same_table() -> None:
    assert len(EVERY) == len({name for name, _ in EVERY}) >= 75
    assert table_in(README.read_text("utf-8"), "shapes") == as_markdown(), "run: python -m tests.shapes.readme"
