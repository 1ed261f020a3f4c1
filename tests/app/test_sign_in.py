"""A sign-in in the endpoint editor: the test asks for it, saving keeps it, cancelling forgets it."""

import json

import msgspec
import pytest

from tests.sync.oidc.running import Browser, Provider
from trayapp.app.backend import LiveBackend
from trayapp.desktop.process.paths import find_home
from trayapp.desktop.session import opener
from trayapp.endpoints.model import Endpoint, Settings
from trayapp.endpoints.naming import completed
from trayapp.operations.workspace import Workspace
from trayapp.sync.cancel import CancelToken
from trayapp.sync.detection.preview import Preview

pytestmark = pytest.mark.slow


@pytest.fixture
def keyring(tmp_path, monkeypatch):
    file = tmp_path / "keyring.json"
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "tests.sync.oidc.keyring_file.FileKeyring")
    monkeypatch.setenv("TEST_KEYRING", str(file))
    return lambda: json.loads(file.read_text()) if file.exists() else {}


@pytest.fixture
def workspace():
    workspace = Workspace(find_home())
    workspace.home.create()
    yield workspace
    workspace.close()


def test_a_sign_in_during_a_test_is_kept_when_the_endpoint_is_saved(qtbot, keyring, workspace, monkeypatch):
    browser = Browser()
    monkeypatch.setattr(opener, "open_url", browser.open_page)
    with Provider() as provider:
        endpoint = completed(Endpoint(url=f"{provider.base}/items", name="Items", auth=provider.desktop()))
        backend = LiveBackend(workspace)
        asked: list[tuple[str, str]] = []
        backend.sign_in_asked.connect(lambda _ticket, code, url: asked.append((code, url)))
        with qtbot.waitSignal(backend.preview_ready) as ready:
            backend.preview(endpoint, None)
        assert ready.args is not None
        preview = ready.args[1]
        assert isinstance(preview, Preview)
        browser.closed()
        assert [code for code, _ in asked] == [""]
        assert asked[0][1].startswith(f"{provider.base}/auth?")
        assert keyring() == {}, "nothing is kept before the endpoint is"

        workspace.save_all(Settings(endpoint=(endpoint,)), {}, base=Settings())
        assert set(keyring()) == {"TraySync items/refresh_token", "TraySync items/refresh_token/for"}
        report = workspace.execute(workspace.endpoint("items"), False, CancelToken(), lambda _: None)
        assert (report.status, report.added) == ("succeeded", 23)
        assert len(browser.opened) == 1

        moved = msgspec.structs.replace(endpoint, url="http://127.0.0.1:9/items")
        workspace.save_all(Settings(endpoint=(moved,)), {}, base=workspace.settings())
        assert keyring() == {}, "the tokens were for another server"
