"""The test server is trusted by many tests, so it has some of its own."""

import threading
import time

import pytest
import requests

from tests.patience import SECONDS
from tests.server import (
    ApiServer,
    Guarded,
    Listing,
    basic,
    bearer,
    certificate,
    chunked,
    cut,
    endless,
    gzip_bomb,
    gzipped,
    header_key,
    html,
    in_turn,
    json_reply,
    late,
    problem,
    query_key,
    raw,
    redirect,
    reset,
    silent,
    slow_headers,
    trickle,
)

RECORDS = [{"id": number, "name": f"n{number}"} for number in range(1, 24)]


@pytest.fixture
def api():
    with ApiServer() as server:
        yield server


@pytest.fixture
def get():
    with requests.Session() as session:
        session.trust_env = False
        yield lambda url, **more: session.get(url, timeout=more.pop("timeout", SECONDS), **more)


def walk(get, url, following):
    found = []
    while url:
        answer = get(url)
        items, url = following(answer)
        found += items
    return found


def at(body, path):
    for name in [path] if path.startswith("@") else path.split("."):
        body = body.get(name) if body else None
    return body


@pytest.mark.parametrize("relative", [False, True])
def test_link_pages(api, get, relative):
    url = api.route("/items", Listing(RECORDS, "link", relative=relative, total="header:X-Total-Count"))

    def following(answer):
        assert answer.headers["X-Total-Count"] == "23"
        link = answer.links.get("next", {}).get("url", "")
        return answer.json(), requests.compat.urljoin(url, link) if link else ""

    assert walk(get, url, following) == RECORDS
    assert api.count("/items") == 3


@pytest.mark.parametrize("path", ["next", "links.next", "@odata.nextLink", "_links.next.href", "paging.next"])
def test_next_url_in_the_body(api, get, path):
    url = api.route("/items", Listing(RECORDS, "next_url", at=path, items="value", total="count"))
    found = walk(get, url, lambda answer: (answer.json()["value"], at(answer.json(), path)))
    assert found == RECORDS


def test_pages_offsets_and_cursors(api, get):
    api.route("/page", Listing(RECORDS, "page", first=0))
    api.route("/offset", Listing(RECORDS, "offset", size_param="limit", cap=20, total="header:X-Total"))
    api.route("/cursor", Listing(RECORDS, "cursor", at="meta.next_cursor"))
    assert get(api.url("/page?page=2")).json() == RECORDS[20:]
    assert get(api.url("/offset?offset=2&limit=500")).json() == RECORDS[2:22]
    first = get(api.url("/cursor")).json()
    assert get(api.url(f"/cursor?cursor={first['meta']['next_cursor']}")).json()["items"] == RECORDS[10:20]


def test_etag(api, get):
    url = api.route("/items", Listing(RECORDS, etag=True))
    tag = get(url).headers["ETag"]
    assert get(url, headers={"If-None-Match": tag}).status_code == 304


@pytest.mark.parametrize(
    ("check", "good"),
    [
        (basic("ada", "pässword"), {"headers": {"Authorization": "Basic YWRhOnDDpHNzd29yZA=="}}),
        (bearer("t0ken"), {"headers": {"Authorization": "Bearer t0ken"}}),
        (header_key("X-Api-Key", "k"), {"headers": {"X-Api-Key": "k"}}),
        (query_key("key", "k"), {"params": {"key": "k"}}),
    ],
)
def test_auth_is_required_and_counted(api, get, check, good):
    guarded = Guarded(check, json_reply([]))
    url = api.route("/items", guarded)
    assert get(url).status_code == 401
    assert get(url, **good).status_code == 200
    assert (guarded.granted, guarded.refused) == (1, 1)


def test_leaks_are_seen_in_any_form(api, get):
    api.route("/*", json_reply([]))
    get(api.url("/a"))
    assert not api.leaked("hunter2")
    get(api.url("/b?x=hunter2"))
    get(api.url("/c"), auth=("u", "p"))
    assert len(api.leaked("hunter2")) == 2


def test_requests_are_recorded(api):
    api.route("/in", json_reply({}))
    with requests.post(api.url("/in?a=1&a=2"), json={"b": "ü"}, headers={"X-Y": "z"}, timeout=SECONDS):
        pass
    (seen,) = api.requests
    assert (seen.method, seen.path, seen.query, seen.json()) == ("POST", "/in", {"a": ["1", "2"]}, {"b": "ü"})
    assert seen.headers["x-y"] == "z"


def test_errors_and_pages_of_html(api, get):
    api.route("/a", problem(422, "Bad", "worse"))
    api.route("/b", html(503).with_headers(Retry_After="7"))
    assert get(api.url("/a")).json()["detail"] == "worse"
    assert get(api.url("/b")).headers["Retry-After"] == "7"
    assert get(api.url("/c")).status_code == 404


def test_in_turn(api, get):
    url = api.route("/x", in_turn(raw(b"1"), lambda seen: raw(seen.path.encode()), raw(b"3")))
    assert [get(url).content for _ in range(4)] == [b"1", b"/x", b"3", b"3"]


@pytest.mark.parametrize(
    "fault", [cut(json_reply(RECORDS)), chunked(json_reply(RECORDS), keep=0.5), reset(), reset(json_reply(RECORDS))]
)
def test_broken_connections(api, get, fault):
    url = api.route("/x", fault)
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        get(url)


@pytest.mark.parametrize(
    "fine",
    [
        trickle(json_reply(RECORDS), piece=200, gap=0.001),
        late(json_reply(RECORDS), 0.05),
        slow_headers(json_reply(RECORDS), gap=0.001),
        chunked(json_reply(RECORDS), piece=100),
        gzipped(json_reply(RECORDS)),
    ],
)
def test_odd_but_complete_answers(api, get, fine):
    assert get(api.route("/x", fine)).json() == RECORDS


def test_silence_and_endlessness_end_with_the_server(api):
    before = {thread for thread in threading.enumerate() if thread.name != "api-server"}
    api.route("/silent", silent())
    api.route("/endless", endless())
    api.route("/trickle", trickle(json_reply(RECORDS), gap=30))
    with requests.Session() as session:
        with pytest.raises(requests.Timeout):
            session.get(api.url("/silent"), timeout=0.1)
        blocked = session.get(api.url("/endless"), stream=True, timeout=SECONDS)
        slow = session.get(api.url("/trickle"), stream=True, timeout=SECONDS)
        assert len(blocked.raw.read(2**21)) == 2**21
        start = time.perf_counter()
        api.stop()
        assert time.perf_counter() - start < 20, "it waits for what it sends, half a minute at least"
        blocked.close()
        slow.close()
    assert set(threading.enumerate()) <= before


def test_gzip_bomb_is_small_on_the_wire_and_large_unpacked(api, get):
    url = api.route("/bomb", gzip_bomb(20))
    assert len(get(url, stream=True).raw.read(decode_content=False)) < 100_000
    assert len(get(url).json()[0]["filler"]) == 20 * 2**20


def test_redirects(api, get):
    with ApiServer() as other:
        url = api.route("/away", redirect(other.route("/there", json_reply("here"))))
        assert get(url).json() == "here"
        assert other.count("/there") == 1


def test_tls_is_trusted_with_its_authority_only(tmp_path, get):
    good = certificate()
    with ApiServer(good) as api:
        url = api.route("/x", json_reply("safe"))
        assert url.startswith("https://")
        assert get(url, verify=good.write_authority(tmp_path / "ca.pem")).json() == "safe"
        with pytest.raises(requests.exceptions.SSLError):
            get(url)


@pytest.mark.parametrize("bad", [certificate("example.org"), certificate(expired=True)])
def test_tls_with_a_bad_certificate(tmp_path, get, bad):
    with ApiServer(bad) as api, pytest.raises(requests.exceptions.SSLError):
        get(api.url("/"), verify=bad.write_authority(tmp_path / "ca.pem"))


def test_a_failing_handler_fails_the_test():
    def broken(_seen):
        raise KeyError("mistake in the test")

    with (
        pytest.raises(AssertionError, match="handler of the test server failed"),
        ApiServer() as api,
        pytest.raises(requests.ConnectionError),
    ):
        requests.get(api.route("/x", broken), timeout=SECONDS)
