"""Prints what came of every shape, at the end of the run."""

import pytest

_RESULTS = pytest.StashKey[dict[str, str]]()


@pytest.fixture(scope="session")
def shape_results(request: pytest.FixtureRequest) -> dict[str, str]:
    """What came of each shape, by name."""
    return request.config.stash.setdefault(_RESULTS, {})


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """The table of results."""
    results = config.stash.get(_RESULTS, {})
    if not results:
        return
    terminalreporter.section(f"{len(results)} API shapes")
    widest = max(map(len, results))
    for name, result in results.items():
        terminalreporter.write_line(f"{name:{widest}}  {result}")
