import pytest

from trayapp.app.memory import AfterRuns, trim


def test_memory_is_given_back_when_the_last_run_has_ended():
    rests = []
    runs = AfterRuns(lambda: rests.append(None))
    with runs.run():
        with runs.run():
            pass
        assert not rests, "another one still runs"
    assert len(rests) == 1
    with pytest.raises(ValueError, match="broken"), runs.run():
        raise ValueError("broken")
    assert len(rests) == 2
    trim()
