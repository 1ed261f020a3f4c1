"""Long numbered listings: what one of them lacks is deleted only when the next one lacks it too."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.server import ApiServer, json_reply
from trayapp.endpoints.model import Endpoint, Incremental, Pages, Table
from trayapp.endpoints.naming import completed
from trayapp.store.bookkeeping.history import list_changes
from trayapp.store.file.database import Store
from trayapp.store.mirror.deletions import keep_held
from trayapp.sync.cancel import CancelToken
from trayapp.sync.detection import proof
from trayapp.sync.run.context import RunContext
from trayapp.sync.run.runner import run

SIZE = 3


class Numbered:
    """Pages by number or offset; `slips` are keys of records that no page shows during one walk. `total` is told."""

    def __init__(self, ids, by="page"):
        self.records = {id: f"n{id}" for id in ids}
        self.by = by
        self.slips = set()
        self.total = False
        self.asked = 0
        self.query = {}

    def __call__(self, seen):
        self.asked += 1
        self.query = seen.query
        shown = [{"id": id, "name": name} for id, name in self.records.items() if id not in self.slips]
        at = int(seen.param(self.by, "1" if self.by == "page" else "0"))
        start = (at - 1) * SIZE if self.by == "page" else at
        page = shown[start : start + SIZE]
        return json_reply({"items": page, **({"total": len(self.records)} if self.total else {})})


@pytest.fixture(autouse=True)
def long_listings(monkeypatch):
    monkeypatch.setattr(proof, "MOST_PAGES_TWICE", 2)


def mirror(store, url, by="page", apply_held=False, **fields):
    fields = {"pages": Pages(kind=by, param=by), "table": Table(name="items", key=("id",))} | fields
    endpoint = completed(Endpoint(id="items", url=url, name="Items", **fields))
    context = RunContext(store=store, staging=store.path.parent)
    report = run(endpoint, context, CancelToken(), apply_held=apply_held)
    assert report.problem is None, report.problem
    return report


def counts(report):
    return report.added, report.changed, report.deleted, report.unchanged, report.held, report.suspects


def rows(store):
    with store.reading() as db:
        return dict(db.execute("SELECT id, name FROM items"))


@pytest.mark.parametrize("by", ["page", "offset"])
def test_what_is_deleted_is_gone_after_the_second_run(api, store, by):
    server = Numbered(range(12), by)
    url = api.route("/items", server)
    mirror(store, url, by)
    everything = dict(server.records)
    del server.records[4], server.records[7]
    first = mirror(store, url, by)
    assert counts(first) == (0, 0, 0, 10, 0, 2)
    assert (first.status, first.rows) == ("succeeded", 12)
    assert str(first.sentence) == "No changes. 2 records seem deleted; the next run will confirm this."
    assert rows(store) == everything
    second = mirror(store, url, by)
    assert counts(second) == (0, 0, 2, 10, 0, 0)
    assert (second.rows, str(second.sentence)) == (10, "2 deleted.")
    assert rows(store) == server.records
    assert counts(mirror(store, url, by)) == (0, 0, 0, 10, 0, 0)
    with store.reading() as db:
        assert sorted(change.key for change in list_changes(db, "items") if change.kind == "deleted") == [4, 7]


def test_a_long_listing_is_not_walked_twice(api, store, monkeypatch):
    monkeypatch.undo()
    server = Numbered(range(SIZE * 99 + 2))
    url = api.route("/items", server)
    mirror(store, url)
    del server.records[4]
    server.asked = 0
    assert mirror(store, url).suspects == 1
    assert server.asked == 101, "100 pages and the empty one"
    assert mirror(store, url).deleted == 1
    del server.records[5], server.records[6]
    server.asked = 0
    assert mirror(store, url).deleted == 2
    assert server.asked == 2 * 100


def test_what_slipped_through_once_stays(api, store):
    server = Numbered(range(12))
    url = api.route("/items", server)
    mirror(store, url)
    server.slips = {5}
    assert counts(mirror(store, url)) == (0, 0, 0, 11, 0, 1)
    server.slips = {6}
    assert counts(mirror(store, url)) == (0, 0, 0, 11, 0, 1), "5 is back, 6 is new among the suspects"
    server.slips = set()
    server.records[6] = "changed meanwhile"
    assert counts(mirror(store, url)) == (0, 1, 0, 11, 0, 0)
    server.slips = {6}
    assert counts(mirror(store, url)) == (0, 0, 0, 11, 0, 1), "it was listed in between: it begins anew"
    assert rows(store) == server.records


def test_the_brake_holds_what_is_confirmed(api, store):
    server = Numbered(range(60))
    url = api.route("/items", server)
    mirror(store, url)
    for id in range(30):
        del server.records[id]
    first = mirror(store, url)
    assert (first.status, first.suspects, first.held) == ("succeeded", 30, 0)
    second = mirror(store, url)
    assert (second.status, second.suspects, second.held) == ("held", 0, 30)
    del server.records[40]
    third = mirror(store, url, apply_held=True)
    assert counts(third) == (0, 0, 30, 29, 0, 1), "what was not held needs its own second run"
    assert mirror(store, url).deleted == 1
    assert rows(store) == server.records


def test_what_the_user_keeps_is_no_suspect(api, store):
    server = Numbered(range(60))
    url = api.route("/items", server)
    mirror(store, url)
    for id in range(30):
        del server.records[id]
    mirror(store, url)
    assert mirror(store, url).held == 30
    with store.writing() as db:
        keep_held(db, "items")
    assert counts(mirror(store, url)) == (0, 0, 0, 30, 0, 0)
    assert len(rows(store)) == 60


def test_an_incomplete_listing_clears_what_it_has_and_keeps_the_rest(api, store):
    server = Numbered(range(12))
    url = api.route("/items", server)
    mirror(store, url)
    server.slips = {1, 11}
    assert mirror(store, url).suspects == 2
    server.slips = set()
    assert mirror(store, url, pages=Pages(kind="page", param="page", max=2)).suspects == 1
    server.slips = {1}
    assert counts(mirror(store, url)) == (0, 0, 0, 11, 0, 1)
    assert len(rows(store)) == 12


def test_a_short_listing_settles_what_a_long_one_left_open(api, store, monkeypatch):
    server = Numbered(range(12))
    url = api.route("/items", server)
    mirror(store, url)
    del server.records[4]
    assert mirror(store, url).suspects == 1
    monkeypatch.setattr(proof, "MOST_PAGES_TWICE", 100)
    assert mirror(store, url).deleted == 1


def test_a_total_that_matches_is_proof_enough_unless_rows_moved(api, store):
    server = Numbered(range(12))
    server.total = True
    url = api.route("/items", server)
    mirror(store, url)
    del server.records[4]
    assert counts(mirror(store, url)) == (0, 0, 1, 11, 0, 0)
    shown = [[], [0, 1, 2], [3, 6, 7], [7, 8, 9], [10, 11]]  # 5 slipped, and 7 came twice

    def moving(seen):
        page = shown[int(seen.param("page", "1"))]
        return json_reply({"items": [{"id": n, "name": f"n{n}"} for n in page], "total": 11})

    api.route("/items", moving)
    report = mirror(store, url)
    assert counts(report) == (0, 0, 0, 10, 0, 1)
    assert len(rows(store)) == 11


def test_suspects_make_the_next_run_of_an_incremental_endpoint_a_whole_one(api, store):
    server = Numbered(range(12))
    server.records = {n: f"2026-01-{n + 1:02}" for n in range(12)}
    url = api.route("/items", server)
    fields = {"incremental": Incremental(field="name", param="since")}
    mirror(store, url, **fields)
    mirror(store, url, **fields)
    assert "since" in server.query
    del server.records[4]
    with store.writing() as db:
        db.execute("UPDATE _sync_endpoints SET last_full = '2020-01-01T00:00:00Z'")
    whole = mirror(store, url, **fields)
    assert (whole.deleted, whole.suspects, "since" in server.query) == (0, 1, False)
    assert any("moved between pages" in warning for warning in tuple(map(str, whole.warnings)))
    again = mirror(store, url, **fields)
    assert (again.deleted, again.suspects, "since" in server.query) == (1, 0, False)
    mirror(store, url, **fields)
    assert "since" in server.query


@pytest.fixture(scope="module")
def property_api():
    with ApiServer() as api:
        yield api


ids = st.integers(0, 15)


@settings(max_examples=60, deadline=None)
@given(
    by=st.sampled_from(["page", "offset"]),
    runs=st.lists(st.tuples(st.sets(ids, max_size=4), st.sets(ids, max_size=4), st.sets(ids, max_size=4)), max_size=6),
)
def test_only_what_two_listings_in_a_row_lack_is_deleted(property_api, tmp_path_factory, by, runs):
    """Each run: some records are deleted, some added, some slip through. The table has all that the server has."""
    store = Store(tmp_path_factory.mktemp("suspects") / "t.db")
    server = Numbered([*range(100, 105), *range(10)], by)  # five that stay make every listing long
    url = property_api.route("/items", server)
    try:
        mirror(store, url, by)
        table, suspects = set(rows(store)), set()
        for deleted, added, slips in runs:
            for id in deleted:
                server.records.pop(id, None)
            for id in added:
                server.records.setdefault(id, f"n{id}")
            server.slips = slips - suspects  # not twice in a row: nobody could tell that from a deletion
            report = mirror(store, url, by)
            shown = {id for id in server.records if id not in server.slips}
            missing = table - shown
            gone, left = missing & suspects, missing - suspects
            wanted = (table | shown) - gone
            assert counts(report) == (len(shown - table), 0, len(gone), len(shown & table), 0, len(left))
            assert set(rows(store)) == wanted
            assert report.rows == len(wanted)
            assert wanted >= table & set(server.records)
            table, suspects = wanted, left
    finally:
        store.close()
