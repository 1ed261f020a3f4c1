"""Edits of the settings, as pure functions."""

import msgspec
import pytest

from trayapp.endpoints.model import Auth, Endpoint, Pages, Request, Response, Settings, Table
from trayapp.endpoints.units import Duration
from trayapp.ui.editor.edits import (
    asked_for,
    duplicate,
    filled_in,
    goes_no_further,
    moved,
    named,
    with_endpoint,
    without_endpoint,
)


def settings(*ids: str) -> Settings:
    return Settings(endpoint=tuple(endpoint(id) for id in ids))


def endpoint(id: str, **more: object) -> Endpoint:
    return Endpoint(url=f"https://api.test/{id}", id=id, name=id.upper(), table=Table(name=id), **more)


def ids(settings: Settings) -> list[str]:
    return [each.id for each in settings.endpoint]


def test_an_endpoint_is_replaced_in_place_or_appended() -> None:
    before = settings("a", "b")
    changed = endpoint("a", enabled=False)
    assert with_endpoint(before, changed).endpoint == (changed, endpoint("b"))
    assert ids(with_endpoint(before, endpoint("c"))) == ["a", "b", "c"]


def test_an_endpoint_is_removed() -> None:
    assert ids(without_endpoint(settings("a", "b"), "a")) == ["b"]


@pytest.mark.parametrize(
    ("id", "by", "after"), [("a", 1, "bac"), ("c", -1, "acb"), ("a", -1, "abc"), ("c", 1, "abc"), ("b", 1, "acb")]
)
def test_an_endpoint_moves_as_far_as_the_list_goes(id: str, by: int, after: str) -> None:
    assert ids(moved(settings(*"abc"), id, by)) == list(after)


def test_new_names_collide_with_nothing_there_is() -> None:
    filled = named(Endpoint(url="https://other.test/a"), settings("a"))
    assert (filled.id, filled.name, filled.table.name) == ("a_2", "a", "a_2")


def test_an_endpoint_does_not_collide_with_itself() -> None:
    assert named(endpoint("a"), settings("a", "b")) == endpoint("a")


def test_half_typed_addresses_have_names_too() -> None:
    assert named(Endpoint(url="https://["), Settings()).name == "endpoint"


def test_a_duplicate_is_a_new_endpoint_with_the_same_request() -> None:
    copy = duplicate(endpoint("a", request=Request(params={"q": "x"})), "A (copy)")
    assert (copy.id, copy.name, copy.table.name) == ("", "A (copy)", "")
    assert copy.request.params == {"q": "x"}


def test_a_test_speaks_for_the_request_but_not_for_names_and_schedule() -> None:
    tested = asked_for(endpoint("a", every=Duration(60)))
    assert asked_for(endpoint("a", every=Duration(3600), enabled=False)) == tested
    renamed = Endpoint(url="https://api.test/a", id="z", name="Z", table=Table(name="z", mode="upsert"))
    assert asked_for(renamed) == tested
    assert asked_for(endpoint("a", auth=Auth(kind="bearer"))) != tested
    assert asked_for(endpoint("a", request=Request(params={"q": 1}))) != tested
    assert asked_for(Endpoint(url="https://api.test/a", table=Table(key=("id",)))) != tested


def test_what_was_found_completes_the_form_and_names_stay_those_of_the_form() -> None:
    form = endpoint("a", every=Duration(60))
    found = Endpoint(
        url=form.url,
        id="x",
        name="x",
        response=Response(records="items"),
        pages=Pages(kind="link"),
        table=Table(name="x", key=("id",)),
    )
    filled = filled_in(form, found)
    assert (filled.id, filled.name, filled.every) == ("a", "A", Duration(60))
    assert filled.response.records == "items"
    assert filled.pages.kind == "link"
    assert filled.table == Table(name="a", key=("id",))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://a.test/x", "https://a.test/y?z", True),
        ("https://a.test/x", "http://a.test/x", False),
        ("https://a.test/x", "https://b.test/x", False),
        ("https://a.test/x", "https://a.test:8443/x", False),
        ("https://a.test/x", "https://A.test:443/x", True),
        ("https://a.test/x", "https://[", False),
        ("https://a.test/x", "https://b.test\\@a.test/x", False),
    ],
)
def test_credentials_belong_to_scheme_host_and_port(one: str, other: str, same: bool) -> None:
    for now, before in ((one, other), (other, one)):
        assert goes_no_further(Endpoint(url=now), Endpoint(url=before), "secret") is same


def test_credentials_may_take_a_shorter_way_but_no_longer_one() -> None:
    short = Endpoint(url="https://a.test/x")
    proxied = msgspec.structs.replace(short, request=Request(proxy="http://proxy.test", ca_file="/ca.pem"))
    assert goes_no_further(short, proxied, "secret")
    assert not goes_no_further(proxied, short, "secret")
