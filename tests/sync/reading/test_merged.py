"""One record in several answers, as MediaWiki gives them."""

import pytest

from tests.server import json_reply
from trayapp.endpoints.model import Endpoint, Pages, Response, Table
from trayapp.endpoints.naming import completed
from trayapp.sync.cancel import CancelToken
from trayapp.sync.run.context import RunContext
from trayapp.sync.run.runner import run

PARTS = [
    (
        [{"pageid": 1, "title": "A", "cats": ["x"]}, {"pageid": 2, "title": "B"}],
        {"clcontinue": "1|y", "continue": "||"},
    ),
    (
        [{"pageid": 1, "title": "A", "cats": ["y"]}, {"pageid": 2, "title": "B"}],
        {"clcontinue": "2|z", "continue": "||"},
    ),
    ([{"pageid": 2, "title": "B", "cats": ["z"], "links": {"n": 1}}], {"gapcontinue": "C", "continue": "gap||"}),
    ([{"pageid": 3, "title": "C", "cats": ["x"]}], None),
]


def serve(parts):
    def handler(seen):
        place = {"1|y": 1, "2|z": 2}.get(seen.param("clcontinue"), 3 if seen.param("gapcontinue") else 0)
        records, more = parts[place]
        return json_reply({"query": {"pages": records}} | ({"continue": more} if more else {}))

    return handler


@pytest.mark.parametrize(
    "settings", [{}, {"pages": Pages(kind="cursor", path="continue"), "table": Table(key=("pageid",))}]
)
def test_the_parts_of_a_record_become_one_row(api, store, settings):
    url = api.route("/api", serve(PARTS))
    endpoint = completed(Endpoint(url=url, name="Pages", response=Response(records="query.pages"), **settings))
    context = RunContext(store=store, staging=store.path.parent)
    report = run(endpoint, context, CancelToken())
    assert (report.status, report.added) == ("succeeded", 3), str(report.sentence)
    with store.reading() as db:
        rows = db.execute("SELECT pageid, title, cats, links FROM pages ORDER BY pageid").fetchall()
    assert rows == [(1, "A", '["x","y"]', None), (2, "B", '["z"]', '{"n":1}'), (3, "C", '["x"]', None)]
    assert run(endpoint, context, CancelToken()).unchanged == 3
    changed = [*PARTS[:1], ([{"pageid": 1, "title": "A", "cats": ["w"]}], PARTS[1][1]), *PARTS[2:]]
    api.route("/api", serve(changed))
    report = run(endpoint, context, CancelToken())
    assert (report.changed, report.unchanged) == (1, 2)
