"""A virtual day of fifty endpoints, 5 % of all answers wrong; `python -m tests.soak` makes two weeks of it."""

from datetime import timedelta
from pathlib import Path

import pytest

from tests.soak.soak import FIRST, Service, Soak, growth, soak

MOST_WAL = 4096
"""KiB: what SQLite lets it grow to before it moves it into the file by itself, at pages of 4 KiB."""


@pytest.mark.slow
def test_a_day_loses_and_doubles_no_run_and_lets_nothing_grow(tmp_path: Path) -> None:
    outcome = soak(tmp_path, days=1)
    assert outcome.wrong == []
    assert outcome.differing == []
    assert sum(outcome.ended.values()) > 500
    failed = {how for how in outcome.ended if how.startswith("failed")}
    assert len(failed) >= 5, "the faults were met"
    handles, threads = ({getattr(sample, what) for sample in outcome.samples} for what in ("handles", "threads"))
    assert max(handles) - min(handles) <= 2
    assert max(threads) - min(threads) <= 1
    assert max(sample.most_wal for sample in outcome.samples) <= MOST_WAL


@pytest.mark.slow
def test_the_oracle_sees_what_is_lost_doubled_and_different(tmp_path: Path) -> None:
    with Service(seed=2) as service:
        made = Soak(tmp_path, service, timedelta(hours=2), lambda _: None)
        made.live()
        kept = made.runs()
        assert made.wrong(kept) == []
        first, *others = kept["e0"]
        lost = {**kept, "e0": [first, *others[3:]]}
        assert [line for line in made.wrong(lost) if line.startswith("e0: due at")], "lost"
        doubled = {**kept, "e0": [first, *others, others[-1]]}
        assert {line.partition(":")[0] for line in made.wrong(doubled)} == {"e0"}, "doubled"
        made.settle()
        assert made.differing() == []
        service.tell("change")
        assert made.differing(), "the server has other records now"
        made.workspace.close()


def test_growth_is_that_of_the_last_quarter_over_the_first_settled_one() -> None:
    from tests.soak.soak import Sample

    def samples(sizes: list[int]) -> list[Sample]:
        return [Sample(FIRST, size, 0, 0, 0, 0, 0, 0, 0, 0) for size in sizes]

    assert growth(samples([50, 60, *[100] * 14]), "rss") == 0
    assert growth(samples([50, 60, *range(100, 114)]), "rss") > 0.08
