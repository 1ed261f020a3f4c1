"""Fixtures of the tests on a real desktop, which are all marked `desktop`."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.desktop.accessibility import Accessibility
from tests.desktop.bus import Bus
from tests.desktop.notifications import Notifications
from tests.desktop.services import Properties, Service
from tests.desktop.session import Desktop, missing_packages
from tests.desktop.session import desktop as start_desktop
from tests.server import ApiServer

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


@pytest.fixture
def machine(desktop: Desktop) -> Iterator[Desktop]:
    """The desktop, its bus in the place of the system's too."""
    desktop.environment["DBUS_SYSTEM_BUS_ADDRESS"] = desktop.bus_address
    yield desktop
    del desktop.environment["DBUS_SYSTEM_BUS_ADDRESS"]


@pytest.fixture
def serve(machine: Desktop, bus: Bus) -> Iterator[Callable[[str, dict[str, Properties]], Service]]:
    """Starts a service; it ends with the test."""
    services = []

    def start(name: str, properties: dict[str, Properties]) -> Service:
        services.append(Service(machine.bus_address, name, properties))
        bus.wait_for_name(name)
        return services[-1]

    yield start
    for service in services:
        service.close()


@pytest.fixture
def home(desktop: Desktop) -> Path:
    folder = desktop.folder / f"h{time.monotonic_ns() % 10**9}"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture
def api() -> Iterator[ApiServer]:
    with ApiServer() as api:
        yield api
