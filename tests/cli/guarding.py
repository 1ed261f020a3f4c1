"""An endpoint with a secret at a good server, and whether another one got it."""

import base64

from tests.server import Listing, json_reply

RECORDS = [{"id": n, "name": f"n{n}"} for n in range(1, 6)]
SECRET = "s3cret-of-the-good-server"
VARIABLE = "AWS_SECRET_ACCESS_KEY"


def received(server, secret):
    """Whether anything that arrived there has the secret in it, or in what is encoded in base64."""
    for seen in server.requests:
        text = f"{seen.target}\n{seen.headers}\n{seen.body.decode('latin-1')}"
        words = [word for word in text.replace("\n", " ").split(" ") if len(word) % 4 == 0]
        decoded = []
        for word in words:
            try:
                decoded.append(base64.b64decode(word, validate=True).decode("latin-1"))
            except ValueError:
                continue
        if secret in "\n".join([text, *decoded]):
            return True
    return False


KINDS = {
    "bearer": "bearer",
    "basic": "basic:me",
    "header": "header:X-Api-Key",
    "query": "query:api_key",
    "oauth2_client": "oauth2_client:me@{token}",
}


def add(cli, api, kind="bearer", *more):
    """An endpoint of that kind at the good server, which has run once."""
    api.route("/items", Listing(RECORDS))
    api.route("/token", json_reply({"access_token": "bought-for-good", "token_type": "bearer", "expires_in": 3600}))
    auth = KINDS[kind].format(token=api.url("/token"))
    cli("add", api.url("/items"), "--auth", auth, "--secret-stdin", "--id", "items", "--yes", *more, stdin=SECRET)
    assert cli.json("sync")["runs"][0]["status"] == "succeeded"
    assert received(api, SECRET)


def refused(cli, *words):
    """The run says why it sent nothing, and is not tried again before its next regular time."""
    (run,) = cli.json("sync", "items", code=1)["runs"]
    assert run["status"] == "failed"
    for word in words:
        assert word in f"{run['problem']['title']}. {run['problem']['cause']} {run['problem']['next']}"
    (state,) = cli.json("status")["endpoints"]
    assert state["attempts"] == 0
    return run["problem"]
