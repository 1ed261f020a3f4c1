"""A server to ask, and the command line as a user types it."""

import io
import json

import pytest

from tests.server import ApiServer
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
        assert main([str(argument) for argument in arguments]) == code
        return capsys.readouterr()

    def document(*arguments, **options):
        return json.loads(run(*arguments, "--json", **options).out)

    run.json = document
    return run
