"""What other programs did to the rows of a mirrored table: noticed though the server has nothing new, undone, told."""

import apsw
import pytest

from tests.server import Listing
from tests.sync.mirroring import as_stored, mirroring
from trayapp.endpoints.model import Table
from trayapp.store.bookkeeping.endpoint_states import BELIEVED, read_doubt
from trayapp.store.file.database import Store

RECORDS = [{"id": id, "area": f"a{id % 3}", "name": f"n{id}"} for id in range(1, 32)]
TABLES = {
    "integer": Table(name="items", key=("id",)),
    "text": Table(name="items", key=("name",)),
    "two": Table(name="items", key=("area", "id")),
    "upsert": Table(name="items", key=("id",), mode="upsert"),
    "replace": Table(name="items", key=("id",), mode="replace"),
}


@pytest.fixture
def mirror(tmp_path):
    with mirroring(tmp_path) as mirror:
        yield mirror
        mirror.store.close()


def first(mirror, kind="integer", etag=True):
    mirror.sync(Listing(RECORDS, etag=etag), table=TABLES[kind])
    assert again(mirror, kind, etag) == as_stored(RECORDS)
    assert mirror.report.warnings == ()


def again(mirror, kind="integer", etag=True, full=False):
    rows = mirror.sync(Listing(RECORDS, etag=etag), full=full, table=TABLES[kind])
    return sorted(rows, key=lambda row: row["id"])


def other_program(mirror, sql, while_closed=False):
    """It writes to the file, while ours has it open or after the end of ours."""
    path = mirror.store.path
    if while_closed:
        mirror.store.close()
    db = apsw.Connection(str(path))
    db.execute(sql)
    db.close()
    if while_closed:
        mirror.store = Store(path)


def is_believed(mirror):
    """Whether the next run will believe that the table is what is known of it."""
    with mirror.store.writing() as db:
        return read_doubt(db, "items") == BELIEVED


def told(mirror):
    return [str(each) for each in mirror.report.warnings]


@pytest.mark.parametrize("while_closed", [False, True], ids=["open", "closed"])
@pytest.mark.parametrize("kind", TABLES)
def test_rows_that_others_delete_come_back(mirror, kind, while_closed):
    first(mirror, kind)
    other_program(mirror, "DELETE FROM items WHERE id IN (4, 9)", while_closed)
    assert again(mirror, kind) == as_stored(RECORDS)
    if kind != "replace":
        assert told(mirror) == ["2 rows that another program had deleted were restored."]
    assert is_believed(mirror)
    assert again(mirror, kind) == as_stored(RECORDS)
    assert told(mirror) == []


@pytest.mark.parametrize("etag", [True, False])
def test_a_table_that_others_empty_is_filled_again(mirror, etag):
    first(mirror, etag=etag)
    other_program(mirror, "DELETE FROM items")
    assert again(mirror, etag=etag) == as_stored(RECORDS)
    assert told(mirror) == ["31 rows that another program had deleted were restored."]


def test_rows_that_others_add_go_away(mirror):
    first(mirror)
    other_program(mirror, "INSERT INTO items VALUES (99, 'a', 'b')")
    assert again(mirror) == as_stored(RECORDS)
    assert told(mirror) == ["One row that another program had added was deleted."]


def test_rows_that_others_change_are_put_right_by_a_full_run(mirror):
    first(mirror)
    other_program(mirror, "UPDATE items SET name = 'theirs' WHERE id = 7")
    again(mirror)
    assert again(mirror, full=True) == as_stored(RECORDS)
    assert told(mirror) == ["One row that another program had changed was put right."]


def test_what_the_server_changes_is_not_taken_for_others_doing(mirror):
    first(mirror)
    other_program(mirror, "DELETE FROM items WHERE id = 4")
    now = [{**record, "name": "new"} if record["id"] in (4, 5) else record for record in RECORDS[:30]]
    mirror.sync(Listing(now, etag=True), table=TABLES["integer"])
    assert told(mirror) == ["One row that another program had deleted was restored."]
    assert (mirror.report.added, mirror.report.changed, mirror.report.deleted) == (1, 1, 1)


def test_the_programs_own_writing_raises_no_doubt(mirror):
    first(mirror)
    for _ in range(2):
        again(mirror)
        assert is_believed(mirror)
        mirror.store.close()
        mirror.store = Store(mirror.store.path)
        assert is_believed(mirror)


def test_what_others_write_elsewhere_in_the_file_costs_no_full_run(mirror):
    first(mirror)
    asked = mirror.api.count("/items")
    other_program(mirror, "CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1)")
    again(mirror)
    assert (mirror.api.count("/items") - asked, mirror.report.bytes) == (1, 0)
    assert is_believed(mirror)
