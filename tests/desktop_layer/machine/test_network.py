"""The network in our words."""

import pytest
from PySide6.QtNetwork import QNetworkInformation
from pytestqt.qtbot import QtBot

from trayapp.desktop.machine.network import Network, NetworkWatcher, as_network

Reachability = QNetworkInformation.Reachability


@pytest.mark.parametrize(
    ("reachability", "online", "known"),
    [
        (Reachability.Unknown, True, False),
        (Reachability.Disconnected, False, True),
        (Reachability.Local, True, True),
        (Reachability.Site, True, True),
        (Reachability.Online, True, True),
    ],
)
def test_only_no_network_at_all_is_offline(reachability: Reachability, online: bool, known: bool) -> None:
    assert as_network(reachability, False) == Network(online=online, metered=False, known=known)
    assert as_network(reachability, True).metered


def test_the_last_of_many_changes_counts(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    """A minute of calm never passes here, however busy the machine is, until it is made short."""
    watcher = NetworkWatcher(calm_ms=60_000)
    states = iter([Network(online=True, metered=True)])
    monkeypatch.setattr(watcher, "_look", lambda: next(states))
    seen: list[Network] = []
    watcher.changed.connect(seen.append)
    for _ in range(20):
        watcher._calm.start()
        qtbot.wait(2)
    assert watcher._calm.isActive()
    assert seen == []
    watcher._calm.setInterval(1)
    qtbot.waitUntil(lambda: bool(seen))
    assert not watcher._calm.isActive()
    assert seen == [watcher.network] == [Network(online=True, metered=True)]


def test_a_change_that_is_none_is_not_told(qtbot: QtBot) -> None:
    watcher = NetworkWatcher(calm_ms=1)
    with qtbot.assertNotEmitted(watcher.changed, wait=50):
        watcher._calm.start()
