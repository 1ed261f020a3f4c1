"""The quick bench as a test with wide margins: it tells a design that went wrong, not a few per cent."""

import pytest

from tests.bench import engine
from tests.bench.figures import markdown
from tests.bench.run import GAP_MS, measure_gui

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

RECORDS = 20_000
TRIES = 3
RATIOS = {"first load": 4.0, "nothing changed": 6.0, "1 % changed": 6.0}


def test_the_gui_stands_still_for_no_longer_than_a_frame_more_than_at_rest():
    best = {}
    for _ in range(TRIES):
        rows = measure_gui(RECORDS, 2)
        print(markdown(f"{RECORDS:,} records", rows))
        # The smallest of all: other processes can only make a gap longer.
        best = {row.name: min(*row.ours, best.get(row.name, GAP_MS + 1.0)) for row in rows}
        if all(gap <= GAP_MS for gap in best.values()):
            return
    pytest.fail(f"longest gaps over the idle program's in ms, at best: {best}")


def test_a_run_costs_not_many_times_the_least_it_could():
    rows = engine.measure(RECORDS, 3)
    print(markdown(f"{RECORDS:,} records", rows))
    judged = {row.name: min(row.judged) for row in rows if row.name in RATIOS}
    assert judged.keys() == RATIOS.keys()
    assert {name: ratio for name, ratio in judged.items() if ratio > RATIOS[name]} == {}
