"""What servers and networks do wrong, through the real engine: the table stays as it was, and the report says why."""

import base64
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import quote

import msgspec
import pytest

from tests.patience import best_of, quickest, until
from tests.server import (
    ApiServer,
    Guarded,
    Listing,
    Reply,
    basic,
    bearer,
    certificate,
    chunked,
    cut,
    endless,
    gzip_bomb,
    header_key,
    html,
    in_turn,
    json_reply,
    late,
    login_page,
    nested,
    problem,
    query_key,
    raw,
    redirect,
    reset,
    silent,
    slow_headers,
    trickle,
)
from trayapp.endpoints.model import Auth, Endpoint, Limits, Pages, Request, Table
from trayapp.endpoints.units import Duration, Size
from trayapp.store.file.database import Store
from trayapp.sync.cancel import BY_USER, PROGRAM_ENDED, CancelToken
from trayapp.sync.http import retry
from trayapp.sync.paging import listing
from trayapp.sync.run.context import RunContext
from trayapp.sync.run.runner import run

GOOD = [{"id": 1, "name": "Ähre"}, {"id": 2, "name": "b"}, {"id": 3, "name": None}]
SECRET = 'hunter2"ünter2/+'


class Mirror:
    """An endpoint with its server and its database, after one good run."""

    def __init__(self, folder):
        self.folder = folder
        self.staging = folder / "staging"
        self.staging.mkdir()
        self.store = Store(folder / "traysync.db")
        self.api = ApiServer()
        self.url = self.api.route("/items", json_reply(GOOD))
        self.secret = None

    def endpoint(self, **more):
        fields = {"id": "items", "name": "Items", "url": self.url, "table": Table(name="items", key=("id",)), **more}
        fields.setdefault("request", Request(timeout=Duration(60)))
        return Endpoint(**fields)

    def sync(self, endpoint=None, cancel=None, **options):
        context = RunContext(store=self.store, staging=self.staging, secret=lambda _id, _auth: self.secret)
        return run(endpoint or self.endpoint(), context, cancel or CancelToken(), **options)

    def rows(self):
        with self.store.reading() as db:
            return db.execute("SELECT id, name FROM items ORDER BY id").fetchall()

    def everything(self):
        """All text in the database file and beside it."""
        self.store.checkpoint()
        return b"".join(path.read_bytes() for path in self.folder.rglob("*") if path.is_file())

    def runs(self):
        with self.store.reading() as db:
            return db.execute("SELECT status, sentence FROM _sync_runs ORDER BY run").fetchall()

    def answers(self, handler, **more):
        self.api.route("/items", handler)
        return self.sync(self.endpoint(**more))


ROWS = [(1, "Ähre"), (2, "b"), (3, None)]


@pytest.fixture
def mirror(tmp_path):
    made = Mirror(tmp_path)
    with made.api:
        assert made.sync().added == 3
        yield made
        made.store.close()


@pytest.fixture(autouse=True)
def hurry(monkeypatch):
    """No pause before a repeated request, unless the server asks for one."""
    monkeypatch.setattr(retry, "pause_before", lambda _attempt, asked, _jitter: asked or 0.0)


def assert_failed(mirror, report, title):
    """The run failed with this problem in whole sentences; nothing else happened, and the next good run works."""
    assert report.status == "failed", str(report.sentence)
    assert report.problem is not None
    assert str(report.problem.title) == title
    for sentence in (str(report.problem.cause), str(report.problem.next)):
        assert sentence.endswith("."), sentence
        assert "\n" not in sentence
        assert sentence[0].isupper() or "/" in sentence.split()[0] or sentence.startswith("127.0.0.1"), sentence
    assert "Traceback" not in str(report.sentence)
    assert (report.added, report.changed, report.deleted, report.held) == (0, 0, 0, 0)
    assert mirror.rows() == ROWS
    assert mirror.runs()[-1] == ("failed", str(report.sentence))
    assert list(mirror.staging.iterdir()) == []
    mirror.api.route("/items", json_reply(GOOD))
    again = mirror.sync()
    assert (again.status, again.unchanged, again.has_changes) == ("succeeded", 3, False)


BROKEN = {"id": 4, "name": "never to be seen"}

FAULTS = {
    "401": (problem(401, "Unauthorized", "Token expired"), "The server does not accept the credentials"),
    "403": (problem(403, "Forbidden"), "The server denies access"),
    "404": (problem(404, "Not Found"), "There is nothing at this address"),
    "410": (Reply(status=410), "There is nothing at this address"),
    "418": (raw(b"short and stout", "text/plain", 418), "The server rejects the request"),
    "500": (html(500), "The server has a problem"),
    "500 empty": (Reply(status=500), "The server has a problem"),
    "503": (html(503, "Maintenance"), "The server has a problem"),
    "999": (Reply(status=599), "The server has a problem"),
    "a web page": (html(), "The response is a web page, not data"),
    "a web page said to be JSON": (raw(html().body), "The response is a web page, not data"),
    "a sign-in page": (login_page(), "The server requires a sign-in"),
    "XML": (raw(b"<?xml version='1.0'?><a/>", "text/xml"), "The response has no list of records"),
    "nothing": (raw(b""), "The response is empty"),
    "blanks": (raw(b" \r\n "), "The response is empty"),
    "204": (Reply(status=204), "The response is empty"),
    "truncated JSON": (raw(json_reply([*GOOD, BROKEN]).body[:-20]), "The response was cut off"),
    "no JSON": (raw(b"id;name\n1;a\n"), "The response is not JSON"),
    "two documents": (raw(b"[] []"), "The response is not JSON"),
    "a text": (json_reply("hello"), "The response has no list of records"),
    "null": (json_reply(None), "The response has no list of records"),
    "an object without a list": (json_reply({"ok": True, "n": 3}), "The response has no list of records"),
    "an error as 200": (json_reply({"errors": [{"message": "no"}]}), "The response has no list of records"),
    "numbers": (json_reply([1, 2, 3]), "The response has no list of records"),
    "records and others": (json_reply([BROKEN, None]), "The response has no list of records"),
    "deep nesting": (nested(100_000), "The response is nested too deeply"),
    "a record without key": (json_reply([BROKEN, {"name": "?"}]), "Some records have no key"),
    "a key that is null": (json_reply([BROKEN, {"id": None}]), "Some records have no key"),
    "a key that is an object": (json_reply([BROKEN, {"id": {"a": 1}}]), "Some records have no key"),
    "one key twice": (json_reply([BROKEN, {"id": 4, "name": "else"}]), "id is not unique"),
    "less than announced": (cut(json_reply([*GOOD, BROKEN])), "The response was cut off"),
    "less chunks": (chunked(json_reply([*GOOD, BROKEN]), piece=9, keep=0.7), "The response was cut off"),
    "a reset in the body": (reset(json_reply([*GOOD, BROKEN])), "The response was cut off"),
    "a reset at once": (reset(), "The connection was lost"),
    "no gzip": (raw(b"plain").with_headers(Content_Encoding="gzip"), "The response is damaged"),
    "wrong charset": (
        raw(b'[{"id": 1, "name": "\xff"}]', "application/json; charset=utf-7"),
        "The response's text can't be read",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_bad_answer_changes_nothing_and_is_explained(mirror, fault):
    reply, title = FAULTS[fault]
    assert_failed(mirror, mirror.answers(reply), title)


@pytest.mark.parametrize("fault", ["500", "a web page", "truncated JSON", "one key twice", "a reset in the body"])
def test_the_same_on_a_later_page(mirror, fault):
    reply, title = FAULTS[fault]
    first = json_reply([{"id": 9, "name": "of page 1"}]).with_headers(Link='</more>; rel="next"')
    mirror.api.route("/more", reply)
    assert_failed(mirror, mirror.answers(first), title)
    assert mirror.api.count("/more") >= 1


def test_the_servers_own_words_are_told(mirror):
    report = mirror.answers(problem(422, "Unprocessable", "The parameter 'since' is no date"))
    assert "The parameter 'since' is no date" in str(report.sentence)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_passing_trouble_is_tried_again_within_the_run(mirror, status):
    report = mirror.answers(in_turn(Reply(status=status), reset(), cut(json_reply(GOOD)), json_reply(GOOD)))
    assert (report.status, report.unchanged, report.requests) == ("succeeded", 3, 4)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_lasting_trouble_is_not_tried_again(mirror, status):
    before = mirror.api.count()
    assert mirror.answers(Reply(status=status)).requests == 1
    assert mirror.api.count() == before + 1


# --- addresses and connections


@pytest.mark.parametrize(
    "url", ["127.0.0.1/items", "//127.0.0.1/items", "http:///items", "ftp://127.0.0.1/x", "http://[::1/x"]
)
def test_an_address_that_is_none(mirror, url):
    assert_failed(mirror, mirror.sync(mirror.endpoint(url=url)), "The address can't be used")


def test_a_port_where_nobody_listens(mirror):
    with ApiServer() as gone:
        url = gone.url("/items")
    assert_failed(mirror, mirror.sync(mirror.endpoint(url=url)), "The server can't be reached")


def test_a_name_that_does_not_exist(mirror):
    assert_failed(mirror, mirror.sync(mirror.endpoint(url="http://no-such-host.invalid/")), "The server can't be found")


def test_silence(mirror):
    reports = []
    request = Request(timeout=Duration(0.2))
    assert quickest(lambda: reports.append(mirror.answers(silent(), request=request)), 5) < 5
    assert_failed(mirror, reports[-1], "The server does not respond")


def test_silence_in_the_middle(mirror):
    report = mirror.answers(trickle(json_reply(GOOD), gap=60), request=Request(timeout=Duration(0.2)))
    assert_failed(mirror, report, "The response was cut off")


@pytest.mark.parametrize("how", ["untrusted", "expired", "wrong host"])
def test_a_certificate_that_is_not_good(mirror, tmp_path, how):
    bad = certificate("example.org") if how == "wrong host" else certificate(expired=how == "expired")
    ca_file = None if how == "untrusted" else bad.write_authority(tmp_path / "ca.pem")
    with ApiServer(bad) as api:
        url = api.route("/items", json_reply([BROKEN]))
        report = mirror.sync(mirror.endpoint(url=url, request=Request(ca_file=ca_file)))
        assert api.requests == []
    assert_failed(mirror, report, "The server's certificate is not trusted")


def test_a_certificate_of_the_users_own_authority_is_good(mirror, tmp_path):
    good = certificate()
    with ApiServer(good) as api:
        url = api.route("/items", json_reply(GOOD))
        ca_file = good.write_authority(tmp_path / "ca.pem")
        assert mirror.sync(mirror.endpoint(url=url, request=Request(ca_file=ca_file))).unchanged == 3


def test_a_ca_file_that_is_missing(mirror):
    report = mirror.sync(mirror.endpoint(url="https://127.0.0.1:1/", request=Request(ca_file="/no/such/file.pem")))
    assert_failed(mirror, report, "The CA file can't be read")


def test_https_where_http_is_spoken(mirror):
    report = mirror.sync(mirror.endpoint(url=mirror.url.replace("http:", "https:")))
    assert_failed(mirror, report, "No secure connection")


def test_http_where_https_is_spoken(mirror):
    with ApiServer(certificate()) as api:
        report = mirror.sync(mirror.endpoint(url=api.url("/items").replace("https:", "http:")))
    assert_failed(mirror, report, "The connection was lost")


# --- what is only believed on a second look


def test_a_list_that_becomes_empty_is_held_not_deleted(mirror):
    report = mirror.answers(json_reply([]))
    assert (report.status, report.deleted, report.held) == ("held", 0, 3)
    assert mirror.rows() == ROWS
    mirror.api.route("/items", json_reply([]))
    assert mirror.sync(apply_held=True).deleted == 3
    assert mirror.rows() == []


def test_many_deletions_at_once_are_held_few_are_not(mirror):
    many = [{"id": number, "name": "x"} for number in range(1, 201)]
    mirror.answers(json_reply(many))
    few = mirror.answers(json_reply(many[:170]))
    assert (few.status, few.deleted, few.held) == ("succeeded", 30, 0)
    gone = mirror.answers(json_reply(many[:100]))
    assert (gone.status, gone.deleted, gone.held) == ("held", 0, 70)
    back = mirror.answers(json_reply(many[:170]))
    assert (back.status, back.unchanged, back.held) == ("succeeded", 170, 0)


def test_less_than_the_server_says_there_are_deletes_nothing(mirror):
    short = json_reply(GOOD[:2]).with_headers(X_Total_Count="3", Link='</more>; rel="next"')
    mirror.api.route("/more", json_reply([]).with_headers(X_Total_Count="3"))
    report = mirror.answers(short)
    assert (report.status, report.deleted) == ("incomplete", 0)
    assert "3 records, but sent 2" in str(report.problem.cause)
    assert mirror.rows() == ROWS


# --- values that are odd but right


@pytest.mark.parametrize(
    ("body", "kind", "rows"),
    [
        (b"\xef\xbb\xbf" + json_reply(GOOD).body, "application/json", ROWS),
        (json_reply(GOOD).body.decode().encode("utf-16"), "application/json", ROWS),
        (json_reply(GOOD).body.decode().encode("latin-1"), "application/json; charset=latin-1", ROWS),
        (json_reply(GOOD).body, "text/plain", ROWS),
        (b'[{"id": 1, "name": NaN}, {"id": 2, "name": -Infinity}, {"id": 3}]', "application/json",
         [(1, None), (2, None), (3, None)]),
        (b'[{"id": 1, "name": 123456789012345678901234567890}, {"id": 2}, {"id": 3}]', "application/json",
         [(1, "123456789012345678901234567890"), (2, None), (3, None)]),
        (b'[{"id": 1, "name": "\\ud800"}, {"id": 2}, {"id": 3}]', "application/json",
         [(1, "\ufffd"), (2, None), (3, None)]),
    ],
    ids=["BOM", "UTF-16", "latin-1", "content type", "NaN", "huge integer", "lone surrogate"],
)  # fmt: skip
def test_odd_texts_are_read_right(mirror, body, kind, rows):
    assert mirror.answers(raw(body, kind)).status == "succeeded"
    assert mirror.rows() == rows


# --- redirects and credentials


AUTHS = {
    "basic": (Auth(kind="basic", user="ada"), basic("ada", SECRET)),
    "bearer": (Auth(kind="bearer"), bearer(SECRET)),
    "header": (Auth(kind="header", name="X-Api-Key"), header_key("X-Api-Key", SECRET)),
    "query": (Auth(kind="query", name="key"), query_key("key", SECRET)),
}


@pytest.fixture(params=AUTHS)
def guarded(request, mirror):
    """The mirror's server wants credentials now, and the endpoint has them."""
    auth, check = AUTHS[request.param]
    mirror.secret = SECRET
    mirror.check = check
    mirror.auth = auth
    return mirror


def test_credentials_are_sent_and_never_written_down(guarded):
    guarded.api.route("/items", Guarded(guarded.check, Listing(GOOD, "link", size=2)))
    report = guarded.sync(guarded.endpoint(auth=guarded.auth))
    assert (report.status, report.unchanged, report.requests) == ("succeeded", 3, 2)
    assert SECRET.encode() not in guarded.everything()


def test_a_redirect_within_the_server_keeps_the_credentials(guarded):
    guarded.api.route("/there", Guarded(guarded.check, json_reply(GOOD)))
    guarded.api.route("/items", redirect("/there"))
    assert guarded.sync(guarded.endpoint(auth=guarded.auth)).unchanged == 3


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_server_never_gets_the_credentials(guarded, status):
    with ApiServer() as other:
        guarded.api.route("/items", redirect(other.route("/there", json_reply(GOOD)), status))
        request = Request(headers={"X-Own": SECRET, "Cookie": "session=1"})
        report = guarded.sync(guarded.endpoint(auth=guarded.auth, request=request))
        assert other.count("/there") == 1, str(report.sentence)
        assert other.leaked(SECRET) == []


def test_a_redirect_from_https_to_http_never_gets_the_credentials(guarded, tmp_path):
    good = certificate()
    with ApiServer(good) as safe, ApiServer() as plain:
        url = safe.route("/items", redirect(plain.route("/there", json_reply(GOOD))))
        request = Request(ca_file=good.write_authority(tmp_path / "ca.pem"))
        guarded.sync(guarded.endpoint(url=url, auth=guarded.auth, request=request))
        assert safe.leaked(SECRET)
        assert plain.leaked(SECRET) == []


def test_a_next_page_on_another_server_is_not_asked_for(guarded):
    with ApiServer() as other:
        there = other.route("/more", json_reply([]))
        first = json_reply(GOOD).with_headers(Link=f'<{there}>; rel="next"')
        report = guarded.answers(Guarded(guarded.check, first), auth=guarded.auth)
        assert other.requests == []
    assert_failed(guarded, report, "The next page is on another server")


@pytest.mark.parametrize("status", [400, 200])
@pytest.mark.parametrize("form", ["text", "JSON"])
def test_a_server_that_repeats_the_secret_in_an_error_does_not_get_it_written_down(guarded, status, form):
    """Also where the message is cut, and where the secret is shown as it was sent."""

    def answer(seen):
        words = f"I got {seen.headers.get('Authorization') or seen.headers.get('X-Api-Key')} {seen.target} {SECRET} "
        words += "and that " * 10 + SECRET * 10
        return json_reply({"errors": [words]}, status) if form == "JSON" else raw(words.encode(), "text/plain", status)

    report = guarded.answers(answer, auth=guarded.auth)
    assert report.status == "failed"
    for part in (SECRET[:8], base64.b64encode(f"ada:{SECRET}".encode()).decode(), quote(SECRET)):
        assert part not in repr(report)
        assert part.encode() not in guarded.everything()


@pytest.mark.parametrize("kind", ["basic", "bearer", "header", "query"])
def test_a_missing_secret_is_said_before_anything_is_sent(mirror, kind):
    before = mirror.api.count()
    report = mirror.sync(mirror.endpoint(auth=AUTHS[kind][0]))
    assert report.status == "failed"
    assert mirror.api.count() == before
    assert_failed(mirror, report, "The password or token is missing")


@pytest.mark.parametrize(
    ("target", "title"),
    [
        ("/items", "The server redirects endlessly"),
        ("file:///etc/passwd", "The server's link can't be used"),
    ],
)
def test_redirects_that_lead_nowhere(mirror, target, title):
    before = mirror.api.count()
    assert_failed(mirror, mirror.answers(redirect(target)), title)
    assert mirror.api.count() <= before + 13


@pytest.mark.parametrize("target", ["http://[bad", "http://127.0.0.1:99999/x"])
def test_links_that_are_no_addresses(mirror, target):
    assert_failed(mirror, mirror.answers(redirect(target)), "The server's link can't be used")
    reply = json_reply(GOOD).with_headers(Link=f'<{target}>; rel="next"')
    assert_failed(mirror, mirror.answers(reply), "The server's link can't be used")


@pytest.mark.parametrize("flood", [endless(), gzip_bomb(400), trickle(json_reply(GOOD), gap=60)])
def test_the_body_of_a_redirect_is_not_read(mirror, flood):
    mirror.api.route("/there", json_reply(GOOD))
    moved = replace(flood, status=302).with_headers(Location="/there")
    request, limits = Request(timeout=Duration(20)), Limits(bytes=Size(10_000))
    assert mirror.answers(moved, request=request, limits=limits).status == "succeeded"


def test_two_addresses_that_redirect_to_each_other(mirror):
    mirror.api.route("/there", redirect("/items"))
    assert_failed(mirror, mirror.answers(redirect("/there")), "The server redirects endlessly")


def test_a_redirect_that_is_not_wished_is_explained(mirror):
    report = mirror.answers(redirect("/there"), request=Request(follow_redirects=False))
    assert_failed(mirror, report, "The server redirects")


# --- listings without end


def test_a_next_page_that_is_the_page_itself(mirror):
    reply = json_reply(GOOD).with_headers(Link=f'<{mirror.url}>; rel="next"')
    assert_failed(mirror, mirror.answers(reply), "The pages repeat")


def test_pages_that_repeat_under_ever_new_addresses(mirror):
    def page(seen):
        number = int(seen.param("n", "0")) + 1
        return json_reply(GOOD).with_headers(Link=f'</items?n={number}>; rel="next"')

    report = mirror.answers(page)
    assert report.requests < 5
    assert_failed(mirror, report, "The pages repeat")


def test_new_pages_without_end(mirror):
    def page(seen):
        number = int(seen.param("n", "0")) + 1
        return json_reply([{"id": number}]).with_headers(Link=f'</items?n={number}>; rel="next"')

    report = mirror.answers(page, limits=Limits(pages=20))
    assert report.requests <= 21
    assert_failed(mirror, report, "The list has too many pages")


def test_empty_pages_without_end(mirror, monkeypatch):
    monkeypatch.setattr(listing, "MOST_EMPTY_BY_TOKEN", 20)

    def page(seen):
        return json_reply({"items": [], "next_cursor": seen.param("cursor") + "x"})

    report = mirror.answers(page, pages=Pages(kind="cursor", path="next_cursor", param="cursor"))
    assert report.requests <= 22
    assert_failed(mirror, report, "The pages do not end")


def test_signs_of_more_pages_that_cannot_be_followed(mirror):
    report = mirror.answers(json_reply({"items": GOOD, "total": 500, "page": 1, "total_pages": 50}))
    assert_failed(mirror, report, "The further pages can't be found")
    assert mirror.answers(json_reply({"items": GOOD, "total": 500}), pages=Pages(kind="none")).status == "succeeded"


@pytest.mark.parametrize("flood", [endless(), gzip_bomb(400)], ids=["endless", "gzip bomb"])
def test_more_bytes_than_allowed(mirror, flood):
    reports = []
    limits = Limits(bytes=Size(4_000_000))
    assert quickest(lambda: reports.append(mirror.answers(flood, limits=limits)), 5) < 5
    assert_failed(mirror, reports[-1], "The server sends too much data")


def test_the_byte_limit_holds_for_all_pages_together(mirror):
    records = [{"id": number, "name": "x" * 1000} for number in range(100)]
    report = mirror.answers(Listing(records, "link", size=10), limits=Limits(bytes=Size(50_000)))
    assert report.requests < 7
    assert_failed(mirror, report, "The server sends too much data")


# --- waiting, and not waiting


def test_a_short_retry_after_is_waited_for(mirror):
    def waits():
        report = mirror.answers(in_turn(Reply(status=503, headers={"Retry-After": "1"}), json_reply(GOOD)))
        assert report.status == "succeeded"

    assert 1 <= quickest(waits, 4) < 4


@pytest.mark.parametrize("status", [429, 503])
def test_a_long_retry_after_ends_the_run_and_is_passed_on(mirror, status):
    before = mirror.api.count()
    report = mirror.answers(Reply(status=status, headers={"Retry-After": "3600"}))
    assert mirror.api.count() == before + 1
    assert report.retry_after == 3600
    assert report.status == "failed"


def test_retry_after_as_a_date(mirror):
    date = format_datetime(datetime.now(UTC) + timedelta(hours=2), usegmt=True)
    report = mirror.answers(Reply(status=503, headers={"Retry-After": date}))
    assert report.retry_after == pytest.approx(7200, abs=5)


def test_a_spent_rate_limit_tells_when_it_is_open_again(mirror):
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(time.time()) + 1800)}
    report = mirror.answers(Reply(status=403, headers=headers))
    assert str(report.problem.title) == "The server asks for fewer requests"
    assert report.retry_after == pytest.approx(1800, abs=5)


SLOW = {
    "a trickling body": trickle(json_reply(GOOD * 1000), piece=1, gap=0.02),
    "a pause in the body": trickle(json_reply(GOOD), piece=20, gap=60),
    "slow headers": slow_headers(json_reply(GOOD), gap=0.3),
    "silence": silent(),
    "an endless body": endless(),
    "Retry-After": Reply(status=503, headers={"Retry-After": "50"}),
}


@pytest.mark.parametrize("slow", SLOW)
def test_a_cancelled_run_ends_within_a_second(mirror, slow):
    mirror.api.route("/items", SLOW[slow])

    def stopped():
        token, before, cancelled = CancelToken(), mirror.api.count(), []

        def cancel():
            until(lambda: mirror.api.count() > before)
            time.sleep(0.3)  # the answer has begun
            cancelled.append(time.monotonic())
            token.cancel(BY_USER)

        canceller = threading.Thread(target=cancel)
        canceller.start()
        report = mirror.sync(cancel=token)
        took = time.monotonic() - cancelled[0]
        canceller.join()
        assert (report.status, str(report.reason)) == ("stopped", "stopped by the user")
        assert str(report.sentence) == "Stopped by the user."
        return took

    assert best_of(stopped, 1) < 1
    assert mirror.rows() == ROWS
    assert list(mirror.staging.iterdir()) == []


@pytest.mark.parametrize("slow", ["a trickling body", "slow headers", "Retry-After"])
def test_a_run_ends_when_its_time_is_up(mirror, slow):
    reports = []
    assert quickest(lambda: reports.append(mirror.answers(SLOW[slow], limits=Limits(run=Duration(0.6)))), 2) < 2
    assert {report.status for report in reports} <= {"stopped", "failed"}
    assert mirror.rows() == ROWS


def test_slow_but_in_time_is_fine(mirror):
    report = mirror.answers(late(json_reply(GOOD), 0.3))
    assert (report.status, report.unchanged) == ("succeeded", 3)


def test_a_run_that_is_cancelled_before_it_begins_sends_nothing(mirror):
    token = CancelToken()
    token.cancel(PROGRAM_ENDED)
    before = mirror.api.count()
    assert mirror.sync(cancel=token).status == "stopped"
    assert mirror.api.count() == before


def test_failures_are_never_exceptions(mirror, monkeypatch):
    """An endpoint whose every part is odd still ends in a report."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "")
    report = mirror.sync(msgspec.structs.replace(mirror.endpoint(), url="http://example.invalid:80/ü?a=ü b"))
    assert report.status == "failed"
    assert report.problem is not None
