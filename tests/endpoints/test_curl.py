"""cURL commands as they are found in the wild."""

import msgspec
import pytest

from trayapp.endpoints.curl import _cmd_words, import_curl, is_curl
from trayapp.endpoints.units import Duration
from trayapp.endpoints.validate import check_endpoint
from trayapp.errors import UserError

CHROME_BASH = r"""curl 'https://api.example.com/v1/items?state=open&q=a%20b' \
  -H 'accept: application/json' \
  -H 'accept-language: en-US,en;q=0.9' \
  -H 'authorization: Bearer eyJhbGciOi.x.y' \
  -H 'sec-ch-ua: "Chromium";v="140"' \
  -H 'user-agent: Mozilla/5.0 (X11; Linux x86_64)' \
  --compressed"""
CHROME_CMD = """curl ^"https://api.example.com/v1/items?a=1^&b=2^" ^
  -H ^"accept: application/json^" ^
  -H ^"x-api-key: k-^%5E-1^" ^
  --data-raw ^"^{^\\^"query^\\^":^\\^"x y^\\^"^}^" ^
  --compressed"""
FIREFOX_POST = (
    r"curl 'https://api.example.com/graphql' -X POST -H 'Content-Type: application/json'"
    r""" --data-raw $'{"query":"it\'s {\\n a }"}'"""
)


def test_what_chrome_copies_for_bash():
    found = import_curl(CHROME_BASH)
    endpoint = found.endpoint
    assert endpoint.url == "https://api.example.com/v1/items?state=open&q=a%20b"
    assert endpoint.request.headers == {"accept": "application/json"}
    assert (endpoint.auth.kind, found.secret) == ("bearer", "eyJhbGciOi.x.y")
    assert check_endpoint(endpoint) == []


def test_what_chrome_copies_for_windows():
    found = import_curl(CHROME_CMD)
    assert found.endpoint.url == "https://api.example.com/v1/items?a=1&b=2"
    assert (found.endpoint.auth.kind, found.endpoint.auth.name, found.secret) == ("header", "x-api-key", "k-%5E-1")
    assert (found.endpoint.request.method, found.endpoint.request.json) == ("POST", {"query": "x y"})


def test_bashs_own_quoting():
    assert import_curl(FIREFOX_POST).endpoint.request.json == {"query": "it's {\n a }"}


@pytest.mark.parametrize(
    ("command", "kind", "name", "secret"),
    [
        ("curl -u me:pa:ss https://a.example/x", "basic", "", "pa:ss"),
        ("curl --user me:pw https://a.example/x", "basic", "", "pw"),
        ("curl -H 'Authorization: Basic bWU6cDp3' https://a.example/x", "basic", "", "p:w"),
        ("curl -H 'Authorization: Token abc' https://a.example/x", "bearer", "", "abc"),
        ("curl -H 'Authorization: raw' https://a.example/x", "header", "Authorization", "raw"),
        ("curl --oauth2-bearer abc https://a.example/x", "bearer", "", "abc"),
        ("curl -b 'session=1' https://a.example/x", "header", "Cookie", "session=1"),
        ("curl -H 'X-Auth-Token: abc' https://a.example/x", "header", "X-Auth-Token", "abc"),
        ("curl 'https://a.example/x?api_key=abc&state=open'", "query", "api_key", "abc"),
        ("curl https://me:p%3Aw@a.example/x", "basic", "", "p:w"),
    ],
)
def test_credentials_are_lifted_out(command, kind, name, secret):
    found = import_curl(command)
    assert (found.endpoint.auth.kind, found.endpoint.auth.name, found.secret) == (kind, name, secret)
    assert secret not in repr(found)
    assert secret not in repr(found.endpoint)
    assert found.endpoint.url.startswith("https://a.example/x")


def test_the_scheme_of_a_token_is_kept():
    assert import_curl("curl -H 'Authorization: Token abc' https://a.example").endpoint.auth.prefix == "Token"


@pytest.mark.parametrize(
    ("command", "url", "method", "json"),
    [
        ("curl a.example/x", "https://a.example/x", "GET", None),
        ("curl --url http://a.example/x", "http://a.example/x", "GET", None),
        ("curl -XPOST http://a.example", "http://a.example", "POST", None),
        ("curl -sSXPOST http://a.example", "http://a.example", "POST", None),
        ("curl -sGd a=1 http://a.example", "http://a.example?a=1", "GET", None),
        ("curl -G -d a=1 -d b=2 http://a.example/x?c=3", "http://a.example/x?c=3&a=1&b=2", "GET", None),
        ("curl -G --data-urlencode 'q=a b&c' http://a.example", "http://a.example?q=a%20b%26c", "GET", None),
        ("curl -d a=1 -d b=2 http://a.example", "http://a.example", "POST", "a=1&b=2"),
        ("curl --json '{\"a\": 1}' http://a.example", "http://a.example", "POST", {"a": 1}),
        ("curl -d '{\"a\": null}' http://a.example", "http://a.example", "POST", '{"a": null}'),
        ("$ curl -sS -L http://a.example -o out.json", "http://a.example", "GET", None),
    ],
)
def test_requests(command, url, method, json):
    endpoint = import_curl(command).endpoint
    assert (endpoint.url, endpoint.request.method, endpoint.request.json) == (url, method, json)


def test_transport_options():
    endpoint = import_curl(
        "curl -x proxy.example:3128 -m 5 --cacert ca.pem --cert me.pem --key me.key https://a.example"
    ).endpoint
    assert endpoint.request.proxy == "http://proxy.example:3128"
    assert endpoint.request.timeout == Duration(5)
    assert (endpoint.request.ca_file, endpoint.request.client_cert, endpoint.request.client_key) == (
        "ca.pem",
        "me.pem",
        "me.key",
    )


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("curl -k https://a.example", "certificate"),
        ("curl --insecure https://a.example", "certificate"),
        ("curl -sk https://a.example", "certificate"),
        ("curl -sSLkG https://a.example", "certificate"),
        ("curl 'http://[bad/x'", "not valid"),
        ("curl -m soon http://a.example", "not valid"),
        ("curl -H @headers.txt https://a.example", "from a file"),
        ("curl -b cookies.txt https://a.example", "from a file"),
        ("curl -u a:b 'https://a.example?api_key=c'", "more than one secret"),
        ("curl 'https://a.example?token=a&access_token=b'", "more than one secret"),
        ("curl -X DELETE https://a.example/x", "changes things"),
        ("curl -F a=@b https://a.example", "forms"),
        ("curl -d @body.json https://a.example", "from a file"),
        ("curl --frobnicate https://a.example", "--frobnicate is not known"),
        ("curl -H", "lacks its value"),
        ("curl 'https://a.example", "quote is not closed"),
        ("curl -s", "no address"),
        ("curl https://a.example https://b.example", "more than one address"),
        ("curl -u a:b -H 'X-Api-Key: c' https://a.example", "more than one secret"),
        ("wget https://a.example", "begin with curl"),
    ],
)
def test_what_cannot_be_taken_over_is_refused_with_its_reason(command, says):
    with pytest.raises(UserError) as caught:
        import_curl(command)
    assert says in caught.value.cause
    assert caught.value.next


def test_a_command_is_told_from_an_address():
    assert is_curl("curl https://a.example")
    assert is_curl("  $ curl.exe -s https://a.example")
    assert not is_curl("https://a.example/curl")
    assert not is_curl("curly.example")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('a "b c" d', ["a", "b c", "d"]),
        ('a"b c"d e', ["ab cd", "e"]),
        ('"a""b" ""', ['a"b', ""]),
        (r'"a \"b\" c" d', ['a "b" c', "d"]),
        (r"x\"y C:\z", ['x"y', r"C:\z"]),
        ('"a\nb" c', ["a\nb", "c"]),
    ],
)
def test_words_of_windows(text, words):
    assert _cmd_words(text) == words


@pytest.mark.parametrize("text", ['"a', 'a "b" "', '"a""', '"a\\', '"a\\"'])
def test_a_quote_without_end_on_windows(text):
    with pytest.raises(ValueError, match="No closing quotation"):
        _cmd_words(text)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        (r"\x41\u00e9\U0001f600", "Aé😀"),
        (r"\101\'\"\\\?", "A'\"\\?"),
        (r"a\tb\-\q", "a\tb\\-\\q"),
        (r"\ud800\U00110000", "\ufffd\ufffd"),
        (r"\x", "\\x"),
    ],
)
def test_escapes_of_bash(written, value):
    (endpoint, _) = msgspec.structs.astuple(import_curl(f"curl http://a.example -H $'X-A: {written}'"))
    assert endpoint.request.headers["X-A"] == value
