"""Every preset against a server that answers as its API's manual says: the table equals what the server has."""

from urllib.parse import urlsplit

import msgspec
import pytest

from tests.comparing import canonical, rows
from tests.presets.servers import APIS
from tests.server import ApiServer
from trayapp.endpoints.model import Limits
from trayapp.endpoints.naming import completed
from trayapp.endpoints.presets import fill, find_preset, load_presets
from trayapp.store.file.database import Store
from trayapp.sync.cancel import CancelToken
from trayapp.sync.detection.first_page import explore
from trayapp.sync.http.auth import credentials
from trayapp.sync.run.context import RunContext
from trayapp.sync.run.runner import run

FIRST = range(1, 36)


def test_every_preset_has_its_server():
    assert {preset.name for preset in load_presets()} == set(APIS)


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "t.db")
    yield store
    store.close()


@pytest.mark.parametrize("name", APIS)
def test_a_preset_mirrors_its_api(name, store):
    api = APIS[name]
    records = [api.made(number) for number in FIRST]

    with ApiServer() as server:
        base = server.route(api.path, lambda seen: api.serve(records, seen)).removesuffix(api.path)
        endpoint = fill(find_preset(name), api.values)
        parts = urlsplit(endpoint.url)
        assert parts.scheme == "https"
        # The API's own address, but here; and at our own pace.
        endpoint = completed(
            msgspec.structs.replace(endpoint, url=base + endpoint.url.partition(parts.netloc)[2], limits=Limits())
        )
        preview = explore(endpoint, credentials(endpoint.auth, api.secret or None), CancelToken())
        assert preview.proven
        assert preview.endpoint.table.key[-1] == api.key
        endpoint = preview.endpoint
        context = RunContext(store=store, staging=store.path.parent, secret=lambda _id, _auth: api.secret or None)

        def synced(full=False):
            report = run(endpoint, context, CancelToken(), full=full)
            assert report.problem is None, report.problem
            assert not report.held
            return (report.added, report.changed, report.deleted), canonical(rows(store.path, endpoint.table.name))

        def served():
            return canonical(api.rows([each for each in records if not each.get("deleted")]))

        counts, table = synced()
        assert table == served()
        assert counts == (len(records), 0, 0)
        assert synced()[0] == (0, 0, 0)

        gone = records[4]
        records[10] = api.edited(records[10])
        records += [api.edited(api.made(number)) for number in range(50, 65)]
        if name == "kinto-records":
            records[4] = {"id": gone["id"], "last_modified": 9000, "deleted": True}
        else:
            del records[4]
        keeps = endpoint.table.mode == "upsert"
        late = not keeps and endpoint.incremental is not None and not endpoint.incremental.deleted
        counts, table = synced()
        assert counts == (15, 1, 0 if keeps or late else 1)
        if keeps or late:
            records.insert(4, gone)
            assert table == served()
            del records[4]
        else:
            assert table == served()
        if late:
            counts, table = synced(full=True)
            assert counts == (0, 0, 1)
            assert table == served()
