"""The run queue: order, one run per endpoint, the limits per server and in all."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.schedule.fakes import NOW
from trayapp.schedule.engine.queue import (
    MOST_LONG,
    PER_HOST,
    WORKERS,
    Item,
    RunQueue,
    Wish,
    both,
    host,
    next_to_start,
    rank,
)


def item(id: str = "a", host: str = "h", late: int = 0, expedited: bool = False, full: bool = False) -> Item:
    wish = Wish(full) if expedited else None
    return Item(id=id, host=host, due=NOW - timedelta(seconds=late), wish=wish)


def queue(*items: Item) -> RunQueue:
    made = RunQueue()
    for each in items:
        made.add(each)
    return made


def test_the_longest_due_comes_first_but_after_what_the_user_wants() -> None:
    order = [
        each.id for each in queue(item("a", late=1), item("b", late=9), item("c", expedited=True), item("d", late=1))
    ]
    assert order == ["c", "b", "a", "d"]


def test_an_endpoint_waits_once_in_its_best_place() -> None:
    waiting = queue(
        item("a", late=5), item("b", late=9), item("a", expedited=True, full=True), item("a", expedited=True)
    )
    assert [each.id for each in waiting] == ["a", "b"]
    assert waiting.get("a") == item("a", late=5, expedited=True, full=True)


def test_a_running_endpoint_is_not_started_again() -> None:
    assert next_to_start([item("a", host="x")], [item("a", host="y")]) is None


def test_a_busy_server_lets_others_go_first() -> None:
    running = [item(f"r{number}", host="busy") for number in range(PER_HOST)]
    assert queue(item("a", host="busy", late=9), item("b", host="free")).take(running) == item("b", host="free")


def test_no_worker_no_start() -> None:
    running = [item(f"r{number}", host=f"h{number}") for number in range(WORKERS)]
    assert queue(item("a", expedited=True)).take(running) is None


@pytest.mark.parametrize(("count", "long", "starts"), [(4, 1, True), (7, 4, True), (7, 7, True), (8, 8, False)])
def test_long_runs_give_up_their_workers_but_not_all_of_them(count: int, long: int, starts: bool) -> None:
    assert WORKERS + MOST_LONG == 8
    running = [item(f"r{number}", host=f"h{number}") for number in range(count)]
    assert (queue(item("a", host="free")).take(running, long) is not None) is starts


def test_nor_their_place_at_their_server() -> None:
    running = [item(f"r{number}", host="slow") for number in range(PER_HOST)]
    assert queue(item("a", host="slow")).take(running, long=PER_HOST) is None


@pytest.mark.parametrize(
    ("wish", "other", "covers"),
    [
        (Wish(), Wish(), True),
        (Wish(full=True), Wish(), True),
        (Wish(), Wish(full=True), False),
        (Wish(apply_held=True), Wish(full=True), False),
        (Wish(full=True), Wish(apply_held=True), False),
        (Wish(full=True, apply_held=True), Wish(full=True), True),
    ],
)
def test_which_run_does_for_which_wish(wish: Wish, other: Wish, covers: bool) -> None:
    assert wish.covers(other) == covers


def test_what_comes_after_another_waits_while_that_waits_or_runs() -> None:
    parent, child = item("p", host="x"), Item(id="c", host="y", due=NOW - timedelta(hours=1), after=("q", "p"))
    assert queue(child, parent).take([]) == parent
    assert queue(child).take([parent]) is None
    assert queue(child).take([item("other", host="x")]) == child


def test_removal() -> None:
    waiting = queue(item("a"), item("b"))
    assert waiting.remove("a") == item("a")
    assert waiting.remove("a") is None
    assert "a" not in waiting
    assert "b" in waiting
    assert len(waiting) == 1


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://Api.Example.com/x", "api.example.com"),
        ("https://api.example.com:443/x", "api.example.com"),
        ("http://api.example.com.:80/x", "api.example.com"),
        ("http://api.example.com:443/x", "api.example.com:443"),
        ("http://u:p@h:81/", "h:81"),
        ("http://[::1]:5/", "[::1]:5"),
    ],
)
def test_server_names(url: str, name: str) -> None:
    assert host(url) == name


items = st.builds(
    item, st.sampled_from("abcdefghij"), st.sampled_from("xyz"), st.integers(0, 99), st.booleans(), st.booleans()
)


@given(st.lists(items), st.lists(st.booleans()))
@settings(deadline=None)
def test_limits_and_order_hold_whatever_happens(added: list[Item], ends: list[bool]) -> None:
    waiting = queue(*added)
    running: list[Item] = []
    started: list[str] = []
    while len(waiting) or running:
        for _ in range(10):
            first = next(iter(waiting), None)
            taken = waiting.take(running)
            if taken is None:
                break
            assert taken.id not in waiting
            if taken != first:
                assert first is not None
                assert sum(each.host == first.host for each in running) == PER_HOST
                assert rank(first) <= rank(taken)
            running.append(taken)
            started.append(taken.id)
            assert len(running) <= WORKERS
            assert all(sum(each.host == other.host for each in running) <= PER_HOST for other in running)
        running.pop(0 if ends and ends.pop() else -1)
    assert sorted(started) == sorted({each.id for each in added})


_WISHES = st.none() | st.builds(Wish, st.booleans(), st.booleans())


@given(_WISHES, _WISHES)
def test_one_run_for_two_wishes_does_what_both_want_and_no_more(one: Wish | None, other: Wish | None) -> None:
    found = both(one, other)
    wishes = [each for each in (one, other) if each is not None]
    if found is None:
        assert not wishes
        return
    assert all(found.covers(each) for each in wishes)
    assert found.full == any(each.full for each in wishes)
    assert found.apply_held == any(each.apply_held for each in wishes)
