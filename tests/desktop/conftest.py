"""Fixtures of the tests on a real desktop, which are all marked `desktop`."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.desktop.accessibility import Accessibility
from tests.desktop.bus import Bus
from tests.desktop.notifications import Notifications
from tests.desktop.session import Desktop, missing_packages
from tests.desktop.session import desktop as start_desktop

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if _HERE in item.path.parents:
            item.add_marker(pytest.mark.desktop)


@pytest.fixture(scope="session")
def make_desktop() -> Callable[..., AbstractContextManager[Desktop]]:
    """Starts desktops of other parts than `desktop` has; skips where parts are missing, and fails in CI."""
    missing = missing_packages()
    if missing:
        reason = f"no real desktop; install: apt-get install --no-install-recommends {' '.join(missing)}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return start_desktop


@pytest.fixture(scope="session")
def desktop(make_desktop: Callable[..., AbstractContextManager[Desktop]]) -> Iterator[Desktop]:
    """A desktop with everything, shared by all tests."""
    with make_desktop() as running:
        yield running


@pytest.fixture
def bus(desktop: Desktop) -> Iterator[Bus]:
    bus = Bus(desktop.bus_address)
    yield bus
    bus.close()


@pytest.fixture
def notifications(desktop: Desktop) -> Iterator[Notifications]:
    """Everything the notification service is told during the test."""
    notifications = Notifications(desktop.bus_address)
    notifications.close_all()
    yield notifications
    notifications.close()


@pytest.fixture
def accessibility(desktop: Desktop) -> Iterator[Accessibility]:
    accessibility = Accessibility(desktop)
    yield accessibility
    accessibility.close()
