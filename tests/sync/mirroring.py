"""Mirroring an address with nothing but the address, and reading what the table has afterwards."""

import json
from contextlib import contextmanager

from tests.server import ApiServer
from trayapp.endpoints.model import Endpoint
from trayapp.endpoints.naming import completed
from trayapp.store.file.database import Store
from trayapp.sync.cancel import CancelToken
from trayapp.sync.detection.first_page import explore
from trayapp.sync.http.auth import Credentials
from trayapp.sync.run.context import RunContext
from trayapp.sync.run.runner import run


class Mirror:
    """A server, a file, and runs between them."""

    def __init__(self, api, store):
        self.api = api
        self.store = store
        self.preview = None
        self.report = None

    def add(self, reply, path="/items", **fields):
        """What `add --yes` does with the address: explore, then run what was found. Returns the rows."""
        url = self.api.route(path, reply)
        self.preview = explore(Endpoint(url=url, name="Items", **fields), Credentials(), CancelToken())
        return self.run(self.preview.endpoint)

    def sync(self, reply, path="/items", full=False, **fields):
        """A run without a look beforehand. Returns the rows."""
        return self.run(completed(Endpoint(url=self.api.route(path, reply), name="Items", **fields)), full)

    def run(self, endpoint, full=False):
        context = RunContext(store=self.store, staging=self.store.path.parent)
        self.report = run(endpoint, context, CancelToken(), full=full)
        return self.rows() if self.report.problem is None else None

    def rows(self):
        """The table's rows in order; none when there is no table yet."""
        with self.store.reading() as db:
            names = [row[1] for row in db.execute("PRAGMA table_info(items)")]
            if not names:
                return []
            return [
                dict(zip(names, row, strict=True))
                for row in db.execute("SELECT * FROM items ORDER BY rowid").fetchall()
            ]

    def types(self):
        with self.store.reading() as db:
            return {row[1]: row[2] for row in db.execute("PRAGMA table_info(items)")}


@contextmanager
def mirroring(folder):
    """A Mirror whose file is in that folder."""
    with ApiServer() as api:
        store = Store(folder / "t.db")
        try:
            yield Mirror(api, store)
        finally:
            store.close()


def as_stored(records):
    """Records as the table has them: nested values as JSON text, missing fields as None."""
    names = list(dict.fromkeys(name for record in records for name in record))
    return [{name: _stored(record.get(name)) for name in names} for record in records]


def _stored(value):
    if isinstance(value, dict | list):
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return int(value) if isinstance(value, bool) else value
