"""Where requests go, and what goes along: nothing of an endpoint's own reaches another server, whoever leads there."""

import random
from functools import partial
from urllib.parse import urlsplit

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from tests.server import ApiServer, Listing, certificate, in_turn, json_reply, redirect
from trayapp.endpoints.model import Auth, Endpoint, Pages, Request, Table
from trayapp.endpoints.naming import completed
from trayapp.endpoints.units import Duration
from trayapp.messages import say
from trayapp.sync.cancel import CancelToken
from trayapp.sync.errors import SyncError
from trayapp.sync.http import retry
from trayapp.sync.http.auth import Credentials
from trayapp.sync.http.client import Client
from trayapp.sync.http.failures import server_of
from trayapp.sync.http.links import joined, origin, place_of
from trayapp.sync.http.request import Call
from trayapp.sync.http.transport import Deadline, Received, Transport
from trayapp.sync.run.context import RunContext
from trayapp.sync.run.runner import run

# One parser of URLs


GOOD = [
    ("https://A.example/x", ("https", "a.example", 443)),
    ("HTTP://a.example:8080", ("http", "a.example", 8080)),
    ("http://a.example:?x", ("http", "a.example", 80)),
    ("http://a_b.example./#@evil.example", ("http", "a_b.example.", 80)),
    ("http://127.0.0.1:1/\\@evil.example", ("http", "127.0.0.1", 1)),
    ("https://[::1]:8443/x", ("https", "::1", 8443)),
    ("https://[2001:DB8::1]/x", ("https", "2001:db8::1", 443)),
    ("https://bücher.example/x", ("https", "xn--bcher-kva.example", 443)),
    ("https://BÜCHER.example/x", ("https", "xn--bcher-kva.example", 443)),
]
BAD = [
    "",
    "a.example",
    "//a.example/",
    "http:/a.example/",
    "http:a.example",
    "http:///a.example/",
    "file:///etc/passwd",
    "ftp://a.example/",
    "httpſ://a.example/",
    " http://a.example/",
    "http://",
    "http://:80/",
    "http://evil.example\\@a.example/",
    "http://evil.example\\.a.example/",
    "http://a.example\\evil/",
    "http://me@a.example/",
    "http://me:pw@a.example/",
    "http://a.example@evil.example/",
    "http://a.example%2eevil/",
    "http://%61.example/",
    "http://a.example:0/",
    "http://a.example:080/",
    "http://a.example:65536/",
    "http://a.example:8o/",
    "http://a.example:٣/",
    "http://a.example:-1/",
    "http://a.example:80:80/",
    "http://a .example/",
    "http://a\t.example/",
    "http://a.example\n/",
    "http://a.example\x00/",
    "http://a.example\n",
    "http://a,b.example/",
    "http://[::1/",
    "http://[::1]x/",
    "http://[::1%25eth0]/",
    "http://[1:2]/",
    "http://[v1.x]/",
    "http://a。example/",
    "http://℀.example/",
    "http://ａ.example/",
    "http://\ud800.example/",
]


@pytest.mark.parametrize(("url", "place"), GOOD)
def test_an_origin_is_the_server_that_is_asked(url, place):
    assert origin(url) == place == connected(url)


@pytest.mark.parametrize("url", BAD)
def test_what_may_be_read_in_two_ways_has_no_origin(url):
    with pytest.raises(ValueError, match=r"\w+ \w+"):
        origin(url)
    with pytest.raises(SyncError, match="The address can't be used"):
        server_of(url)


def connected(url):
    """Scheme, host and port that urllib3 would be asked to connect to; None when requests makes none of it."""
    try:
        prepared = requests.Request("GET", url).prepare()
        pool = requests.Session().get_adapter(prepared.url).get_connection_with_tls_context(prepared, verify=True)
    except (ValueError, requests.exceptions.RequestException):
        return None
    return pool.scheme, pool.host.strip("[]").lower(), pool.port


PIECES = [
    *(
        "http://",
        "https://",
        "HTTP:",
        "//",
        "/",
        "\\",
        "\\\\",
        "@",
        ":",
        "::",
        "80",
        "443",
        "0",
        "65536",
        "?",
        "#",
        ".",
    ),
    *("home.example", "evil.example", "127.0.0.1", "[::1]", "[::ffff:1.2.3.4]", "[::1%25lo]", "0x7f.1", "localhost"),
    *(" ", "\t", "\n", "\r", "\x00", "\x7f", "\x85", "\xa0", "\u2028", "\u200b", "..", "-", "_", "~", "!", "$&'()+,;="),
    *(
        "é",
        "ß",
        "İ",
        "ſ",
        "。",
        "．",
        "／",
        "＠",
        "℀",
        "xn--bcher-kva",
        "*",
        "[",
        "]",
        "{x}",
        "^",
        "|",
        "`",
        '"',
        "<",
        ">",
    ),
    *("user", ":pw@", "home.example:8080", "evil.example\\@home.example", "\ud800"),
    *("%00", "%2f", "%40", "%5c", "%2e", "%", "%25"),
]


def mutated(choose: random.Random) -> str:
    """An address put together from pieces that parsers disagree about; most of them begin as one."""
    start = choose.choice(("http://", "https://", "http://home.example", "https://home.example:8443/x?y", ""))
    return start + "".join(choose.choice(PIECES) for _ in range(choose.randint(0, 6)))


def disagreement(url: str) -> str | None:
    """What origin() says, where that is not the server that is asked."""
    try:
        said = origin(url)
    except ValueError:
        return None
    asked = connected(url)
    return None if asked in (said, None) else f"{url!r}: {said} but {asked}"


@given(st.randoms(use_true_random=False))
def test_no_address_is_taken_for_another_server_than_is_asked(choose):
    assert disagreement(mutated(choose)) is None


@given(st.text("htps:/\\@.?#[]%25ev1 \t\nḀ", max_size=30))
def test_no_text_is_taken_for_another_server_than_is_asked(text):
    assert disagreement(f"http://{text}") is None
    assert disagreement(text) is None


@given(st.randoms(use_true_random=False))
def test_a_link_leads_where_its_origin_says_or_is_refused(choose):
    base, target = "https://home.example:8443/x?y", mutated(choose)[choose.choice((0, 5, 7)) :]
    try:
        url = joined(base, target)
    except SyncError:
        return
    assert disagreement(url) is None
    assert origin(url)[0] == "https"


@pytest.mark.parametrize(
    ("target", "url"),
    [
        ("/b?c", "https://a.example/b?c"),
        ("?c=1 2", "https://a.example/x/y?c=1 2"),
        (" https://b.example/\n", "https://b.example/"),
        ("//b.example:8443/", "https://b.example:8443/"),
        ("z\u00fc", "https://a.example/x/z\u00fc"),
        ("https:z", "https://a.example/x/z"),
    ],
)
def test_links_are_joined(target, url):
    assert joined("https://a.example/x/y", target) == url


@pytest.mark.parametrize(
    "target", ["/\\evil.example", "\\\\evil.example", "/\t/evil.example", "/a\nb", "/a?b\\c", "/\x85x"]
)
def test_links_with_characters_that_are_read_past_are_refused(target):
    with pytest.raises(SyncError, match="The server's link can't be used") as refused:
        joined("https://a.example/x", target)
    assert "backslash or a control character" in refused.value.cause


def test_an_address_that_lies_is_not_shown_as_one():
    assert place_of("http://evil.example\\@home.example/x") == say("(unreadable address)")
    assert place_of("http://home.example/\tx") == say("(unreadable address)")


# What goes along, with real servers


HEADERS = {"X-Own": "my-own-header-value", "Accept": "application/x-own"}
SECRET = "s3cret-of-home"
BODY = "my-own-body"
AUTHS = [
    Auth(kind="basic", user="ada"),
    Auth(kind="bearer"),
    Auth(kind="header", name="X-Api-Key"),
    Auth(kind="query", name="key"),
]
OWN = (SECRET, *HEADERS.values(), BODY, "own-param", "own-cookie", "0wn-etag")


@pytest.fixture(autouse=True)
def _quick_retries(monkeypatch):
    monkeypatch.setattr(retry, "pause_before", lambda attempt, asked, jitter: 0.0)


@pytest.fixture
def home(api):
    return api


@pytest.fixture
def elsewhere():
    with ApiServer() as made:
        yield made


def sync(store, url, auth=AUTHS[0], *, request=None, **fields):
    request = request or Request(headers=HEADERS, params={"p": "own-param"})
    table = Table(name="items", key=("id",))
    endpoint = completed(Endpoint(url=url, name="Items", auth=auth, request=request, table=table, **fields))
    around = RunContext(store=store, staging=store.path.parent, secret=lambda _id, _auth: SECRET)
    return run(endpoint, around, CancelToken())


def with_cookie(reply):
    return reply.with_headers(Set_Cookie="c=own-cookie; Path=/", ETag='"0wn-etag"')


@pytest.mark.parametrize("auth", AUTHS, ids=lambda auth: auth.kind)
@pytest.mark.parametrize("how", ["header", "body", "redirect"])
def test_a_server_that_hides_in_an_address_gets_nothing(home, elsewhere, store, auth, how):
    """Parsers disagree whose address this is: it is not asked for at all."""
    lie = f"http://{urlsplit(elsewhere.base).netloc}\\@{urlsplit(home.base).netloc}/more"
    elsewhere.route("/more", json_reply([]))
    reply = {
        "header": json_reply([{"id": 1}], Link=f'<{lie}>; rel="next"'),
        "body": json_reply({"items": [{"id": 1}], "next": lie}),
        "redirect": redirect(lie),
    }[how]
    report = sync(store, home.route("/items", with_cookie(reply)), auth)
    assert (report.status, str(report.problem.title)) == ("failed", "The server's link can't be used")
    assert home.leaked(SECRET)
    assert elsewhere.requests == []


@pytest.mark.parametrize("auth", AUTHS, ids=lambda auth: auth.kind)
@pytest.mark.parametrize("pages", ["link", "next_url"])
def test_no_page_that_another_server_continues_is_asked_for_with_anything_own(home, elsewhere, store, auth, pages):
    """The same path as at home: what the next address lacks of the first one's parameters isn't added either."""
    there = elsewhere.route("/items", Listing([{"id": n} for n in range(7)], pages=pages, size=2))
    url = home.route("/items", with_cookie(redirect(there, 307)))
    report = sync(store, url, auth, pages=Pages(kind=pages, path="next"))
    assert report.added == 7, str(report.sentence)
    assert elsewhere.count("/items") >= 4
    assert elsewhere.leaked(*OWN) == []


def test_a_page_that_is_tried_again_elsewhere_still_gets_nothing(home, elsewhere, store):
    listing = Listing([{"id": n} for n in range(4)], pages="link", size=2)
    replies = json_reply({}, 503), listing, json_reply({}, 503), json_reply({}, 401)
    there = elsewhere.route("/items", in_turn(*replies))
    url = home.route("/items", with_cookie(redirect(there)))
    sync(store, url, pages=Pages(kind="link"))
    assert elsewhere.count() == 4
    assert elsewhere.leaked(*OWN) == []


def test_who_is_led_away_and_back_is_known_again(home, elsewhere, store):
    """Else the answer would be another one than the endpoint's headers ask for."""
    back = elsewhere.route("/away", redirect(home.route("/back", json_reply([{"id": 1}]))))
    url = home.route("/items", with_cookie(redirect(back)))
    assert sync(store, url, pages=Pages(kind="none")).added == 1
    assert elsewhere.leaked(*OWN) == []
    first, last = home.requests
    assert (first.path, last.path) == ("/items", "/back")
    assert {name: last.headers[name] for name in HEADERS} == HEADERS
    assert last.headers["Authorization"] == first.headers["Authorization"]
    assert last.headers["Cookie"] == "c=own-cookie"


POST = Request(method="POST", json={"q": BODY}, headers=HEADERS)


@pytest.mark.parametrize("status", [307, 308])
def test_a_body_is_for_no_other_server(home, elsewhere, store, status):
    there = elsewhere.route("/items", json_reply([{"id": 1}]))
    report = sync(store, home.route("/items", with_cookie(redirect(there, status))), request=POST)
    assert str(report.problem.title) == "The server redirects to another server"
    assert elsewhere.requests == []


def test_a_body_comes_back_home_with_the_request(home, store):
    url = home.route("/items", redirect(home.route("/there", json_reply([{"id": 1}])), 307))
    assert sync(store, url, request=POST, pages=Pages(kind="none")).added == 1
    assert [seen.json() for seen in home.requests] == [{"q": BODY}] * 2


def test_a_page_elsewhere_is_not_asked_for_with_a_body(home, elsewhere, store):
    there = elsewhere.route("/items", json_reply({"items": [{"id": 1}], "next": "/more"}))
    url = home.route("/items", with_cookie(redirect(there, 303)))
    report = sync(store, url, request=POST, pages=Pages(kind="next_url", path="next"))
    assert str(report.problem.title) == "The server redirects to another server"
    assert (elsewhere.count(), elsewhere.leaked(*OWN)) == (1, [])


def test_a_secret_that_the_server_writes_into_an_address_goes_nowhere(home, elsewhere, store):
    """What web servers do that redirect all of a query."""
    there = elsewhere.route("/items", json_reply([]))
    url = home.route("/items", lambda seen: redirect(f"{there}?{urlsplit(seen.target).query.replace('s3', '%733')}"))
    report = sync(store, url, AUTHS[-1], request=Request())
    assert str(report.problem.title) == "The server would reveal the secret"
    assert SECRET not in repr(report)
    assert elsewhere.requests == []


@pytest.mark.parametrize("how", ["redirect", "link"])
def test_https_does_not_lead_to_http(home, store, tmp_path, how):
    good = certificate()
    with ApiServer(good) as safe:
        there = home.route("/there", json_reply([{"id": 2}]))
        link = json_reply([{"id": 1}], Link=f'<{there}>; rel="next"')
        url = safe.route("/items", redirect(there) if how == "redirect" else link)
        request = Request(ca_file=good.write_authority(tmp_path / "ca.pem"))
        report = sync(store, url, Auth(), request=request)
    assert str(report.problem.title) == "The server links to an unencrypted address"
    assert "https://" in str(report.problem.next)
    assert home.requests == []


@pytest.mark.parametrize(
    ("auth", "request_"),
    [(AUTHS[1], {}), (Auth(), {"headers": HEADERS}), (Auth(), {"method": "POST", "json": "{}"})],
    ids=["secret", "headers", "body"],
)
def test_http_that_leads_to_https_is_told_of(home, store, auth, request_):
    """By way of a proxy, as only usual ports say that it is the same server."""
    home.route("/items", redirect("https://api.example/items", 307))
    report = sync(store, "http://api.example/items", auth, request=Request(proxy=home.base, **request_))
    assert str(report.problem.title) == "The server requires an encrypted connection"
    assert report.failure == "permanent"
    assert ("replace it" in str(report.problem.next)) is (auth.kind != "none")
    assert [seen.method for seen in home.requests] == ["POST" if "json" in request_ else "GET"]


def test_a_proxy_s_login_goes_to_the_proxy_alone(home, elsewhere, store, monkeypatch):
    """Also where the proxied server leads to one that is reached without it."""
    there = elsewhere.route("/there", json_reply([{"id": 1}]))
    home.route("/items", redirect(there))
    monkeypatch.setenv("HTTP_PROXY", home.base.replace("://", "://me:pr0xy-pass@"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert sync(store, "http://api.example/items").added == 1
    assert "Proxy-Authorization" in home.requests[0].headers
    assert elsewhere.leaked(*OWN, "pr0xy-pass") == []


def test_the_client_sends_to_no_server_but_the_one_it_judged(home, elsewhere):
    """Whatever builds a call: the client looks at it last."""
    elsewhere.route("/x", json_reply([]))
    endpoint = Endpoint(url=home.url("/items"), request=Request(headers=HEADERS))
    access = Credentials(header=("Authorization", f"Bearer {SECRET}"), secrets=(SECRET,))
    client = Client(endpoint, access, CancelToken())
    try:
        client.fetch(Call(url=elsewhere.url("/x"), headers={**HEADERS, "Authorization": SECRET}))
        with pytest.raises(SyncError, match="The server redirects to another server"):
            client.fetch(Call(url=elsewhere.url("/x"), method="POST", body=BODY.encode()))
        with pytest.raises(SyncError, match="The address can't be used"):
            client.fetch(Call(url=f"http://me@{urlsplit(home.base).netloc}/x"))
    finally:
        client.close()
    assert (home.count(), elsewhere.count(), elsewhere.leaked(*OWN)) == (0, 1, [])


def test_the_transport_looks_again_at_what_it_sends(home, elsewhere):
    """A request that was judged by one address and goes to another never leaves."""
    elsewhere.route("/x", json_reply([]))
    transport = Transport(Request(), CancelToken(), Deadline(Duration(30)))
    send = partial(transport.send, "GET", elsewhere.url("/x"), {}, None, limit=1000, identified=True)
    try:
        with pytest.raises(SyncError, match="The address can't be used"):
            send(Received(), place=origin(home.base))
        assert elsewhere.requests == []
        send(Received(), place=origin(elsewhere.base))
        assert elsewhere.count() == 1
    finally:
        transport.close()
