"""For how long nobody has used the machine, from what logind says."""

from trayapp.desktop.machine.idle.linux import logind_idle


def test_a_hint_that_no_desktop_gives_says_nothing() -> None:
    assert logind_idle(False, 0, 1000.0) is None
    assert logind_idle(False, 400_000_000, 1000.0) == 0
    assert logind_idle(True, 400_000_000, 1000.0) == 600
    assert logind_idle(True, 2_000_000_000, 1000.0) == 0
