"""A person's own SQL: whatever it does, who waits for it can leave at once, and the process keeps its memory."""

import threading
import time

import apsw
import pytest

from tests.patience import best_of, until
from trayapp.store.errors import StoreError
from trayapp.store.file.database import Store
from trayapp.store.reading import query
from trayapp.store.reading.query import QueryStopped, queried, stoppable


@pytest.fixture
def store(tmp_path):
    made = Store(tmp_path / "t.db")
    with made.writing() as db:
        db.execute("CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT)")
        db.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) "
                   "INSERT INTO items SELECT i, hex(randomblob(8)) FROM n")  # fmt: skip
    yield made
    until(lambda: not asking(), "a query goes on")
    made.close()


def asking():
    return [thread for thread in threading.enumerate() if thread.name == "query"]


NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
ENDLESS = {
    "rows without end": f"{NUMBERS} SELECT i FROM n",
    "no row and no end": f"{NUMBERS} SELECT count(*) FROM n",
    "a cross join": "SELECT sum(length(a.name || b.name || c.name)) FROM items a, items b, items c",
    "a sort": f"{NUMBERS} SELECT i FROM (SELECT i, hex(randomblob(9)) AS h FROM n LIMIT 100000000) ORDER BY h",
    "a set": f"{NUMBERS.replace('UNION ALL', 'UNION')} SELECT max(i) FROM n",
    "one long function": "SELECT replace(hex(zeroblob(2500000)), hex(zeroblob(20000)) || '1', '')",
}


class Left(Exception):
    """What the one who waits is ended by."""


@pytest.mark.parametrize(
    "sql",
    [pytest.param(sql, id=id, marks=[pytest.mark.slow] if "function" in id else []) for id, sql in ENDLESS.items()],
)
def test_who_waits_can_leave_within_a_second_and_the_query_ends(store, sql):
    def left():
        began = time.monotonic()

        def check():
            if time.monotonic() - began > 0.2:
                raise Left

        with pytest.raises(Left), queried(store, sql, check) as (_, rows):
            for _ in rows:
                pass
        return time.monotonic() - began - 0.2

    assert best_of(left, 0.8) < 0.8
    until(lambda: not asking(), "the query goes on")


def test_rows_that_nobody_takes_any_more_keep_no_query_alive(store):
    with queried(store, ENDLESS["rows without end"]) as (columns, rows):
        assert columns == ("i",)
        assert [next(rows) for _ in range(3)] == [(1,), (2,), (3,)]
    until(lambda: not asking(), "the query goes on")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT zeroblob(1000000000)",
        "SELECT printf('%.*c', 1000000000, 'x')",
        "SELECT replace(hex(zeroblob(50000000)), '0', 'xxxxxxxxxxxxxxxx')",
        f"{NUMBERS} SELECT group_concat(hex(zeroblob(1000000))) FROM (SELECT i FROM n LIMIT 200)",
        f"SELECT {', '.join(['randomblob(50000000)'] * 40)}",
    ],
)
def test_memory_has_an_end(store, sql, monkeypatch):
    monkeypatch.setattr(query, "MOST_MEMORY", 300 * 2**20)
    with pytest.raises(StoreError) as refused, queried(store, sql) as (_, rows):
        list(rows)
    assert str(refused.value.title) == "A value is too large"
    until(lambda: not asking())
    assert apsw.hard_heap_limit(-1) == 0
    with queried(store, "SELECT 1") as (_, rows):
        assert list(rows) == [(1,)]


@pytest.mark.parametrize("operator", ["LIKE", "GLOB"])
def test_a_pattern_that_could_take_for_ever_is_refused(store, operator):
    sql = f"SELECT hex(zeroblob(10000000)) {operator} '%' || hex(zeroblob(20000)) || '1'"
    with pytest.raises(StoreError, match="too complex"), queried(store, sql) as (_, rows):
        list(rows)


def test_all_rows_come_in_their_order_and_errors_after_them(store):
    with queried(store, "SELECT id, zeroblob(id % 2 * 20000) FROM items ORDER BY id") as (columns, rows):
        assert columns == ("id", "zeroblob(id % 2 * 20000)")
        assert [(id, len(blob)) for id, blob in rows] == [(n, n % 2 * 20_000) for n in range(1, 3001)]
    with pytest.raises(StoreError), queried(store, "SELECT abs(CASE id WHEN 2999 THEN -9223372036854775807 - 1 ELSE id "
                                            "END) FROM items ORDER BY id") as (_, rows):  # fmt: skip
        list(rows)


def test_a_statement_of_our_own_can_be_ended(store):
    stopped = threading.Event()
    threading.Timer(0.2, stopped.set).start()
    with store.reading() as db:
        with pytest.raises(QueryStopped), stoppable(db, stopped.is_set):
            db.execute(ENDLESS["no row and no end"]).fetchall()
    with store.reading() as db:  # the same connection, perhaps
        assert db.execute("SELECT count(*) FROM items").get == 3000
