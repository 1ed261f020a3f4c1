"""Pages that are fetched before they are asked for."""

import threading

import pytest

from tests.patience import SECONDS
from trayapp.sync.cancel import BY_USER, CancelToken
from trayapp.sync.errors import SyncError
from trayapp.sync.http.request import Answer, Call
from trayapp.sync.paging.prefetch import Prefetcher


def page(number, **fields):
    return Call(url=f"http://a.example/x?page={number}", **fields)


class Server:
    """Answers with the address; what is asked for waits until it is let go."""

    def __init__(self):
        self.asked = []
        self.tokens = []
        self.refuses = set()
        self.waits = {}
        self.begun = {}

    def hold(self, number):
        self.waits[page(number).url] = threading.Event()
        self.begun[page(number).url] = threading.Event()

    def let_go(self, number):
        self.waits[page(number).url].set()

    def client(self, cancel):
        self.tokens.append(cancel)
        return self

    def fetch(self, call):
        self.asked.append(call.url)
        if call.url in self.waits:
            self.begun[call.url].set()
            assert self.waits[call.url].wait(SECONDS)
        if call.url in self.refuses:
            raise SyncError("No")
        return Answer(url=call.url, status=200, headers={}, body=b"")


@pytest.fixture
def server():
    server = Server()
    yield server
    for wait in server.waits.values():
        wait.set()


@pytest.fixture
def cancel():
    return CancelToken()


@pytest.fixture
def ahead(server, cancel):
    prefetcher = Prefetcher(server.client, cancel, 2)
    yield prefetcher
    for wait in server.waits.values():
        wait.set()
    prefetcher.close()


def test_what_is_wanted_is_fetched_once_whenever_it_is_taken(ahead, server):
    assert ahead.depth == 3
    assert ahead.take(page(2)) is None
    assert server.tokens == [], "nothing is made before something is wanted"
    ahead.want([page(2), page(3), page(4)])
    assert len(server.tokens) == 2
    for number in (3, 2, 4):
        assert ahead.take(page(number)).url == page(number).url
        assert ahead.take(page(number)) is None
    assert sorted(server.asked) == [page(number).url for number in (2, 3, 4)]


@pytest.mark.parametrize(
    "other", [page(2, body=b"x"), page(2, headers={"A": "c"}), page(2, headers={}), page(22)], ids=str
)
def test_another_request_is_not_taken_for_it(ahead, other):
    wanted = page(2, headers={"A": "b", "C": "d"})
    ahead.want([wanted])
    assert ahead.take(other) is None
    assert ahead.take(page(2, headers={"C": "d", "A": "b"})) is not None


def test_what_is_wanted_still_goes_on_and_what_is_not_is_left_out(ahead, server):
    for number in (2, 3):
        server.hold(number)
    ahead.want([page(number) for number in (2, 3, 4, 5)])
    for number in (2, 3):
        assert server.begun[page(number).url].wait(SECONDS)
    ahead.want([page(3), page(5), page(6)])
    for number in (2, 3):
        server.let_go(number)
    for number in (3, 5, 6):
        assert ahead.take(page(number)) is not None
    assert ahead.take(page(2)) is None
    assert sorted(server.asked) == [page(number).url for number in (2, 3, 5, 6)], "each once, and 4 never"
    assert len(server.tokens) == 2, "by the same connections"


def test_what_was_fetched_for_a_walk_that_is_over_is_forgotten(ahead, server):
    for number in (2, 3):
        server.hold(number)
    ahead.want([page(number) for number in (2, 3, 4)])
    for number in (2, 3):
        assert server.begun[page(number).url].wait(SECONDS)
    ahead.forget()
    for number in (2, 3):
        server.let_go(number)
    assert [ahead.take(page(number)) for number in (2, 3, 4)] == [None] * 3
    ahead.want([page(5)])
    assert ahead.take(page(5)) is not None
    assert page(4).url not in server.asked


def test_a_refusal_is_raised_where_its_page_is_taken_and_stops_no_other(ahead, server):
    server.refuses = {page(number).url for number in (2, 3, 4)}
    ahead.want([page(number) for number in (2, 3, 4, 5)])
    for number in (2, 3, 4):
        with pytest.raises(SyncError, match="No"):
            ahead.take(page(number))
    assert ahead.take(page(5)) is not None


def test_a_cancelled_run_cancels_its_requests_for_the_same_reason(ahead, server, cancel):
    ahead.want([page(2)])
    cancel.cancel(BY_USER)
    assert [token.reason for token in server.tokens] == [BY_USER] * 2


def test_its_end_ends_its_own_requests_alone(server, cancel):
    prefetcher = Prefetcher(server.client, cancel, 2)
    prefetcher.want([page(2)])
    prefetcher.close()
    assert all(token.cancelled for token in server.tokens)
    assert not cancel.cancelled
    Prefetcher(server.client, cancel, 2).close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("prefetch")]
