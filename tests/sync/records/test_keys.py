import pytest

from trayapp.sync.records import keys

ITEMS = [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}]


@pytest.mark.parametrize(
    ("records", "key"),
    [
        (ITEMS, ("id",)),
        ([{"name": "a", "uuid": "x"}, {"name": "b", "uuid": "y"}], ("uuid",)),
        ([{"v": 1, "issue_id": 3}, {"v": 2, "issue_id": 4}], ("issue_id",)),
        ([{"id": 1, "sku": "a"}, {"id": 1, "sku": "b"}], ("sku",)),
        ([{"id": None, "code": "a"}, {"id": 1, "code": "b"}], ("code",)),
        ([{"a": 1, "b": 1}, {"a": 1, "b": 2}, {"a": 2, "b": 1}], ("a", "b")),
        ([{"x": 1.5}, {"x": 2.5}], ()),
        ([{"x": 1}, {"x": 1}], ()),
        ([{"price": 1}], ()),
        ([], ()),
    ],
)
def test_what_tells_records_apart(records, key):
    assert keys.key_of(records, "issues") == key
