"""The promise on servers that nobody wrote by hand, a sample: see `promise`."""

from collections import Counter

import pytest

from tests.shapes.promise import judged


@pytest.mark.slow
@pytest.mark.parametrize("first", [0, 50, 100, 150])
def test_every_run_is_exact_or_says_that_it_may_not_be(tmp_path, first):
    outcomes = Counter[str]()
    for seed in range(first, first + 50):
        folder = tmp_path / str(seed)
        folder.mkdir()
        outcomes[judged(seed, folder)] += 1
    assert outcomes["exact"] >= 36, outcomes
