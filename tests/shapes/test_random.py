"""Any listing, paged in any way, edited in any way between the runs: after every run the table equals it."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.server import ApiServer, Listing
from trayapp.endpoints.model import Endpoint, Table
from trayapp.endpoints.naming import completed
from trayapp.store.file.database import Store
from trayapp.sync.cancel import CancelToken
from trayapp.sync.run.context import RunContext
from trayapp.sync.run.runner import run

KINDS = [
    {"pages": "none"},
    {"pages": "link"},
    {"pages": "next_url", "at": "links.next"},
    {"pages": "cursor", "at": "next_cursor"},
    {"pages": "page", "total": "header:X-Total-Count"},
    {"pages": "offset", "total": "header:X-Total-Count"},
    {"pages": "page"},
    {"pages": "offset"},
]
values = st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3) | st.lists(st.integers(0, 3), max_size=2)
listings = st.dictionaries(st.integers(1, 40), st.dictionaries(st.sampled_from("abc"), values, max_size=3), max_size=25)


@pytest.fixture(scope="module")
def api():
    with ApiServer() as api:
        yield api


def cell(value):
    """What the table holds for a JSON value in a column of any type: text that tells all kinds apart but booleans."""
    if isinstance(value, bool):
        return str(int(value))
    return value if value is None or isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def as_text(value):
    """A cell, whatever type its column has become."""
    return {"true": "1", "false": "0"}.get(value, value) if isinstance(value, str) or value is None else f"{value:g}"


@settings(max_examples=40, deadline=None)
@given(kind=st.sampled_from(KINDS), size=st.integers(1, 7), runs=st.lists(listings, min_size=1, max_size=3))
def test_the_table_equals_the_listing_after_every_run(api, tmp_path_factory, kind, size, runs):
    store = Store(tmp_path_factory.mktemp("random") / "t.db")
    served = Listing([], size=size, **kind)
    endpoint = completed(Endpoint(url=api.route("/items", served), name="Items", table=Table(key=("id",))))
    context = RunContext(store=store, staging=store.path.parent)
    try:
        for listing in runs:
            served.records = [{"id": key, **fields} for key, fields in sorted(listing.items())]
            report = run(endpoint, context, CancelToken(), apply_held=True)
            assert report.status == "succeeded", str(report.sentence)
            assert report.rows == len(listing)
            with store.reading() as db:
                if not db.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'items'").get:
                    assert not listing
                    continue
                names = [row[1] for row in db.execute("PRAGMA table_info(items)")]
                rows = db.execute("SELECT * FROM items ORDER BY id").fetchall()
            found = [{name: as_text(value) for name, value in zip(names, row, strict=True)} for row in rows]
            wanted = [{name: as_text(cell(record.get(name))) for name in names} for record in served.records]
            assert found == wanted
            assert set(names) >= {name for record in served.records for name in record}
    finally:
        store.close()
