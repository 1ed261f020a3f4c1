"""Rows that slip between the pages of a listing while it is read for the first time, or for a table made anew."""

import pytest

from tests.server import json_reply, problem
from trayapp.endpoints.model import Endpoint, Table
from trayapp.endpoints.naming import completed
from trayapp.sync.cancel import CancelToken
from trayapp.sync.detection import proof
from trayapp.sync.run.context import RunContext
from trayapp.sync.run.runner import run

SIZE = 4


class Edited:
    """Numbered pages of a list from which a row on the first one goes when the second one is asked for, once."""

    def __init__(self, by, total=False, link=False):
        self.ids = list(range(14))
        self.by = by
        self.total = total
        self.link = link
        self.edits = []

    def __call__(self, seen):
        at = int(seen.param(self.by, "1" if self.by == "page" else "0"))
        start = (at - 1) * SIZE if self.by == "page" else at
        if start == SIZE and self.edits:
            self.edits.pop()(self.ids)
        reply = json_reply([{"id": id} for id in self.ids[start : start + SIZE]])
        if self.link and start + SIZE < len(self.ids):
            reply = reply.with_headers(Link=f'<{seen.path}?page={at + 1}>; rel="next"')
        return reply.with_headers(X_Total_Count=str(len(self.ids))) if self.total else reply


def mirror(store, url, mode="auto"):
    endpoint = completed(Endpoint(id="items", url=url, name="Items", table=Table(key=("id",), mode=mode)))
    return run(endpoint, RunContext(store=store, staging=store.path.parent), CancelToken())


def ids(store):
    with store.reading() as db:
        return {id for (id,) in db.execute("SELECT id FROM items")}


def lose_first(ids):
    del ids[0]


def gain_first(ids):
    ids.insert(0, 99)


SERVERS = [{"by": "page"}, {"by": "offset"}, {"by": "page", "link": True}]


@pytest.mark.parametrize("mode", ["mirror", "upsert", "replace"])
@pytest.mark.parametrize("kind", SERVERS, ids=str)
@pytest.mark.parametrize("edit", [lose_first, gain_first])
@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_first_run_misses_no_row_that_slipped(api, store, kind, mode, edit, at):
    server = Edited(**kind)
    url = api.route("/items", server)
    server.edits = [edit, *[lambda _: None] * (at - 1)]
    report = mirror(store, url, mode)
    assert report.status == "succeeded"
    assert ids(store) >= set(server.ids) - {99}


@pytest.mark.parametrize("kind", SERVERS, ids=str)
def test_a_table_made_anew_misses_no_row_that_slipped(api, store, kind):
    server = Edited(**kind)
    url = api.route("/items", server)
    mirror(store, url, "replace")
    server.edits = [lose_first]
    assert mirror(store, url, "replace").status == "succeeded"
    assert ids(store) >= set(range(1, 14))
    mirror(store, url, "replace")
    assert ids(store) == set(range(1, 14))


def test_a_total_that_fits_is_proof_enough(api, store):
    url = api.route("/items", Edited("page", total=True))
    assert mirror(store, url).added == 14
    requests = [request.target for request in api.requests]
    assert requests.count("/items?page=3") == 1


def test_no_row_is_lost_where_the_total_no_longer_fits(api, store):
    server = Edited("page", total=True)
    url = api.route("/items", server)
    mirror(store, url)
    server.edits = [lose_first]
    report = mirror(store, url)
    assert report.status == "succeeded"
    assert ids(store) >= set(server.ids) - {99}


def test_a_server_that_allows_no_second_walk_does_not_hold_up_the_first_run(api, store):
    server, asked = Edited("page", link=True), []

    def handler(seen):
        asked.append(seen)
        slow = problem(429, "Slow down").with_headers(Retry_After="3600")
        return slow if len(asked) > 5 else server(seen)

    report = mirror(store, api.route("/items", handler))
    assert (report.status, report.added) == ("succeeded", 14)
    assert tuple(map(str, report.warnings)) == (
        "Records that moved between pages during the run may only arrive with the next full list.",
    )


def test_a_long_listing_is_read_once_and_that_is_told(api, store, monkeypatch):
    monkeypatch.setattr(proof, "MOST_PAGES_TWICE", 3)
    report = mirror(store, api.route("/items", Edited("page", link=True)))
    assert (report.requests, len(report.warnings)) == (4, 1)
