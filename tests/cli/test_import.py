"""Endpoints that somebody else has written: what an import of them changes is told, and what is dangerous is asked."""

import pytest

from tests.cli.guarding import RECORDS, SECRET, VARIABLE, add, received, refused
from tests.server import Listing, json_reply

PLAIN = """
[[endpoint]]
id = "items"
url = "{url}"
"""


def imported(cli, text, *arguments, code=0):
    return cli.json("import", "-", *arguments, code=code, stdin=text)


@pytest.mark.parametrize(
    "auth",
    [
        'kind = "bearer"',
        'kind = "header"\nname = "X-Anything"',
        'kind = "query"\nname = "q"',
        'kind = "basic"\nuser = "me"',
        'kind = "oauth2_client"\nclient_id = "me"\ntoken_url = "{evil}/token"',
    ],
)
def test_an_import_with_a_known_id_replaces_nothing_without_a_word_and_gets_no_secret_with_one(
    cli, api, evil, keyring, auth
):
    add(cli, api)
    before = cli.json("show", "items")
    text = PLAIN.format(url=evil.url("/items")) + f"[endpoint.auth]\n{auth.format(evil=evil.base)}\n"
    error = imported(cli, text, code=2)["error"]
    assert error["title"] == "The import needs your confirmation"
    assert f"items is replaced: url: {api.url('/items')} → {evil.url('/items')}" in error["cause"]
    assert cli.json("show", "items") == before
    done = imported(cli, text, "--yes")
    assert any("is not sent" in note for note in done["notes"])
    refused(cli, "is not sent")
    assert imported(cli, text)["endpoints"] == done["endpoints"]
    assert evil.requests == []


@pytest.mark.parametrize(
    ("more", "asks"),
    [
        ('request = {{ proxy = "{evil}" }}', "items goes through the proxy {evil}"),
        ('request = {{ ca_file = "/tmp/theirs.pem" }}', "items trusts the certificates in /tmp/theirs.pem"),
        ('request = {{ client_cert = "/home/me.pem" }}', "items shows the certificate /home/me.pem to {api}"),
        (
            'request = {{ client_cert = "/home/me.pem", client_key = "/home/me.key" }}',
            "items uses the key /home/me.key",
        ),
        (
            'auth = {{ kind = "oauth2_client", client_id = "me", token_url = "{evil}/token" }}',
            "items signs in at {evil}",
        ),
        (
            'auth = {{ kind = "oauth2_code", client_id = "me", token_url = "{api}/t", auth_url = "{evil}/a" }}',
            "items signs in at {api}, {evil}",
        ),
        (
            'after = {{ each = "SELECT word AS id FROM diary" }}',
            "items puts what this query finds in your tables into its requests to {api}: SELECT word AS id FROM diary",
        ),
        (
            'auth = {{ kind = "bearer", secret_env = "AWS_SECRET_ACCESS_KEY" }}',
            "items sends the environment variable AWS_SECRET_ACCESS_KEY to {api}",
        ),
    ],
)
@pytest.mark.parametrize("known", [False, True])
def test_what_an_address_alone_does_not_tell_is_asked(cli, api, evil, keyring, variables, more, asks, known):
    api.route("/items", Listing(RECORDS))
    if known:
        add(cli, api)
    url = api.url("/items") + ("/{id}" if "each" in more else "")
    text = f'[[endpoint]]\nid = "items"\nurl = "{url}"\n{more.format(evil=evil.base, api=api.base)}\n'
    error = imported(cli, text, code=2)["error"]
    assert f"{asks.format(evil=evil.base, api=api.base)}." in error["cause"]
    assert ("is replaced" in error["cause"]) is known
    assert [each["id"] for each in cli.json("endpoints")["endpoints"]] == ["items"] * known
    done = imported(cli, text, "--yes")
    assert imported(cli, text) == {**done, "notes": []}, "what was agreed to is not asked again"


def test_a_variable_of_an_import_is_for_where_it_was_agreed_to(cli, api, evil, variables):
    auth = f'[endpoint.auth]\nkind = "bearer"\nsecret_env = "{VARIABLE}"\n'
    text = PLAIN.format(url=api.route("/items", Listing(RECORDS))) + auth
    imported(cli, text, "--yes")
    assert cli.json("sync")["runs"][0]["status"] == "succeeded"
    assert received(api, SECRET)
    cli("edit", "items", "--set", f"url={evil.url('/items')}")
    refused(cli, "is not sent")
    moved = PLAIN.format(url=evil.url("/items")) + auth
    assert "sends the environment variable" in imported(cli, moved, code=2)["error"]["cause"]


@pytest.mark.parametrize("known", [False, True])
def test_a_variable_that_is_there_for_every_endpoint_is_asked_for_too(cli, api, evil, monkeypatch, known):
    monkeypatch.setenv("TRAYSYNC_TOKEN", SECRET)
    api.route("/items", Listing(RECORDS))
    auth = '[endpoint.auth]\nkind = "bearer"\nsecret_env = "TRAYSYNC_TOKEN"\n'
    ours = PLAIN.format(url=api.url("/items")) + auth
    if known:
        imported(cli, ours, "--yes")
        assert imported(cli, ours)["endpoints"], "what was agreed to is not asked again"
    theirs = PLAIN.format(url=evil.url("/items")) + auth
    cause = imported(cli, theirs, code=2)["error"]["cause"]
    assert f"items sends the environment variable TRAYSYNC_TOKEN to {evil.base}" in cause


def test_what_takes_no_word_is_imported_at_once_and_told(cli, api, tmp_path):
    file = tmp_path / "one.toml"
    url = api.route("/items", Listing(RECORDS))
    file.write_text(PLAIN.format(url=url))
    assert cli("import", file).out == f"items (new): {url}\nImported items.\n"
    assert cli("import", file).out == f"items (unchanged): {url}\nImported items.\n"
    file.write_text(f'[[endpoint]]\nurl = "{url}?page=2"\nname = "Others"\n')
    assert cli("import", file).out == f"Others (new): {url}?page=2\nImported others.\n"
    assert cli("import", file).out == f"others (unchanged): {url}?page=2\nImported others.\n"
    assert len(cli.json("endpoints")["endpoints"]) == 2


def test_a_person_is_asked_once_for_all(cli, api, tmp_path, monkeypatch):
    file = tmp_path / "two.toml"
    url = api.route("/items", json_reply(RECORDS))
    cli("add", url, "--id", "items", "--every", "1h", "--yes")
    file.write_text(
        PLAIN.format(url=url)
        + f'every = "1d"\n\n[[endpoint]]\nid = "new"\nurl = "{url}"\nrequest = {{ proxy = "http://p.example" }}\n'
    )
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    asked = []
    for answer, code in (("n", 1), ("y", 0)):
        monkeypatch.setattr("builtins.input", lambda question, a=answer: asked.append(question) or a)
        said = cli("import", file, code=code).out
        assert "items (changed)" in said
        assert "every: 1h → 1d" in said
        assert "new goes through the proxy http://p.example." in said
        assert len(cli.json("endpoints")["endpoints"]) == (1 if code else 2)
    assert asked == ["Import that? [y/N] "] * 2
    assert cli("import", file).out.endswith("Imported items, new.\n")
    assert len(asked) == 2


def test_what_was_shown_is_what_is_agreed_to(cli, api, home):
    """The settings change between the question and the answer."""
    from trayapp.desktop.process.paths import find_home
    from trayapp.errors import UserError
    from trayapp.operations.imports import import_text, plan
    from trayapp.operations.workspace import Workspace

    url = api.route("/items", json_reply(RECORDS))
    cli("add", url, "--id", "items", "--yes")
    workspace = Workspace(find_home(home))
    try:
        text = PLAIN.format(url=f"{url}?a=b")
        shown = [ask.english() for each in plan(workspace, text) for ask in each.asks]
        workspace.edit("items", {"every": "2h"})
        with pytest.raises(UserError, match="needs your confirmation"):
            import_text(workspace, text, shown)
    finally:
        workspace.close()


def test_secrets_of_an_import_go_into_the_keyring_and_are_not_shown(cli, api, home, keyring):
    url = api.route("/items", Listing(RECORDS))
    text = PLAIN.format(url=f"{url}?api_key={SECRET}")
    done = imported(cli, text)
    assert done["notes"] == ["api_key was moved to the keyring."]
    assert done["endpoints"][0]["auth"] == {"kind": "query", "name": "api_key"}
    assert keyring.kept["TraySync", "items/secret"] == SECRET
    assert cli.json("sync")["runs"][0]["status"] == "succeeded"
    assert api.requests[-1].param("api_key") == SECRET
    assert SECRET not in (home / "settings.toml").read_text()
    again = imported(cli, text)
    assert again["endpoints"] == done["endpoints"]
    (home / "settings.toml").write_text(PLAIN.format(url=f"{url}?api_key=0ld-{SECRET}"))
    other = imported(cli, PLAIN.format(url=f"{url}?x=1"), code=2)["error"]["cause"]
    assert SECRET not in other
    assert f"url: … → {url}?x=1" in other
