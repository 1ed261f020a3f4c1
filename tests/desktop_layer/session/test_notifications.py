import html

import pytest

from tests.hostile import ESCAPES, MARKUP, acting
from trayapp.desktop.session.notifications import Action, Notification, Notifier, notify_arguments

EVIL = Notification(key="a", title=f"{MARKUP}{ESCAPES}", body=f"{MARKUP}\n{ESCAPES}", actions=(Action("open", "Open"),))


@pytest.mark.parametrize("capabilities", [set(), {"body"}, {"body", "body-markup", "actions"}])
def test_a_service_gets_markup_only_if_it_knows_it(capabilities):
    _, _, _, title, body, *_ = notify_arguments(EVIL, 0, frozenset(capabilities), "")
    assert "<" not in title
    if "body-markup" in capabilities:
        assert "<" not in body
        body = html.unescape(body)
    assert body == EVIL.body


@pytest.mark.parametrize("text", [EVIL.title, "x" * 20_000, "a\n" * 20_000, "\udcff\0"])
def test_what_is_shown_is_short_and_visible(qtbot, monkeypatch, text):
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent")
    taken = []
    notifier = Notifier(taken.append)
    notifier.show(Notification(key="a", title=text, body=text))
    qtbot.waitUntil(lambda: bool(taken))
    notifier.close()
    assert acting(taken[0].title, "") == acting(taken[0].body) == set()
    assert len(taken[0].title) <= 200
    assert len(taken[0].body) <= 1000
