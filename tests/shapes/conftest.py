"""Prints what came of every shape, at the end of the run."""

import pytest

SHAPE = "shape"
"""The property of a test's report, as a pair: a shape's name, and what came of it."""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The table of results; the reports come from all processes that ran tests."""
    reports = [report for outcome in ("passed", "failed") for report in terminalreporter.stats.get(outcome, ())]
    properties = [each for report in reports for each in report.user_properties]
    results = sorted(tuple(value) for name, value in properties if name == SHAPE)
    if not results:
        return
    terminalreporter.section(f"{len(results)} API shapes")
    widest = max(len(name) for name, _ in results)
    for name, result in results:
        terminalreporter.write_line(f"{name:{widest}}  {result}")
