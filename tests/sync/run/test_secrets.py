"""What becomes of secrets that a server repeats: in records they are data, everywhere else they are taken out."""

from pathlib import Path

import pytest

from tests.server import ApiServer, Reply, json_reply, problem, raw, redirect
from trayapp.endpoints.model import Auth, Endpoint, Table
from trayapp.endpoints.naming import completed
from trayapp.store.bookkeeping import history
from trayapp.store.bookkeeping.endpoint_states import read_marks
from trayapp.store.file.database import Store
from trayapp.sync.cancel import CancelToken
from trayapp.sync.detection.first_page import explore
from trayapp.sync.http.auth import credentials
from trayapp.sync.run.context import RunContext
from trayapp.sync.run.runner import run

SECRET = "k9MARK-b1c2/d3e4f5-KRAM9k"


def run_against(folder: Path, reply: Reply) -> tuple[Store, str]:
    """A run with the secret, and all words of its report."""
    with ApiServer() as api:
        auth = Auth(kind="bearer")
        endpoint = completed(Endpoint(url=api.route("/items", reply), id="e", auth=auth, table=Table(key=("id",))))
        store = Store(folder / "t.db")
        context = RunContext(store=store, staging=folder, secret=lambda *_: SECRET)
        report = run(endpoint, context, CancelToken())
    return store, f"{report.sentence} {report.problem} {report.warnings}"


def test_a_record_is_stored_as_it_came_though_it_holds_the_secret(tmp_path: Path) -> None:
    records = [{"id": 1, "note": f"you sent {SECRET}"}]
    store, said = run_against(tmp_path, json_reply(records).with_headers(ETag=f'"{SECRET}"'))
    with store.reading() as db:
        assert db.execute("SELECT id, note FROM items").fetchall() == [(1, f"you sent {SECRET}")]
        assert read_marks(db, "e").etag is None
        assert SECRET not in str(history.list_runs(db))
    store.close()
    assert SECRET not in said


@pytest.mark.parametrize(
    "reply",
    [
        raw(b" " * 1990 + SECRET.encode(), "text/plain", 400),
        problem(400, "no", " " * 99_990 + SECRET),
        redirect(f"ftp://files.example/{'-' * 70}{SECRET}"),
        raw(f"<html><title>{'-' * 90}{SECRET}".encode(), "text/html"),
        raw(b"id,name\n1,\xff\n", f"text/csv; charset={SECRET}%"),
    ],
    ids=["text", "message", "link", "title", "charset"],
)
def test_no_cut_leaves_half_of_a_secret(tmp_path: Path, reply: Reply) -> None:
    store, said = run_against(tmp_path, reply)
    store.close()
    assert said
    assert SECRET[:9] not in said


def test_a_warning_does_not_name_the_secret() -> None:
    records = [{"id": number} for number in range(9)]
    with ApiServer() as api:
        url = api.route("/items", json_reply({"zzz": records, SECRET: records}))
        auth = Auth(kind="bearer")
        found = explore(Endpoint(url=url, auth=auth), credentials(auth, SECRET), CancelToken())
    assert any("another list" in str(warning) for warning in found.warnings)
    assert SECRET not in str(found.warnings)


def test_a_list_that_the_secret_names_is_refused(tmp_path: Path) -> None:
    store, said = run_against(tmp_path, json_reply({SECRET: [{"id": 1}, {"id": 2}]}))
    store.close()
    assert "names its list by it" in said
    assert all(SECRET.encode() not in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_what_is_remembered_of_a_response_does_not_name_the_secret(tmp_path: Path) -> None:
    records = [{"id": number} for number in range(9)]
    store, said = run_against(tmp_path, json_reply({"zzz": records, SECRET: "there"}))
    store.close()
    assert said.startswith("9 new.")
    assert all(SECRET.encode() not in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
