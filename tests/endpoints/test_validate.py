"""Which settings make sense together: what the types can't say."""

import pytest

from trayapp.endpoints.model import Endpoint, Incremental, Table
from trayapp.endpoints.units import Duration
from trayapp.endpoints.validate import check_endpoint


@pytest.mark.parametrize(
    ("incremental", "path"),
    [
        (Incremental(), "incremental.field"),
        (Incremental(field="at"), "incremental.param"),
        (Incremental(param="since"), "incremental.field"),
        (Incremental(field="at", path="seq", param="since"), "incremental.path"),
        (Incremental(field="at", param="since", format="iso8601"), "incremental.format"),
        (Incremental(field="at", param="since", format="at > {when}"), "incremental.format"),
        (Incremental(field="at", param="a b", into="header"), "incremental.param"),
        (Incremental(field="at", param="since", full_every=Duration(0)), "incremental.full_every"),
        (Incremental(path="delta", initial="1"), "incremental.initial"),
    ],
    ids=str,
)
def test_what_cannot_be_asked_for_incrementally(incremental, path):
    endpoint = Endpoint(url="https://a.example/x", incremental=incremental)
    assert path in [problem.path for problem in check_endpoint(endpoint)]


@pytest.mark.parametrize(
    "incremental",
    [
        Incremental(field="at", param="since"),
        Incremental(field="a.b", param="q", format="at >= '{%Y-%m-%d}'"),
        Incremental(field="at", param="q", format="at ge {}", lookback=Duration(60)),
        Incremental(path="header:ETag", param="_since", initial="0"),
        Incremental(path="@odata.deltaLink"),
        Incremental(deleted="gone=true"),
    ],
    ids=str,
)
def test_what_can_be_asked_for_incrementally(incremental):
    assert check_endpoint(Endpoint(url="https://a.example/x", incremental=incremental)) == []


@pytest.mark.parametrize("mode", ["append", "replace"])
def test_a_part_of_a_listing_needs_a_mode_that_keeps_the_rest(mode):
    endpoint = Endpoint(
        url="https://a.example/x", table=Table(mode=mode), incremental=Incremental(field="at", param="since")
    )
    assert [problem.path for problem in check_endpoint(endpoint)] == ["incremental.field"]
