"""A server to ask, and the command line as a user types it."""

import io
import json

import pytest

from tests.cli.guarding import RECORDS, SECRET, VARIABLE, received
from tests.keyring import Keyring
from tests.server import ApiServer, Listing, json_reply
from trayapp.cli import main


@pytest.fixture
def api():
    with ApiServer() as api:
        yield api


@pytest.fixture
def cli(capsys, home, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO())

    def run(*arguments, code=0, stdin=None):
        if stdin is not None:
            monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        capsys.readouterr()
        ended = main([str(argument) for argument in arguments])
        assert code in (None, ended)
        return capsys.readouterr()

    def document(*arguments, **options):
        return json.loads(run(*arguments, "--json", **options).out)

    run.json = document
    return run


@pytest.fixture
def keyring(monkeypatch):
    keyring = Keyring()
    monkeypatch.setattr("trayapp.desktop.secrets.keyrings.chosen_keyring", lambda: keyring)
    return keyring


@pytest.fixture
def evil():
    """Another server, which is not to see the secret in any form."""
    with ApiServer() as evil:
        evil.route("/items", Listing(RECORDS))
        evil.route("/token", json_reply({"access_token": "bought", "token_type": "bearer", "expires_in": 3600}))
        yield evil
        assert not received(evil, SECRET)
        assert not received(evil, "bought-for-good")


@pytest.fixture
def variables(monkeypatch):
    monkeypatch.setenv(VARIABLE, SECRET)
    monkeypatch.setenv("TRAYSYNC_TOKEN", "ours")
