"""The quick bench as a test with wide margins: it tells a design that went wrong, not a few per cent."""

import pytest

from tests.bench import engine
from tests.bench.figures import markdown
from tests.bench.run import gui_gap

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

RECORDS = 20_000
TRIES = 3
RATIOS = {"first load": 4.0, "nothing changed": 6.0, "1 % changed": 6.0}


def test_the_gui_stands_still_for_no_longer_than_a_frame_more_than_at_rest():
    best: dict[str, float] = {}
    for _ in range(TRIES):
        rows = [row for row in gui_gap(RECORDS, 2) if row.goal is not None]
        print(markdown(f"{RECORDS:,} records", rows))
        assert rows
        # The smallest of all: other processes can only make a gap longer.
        for row in rows:
            best[row.name] = min(*(found - row.goal for found in row.judged), best.get(row.name, 1e9))
        if all(over <= 0 for over in best.values()):
            return
    pytest.fail(f"ms over the goal, at best: {best}")


def test_a_run_costs_not_many_times_the_least_it_could():
    rows = engine.measure(RECORDS, 3)
    print(markdown(f"{RECORDS:,} records", rows))
    judged = {row.name: min(row.judged) for row in rows if row.name in RATIOS}
    assert judged.keys() == RATIOS.keys()
    assert {name: ratio for name, ratio in judged.items() if ratio > RATIOS[name]} == {}
