"""What most tests of runs need: a server to sync from, and a file to sync into."""

import pytest

from tests.server import ApiServer
from trayapp.store.file.database import Store


@pytest.fixture
def api():
    with ApiServer() as api:
        yield api


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "t.db")
    yield store
    store.close()


@pytest.fixture
def unprobed(monkeypatch):
    """Nothing is asked for but what a run itself needs: how listings go on has tests of its own."""
    monkeypatch.setattr("trayapp.sync.paging.tries.MOST_REQUESTS", 0)
