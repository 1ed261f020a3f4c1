"""Every kind of credentials as a server gets it, and that nothing shows it."""

import base64

import pytest

from trayapp.endpoints.model import Auth
from trayapp.sync.errors import AuthError
from trayapp.sync.http.auth import credentials


def basic(text: str) -> tuple[str, str]:
    return "Authorization", "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("auth", "secret", "header", "query"),
    [
        (Auth(kind="none"), None, None, None),
        (Auth(kind="basic", user="me"), "secret", basic("me:secret"), None),
        (Auth(kind="basic", user="jürgen"), "p:ä:ss wörd€", basic("jürgen:p:ä:ss wörd€"), None),
        (Auth(kind="basic", user="key"), "", basic("key:"), None),
        (Auth(kind="bearer"), "t", ("Authorization", "Bearer t"), None),
        (Auth(kind="bearer", prefix="Token"), "t", ("Authorization", "Token t"), None),
        (Auth(kind="header", name="X-Api-Key"), "t", ("X-Api-Key", "t"), None),
        (Auth(kind="header", name="X-Auth", prefix="Key"), "t", ("X-Auth", "Key t"), None),
        (Auth(kind="query", name="api key"), "t&=", None, ("api key", "t&=")),
    ],
)
def test_credentials(auth, secret, header, query):
    made = credentials(auth, secret)
    assert (made.header, made.query) == (header, query)
    assert made.current() is made
    assert made.renewed(made) is None


@pytest.mark.parametrize("kind", ["basic", "bearer", "header", "query"])
def test_what_is_sent_is_hidden_and_never_shown(kind):
    secret = "s3cret &=/ü"
    made = credentials(Auth(kind=kind, user="me", name="X"), secret, "pr0xy pass")
    assert repr(made) == "Credentials(…)"
    sent = f"{made.header} {made.query} s3cret%20%26%3D%2F%C3%BC s3cret+%26%3D%2F%C3%BC pr0xy+pass pr0xy pass"
    hidden = made.hide(sent)
    for part in ("s3cret", "pr0xy", base64.b64encode(f"me:{secret}".encode()).decode()):
        assert part not in hidden


@pytest.mark.parametrize(
    "said",
    [
        "s3cret%20&%3D/%c3%bc",
        "s3cret+%2526%253d%252F%25C3%25BC",
        "%73%33cret &=/ü",
        r"s3cret \u0026=\/\u00fc",
        "s3cret &amp;=&#47;&#xFC;",
        "S3CRET &=/Ü",
    ],
)
def test_what_a_server_repeats_in_its_own_way_is_hidden(said):
    made = credentials(Auth(kind="bearer"), "s3cret &=/ü")
    assert made.hide(f"Bad token ({said}).") == "Bad token (…)."


@pytest.mark.parametrize(
    ("secret", "title"), [(None, "The password or token is missing"), ("a\r\nX-Evil: 1", "The secret can't be sent")]
)
def test_secrets_that_can_t_be_sent(secret, title):
    with pytest.raises(AuthError) as refused:
        credentials(Auth(kind="bearer"), secret)
    assert refused.value.title == title
    assert "Evil" not in str(refused.value)
