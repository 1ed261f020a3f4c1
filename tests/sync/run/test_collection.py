import gc

import pytest

from trayapp.sync.run.collection import rare_collections


@pytest.fixture(autouse=True)
def thresholds():
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


def test_it_is_rarer_inside_and_as_before_after():
    gc.set_threshold(701, 11, 12)
    with rare_collections():
        assert gc.get_threshold()[0] > 10_000
    assert gc.get_threshold() == (701, 11, 12)


def test_overlapping_blocks_end_with_the_last_one():
    gc.set_threshold(701, 11, 12)
    one, other = rare_collections(), rare_collections()
    one.__enter__()
    other.__enter__()
    one.__exit__(None, None, None)
    assert gc.get_threshold()[0] > 10_000
    other.__exit__(None, None, None)
    assert gc.get_threshold() == (701, 11, 12)


def test_a_run_that_fails_ends_it_too():
    before = gc.get_threshold()
    with pytest.raises(OSError, match="disk"), rare_collections():
        raise OSError("disk")
    assert gc.get_threshold() == before
