"""OAuth2's edges, against a scripted token endpoint: odd answers, slow people, hostile callers, secrets in messages."""

import socket
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import msgspec
import pytest
import requests

from tests.patience import SECONDS
from tests.server import ApiServer, Reply, Seen, in_turn, json_reply, problem, raw, redirect
from trayapp.endpoints.model import Auth, Endpoint, Limits
from trayapp.endpoints.naming import completed
from trayapp.endpoints.units import Duration
from trayapp.store.file.database import Store
from trayapp.sync.cancel import BY_USER, Cancelled, CancelToken
from trayapp.sync.errors import AuthError, SyncError
from trayapp.sync.http import retry
from trayapp.sync.http.auth import MemorySecrets
from trayapp.sync.oauth.accounts import Accounts, OAuthAccess, SignInNeeded
from trayapp.sync.oauth.loopback import Redirect
from trayapp.sync.run.context import RunContext
from trayapp.sync.run.runner import run

NOW = datetime(2030, 1, 1, tzinfo=UTC)
SECRET = "cl1ent:s3cret&more"


@pytest.fixture(autouse=True)
def _quick_retries(monkeypatch):
    monkeypatch.setattr(retry, "pause_before", lambda attempt, asked, jitter: 0.0)


class Person:
    """Does nothing but remember what it was shown; `then` is called with the page."""

    def __init__(self, then: Callable[[str], object] = lambda url: None) -> None:
        self.pages: list[str] = []
        self.codes: list[tuple[str, str]] = []
        self.then = then

    def open_page(self, url: str) -> None:
        self.pages.append(url)
        self.then(url)

    def show_code(self, code: str, url: str) -> None:
        self.codes.append((code, url))


class Patience(CancelToken):
    """Waits take no time, and are remembered."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.check()


class Client:
    """An endpoint whose token endpoint is the test server's /token, and its clock and keyring."""

    def __init__(self, api: ApiServer, kind: str = "oauth2_client", **fields: Any) -> None:
        auth = Auth(kind=kind, token_url=api.url("/token"), client_id="me@here", **fields)  # type: ignore[arg-type]
        self.endpoint = completed(Endpoint(url=api.url("/items"), name="Items", auth=auth))
        self.keyring = MemorySecrets()
        self.now = NOW
        self.accounts = Accounts(self.keyring, lambda: self.now)

    def access(self, secret: str | None = SECRET, cancel: CancelToken | None = None) -> OAuthAccess:
        access = self.accounts.access(self.endpoint, secret, cancel or CancelToken())
        assert isinstance(access, OAuthAccess)
        return access

    def token(self, secret: str | None = SECRET) -> str:
        header = self.access(secret).current().header
        assert header is not None
        return header[1]

    def run(self, store: Store, secret: str | None = SECRET) -> Any:
        context = RunContext(
            store=store,
            staging=store.path.parent,
            secret=lambda _id, _auth: secret,
            accounts=self.accounts,
            now=lambda: self.now,
        )
        return run(self.endpoint, context, CancelToken())


def form(seen: Seen) -> dict[str, str]:
    return dict(parse_qsl(seen.body.decode()))


def numbered(**more: Any) -> Callable[[Seen], Reply]:
    """A token endpoint that gives t1, t2, …"""
    count = 0

    def give(seen: Seen) -> Reply:
        nonlocal count
        count += 1
        return json_reply({"access_token": f"t{count}", "token_type": "Bearer", **more})

    return give


# Client credentials


def test_the_client_says_who_it_is_by_basic(api):
    api.route("/token", numbered())
    client = Client(api, scopes=("a", "b"))
    assert client.token() == "Bearer t1"
    (seen,) = api.requests
    assert form(seen) == {"grant_type": "client_credentials", "scope": "a b"}
    # RFC 6749 section 2.3.1: both are form-encoded before they are joined.
    login = requests.auth._basic_auth_str("me%40here", "cl1ent%3As3cret%26more")
    assert seen.headers["Authorization"] == login


def test_a_server_that_wants_the_secret_in_the_body_gets_it_there_from_then_on(api):
    def give(seen: Seen) -> Reply:
        fields = form(seen)
        if fields.get("client_secret") != SECRET or fields.get("client_id") != "me@here":
            return json_reply({"error": "invalid_client"}, 401)
        return json_reply({"access_token": "t", "expires_in": "3600"})

    api.route("/token", give)
    client = Client(api)
    assert client.token() == "Bearer t"
    client.now += timedelta(hours=1)
    assert client.token() == "Bearer t"
    assert api.count("/token") == 3


def test_a_prefix_of_the_settings_replaces_bearer(api):
    api.route("/token", numbered())
    assert Client(api, prefix="Token").token() == "Token t1"


@pytest.mark.parametrize(
    ("lifetime", "later", "fetched"),
    [(3600, 3580, 1), (3600, 3595, 2), ("3600", 3595, 2), (10, 8, 1), (10, 9.5, 2), (None, 10**6, 1), (0, 0, 2)],
)
def test_a_token_is_kept_until_shortly_before_it_expires(api, lifetime, later, fetched):
    api.route("/token", numbered(**({} if lifetime is None else {"expires_in": lifetime})))
    client = Client(api)
    client.token()
    client.now += timedelta(seconds=later)
    client.token()
    assert api.count("/token") == fetched


def test_tokens_are_of_one_endpoint_and_one_secret(api):
    api.route("/token", numbered(expires_in=3600))
    client = Client(api)
    assert client.token() == "Bearer t1"
    assert client.token("another secret") == "Bearer t2"
    client.endpoint = msgspec.structs.replace(client.endpoint, id="another")
    assert client.token() == "Bearer t3"


def test_a_refused_token_is_renewed_once_for_each_page_and_no_more(api, store):
    api.route("/token", numbered(expires_in=3600))
    good = {"Bearer t2", "Bearer t3"}

    def items(seen: Seen) -> Reply:
        page = int(seen.param("page", "1"))
        if seen.headers["Authorization"] not in good:
            return problem(401, "Unauthorized")
        if page == 2:
            good.discard("Bearer t2")
        following = f'<{seen.base}/items?page={page + 1}>; rel="next"' if page < 3 else ""
        reply = json_reply([{"id": page * 10 + n} for n in range(3)])
        return reply.with_headers(Link=following) if following else reply

    api.route("/items", items)
    report = Client(api).run(store)
    assert (report.status, report.added) == ("succeeded", 9)
    assert api.count("/token") == 3


def test_a_new_token_that_is_refused_as_well_ends_the_run(api, store):
    api.route("/token", numbered(expires_in=3600))
    api.route("/items", problem(401, "Unauthorized", "The account is closed."))
    report = Client(api).run(store)
    assert (report.status, str(report.problem.title)) == ("failed", "The server does not accept the credentials")
    assert (api.count("/token"), api.count("/items")) == (2, 2)


def test_a_page_that_redirects_is_still_one_page(api, store):
    api.route("/token", numbered(expires_in=3600))
    api.route("/items", in_turn(problem(401, "Unauthorized"), redirect("/other")))
    api.route("/other", problem(401, "Unauthorized"))
    assert Client(api).run(store).status == "failed"
    assert (api.count("/token"), api.count("/items"), api.count("/other")) == (2, 2, 1)


def test_a_token_that_is_refused_with_another_status_is_renewed_too(api, store):
    api.route("/token", numbered(expires_in=3600))
    refusal = problem(403, "Forbidden").with_headers(WWW_Authenticate='Bearer error="invalid_token"')
    api.route("/items", in_turn(refusal, json_reply([{"id": 1}])))
    assert Client(api).run(store).added == 1


def test_no_token_goes_to_another_server(api, store):
    with ApiServer() as other:
        target = other.route("/items", json_reply([{"id": 1}]))
        api.route("/token", json_reply({"access_token": "t0ken-for-here", "expires_in": 3600}))
        api.route("/items", redirect(target))
        Client(api).run(store)
        assert other.count() > 0
        assert other.leaked("t0ken-for-here", SECRET) == []


# What token endpoints answer


@pytest.mark.parametrize(
    ("reply", "title"),
    [
        (json_reply({"error": "invalid_client"}, 401), "The sign-in service rejects the client"),
        (json_reply({"error": "unauthorized_client"}, 400), "The sign-in service rejects the client"),
        (json_reply({"error": "invalid_scope", "error_description": "no x"}, 400), "The sign-in service rejects the s"),
        (json_reply({"error": "unsupported_grant_type"}, 400), "The sign-in service gives no token"),
        (json_reply({"error": "bad_verification_code"}), "The sign-in service gives no token"),
        (json_reply({"token": "t"}), "The sign-in service's response can't be read"),
        (json_reply({"access_token": "a\r\nX-Other: b"}), "The sign-in service's response can't be read"),
        (json_reply({"access_token": 5}), "The sign-in service's response can't be read"),
        (json_reply(["t"]), "The sign-in service's response can't be read"),
        (raw(b"<html>", "text/html"), "The sign-in service's response can't be read"),
        (raw(b" " * 2_000_000), "The sign-in service's response can't be read"),
        (redirect("https://elsewhere.example/token", 307), "The sign-in service has moved"),
        (problem(404, "Not Found"), "There is nothing at this address"),
        (problem(503, "Down"), "The server has a problem"),
        (json_reply({"error": "temporarily_unavailable"}, 400), "The sign-in service has a problem"),
    ],
)
def test_odd_answers_are_explained_and_no_record_is_asked_for(api, store, reply, title):
    api.route("/token", reply)
    report = Client(api).run(store)
    assert report.status == "failed"
    assert str(report.problem.title).startswith(title)
    assert str(report.problem.cause).endswith((".", "…"))
    assert str(report.problem.next)
    assert api.count("/items") == 0


def test_a_token_endpoint_that_has_a_moments_trouble_is_asked_again(api, store):
    api.route("/token", in_turn(problem(503, "Down"), problem(429, "Slow down"), numbered()))
    api.route("/items", json_reply([{"id": 1}]))
    assert Client(api).run(store).added == 1


def test_an_answer_as_a_form_is_understood(api):
    api.route("/token", raw(b"access_token=a%20b&expires_in=60", "application/x-www-form-urlencoded; charset=utf-8"))
    assert Client(api).token() == "Bearer a b"


def test_what_a_token_endpoint_repeats_of_our_secrets_is_not_shown(api, store):
    def echo(seen: Seen) -> Reply:
        words = f"no: {seen.headers.get('Authorization', '')} {seen.body.decode()} {SECRET}"
        return json_reply({"error": "invalid_client", "error_description": words}, 401)

    api.route("/token", echo)
    report = Client(api).run(store)
    shown = repr(report)
    assert "rejects the client" in shown
    for part in (SECRET, "s3cret", "Y2wxZW50", "bWUlNDBoZXJl"):
        assert part not in shown


def test_nothing_that_holds_a_token_shows_it(api):
    api.route("/token", json_reply({"access_token": "s3cret-t", "refresh_token": "s3cret-r", "expires_in": 60}))
    client = Client(api)
    access = client.access()
    current = access.current()
    for thing in (access, current, client.accounts, access._account, access._account.token):
        assert "s3cret" not in repr(thing)


# A person's sign-in


def code_client(api: ApiServer, **fields: Any) -> Client:
    return Client(api, "oauth2_code", auth_url=api.url("/sign-in?access_type=offline"), **fields)


def comes_back(code: str = "the code", **more: str) -> Callable[[str], object]:
    """A person whose browser comes back at once."""

    def answer(url: str) -> None:
        query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        params = {"code": code, "state": query["state"], **more}
        requests.get(query["redirect_uri"], params=params, timeout=SECONDS)

    return lambda url: threading.Thread(target=answer, args=(url,)).start()


def test_the_browser_is_sent_with_pkce_and_the_code_is_exchanged_with_its_verifier(api):
    import base64
    import hashlib

    api.route("/token", json_reply({"access_token": "t", "refresh_token": "r", "expires_in": 60}))
    client = code_client(api, scopes=("x", "y"))
    person = Person(comes_back())
    client.access(None).sign_in(person, 5)
    (page,) = person.pages
    asked = dict(parse_qsl(urlsplit(page).query))
    sent = form(api.requests[-1])
    assert asked["access_type"] == "offline"
    assert (asked["response_type"], asked["client_id"], asked["scope"]) == ("code", "me@here", "x y")
    assert len(sent["code_verifier"]) >= 43
    digest = hashlib.sha256(sent["code_verifier"].encode()).digest()
    assert asked["code_challenge"] == base64.urlsafe_b64encode(digest).decode().rstrip("=")
    assert (sent["code"], sent["redirect_uri"]) == ("the code", asked["redirect_uri"])
    assert (sent["client_id"], "client_secret" in sent) == ("me@here", False)
    assert client.keyring.fields == {("items", "refresh_token"): "r"}
    with pytest.raises(requests.ConnectionError):  # it closed itself
        requests.get(asked["redirect_uri"], timeout=1)


def test_a_service_s_own_parameters_go_to_the_page_and_with_every_token_request(api):
    api.route("/token", json_reply({"access_token": "t", "refresh_token": "r"}))
    params = {"token_params": {"audience": "urn:a b"}, "auth_params": {"prompt": "consent", "access_type": "online"}}
    client = code_client(api, **params)
    person = Person(comes_back())
    client.access(None).sign_in(person, 5)
    asked = dict(parse_qsl(urlsplit(person.pages[0]).query))
    assert (asked["prompt"], asked["access_type"], asked["response_type"]) == ("consent", "online", "code")
    assert "audience" not in asked
    exchange = form(api.requests[-1])
    assert (exchange["audience"], exchange["grant_type"]) == ("urn:a b", "authorization_code")
    assert "prompt" not in exchange
    client.accounts = Accounts(client.keyring, lambda: client.now)
    assert client.token(None) == "Bearer t"
    renewal = form(api.requests[-1])
    assert (renewal["audience"], renewal["grant_type"]) == ("urn:a b", "refresh_token")


def test_what_a_token_is_asked_for_makes_it_another_token(api):
    api.route("/token", numbered())
    client = Client(api, token_params={"audience": "a"})
    assert client.token() == client.token() == "Bearer t1"
    auth = msgspec.structs.replace(client.endpoint.auth, token_params={"audience": "b"})
    client.endpoint = msgspec.structs.replace(client.endpoint, auth=auth)
    assert client.token() == "Bearer t2"


def test_the_browser_comes_back_to_the_port_of_the_settings(api):
    api.route("/token", json_reply({"access_token": "t", "refresh_token": "r"}))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for _ in range(2):  # the second time it is free again
        person = Person(comes_back())
        code_client(api, redirect_port=port).access(None).sign_in(person, 5)
        (redirect_uri,) = parse_qs(urlsplit(person.pages[0]).query)["redirect_uri"]
        assert redirect_uri == f"http://127.0.0.1:{port}/signed-in"


def test_a_port_that_another_program_has_is_said_before_a_page_is_opened(api):
    person = Person()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(AuthError) as failed:
            code_client(api, redirect_port=port).access(None).sign_in(person, 5)
    assert failed.value.cause == f"TraySync can't listen on port {port}: Address already in use."
    assert "auth.redirect_port" in failed.value.next
    assert person.pages == []


def test_only_the_right_state_ends_the_wait():
    with Redirect("right") as redirect:
        assert urlsplit(redirect.uri).hostname == "127.0.0.1"
        for target in ("/", "/favicon.ico", "/signed-in", "/signed-in?code=evil&state=wrong", "/signed-in?code=evil"):
            answer = requests.get(redirect.uri.replace("/signed-in", target), timeout=SECONDS)
            assert answer.status_code in (400, 404)
        assert requests.post(redirect.uri, timeout=SECONDS).status_code == 501
        with pytest.raises(AuthError, match="Nobody signed in"):
            redirect.wait(0.01, CancelToken())
        page = requests.get(f"{redirect.uri}?code=good&state=right", timeout=SECONDS)
        assert "You are signed in" in page.text
        assert page.headers["Cache-Control"] == "no-store"
        assert redirect.wait(SECONDS, CancelToken()) == "good"
        assert requests.get(f"{redirect.uri}?code=late&state=right", timeout=SECONDS).status_code == 400
        assert redirect.wait(SECONDS, CancelToken()) == "good"


def test_what_the_service_says_of_a_refusal_is_shown_as_text():
    with Redirect("s") as redirect:
        query = {"error": "access_denied", "error_description": "<script>no</script>", "state": "s"}
        page = requests.get(redirect.uri, params=query, timeout=SECONDS)
        assert "&lt;script&gt;" in page.text
        assert "<script>" not in page.text
        with pytest.raises(AuthError) as refused:
            redirect.wait(SECONDS, CancelToken())
        assert "<script>no</script>" in refused.value.cause


def test_connections_that_send_nothing_do_not_hold_up_the_browser():
    with Redirect("s") as redirect:
        port = urlsplit(redirect.uri).port or 0
        with socket.create_connection(("127.0.0.1", port), timeout=SECONDS):
            requests.get(f"{redirect.uri}?code=c&state=s", timeout=SECONDS)
            assert redirect.wait(SECONDS, CancelToken()) == "c"


def test_a_wait_for_a_person_can_be_stopped(api):
    client = code_client(api)
    cancel = CancelToken()
    person = Person(lambda _url: cancel.cancel(BY_USER))
    with pytest.raises(Cancelled):
        client.access(None, cancel).sign_in(person, 60)


def test_a_confidential_client_sends_its_secret_with_the_code(api):
    api.route("/token", json_reply({"access_token": "t", "refresh_token": "r"}))
    code_client(api).access(SECRET).sign_in(Person(comes_back()), 5)
    assert api.requests[-1].headers["Authorization"].startswith("Basic ")


def test_without_a_refresh_token_the_access_token_is_kept(api, store):
    api.route("/token", json_reply({"access_token": "forever"}))
    api.route("/items", json_reply([{"id": 1}]))
    client = code_client(api)
    client.access(None).sign_in(Person(comes_back()), 5)
    client.accounts = Accounts(client.keyring, lambda: client.now)
    assert client.run(store, None).added == 1
    assert api.count("/token") == 1
    api.route("/items", problem(401, "Unauthorized"))
    report = client.run(store, None)
    assert str(report.problem.title) == "Sign in again"
    assert api.count("/token") == 1


def test_a_service_that_keeps_its_refresh_token_is_asked_with_it_again(api):
    client = code_client(api)
    client.keyring.set(client.endpoint, "refresh_token", "r")
    api.route("/token", numbered(expires_in=60))
    assert client.token(None) == "Bearer t1"
    client.now += timedelta(minutes=2)
    assert client.token(None) == "Bearer t2"
    assert [form(seen)["refresh_token"] for seen in api.requests] == ["r", "r"]


def test_a_sign_in_that_is_over_asks_for_another_and_keeps_the_table(api, store):
    client = code_client(api)
    client.keyring.set(client.endpoint, "refresh_token", "r-s3cret")
    api.route("/token", numbered(expires_in=60))
    api.route("/items", json_reply([{"id": 1}]))
    assert client.run(store, None).added == 1
    words = "the token r-s3cret was revoked"
    api.route("/token", json_reply({"error": "invalid_grant", "error_description": words}, 400))
    client.now += timedelta(minutes=2)
    report = client.run(store, None)
    assert (report.status, str(report.problem.title)) == ("failed", "Sign in again")
    assert "was revoked" in str(report.problem.cause)
    assert "s3cret" not in repr(report)
    with store.reading() as db:
        assert list(db.execute("SELECT id FROM items")) == [(1,)]


def test_another_process_that_renewed_meanwhile_is_followed(api):
    client = code_client(api)
    client.keyring.set(client.endpoint, "refresh_token", "r1")
    given = []

    def rotate(seen: Seen) -> Reply:
        expected = f"r{len(given) + 1}"
        if form(seen)["refresh_token"] != expected:
            return json_reply({"error": "invalid_grant"}, 400)
        given.append(expected)
        return json_reply({"access_token": f"t{len(given)}", "refresh_token": f"r{len(given) + 1}", "expires_in": 60})

    api.route("/token", rotate)
    one, two = client.accounts, Accounts(client.keyring, lambda: client.now)
    for turn in range(6):
        client.accounts = (one, two)[turn % 2]
        assert client.token(None) == f"Bearer t{turn + 1}"
        client.now += timedelta(minutes=2)


def test_a_wait_for_another_runs_renewal_can_be_stopped(api):
    client = code_client(api)
    cancel = CancelToken()
    access = client.access(None, cancel)
    with access._account.lock:
        threading.Timer(0.05, cancel.cancel, [BY_USER]).start()
        with pytest.raises(Cancelled):
            access.current()


def test_a_run_that_was_never_signed_in_says_so(api):
    with pytest.raises(SignInNeeded, match="Sign in again"):
        code_client(api).token(None)


# Codes for other devices (RFC 8628)

DEVICE = {
    "device_code": "s3cret-device",
    "user_code": "WDJB-MJHT",
    "verification_uri": "https://a.example/device",
    "verification_uri_complete": "https://a.example/device?user_code=WDJB-MJHT",
    "expires_in": 60,
    "interval": 2,
}


def with_code(api: ApiServer, cancel: CancelToken, person: Person, *answers: Any) -> Client:
    fields = {"auth_params": {"audience": "a"}, "token_params": {"audience": "b"}}
    client = Client(api, "oauth2_code", device_url=api.route("/device", json_reply(DEVICE)), scopes=("x",), **fields)
    replies = [a if isinstance(a, Reply) else json_reply({"error": a}, 400) for a in answers]
    api.route("/token", in_turn(*replies))
    client.access(None, cancel).sign_in(person)
    return client


TOKEN = json_reply({"access_token": "t", "refresh_token": "r"})


def test_the_code_is_shown_and_asked_for_as_slowly_as_the_service_wants(api):
    cancel, person = Patience(), Person()
    answers = ("authorization_pending", "slow_down", "authorization_pending", problem(503, "Down"), TOKEN)
    client = with_code(api, cancel, person, *answers)
    assert person.codes == [("WDJB-MJHT", "https://a.example/device")]
    assert person.pages == ["https://a.example/device?user_code=WDJB-MJHT"]
    assert cancel.waits == [2, 2, 7, 7, 14]
    first, *polls = api.requests
    assert form(first) == {"client_id": "me@here", "scope": "x", "audience": "a"}
    assert {form(seen)["audience"] for seen in polls} == {"b"}
    assert {form(seen)["device_code"] for seen in polls} == {"s3cret-device"}
    assert client.keyring.fields == {("items", "refresh_token"): "r"}


@pytest.mark.parametrize(
    ("answers", "title"),
    [
        (("expired_token",), "Nobody signed in"),
        (("authorization_pending",), "Nobody signed in"),
        (("access_denied",), "The sign-in was refused"),
        (("invalid_client",), "The sign-in service rejects the client"),
    ],
)
def test_codes_that_lead_nowhere(api, answers, title):
    cancel = Patience()
    with pytest.raises(AuthError) as ended:
        with_code(api, cancel, Person(), *answers)
    assert ended.value.title == title
    assert sum(cancel.waits) <= 60


def test_a_service_without_codes(api):
    client = Client(api, "oauth2_code", device_url=api.route("/device", json_reply({"device_code": "d"})))
    with pytest.raises(SyncError, match="can't be read"):
        client.access(None).sign_in(Person())


@pytest.mark.parametrize("field", ["verification_uri", "verification_uri_complete"])
@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "file:///etc/passwd", "https://evil.example\\@a.example/device"]
)
def test_nobody_is_sent_to_a_page_that_is_none(api, field, url):
    person = Person()
    client = Client(api, "oauth2_code", device_url=api.route("/device", json_reply({**DEVICE, field: url})))
    with pytest.raises(SyncError, match="The server's link can't be used"):
        client.access(None, Patience()).sign_in(person)
    assert (person.pages, person.codes) == ([], [])


def test_a_token_address_that_lies_is_not_asked(api):
    with ApiServer() as evil:
        client = Client(api)
        lie = f"{evil.base}\\@{urlsplit(api.base).netloc}/token"
        auth = msgspec.structs.replace(client.endpoint.auth, token_url=lie)
        client.endpoint = msgspec.structs.replace(client.endpoint, auth=auth)
        with pytest.raises(SyncError, match="The address can't be used"):
            client.token()
        assert evil.requests == api.requests == []


def test_a_run_s_time_does_not_limit_the_person(api):
    api.route("/token", TOKEN)
    client = code_client(api)
    client.endpoint = msgspec.structs.replace(client.endpoint, limits=Limits(run=Duration(1)))
    client.access(None).sign_in(Person(lambda url: threading.Timer(1.2, comes_back(), [url]).start()), 10)
    assert client.keyring.get(client.endpoint, "refresh_token") == "r"
