"""Secrets that are given readably never get into a readable file."""

import base64

import pytest

from tests.cli.guarding import RECORDS, SECRET, received
from tests.server import Guarded, Listing, header_key, problem, query_key


def left_behind(home):
    """Whether the secret is in any file of the home."""
    forms = (SECRET.encode(), base64.b64encode(f"me:{SECRET}".encode()))
    return [
        path.name for path in home.rglob("*") if path.is_file() and any(form in path.read_bytes() for form in forms)
    ]


def with_user(url):
    return url.replace("http://", f"http://me:{SECRET}@")


GIVEN = {
    "header": (["--header", f"X-Api-Key: {SECRET}"], {"kind": "header", "name": "X-Api-Key"}, "X-Api-Key"),
    "bearer": (["--header", f"Authorization: Bearer {SECRET}"], {"kind": "bearer"}, "Authorization"),
    "basic": (
        ["--header", "Authorization: Basic " + base64.b64encode(f"me:{SECRET}".encode()).decode()],
        {"kind": "basic", "user": "me"},
        "Authorization",
    ),
    "cookie": (["--header", f"Cookie: session={SECRET}"], {"kind": "header", "name": "Cookie"}, "Cookie"),
    "param": (["--param", f"token={SECRET}"], {"kind": "query", "name": "token"}, "token"),
    "set": (
        ["--set", f"request.headers.X-Auth-Token={SECRET}"],
        {"kind": "header", "name": "X-Auth-Token"},
        "X-Auth-Token",
    ),
}


@pytest.mark.parametrize(
    ("op", "how"),
    [
        (op, how)
        for op in ("add", "edit", "preset")
        for how in (*GIVEN, "url", "user in the url")
        if op != "preset" or how in GIVEN
    ],
)
def test_a_secret_is_moved_to_the_keyring(cli, api, home, keyring, op, how):
    url = api.route("/items", Listing(RECORDS))
    options, auth, name = GIVEN.get(how, ([], {}, ""))
    address = url
    if how == "url":
        address, auth, name = f"{url}?x=1&api_key={SECRET}&y=%2f", {"kind": "query", "name": "api_key"}, "api_key"
    elif how == "user in the url":
        address, auth, name = with_user(url), {"kind": "basic", "user": "me"}, "The password in the address"
    if op == "add":
        said = cli("add", address, *options, "--id", "items", "--yes").out
    elif op == "preset":
        api.route("/feed", Listing(RECORDS))
        with_site = ["--preset", "rss-feed", "--with", f"address={api.url('/feed')}", "--set", "response.format=json"]
        with_site += ["--set", "response.records=auto", "--set", "table.mode=mirror"]
        said = cli("add", *with_site, *options, "--id", "items", "--yes").out
    else:
        cli("add", url, "--id", "items", "--yes")
        sets = ["--set", f"url={address}"]
        if options[:1] == ["--header"]:
            header, _, value = options[1].partition(": ")
            sets = ["--set", f"request.headers.{header}={value}"]
        elif options[:1] == ["--param"]:
            sets = ["--set", f"request.params.{options[1]}"]
        elif options:
            sets = options
        said = cli("edit", "items", *sets).out
    assert f"{name} was moved to the keyring.\n" in said
    saved = cli.json("show", "items")["endpoint"]
    assert saved["auth"] == auth
    if how == "url":
        assert saved["url"] == f"{url}?x=1&y=%2f"
    assert keyring.names() == {"items/secret"}
    assert cli.json("sync", "items")["runs"][0]["status"] == "succeeded"
    assert received(api, SECRET)
    assert SECRET not in cli("export").out
    assert left_behind(home) == []


REFUSED = [
    (["--header", f"X-Api-Key: {SECRET}", "--auth", "bearer", "--secret-env", "TRAYSYNC_X"], "X-Api-Key"),
    (["--header", f"X-Api-Key: {SECRET}", "--param", "token=t2"], "request"),
    (["--json-body", f'{{"filter": {{"api_key": "{SECRET}"}}}}'], "request.json.api_key"),
    (["--json-body", f'{{"a": null, "password": "{SECRET}"}}'], "request.json.password"),
    (["--set", "request.method=POST", "--set", f"request.json=a=b&client_secret={SECRET}"], "client_secret"),
    (
        ["--auth", f"oauth2_client:me@https://id.example/token?client_secret={SECRET}", "--secret-stdin"],
        "auth.token_url",
    ),
    (["--set", f"request.proxy=http://me:{SECRET}@p.example"], "request.proxy"),
    (
        ["--auth", "oauth2_client:me@https://id.example", "--set", f"auth.token_params.api_key={SECRET}"],
        "api_key",
    ),
]
"""Arguments of `add`, and the field that is named; those of --set alone are for `edit`, too."""


@pytest.mark.parametrize(
    ("op", "arguments", "field"),
    [(op, *case) for op in ("add", "edit") for case in REFUSED if op == "add" or set(case[0][::2]) == {"--set"}],
)
def test_a_secret_that_can_t_be_moved_is_refused_by_its_field(cli, api, home, keyring, op, arguments, field):
    url = api.route("/items", Listing(RECORDS))
    if op == "edit":
        cli("add", url, "--id", "items", "--yes")
        said = cli("edit", "items", *arguments, code=2).err
    else:
        said = cli("add", url, "--id", "items", "--yes", *arguments, code=2, stdin="x").err
    assert field in said
    assert "plain text" in said
    assert SECRET not in said
    assert left_behind(home) == []


def test_where_there_is_no_keyring_nothing_is_saved(cli, api, home):
    url = api.route("/items", Listing(RECORDS))
    said = cli("add", url, "--header", f"X-Api-Key: {SECRET}", "--yes", code=2).err
    assert "There is no keyring" in said
    assert cli.json("endpoints")["endpoints"] == []
    cli("add", url, "--id", "items", "--yes")
    cli("edit", "items", "--set", f"request.headers.X-Api-Key={SECRET}", code=2)
    assert "auth" not in cli.json("show", "items")["endpoint"]
    assert left_behind(home) == []


def test_a_new_key_of_the_same_place_replaces_the_one_before(cli, api, keyring):
    url = api.route("/items", Guarded(query_key("api_key", SECRET), Listing(RECORDS)))
    cli("add", f"{url}?api_key={SECRET}", "--id", "items", "--yes")
    keyring.kept["TraySync", "items/secret"] = "worn-out"
    cli("edit", "items", "--set", f"url={url}?api_key={SECRET}")
    assert cli.json("sync")["runs"][0]["status"] == "succeeded"


READABLE = """
[[endpoint]]
id = "items"
url = "{url}"
[endpoint.request]
headers = {{ X-Api-Key = "{secret}", X-Team = "blue" }}
"""


def test_what_settings_have_readably_works_is_hidden_and_is_told(cli, api, home, keyring):
    def repeats(request):
        return Guarded(header_key("X-Api-Key", SECRET), Listing([{"id": 1}]))(request)

    url = api.route("/items", repeats)
    (home / "settings.toml").write_text(READABLE.format(url=url, secret=SECRET))
    assert cli.json("sync")["runs"][0]["status"] == "succeeded"
    found = {each["what"]: each for each in cli.json("doctor", code=1)["findings"]}
    finding = found["Readable secrets"]
    assert not finding["ok"]
    assert "items: request.headers.X-Api-Key" in finding["detail"]
    assert "traysync secret set items" in finding["detail"]
    assert SECRET not in str(found)
    assert cli("status").err.count("request.headers.X-Api-Key") == 1
    # what has nothing to do with it does not touch it
    cli("edit", "items", "--set", "every=2h")
    assert cli.json("show", "items")["endpoint"]["request"]["headers"]["X-Api-Key"] == SECRET
    cli("edit", "items", "--set", "request.headers.X-Api-Key=", "--set", "auth.kind=header", "--set",
        "auth.name=X-Api-Key")  # fmt: skip
    cli("secret", "set", "items", stdin=SECRET)
    assert cli.json("sync")["runs"][0]["status"] == "succeeded"
    assert all(each["ok"] for each in cli.json("doctor")["findings"])


def test_a_server_that_repeats_a_readable_secret_is_not_quoted(cli, api, home, keyring):
    api.route("/items", problem(403, "Forbidden", f"The key {SECRET} may not do that."))
    (home / "settings.toml").write_text(READABLE.format(url=api.url("/items"), secret=SECRET))
    (run,) = cli.json("sync", code=1)["runs"]
    assert "The key … may not do that" in run["problem"]["cause"]
    cli("preview", "items", code=1)
    assert left_behind(home) == ["settings.toml"]
