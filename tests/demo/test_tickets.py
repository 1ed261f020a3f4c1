import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trayapp.demo.tickets import CLOSED, LANES, OPEN, records_at, tick_at, time_of

TODAY = tick_at(datetime(2026, 11, 24, 12, tzinfo=UTC).timestamp())


def changes(before, after):
    old, new = ({ticket["id"]: ticket for ticket in tickets} for tickets in (before, after))
    edited = {id for id in old.keys() & new.keys() if old[id] != new[id]}
    return new.keys() - old.keys(), edited, old.keys() - new.keys()


@given(seed=st.integers(0, 2**31), tick=st.integers(0, 10**8))
def test_same_seed_and_tick_give_the_same_few_hundred_tickets_in_order(seed, tick):
    tickets = records_at(seed, tick)
    ids = [ticket["id"] for ticket in tickets]
    assert CLOSED + OPEN < len(tickets) <= CLOSED + OPEN + LANES
    assert ids == sorted(set(ids))
    assert {tuple(ticket) for ticket in tickets} == {tuple(tickets[0])}, "every ticket has the same fields"
    assert json.dumps(tickets) == json.dumps(records_at(seed, tick))
    assert all(ticket["created_at"] <= ticket["updated_at"] for ticket in tickets)


def test_other_seeds_give_other_tickets():
    assert records_at(1, TODAY) != records_at(2, TODAY)


def test_within_an_hour_tickets_are_added_edited_and_deleted():
    added, edited, deleted = changes(records_at(1, TODAY), records_at(1, TODAY + 180))
    assert len(added) > 10
    assert len(edited) > 10
    assert len(deleted) > 10


def test_a_minute_changes_little_but_something():
    for tick in range(TODAY, TODAY + 600, 3):
        added, edited, deleted = changes(records_at(1, tick), records_at(1, tick + 3))
        assert 1 <= len(added) + len(edited) + len(deleted) <= 30


@pytest.mark.parametrize("ticks", [1, 50, 500, 4320, 10**6])
def test_a_client_that_slept_never_sees_a_fifth_of_the_tickets_gone(ticks):
    before = records_at(1, TODAY)
    _, _, deleted = changes(before, records_at(1, TODAY + ticks))
    assert len(deleted) < len(before) / 5


def test_new_tickets_get_the_highest_ids_and_deleted_ids_never_return():
    seen, gone = set(), set()
    for tick in range(TODAY, TODAY + 300):
        ids = {ticket["id"] for ticket in records_at(1, tick)}
        assert not ids & gone
        assert not seen or all(id > max(seen) for id in ids - seen)
        gone |= seen - ids
        seen |= ids


def test_an_edit_carries_its_time():
    before, after = records_at(1, TODAY), records_at(1, TODAY + 30)
    _, edited, _ = changes(before, after)
    stamps = {ticket["id"]: ticket["updated_at"] for ticket in after}
    start = time_of(TODAY).isoformat().replace("+00:00", "Z")
    assert edited
    assert all(stamps[id] > start for id in edited)


def test_the_data_shows_every_kind_of_value():
    tickets = records_at(1, TODAY)
    text = json.dumps(tickets, ensure_ascii=False)
    assert "ß" in text
    assert "図書館" in text
    assert "路灯" in text
    assert {type(ticket["urgent"]) for ticket in tickets} == {bool}
    assert {type(ticket["cost_estimate"]) for ticket in tickets} == {float, type(None)}
    assert {type(ticket["location"]) for ticket in tickets} == {dict}
    assert {type(ticket["labels"]) for ticket in tickets} == {list}
    assert {type(ticket["closed_on"]) for ticket in tickets} == {str, type(None)}


def test_a_clock_before_the_epoch_gives_the_first_state():
    assert tick_at(0) == 0
    assert records_at(1, 0)
