"""Chains that ask for some rows only: for what changed, and for what a run that broke off had not read."""

import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.patience import until
from tests.server import ApiServer, json_reply, problem, reset
from trayapp.endpoints.model import After, Endpoint, Incremental, Pages, Request, Table
from trayapp.endpoints.naming import completed
from trayapp.endpoints.units import Duration
from trayapp.endpoints.validate import check_endpoint
from trayapp.store.bookkeeping import endpoint_states
from trayapp.store.file.database import Store
from trayapp.sync.cancel import BY_USER, CancelToken
from trayapp.sync.reading import journal
from trayapp.sync.run.context import RunContext
from trayapp.sync.run.runner import run

START = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
EACH = "SELECT id, updated FROM issues"
PAGES = Pages(kind="cursor", path="next", param="after")


@pytest.fixture(autouse=True)
def _quick_retries(monkeypatch):
    monkeypatch.setattr("trayapp.sync.http.retry.pause_before", lambda *_: 0.0)


class Tree:
    """A server of issues, each with its comments in pages of two; an issue's `updated` moves with its comments."""

    def __init__(self, api, store, issues=6, comments=3):
        self.api, self.store = api, store
        self.updated = dict.fromkeys(range(issues), 0)
        self.comments = {n: {n * 100 + m: "text" for m in range(comments)} for n in range(issues)}
        self.now = START
        self.broken = None
        self.asked = []
        self.touched = 0
        self.issues_url = api.route("/issues", self.serve_issues)
        api.route("/issues/*", self.serve)

    def serve_issues(self, seen):
        return json_reply([{"id": n, "updated": at} for n, at in self.updated.items()])

    def serve(self, seen):
        number = int(seen.path.split("/")[2])
        if self.broken is not None and len(set(self.asked)) >= self.broken:
            return reset()
        self.asked.append(number)
        if number not in self.comments:
            return problem(404, "Not Found")
        after = int(seen.param("after") or -1)
        ids = sorted(id for id in self.comments[number] if id > after)
        items = [{"id": id, "text": self.comments[number][id]} for id in ids[:2]]
        return json_reply({"items": items, "next": str(ids[1]) if len(ids) > 2 else None})

    def edit(self, issue, **comments):
        """Set comments by number in the issue; None deletes one."""
        for name, text in comments.items():
            id = issue * 100 + int(name[1:])
            if text is None:
                self.comments[issue].pop(id, None)
            else:
                self.comments[issue][id] = text
        self.touch(issue)

    def touch(self, issue):
        self.touched += 1
        self.updated[issue] = self.touched

    def remove(self, issue):
        del self.updated[issue], self.comments[issue]

    def sync(self, full=False, token=None, progress=lambda _: None, first=True, **fields):
        """One run of the issues, and one of the comments, whose report is returned."""
        context = RunContext(
            store=self.store, staging=self.store.path.parent, secret=lambda _id, _auth: None, now=lambda: self.now
        )
        if first:
            parents = Endpoint(url=self.issues_url, id="issues", name="Issues", pages=Pages(kind="none"))
            assert run(completed(parents), context, CancelToken(), apply_held=True).status == "succeeded"
        self.asked.clear()
        given = {
            "url": self.issues_url + "/{id}/comments",
            "id": "comments",
            "name": "Comments",
            "pages": PAGES,
            "table": Table(key=("id",)),
            "after": After(endpoint="issues", each=EACH, only_changed=True),
        }
        return run(completed(Endpoint(**given | fields)), context, token or CancelToken(), progress, full=full)

    @property
    def rows(self):
        with self.store.reading() as db:
            return dict(db.execute("SELECT id, text FROM comments"))

    @property
    def all(self):
        return {id: text for comments in self.comments.values() for id, text in comments.items()}


@pytest.fixture
def tree(api, store):
    return Tree(api, store)


def kept(store):
    return list(store.path.parent.glob("*.pages"))


ALL = {"after": After(endpoint="issues", each=EACH)}


# Only what changed


def test_only_rows_that_changed_are_asked_for(tree):
    report = tree.sync()
    assert (report.status, report.added, set(tree.asked)) == ("succeeded", 18, set(range(6)))
    report = tree.sync()
    assert (report.unchanged, report.requests, report.changed, report.deleted) == (18, 0, 0, 0)
    tree.edit(2, c0="edited", c1=None, c7="new")
    report = tree.sync()
    assert (set(tree.asked), report.requests) == ({2}, 2)
    assert (report.added, report.changed, report.deleted, report.unchanged) == (1, 1, 1, 16)
    assert tree.rows == tree.all
    assert report.rows == 18


def test_rows_that_come_and_go(tree):
    tree.sync()
    tree.remove(0)
    tree.updated[9] = 0
    tree.comments[9] = {901: "new"}
    report = tree.sync()
    assert (set(tree.asked), report.added, report.deleted) == ({9}, 1, 3)
    assert tree.rows == tree.all
    tree.remove(9)
    assert (tree.sync().deleted, tree.asked) == (1, [])
    assert tree.rows == tree.all


def test_a_run_without_changes_writes_nothing_of_the_rows(tree, store):
    tree.sync()
    with store.reading() as db:
        before = db.execute("SELECT * FROM _sync_parents_2").fetchall()
    assert len(before) == 6
    tree.sync()
    with store.reading() as db:
        assert db.execute("SELECT * FROM _sync_parents_2").fetchall() == before
    tree.sync(**ALL)  # and without only_changed nothing is remembered
    with store.writing() as db:
        assert not db.execute("SELECT 1 FROM sqlite_schema WHERE name = '_sync_parents_2'").get
    tree.sync()
    with store.writing() as db:
        endpoint_states.forget(db, "comments")
        assert not db.execute("SELECT 1 FROM sqlite_schema WHERE name = '_sync_parents_2'").get


def test_all_rows_are_asked_for_once_a_day_and_on_demand(tree):
    tree.sync()
    tree.comments[3][300] = "edited without a sign"
    tree.now += timedelta(hours=23)
    assert (tree.sync().changed, tree.asked) == (0, [])
    tree.now += timedelta(hours=1)
    report = tree.sync()
    assert (report.changed, set(tree.asked)) == (1, set(range(6)))
    assert tree.rows == tree.all
    tree.comments[4][400] = "again"
    assert tree.sync().requests == 0
    assert tree.sync(full=True).changed == 1
    after = After(each=EACH, only_changed=True, full_every=Duration(3600))
    tree.comments[4][400] = "and again"
    tree.now += timedelta(minutes=59)
    assert tree.sync(after=after).requests == 0
    tree.now += timedelta(minutes=1)
    assert tree.sync(after=after).changed == 1
    tree.now -= timedelta(days=3)  # a clock that was set back
    assert tree.sync(after=after).requests == 12


def test_other_settings_ask_for_all_rows(tree):
    tree.sync()
    assert tree.sync(request=Request(params={"x": 1})).requests == 12
    assert tree.sync(request=Request(params={"x": 1})).requests == 0
    assert tree.sync(request=Request(params={"x": 1}), table=Table(key=("id",), types={"text": "text"})).requests == 12
    assert tree.rows == tree.all


def test_a_row_that_could_not_be_read_completely_is_asked_for_again(api, tree):
    tree.sync()
    tree.edit(1, c0="edited")
    tree.edit(2, c0="edited")
    serve, broken = tree.serve, [True]
    api.route("/issues/*", lambda seen: problem(403, "No") if broken[0] and "/2/" in seen.path else serve(seen))
    assert tree.sync().status == "failed"
    broken[0] = False
    assert tree.sync().changed == 2
    assert tree.rows == tree.all

    # A listing that says itself that it is not all there.
    api.route(
        "/issues/*",
        lambda seen: (
            json_reply({"items": [{"id": 300, "text": "x"}], "next": None, "total": 7})
            if "/3/" in seen.path
            else serve(seen)
        ),
    )
    tree.edit(3)
    report = tree.sync()
    assert (report.changed, report.deleted) == (1, 0)
    assert "7 records" in str(report.problem.cause)
    api.route("/issues/*", serve)
    assert tree.sync().changed == 1
    assert set(tree.asked) == {3}
    assert tree.rows == tree.all


def test_nothing_at_the_few_addresses_asked_for_deletes_nothing(tree):
    tree.sync()
    gone = tree.comments.pop(2)
    tree.touch(2)
    report = tree.sync()
    assert (report.status, report.deleted, set(tree.asked)) == ("succeeded", 0, {2})
    assert tuple(map(str, report.warnings)) == ("None of 1 addresses exists on the server (404). Nothing was deleted.",)
    tree.edit(4, c0="edited")
    report = tree.sync()  # now there is one that answers
    assert (report.changed, report.deleted) == (1, len(gone))
    assert tree.rows == tree.all
    assert tree.sync().requests == 0


def test_a_record_below_two_rows(tree):
    for issue in (1, 2):
        tree.comments[issue][999] = "shared"
    tree.sync()
    tree.edit(1, c99=None)
    tree.comments[1].pop(999)
    report = tree.sync()
    assert (report.deleted, tree.rows) == (0, tree.all)
    tree.comments[2][999] = tree.comments[3][999] = "edited"
    tree.touch(2)
    assert tree.sync().changed == 1
    tree.touch(3)
    tree.sync()
    assert tree.rows == tree.all
    tree.comments[3].pop(999)
    tree.touch(3)
    tree.sync()
    assert tree.rows == tree.all


def test_held_deletes_stay_held(tree, api):
    tree = Tree(api, tree.store, issues=30, comments=2)
    tree.sync()
    for issue in range(20):
        tree.remove(issue)
    report = tree.sync()
    assert (report.status, report.held) == ("held", 40)
    report = tree.sync()
    assert (report.status, report.held, report.requests) == ("held", 40, 0)
    assert len(tree.rows) == 60


def test_a_query_over_several_rows_for_one_request(tree):
    each = "SELECT id % 3 AS id, updated FROM issues"
    after = After(each=each, only_changed=True)
    tree.sync(after=after)
    assert set(tree.asked) == {0, 1, 2}
    assert tree.sync(after=after).requests == 0
    tree.edit(4)  # asked for as 1
    tree.sync(after=After(each=each + " ORDER BY random()", only_changed=True))
    assert set(tree.asked) == {1}


def test_records_without_a_key_need_all_rows(api, tree):
    api.route("/issues/*", lambda seen: json_reply([{"text": f"{seen.path} {n % 2}"} for n in range(4)]))
    fields = {"pages": Pages(kind="none"), "table": Table()}
    tree.sync(**fields)
    report = tree.sync(**fields)
    assert (report.unchanged, report.requests) == (24, 6)
    assert "All rows were requested" in next(map(str, report.warnings))


def test_numbers_that_become_text_need_all_rows(tree):
    for id in tree.comments[1]:
        tree.comments[1][id] = 7
    for id in tree.comments[2]:
        tree.comments[2][id] = 1.5
    tree.comments = {n: dict.fromkeys(comments, 5) for n, comments in tree.comments.items()}
    tree.sync()
    tree.edit(0, c0="007")
    tree.sync()
    assert tree.rows == {id: value if value == "007" else "5" for id, value in tree.all.items()}
    assert tree.sync().requests == 0


@pytest.mark.parametrize(
    ("fields", "path", "says"),
    [
        ({"after": After(endpoint="a", only_changed=True)}, "after.only_changed", "query"),
        (
            {"after": After(each="SELECT 1", only_changed=True), "table": Table(mode="append")},
            "after.only_changed",
            "append",
        ),
        ({"after": After(each="SELECT 1", full_every=Duration(60))}, "after.full_every", "every run"),
        ({"after": After(each="SELECT 1", only_changed=True, full_every=Duration(0))}, "after.full_every", "a day"),
    ],
)
def test_what_makes_no_sense_is_told_with_the_settings(fields, path, says):
    found = {
        problem.path: problem.message for problem in check_endpoint(Endpoint(url="http://a.example/{id}", **fields))
    }
    assert says.lower() in str(found[path]).lower()


# Rows that can't be asked for


def test_rows_that_cannot_be_asked_for_keep_everything(tree):
    tree.sync(**ALL)
    tree.remove(5)
    each = "SELECT nullif(id, 3) AS id, updated FROM issues"
    for after in (After(each=each), After(each=each, only_changed=True)):
        tree.edit(1, c0=f"{after.only_changed}")
        report = tree.sync(after=after)
        assert (report.status, report.changed, report.deleted) == ("succeeded", 1, 0)
        assert "A row of the query was left out: id is empty." in next(map(str, report.warnings))
        assert "Nothing was deleted" in next(map(str, report.warnings))
        assert len(tree.rows) == 18
    assert tree.sync(after=After(each=each, only_changed=True)).requests == 0
    report = tree.sync(after=After(each=f"SELECT * FROM ({each}) WHERE id IS NOT NULL"))
    assert (report.deleted, len(tree.rows)) == (6, 12)


def test_a_table_that_is_swapped_whole_needs_all_rows(tree):
    after = After(each="SELECT nullif(id, 3) AS id FROM issues")
    report = tree.sync(after=after, table=Table(mode="replace", key=("id",)))
    assert (report.status, str(report.problem.title)) == ("failed", "The list is incomplete")


# Going on with a chain that broke off


def broken_off(tree, at, **fields):
    tree.broken = at
    report = tree.sync(**fields)
    assert report.status == "failed", report
    tree.broken = None
    return report


@pytest.fixture
def large(api, store):
    return Tree(api, store, issues=40, comments=3)


@pytest.mark.parametrize("fields", [ALL, {}], ids=["all", "only_changed"])
def test_it_goes_on_with_the_rows_that_were_not_read(large, store, fields):
    report = broken_off(large, 25, **fields)
    (file,) = kept(store)
    assert file.stat().st_mode & 0o777 == 0o600
    assert "pages are kept, and the next run will continue from there" in next(map(str, report.warnings))
    large.now += timedelta(hours=23)
    report = large.sync(**fields)
    assert (report.status, report.added) == ("succeeded", 120)
    assert len(set(large.asked)) in (15, 16, 17)  # two were being read
    assert report.requests == 2 * len(set(large.asked))
    assert large.rows == large.all
    assert kept(store) == []
    again = large.sync(**fields)
    assert (again.unchanged, again.changed, again.requests) == (120, 0, 80 if fields else 0)


def test_it_may_break_off_again_and_again(large):
    asked = []
    for at in (10, 10, 10, None):
        large.broken = at
        report = large.sync(**ALL)
        asked += sorted(set(large.asked))
    assert report.status == "succeeded"
    assert len(asked) <= 40 + 3 * 2
    assert large.rows == large.all


def test_changes_of_a_chain_read_in_two_parts(large):
    large.sync(**ALL)
    large.edit(0, c0="edited", c1=None)
    large.edit(39, c0="edited", c9="new")
    broken_off(large, 25, **ALL)
    report = large.sync(**ALL)
    assert (report.added, report.changed, report.unchanged) == (1, 2, 117)
    assert report.deleted == 1 or "read in two parts" in str(next(map(str, report.warnings)))
    large.sync(**ALL)
    assert large.rows == large.all


def test_what_seems_deleted_is_looked_for_again(tree, monkeypatch):
    """Between the parts a record moved from a row that was still to be read to one that was."""
    monkeypatch.setattr(journal, "LONG_PAGES", 1)
    tree.sync(**ALL)
    broken_off(tree, 4, **ALL)
    # Two are read at once: the one whose second page was asked for first was read, whatever became of the others.
    read = next(row for at, row in enumerate(tree.asked) if row in tree.asked[:at])
    tree.comments[read][502] = tree.comments[5].pop(502)
    report = tree.sync(**ALL)
    assert (report.status, report.deleted) == ("succeeded", 0)
    assert tree.rows == tree.all
    assert len(tree.asked) > 12  # all rows once more


def test_rows_that_changed_meanwhile_are_asked_for(large):
    broken_off(large, 25, **ALL)
    read = sorted(set(large.asked))
    changed, gone = read[0], read[1]
    large.edit(changed, c0="edited", c1=None)
    large.remove(gone)
    report = large.sync(**ALL)
    assert changed in large.asked
    assert gone not in large.asked
    assert (report.status, report.added) == ("succeeded", 116)
    assert large.rows == large.all


@pytest.mark.parametrize(
    "change",
    [
        {"request": Request(params={"x": 1})},
        {"table": Table(key=("id",), types={"text": "text"})},
        {"full": True},
        {"incremental": Incremental(deleted="gone=true")},
        {"hours": 24},
        {"hours": -1},
    ],
    ids=str,
)
def test_something_else_begins_anew(large, store, change):
    fields = dict(change)
    broken_off(large, 25, **ALL)
    large.now += timedelta(hours=fields.pop("hours", 0))
    report = large.sync(**ALL | fields)
    assert (report.status, report.requests) == ("succeeded", 80)
    assert large.rows == large.all
    assert kept(store) == []


def test_what_a_try_read_of_a_row_does_not_count_in_the_next(api, store, monkeypatch):
    """A try breaks off in the middle of a row, the next one behind it: only what the next one read is taken."""
    monkeypatch.setattr(journal, "LONG_PAGES", 1)
    tree = Tree(api, store, issues=2, comments=5)
    serve, breaks, broken = tree.serve, ["/0/"], threading.Event()

    def handler(seen):
        if breaks == ["/0/"] and "/0/" in seen.path and seen.param("after"):
            broken.set()
            return reset()
        if breaks and "/1/" in seen.path:
            until(lambda: broken.is_set() if breaks == ["/0/"] else tree.asked.count(0) == 2)
            time.sleep(0.3)  # what the other row gave is taken
            return reset()
        return serve(seen)

    api.route("/issues/*", handler)
    assert tree.sync(**ALL).status == "failed"
    del tree.comments[0][1]
    breaks[0] = "/1/"
    assert tree.sync(**ALL).status == "failed"
    assert 0 in tree.asked
    breaks.clear()
    assert tree.sync(**ALL).status == "succeeded"
    assert set(tree.asked) == {1}
    assert tree.rows == tree.all


def test_a_stop_keeps_it_too(large):
    token = CancelToken()

    def progress(told):
        if told.pages == 60:
            token.cancel(BY_USER)

    report = large.sync(token=token, progress=progress, **ALL)
    assert report.status == "stopped"
    report = large.sync(**ALL)
    assert report.status == "succeeded"
    assert report.requests <= 80 - 60 + 4
    assert large.rows == large.all


def test_what_was_published_meanwhile_makes_it_void(large, store):
    broken_off(large, 25, **ALL)
    (file,) = kept(store)
    before = file.read_bytes()
    large.sync(**ALL)
    file.write_bytes(before)
    assert large.sync(**ALL).requests == 80


def test_a_damaged_file_is_not_believed(large, store):
    broken_off(large, 25, **ALL)
    (file,) = kept(store)
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 255
    file.write_bytes(data)
    report = large.sync(**ALL)
    assert report.status == "succeeded"
    assert 20 < len(set(large.asked)) < 40
    assert large.rows == large.all


def test_a_chain_without_a_key_goes_on_too(large):
    fields = ALL | {"table": Table()}
    broken_off(large, 25, **fields)
    assert large.sync(**fields).requests <= 34
    assert large.rows == large.all


EDITS = st.lists(
    st.tuples(
        st.sampled_from(["edit", "drop", "remove", "add", "break", "sync"]), st.integers(0, 7), st.integers(0, 3)
    ),
    max_size=12,
)


@settings(deadline=None, max_examples=25)
@given(EDITS, st.booleans())
def test_whatever_changes_between_runs_the_table_is_what_the_server_has(steps, only_changed):
    with tempfile.TemporaryDirectory() as folder, ApiServer() as api, pytest.MonkeyPatch.context() as patch:
        patch.setattr(journal, "LONG_PAGES", 1)
        store = Store(Path(folder) / "t.db")
        try:
            _follow(Tree(api, store, issues=8), steps, {} if only_changed else ALL)
        finally:
            store.close()


def _follow(tree, steps, fields):
    tree.sync(**fields)
    for what, issue, number in steps:
        tree.now += timedelta(minutes=5)
        if what == "add" or issue not in tree.updated:
            tree.comments.setdefault(issue, {})
            tree.edit(issue, **{f"c{number}": f"added {tree.now}"})
        elif what == "edit":
            tree.edit(issue, **{f"c{number}": f"edited {tree.now}"})
        elif what == "drop":
            tree.edit(issue, **{f"c{number}": None})
        elif what == "remove":
            if len(tree.updated) > 1:
                tree.remove(issue)
        else:
            tree.broken = number + 1 if what == "break" else None
            tree.sync(**fields)
            tree.broken = None
    for _ in range(3):  # deletes may be held, or wait for a run that is not read in two parts
        report = tree.sync(**fields)
        if report.status == "succeeded" and not report.held and not report.warnings:
            break
    if report.held:
        return
    assert tree.rows == tree.all
