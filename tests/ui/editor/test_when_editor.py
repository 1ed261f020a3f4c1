"""The constraints of an endpoint in its form, and the whole program's word on metered networks."""

import pytest
from pytestqt.qtbot import QtBot

from trayapp.endpoints.model import Endpoint, General, Settings, When
from trayapp.endpoints.units import Duration, HostPort, Size, TimeOfDay
from trayapp.ui.editor.form import EndpointForm
from trayapp.ui.settings.general_page import GeneralPage

EVERYTHING = When(
    network="unmetered",
    wifi=("Home, upstairs", "Work"),
    not_wifi=("Phone",),
    reachable=HostPort("nas.local", 445),
    power="ac",
    battery_above=20,
    idle=Duration(600),
    between=(TimeOfDay(22, 0), TimeOfDay(6, 0)),
    disk_free=Size(2**30),
    not_while=("zoom",),
    not_fullscreen=True,
)
TYPED = {
    "wifi": "Home, Work",
    "not_wifi": "Phone",
    "reachable": "nas.local:445",
    "battery_above": "20 %",
    "idle": "10m",
    "between": "22:00 - 06:00",
    "disk_free": "1GiB",
    "not_while": "zoom",
}


@pytest.fixture
def form(qtbot: QtBot) -> EndpointForm:
    form = EndpointForm(Settings())
    qtbot.addWidget(form)
    return form


def test_constraints_are_shown_and_read_back_as_they_were(form: EndpointForm) -> None:
    form.set_endpoint(Endpoint(url="https://a.example/x", id="x", name="x", when=EVERYTHING))
    found = form.endpoint()
    assert found is not None
    assert found.when == EVERYTHING
    assert not form.is_changed()


def test_constraints_are_typed(form: EndpointForm) -> None:
    form.set_endpoint(Endpoint(url="https://a.example/x"))
    for name, text in TYPED.items():
        form.when._texts[name][0].setText(text)
    form.when.network.setCurrentIndex(1)
    form.when.power.setCurrentIndex(1)
    form.when.not_fullscreen.setChecked(True)
    found = form.endpoint()
    assert found is not None
    assert found.when.wifi == ("Home", "Work")
    rest = {name: getattr(EVERYTHING, name) for name in When.__struct_fields__ if name != "wifi"}
    assert {name: getattr(found.when, name) for name in rest} == rest


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("reachable", "nas.local", "like nas.local:445"),
        ("battery_above", "full", "from 0 to 99"),
        ("battery_above", "100", "from 0 to 99"),
        ("idle", "long", "is not a duration"),
        ("between", "22:00", "like 22:00-06:00"),
        ("between", "22:00-25:00", "is not a time of day"),
        ("disk_free", "much", "is not a size"),
        ("not_while", "/usr/bin/zoom", "like zoom"),
    ],
)
def test_what_is_wrong_is_said_beside_the_field(form: EndpointForm, name: str, text: str, says: str) -> None:
    form.set_endpoint(Endpoint(url="https://a.example/x"))
    form.when._texts[name][0].setText(text)
    (field,) = (field for field in form.when.fields if field.path == f"when.{name}")
    assert says in field.problem
    assert form.endpoint() is None


def test_the_network_is_called_metered_by_hand(qtbot: QtBot) -> None:
    page = GeneralPage(General(metered="no"))
    qtbot.addWidget(page)
    assert page.general().metered == "no"
    with qtbot.waitSignal(page.changed):
        page.metered.setCurrentIndex(page.metered.findData("yes"))
    assert page.general().metered == "yes"
