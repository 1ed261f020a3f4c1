"""Answers that look well but are refusals: the user is told that credentials are wrong, and the table stays."""

import pytest

from tests.server import Reply, html, json_reply, login_page, problem, redirect
from trayapp.endpoints.model import Auth, Endpoint
from trayapp.endpoints.naming import completed
from trayapp.sync.cancel import CancelToken
from trayapp.sync.run.context import RunContext
from trayapp.sync.run.runner import run

RECORDS = [{"id": 1, "error": "unauthorized", "status": "401"}, {"id": 2, "error": None, "status": "ok"}]


BEARER = Auth(kind="bearer")


def mirror(store, url, auth=BEARER):
    context = RunContext(store=store, staging=store.path.parent, secret=lambda _id, _auth: "t0ken-s3cret")
    return run(completed(Endpoint(url=url, name="Items", auth=auth)), context, CancelToken())


def rows(store):
    with store.reading() as db:
        return [id for (id,) in db.execute("SELECT id FROM items ORDER BY id")]


WORDS = "The server does not accept the credentials"


@pytest.mark.parametrize(
    ("reply", "title"),
    [
        (problem(401, "Unauthorized"), WORDS),
        (problem(403, "Forbidden"), "The server denies access"),
        (login_page(), "The server requires a sign-in"),
        (redirect("/login?next=/items"), "The server requires a sign-in"),
        (redirect("/accounts/sign_in"), "The server requires a sign-in"),
        (redirect("/session/sso/start"), "The server requires a sign-in"),
        (json_reply(RECORDS[:1]).with_headers(WWW_Authenticate='Basic realm="x"'), WORDS),
        (json_reply([]).with_headers(WWW_Authenticate='Bearer error="invalid_token"'), WORDS),
        (json_reply({"error": "unauthorized"}), WORDS),
        (json_reply({"error": "Unauthorized", "message": "bad t0ken-s3cret"}), WORDS),
        (json_reply({"error": {"code": 401, "message": "Invalid key"}}), WORDS),
        (json_reply({"ok": False, "error": "not_authed"}), WORDS),
        (json_reply({"ok": False, "error": "invalid_auth", "items": []}), WORDS),
        (json_reply({"success": False, "code": "INVALID_TOKEN"}), WORDS),
    ],
)
def test_a_refusal_is_told_as_one_and_changes_nothing(api, store, reply, title):
    url = api.route("/items", json_reply(RECORDS))
    assert mirror(store, url).added == 2
    # A page that a script fills in: nothing in it says that it is for signing in, but its address does.
    for page in ("/login", "/accounts/sign_in", "/session/sso/start"):
        api.route(page, html(200, "Welcome", "<div id=app></div>"))
    api.route("/items", reply)
    report = mirror(store, url)
    assert (report.status, str(report.problem.title)) == ("failed", title)
    assert str(report.problem.next)
    assert "s3cret" not in repr(report)
    assert rows(store) == [1, 2]


def test_without_credentials_the_server_is_said_to_want_some(api, store):
    url = api.route("/items", json_reply({"error": "unauthorized"}))
    assert str(mirror(store, url, Auth()).problem.title) == "The server requires credentials"


@pytest.mark.parametrize(
    ("reply", "auth"),
    [
        (json_reply(RECORDS), BEARER),
        (json_reply({"error": None, "items": RECORDS}), BEARER),
        (json_reply({"errors": [], "code": 0, "items": RECORDS}), BEARER),
        (json_reply(RECORDS).with_headers(WWW_Authenticate="Negotiate oYG2MIGz"), BEARER),
        # Who shows no credentials is content with what everybody may see.
        (json_reply(RECORDS).with_headers(WWW_Authenticate="Basic"), Auth()),
        (redirect("/v2/authors/items"), BEARER),
        (redirect("/oauth/items"), BEARER),
    ],
)
def test_data_is_not_taken_for_a_refusal(api, store, reply: Reply, auth):
    for path in ("/v2/authors/items", "/oauth/items"):
        api.route(path, json_reply(RECORDS))
    assert mirror(store, api.route("/items", reply), auth).added == 2
