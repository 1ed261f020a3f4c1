"""What we ask of a server at most: connections, rate limits, waits."""

import threading
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest

from tests.patience import AtOnce, until
from tests.server import Listing, json_reply, problem, silent
from trayapp.endpoints.model import Auth, Endpoint, Limits
from trayapp.endpoints.naming import completed
from trayapp.endpoints.units import Rate
from trayapp.store.file.database import Store
from trayapp.sync.cancel import BY_USER, Cancelled, CancelToken
from trayapp.sync.errors import TransientError
from trayapp.sync.http.budget import TRUST, Budgets, Pace, RateState
from trayapp.sync.http.retry import rate_limit
from trayapp.sync.run.context import RunContext
from trayapp.sync.run.runner import run

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
RECORDS = [{"id": n} for n in range(25)]


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "t.db")
    store.budgets = Budgets()
    yield store
    store.close()


def mirror(store, url, id="items", secret=None, now=None, token=None, **fields):
    endpoint = completed(Endpoint(url=url, name=id, id=id, **fields))
    context = RunContext(
        store=store,
        staging=store.path.parent,
        secret=lambda _id, _auth: secret,
        now=now or (lambda: datetime.now(UTC)),
        budgets=store.budgets,
    )
    return run(endpoint, context, token or CancelToken())


class Shop:
    """A rate limit as servers keep it: so many requests, then 429 until the time is over."""

    def __init__(self, handler, limit, window, names=("X-RateLimit-Remaining", "X-RateLimit-Reset")):
        self.handler, self.limit, self.window, self.names = handler, limit, window, names
        self.lock = threading.Lock()
        self.ends, self.used, self.refused = 0.0, 0, 0

    def __call__(self, seen):
        with self.lock:
            now = time.monotonic()
            if now >= self.ends:
                self.ends, self.used = now + self.window, 0
            self.used += 1
            left, reset = max(0, self.limit - self.used), self.ends - now
            refused = self.used > self.limit
            self.refused += refused
        reply = problem(429, "Slow down") if refused else self.handler(seen)
        return reply.with_headers(**{self.names[0]: str(left), self.names[1]: f"{reset:.2f}"})


@pytest.mark.parametrize(
    "names",
    [
        ("X-RateLimit-Remaining", "X-RateLimit-Reset"),
        ("RateLimit-Remaining", "RateLimit-Reset"),
        ("X-Rate-Limit-Remaining", "X-Rate-Limit-Reset"),
        ("X-RateLimit-Remaining", "X-RateLimit-Reset-After"),
    ],
)
def test_a_rate_limit_is_never_overrun(api, store, names):
    shop = Shop(Listing(RECORDS, pages="link", size=5, total="header:X-Total-Count"), limit=2, window=0.4, names=names)
    report = mirror(store, api.route("/items", shop))
    assert (report.status, report.added, shop.refused) == ("succeeded", 25, 0)
    assert report.requests == 5


def test_a_long_wait_is_not_slept_but_passed_on_without_another_request(api, store):
    def handler(seen):
        return Listing(RECORDS, pages="link", size=5)(seen).with_headers(
            X_RateLimit_Remaining="0", X_RateLimit_Reset="1800"
        )

    url = api.route("/items", handler)
    report = mirror(store, url)
    assert (report.status, api.count("/items")) == ("failed", 1)
    assert report.retry_after == pytest.approx(1800, abs=5)
    assert str(report.problem.title) == "The server asks for fewer requests"


def test_what_one_run_was_told_the_next_ones_respect_until_the_time_is_over(api, store):
    clock = [NOW]
    url = api.route("/items", problem(429, "Slow down").with_headers(Retry_After="3600"))
    other = api.route("/other", Listing(RECORDS))
    assert mirror(store, url, now=lambda: clock[0]).retry_after == 3600
    clock[0] += timedelta(seconds=600)
    second = mirror(store, other, "other", now=lambda: clock[0])
    assert (second.status, second.retry_after, api.count("/other")) == ("failed", 3000, 0)
    clock[0] += timedelta(seconds=3000)
    assert mirror(store, other, "other", now=lambda: clock[0]).status == "succeeded"


def test_another_account_has_its_own_limit(api, store):
    url = api.route("/items", problem(429, "Slow down").with_headers(Retry_After="3600"))
    other = api.route("/other", Listing(RECORDS))
    mirror(store, url)
    report = mirror(store, other, "other", auth=Auth(kind="bearer"), secret="t0ken")
    assert report.status == "succeeded"


@pytest.mark.parametrize(("limits", "most"), [(Limits(), 4), (Limits(connections=1), 1), (Limits(connections=6), 6)])
def test_no_more_requests_to_a_host_at_once_than_allowed(api, store, limits, most):
    at_once = AtOnce(most)

    def handler(seen):
        with at_once:
            return json_reply(RECORDS)

    urls = [api.route(f"/items{n}", handler) for n in range(7)]
    reports = []
    threads = [
        threading.Thread(target=lambda n=n, url=url: reports.append(mirror(store, url, f"i{n}", limits=limits)))
        for n, url in enumerate(urls)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [report.status for report in reports] == ["succeeded"] * 7
    assert at_once.most == most


def places(budget, allowed):
    """How many places there are at once."""
    waits = []

    def left():
        waits.append(True)
        return 0.0  # only who has to wait asks

    with ExitStack() as taken:
        for count in range(allowed):
            taken.enter_context(budget.place(CancelToken(), allowed, left))
            if waits:
                return count
    return allowed


def test_a_server_that_asks_to_slow_down_is_asked_one_at_a_time_until_it_is_content():
    budget = Budgets().of("http://a.example/x")
    assert places(budget, 4) == 4
    budget.learn("me", 429, {}, NOW)
    assert places(budget, 4) == 1
    for _ in range(TRUST - 1):
        budget.learn("me", 200, {}, NOW)
    assert places(budget, 4) == 1
    budget.learn("me", 200, {}, NOW)
    assert places(budget, 4) == 2
    budget.learn("me", 503, {"Retry-After": "1"}, NOW)
    assert places(budget, 4) == 1
    for _ in range(5 * TRUST):
        budget.learn("me", 200, {}, NOW)
    assert places(budget, 4) == 4


def test_who_waits_for_a_place_hears_a_stop(api, store):
    slow = api.route("/slow", silent())
    tokens = [CancelToken() for _ in range(3)]
    limits = Limits(connections=2)
    reports = {}

    def work(n, token):
        reports[n] = mirror(store, slow, f"s{n}", token=token, limits=limits)

    threads = [threading.Thread(target=work, args=each) for each in enumerate(tokens)]
    for thread in threads[:2]:
        thread.start()
    until(lambda: api.count("/slow") == 2)
    threads[2].start()
    time.sleep(0.15)
    tokens[2].cancel(BY_USER)
    threads[2].join()
    assert set(reports) == {2}, "both places are still taken"
    for token in tokens[:2]:
        token.cancel(BY_USER)
    for thread in threads[:2]:
        thread.join()
    assert {report.status for report in reports.values()} == {"stopped"}
    assert api.count("/slow") == 2


def test_a_place_is_given_back_after_an_error():
    budget = Budgets().of("http://a.example/x")
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), budget.place(CancelToken(), 2, lambda: 1.0):
            raise ZeroDivisionError
    token = CancelToken()
    token.cancel(BY_USER)
    with pytest.raises(Cancelled), budget.place(token, 2, lambda: 1.0):
        pass


def test_hosts_do_not_share():
    budgets = Budgets()
    one, other = budgets.of("http://a.example/x"), budgets.of("http://a.example:8080/x")
    assert budgets.of("http://A.example:80/y") is one
    one.learn("me", 429, {"Retry-After": "100"}, NOW)
    with pytest.raises(TransientError):
        one.ask("me", NOW)
    assert (one.ask("you", NOW), other.ask("me", NOW)) == (0, 0)
    one.learn("me", 503, {"Retry-After": "30"}, NOW)
    assert one.ask("me", NOW) == 30
    assert one.ask("me", NOW + timedelta(seconds=31)) == 0


def test_the_last_requests_are_spread():
    state = RateState()
    state.learn(200, {"RateLimit-Remaining": "90", "RateLimit-Reset": "60", "RateLimit-Limit": "100"}, NOW)
    assert (state.gap(NOW), state.wait(NOW)) == (0, 0)
    state.learn(200, {"RateLimit-Remaining": "3", "RateLimit-Reset": "4", "RateLimit-Limit": "100"}, NOW)
    assert (state.gap(NOW), state.wait(NOW)) == (pytest.approx(1, abs=0.1), 0)
    for _ in range(3):
        state.take()
    assert state.wait(NOW) == pytest.approx(4, abs=0.1)
    assert state.wait(NOW + timedelta(seconds=5)) == 0


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ({"RateLimit": "limit=100, remaining=50, reset=5"}, (50, 5, 100)),
        ({"RateLimit": '"default";r=50;t=30'}, (50, 30, None)),
        ({"RateLimit-Limit": "100, 100;w=60", "RateLimit-Remaining": "9", "RateLimit-Reset": "3"}, (9, 3, 100)),
        ({"X-RateLimit-Remaining": "1", "X-RateLimit-Reset": str(int(NOW.timestamp()) + 9)}, (1, 9, None)),
        ({"x-ratelimit-remaining": "1", "x-ratelimit-reset": str(int(NOW.timestamp() * 1000) + 9000)}, (1, 9, None)),
        ({"X-RateLimit-Remaining": "1"}, None),
        ({"X-RateLimit-Remaining": "many", "X-RateLimit-Reset": "3"}, None),
        ({}, None),
    ],
)
def test_rate_limits_are_read(headers, told):
    limit = rate_limit(headers, NOW)
    assert (None if limit is None else (limit.remaining, limit.seconds, limit.limit)) == told


def test_a_pace_is_kept_by_all_who_share_it(monkeypatch):
    clock = [5.0]
    monkeypatch.setattr("trayapp.sync.http.budget.monotonic", lambda: clock[0])
    pace = Pace(Rate.parse("10/s"))
    assert [pace.reserve() for _ in range(4)] == pytest.approx([0, 0.1, 0.2, 0.3])
    clock[0] += 0.25
    assert pace.reserve() == pytest.approx(0.15)
    clock[0] += 60
    assert [pace.reserve() for _ in range(2)] == pytest.approx([0, 0.1])
    assert Pace(None).reserve() == 0
