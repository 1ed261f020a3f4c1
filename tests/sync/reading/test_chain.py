"""One listing for each row of a query: the records of all become one mirror."""

import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.patience import AtOnce, best_of, quickest, until
from tests.server import Guarded, Listing, bearer, json_reply, problem, silent
from trayapp.endpoints.model import After, Auth, Endpoint, Incremental, Limits, Pages, Request, Settings, Table
from trayapp.endpoints.naming import completed
from trayapp.endpoints.placeholders import Unfillable, filled, names_in
from trayapp.endpoints.units import Duration, Rate, Size
from trayapp.endpoints.validate import check_endpoint, check_settings
from trayapp.sync.cancel import BY_USER, Cancelled, CancelToken
from trayapp.sync.errors import SyncError
from trayapp.sync.reading import chain
from trayapp.sync.reading.chain import one_of, with_fields
from trayapp.sync.run.context import RunContext
from trayapp.sync.run.runner import run


def mirror(store, endpoint, token=None, secret=None, **how):
    context = RunContext(store=store, staging=store.path.parent, secret=lambda _id, _auth: secret)
    return run(completed(endpoint), context, token or CancelToken(), **how)


def rows(store, table):
    with store.reading() as db:
        names = [row[1] for row in db.execute(f'PRAGMA table_info("{table}")')]
        found = sorted(db.execute(f'SELECT * FROM "{table}"'), key=lambda row: row[:2])
        return [dict(zip(names, row, strict=True)) for row in found]


class Tree:
    """A server of issues and, below each, its comments, in pages."""

    def __init__(self, api, issues=5, comments=5, size=2):
        self.api = api
        self.comments = {n: [{"id": n * 100 + m, "text": f"{n}/{m}"} for m in range(comments)] for n in range(issues)}
        self.size = size
        self.issues_url = api.route("/issues", lambda seen: json_reply([{"id": n} for n in self.comments]))
        api.route("/issues/*", self.serve)

    def serve(self, seen):
        number = int(seen.path.split("/")[2])
        if number not in self.comments:
            return problem(404, "Not Found")
        return Listing(self.comments[number], pages="link", size=self.size)(seen)

    @property
    def all(self):
        return sorted((each for comments in self.comments.values() for each in comments), key=lambda each: each["id"])

    def issues(self):
        return Endpoint(url=self.issues_url, id="issues", name="Issues", pages=Pages(kind="none"))

    def endpoint(self, **fields):
        url = self.issues_url + "/{id}/comments"
        after = After(endpoint="issues", each="SELECT id FROM issues")
        return Endpoint(**{"url": url, "id": "comments", "name": "Comments", "after": after} | fields)


@pytest.fixture
def tree(api, store):
    tree = Tree(api)
    assert mirror(store, tree.issues()).status == "succeeded"
    return tree


def test_all_listings_become_one_mirror_that_is_followed(api, store, tree):
    report = mirror(store, tree.endpoint())
    assert (report.status, report.added, report.rows) == ("succeeded", 25, 25), report
    assert rows(store, "comments") == tree.all
    assert report.requests == 2 * 15, "rows may have slipped between the pages, so that they are read twice"
    again = mirror(store, tree.endpoint())
    assert (again.unchanged, again.added, again.changed, again.deleted) == (25, 0, 0, 0)
    tree.comments[1][0]["text"] = "edited"
    del tree.comments[2][3]
    tree.comments[4].append({"id": 499, "text": "new"})
    third = mirror(store, tree.endpoint())
    assert (third.added, third.changed, third.deleted, third.unchanged) == (1, 1, 1, 23)
    assert rows(store, "comments") == tree.all


def test_rows_that_come_and_go_take_their_records_along(api, store, tree):
    mirror(store, tree.endpoint())
    del tree.comments[0]
    tree.comments[7] = [{"id": 700, "text": "new"}]
    mirror(store, tree.issues())
    report = mirror(store, tree.endpoint())
    assert (report.added, report.deleted) == (1, 5)
    assert rows(store, "comments") == tree.all


@pytest.mark.parametrize("pages", [Pages(), Pages(kind="link")], ids=["found out", "told"])
def test_two_at_a_time_and_no_more(api, store, pages):
    at_once = AtOnce(2)
    tree = Tree(api, issues=8, comments=3)
    serve = tree.serve

    def slow(seen):
        with at_once:
            return serve(seen)

    api.route("/issues/*", slow)
    mirror(store, tree.issues())
    assert mirror(store, tree.endpoint(pages=pages)).added == 24
    assert at_once.most == 2


def test_nothing_at_one_address_is_no_record_nothing_at_all_is_a_failure(api, store, tree):
    mirror(store, tree.endpoint())
    gone = tree.comments.pop(3)
    report = mirror(store, tree.endpoint())
    assert (report.status, report.deleted) == ("succeeded", len(gone))
    assert "1 of 5 addresses" in next(map(str, report.warnings))
    before = rows(store, "comments")
    tree.comments.clear()
    report = mirror(store, tree.endpoint())
    assert (report.status, str(report.problem.title)) == ("failed", "There is nothing at this address")
    assert rows(store, "comments") == before


@pytest.mark.parametrize("status", [400, 403, 500])
def test_one_listing_that_fails_fails_the_run(api, store, tree, status, monkeypatch):
    monkeypatch.setattr("trayapp.sync.http.retry.pause_before", lambda *_: 0.0)
    mirror(store, tree.endpoint())
    before = rows(store, "comments")
    tree.comments[0].append({"id": 77, "text": "new"})
    serve = tree.serve
    api.route("/issues/*", lambda seen: problem(status, "No") if "/3/" in seen.path else serve(seen))
    threads = threading.active_count()
    report = mirror(store, tree.endpoint())
    assert report.status == "failed"
    assert rows(store, "comments") == before
    assert threading.active_count() < threads + 40
    assert not [each for each in threading.enumerate() if each.name == "chain"]


def test_no_rows_no_requests_and_no_mass_deletion(api, store, tree):
    mirror(store, tree.endpoint())
    with store.writing() as db:
        db.execute("DELETE FROM issues")
    count = api.count()
    report = mirror(store, tree.endpoint())
    assert (report.status, report.held, api.count() - count) == ("held", 25, 0)
    assert mirror(store, tree.endpoint(), apply_held=True).deleted == 25


def test_a_stop_ends_it_at_once(api, store, tree):
    api.route("/issues/*", silent())

    def stops():
        token = CancelToken()
        threading.Timer(0.3, token.cancel, [BY_USER]).start()
        report = mirror(store, tree.endpoint(), token)
        assert (report.status, str(report.reason)) == ("stopped", "stopped by the user")

    assert quickest(stops, 1.3) < 1.3


def test_a_stop_while_pages_wait_to_be_taken(api, store):
    tree = Tree(api, issues=30, comments=20, size=1)
    mirror(store, tree.issues())
    token = CancelToken()

    def progress(told):
        if told.pages == 7:
            time.sleep(0.3)  # the workers get ahead
            token.cancel(BY_USER)

    context = RunContext(store=store, staging=store.path.parent)
    report = run(completed(tree.endpoint()), context, token, progress)
    assert report.status == "stopped"
    assert not [each for each in threading.enumerate() if each.name == "chain"]


def test_parents_in_the_key_become_a_column(api, store):
    lines = {n: [{"line": m, "text": f"{n}/{m}"} for m in range(3)] for n in (1, 2)}
    url = api.route("/orders", json_reply([{"id": 1}, {"id": 2}]))
    api.route("/orders/*", lambda seen: json_reply(lines[int(seen.path.split("/")[2])]))
    mirror(store, Endpoint(url=url, id="orders", name="Orders"))
    endpoint = Endpoint(
        url=url + "/{order_id}/lines",
        id="lines",
        name="Lines",
        after=After(each="SELECT id AS order_id FROM orders"),
        table=Table(key=("order_id", "line")),
    )
    assert mirror(store, endpoint).added == 6
    assert rows(store, "lines")[4] == {"order_id": 2, "line": 1, "text": "2/1"}
    assert mirror(store, endpoint).unchanged == 6


def test_placeholders_in_params_and_body(api, store, tree):
    url = api.route("/search", lambda seen: json_reply([{"id": f"{seen.target} {seen.body.decode()}"}]))
    by_param = tree.endpoint(url=url, request=Request(params={"q": "issue:{id}", "n": 3}), pages=Pages(kind="none"))
    assert mirror(store, by_param).added == 5
    assert {seen.param("q") for seen in api.requests[-5:]} == {f"issue:{n}" for n in range(5)}
    body = {"query": "{ issue {id} }", "variables": {"n": "{id}"}}
    posted = tree.endpoint(url=url, request=Request(method="POST", json=body), pages=Pages(kind="none"))
    mirror(store, posted)
    assert sorted(seen.json()["variables"]["n"] for seen in api.requests[-5:]) == [0, 1, 2, 3, 4]
    assert api.requests[-1].json()["query"] == "{ issue {id} }"


def test_odd_values_are_encoded_or_left_out(api, store):
    names = ["a/b", "ü ?&=#", "..", "", None, "50%"]
    url = api.route("/names", json_reply([{"id": n, "name": name} for n, name in enumerate(names)]))
    api.route("/of/*", lambda seen: json_reply([{"id": seen.target}]))
    mirror(store, Endpoint(url=url, id="names", name="Names"))
    endpoint = Endpoint(
        url=api.url("/of/{name}/x?n={name}"),
        id="of",
        name="Of",
        after=After(each="SELECT name FROM names"),
        pages=Pages(kind="none"),
    )
    report = mirror(store, endpoint)
    assert sorted(row["id"] for row in rows(store, "of")) == [
        "/of/%C3%BC%20%3F%26%3D%23/x?n=%C3%BC%20%3F%26%3D%23",
        "/of/50%25/x?n=50%25",
        "/of/a%2Fb/x?n=a%2Fb",
    ]
    assert "3 rows of the query were left out: name is '..'" in str(next(map(str, report.warnings)))


def test_credentials_go_along_and_nowhere_else(api, store, tree):
    api.route("/issues/*", Guarded(bearer("s3cret"), tree.serve))
    report = mirror(store, tree.endpoint(auth=Auth(kind="bearer")), secret="s3cret")
    assert report.added == 25
    refused = mirror(store, tree.endpoint(auth=Auth(kind="bearer")), secret="wr0ng-secret")
    assert refused.status == "failed"
    assert "wr0ng-secret" not in repr(refused)


def test_limits_hold_for_all_together(api, store, tree):
    assert "too many pages" in str(mirror(store, tree.endpoint(limits=Limits(pages=14))).problem.title)
    assert "too much" in str(mirror(store, tree.endpoint(limits=Limits(bytes=Size(500)))).problem.title)
    started = time.monotonic()
    assert mirror(store, tree.endpoint(limits=Limits(pages=15, rate=Rate.parse("50/s")))).added == 25
    assert time.monotonic() - started >= 14 / 50


def test_one_row_serves_to_try_it_out(store, tree):
    assert one_of(completed(tree.endpoint()), store, CancelToken()).url.endswith("/issues/0/comments")
    nothing = tree.endpoint(after=After(each="SELECT NULL AS id UNION ALL SELECT '..'"))
    with pytest.raises(SyncError, match="no row to test"):
        one_of(completed(nothing), store, CancelToken())


@pytest.mark.parametrize(
    ("each", "title"),
    [
        ("SELECT nothing FROM issues", "The SQL can't be run"),
        ("SELECT id AS other FROM issues", "The query has no column id"),
        ("DELETE FROM issues", "This SQL is not allowed"),
        ("SELECT id FROM later", "The SQL can't be run"),
    ],
)
def test_a_query_that_will_not_do(api, store, tree, each, title):
    report = mirror(store, tree.endpoint(after=After(each=each)))
    assert (report.status, str(report.problem.title)) == ("failed", title)
    assert len(rows(store, "issues")) == 5


NUMBERS = "WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n)"
FOR_EVER = f"{NUMBERS} SELECT count(*) AS id FROM n"


def test_a_query_that_never_ends_ends_with_its_run(store, tree):
    def stopped():
        token, begun = CancelToken(), []

        def stop():
            begun.append(time.monotonic())
            token.cancel(BY_USER)

        threading.Timer(0.2, stop).start()
        assert mirror(store, tree.endpoint(after=After(each=FOR_EVER)), token).status == "stopped"
        return time.monotonic() - begun[0]

    assert best_of(stopped, 1) < 1
    in_time = tree.endpoint(after=After(each=FOR_EVER), limits=Limits(run=Duration(0.2)))
    assert mirror(store, in_time).status == "stopped"
    with pytest.raises(Cancelled):
        one_of(completed(in_time), store, CancelToken())
    until(lambda: all(thread.name != "query" for thread in threading.enumerate()), "the query goes on")


@pytest.mark.parametrize(
    "each",
    [f"{NUMBERS} SELECT id FROM n", f"{NUMBERS} SELECT hex(randomblob(5000)) AS id FROM n"],
    ids=["rows", "text"],
)
def test_a_query_that_gives_too_much_is_refused(store, tree, each, monkeypatch):
    monkeypatch.setattr(chain, "MOST_ROWS", 5000)
    monkeypatch.setattr(chain, "MOST_TEXT", 10**6)
    report = mirror(store, tree.endpoint(after=After(each=each)))
    assert (report.status, str(report.problem.title)) == ("failed", "The query gives too much")


@pytest.mark.parametrize(
    ("fields", "path", "says"),
    [
        ({"url": "http://a.example/x", "after": After(each="SELECT 1")}, "after.each", "same"),
        ({"url": "http://{host}/x", "after": After(each="SELECT 1")}, "url", "{host}"),
        ({"url": "http://a.example/{id}", "id": "a", "after": After(endpoint="a")}, "after.endpoint", "itself"),
        ({"url": "http://a.example/{id}", "after": After()}, "after.endpoint", "query"),
        (
            {
                "url": "http://a.example/{id}",
                "after": After(each="SELECT 1"),
                "incremental": Incremental(field="at", param="since"),
            },
            "incremental.field",
            "many rows",
        ),
    ],
)
def test_what_cannot_be_chained_is_told_with_the_settings(fields, path, says):
    found = {problem.path: problem.message for problem in check_endpoint(Endpoint(**fields))}
    assert says in str(found[path])


def test_circles_are_told_with_the_settings():
    def after(id, first):
        return completed(Endpoint(url="http://a.example/x", id=id, name=id, after=After(endpoint=first)))

    circle = [after("a", "b"), after("b", "c"), after("c", "a"), after("d", "a")]
    found = check_settings(Settings(endpoint=tuple(circle)))
    assert [(index, problem.path) for index, problem in found] == [(n, "after.endpoint") for n in range(3)]
    assert "a → b → c → a" in str(found[0][1].message)
    ((index, problem),) = check_settings(Settings(endpoint=(after("a", "b"), after("b", "gone"))))
    assert (index, problem.path) == (1, "after.endpoint")
    assert "“gone”" in str(problem.message)


@settings(deadline=None)
@given(st.text(min_size=1), st.integers() | st.floats(allow_nan=False))
def test_whatever_a_value_holds_stays_in_its_place(text, number):
    endpoint = Endpoint(
        url="http://a.example/x/{text}/y?q={text}&n={number}#f", request=Request(params={"p": "{text}!"})
    )
    assert set(names_in(endpoint)) == {"text", "number"}
    try:
        url = filled(endpoint, {"text": text, "number": number}).url
    except Unfillable:
        assert text in (".", "..")
        return
    except UnicodeEncodeError:
        return
    assert url.startswith("http://a.example/x/")
    assert url.count("/") == 5
    assert url.count("?") == url.count("&") == url.count("#") == 1
    assert not set(url) & set(' "<>\r\n')


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (b'{"a":1}', b'{"p":7,"a":1}'),
        (b"{}", b'{"p":7}'),
        (b" { } ", b'{"p":7} '),
        (b'{"p":1}', b'{"p":1}'),
        (b'{"a":{"p":1}}', b'{"p":7,"a":{"p":1}}'),
    ],
)
def test_fields_are_added_where_they_are_missing(record, expected):
    assert with_fields([record], {"p": 7}) == [expected]
