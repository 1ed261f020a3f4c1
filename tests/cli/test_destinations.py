"""A secret that was entered for one server is sent to no other, whichever way the endpoint got its new address."""

import pytest

from tests.cli.guarding import KINDS, RECORDS, SECRET, VARIABLE, add, received, refused
from tests.server import ApiServer, Listing


@pytest.mark.parametrize("kind", KINDS)
def test_an_edited_address_does_not_get_the_secret(cli, api, evil, keyring, kind):
    add(cli, api, kind)
    said = cli("edit", "items", "--set", f"url={evil.url('/items')}").out
    assert "Changed items." in said
    assert "is not sent to 127.0.0.1" in said
    assert "traysync secret set items" in said
    problem = refused(cli, api.base, evil.base, "traysync secret set items", "traysync secret allow items")
    assert (
        problem["title"]
        == {
            "bearer": "The token is not sent to 127.0.0.1",
            "basic": "The password is not sent to 127.0.0.1",
            "header": "The key is not sent to 127.0.0.1",
            "query": "The key is not sent to 127.0.0.1",
            "oauth2_client": "The client's secret is not sent to 127.0.0.1",
        }[kind]
    )
    assert evil.requests == []
    cli("edit", "items", "--set", f"url={api.url('/items')}")
    assert cli.json("sync")["runs"][0]["status"] == "succeeded"


def test_another_kind_of_endpoint_at_the_same_server_gets_it(cli, api, keyring):
    add(cli, api, "bearer")
    said = cli("edit", "items", "--set", f"url={api.route('/others', Listing(RECORDS))}").out
    assert said == "Changed items.\n"
    cli("edit", "items", "--set", "auth.kind=header", "--set", "auth.name=X-Api-Key")
    assert cli.json("sync")["runs"][0]["status"] == "succeeded"
    assert api.requests[-1].headers["X-Api-Key"] == SECRET


def test_a_client_s_secret_is_for_the_sign_in_service_and_not_for_the_server(cli, api, evil, keyring):
    """What the good service gives for it is not for another server either."""
    add(cli, api, "oauth2_client")
    evil.route("/items", Listing(RECORDS))
    cli("edit", "items", "--set", f"url={evil.url('/items')}")
    refused(cli, f"{evil.base} (access tokens)")
    cli("edit", "items", "--set", f"url={api.url('/items')}", "--set", "auth.kind=bearer")
    refused(cli, "The token is not sent", f"sign-in service {api.base}")


@pytest.mark.parametrize("kind", KINDS)
def test_a_preview_with_another_address_does_not_send_it(cli, api, evil, keyring, kind):
    add(cli, api, kind)
    error = cli.json("preview", "items", "--set", f"url={evil.url('/items')}", code=1)["error"]
    assert "is not sent" in error["title"]
    assert evil.requests == []
    assert cli.json("preview", "items")["records"]["count"] == 5


def test_a_preview_of_an_address_does_not_get_the_secret_of_the_endpoint_that_has_its_name(cli, api, evil, keyring):
    add(cli, api)
    auth = f"oauth2_code:me@{evil.url('/token')}"
    cli("preview", evil.url("/items"), "--auth", auth, "--set", f"auth.device_url={evil.url('/device')}", code=1)
    assert evil.requests


@pytest.mark.parametrize(
    "changes",
    [
        ["request.proxy={evil}"],
        ["request.ca_file=/etc/ssl/certs/ca-certificates.crt"],
        ["request.headers.Host=evil.example.com"],
        ["request.headers.hOST=127.0.0.1"],
        ["auth.kind=oauth2_client", "auth.client_id=me", "auth.token_url={evil}/token"],
        ["auth.kind=oauth2_code", "auth.client_id=me", "auth.token_url={evil}/token", "auth.auth_url={evil}/auth"],
    ],
)
@pytest.mark.parametrize("how", ["edit", "preview"])
def test_another_way_or_service_does_not_get_it(cli, api, evil, keyring, changes, how):
    add(cli, api)
    sets = [part for change in changes for part in ("--set", change.format(evil=evil.base))]
    if how == "edit":
        assert "is not sent" in cli("edit", "items", *sets).out
        refused(cli, "is not sent")
    else:
        assert "is not sent" in cli("preview", "items", *sets, code=1).err
    assert evil.requests == []


def test_what_goes_nowhere_else_needs_no_new_word(cli, api, keyring):
    add(cli, api, "bearer", "--ca-file", "/etc/ssl/certs/ca-certificates.crt")
    assert cli("edit", "items", "--set", "request.ca_file=").out == "Changed items.\n"
    assert cli.json("sync")["runs"][0]["status"] == "succeeded"


def test_entering_it_again_gives_it_to_the_new_server_only(cli, api, keyring):
    add(cli, api)
    with ApiServer() as other:
        cli("edit", "items", "--set", f"url={other.route('/items', Listing(RECORDS))}")
        cli("secret", "set", "items", stdin=SECRET)
        assert cli.json("sync")["runs"][0]["status"] == "succeeded"
        assert received(other, SECRET)
        assert keyring.said_of("items/secret") == {other.base}
        cli("edit", "items", "--set", f"url={api.url('/items')}")
        refused(cli, other.base)


def test_allowing_it_takes_an_explicit_word(cli, api, keyring, monkeypatch):
    add(cli, api)
    with ApiServer() as other:
        cli("edit", "items", "--set", f"url={other.route('/items', Listing(RECORDS))}")
        error = cli.json("secret", "allow", "items", code=2)["error"]
        assert error["title"] == "There is no terminal to ask at"
        assert error["cause"] == f"The token may be sent to {other.base}. Allow that?"
        asked = []
        monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
        monkeypatch.setattr("builtins.input", lambda question: asked.append(question) or "n")
        cli("secret", "allow", "items", code=1)
        refused(cli, other.base)
        monkeypatch.setattr("builtins.input", lambda question: asked.append(question) or "y")
        assert cli("secret", "allow", "items").out == f"The token may be sent to {other.base}.\n"
        assert len(asked) == 2
        assert cli.json("sync")["runs"][0]["status"] == "succeeded"
        cli("edit", "items", "--set", f"url={api.url('/items')}")
        refused(cli)
        assert cli.json("secret", "allow", "items", "--yes") == {
            "allowed": [{"field": "secret", "what": "The token", "to": [api.base]}]
        }
        assert cli.json("sync")["runs"][0]["status"] == "succeeded"


def test_there_must_be_something_to_allow(cli, api, keyring):
    cli("add", api.route("/open", Listing(RECORDS)), "--id", "open", "--yes")
    assert "sends no such secret" in cli("secret", "allow", "open", "--yes", code=2).err
    cli("edit", "open", "--set", "auth.kind=bearer")
    assert "Nothing is stored" in cli("secret", "allow", "open", "--yes", code=2).err
    assert "no secret called “secret/for”" in cli("secret", "set", "open", "secret/for", code=2, stdin="{}").err
    assert "no secret called “secret/for”" in cli("secret", "allow", "open", "secret/for", code=2).err


def test_the_password_of_a_proxy_is_for_that_proxy(cli, api, evil, keyring):
    proxied = ["--set", f"request.proxy={api.base}", "--set", "request.proxy_user=me"]
    api.route("/items", Listing(RECORDS))
    cli("add", api.url("/items"), "--id", "items", "--yes")
    cli("edit", "items", *proxied)
    cli("secret", "set", "items", "proxy", stdin=SECRET)
    assert cli.json("sync")["runs"][0]["status"] == "succeeded"
    assert received(api, SECRET)
    assert keyring.said_of("items/proxy") == {f"proxy {api.base}"}
    error = cli.json("preview", "items", "--set", f"request.proxy={evil.base}", code=1)["error"]
    assert error["title"] == "The proxy's password is not sent to 127.0.0.1"
    assert "traysync secret set items proxy" in error["next"]
    cli("edit", "items", "--set", f"request.proxy={evil.base}")
    cli("sync", "items")
    assert evil.requests


def test_an_id_that_is_used_again_gets_nothing_of_the_one_before(cli, api, keyring):
    add(cli, api)
    cli("edit", "items", "--set", "auth.kind=none")
    assert keyring.kept == {}
    assert cli.json("sync", "items")["runs"][0]["status"] == "succeeded"
    cli("remove", "items", "--drop-table")
    add(cli, api, "oauth2_client")
    cli("secret", "set", "items", "refresh_token", stdin="left-over")
    cli("edit", "items", "--set", "request.proxy=http://127.0.0.1:9", "--set", "request.proxy_user=me")
    cli("secret", "set", "items", "proxy", stdin="left-over-too")
    cli("remove", "items")
    assert keyring.kept == {}


def test_a_secret_that_was_left_by_an_older_version_goes_with_the_endpoint_too(cli, api, keyring):
    cli("add", api.route("/items", Listing(RECORDS)), "--id", "items", "--yes")
    keyring.kept["TraySync", "items/secret"] = SECRET
    cli("remove", "items")
    assert keyring.kept == {}


def test_an_endpoint_without_secrets_is_removed_where_there_is_no_keyring(cli, api, monkeypatch):
    monkeypatch.setenv("MY_TOKEN", SECRET)
    url = api.route("/items", Listing(RECORDS))
    cli("add", url, "--id", "open", "--yes")
    cli("add", url, "--id", "closed", "--auth", "bearer", "--secret-env", "MY_TOKEN", "--yes")
    for id in ("open", "closed"):
        cli("remove", id)
    assert cli.json("endpoints")["endpoints"] == []


def test_an_endpoint_whose_secret_can_t_be_kept_is_not_saved(cli, api, home):
    url = api.route("/items", Listing(RECORDS))
    for arguments in (["--id", "items"], []):
        said = cli("add", url, "--auth", "bearer", "--secret-stdin", "--yes", *arguments, code=2, stdin=SECRET).err
        assert "There is no keyring" in said
        assert cli.json("endpoints")["endpoints"] == []
    for path in home.rglob("*"):
        if path.is_file():
            assert SECRET.encode() not in path.read_bytes()


# Environment variables

BEARER = ["--set", "auth.kind=bearer"]


def test_a_variable_that_a_person_named_is_for_that_endpoint_and_where_it_goes(cli, api, evil, variables):
    url = api.route("/items", Listing(RECORDS))
    cli("add", url, "--auth", "bearer", "--secret-env", VARIABLE, "--id", "items", "--yes")
    assert cli.json("sync")["runs"][0]["status"] == "succeeded"
    assert received(api, SECRET)
    said = cli("edit", "items", "--set", f"url={evil.url('/items')}").out
    assert f"{VARIABLE} is not sent to 127.0.0.1. It was allowed for {api.base}." in said
    problem = refused(cli, api.base, evil.base)
    assert problem["next"] == "If that is intended, allow it: traysync secret allow items"
    assert "is not sent" in cli("preview", "items", code=1).err
    cli("edit", "items", "--set", f"url={url}")
    assert cli.json("sync")["runs"][0]["status"] == "succeeded"
    cli("edit", "items", "--set", "auth.secret_env=TRAYSYNC_TOKEN")
    cli("remove", "items", "--drop-table")
    cli("add", url, "--id", "items", "--yes")
    cli("edit", "items", *BEARER, "--set", f"auth.secret_env={VARIABLE}")
    refused(cli, "This endpoint is not allowed")


@pytest.mark.parametrize("name", [VARIABLE, f"${VARIABLE}", "PATH"])
def test_a_variable_that_was_only_set_is_not_sent(cli, evil, variables, name):
    cli("add", evil.url("/items"), "--id", "items", "--yes")
    asked = len(evil.requests)
    settings = [*BEARER, "--set", f"auth.secret_env={name}"]
    assert "is not sent" in cli("preview", "items", *settings, code=1).err
    assert f"name it yourself: --secret-env {name}" in cli("preview", evil.url("/items"), *settings, code=1).err
    assert "is not sent" in cli("add", evil.url("/items"), "--id", "other", "--yes", *settings, code=1).err
    assert "is not sent" in cli("edit", "items", *settings).out
    refused(cli, "This endpoint is not allowed to use that environment variable", "traysync secret allow items")
    assert len(evil.requests) == asked


def test_a_variable_in_settings_that_somebody_wrote_is_not_sent(cli, evil, variables, home):
    auth = f'[endpoint.auth]\nkind = "query"\nname = "q"\nsecret_env = "{VARIABLE}"\n'
    (home / "settings.toml").write_text(f'[[endpoint]]\nid = "items"\nurl = "{evil.url("/items")}"\n{auth}')
    assert cli.json("sync", "--due", code=1)["runs"][0]["status"] == "failed"
    refused(cli, f"{VARIABLE} is not sent to 127.0.0.1")
    assert evil.requests == []


def test_a_variable_is_allowed_once(cli, api, variables):
    cli("add", api.route("/items", Listing(RECORDS)), "--id", "items", "--yes")
    cli("edit", "items", *BEARER, "--set", f"auth.secret_env={VARIABLE}")
    allowed = cli.json("secret", "allow", "items", "--yes")["allowed"]
    assert allowed == [{"field": "secret", "what": VARIABLE, "to": [api.base]}]
    for _ in range(2):
        assert cli.json("sync", "items")["runs"][0]["status"] == "succeeded"
    assert api.requests[-1].headers["Authorization"] == f"Bearer {SECRET}"


def test_a_variable_of_ours_needs_no_word(cli, api, variables):
    cli("add", api.route("/items", Listing(RECORDS)), "--id", "items", "--yes")
    assert "is not sent" not in cli("edit", "items", *BEARER, "--set", "auth.secret_env=TRAYSYNC_TOKEN").out
    assert cli.json("sync", "items")["runs"][0]["status"] == "succeeded"
    assert api.requests[-1].headers["Authorization"] == "Bearer ours"


def test_a_preview_of_an_address_may_use_the_variable_that_is_named_for_it(cli, api, variables):
    url = api.route("/items", Listing(RECORDS))
    cli("preview", url, "--auth", "bearer", "--secret-env", VARIABLE)
    assert received(api, SECRET)
