"""OAuth2 on the command line, in processes of its own, against a real provider; and that no secret is left anywhere."""

import json
import os
import subprocess
import sys

import pytest

from tests.sync.oidc.running import SECRET, Provider

pytestmark = pytest.mark.slow

BROWSER = """#!{python}
import sys
sys.path.insert(0, {root!r})
from tests.sync.oidc.running import Browser
Browser().visit(sys.argv[1])
"""


@pytest.fixture(scope="module")
def provider():
    with Provider() as provider:
        yield provider


class Cli:
    """`traysync` with a keyring in a file and a browser that signs in by itself; `said` is all that it printed."""

    def __init__(self, home, folder) -> None:
        opener = folder / "xdg-open"
        opener.write_text(BROWSER.format(python=sys.executable, root=os.getcwd()))
        opener.chmod(0o755)
        self.home = home
        self.keyring = folder / "keyring.json"
        self.said = ""
        self.environment = os.environ | {
            "PATH": f"{folder}:{os.environ['PATH']}",
            "DISPLAY": ":99",
            "PYTHON_KEYRING_BACKEND": "tests.sync.oidc.keyring_file.FileKeyring",
            "PYTHONPATH": os.getcwd(),
            "TEST_KEYRING": str(self.keyring),
        }

    def __call__(self, *arguments, stdin="", code=0):
        done = subprocess.run(
            [sys.executable, "-m", "trayapp", "-vv", "--json", *map(str, arguments)],
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )
        self.said += done.stdout + done.stderr
        assert done.returncode == code, done.stdout + done.stderr
        return json.loads(done.stdout)

    def secrets(self):
        everything = json.loads(self.keyring.read_text())
        assert all(name.removesuffix("/for") in everything for name in everything), "nothing stays that is said of it"
        return {name: value for name, value in everything.items() if not name.endswith("/for")}

    def left_behind(self):
        """Everything that was printed, logged or written, but for the keyring."""
        files = [path for path in self.home.rglob("*") if path.is_file()]
        assert any(path.name == "traysync.db" for path in files)
        assert any(path.name == "settings.toml" for path in files)
        return self.said.encode() + b"".join(path.read_bytes() for path in files)


@pytest.fixture
def cli(home, tmp_path):
    folder = tmp_path / "bin"
    folder.mkdir()
    return Cli(home, folder)


def test_a_program_s_own_credentials(cli, provider):
    auth = f"oauth2_client:machine@{provider.base}/token"
    url = f"{provider.base}/items"
    cli("add", url, "--auth", auth, "--secret-stdin", "--yes", stdin=SECRET + "\n")
    (run,) = cli("sync")["runs"]
    assert (run["status"], run["added"]) == ("succeeded", 23)
    tokens = provider.seen()["tokens"]
    assert tokens
    for secret in (SECRET, *tokens):
        assert secret.encode() not in cli.left_behind()
    assert list(cli.secrets().values()) == [SECRET]


def test_a_person_signs_in_once_and_syncs_go_on_by_themselves(cli, provider):
    tokens = []
    auth = f"oauth2_code:desktop@{provider.base}/token"
    url = f"{provider.base}/items"
    settings = ("--set", 'auth.scopes=["openid", "items:read"]', "--set", f"auth.auth_url={provider.base}/auth")
    cli("add", url, "--auth", auth, *settings, "--yes")
    assert "To sign in, open:" in cli.said
    (name,) = cli.secrets()
    assert name == "TraySync items/refresh_token"
    for added in (23, 0):
        tokens.append(cli.secrets()[name])
        (run,) = cli("sync")["runs"]
        assert (run["status"], run["added"]) == ("succeeded", added)
    tokens.append(cli.secrets()[name])
    assert len(set(tokens)) == 3
    assert cli.said.count("To sign in, open:") == 1

    cli("secret", "set", "items", "refresh_token", stdin="worth nothing\n")
    (run,) = cli("sync", code=1)["runs"]
    assert run["problem"]["title"] == "Sign in again"
    assert cli.said.count("To sign in, open:") == 1, "a sync never asks a person"
    cli("secret", "sign-in", "items")
    assert cli.said.count("To sign in, open:") == 2
    assert cli("sync")["runs"][0]["unchanged"] == 23
    tokens.append(cli.secrets()[name])

    for secret in (*tokens, *provider.seen()["tokens"]):
        assert secret.encode() not in cli.left_behind()
    cli("remove", "items")
    assert cli.secrets() == {}


def test_a_changed_service_does_not_get_the_tokens_of_the_old_one(cli, provider):
    auth = f"oauth2_code:desktop@{provider.base}/token"
    settings = ("--set", f"auth.auth_url={provider.base}/auth", "--set", "auth.scopes=['openid']")
    cli("add", f"{provider.base}/items", "--auth", auth, *settings, "--yes")
    assert cli.secrets()
    cli("edit", "items", "--set", "auth.token_url=https://elsewhere.example/token")
    assert cli.secrets() == {}


def test_who_needs_no_sign_in_is_told_so(cli, provider):
    auth = f"oauth2_client:machine@{provider.base}/token"
    cli("add", f"{provider.base}/items", "--auth", auth, "--secret-stdin", "--yes", stdin=SECRET + "\n")
    assert "needs no sign-in" in cli("secret", "sign-in", "items", code=2)["error"]["title"]
