"""Which records say of themselves that they were deleted."""

import json

import pytest

from trayapp.store.mirror.tombstones import Tombstone
from trayapp.store.records.fields import decode_records


def is_marked(setting, record):
    raw = record if isinstance(record, bytes) else json.dumps(record).encode()
    (fields,) = decode_records([raw])
    return Tombstone.parse(setting).marks(fields)


@pytest.mark.parametrize("setting", ["", " ", "=", "=true", " = x"])
def test_without_a_field_there_is_none(setting):
    assert Tombstone.parse(setting) is None


YES = [True, 1, -1, 0.5, "yes", "2026-01-01", "true", {"by": "x"}, [1]]
NO = [None, False, 0, 0.0, -0.0, "", "false", "False", "0", "0.00", "null", {}, []]
PLACES = {
    "gone": lambda value: {"id": 1, "gone": value},
    "meta.gone": lambda value: {"id": 1, "meta": {"other": 1, "gone": value}},
    "a.b.gone": lambda value: {"id": 1, "a": {"b": {"gone": value}}, "b": {"gone": 7}, "a.b": 1, "gone": None},
    "a.b": lambda value: {"id": 1, "a.b": value, "a": {"b": 5}},
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("says", ["yes", "no"])
def test_whatever_says_yes_marks(place, says):
    for value in YES if says == "yes" else NO:
        assert is_marked(f" {place} ", PLACES[place](value)) == (says == "yes"), value


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"gone": 1},
        {"meta": None},
        {"meta": 1},
        {"meta": "gone"},
        {"meta": [1]},
        {"meta": {"x": 1}},
        {"meta": '{"gone": 1}'},
    ],
    ids=str,
)
@pytest.mark.parametrize(
    "setting", ["meta.gone", "meta.gone.at", "meta.gone=true", "meta.gone.at=1", "nothing", "nothing.at"]
)
def test_nothing_on_the_way_is_no(setting, record):
    assert not is_marked(setting, record)
    assert is_marked(f"{setting.partition('=')[0]}=null", record)


@pytest.mark.parametrize(
    ("wanted", "value", "others"),
    [
        ("true", True, [False, 1, "True", None]),
        ("false", False, [True, 0, None]),
        ("1", 1, [True, 10, 1.5]),
        ("deleted", "deleted", ["Deleted", "undeleted", None]),
        ("a=b", "a=b", ["a"]),
        ("", "", [None, 0, " "]),
        ("null", None, ["", 0]),
        ("[1]", [1], [1, [1, 2]]),
    ],
)
@pytest.mark.parametrize("place", PLACES)
def test_a_value_that_is_asked_for_marks_alone(place, wanted, value, others):
    setting = f"{place} = {wanted} "
    assert is_marked(setting, PLACES[place](value))
    assert not [other for other in others if is_marked(setting, PLACES[place](other))]
