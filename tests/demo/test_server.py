import socket
import threading
import time

import pytest
import requests

from tests.patience import SECONDS, best_of
from trayapp.demo.endpoint import demo_endpoint, demo_port
from trayapp.demo.server import DemoServer
from trayapp.demo.tickets import records_at
from trayapp.endpoints.model import Endpoint

NOON = 1_795_521_600.0


@pytest.fixture
def demo():
    with DemoServer(seed=3, port=0, clock=lambda: NOON) as server:
        yield server


def get(url, **more):
    with requests.get(url, timeout=SECONDS, **more) as answer:
        return answer


def walk(url):
    pages = []
    while url:
        answer = get(url)
        pages.append(answer.json())
        url = answer.links.get("next", {}).get("url")
    return pages


def test_pages_of_50_hold_exactly_the_tickets_of_the_tick(demo):
    pages = walk(demo.url)
    assert [len(page) for page in pages[:-1]] == [50] * (len(pages) - 1)
    assert [ticket for page in pages for ticket in page] == list(records_at(3, demo.tick))
    assert get(demo.url).headers["X-Total-Count"] == str(len(demo.records()))


def test_a_listing_that_is_being_walked_is_not_shifted_by_changes(demo):
    before = list(demo.records())
    first = get(demo.url)
    demo.advance(500)
    rest = [ticket for page in walk(first.links["next"]["url"]) for ticket in page]
    assert first.json() + rest == before
    assert [ticket for page in walk(demo.url) for ticket in page] == list(demo.records()) != before


def test_etag_answers_304_until_the_next_change(demo):
    first = get(demo.url)
    again = get(demo.url, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content, again.headers["Link"]) == (304, b"", first.headers["Link"])
    demo.advance()
    assert get(demo.url, headers={"If-None-Match": first.headers["ETag"]}).status_code == 200


def test_one_ticket_by_its_own_url(demo):
    last = demo.records()[-1]
    assert get(f"{demo.url}/{last['id']}").json() == last
    gone = get(f"{demo.url}/999999999999")
    assert gone.status_code == 404
    assert gone.headers["Content-Type"] == "application/problem+json"
    assert gone.json()["title"] == "No such ticket"


@pytest.mark.parametrize("cursor", ["x", "1", "-1-5", "999999999999-0", "1-2-3"])
def test_made_up_cursors_are_refused(demo, cursor):
    assert get(demo.url, params={"page_cursor": cursor}).status_code == 400


def test_head_has_no_body_and_unknown_paths_are_404(demo):
    with requests.head(demo.url, timeout=SECONDS) as answer:
        assert answer.headers["X-Total-Count"]
    root = demo.url.removesuffix("/api/tickets")
    assert get(root + "/").json() == {"tickets": demo.url}
    assert get(root + "/nothing").status_code == 404


def test_taken_port_gives_another_one_and_the_url_says_so(demo):
    taken = demo_port(demo_endpoint(demo.url))
    with DemoServer(port=taken) as second:
        assert second.url != demo.url
        assert get(second.url).ok


def test_restart_keeps_the_port_and_continues(demo):
    url, before = demo.url, demo.records()
    demo.stop()
    with pytest.raises(requests.ConnectionError):
        get(url)
    with DemoServer(seed=3, port=demo_port(demo_endpoint(url)), clock=lambda: NOON) as again:
        assert again.url == url
        assert again.records() == before


def test_stop_is_quick_and_leaves_no_thread_even_with_an_idle_client(demo):
    def stopped():
        with DemoServer(seed=3, port=0, clock=lambda: NOON) as one:
            address = one.url.split("/")[2].split(":")
            with socket.create_connection((address[0], int(address[1]))):
                start = time.perf_counter()
                one.stop()
                return time.perf_counter() - start

    assert best_of(stopped, 1) < 1
    demo.stop()
    assert not any(thread.name == "demo" for thread in threading.enumerate())
    demo.stop()
    with pytest.raises(RuntimeError):
        _ = demo.url


def test_it_listens_on_loopback_only(demo):
    assert demo.url.startswith("http://127.0.0.1:")


def test_only_the_demo_endpoint_has_a_demo_port():
    endpoint = demo_endpoint("http://127.0.0.1:8765/api/tickets")
    assert (endpoint.id, endpoint.name, endpoint.table.name, endpoint.table.key) == (
        "demo", "Demo tickets", "demo_tickets", ("id",),
    )  # fmt: skip
    assert demo_port(endpoint) == 8765
    assert demo_port(Endpoint(id="demo", url="http://example.com:8765/api/tickets")) is None
    assert demo_port(Endpoint(id="other", url=endpoint.url)) is None
