"""The README's table of schedulers' features says what is so."""

from tests.readme import README, table_in
from tests.schedule.features import as_markdown, without_test


def test_every_feature_has_a_test_or_a_reason() -> None:
    assert without_test() == []


def test_the_readme_has_the_same_table() -> None:
    assert table_in(README.read_text("utf-8"), "features") == as_markdown(), "run: python -m tests.schedule.features"
