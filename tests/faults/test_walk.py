"""A sample of what `python -m tests.faults.walk all all` walks: no call of any command may fail badly."""

import pytest

from tests.faults import preload, walk

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(bool(preload.WHY_NOT), reason=preload.WHY_NOT),
]


@pytest.mark.parametrize(
    "arguments",
    ["all all --sample 1", "sync KILL", "sync TORN", "edit KILL", "edit POWER --sample 12", "sync POWER --sample 12"],
)
def test_commands_meet_failing_calls(arguments):
    said, code = walk.run(arguments.split())
    assert code == 0, said


def test_calls_are_seen_and_fail():
    said, _ = walk.run(["sync", "ENOSPC+", "--call", "9"])
    assert "exit code 1" in said or "exit code 2" in said
    assert "The disk is full" in said or "can't be" in said
    said, _ = walk.run(["sync", "KILL", "--call", "30"])
    assert "exit code -9" in said
