"""What the vault gives out: in a process that lives long, after crashes, beside other tools, and after an upgrade."""

import apsw
import msgspec
import pytest

from tests.keyring import Keyring
from tests.server import ApiServer, Listing, json_reply
from trayapp.desktop.process.paths import Home
from trayapp.desktop.secrets.errors import SecretsError
from trayapp.desktop.secrets.store import Secrets
from trayapp.endpoints.model import Auth, Endpoint, Request, Settings
from trayapp.operations.vault import Withheld
from trayapp.operations.workspace import Workspace
from trayapp.sync.cancel import CancelToken
from trayapp.sync.errors import AuthError

RECORDS = [{"id": n} for n in range(1, 6)]
GOOD = Endpoint(id="items", name="Items", url="https://api.example.com/items", auth=Auth(kind="bearer"))
EVIL = msgspec.structs.replace(GOOD, url="https://api.evil.test/items")


@pytest.fixture
def keyring(monkeypatch):
    keyring = Keyring()
    monkeypatch.setattr("trayapp.desktop.secrets.keyrings.chosen_keyring", lambda: keyring)
    return keyring


@pytest.fixture
def make(tmp_path, keyring):
    made = []

    def make():
        made.append(Workspace(Home(tmp_path, tmp_path, tmp_path)))
        made[-1].home.create()
        return made[-1]

    yield make
    for workspace in made:
        workspace.close()


@pytest.fixture
def workspace(make):
    return make()


@pytest.fixture
def api():
    with ApiServer() as api:
        yield api


def test_the_words_of_a_refusal(workspace):
    workspace.vault.set(GOOD, "secret", "s3cret")
    assert workspace.vault.get(GOOD) == "s3cret"
    with pytest.raises(Withheld) as caught:
        workspace.vault.get(EVIL)
    assert caught.value.problem.as_dict() == {
        "title": "The token is not sent to api.evil.test",
        "cause": "It was entered for https://api.example.com. This endpoint now sends to https://api.evil.test.",
        "next": "Enter it again (traysync secret set items), or allow it: traysync secret allow items",
    }


@pytest.mark.parametrize("kind", ["oauth2_client", "oauth2_code"])
def test_a_token_that_is_in_memory_is_not_sent_elsewhere_either(workspace, api, kind):
    """As the tray program has it, whose runs share what was bought for the first of them."""
    auth = Auth(kind=kind, client_id="me", token_url=api.url("/token"), auth_url=api.url("/auth"))
    api.route("/token", json_reply({"access_token": "bought", "expires_in": 3600}))
    good = Endpoint(id="items", name="Items", url=api.route("/items", Listing(RECORDS)), auth=auth)
    if kind == "oauth2_client":
        workspace.save(good, "s3cret")
    with ApiServer() as evil:
        evil.route("/items", Listing(RECORDS))
        for moved in (
            {"url": evil.url("/items")},
            {"request.proxy": evil.base},
            {"request.ca_file": "/etc/ssl/certs/ca-certificates.crt"},
        ):
            workspace.save(good, tokens={"refresh_token": "r1"} if kind == "oauth2_code" else None)
            assert execute(workspace).status == "succeeded"
            workspace.edit("items", moved)
            report = execute(workspace)
            assert report.status == "failed"
            assert report.problem is not None
            signed_out = kind == "oauth2_code" and "url" in moved  # who moves the endpoint signs in anew
            assert ("Sign in again" if signed_out else "is not sent") in str(report.problem.title)
            assert report.failure == "permanent"
        assert evil.requests == []


def execute(workspace):
    return workspace.execute(workspace.endpoint("items"), False, CancelToken(), lambda _: None)


def test_a_secret_that_another_tool_put_there_is_not_given_out(workspace, keyring):
    keyring.kept["TraySync", "items/secret"] = "theirs"
    with pytest.raises(Withheld, match="unknown for which server"):
        workspace.vault.get(GOOD)
    workspace.vault.set(GOOD, "secret", "ours")
    keyring.kept["TraySync", "items/secret"] = "theirs"
    with pytest.raises(Withheld):
        workspace.vault.get(GOOD, fresh=True)
    workspace.vault.allow(GOOD, workspace.vault.wants(GOOD))
    assert workspace.vault.get(GOOD) == "theirs"


@pytest.mark.parametrize("garbled", ["", "[]", "{", '{"x": 1}', "{}"])
def test_what_is_said_of_a_secret_is_not_guessed_when_it_can_t_be_read(workspace, keyring, garbled):
    workspace.vault.set(GOOD, "secret", "ours")
    keyring.kept["TraySync", "items/secret/for"] = garbled
    with pytest.raises(Withheld):
        workspace.vault.get(GOOD, fresh=True)


@pytest.mark.parametrize("writes", [0, 1, 2])
@pytest.mark.parametrize("value", ["old", "new"])
def test_a_crash_while_a_secret_is_stored_gives_nothing_a_wider_permission(workspace, keyring, writes, value):
    workspace.vault.set(GOOD, "secret", "old")
    keyring.writes_left = writes
    if writes < 2:
        with pytest.raises(SecretsError):
            workspace.vault.set(EVIL, "secret", value)
    else:
        workspace.vault.set(EVIL, "secret", value)
    given = []
    for endpoint in (GOOD, EVIL):
        try:
            given.append((endpoint, workspace.vault.get(endpoint, fresh=True)))
        except Withheld:
            continue
    if value == "old":  # the person has just said that it may go there
        assert given == [(GOOD if writes == 0 else EVIL, "old")]
    else:
        assert given == [(EVIL, "new") if writes == 2 else (GOOD, "old")]


@pytest.mark.parametrize("writes", [0, 1, 2])
def test_a_crash_while_a_sign_in_is_renewed_loses_none(workspace, keyring, writes):
    signed_in = msgspec.structs.replace(
        GOOD, auth=Auth(kind="oauth2_code", client_id="me", token_url="https://id.example.com/token")
    )
    workspace.vault.set(signed_in, "refresh_token", "r1")
    keyring.writes_left = writes
    if writes < 2:
        with pytest.raises(SecretsError):
            workspace.vault.set(signed_in, "refresh_token", "r2")
    else:
        workspace.vault.set(signed_in, "refresh_token", "r2")
    assert workspace.vault.get(signed_in, "refresh_token", fresh=True) == ("r2" if writes == 2 else "r1")


def test_nobody_allows_what_they_were_not_shown(workspace):
    workspace.vault.set(GOOD, "secret", "s3cret")
    shown = workspace.vault.wants(GOOD)
    with pytest.raises(Exception, match="changed in the meantime"):
        workspace.vault.allow(EVIL, shown)
    with pytest.raises(Withheld):
        workspace.vault.get(EVIL)


def test_a_draft_does_not_get_what_an_endpoint_of_its_id_left_behind(workspace, api):
    draft = msgspec.structs.replace(GOOD, url=api.route("/items", Listing(RECORDS)))
    workspace.vault.set(draft, "secret", "left-behind")
    with pytest.raises(AuthError, match="missing"):
        workspace.preview(draft, None, CancelToken())
    assert api.requests == []


def old_home(make, *endpoints):
    """A home as the version before grants left it."""
    workspace = make()
    workspace.settings_file.edit(lambda _: Settings(endpoint=endpoints))
    with workspace.store.writing() as db:
        db.execute("DROP TABLE _sync_grants")
    workspace.close()
    db = apsw.Connection(str(workspace.home.database))
    for table in ("_sync_runs", "_sync_endpoints"):
        db.execute(f"ALTER TABLE {table} DROP COLUMN messages")
    db.execute("ALTER TABLE _sync_endpoints DROP COLUMN doubted")
    for table in ("_sync_runs", "_sync_endpoints"):
        db.execute(f"ALTER TABLE {table} DROP COLUMN evidence")
    db.pragma("user_version", 3)
    db.close()


def test_what_was_in_use_before_is_allowed_after_an_upgrade_and_nothing_that_comes_later(make, keyring, monkeypatch):
    monkeypatch.setenv("MY_TOKEN", "from-the-environment")
    proxied = msgspec.structs.replace(
        GOOD, id="proxied", table=msgspec.structs.replace(GOOD.table, name="proxied"),
        request=Request(proxy="http://proxy.example.com", proxy_user="me"),
    )  # fmt: skip
    by_variable = msgspec.structs.replace(
        GOOD, id="variable", table=msgspec.structs.replace(GOOD.table, name="variable"),
        auth=Auth(kind="bearer", secret_env="$MY_TOKEN"),
    )  # fmt: skip
    old_home(make, GOOD, proxied, by_variable)
    for id, field in (("items", "secret"), ("proxied", "secret"), ("proxied", "proxy"), ("later", "secret")):
        keyring.kept["TraySync", f"{id}/{field}"] = f"{id}-{field}"
    new = make()
    new.store  # noqa: B018
    assert new.vault.get(GOOD) == "items-secret"
    assert keyring.said_of("items/secret") == {"https://api.example.com"}
    assert new.vault.get(proxied) == "proxied-secret"
    assert new.vault.get(proxied, "proxy") == "proxied-proxy"
    assert new.vault.get(by_variable) == "from-the-environment"
    for moved in (EVIL, msgspec.structs.replace(by_variable, url=EVIL.url)):
        with pytest.raises(Withheld):
            new.vault.get(moved)
    later = msgspec.structs.replace(GOOD, id="later", table=msgspec.structs.replace(GOOD.table, name="later"))
    new.settings_file.edit(lambda old: Settings(endpoint=(*old.endpoint, later)))
    del keyring.kept["TraySync", "items/secret/for"]
    again = make()
    for endpoint in (later, GOOD):
        with pytest.raises(Withheld):
            again.vault.get(endpoint)


def test_an_upgrade_waits_for_settings_that_can_be_read(make, keyring):
    old_home(make, GOOD)
    keyring.kept["TraySync", "items/secret"] = "s3cret"
    new = make()
    text = new.settings_file.path.read_text()
    new.settings_file.path.write_text("[[endpoint]\n")
    with pytest.raises(Withheld):
        new.vault.get(GOOD)
    new.settings_file.path.write_text(text)
    assert make().vault.get(GOOD) == "s3cret"


def test_a_new_home_owes_nobody_anything(make, keyring):
    workspace = make()
    workspace.settings_file.edit(lambda _: Settings(endpoint=(GOOD,)))
    keyring.kept["TraySync", "items/secret"] = "s3cret"
    with pytest.raises(Withheld):
        workspace.vault.get(GOOD)


def test_long_secrets_keep_their_destinations_where_the_store_takes_short_texts_only(keyring):
    secrets = Secrets(part_limit=10)
    secrets.set("a", "0123456789" * 3, {"https://api.example.com"})
    kept = Secrets().get("a")
    assert kept is not None
    assert (kept.value, kept.to) == ("0123456789" * 3, {"https://api.example.com"})
    assert "0123456789" not in repr(kept)
    assert secrets.delete("a")
    assert keyring.kept == {}
