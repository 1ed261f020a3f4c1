"""Two edits of the same settings: nothing of either is lost, and what can't be had both ways is named."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trayapp.endpoints.merging import HIDDEN, Conflict, Decision, Merged, SettingsConflict, merged, settled
from trayapp.endpoints.model import Auth, Endpoint, General, Request, Settings, Table
from trayapp.endpoints.settings import complete
from trayapp.endpoints.units import Duration


def made(*endpoints: Endpoint, general: General | None = None) -> Settings:
    return complete(Settings(general=general or General(), endpoint=endpoints))


def a(**fields: Any) -> Endpoint:
    return Endpoint(**{"id": "a", "url": "https://a.example/items", "table": Table(name="a"), **fields})


def b(**fields: Any) -> Endpoint:
    return Endpoint(**{"id": "b", "url": "https://b.example/items", "table": Table(name="b"), **fields})


def test_an_endpoint_that_another_program_added_stays() -> None:
    both = merged(made(a()), made(a(name="Mine")), made(a(), b()))
    assert [(each.id, each.name) for each in both.settings.endpoint] == [("a", "Mine"), ("b", "items")]
    assert both.conflicts == ()


def test_what_another_program_removed_is_gone_unless_i_changed_it() -> None:
    assert [each.id for each in merged(made(a(), b()), made(a(name="Mine"), b()), made(a())).settings.endpoint] == ["a"]
    both = merged(made(a(), b()), made(a(), b(enabled=False)), made(a()))
    assert [each.id for each in both.settings.endpoint] == ["a", "b"]
    assert [(each.endpoint, each.path, each.theirs) for each in both.conflicts] == [("b", "", None)]


def test_fields_that_each_side_changed_come_together() -> None:
    base = made(a(request=Request(headers={"Accept": "text/csv"})), general=General(theme="dark"))
    mine = made(a(request=Request(headers={"Accept": "text/csv", "X-Mine": "1"})), general=General(theme="light"))
    theirs = made(
        a(request=Request(headers={"X-Theirs": "2"}, timeout=Duration(5))),
        general=General(theme="dark", notifications="none"),
    )
    both = merged(base, mine, theirs)
    (endpoint,) = both.settings.endpoint
    assert endpoint.request == Request(headers={"X-Mine": "1", "X-Theirs": "2"}, timeout=Duration(5))
    assert both.settings.general == General(theme="light", notifications="none")
    assert both.conflicts == ()


@pytest.mark.parametrize(("prefer", "name"), [("mine", "Mine"), ("theirs", "Theirs")])
def test_a_field_that_both_changed_is_a_conflict(prefer: Any, name: str) -> None:
    both = merged(made(a(name="Base")), made(a(name="Mine")), made(a(name="Theirs", enabled=False)), prefer)
    assert both.conflicts == (Conflict("a", "name", "Mine", "Theirs"),)
    assert (both.settings.endpoint[0].name, both.settings.endpoint[0].enabled) == (name, False)


def test_half_of_one_schedule_and_half_of_another_is_neither() -> None:
    base = made(a(every=Duration(3600)))
    both = merged(base, made(a(cron="0 9 * * *")), made(a(every=Duration(3600), flex=Duration(600))))
    assert [each.path for each in both.conflicts] == ["schedule"]
    assert both.settings == made(a(cron="0 9 * * *"))


def test_half_of_one_sign_in_and_half_of_another_is_neither() -> None:
    base = made(a(auth=Auth(kind="basic", user="eva")))
    both = merged(base, made(a(auth=Auth(kind="bearer"))), made(a(auth=Auth(kind="basic", user="max"))), "theirs")
    assert [each.path for each in both.conflicts] == ["auth"]
    assert both.settings.endpoint[0].auth == Auth(kind="basic", user="max")


@pytest.mark.parametrize(("prefer", "name", "tags"), [("mine", "Mine", ()), ("theirs", "Theirs", ("x",))])
def test_a_new_endpoint_of_the_same_id_on_both_sides_is_one_of_them(prefer: Any, name: str, tags: Any) -> None:
    both = merged(made(), made(a(name="Mine")), made(a(name="Theirs", tags=("x",))), prefer)
    assert [(each.endpoint, each.path) for each in both.conflicts] == [("a", "")]
    assert [(each.name, each.tags) for each in both.settings.endpoint] == [(name, tags)]


@pytest.mark.parametrize(
    ("fields", "other"),
    [
        ({"url": "https://a.example/?api_key=s3cret"}, {"url": "https://b.example/"}),
        ({"url": "https://me:s3cret@a.example/"}, {"url": "https://b.example/"}),
        ({"request": Request(headers={"X-Api-Key": "s3cret"})}, {"request": Request(headers={"X-Api-Key": "other"})}),
        ({"request": Request(params={"token": "s3cret"})}, {"request": Request(params={"token": "other"})}),
        ({"request": Request(json={"token": "s3cret"})}, {"request": Request(json={"token": "other"})}),
        ({"auth": Auth(kind="oauth2_client", token_url="https://a.example/?token=s3cret")}, {"auth": Auth(user="x")}),
    ],
)
def test_no_conflict_shows_a_secret(fields: dict[str, Any], other: dict[str, Any]) -> None:
    for sides in ((a(**fields), a(**other)), (a(**other), a(**fields))):
        found = merged(
            made(a(name="items")),
            *(Settings(endpoint=(msgspec.structs.replace(each, name="items"),)) for each in sides),
        ).conflicts
        assert len(found) == 1
        assert "s3cret" not in repr(found)
        assert HIDDEN in (found[0].mine, found[0].theirs)


def test_endpoints_that_one_side_moved_have_its_order() -> None:
    base, moved = made(a(), b()), made(b(), a())
    for mine, theirs in ((moved, made(a(name="Other"), b())), (made(a(name="Other"), b()), moved)):
        assert [(each.id, each.name) for each in merged(base, mine, theirs).settings.endpoint] == [
            ("b", "items"),
            ("a", "Other"),
        ]


def test_a_decision_is_only_about_the_conflicts_it_has_seen() -> None:
    base, mine, theirs = (made(a(name=name, tags=(name,))) for name in ("base", "mine", "theirs"))
    with pytest.raises(SettingsConflict) as raised:
        settled(base, mine, theirs)
    conflicts = raised.value.conflicts
    assert raised.value.problem.code == "settings_conflict"
    assert [each.path for each in conflicts] == ["name", "tags"]
    assert settled(base, mine, theirs, Decision("theirs", conflicts)) == theirs
    assert settled(base, mine, theirs, Decision("mine", conflicts)) == mine
    with pytest.raises(SettingsConflict):
        settled(base, mine, theirs, Decision("mine", conflicts[:1]))
    assert settled(base, mine, base) == mine


names = st.sampled_from(["one", "two", "three"])
edits = st.fixed_dictionaries(
    {},
    optional={
        "name": names,
        "enabled": st.booleans(),
        "tags": st.lists(names, unique=True).map(tuple),
        "every": st.sampled_from([Duration(60), Duration(3600)]),
        "request": st.builds(Request, headers=st.dictionaries(st.sampled_from(["X-A", "X-B"]), names)),
    },
)
sides = st.dictionaries(st.sampled_from(["a", "b", "c", "d"]), edits)


def side(fields: dict[str, dict[str, Any]]) -> Settings:
    return made(
        *(
            msgspec.structs.replace(
                Endpoint(id=id, url=f"https://{id}.example/", name=id, table=Table(name=id)), **each
            )
            for id, each in fields.items()
        )
    )


@given(sides, sides)
def test_an_edit_of_one_side_alone_is_taken_whole(base: dict[str, Any], edited: dict[str, Any]) -> None:
    assert merged(side(base), side(edited), side(base)).settings == side(edited)
    assert merged(side(base), side(base), side(edited)) == Merged(side(edited))


@given(sides, sides, sides)
def test_each_side_gets_its_way_where_it_is_preferred(
    base: dict[str, Any], mine: dict[str, Any], theirs: dict[str, Any]
) -> None:
    """The same conflicts whoever is preferred; without one, both results are the same; and changing sides, too."""
    first, second = (merged(side(base), side(mine), side(theirs), prefer) for prefer in ("mine", "theirs"))
    assert first.conflicts == second.conflicts
    by_id = [{each.id: each for each in both.settings.endpoint} for both in (first, second)]
    if not first.conflicts:
        assert by_id[0] == by_id[1]
    turned = merged(side(base), side(theirs), side(mine), "theirs")
    assert {each.id: each for each in turned.settings.endpoint} == by_id[0]
    for each in side(theirs).endpoint:
        if each.id not in base:
            assert each.id in by_id[0]
